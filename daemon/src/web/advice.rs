//! What is worth a warning about tokens and addresses, in both languages.

use std::net::SocketAddr;

/// A warning with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

fn warning(language: &str, zh: (String, &str), en: (String, &str)) -> Warning {
    let (message, remedy) = if language == "zh" { zh } else { en };
    Warning {
        message,
        remedy: remedy.to_owned(),
    }
}

pub(super) fn without_tls(language: &str, listen: SocketAddr) -> Warning {
    warning(
        language,
        (
            format!("daemon.listen 为 {listen}，且没有 TLS：令牌会以明文在网络上传输"),
            "监听 127.0.0.1，由带 TLS 的反向代理转发，并把 daemon.public_url 设为其 https:// 地址",
        ),
        (
            format!(
                "daemon.listen is {listen}, without TLS: tokens travel readable on the network"
            ),
            "listen on 127.0.0.1 behind a proxy that speaks TLS, and set daemon.public_url to its https:// address",
        ),
    )
}

pub(super) fn missing(language: &str, name: &str, error: &str) -> Warning {
    warning(
        language,
        (
            format!("无法取得 {name} 的令牌：{error}"),
            "在此之前该令牌无法登录",
        ),
        (
            format!("the token of {name} cannot be had: {error}"),
            "until it can, nobody signs in with it",
        ),
    )
}

pub(super) fn short(language: &str, name: &str, shortest: usize) -> Warning {
    warning(
        language,
        (
            format!("{name} 的令牌不足 {shortest} 个字符，容易被猜中"),
            "换一个随机令牌，例如用 openssl rand -hex 32 生成",
        ),
        (
            format!("the token of {name} has less than {shortest} characters and can be guessed"),
            "use a random one, for example of `openssl rand -hex 32`",
        ),
    )
}

pub(super) fn shared(language: &str, name: &str) -> Warning {
    warning(
        language,
        (
            format!("{name} 的令牌与排在前面的另一人相同，审计会把操作记在后者名下"),
            "为每个人设置各自的令牌",
        ),
        (
            format!(
                "{name} has the same token as somebody before, who then stands in the audit instead"
            ),
            "give each person a token of their own",
        ),
    )
}
