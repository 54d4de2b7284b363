//! `[[notify]]`.

use std::collections::HashMap;
use std::ops::Range;

use crate::document::{Node, Table};
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
        /// `webhook`: the key that signs the body; one that begins with `whsec_` is base64, as Standard Webhooks has it.
        secret: Option<SecretRef> = Secretive, optional("needed for `webhook`");
        /// `email`: the mail server, `host` or `host:port` (587 without one; 465 speaks TLS at once, others start it; on this machine it may be plain).
        server: Option<String> = crate::kinds::Host, optional("needed for `email`");
        /// `email`: the sender's address.
        from: Option<String> = Text, optional("needed for `email`");
        /// `email`: the receivers' addresses.
        to: Vec<String> = List<Text>, default([]);
        /// `email`: the user at the mail server.
        username: Option<String> = Text, optional("no sign-in at the mail server");
        /// `email`: that user's password.
        password: Option<SecretRef> = Secretive, optional("no sign-in at the mail server");
        /// In which language.
        language: Option<Tongue> = OneOf<Tongue>, optional("the language of the process, by its locale or `--lang`");
        /// What is told.
        on: Vec<Event> = List<OneOf<Event>>, default(["held", "failed", "source-down", "recovered"]);
    }
    line line;
    check sensible;
    together distinct_targets;
}

impl Notify {
    /// What the target is called in the ledger, in `status` and in the log: how it is written here, never an address
    /// that is a secret.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = NotifyKind::WORDS
            .iter()
            .find(|(_, kind, _)| *kind == self.kind)
            .map_or("", |(word, ..)| word);
        match (&self.url, &self.server) {
            (Some(url), _) if self.kind != NotifyKind::Email => format!("{kind} {url}"),
            (_, Some(server)) => format!("{kind} {} ({server})", self.to.join(", ")),
            _ => kind.to_owned(),
        }
    }
}

fn sensible(notify: &Notify, table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    needed_keys(notify, span, reader);
    if notify.on.iter().all(|event| *event == Event::Recovered) {
        reader.under("on", |reader| {
            reader.refuse(
                &table.place("on", span),
                format!("`{}` names nothing that could be told", reader.path()),
                "\"recovered\" tells what was told before is over: name \"held\", \"failed\" or \"source-down\" with it",
            );
        });
    }
    if notify.kind != NotifyKind::Email {
        return;
    }
    let from = notify.from.iter().map(|address| ("from", address));
    let to = notify.to.iter().map(|address| ("to", address));
    for (key, address) in from.chain(to).filter(|(_, address)| !address.contains('@')) {
        reader.under(key, |reader| {
            let message = format!("`{}` is not an e-mail address: {address:?}", reader.path());
            reader.refuse(
                &table.place(key, span),
                message,
                "such as \"it@example.com\"",
            );
        });
    }
    if notify.username.is_some() != notify.password.is_some() {
        reader.refuse(
            span,
            "`notify.username` and `notify.password` go together",
            "give both to sign in at the mail server, or neither",
        );
    }
}

fn distinct_targets(all: &[(Notify, &Node)], reader: &mut Reader<'_>) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for (notify, node) in all {
        if let Some(line) = seen.insert(notify.name(), notify.line) {
            reader.refuse(
                &node.span,
                format!("the target in line {line} is the same"),
                "name all that it is told in one `on`",
            );
        }
    }
}

fn needed_keys(notify: &Notify, span: &Range<usize>, reader: &mut Reader<'_>) {
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
    /// A person must decide: a plan waits for approval, reduced access was kept.
    Held,
    /// A change failed for good, the cloud refuses the key, or the like.
    Failed,
    /// A source has been failing for an hour.
    SourceDown,
    /// What was told before is over.
    Recovered,
}

impl Event {
    /// The word in the configuration, and in what is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::SourceDown => "source-down",
            Self::Recovered => "recovered",
        }
    }
}

impl Words for Event {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("held", Self::Held, "a person must decide"),
        (
            "failed",
            Self::Failed,
            "a change failed for good, a key is refused, or the like",
        ),
        (
            "source-down",
            Self::SourceDown,
            "a source has been failing for an hour",
        ),
        ("recovered", Self::Recovered, "what was told before is over"),
    ];
}

/// The language of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// Chinese.
    Chinese,
    /// English.
    English,
}

impl Words for Tongue {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("zh", Self::Chinese, "中文"),
        ("en", Self::English, "English"),
    ];
}
