//! The contract's own words (statuses, kinds, states, evidence) as a Chinese reader calls them.

/// The word for a reader; English keeps the word itself.
#[must_use]
pub fn term(language: &str, word: &str) -> String {
    if language != "zh" {
        return word.to_owned();
    }
    zh(word).unwrap_or(word).to_owned()
}

fn zh(word: &str) -> Option<&'static str> {
    Some(match word {
        // A source's state, a member's status.
        "never" => "未拉取",
        "crawling" => "拉取中",
        "ok" => "正常",
        "failing" => "失败",
        "paused" => "已暂停",
        "frozen" => "已冻结",
        "unlinked" => "已解除关联",
        "active" => "在职",
        "disabled" => "已禁用",
        "invited" => "未激活",
        "left" => "已离开",
        // A change's or a plan's status.
        "pending" => "待执行",
        "in_flight" => "执行中",
        "applied" => "已完成",
        "failed" => "已失败",
        "held" => "等待中",
        "superseded" => "已取代",
        "cancelled" => "已取消",
        "approved" => "已批准",
        "discarded" => "已忽略",
        "denied" => "已拒绝",
        "withdrawn" => "已撤回",
        // Evidence.
        "said" => "提供方告知",
        "excluded" => "规则排除",
        "unmatched" => "不再匹配规则",
        "regrouped" => "调整权限",
        "absent" => "已消失",
        "hidden" => "移出可见范围",
        "returned" => "同 ID 归来",
        "expired" => "宽限期满",
        "asked" => "应人要求",
        "adopt" => "接管",
        // Kinds of changes.
        "create_user" => "新建子用户",
        "update_user" => "更新子用户",
        "suspend_user" => "停用子用户",
        "resume_user" => "恢复子用户",
        "delete_user" => "删除子用户",
        "create_group" => "新建用户组",
        "delete_group" => "删除用户组",
        "add_to_group" => "加入用户组",
        "remove_from_group" => "移出用户组",
        "attach_policy" => "绑定策略",
        "detach_policy" => "解除策略",
        "disable_key" => "禁用密钥",
        "enable_key" => "启用密钥",
        "delete_key" => "删除密钥",
        "create_policy" => "新建策略",
        "delete_policy" => "删除策略",
        "reset_password" => "重置密码",
        // A sub-user's life.
        "wanted" => "待创建",
        "managed" => "受管",
        "deleted" => "已删除",
        "released" => "已解除受管",
        "abandoned" => "已放弃",
        "created" => "由 camsync 创建",
        "adopted" => "接管",
        // What a look-up answered.
        "gone" => "查无此人",
        "out-of-sight" => "不可见",
        "unknown" => "未能确认",
        "crawls" => "多次拉取",
        // Quotas.
        "sub_users" => "子用户数",
        "groups" => "用户组数",
        "users_per_group" => "每个用户组的子用户数",
        "groups_per_user" => "每个子用户的用户组数",
        "policies_per_user" => "每个子用户的策略数",
        "new_sub_users_per_day" => "每日新建子用户数",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use camsync_core::evidence::Evidence;
    use camsync_core::outbox::{Kind, Status};

    #[test]
    fn every_word_of_the_contract_has_a_chinese_one() {
        let words = Evidence::ALL
            .map(Evidence::as_str)
            .into_iter()
            .chain(Status::ALL.map(Status::as_str))
            .chain(Kind::ALL.map(Kind::as_str));
        for word in words {
            assert!(zh(word).is_some(), "{word}");
        }
    }
}
