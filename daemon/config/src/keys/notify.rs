//! `[[notify]]`.

use std::ops::Range;

use crate::document::Table;
use crate::kinds::{List, OneOf, Secretive, Text, Words};
use crate::reader::{Reader, section};
use crate::secret::SecretRef;

section! {
    /// Who is told, once, what needs a person, and once again when it is over.
    pub struct Notify {
        /// How the message travels.
        kind: NotifyKind = OneOf<NotifyKind>, required;
        /// `wecom-robot` and `webhook`: where the message is posted. A robot's URL holds its key, so it is a secret.
        url: Option<SecretRef> = Secretive, optional("needed for `wecom-robot` and `webhook`");
        /// `webhook`: the key that signs the body.
        secret: Option<SecretRef> = Secretive, optional("needed for `webhook`");
        /// `email`: the mail server, `host` or `host:port` (465 speaks TLS at once, others start it).
        server: Option<String> = crate::kinds::Host, optional("needed for `email`");
        /// `email`: the sender's address.
        from: Option<String> = Text, optional("needed for `email`");
        /// `email`: the receivers' addresses.
        to: Vec<String> = List<Text>, default([]);
        /// `email`: the user at the mail server.
        username: Option<String> = Text, optional("no sign-in at the mail server");
        /// `email`: that user's password.
        password: Option<SecretRef> = Secretive, optional("no sign-in at the mail server");
        /// What is told.
        on: Vec<Event> = List<OneOf<Event>>, default(["held", "failed", "source-down", "recovered"]);
    }
    line line;
    check needed_keys;
}

fn needed_keys(notify: &Notify, _: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    let there = |key: &str| match key {
        "url" => notify.url.is_some(),
        "secret" => notify.secret.is_some(),
        "server" => notify.server.is_some(),
        "from" => notify.from.is_some(),
        _ => !notify.to.is_empty(),
    };
    let (kind, needed): (_, &[&str]) = match notify.kind {
        NotifyKind::WecomRobot => ("wecom-robot", &["url"]),
        NotifyKind::Webhook => ("webhook", &["url", "secret"]),
        NotifyKind::Email => ("email", &["server", "from", "to"]),
    };
    for key in needed.iter().filter(|key| !there(key)) {
        reader.under(key, |reader| {
            let message = format!("`{}` is missing", reader.path());
            reader.refuse(span, message, format!("kind = \"{kind}\" needs `{key}`"));
        });
    }
}

/// How a notification travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotifyKind {
    /// A WeCom group robot.
    WecomRobot,
    /// JSON, signed.
    Webhook,
    /// SMTP.
    Email,
}

impl Words for NotifyKind {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("wecom-robot", Self::WecomRobot, "a robot in a WeCom group"),
        ("webhook", Self::Webhook, "JSON by POST, signed"),
        ("email", Self::Email, "SMTP"),
    ];
}

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A plan waits for approval.
    Held,
    /// A change failed for good, or the cloud refuses the key.
    Failed,
    /// A source has been failing for an hour.
    SourceDown,
    /// What was told before is over.
    Recovered,
}

impl Words for Event {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("held", Self::Held, "a plan waits for approval"),
        (
            "failed",
            Self::Failed,
            "a change failed for good, or a key is refused",
        ),
        (
            "source-down",
            Self::SourceDown,
            "a source has been failing for an hour",
        ),
        ("recovered", Self::Recovered, "what was told before is over"),
    ];
}
