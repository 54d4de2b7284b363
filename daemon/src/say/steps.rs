//! What is left to a person where camsync has no say: the provider's side of a source that was unlinked.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pick;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Take the source out of the file.
    File {
        /// Its name.
        source: String,
    },
    /// WeCom: remove the application, or take everybody off its visible range.
    WecomApp,
    /// WeCom: remove the address that callbacks go to.
    WecomCallback,
    /// WeCom: take the address off the trusted ones.
    WecomTrustedAddress,
    /// WeCom: make the secrets worthless.
    WecomSecrets,
    /// Any other provider: withdraw what camsync was given there.
    Provider,
    /// Remove the secrets that camsync was given.
    Secrets,
}

impl Step {
    /// What there is to do after a source of this connector was unlinked.
    #[must_use]
    pub fn all(connector: &str, source: &str, configured: bool) -> Vec<Self> {
        let mut steps = match connector {
            "wecom" => vec![
                Self::WecomApp,
                Self::WecomCallback,
                Self::WecomTrustedAddress,
                Self::WecomSecrets,
            ],
            _ => vec![Self::Provider],
        };
        if configured {
            steps.push(Self::File {
                source: source.to_owned(),
            });
        }
        steps.push(Self::Secrets);
        steps
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WecomApp => f.write_str(
                "WeCom admin console > App Management: delete the self-built app, or empty its visible range",
            ),
            Self::WecomCallback => f.write_str(
                "in that app, Receive Messages > API: remove the callback URL (the one that ends with /webhooks/...), and the one of Contacts Sync, if it was set",
            ),
            Self::WecomTrustedAddress => f.write_str(
                "in that app, Trusted Enterprise IP: remove the address of this machine or proxy",
            ),
            Self::WecomSecrets => f.write_str(
                "reset the Secret of an app that stays, and of Contacts Sync, if camsync had it",
            ),
            Self::Provider => f.write_str(
                "at the provider: withdraw the application, callback address and credentials that camsync was given",
            ),
            Self::File { source } => {
                write!(f, "take [[source]] {source:?} out of the configuration")
            }
            Self::Secrets => f.write_str(
                "remove its secrets from where the configuration reads them (environment, files, systemd credentials)",
            ),
        }
    }
}

/// One thing to do, for a reader.
#[must_use]
pub fn step(language: &str, step: &Step) -> String {
    pick(language, step, |step| {
        match step {
        Step::WecomApp => "企业微信管理后台 > 应用管理：删除该自建应用，或清空其可见范围".into(),
        Step::WecomCallback => {
            "在该应用的“接收消息”中：移除回调 URL（以 /webhooks/… 结尾）；若设置过“通讯录同步”的接收事件服务器，也一并移除".into()
        }
        Step::WecomTrustedAddress => "在该应用的“企业可信 IP”中：移除本机或代理的地址".into(),
        Step::WecomSecrets => {
            "若应用保留，请重置其 Secret；camsync 用过“通讯录同步”的 Secret 时也请重置".into()
        }
        Step::Provider => "在提供方：收回给予 camsync 的应用、回调地址和凭据".into(),
        Step::File { source } => format!("从配置中删去 [[source]] {source:?}"),
        Step::Secrets => "从配置读取密钥之处（环境变量、文件、systemd 凭据）删去其密钥".into(),
    }
    })
}
