//! Every vector of `cam-api.md 1.7`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const SECRET_ID: &str = "AKIDEXAMPLE0000000000000000000000000";
const SECRET_KEY: &str = "FAKEsecretKEY0123456789abcdefGHIJKL";
const JSON: &str = "application/json";
const HOST: &str = "cam.tencentcloudapi.com";
const COMPACT_ADD_USER: &str = r#"{"Name":"zhang.san","Remark":"张三","ConsoleLogin":1,"UseApi":0,"NeedResetPassword":1,"CountryCode":"86"}"#;

/// One vector: what is sent, and each value that the dossier gives for it.
struct Vector {
    name: &'static str,
    timestamp: i64,
    date: &'static str,
    method: &'static str,
    query: &'static str,
    content_type: &'static str,
    host: &'static str,
    /// The value of a signed `x-tc-action`, in V8 only.
    action: Option<&'static str>,
    body: &'static str,
    body_sha256: &'static str,
    canonical_sha256: &'static str,
    signing_key: Option<&'static str>,
    signature: &'static str,
}

const BASE: Vector = Vector {
    name: "",
    timestamp: 1_700_000_000,
    date: "2023-11-14",
    method: "POST",
    query: "",
    content_type: JSON,
    host: HOST,
    action: None,
    body: "",
    body_sha256: "",
    canonical_sha256: "",
    signing_key: None,
    signature: "",
};

const VECTORS: &[Vector] = &[
    Vector {
        name: "V1",
        body: r#"{"Name": "alice"}"#,
        body_sha256: "6e08baefadccd12923071146977aa8fb7f49c4ddb9935eb77633c911129b24fd",
        canonical_sha256: "0cf66dd0c286241a6bca7347a2df15093d9272b27a15be11fc44e2be0e9fedc2",
        signing_key: Some("a3c2840bb42cf771a4d15eb4bd77cf58a1fd3e5469927adcc14c9866d29ef46e"),
        signature: "9a74a217aac911e5b90b4ff1007ce585a4466b7a8ae8ed4abd5c0f312d3eb172",
        ..BASE
    },
    Vector {
        name: "V2",
        timestamp: 1_718_409_599,
        date: "2024-06-14",
        body: r#"{"Name": "zhang.san", "Remark": "\u5f20\u4e09", "ConsoleLogin": 1, "UseApi": 0, "NeedResetPassword": 1, "CountryCode": "86"}"#,
        body_sha256: "d67c50c8168072fff57a20944796bea69fe59f0fabc378d3651409f3f94f8078",
        canonical_sha256: "b4d4c387d9a6560799599e7b47ba3579d34a3d8701075db72add440a90b4a711",
        signing_key: Some("f1d33803d637f68b8da39f3325c6f2cfe5e0652faf7f6841f783ab0f694aea2c"),
        signature: "45538384e0b66913fc7bb3d91d14ee53cf4439d590b3ba748ead80a1ddccd432",
        ..BASE
    },
    Vector {
        name: "V3",
        timestamp: 1_718_409_600,
        date: "2024-06-15",
        body: "{}",
        body_sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        canonical_sha256: "82220eb7aed4a7728f5f54f82c7f068e257c47d3b6f47347a3eec0c5f0d4e477",
        signing_key: Some("cf5161873dff9a074f1a1e574dbc5e94d7037e87408d3e6f8a6ac65e33ac163f"),
        signature: "b67ab50333dc07946bd8caa9d497970cb72a2523322f660c482b2a0b4dbe4121",
        ..BASE
    },
    Vector {
        name: "V4",
        timestamp: 1_767_225_600,
        date: "2026-01-01",
        host: "cam.intl.tencentcloudapi.com",
        body: r#"{"Info": [{"GroupId": 3449, "Uin": 100000546533}]}"#,
        body_sha256: "ca6d939ee65579eb04ca30e2a4379775c9e2142d9779616fc09eceb7b8baacad",
        canonical_sha256: "7de9c8ce328f720bc5da2f044f679c50ef38931d9bc6c0b70cf68123f1c5e66d",
        signing_key: Some("fab1217af2fd52fa4b6958e0318c43dc56ed7ba3e84fc94548330584d45201d5"),
        signature: "3db172fe15a5adb45564bad999f8ec33774f60bc3ce92ef35f6ffee1ca6cb627",
        ..BASE
    },
    Vector {
        name: "V5",
        timestamp: 1_709_251_199,
        date: "2024-02-29",
        body: r#"{"Name": "zhang.san@acme", "Force": 1}"#,
        body_sha256: "da76a4423237fbcd1642a26377b145cf91d136a214ed65d46572ed67561bb5f6",
        canonical_sha256: "6f7263f4f73ea4a194d9339392163a883b490636dea69e94c78205a2b29182d2",
        signing_key: Some("b2a48d0783160f7ed7f9d6f53a8c159c5f4f63872726f61b0cad29672ed74260"),
        signature: "c3e6b69f874daf4afc0618882e3517560caeecf1c1e3d2791da8decb38146ccf",
        ..BASE
    },
    Vector {
        name: "V6",
        method: "GET",
        query: "Offset=0&Limit=100",
        content_type: "application/x-www-form-urlencoded",
        body_sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        canonical_sha256: "c252e57b7ac6b3c00229cdae8d083b4dc057af32e1c9f5a0bc249628cd970237",
        signature: "cc9a4a6a4225a50f6675b690c188020d9ed915eba62e9a607f39cae4e1da85db",
        ..BASE
    },
    Vector {
        name: "V7",
        body: r#"{"Name":"alice"}"#,
        body_sha256: "e5c38e1ca857e984c4fb912516c090058559db4851d8d67dd07d3ad32d69b6a8",
        canonical_sha256: "5d0fc74de8b58d091bc78e09ce3f94af5d9fad6ab11b18601b5325f4d9eb2191",
        signature: "072cfe16242de809b54d8ba60996d3e8b7434197aa80711fccff27720407df2b",
        ..BASE
    },
    Vector {
        name: "V8",
        action: Some("getuser"),
        body: r#"{"Name":"alice"}"#,
        body_sha256: "e5c38e1ca857e984c4fb912516c090058559db4851d8d67dd07d3ad32d69b6a8",
        canonical_sha256: "9f7eb041c57b054056b827987f117e82d8dfa0b7c678e204311645dbd9b232ac",
        signature: "70112b5c38a1777831f78cb8966db04ee5d79adbbb0db74d910fb7e31da8bb1c",
        ..BASE
    },
    Vector {
        name: "V9",
        timestamp: 1_718_409_599,
        date: "2024-06-14",
        body: COMPACT_ADD_USER,
        body_sha256: "4b06415f34704b16052bd346ea4e49b88a53a412ed35c57f40853a3b746e07e2",
        canonical_sha256: "3f5c5a1d5f3ba4d978c3829ae1703239335fbef140a08d808bf91c082b9c3ee9",
        signature: "cdfd215e9ef8faf14c4e0c41b667f6e293f661295c557332f9f755e010f7c05c",
        ..BASE
    },
    Vector {
        name: "V10",
        timestamp: 1_718_409_599,
        date: "2024-06-14",
        content_type: "application/json; charset=utf-8",
        body: COMPACT_ADD_USER,
        body_sha256: "4b06415f34704b16052bd346ea4e49b88a53a412ed35c57f40853a3b746e07e2",
        canonical_sha256: "931c668be934694af1dfc21a585eeeca770d2dc3e43b681ffaea6290eb07d6d8",
        signature: "391524a88fb292b0e16c5398820b328fc5c32d34a45eb015f3e514f03ca2e5b7",
        ..BASE
    },
    Vector {
        name: "V9 to a host with a port",
        timestamp: 1_718_409_599,
        date: "2024-06-14",
        host: "127.0.0.1:8080",
        body: COMPACT_ADD_USER,
        body_sha256: "4b06415f34704b16052bd346ea4e49b88a53a412ed35c57f40853a3b746e07e2",
        canonical_sha256: "1b79cf978fcf62985696aac22b851697521b64a6eb3a89f64a381cf4111d4fae",
        signature: "c7e1733fabd4e4501c8e375a7fa7df130c743ddfa4302407f262ad89b12c9183",
        ..BASE
    },
];

#[test]
fn every_vector_of_the_dossier_holds() {
    for vector in VECTORS {
        let mut headers = vec![("content-type", vector.content_type), ("host", vector.host)];
        headers.extend(vector.action.map(|action| ("x-tc-action", action)));
        let request = Signable {
            method: vector.method,
            query: vector.query,
            headers: &headers,
            body: vector.body.as_bytes(),
        };
        let name = vector.name;
        assert_eq!(utc_date(vector.timestamp), vector.date, "{name}: date");
        assert_eq!(
            sha256_hex(vector.body.as_bytes()),
            vector.body_sha256,
            "{name}: body"
        );
        assert_eq!(
            sha256_hex(request.canonical_request().as_bytes()),
            vector.canonical_sha256,
            "{name}: canonical request"
        );
        if let Some(expected) = vector.signing_key {
            let key = signing_key(SECRET_KEY, vector.date);
            assert_eq!(hex(key.as_slice()), expected, "{name}: signing key");
        }
        let signed: Vec<_> = headers.iter().map(|(header, _)| *header).collect();
        assert_eq!(
            authorization(SECRET_ID, SECRET_KEY, &request, vector.timestamp),
            format!(
                "TC3-HMAC-SHA256 Credential={SECRET_ID}/{}/cam/tc3_request, SignedHeaders={}, Signature={}",
                vector.date,
                signed.join(";"),
                vector.signature
            ),
            "{name}: authorization"
        );
    }
    assert_eq!(VECTORS.len(), 11);
}

#[test]
fn bodies_have_the_lengths_that_the_dossier_gives() {
    let bytes: Vec<_> = VECTORS.iter().map(|vector| vector.body.len()).collect();
    assert_eq!(bytes, [17, 124, 2, 50, 38, 0, 16, 16, 107, 107, 107]);
}

#[test]
fn the_intermediate_keys_of_v1_hold() {
    let day = hmac_sha256(format!("TC3{SECRET_KEY}").as_bytes(), b"2023-11-14");
    assert_eq!(
        hex(day.as_slice()),
        "b2f270ef33ac4d431d4a6f53b0b3c49fd27f4398e3c89aa688277c0dda65f9c7"
    );
    let service = hmac_sha256(day.as_slice(), b"cam");
    assert_eq!(
        hex(service.as_slice()),
        "6ac16335c6aef92fced2e2c9f5e46a6fc011f0ee1b0f92189d53a1503b849ee7"
    );
}

#[test]
fn a_key_longer_than_a_block_is_hashed_first() {
    // RFC 4231, test case 6: a key of 131 bytes.
    let mac = hmac_sha256(
        &[0xaa; 131],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
    );
    assert_eq!(
        hex(mac.as_slice()),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}
