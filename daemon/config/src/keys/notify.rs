//! `[[notify]]`.

use std::collections::HashMap;
use std::ops::Range;

use crate::bilingual::Bilingual;
use crate::document::{Node, Table};
use crate::kinds::{List, OneOf, Secretive, Text, Words};
use crate::reader::{Reader, section};
use crate::secret::SecretRef;

section! {
    /// Who is told, once, what needs a person, and once again when it is over.
    #[zh = "有事需要人处理时通知谁：开始时一次，结束后再一次。"]
    pub struct Notify {
        /// How the message travels.
        #[zh = "消息怎样送达。"]
        kind: NotifyKind = OneOf<NotifyKind>, required;
        /// `wecom-robot` and `webhook`: where the message is posted. A robot's URL holds its key, so it is a secret.
        #[zh = "`wecom-robot` 与 `webhook`：消息发往的地址。群机器人的地址中含有密钥，因此按密钥填写。"]
        url: Option<SecretRef> = Secretive, optional("needed for `wecom-robot` and `webhook`", "`wecom-robot` 与 `webhook` 必填");
        /// `webhook`: the key that signs the body; one that begins with `whsec_` is base64, as Standard Webhooks has it.
        #[zh = "`webhook`：给正文签名的密钥；以 `whsec_` 开头的是 base64，符合 Standard Webhooks。"]
        secret: Option<SecretRef> = Secretive, optional("needed for `webhook`", "`webhook` 必填");
        /// `email`: the mail server, `host` or `host:port` (587 without one; 465 speaks TLS at once, others start it; on this machine it may be plain).
        #[zh = "`email`：邮件服务器，`host` 或 `host:port`（不写端口为 587；465 端口一开始就用 TLS，其他端口用 STARTTLS；本机上的可不加密）。"]
        server: Option<String> = crate::kinds::Host, optional("needed for `email`", "`email` 必填");
        /// `email`: the sender's address.
        #[zh = "`email`：发件人地址。"]
        from: Option<String> = Text, optional("needed for `email`", "`email` 必填");
        /// `email`: the receivers' addresses.
        #[zh = "`email`：收件人地址。"]
        to: Vec<String> = List<Text>, default([]);
        /// `email`: the user at the mail server.
        #[zh = "`email`：邮件服务器的用户名。"]
        username: Option<String> = Text, optional("no sign-in at the mail server", "不登录邮件服务器");
        /// `email`: that user's password.
        #[zh = "`email`：该用户的密码。"]
        password: Option<SecretRef> = Secretive, optional("no sign-in at the mail server", "不登录邮件服务器");
        /// In which language.
        #[zh = "消息的语言。"]
        language: Option<Tongue> = OneOf<Tongue>, optional("the language of the process, by its locale or `--lang`", "进程的语言，由系统语言或 `--lang` 决定");
        /// What is told.
        #[zh = "通知哪些事。"]
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
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "wecom-robot",
            Self::WecomRobot,
            Bilingual {
                en: "a robot in a WeCom group",
                zh: "企业微信群机器人",
            },
        ),
        (
            "webhook",
            Self::Webhook,
            Bilingual {
                en: "JSON by POST, signed",
                zh: "以 POST 发送、带签名的 JSON",
            },
        ),
        (
            "email",
            Self::Email,
            Bilingual {
                en: "SMTP",
                zh: "SMTP 邮件",
            },
        ),
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
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "held",
            Self::Held,
            Bilingual {
                en: "a person must decide",
                zh: "需要人来决定",
            },
        ),
        (
            "failed",
            Self::Failed,
            Bilingual {
                en: "a change failed for good, a key is refused, or the like",
                zh: "变更彻底失败、密钥被拒等",
            },
        ),
        (
            "source-down",
            Self::SourceDown,
            Bilingual {
                en: "a source has been failing for an hour",
                zh: "来源已连续失败一小时",
            },
        ),
        (
            "recovered",
            Self::Recovered,
            Bilingual {
                en: "what was told before is over",
                zh: "之前通知的事已经结束",
            },
        ),
    ];
}

/// A language that people are told in: by a notification, by the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tongue {
    /// Chinese.
    Chinese,
    /// English.
    English,
}

impl Words for Tongue {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "zh",
            Self::Chinese,
            Bilingual {
                en: "中文",
                zh: "中文",
            },
        ),
        (
            "en",
            Self::English,
            Bilingual {
                en: "English",
                zh: "英文",
            },
        ),
    ];
}
