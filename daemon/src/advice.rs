//! What CAM's failures mean and what to do about them, in Chinese and English (`cam-api.md` 8 and 9).

use camsync_cam::{Class, Error, ErrorKind};

fn pick(language: &str, zh: impl Into<String>, en: impl Into<String>) -> String {
    if language == "zh" {
        zh.into()
    } else {
        en.into()
    }
}

/// Cause and remedy of a CAM failure.
#[must_use]
pub fn cam(language: &str, error: &Error) -> (String, String) {
    let say = |zh: &str, en: &str| pick(language, zh, en);
    if let ErrorKind::NotSent { .. } = error.kind {
        return (
            say("无法连接 CAM", "CAM cannot be reached"),
            say(
                "检查网络、DNS、[network] proxy 与 ca_file",
                "check the network, DNS, and [network] proxy and ca_file",
            ),
        );
    }
    let code = error.code.as_deref().unwrap_or_default();
    match (code, error.class()) {
        ("AuthFailure.SignatureExpire", _) => (
            match error.skew_seconds {
                Some(skew) => pick(
                    language,
                    format!("本机时钟与腾讯云相差 {skew} 秒"),
                    format!("this machine's clock is {skew} s off Tencent Cloud's"),
                ),
                None => say("本机时钟不准", "this machine's clock is off"),
            },
            say(
                "用 NTP 校准时钟(timedatectl set-ntp true)",
                "set the clock by NTP (timedatectl set-ntp true)",
            ),
        ),
        ("AuthFailure.SignatureFailure", _) => (
            say(
                "签名错误:SecretKey 与 SecretId 不匹配",
                "bad signature: SecretKey does not belong to SecretId",
            ),
            say(
                "重新复制 target.secret_id 与 target.secret_key(注意首尾空白)",
                "copy target.secret_id and target.secret_key again; mind blanks at the ends",
            ),
        ),
        (
            "AuthFailure.SecretIdNotFound"
            | "AuthFailure.InvalidSecretId"
            | "AuthFailure.InvalidAuthorization",
            _,
        ) => (
            say(
                "密钥不存在或已禁用",
                "the key does not exist or is disabled",
            ),
            say(
                "在访问管理 → 访问密钥中启用它,或新建一个并更新 target.secret_id / secret_key",
                "enable it in CAM → API keys, or make a new one and put it into target.secret_id and secret_key",
            ),
        ),
        ("AuthFailure.TokenFailure", _) => (
            say(
                "临时密钥的 token 无效或已过期",
                "the temporary key's token is bad or has expired",
            ),
            say(
                "更新 target.token 所指的文件",
                "renew the file that target.token names",
            ),
        ),
        ("IpInBlacklist" | "IpNotInWhitelist", _) => (
            say("来源 IP 不被允许", "the source address is not allowed"),
            say(
                "在密钥的访问策略中放行本机出口 IP",
                "allow this machine's outgoing address in the key's policy",
            ),
        ),
        (_, Class::ConfigurationForAction) => (
            pick(
                language,
                format!("密钥缺少权限 cam:{}", error.action),
                format!("the key lacks the permission cam:{}", error.action),
            ),
            pick(
                language,
                format!("在密钥所属子用户的策略中加入:{}", statement(&error.action)),
                format!(
                    "add to the policy of the key's sub-user: {}",
                    statement(&error.action)
                ),
            ),
        ),
        (_, Class::Transient { .. }) => (
            say("请求过多,暂时被限频", "too many requests for the moment"),
            say(
                "稍后再试;其他工具也在用同一账号时调低 target.requests_per_second",
                "try again later; lower target.requests_per_second if other tools share the account",
            ),
        ),
        (_, Class::Quota) => (
            say("配额已满", "a quota is full"),
            say(
                "在腾讯云提交工单提升配额,或减少准入人数",
                "raise it by a ticket to Tencent Cloud, or admit fewer members",
            ),
        ),
        (_, Class::Unknown) => (
            say("没有得到有效应答", "no valid answer came"),
            say(
                "稍后再试;持续出现时检查代理与网络",
                "try again; if it stays so, look at the proxy and the network",
            ),
        ),
        _ => (
            pick(
                language,
                format!("CAM 拒绝:{code}"),
                format!("CAM refused: {code}"),
            ),
            say(
                "按 RequestId 向腾讯云咨询",
                "ask Tencent Cloud, naming the RequestId",
            ),
        ),
    }
}

/// The policy statement that grants one action.
fn statement(action: &str) -> String {
    format!(r#"{{"effect":"allow","action":["cam:{action}"],"resource":["*"]}}"#)
}

/// Whose key it is.
#[must_use]
pub fn account(language: &str, owner: u64, uin: u64) -> String {
    pick(
        language,
        format!("主账号 {owner},密钥属于 {uin}"),
        format!("root account {owner}, the key belongs to {uin}"),
    )
}

/// The key is the root account's own.
#[must_use]
pub fn root_key(language: &str) -> String {
    pick(
        language,
        "密钥属于主账号:权限没有任何限制",
        "the key is the root account's own: nothing limits what it may do",
    )
}

/// What to do about that.
#[must_use]
pub fn root_key_remedy(language: &str) -> String {
    pick(
        language,
        "为 camsync 建一个专用子用户,只授予 docs/getting-started.zh-CN.md 中的最小权限策略",
        "make a sub-user for camsync alone, with the least-privilege policy of docs/getting-started.md",
    )
}

/// How many accounts there are.
#[must_use]
pub fn users(language: &str, count: usize) -> String {
    pick(
        language,
        format!("可列出账号,共 {count} 个"),
        format!("accounts can be listed: {count}"),
    )
}

/// Nothing is applied.
#[must_use]
pub fn ledger_only(language: &str) -> String {
    pick(
        language,
        "kind = \"ledger\":只记录变更,不写入云",
        "kind = \"ledger\": changes are recorded, nothing is applied",
    )
}

/// The settings lead to another enterprise.
#[must_use]
pub fn another_enterprise(language: &str, found: &str, bound: &str) -> String {
    pick(
        language,
        format!("现在的设置指向企业 {found},而此来源属于 {bound};不会写入任何变更"),
        format!(
            "the settings now lead to the enterprise {found}, but this source belongs to {bound}; nothing is written"
        ),
    )
}

/// What to do about that.
#[must_use]
pub fn rebind(language: &str) -> String {
    pick(
        language,
        "改回原设置,或换一个来源名;若确属迁移:camsync sources rebind",
        "put the old settings back, or use a new source name; if it was meant: camsync sources rebind",
    )
}
