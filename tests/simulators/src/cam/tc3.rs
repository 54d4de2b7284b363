//! TC3-HMAC-SHA256 as the service verifies it (`cam-api.md 1.2` to `1.5`), written apart from the daemon's own signer.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const SERVICE: &str = "cam";

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The query string as sent, without the question mark; empty for POST.
    pub query: &'a str,
    /// The headers as sent, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body as sent.
    pub body: &'a [u8],
}

impl Message<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Hex of the hash of the canonical request over these signed headers; `None` when one of them was not sent.
    pub fn canonical_hash(&self, signed_headers: &[String]) -> Option<String> {
        let mut headers = String::new();
        for name in signed_headers {
            // Values are lower-cased as the signature page says; the SDKs only ever sign lower-case values.
            let value = self.header(name)?.trim().to_lowercase();
            headers.push_str(&format!("{name}:{value}\n"));
        }
        let payload = if self.method == "GET" {
            hash(b"")
        } else {
            hash(self.body)
        };
        let canonical = format!(
            "{}\n/\n{}\n{headers}\n{}\n{payload}",
            self.method,
            self.query,
            signed_headers.join(";")
        );
        Some(hash(canonical.as_bytes()))
    }
}

/// What an `Authorization` header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Which key signed.
    pub secret_id: String,
    /// The UTC date of the scope.
    pub date: String,
    /// The service of the scope; `cam`.
    pub service: String,
    /// The names of the signed headers, in the order given.
    pub signed_headers: Vec<String>,
    /// Lower-case hex.
    pub signature: String,
}

impl Authorization {
    /// Reads `TC3-HMAC-SHA256 Credential=.., SignedHeaders=.., Signature=..`; `None` when it has another form.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header
            .strip_prefix(ALGORITHM)?
            .strip_prefix(' ')?
            .split(", ");
        let mut scope = parts.next()?.strip_prefix("Credential=")?.split('/');
        let signed_headers = parts.next()?.strip_prefix("SignedHeaders=")?;
        let signature = parts.next()?.strip_prefix("Signature=")?;
        if parts.next().is_some() {
            return None;
        }
        let authorization = Self {
            secret_id: scope.next()?.to_owned(),
            date: scope.next()?.to_owned(),
            service: scope.next()?.to_owned(),
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            signature: signature.to_owned(),
        };
        (scope.next() == Some("tc3_request") && scope.next().is_none()).then_some(authorization)
    }
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// More than 300 s between the timestamp and the server's clock.
    Expired,
    /// The scope, the signed headers or the signature itself is wrong.
    Wrong,
}

/// Checks a signature made with `secret_key`, at the server's time `now` (UNIX seconds).
///
/// # Errors
/// A timestamp that is off by more than five minutes, or any mismatch.
pub fn verify(
    message: Message<'_>,
    authorization: &Authorization,
    secret_key: &str,
    now: i64,
) -> Result<(), Flaw> {
    let timestamp = message.header("x-tc-timestamp").ok_or(Flaw::Wrong)?;
    let seconds: i64 = timestamp.parse().map_err(|_| Flaw::Wrong)?;
    if (now - seconds).abs() > 300 {
        return Err(Flaw::Expired);
    }
    let names = &authorization.signed_headers;
    let required = ["content-type", "host"]
        .iter()
        .all(|required| names.iter().any(|name| name == required));
    if !required || !names.is_sorted() || authorization.service != SERVICE {
        return Err(Flaw::Wrong);
    }
    if utc_date(seconds).as_deref() != Some(authorization.date.as_str()) {
        return Err(Flaw::Wrong);
    }
    let expected =
        signature(message, names, secret_key, timestamp, &authorization.date).ok_or(Flaw::Wrong)?;
    if expected == authorization.signature {
        Ok(())
    } else {
        Err(Flaw::Wrong)
    }
}

/// The `Authorization` header that signs this message, whose headers hold `x-tc-timestamp` and the signed ones.
/// `None` when one of them is missing.
pub fn authorize(
    message: Message<'_>,
    signed_headers: &[&str],
    secret_id: &str,
    secret_key: &str,
) -> Option<String> {
    let timestamp = message.header("x-tc-timestamp")?;
    let date = utc_date(timestamp.parse().ok()?)?;
    let names: Vec<String> = signed_headers
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let signature = signature(message, &names, secret_key, timestamp, &date)?;
    Some(format!(
        "{ALGORITHM} Credential={secret_id}/{date}/{SERVICE}/tc3_request, SignedHeaders={}, Signature={signature}",
        names.join(";")
    ))
}

fn signature(
    message: Message<'_>,
    signed_headers: &[String],
    secret_key: &str,
    timestamp: &str,
    date: &str,
) -> Option<String> {
    let canonical = message.canonical_hash(signed_headers)?;
    let to_sign = format!("{ALGORITHM}\n{timestamp}\n{date}/{SERVICE}/tc3_request\n{canonical}");
    Some(hex(&hmac(
        &signing_key(secret_key, date)?,
        to_sign.as_bytes(),
    )?))
}

/// The key that signs on one UTC date: kSigning in `cam-api.md 1.4`.
fn signing_key(secret_key: &str, date: &str) -> Option<Vec<u8>> {
    let key = hmac(format!("TC3{secret_key}").as_bytes(), date.as_bytes())?;
    let key = hmac(&key, SERVICE.as_bytes())?;
    hmac(&key, b"tc3_request")
}

fn utc_date(seconds: i64) -> Option<String> {
    Some(
        chrono::DateTime::from_timestamp(seconds, 0)?
            .format("%Y-%m-%d")
            .to_string(),
    )
}

fn hmac(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(data);
    Some(mac.finalize().into_bytes().to_vec())
}

fn hash(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
