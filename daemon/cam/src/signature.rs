//! TC3-HMAC-SHA256, the signature of Tencent Cloud API 3.0 (`cam-api.md 1.3` and `1.4`). Pure.

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The name of the algorithm, as it stands in the string to sign and in the header.
pub const ALGORITHM: &str = "TC3-HMAC-SHA256";
const SERVICE: &str = "cam";
const TERMINATOR: &str = "tc3_request";
/// SHA-256 hashes in blocks of this many bytes; HMAC pads its key to one.
const BLOCK_BYTES: usize = 64;

/// The parts of a request that are signed; they must be exactly what is sent.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The query string as sent; empty for POST.
    pub query: &'a str,
    /// Headers to sign: names in lower case, sorted; values as sent, trimmed.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body as sent.
    pub body: &'a [u8],
}

impl Signable<'_> {
    /// The canonical request of `cam-api.md 1.3`. The path is always `/`.
    #[must_use]
    pub fn canonical_request(&self) -> String {
        let headers: String = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        format!(
            "{}\n/\n{}\n{headers}\n{}\n{}",
            self.method,
            self.query,
            self.signed_headers(),
            sha256_hex(self.body)
        )
    }

    fn signed_headers(&self) -> String {
        self.headers
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(";")
    }
}

/// The day of a timestamp in UTC, `YYYY-MM-DD`: the local day would be refused for eight hours a day in China.
#[must_use]
pub fn utc_date(unix_seconds: i64) -> String {
    DateTime::from_timestamp(unix_seconds, 0)
        .unwrap_or_default()
        .format("%Y-%m-%d")
        .to_string()
}

/// What is signed: algorithm, timestamp, scope and the hash of the canonical request, a line each.
#[must_use]
pub fn string_to_sign(request: &Signable<'_>, unix_seconds: i64) -> String {
    let canonical = sha256_hex(request.canonical_request().as_bytes());
    format!(
        "{ALGORITHM}\n{unix_seconds}\n{}\n{canonical}",
        scope(&utc_date(unix_seconds))
    )
}

/// The key that signs on one UTC day.
#[must_use]
pub fn signing_key(secret_key: &str, date: &str) -> Zeroizing<[u8; 32]> {
    let secret = Zeroizing::new(format!("TC3{secret_key}"));
    let day = hmac_sha256(secret.as_bytes(), date.as_bytes());
    let service = hmac_sha256(day.as_slice(), SERVICE.as_bytes());
    hmac_sha256(service.as_slice(), TERMINATOR.as_bytes())
}

/// The value of the `Authorization` header for a request signed at `unix_seconds`.
#[must_use]
pub fn authorization(
    secret_id: &str,
    secret_key: &str,
    request: &Signable<'_>,
    unix_seconds: i64,
) -> String {
    let date = utc_date(unix_seconds);
    let key = signing_key(secret_key, &date);
    let signature = hmac_sha256(
        key.as_slice(),
        string_to_sign(request, unix_seconds).as_bytes(),
    );
    format!(
        "{ALGORITHM} Credential={secret_id}/{}, SignedHeaders={}, Signature={}",
        scope(&date),
        request.signed_headers(),
        hex(signature.as_slice())
    )
}

fn scope(date: &str) -> String {
    format!("{date}/{SERVICE}/{TERMINATOR}")
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    // The key is brought to one block as RFC 2104 says, so that no length can be refused.
    let mut block = Zeroizing::new([0_u8; BLOCK_BYTES]);
    if key.len() <= BLOCK_BYTES {
        block[..key.len()].copy_from_slice(key);
    } else {
        let digest = Sha256::digest(key);
        block[..digest.len()].copy_from_slice(&digest);
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
