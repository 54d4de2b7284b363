//! What the names mean that a rule sees.

use crate::bilingual::Bilingual;

/// The meaning of `root.name`; empty when nobody wrote one, which a test forbids.
pub(super) fn meaning(root: &str, name: &str) -> Bilingual {
    let (en, zh) = match (root, name) {
        ("member", "id") => ("the provider's stable id", "身份源中不变的 ID"),
        ("member", "username") => (
            "the provider's sign-in name; WeCom: the userid",
            "身份源的登录名；企业微信为账号（userid）",
        ),
        ("member", "name") => ("the display name", "姓名"),
        ("member", "alias") => ("another name", "别名"),
        ("member", "email") => ("only if the provider gives it", "邮箱，身份源提供时才有"),
        ("member", "phone") => ("only if the provider gives it", "手机号，身份源提供时才有"),
        ("member", "position") => ("the job title", "职务"),
        ("member", "status") => (
            "`active`, `disabled`, `invited` (never joined) or `left`",
            "`active`（在职）、`disabled`（已禁用）、`invited`（未激活，即从未加入）或 `left`（已离开）",
        ),
        ("member", "departments") => (
            "list of ids, the main one first",
            "部门 ID 的列表，主部门在前",
        ),
        ("member", "department_names") => (
            "list of names, the main one first",
            "部门名称的列表，主部门在前",
        ),
        ("member", "department_path") => (
            "list of names: every department above, root first, over all memberships",
            "部门名称的列表：所在各部门及其全部上级，从根部门起",
        ),
        ("member", "main_department") => ("its id", "主部门的 ID"),
        ("member", "main_department_name") => ("its name", "主部门的名称"),
        ("member", "leader_of") => (
            "list of the ids of the departments that this member leads",
            "该成员担任负责人的部门的 ID 列表",
        ),
        ("member", "tags") => ("list of tag names", "标签名称的列表"),
        ("member", "attributes") => (
            "map of the provider's own extra fields; one that is absent is empty",
            "身份源自己的其他字段，按名称取用；没有的为空",
        ),
        ("source", "name") => ("the source's `name`", "来源的 `name`"),
        ("source", "connector") => ("the source's connector", "来源所用的连接器"),
        _ => ("", ""),
    };
    Bilingual { en, zh }
}
