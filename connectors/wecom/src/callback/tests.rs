//! The test vectors of `wecom-api.md` 3.8, and callbacks that are none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use camsync_connector_sdk::types::{
    CallbackAnswer, CallbackRequest, Department, Hint, Level, Member, Outcome, Request, Ticket,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::crypto::{Refused, check, decrypt};
use super::*;
use base64::Engine;

const TOKEN: &str = "tv1Token";
const KEY: &str = "QTOWHIVAYvXSgkmLbE4XTanuii8GpMyiDkz08EZ3pgM";
const CORP: &str = "ww3f1c0de5a1b2c3d4";
const TV2: &str = concat!(
    "Ly83wITAwLyZPMCjiBHPEQyhXKX8kmypgtPOaTqF1nMgXTs9AijSmMilQVBov8SZ3yo6O43d7Qo3qovgFhuLuC0NMCCeyrV+",
    "zVA/xbOpKEruCAeYQ4CTGgynUMan2NQdzCTAG4dL1uDy9fyEa/nUZtJzsQIYI8lIOHNCuSCws6M3NLuiWo0iErN3ejQ3tSAe",
    "a2m6NYp/XPVhs2a3FTelAli3VS24Bv63qDbWDIT8JpsqUY7hMzu41zc9fLddFEoWtOShT295gK8VJkA6v9pzSDZ3kyZFV/G5",
    "At598ferdVjoB6Gn0X/igz6eBRXPNijhwP41/Y9Scn8kRsXsz4nDOTtreyizlNAxyAVfSLCvJVKWfgmEqSZwCGedhjQoT3Hk",
    "kpgpqc7szD1TuX2NLcFY9xuli1rCNUGcp53ReeEvL8snE+hdJYdVW/Sh3gC0o5H4JyyBDf0MAVKSYbYtXrMmlVvA/Wzf4H79",
    "XTHiw3l49hbqm+fxypCuczKPON5KvTJLlbOyDsumlwz7IA9W6nUcdfJbZwkZ/kvHDtlUWkktpsEwsRjv0f416k1MgSeU0lna",
    "9bNydDNfnTNz9+GpoATqXq5EgW2j9Dym7Hbs/wdcnjPV0z+qThh8KcDNlP3uNg8c6juC0KKcVx8jg5DJm9S6DBvEdJRe633Y",
    "9XM9wTgMtu4=",
);
const TV3: &str = concat!(
    "GlU/wEyEejbM7xjHAc+T7ZqGOiKpWAxZ6CRe/qFkxtEacSKmbJ78pzBdVkp9eXK4eMTPAXKQwvlVvQP+RTgjXvYpf6nMbMQE",
    "wdg46cUptHZKxzNA8aLQPaB+AnlUaRfeWtphRZEzEO4E4CZkMQ09h+UyTkZ2IxlWCtLatAHoVgs4KsK9FXgWZfbSf88u8x3e",
    "N5P2nRUCkiF3kMnCcZE33s+qH7yVmfVkx1fzJuzUqXHFIUvevk8PTUac2FUQLGsHfLhm84nx68jaDvqgc7rBjNgE7rslvkp2",
    "WopVeJt2SRkCE61mcVaYOJrRph2Qh/V2Vjx6s3Rjo0c+SZb8Ud89Ca3arwe8OPvh5OWHjY+oHayFrANJa23gNWfmk0S0ZWwz",
    "B/LH3sA4gJnBb7LtFa3IpCeiPWcfFFwwJZxUC55aiQeh64pCFTiKy3pdX3zWU5+70LeY5thEYRkFPfcV21uhgF+V4QTrKuCN",
    "Vv/atUYKFaWWGpelWDvm61tngrH8pbNye5+tRrSdbFmY+6ymSvF8HeG3wv4n0CaaRY/1Fwlvgdn9ALGyTuQtcWoqorkcLSiL",
    "EdjFbqJqz7Ue9GHT3B9gnw==",
);
const TV4: &str = concat!(
    "tIfu9T3VeOjxJPD7f2zvNaTU5rMXvy64qXor2UUCalDgr7oGkmY7w1I1Uoa/NAX2enxMJzzZDDBvUhpN4k5D+2ZwHrjd4ja8",
    "3BnKgTvAC1BE7TP4copW6xQLoPkvuoEXUcKV/sgy9YQjeHHxlskBS0bBDql+k7eugpjrCC68s774e2+yzrFXl3OIKP4J29kl",
    "SvLcH7BrZAZ1LirWV0NWgfOqrh7Suk5z1NDdGhHLxBSmHWezEs6lrqidhfFgreOh889yTNmDxqxDRPXjX41XdnuKLzVJkOJZ",
    "wKMo73Lf9c3YLUkMPWjEnfZ8E3h5/40vl4U2wDJ1iz9p0xA24Qz9ZA==",
);
const TV5: &str = concat!(
    "hgm+VNEr2Y5UX/t5dpU6+rqbrFVKst7TQV4oYSxlwh6kE98sztyywcwftcJotloYl1j643B+GCsq3wtx0bD6cCh0rEdt3CBe",
    "zWn9SJRJvDTDrI6Q453mxxQALDGHV+Om",
);

/// Callbacks must not use the network, and need no clock, cache or sink.
struct NoHost;

impl Host for NoHost {
    fn submit(&self, _: Request) -> Ticket {
        panic!("a callback used the network")
    }
    fn wait(&self) -> Option<(Ticket, Outcome)> {
        panic!("a callback used the network")
    }
    fn now_ms(&self) -> f64 {
        0.0
    }
    fn sleep_ms(&self, _: u32) {}
    fn log(&self, _: Level, _: &str) {}
    fn cache_get(&self, _: &str) -> Option<String> {
        None
    }
    fn cache_set(&self, _: &str, _: &str, _: u32) {}
    fn cache_delete(&self, _: &str) {}
    fn departments(&self, _: Vec<Department>) {}
    fn members(&self, _: Vec<Member>) {}
    fn progress(&self, _: u32, _: Option<u32>) {}
}

fn settings(corp_id: &str, more: Value) -> Settings {
    let mut settings = json!({"corp_id": corp_id, "agent_id": 1, "secret": "s"});
    settings
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Settings::parse(&settings.to_string()).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn app() -> Settings {
    settings(
        CORP,
        json!({"callback_token": TOKEN, "callback_aes_key": KEY}),
    )
}

fn get(settings: &Settings, query: &str) -> CallbackAnswer {
    let request = CallbackRequest {
        method: "GET".into(),
        query: query.into(),
        body: vec![],
    };
    answer(&NoHost, settings, &request).unwrap()
}

fn post(settings: &Settings, query: &str, body: &[u8]) -> CallbackAnswer {
    let request = CallbackRequest {
        method: "POST".into(),
        query: query.into(),
        body: body.to_vec(),
    };
    answer(&NoHost, settings, &request).unwrap()
}

fn envelope(encrypted: &str) -> Vec<u8> {
    format!(
        "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID><![CDATA[]]></AgentID>\
         <Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    .into_bytes()
}

const TV1_QUERY: &str = "msg_signature=6d5ba7a4301db1705db8281925fbba66019701a3&timestamp=1700000001&nonce=820374615\
    &echostr=3YA%2BdPOKoJeTJhWRsxhugpvvjz2NgppLkuvm4L4dNDZ35RsqjSbJCJaJq20O%2F3KWsi%2FIk7iHCFBOEiq%2FU8%2FbQw%3D%3D";
const TV2_QUERY: &str =
    "msg_signature=7c5f248b6cb9c697c449aba8215189211d52fb48&timestamp=1700000100&nonce=nonce42";
const TV3_QUERY: &str =
    "msg_signature=47b495f54fb2b4e173763b02e4fe89cce195d846&timestamp=1700000200&nonce=7";
const TV5_QUERY: &str =
    "msg_signature=843792ae3d5c3d67bd5ca2e7b2c225e5417179d9&timestamp=1700000400&nonce=abc";

#[test]
fn tv0_the_official_sample_with_its_non_canonical_key() {
    let settings = settings(
        "wx5823bf96d3bd56c7",
        json!({"callback_token": "QDG6eK", "callback_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}),
    );
    let head = "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr=";
    let echo =
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
    let escaped = echo
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    // As it comes, bare with its plus signs, and with plus signs that something on the way took for spaces.
    for echo in [escaped, echo.to_owned(), echo.replace('+', "%20")] {
        let answer = get(&settings, &format!("{head}{echo}"));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "1616140317555161061")
        );
        assert!(answer.hints.is_empty());
    }
}

#[test]
fn tv1_url_verification() {
    let answer = get(&app(), TV1_QUERY);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "4815162342108")
    );
}

#[test]
fn tv2_create_user() {
    let answer = post(&app(), TV2_QUERY, &envelope(TV2));
    assert_eq!((answer.status, answer.body.as_str()), (200, "success"));
    assert_eq!(answer.hints, [Hint::Member("zhangsan".into())]);
    let text = String::from_utf8(decrypt(KEY, TV2, CORP).unwrap()).unwrap();
    assert!(
        text.contains("<Name><![CDATA[张三]]></Name>")
            && text.ends_with("<Status>4</Status></xml>"),
        "{text}"
    );
}

#[test]
fn tv3_update_user_with_another_id_and_a_whole_block_of_padding() {
    let answer = post(&app(), TV3_QUERY, &envelope(TV3));
    assert_eq!(
        answer.hints,
        [Hint::MemberRenamed {
            old: "zhangsan".into(),
            new: "zhangsan01".into()
        }]
    );
}

#[test]
fn tv4_a_suite_command() {
    let (token, key) = ("suiteTok9", "tRuZX4KdiY7COgeJfBuniL0TON4iQgpVRpKLiLUz7x4");
    check(
        token,
        "1700000300",
        "zz9",
        TV4,
        "312336fe5fea4307bd9d9efa4c755da2176efea1",
    )
    .unwrap();
    let text = String::from_utf8(decrypt(key, TV4, "ww9a8b7c6d5e4f3a2b").unwrap()).unwrap();
    assert!(
        text.starts_with("<xml><SuiteId>") && text.contains("change_auth"),
        "{text}"
    );
}

#[test]
fn tv5_a_message_that_ends_on_a_block() {
    assert_eq!(decrypt(KEY, TV5, CORP).unwrap(), [b'x'; 26]);
    // Authentic, but no XML: accepted, or WeCom would send it again; what it says only a crawl can tell.
    let answer = post(&app(), TV5_QUERY, &envelope(TV5));
    assert_eq!((answer.status, answer.hints), (200, vec![Hint::Everything]));
}

#[test]
fn a_wrong_signature_is_refused() {
    for (right, wrong) in [
        ("9701a3&", "9701a4&"),
        ("nonce=820374615", "nonce=820374616"),
        ("&timestamp=1", "&timestamp=2"),
    ] {
        let answer = get(&app(), &TV1_QUERY.replace(right, wrong));
        assert_eq!(answer.status, 403, "{wrong}");
        assert!(!answer.body.contains("4815162342108"));
    }
    assert_eq!(
        get(&app(), &TV1_QUERY.replace("msg_signature", "signature")).status,
        403
    );
    assert_eq!(
        get(&app(), &TV1_QUERY.replace("6d5ba7a4", "6D5BA7A4")).status,
        403
    );
    assert_eq!(
        post(&app(), &TV2_QUERY.replace("fb48&", "fb4&"), &envelope(TV2)).status,
        403
    );
    assert_eq!(post(&app(), "", &envelope(TV2)).status, 403);
}

#[test]
fn sorting_hides_which_of_timestamp_and_nonce_is_which() {
    let swapped = TV2_QUERY.replace(
        "timestamp=1700000100&nonce=nonce42",
        "timestamp=nonce42&nonce=1700000100",
    );
    assert_eq!(post(&app(), &swapped, &envelope(TV2)).status, 200);
}

#[test]
fn another_enterprises_callback_is_refused() {
    assert_eq!(
        decrypt(KEY, TV2, "wwffffffffffffffff"),
        Err(Refused::Receiver)
    );
    let other = settings(
        "wwffffffffffffffff",
        json!({"callback_token": TOKEN, "callback_aes_key": KEY}),
    );
    assert_eq!(post(&other, TV2_QUERY, &envelope(TV2)).status, 403);
}

#[test]
fn a_cut_ciphertext_is_refused() {
    for cut in 1..80 {
        let refused = decrypt(KEY, &TV2[..TV2.len() - cut], CORP);
        assert!(refused.is_err(), "{cut}");
    }
    assert_eq!(
        decrypt(KEY, &TV2[..TV2.len() - 4], CORP),
        Err(Refused::Cipher)
    );
    assert_eq!(decrypt(KEY, "", CORP), Err(Refused::Cipher));
}

#[test]
fn every_byte_of_the_padding_counts() {
    // In CBC a flipped bit of one ciphertext block flips the same bit of the next plaintext block: this one lies in
    // TV-3's padding, 32 bytes of 32, before the last byte.
    let mut bytes = base64::engine::general_purpose::STANDARD
        .decode(TV3)
        .unwrap();
    let place = bytes.len() - 16 - 5;
    bytes[place] ^= 1;
    let flipped = base64::engine::general_purpose::STANDARD.encode(&bytes);
    assert_eq!(decrypt(KEY, &flipped, CORP), Err(Refused::Cipher));
}

#[test]
fn a_key_that_is_none_is_said() {
    for key in [
        "",
        "short",
        &KEY[..42],
        "QTOWHIVAYvXSgkmLbE4XTanuii8GpMyiDkz08EZ3pg!",
        &KEY.repeat(2),
    ] {
        assert_eq!(decrypt(key, TV2, CORP), Err(Refused::Key), "{key}");
        if !key.is_empty() {
            let settings = settings(
                CORP,
                json!({"callback_token": TOKEN, "callback_aes_key": key}),
            );
            let answer = post(&settings, TV2_QUERY, &envelope(TV2));
            assert_eq!(answer.status, 403);
            assert!(
                answer.body.contains("EncodingAESKey") && !answer.body.contains(key),
                "{}",
                answer.body
            );
        }
    }
}

#[test]
fn both_pairs_are_tried() {
    let other = json!({"callback_token": "other", "callback_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "contact_sync_callback_token": TOKEN, "contact_sync_callback_aes_key": KEY});
    assert_eq!(
        post(&settings(CORP, other), TV2_QUERY, &envelope(TV2)).status,
        200
    );
    // One token for both, as lazy people do: then the keys are told apart by what decrypts.
    let same_token = json!({"callback_token": TOKEN, "callback_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "contact_sync_callback_token": TOKEN, "contact_sync_callback_aes_key": KEY});
    assert_eq!(
        post(&settings(CORP, same_token), TV2_QUERY, &envelope(TV2)).status,
        200
    );
}

#[test]
fn without_a_configured_callback_there_is_none() {
    assert_eq!(get(&settings(CORP, json!({})), TV1_QUERY).status, 404);
    let half = settings(CORP, json!({"callback_token": TOKEN}));
    let request = CallbackRequest {
        method: "GET".into(),
        query: TV1_QUERY.into(),
        body: vec![],
    };
    let failure = answer(&NoHost, &half, &request).unwrap_err();
    assert!(matches!(failure, Failure::SettingsWrong(_)), "{failure:?}");
}

#[test]
fn what_is_no_callback_is_refused() {
    let long = format!("<xml><Encrypt>{}</Encrypt></xml>", "A".repeat(BODY_MAX));
    let bodies: [(&[u8], u16); 9] = [
        (b"", 400),
        (b"{}", 400),
        (b"<xml>", 400),
        (b"<xml></xml>", 400),
        (b"<xml><Encrypt>x</xml>", 400),
        (b"\xff\xfe", 400),
        (
            b"<!DOCTYPE xml [<!ENTITY e \"x\">]><xml><Encrypt>&e;</Encrypt></xml>",
            400,
        ),
        (b"<xml><Encrypt>&e;</Encrypt></xml>", 400),
        (long.as_bytes(), 413),
    ];
    for (body, status) in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(post(&app(), TV2_QUERY, body).status, status, "{shown}");
    }
    let request = CallbackRequest {
        method: "PUT".into(),
        query: TV2_QUERY.into(),
        body: envelope(TV2),
    };
    assert_eq!(answer(&NoHost, &app(), &request).unwrap().status, 405);
}

#[test]
fn events_become_hints() {
    let hints = |xml: &str| event::hints(&xml::parse(xml.as_bytes()).unwrap());
    let contact = |rest: &str| hints(&format!("<xml><Event>change_contact</Event>{rest}</xml>"));
    let member = |id: &str| vec![Hint::Member(id.to_owned())];
    for kind in ["create_user", "update_user", "delete_user"] {
        assert_eq!(
            contact(&format!(
                "<ChangeType><![CDATA[{kind}]]></ChangeType><UserID>a&amp;b</UserID>"
            )),
            member("a&b")
        );
    }
    for kind in [
        "create_party",
        "update_party",
        "delete_party",
        "update_tag",
        "something_new",
    ] {
        assert_eq!(
            contact(&format!("<ChangeType>{kind}</ChangeType><Id>2</Id>")),
            [Hint::Everything]
        );
    }
    assert_eq!(
        contact("<ChangeType>update_user</ChangeType>"),
        [Hint::Everything],
        "whom?"
    );
    for event in ["subscribe", "unsubscribe"] {
        let xml = format!(
            "<xml><FromUserName><![CDATA[lisi]]></FromUserName><Event><![CDATA[{event}]]></Event></xml>"
        );
        assert_eq!(hints(&xml), member("lisi"));
    }
    assert!(hints("<xml><MsgType>text</MsgType><Content>hello</Content></xml>").is_empty());
    assert!(
        hints("<xml><Event>enter_agent</Event><FromUserName>lisi</FromUserName></xml>").is_empty()
    );
}

#[test]
fn xml_is_read_flat() {
    let xml = "<?xml version=\"1.0\"?>\n<!-- c --><xml>\n <A> x<![CDATA[<y>&]]>&#65; </A><B/><A>second</A>\
               <ExtAttr><Item><A>deep</A></Item></ExtAttr></xml>\n";
    let values = xml::parse(xml.as_bytes()).unwrap();
    assert_eq!(values["A"], " x<y>&A ");
    assert_eq!(values["B"], "");
    assert_eq!(values["ExtAttr"], "");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert!(xml::parse(deep.as_bytes()).is_err());
    assert!(xml::parse(b"<a></a><b></b>").is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_a_callback_panic(query in ".{0,200}", body in prop::collection::vec(any::<u8>(), 0..400)) {
        let answer = post(&app(), &query, &body);
        prop_assert!([400, 403].contains(&answer.status));
        prop_assert!(answer.hints.is_empty());
        let _ = xml::parse(&body);
    }

    #[test]
    fn no_ciphertext_makes_decryption_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let whole = bytes.len() / 16 * 16;
        for bytes in [&bytes[..], &bytes[..whole]] {
            let _ = decrypt(KEY, &base64::engine::general_purpose::STANDARD.encode(bytes), CORP);
        }
    }

    #[test]
    fn a_query_value_is_decoded_once(value in ".{0,60}") {
        let mut encoded = String::new();
        crate::request::encode(&value, &mut encoded);
        prop_assert_eq!(query::value(&format!("a=b&v={encoded}&v=x"), "v"), Some(value));
    }
}
