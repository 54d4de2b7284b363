//! Why an attempt had no effect, and why a source was not crawled whole.

use crate::ledger::Failure;
use crate::pipeline::SourceFailure;

use super::pick;

/// A change's failure. What CAM itself said stays in its words; it is asked for them in the reader's language.
#[must_use]
pub fn failure(language: &str, failure: &Failure) -> String {
    pick(language, failure, |failure| {
        let said = match failure.code.as_str() {
            "name_conflict" => {
                "用户名属于另一个账号，它不是 camsync 创建的；请改名其中一个，或在规则中设置 adopt 或 conflict = \"suffix\""
            }
            "no_effect" => {
                "CAM 接受了关闭登录的请求，但登录仍然开启：在控制台导入的企业微信子用户会保留登录。请移除其用户组、策略与密钥，或手动删除"
            }
            "other_account" => "该用户名现在属于另一个账号；未做任何更改",
            "not_visible" => "CAM 中看不到此子用户：已被删除，或尚不可见",
            "sign_in_off" => "子用户的控制台登录已被关闭，密码不会将其开启",
            "password_lost" => "camsync 在应答到达之前停止，密码没有显示给任何人；请重新生成",
            "cut_short" => "camsync 在应答到达之前停止；CAM 中未见效果",
            "unsupported" => "此版本不能执行这类变更",
            _ => return failure.to_string(),
        };
        let id = failure.request_id.as_deref();
        let id = id
            .map(|id| format!("（RequestId {id}）"))
            .unwrap_or_default();
        format!("{}：{said}{id}", failure.code)
    })
}

/// What happened to a source, and what to do where the failure itself says so. The connector's own words are in
/// the language of the process that crawled.
#[must_use]
pub fn source_failure(language: &str, failure: &SourceFailure) -> (String, String) {
    let english = || {
        (
            failure.message.clone(),
            failure.remedy.clone().unwrap_or_default(),
        )
    };
    if language != "zh" {
        return english();
    }
    let message = &failure.message;
    let own = match (failure.kind.as_str(), failure.about.as_slice()) {
        ("another_enterprise", [found, bound]) => {
            return (
                format!("现在的设置指向企业 {found}，而此来源属于 {bound}"),
                crate::advice::rebind("zh"),
            );
        }
        ("incomplete", []) => "提供方没有显示任何成员，而此前是有的；不会因此移除任何人".to_owned(),
        ("incomplete", missing) => format!("拉取不完整：{}", missing.join("；")),
        ("connector", _) => format!("连接器无法使用：{message}"),
        ("settings", _) => format!("来源的设置有误：{message}"),
        ("limit", _) => format!("连接器超出了限制：{message}"),
        ("trap", _) => format!("连接器异常终止：{message}"),
        ("bug", _) => format!("连接器自身出错：{message}"),
        _ => return english(),
    };
    (own, failure.remedy.clone().unwrap_or_default())
}
