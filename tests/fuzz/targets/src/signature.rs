//! The signature of requests to CAM, against a second implementation: the simulators' verifier, written apart.

use crate::bytes::Bytes;
use crate::signer::{Signable, authorization};
use crate::verifier::{Authorization, Flaw, Message, verify};

/// Visible and in lower case, as the client's headers are.
fn value(data: &mut Bytes) -> String {
    let text = String::from_utf8_lossy(data.line()).to_lowercase();
    let visible: String = text.chars().filter(|c| !c.is_control()).collect();
    visible.trim().to_owned()
}

/// What one signs, the other accepts; and neither with another body, key or moment.
pub(crate) fn tc3(data: &[u8]) {
    let mut data = Bytes::new(data);
    let seconds = i64::from(u32::from_be_bytes([
        data.byte(),
        data.byte(),
        data.byte(),
        data.byte(),
    ]));
    let (host, action) = (value(&mut data), value(&mut data));
    let (id, key) = ("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", value(&mut data));
    let body = data.rest();
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("host", host.as_str()),
        ("x-tc-action", action.as_str()),
    ];
    let request = Signable {
        method: "POST",
        query: "",
        headers: &headers,
        body,
    };
    let header = authorization(id, &key, &request, seconds);
    let parsed = Authorization::parse(&header).expect("it has the form");
    assert_eq!(parsed.secret_id, id);
    let mut sent: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    sent.push(("x-tc-timestamp".to_owned(), seconds.to_string()));
    let message = |body| Message {
        method: "POST",
        query: "",
        headers: &sent,
        body,
    };
    assert_eq!(verify(message(body), &parsed, &key, seconds), Ok(()));
    let other = [body, b"x"].concat();
    let wrong = Err(Flaw::Wrong);
    assert_eq!(verify(message(&other), &parsed, &key, seconds), wrong);
    assert_eq!(
        verify(message(body), &parsed, &format!("{key}x"), seconds),
        wrong
    );
    let late = verify(message(body), &parsed, &key, seconds + 301);
    assert_eq!(late, Err(Flaw::Expired));
}
