//! Callbacks as WeCom sends them: signed, encrypted, wrapped in XML (`wecom-api.md 3.1` to `3.3`).

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};

use crate::query::encode;

/// WeCom's keys may have trailing bits, which strict decoders refuse.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// WeCom pads to blocks of 32 bytes, not to those of AES.
const PADDING_BLOCK: usize = 32;

/// What an administrator sets for a callback URL. Its secrets are never shown.
#[derive(Clone)]
pub struct CallbackKeys {
    token: String,
    key: [u8; 32],
    receive_id: String,
}

impl std::fmt::Debug for CallbackKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackKeys")
            .field("receive_id", &self.receive_id)
            .finish_non_exhaustive()
    }
}

/// A request that WeCom would send to the callback URL.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The query string, percent-encoded, without the question mark.
    pub query: String,
    /// The XML body of a POST; empty for the URL verification, which is a GET.
    pub body: String,
    /// The ciphertext in base64: `Encrypt`, or `echostr`.
    pub encrypted: String,
    /// The msg_signature.
    pub signature: String,
}

impl CallbackKeys {
    /// Takes the Token, the 43 characters of the EncodingAESKey, and the corpid (or suite id) that the message ends with.
    /// `None` when the key is not one.
    pub fn new(token: &str, encoding_aes_key: &str, receive_id: &str) -> Option<Self> {
        let key = BASE64.decode(encoding_aes_key).ok()?.try_into().ok()?;
        Some(Self {
            token: token.to_owned(),
            key,
            receive_id: receive_id.to_owned(),
        })
    }

    /// An event with this plaintext; the 16 bytes that are random in real life follow from the nonce.
    pub fn event(&self, plaintext: &str, timestamp: i64, nonce: &str) -> Callback {
        self.event_with_prefix(plaintext, timestamp, nonce, prefix_of(nonce))
    }

    /// As [`Self::event`], with these 16 bytes in front.
    pub fn event_with_prefix(
        &self,
        plaintext: &str,
        timestamp: i64,
        nonce: &str,
        prefix: [u8; 16],
    ) -> Callback {
        let encrypted = self.encrypt(plaintext.as_bytes(), prefix);
        let signature = self.sign(timestamp, nonce, &encrypted);
        let query = format!(
            "msg_signature={signature}&timestamp={timestamp}&nonce={}",
            encode(nonce)
        );
        let body = format!(
            "<xml><ToUserName><![CDATA[{}]]></ToUserName><AgentID><![CDATA[]]></AgentID><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>",
            self.receive_id
        );
        Callback {
            query,
            body,
            encrypted,
            signature,
        }
    }

    /// The GET that verifies a URL; the right answer is `echo` itself.
    pub fn verification(&self, echo: &str, timestamp: i64, nonce: &str) -> Callback {
        self.verification_with_prefix(echo, timestamp, nonce, prefix_of(nonce))
    }

    /// As [`Self::verification`], with these 16 bytes in front.
    pub fn verification_with_prefix(
        &self,
        echo: &str,
        timestamp: i64,
        nonce: &str,
        prefix: [u8; 16],
    ) -> Callback {
        let encrypted = self.encrypt(echo.as_bytes(), prefix);
        let signature = self.sign(timestamp, nonce, &encrypted);
        let query = format!(
            "msg_signature={signature}&timestamp={timestamp}&nonce={}&echostr={}",
            encode(nonce),
            encode(&encrypted)
        );
        Callback {
            query,
            body: String::new(),
            encrypted,
            signature,
        }
    }

    /// The msg_signature over these values.
    pub fn sign(&self, timestamp: i64, nonce: &str, encrypted: &str) -> String {
        let timestamp = timestamp.to_string();
        let mut parts = [self.token.as_str(), &timestamp, nonce, encrypted];
        parts.sort_unstable();
        Sha1::digest(parts.concat().as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn encrypt(&self, message: &[u8], prefix: [u8; 16]) -> String {
        let mut plain = prefix.to_vec();
        plain.extend(
            u32::try_from(message.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        plain.extend(message);
        plain.extend(self.receive_id.as_bytes());
        let padding = PADDING_BLOCK - plain.len() % PADDING_BLOCK;
        plain.extend(std::iter::repeat_n(
            u8::try_from(padding).unwrap_or(0),
            padding,
        ));
        let length = plain.len();
        let cipher = cbc::Encryptor::<Aes256>::new((&self.key).into(), &self.iv().into());
        // Cannot fail: the length is a multiple of the block.
        cipher
            .encrypt_padded::<NoPadding>(&mut plain, length)
            .map(|bytes| BASE64.encode(bytes))
            .unwrap_or_default()
    }

    /// Opens a ciphertext: the message and what it was sent to. `None` when it is damaged.
    pub fn decrypt(&self, encrypted: &str) -> Option<(Vec<u8>, String)> {
        let mut bytes = BASE64.decode(encrypted).ok()?;
        let cipher = cbc::Decryptor::<Aes256>::new((&self.key).into(), &self.iv().into());
        let plain = cipher.decrypt_padded::<NoPadding>(&mut bytes).ok()?;
        let padding = usize::from(*plain.last()?);
        let (content, pad) = plain.split_at_checked(plain.len().checked_sub(padding)?)?;
        if padding == 0
            || padding > PADDING_BLOCK
            || pad.iter().any(|byte| usize::from(*byte) != padding)
        {
            return None;
        }
        let length = u32::from_be_bytes(content.get(16..20)?.try_into().ok()?);
        let (message, receive_id) = content
            .get(20..)?
            .split_at_checked(usize::try_from(length).ok()?)?;
        Some((
            message.to_vec(),
            String::from_utf8(receive_id.to_vec()).ok()?,
        ))
    }

    fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.key[..16]);
        iv
    }
}

fn prefix_of(nonce: &str) -> [u8; 16] {
    let mut prefix = [0; 16];
    prefix.copy_from_slice(&Sha1::digest(nonce.as_bytes())[..16]);
    prefix
}

/// The plaintext of a change_contact event (`wecom-api.md 3.6`): `change_type` is `update_user` and the like, `fields` are
/// its own elements, e.g. `("UserID", "zhangsan")`.
pub fn change_contact(
    corp_id: &str,
    created: i64,
    change_type: &str,
    fields: &[(&str, &str)],
) -> String {
    event_xml(
        corp_id,
        "sys",
        created,
        "change_contact",
        &[&[("ChangeType", change_type)], fields].concat(),
    )
}

/// The plaintext of a subscribe or unsubscribe event, which a self-built app receives when a member enters or leaves its
/// visible range (`wecom-api.md 3.5`).
pub fn subscription(
    corp_id: &str,
    userid: &str,
    created: i64,
    agent_id: u32,
    subscribed: bool,
) -> String {
    let event = if subscribed {
        "subscribe"
    } else {
        "unsubscribe"
    };
    event_xml(
        corp_id,
        userid,
        created,
        event,
        &[("AgentID", &agent_id.to_string())],
    )
}

fn event_xml(
    corp_id: &str,
    from: &str,
    created: i64,
    event: &str,
    fields: &[(&str, &str)],
) -> String {
    let element = |(name, value): &(&str, &str)| {
        let value = value.replace("]]>", "]]]]><![CDATA[>");
        format!("<{name}><![CDATA[{value}]]></{name}>")
    };
    let fields: String = fields.iter().map(element).collect();
    format!(
        "<xml><ToUserName><![CDATA[{corp_id}]]></ToUserName><FromUserName><![CDATA[{from}]]></FromUserName>\
         <CreateTime>{created}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event>\
         {fields}</xml>"
    )
}
