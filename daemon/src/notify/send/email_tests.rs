#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt as _;

use camsync_config::{SecretRef, Tongue};

use super::*;

#[path = "../../../../tests/common/authority.rs"]
mod authority;
#[path = "../../../../tests/common/mail.rs"]
mod mail;

use authority::Authority;
use mail::{MailServer, Tls as Offered};

const PASSWORD: &str = "mail-password-71c0e4";

/// Sends one mail to a server on this machine, as if it were another; the refusal's words, if it was not taken.
async fn sent(
    server: &MailServer,
    protection: Protection,
    trusted: Option<&Authority>,
) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let email = Email {
        server: server.address(),
        from: "camsync <camsync@example.com>".into(),
        to: vec!["it@example.com".into()],
        sign_in: Some((
            "camsync".into(),
            ReloadingSecret::new(SecretRef::File(file)),
        )),
        extra_ca: trusted.map(|authority| authority.pem.clone().into_bytes()),
    };
    let said = Said {
        title: "a plan waits".into(),
        text: "six leave".into(),
        remedy: String::new(),
        command: "camsync plans show 1".into(),
    };
    let digest = Digest::one(Tongue::English, said);
    let transport = email
        .transport("localhost", server.port, protection)
        .unwrap();
    let refused = email.send_by(&transport, "msg_1", &digest).await.err();
    refused.map(|refusal| refusal.message)
}

#[test]
fn only_what_stays_on_this_machine_goes_in_the_clear() {
    for (host, port, protection) in [
        ("smtp.example.com", 465, Protection::AtOnce),
        ("smtp.example.com", 587, Protection::StartTls),
        ("smtp.example.com", 25, Protection::StartTls),
        ("192.0.2.7", 2525, Protection::StartTls),
        ("localhost.example.com", 25, Protection::StartTls),
        ("localhost", 25, Protection::None),
        ("127.0.0.1", 2525, Protection::None),
        ("::1", 25, Protection::None),
        ("127.0.0.1", 465, Protection::AtOnce),
    ] {
        assert_eq!(Protection::of(host, port), protection, "{host}:{port}");
    }
}

#[tokio::test]
async fn mail_goes_under_tls_that_is_asked_for_or_there_at_once() {
    let authority = Authority::new();
    let tls = authority.server(&["localhost"]);
    for (offered, protection) in [
        (Offered::OnRequest(tls.clone()), Protection::StartTls),
        (Offered::AtOnce(tls), Protection::AtOnce),
    ] {
        let server = MailServer::with(offered);
        assert_eq!(sent(&server, protection, Some(&authority)).await, None);
        let mails = server.mails();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].secured, "{mails:?}");
        let signed_in = format!("\0camsync\0{PASSWORD}");
        assert_eq!(mails[0].signed_in.as_deref(), Some(signed_in.as_str()));
        assert!(mails[0].data.contains("camsync plans show 1"), "{mails:?}");
        let clear = server.heard_in_the_clear();
        assert!(
            !clear.contains("AUTH") && !clear.contains("MAIL"),
            "{clear}"
        );
    }
}

#[tokio::test]
async fn a_certificate_of_a_stranger_or_for_another_name_is_told_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (ours, others) = (
        authority.server(&["localhost"]),
        authority.server(&["smtp.example.com"]),
    );
    for (config, trusted) in [
        (&ours, Some(&stranger)),
        (&ours, None),
        (&others, Some(&authority)),
    ] {
        for (offered, protection) in [
            (Offered::OnRequest(config.clone()), Protection::StartTls),
            (Offered::AtOnce(config.clone()), Protection::AtOnce),
        ] {
            let server = MailServer::with(offered);
            let refused = sent(&server, protection, trusted).await.unwrap();
            assert!(refused.contains("certificate"), "{refused}");
            assert!(server.mails().is_empty());
            assert!(!server.heard_in_the_clear().contains("AUTH"));
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_neither_the_password_nor_the_mail() {
    let authority = Authority::new();
    let server = MailServer::start();
    let refused = sent(&server, Protection::StartTls, Some(&authority)).await;
    assert!(refused.unwrap().contains("STARTTLS"));
    let clear = server.heard_in_the_clear();
    assert!(clear.starts_with("EHLO"), "{clear}");
    assert!(
        !clear.contains("AUTH") && !clear.contains("MAIL"),
        "{clear}"
    );
}
