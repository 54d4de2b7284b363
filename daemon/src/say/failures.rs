//! Why an attempt had no effect, and why a source was not crawled whole.

use crate::ledger::Failure;
use crate::pipeline::SourceFailure;

use super::pick;

/// A change's failure. What CAM itself said stays in its words; it is asked for them in the reader's language.
#[must_use]
pub fn failure(language: &str, failure: &Failure) -> String {
    pick(language, failure, |failure| {
        let action = failure.action.as_deref();
        let said = match failure.code.as_str() {
            "name_conflict" if action == Some("CreateGroup") => {
                "组名属于另一个用户组，它不是 camsync 创建的；如要使用它，请在规则中逐字写明组名，否则请改名其中一个"
            }
            "name_conflict" if action == Some("CreatePolicy") => {
                "已有同名策略，而它并非拒绝一切；请删除它，或改为拒绝一切，camsync 会继续"
            }
            "name_conflict" => {
                "用户名属于另一个账号，它不是 camsync 创建的；请改名其中一个，或在规则中设置 adopt 或 conflict = \"suffix\""
            }
            "no_effect" => {
                "CAM 接受了关闭登录的请求，但登录仍然开启：在控制台导入的企业微信子用户会保留登录。请移除其用户组、策略与密钥，或手动删除"
            }
            "other_account" => "该用户名现在属于另一个账号；未做任何更改",
            "not_visible" if action != Some("GetUser") => "刚创建的用户组或策略尚不可见",
            "not_visible" => "CAM 中看不到此子用户：已被删除，或尚不可见",
            "unanswered" => "先前一次请求没有得到应答；CAM 中未见效果",
            "unrecorded" => "账本中已没有创建它的记录；由下一个计划重新决定",
            "group_in_use" => "此后有人向该用户组加入了成员或策略；它保持不变",
            "key_not_off" => "CAM 接受了停用 API 密钥的请求，但未显示它已停用",
            "still_there" => "CAM 接受了移除请求，但仍显示该用户组或策略",
            "key_active" => "API 密钥仍可用；删除之前先停用",
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
