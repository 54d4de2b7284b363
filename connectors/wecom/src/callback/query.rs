//! Values of a raw query string, percent-decoded exactly once (`wecom-api.md` 3.1).

/// The first value with this name. A plus stays a plus: WeCom's base64 holds them. Nothing when there is none, or it
/// is not UTF-8.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let raw = query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(found, _)| *found == name))?
        .1;
    String::from_utf8(decode(raw)).ok()
}

/// A percent sign that begins no escape stands for itself.
fn decode(raw: &str) -> Vec<u8> {
    let bytes = raw.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}
