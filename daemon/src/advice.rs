//! What CAM's failures mean and what to do about them, in Chinese and English (`cam-api.md` 8 and 9).

use camsync_cam::Error;
use camsync_core::retry::FailureClass;

use crate::ledger::Failure;
use crate::say::Sentence;

fn pick(language: &str, zh: impl Into<String>, en: impl Into<String>) -> String {
    if language == "zh" {
        zh.into()
    } else {
        en.into()
    }
}

/// Cause and remedy, in both languages.
struct Text {
    zh: (&'static str, &'static str),
    en: (&'static str, &'static str),
}

impl Text {
    fn to(&self, language: &str) -> (String, String) {
        let (cause, remedy) = if language == "zh" { self.zh } else { self.en };
        (cause.to_owned(), remedy.to_owned())
    }
}

/// Cause and remedy of a CAM failure.
#[must_use]
pub fn cam(language: &str, error: &Error) -> (String, String) {
    if let (Some("AuthFailure.SignatureExpire"), Some(skew)) =
        (error.code.as_deref(), error.skew_seconds)
    {
        let cause = pick(
            language,
            format!("本机时钟与腾讯云相差 {} 秒", skew.abs()),
            format!(
                "this machine's clock is {} s off Tencent Cloud's",
                skew.abs()
            ),
        );
        return (cause, CLOCK.to(language).1);
    }
    failure(language, &crate::pipeline::apply::failure(error))
}

/// Cause and remedy of a change's failure, as the ledger keeps it.
#[must_use]
pub fn failure(language: &str, failure: &Failure) -> (String, String) {
    if let Some(text) = of_code(&failure.code) {
        return text.to(language);
    }
    // Failures of camsync's own finding say what to do themselves; CAM's codes have capitals.
    if failure.code != "transport" && !failure.code.contains(char::is_uppercase) {
        return (String::new(), String::new());
    }
    match failure.class {
        FailureClass::Permission => permission(language, failure.action.as_deref()),
        FailureClass::Transient if failure.code == "transport" => UNREACHABLE.to(language),
        FailureClass::Transient => BUSY.to(language),
        FailureClass::Quota => QUOTA.to(language),
        FailureClass::Unknown => NO_ANSWER.to(language),
        FailureClass::Permanent | FailureClass::Target => {
            let code = &failure.code;
            (
                pick(
                    language,
                    format!("CAM 拒绝：{code}"),
                    format!("CAM refused: {code}"),
                ),
                REFUSED.to(language).1,
            )
        }
    }
}

/// The words for a code that has its own.
fn of_code(code: &str) -> Option<&'static Text> {
    Some(match code {
        "no_key" => &NO_KEY,
        "own_account" => &OWN_ACCOUNT,
        "AuthFailure.SignatureExpire" => &CLOCK,
        "AuthFailure.SignatureFailure" => &SIGNATURE,
        "AuthFailure.SecretIdNotFound"
        | "AuthFailure.InvalidSecretId"
        | "AuthFailure.InvalidAuthorization" => &KEY_GONE,
        "AuthFailure.TokenFailure" => &TOKEN,
        "IpInBlacklist" | "IpNotInWhitelist" => &ADDRESS,
        "InvalidAction" | "NoSuchVersion" | "NoSuchProduct" | "ActionOffline" => &WRONG_SITE,
        "InvalidParameter.SubUserFull" => &USERS_FULL,
        "RequestLimitExceeded.CreateUser" => &DAY_FULL,
        "InvalidParameter.SubUserNameInUse" => &NAME_IN_USE,
        "InvalidParameter.UserNameIllegal" => &NAME_ILLEGAL,
        "InvalidParameter.PasswordViolatedRules" => &PASSWORD,
        "OperationDenied.HaveKeys" => &HAS_KEYS,
        "FailedOperation.Unmodifiable" => &UNMODIFIABLE,
        "FailedOperation.ExistHighRiskOperations" => &RISK,
        "FailedOperation.ForbidAdd" => &FORBID_ADD,
        _ => return None,
    })
}

const UNREACHABLE: Text = Text {
    zh: (
        "无法连接 CAM",
        "检查网络、DNS、target.endpoint，以及 [network] 的 proxy 与 ca_file",
    ),
    en: (
        "CAM cannot be reached",
        "check the network, DNS, target.endpoint, and proxy and ca_file in [network]",
    ),
};
const NO_KEY: Text = Text {
    zh: (
        "读取不到密钥",
        "检查 target.secret_id 与 target.secret_key 所指的文件或环境变量",
    ),
    en: (
        "the key cannot be read",
        "look at the file or variable that target.secret_id and target.secret_key name",
    ),
};
const OWN_ACCOUNT: Text = Text {
    zh: (
        "这是 camsync 自己使用的账号，绝不会被更改",
        "为 camsync 建一个不属于任何成员的专用子用户",
    ),
    en: (
        "this is the account that camsync itself uses; it is never changed",
        "give camsync a sub-user of its own that is no member's",
    ),
};
const CLOCK: Text = Text {
    zh: (
        "本机时钟不准",
        "用 NTP 校准时钟（timedatectl set-ntp true）",
    ),
    en: (
        "this machine's clock is off",
        "set the clock by NTP (timedatectl set-ntp true)",
    ),
};
const SIGNATURE: Text = Text {
    zh: (
        "签名错误：SecretKey 与 SecretId 不匹配",
        "重新复制 target.secret_id 与 target.secret_key（注意首尾空白）",
    ),
    en: (
        "bad signature: the SecretKey does not belong to the SecretId",
        "copy target.secret_id and target.secret_key again; mind blanks at the ends",
    ),
};
const KEY_GONE: Text = Text {
    zh: (
        "密钥不存在或已禁用",
        "在访问管理 → 访问密钥中启用它，或新建一个并更新 target.secret_id 与 target.secret_key",
    ),
    en: (
        "the key does not exist or is disabled",
        "enable it in CAM → API keys, or make a new one and put it into target.secret_id and target.secret_key",
    ),
};
const TOKEN: Text = Text {
    zh: (
        "临时密钥的 token 无效或已过期",
        "更新 target.token 所指的文件",
    ),
    en: (
        "the temporary key's token is bad or has expired",
        "renew the file that target.token names",
    ),
};
const ADDRESS: Text = Text {
    zh: ("来源 IP 不被允许", "在密钥的访问策略中放行本机出口 IP"),
    en: (
        "the source address is not allowed",
        "allow this machine's outgoing address in the key's policy",
    ),
};
const WRONG_SITE: Text = Text {
    zh: (
        "该站点不提供此接口",
        "检查 target.endpoint（中国站为 https://cam.tencentcloudapi.com）",
    ),
    en: (
        "this site does not have that action",
        "check target.endpoint (https://cam.tencentcloudapi.com on the Chinese site)",
    ),
};
const BUSY: Text = Text {
    zh: (
        "请求过多，暂时被限频",
        "稍后再试；其他工具也在用同一账号时调低 target.requests_per_second",
    ),
    en: (
        "too many requests for the moment",
        "try again later; lower target.requests_per_second if other tools share the account",
    ),
};
const QUOTA: Text = Text {
    zh: ("配额已满", "在腾讯云提交工单提升配额，或减少准入人数"),
    en: (
        "a quota is full",
        "raise it by a ticket to Tencent Cloud, or admit fewer members",
    ),
};
const USERS_FULL: Text = Text {
    zh: (
        "子用户数量已达上限",
        "删除不用的子用户，或提交工单提升配额；有空位后会自动继续",
    ),
    en: (
        "the account has as many sub-users as it may have",
        "delete unused ones, or raise the quota by a ticket; it goes on by itself once there is room",
    ),
};
const DAY_FULL: Text = Text {
    zh: ("今日新建子用户数已达上限", "无需处理：稍后会自动继续"),
    en: (
        "no more sub-users can be created today",
        "nothing: it goes on by itself later",
    ),
};
const NO_ANSWER: Text = Text {
    zh: ("没有得到有效应答", "稍后再试；持续出现时检查代理与网络"),
    en: (
        "no valid answer came",
        "try again; if it stays so, look at the proxy and the network",
    ),
};
const NAME_IN_USE: Text = Text {
    zh: (
        "用户名已被占用",
        "改名其中一个，或在规则中设置 adopt，或 conflict = \"suffix\"",
    ),
    en: (
        "the name belongs to another sub-user",
        "rename one of them, or set adopt, or conflict = \"suffix\", in the rule",
    ),
};
const NAME_ILLEGAL: Text = Text {
    zh: ("CAM 不接受这个用户名", "在规则的 username 中改用其他写法"),
    en: (
        "CAM does not take this name",
        "make the rule's username say another one",
    ),
};
const PASSWORD: Text = Text {
    zh: (
        "初始密码不符合账号的密码规则",
        "在访问管理 → 安全设置中放宽密码规则（camsync 生成 32 位、含四类字符的密码）",
    ),
    en: (
        "the first password breaks the account's password rules",
        "ease them in CAM → security settings (camsync makes 32 characters of all four classes)",
    ),
};
const HAS_KEYS: Text = Text {
    zh: (
        "该子用户仍有访问密钥，无法删除",
        "先在访问管理中删除其访问密钥，然后重试",
    ),
    en: (
        "the sub-user still has access keys, and so cannot be deleted",
        "delete its access keys in CAM, then retry",
    ),
};
const UNMODIFIABLE: Text = Text {
    zh: (
        "此子用户不允许修改",
        "它由其他系统管理；用 `camsync members release` 解除受管",
    ),
    en: (
        "this sub-user may not be modified",
        "another system owns it; `camsync members release` makes it unmanaged",
    ),
};
const RISK: Text = Text {
    zh: (
        "腾讯云的风控拦截了操作",
        "在控制台确认账号安全状态，或提交工单",
    ),
    en: (
        "Tencent Cloud's risk control stopped it",
        "look at the account's security state in the console, or open a ticket",
    ),
};
const FORBID_ADD: Text = Text {
    zh: ("账号被禁止新建子用户", "向腾讯云提交工单"),
    en: (
        "the account is barred from creating sub-users",
        "open a ticket with Tencent Cloud",
    ),
};
const REFUSED: Text = Text {
    zh: ("CAM 拒绝", "按 RequestId 向腾讯云咨询"),
    en: ("CAM refused", "ask Tencent Cloud, naming the RequestId"),
};

/// The key lacks a permission: the statement to add is spelt out.
fn permission(language: &str, action: Option<&str>) -> (String, String) {
    let action = action.unwrap_or("*");
    let statement = statement(action);
    (
        pick(
            language,
            format!("密钥缺少权限 cam:{action}"),
            format!("the key lacks the permission cam:{action}"),
        ),
        pick(
            language,
            format!("在密钥所属子用户的策略中加入：{statement}"),
            format!("add to the policy of the key's sub-user: {statement}"),
        ),
    )
}

/// The policy statement that grants one action.
fn statement(action: &str) -> String {
    format!(r#"{{"effect":"allow","action":["cam:{action}"],"resource":["*"]}}"#)
}

/// An error's sentence with the remedy behind it; nothing is added where there is none.
#[must_use]
pub fn with_remedy(said: Sentence, failure: &Failure) -> Sentence {
    let told = |language: &str| {
        let (_, remedy) = self::failure(language, failure);
        if remedy.is_empty() {
            said.to(language).to_owned()
        } else {
            format!("{}\n  → {remedy}", said.to(language))
        }
    };
    Sentence::both(told("en"), told("zh"))
}

/// Whose key it is.
#[must_use]
pub fn account(language: &str, owner: u64, uin: u64) -> String {
    pick(
        language,
        format!("主账号 {owner}，密钥属于 {uin}"),
        format!("root account {owner}, the key belongs to {uin}"),
    )
}

/// The key is the root account's own.
#[must_use]
pub fn root_key(language: &str) -> String {
    pick(
        language,
        "密钥属于主账号：权限没有任何限制",
        "the key is the root account's own: nothing limits what it may do",
    )
}

/// What to do about that.
#[must_use]
pub fn root_key_remedy(language: &str) -> String {
    pick(
        language,
        "为 camsync 建一个专用子用户，只授予 docs/getting-started.zh-CN.md 中的最小权限策略",
        "make a sub-user for camsync alone, with the least-privilege policy of docs/getting-started.md",
    )
}

/// How many accounts there are.
#[must_use]
pub fn users(language: &str, count: usize) -> String {
    pick(
        language,
        format!("可列出账号，共 {count} 个"),
        format!("accounts can be listed: {count}"),
    )
}

/// How many existing sub-users the rules would take over, by the last snapshot.
#[must_use]
pub fn adoptions(language: &str, count: usize) -> String {
    pick(
        language,
        format!("按上次快照，规则会接管 {count} 个已有子用户；`camsync plan` 会重新拉取后再列出"),
        format!(
            "by the last snapshot the rules would take over {count} existing sub-users; `camsync plan` crawls and lists them anew"
        ),
    )
}

/// One of them, with the facts of both sides, as a row of `check`'s document.
#[must_use]
pub fn adoption(language: &str, row: &serde_json::Value) -> String {
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let (member, name, username) = (text("member"), text("name"), text("username"));
    let (uin, remark) = (&row["uin"], &row["before"]["remark"]);
    let remark = remark.as_str().unwrap_or_default();
    let by_id = row["by"] == "wecom_id";
    let sign_in = row["before"]["console_login"].as_bool();
    let (zh_by, en_by) = if by_id {
        ("企业微信 ID", "its WeCom id")
    } else {
        ("用户名，逐个等待批准", "its name, held one by one")
    };
    let (zh_sign_in, en_sign_in) = match sign_in {
        Some(true) => ("开启", "on"),
        Some(false) => ("关闭", "off"),
        None => ("未知", "not known"),
    };
    pick(
        language,
        format!(
            "成员 {member}（{name}）→ 子用户 {username}（{uin}），按{zh_by}；备注“{remark}”，控制台登录{zh_sign_in}"
        ),
        format!(
            "member {member} ({name}) -> sub-user {username} ({uin}), by {en_by}; remark \"{remark}\", console sign-in {en_sign_in}"
        ),
    )
}

/// Nothing is applied.
#[must_use]
pub fn ledger_only(language: &str) -> String {
    pick(
        language,
        "kind = \"ledger\"：只记录变更，不写入云",
        "kind = \"ledger\": changes are recorded, nothing is applied",
    )
}

/// The settings lead to another enterprise.
#[must_use]
pub fn another_enterprise(language: &str, found: &str, bound: &str) -> String {
    pick(
        language,
        format!("现在的设置指向企业 {found}，而此来源属于 {bound}；不会写入任何变更"),
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
        "改回原设置，或换一个来源名；若确属迁移：camsync sources rebind",
        "put the old settings back, or use a new source name; if it was meant: camsync sources rebind",
    )
}

/// The audit's chain of hashes has a break.
#[must_use]
pub fn audit_broken(language: &str, row: i64) -> String {
    pick(
        language,
        format!("审计记录被改动：第 {row} 行与前一行不衔接，或已被删除"),
        format!(
            "the audit was altered: row {row} does not follow from the one before it, or is gone"
        ),
    )
}

/// What to do about that.
#[must_use]
pub fn audit_remedy(language: &str) -> String {
    pick(
        language,
        "与最近的备份和已导出的 JSON 行对照，查明谁能写入数据目录",
        "compare with the last backup and with exported JSON lines, and find out who can write to data_dir",
    )
}
