//! Signature and encryption of callbacks (`wecom-api.md` 3.3).

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::{hex, sha1};

/// WeCom pads to 32 bytes, not to the 16 of AES.
const PAD_MAX: usize = 32;

/// Random bytes, and the length of the message, before the message.
const PREFIX: usize = 16;
const HEADER: usize = PREFIX + 4;

/// The console draws all 43 characters at random, so that the last one usually has bits set that mean nothing; a
/// strict decoder would refuse three keys of four.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a callback is not what it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not signed with this token.
    Signature,
    /// The configured key is not one.
    Key,
    /// Not encrypted with this key.
    Cipher,
    /// Meant for another enterprise.
    Receiver,
}

impl Refused {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Signature => "the signature is wrong",
            Self::Key => "the configured EncodingAESKey is not 43 letters and digits",
            Self::Cipher => {
                "the signature is right, but the text is not encrypted with the configured EncodingAESKey"
            }
            Self::Receiver => "the callback is meant for another enterprise",
        }
    }
}

/// Checks the signature over token, timestamp, nonce and ciphertext.
pub(super) fn check(
    token: &str,
    timestamp: &str,
    nonce: &str,
    encrypted: &str,
    signature: &str,
) -> Result<(), Refused> {
    let mut parts = [
        token.as_bytes(),
        timestamp.as_bytes(),
        nonce.as_bytes(),
        encrypted.as_bytes(),
    ];
    parts.sort_unstable();
    let expected = hex(&sha1(&parts));
    if same(expected.as_bytes(), signature.as_bytes()) {
        Ok(())
    } else {
        Err(Refused::Signature)
    }
}

/// Compares in a time that tells nothing about where the difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |found, (a, b)| found | (a ^ b))
            == 0
}

/// Decrypts, and checks every byte of the padding and whom the message is for.
pub(super) fn decrypt(key: &str, encrypted: &str, receiver: &str) -> Result<Vec<u8>, Refused> {
    let key = KEY_BASE64.decode(key).map_err(|_| Refused::Key)?;
    let key: [u8; 32] = key.try_into().map_err(|_| Refused::Key)?;
    let mut text = BASE64.decode(encrypted).map_err(|_| Refused::Cipher)?;
    if text.is_empty() || text.len() % 16 != 0 {
        return Err(Refused::Cipher);
    }
    let mut iv = [0; 16];
    iv.copy_from_slice(&key[..16]);
    let mut cipher = cbc::Decryptor::<Aes256>::new(&Array(key), &Array(iv));
    let (blocks, _) = Array::slice_as_chunks_mut(&mut text);
    cipher.decrypt_blocks(blocks);
    let unpadded = unpad(&text).ok_or(Refused::Cipher)?;
    let length: [u8; 4] = unpadded
        .get(PREFIX..HEADER)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Refused::Cipher)?;
    let rest = &unpadded[HEADER..];
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| Refused::Cipher)?;
    let (message, whom) = rest.split_at_checked(length).ok_or(Refused::Cipher)?;
    if whom == receiver.as_bytes() {
        Ok(message.to_vec())
    } else {
        Err(Refused::Receiver)
    }
}

fn unpad(text: &[u8]) -> Option<&[u8]> {
    let pad = usize::from(*text.last()?);
    if !(1..=PAD_MAX).contains(&pad) {
        return None;
    }
    let (content, padding) = text.split_at_checked(text.len().checked_sub(pad)?)?;
    padding
        .iter()
        .all(|byte| usize::from(*byte) == pad)
        .then_some(content)
}
