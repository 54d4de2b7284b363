//! Every word that the command line draws, in English and Chinese, in one place.

use std::fmt::Display;

/// A word or sentence in both languages; `{0}`, `{1}`, ... are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    en: &'static str,
    zh: &'static str,
}

impl Word {
    /// In `zh` or else English.
    pub(crate) fn to(self, language: &str) -> &'static str {
        if language == "zh" { self.zh } else { self.en }
    }

    /// With its places filled.
    pub(crate) fn fill(self, language: &str, with: &[&dyn Display]) -> String {
        let mut text = self.to(language).to_owned();
        for (i, value) in with.iter().enumerate() {
            text = text.replace(&format!("{{{i}}}"), &value.to_string());
        }
        text
    }
}

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        $(pub(crate) const $name: Word = Word { en: $en, zh: $zh };)*
        #[cfg(test)]
        const ALL: &[Word] = &[$($name),*];
    };
}

words! {
    // Columns and facts.
    SOURCE: "SOURCE", "来源";
    STATE: "STATE", "状态";
    STATUS: "STATUS", "状态";
    MEMBERS: "MEMBERS", "成员";
    DEPARTMENTS: "DEPARTMENTS", "部门";
    LAST_CRAWL: "LAST CRAWL", "上次拉取";
    NEXT_CRAWL: "NEXT CRAWL", "下次拉取";
    CONNECTOR: "CONNECTOR", "连接器";
    ID: "ID", "ID";
    MEMBER: "MEMBER", "成员";
    NAME: "NAME", "名称";
    USERNAME: "USERNAME", "用户名";
    KIND: "KIND", "类型";
    TRIES: "TRIES", "尝试";
    CREATED: "CREATED", "创建于";
    WHY: "WHY", "原因";
    PROBLEM: "PROBLEM", "问题";
    SUB_USER: "SUB-USER", "子用户";
    EVIDENCE: "EVIDENCE", "依据";
    REMOVALS: "REMOVALS", "移除";
    LIMIT: "LIMIT", "上限";
    DECIDED: "DECIDED", "裁定";
    WHEN: "WHEN", "时间";
    WHO: "WHO", "操作者";
    WHAT: "WHAT", "操作";
    SUBJECT: "SUBJECT", "对象";
    DETAIL: "DETAIL", "详情";
    OUTCOME: "OUTCOME", "结果";
    TOOK: "TOOK", "耗时";
    VERSION: "VERSION", "版本";
    WIT: "WIT", "WIT";
    ORIGIN: "ORIGIN", "出处";
    HOSTS: "HOSTS", "主机";
    CAPABILITIES: "CAPABILITIES", "能力";
    SETTING: "SETTING", "设置";
    FORM: "FORM", "形式";
    NEEDED: "NEEDED", "必填";
    MEANING: "MEANING", "含义";

    F_ENTERPRISE: "enterprise", "企业";
    F_CONNECTOR: "connector", "连接器";
    F_STATE: "state", "状态";
    F_STATUS: "status", "状态";
    F_SCHEDULE: "schedule", "定时";
    F_LAST: "last crawl", "上次拉取";
    F_COMPLETE: "last complete", "上次完整";
    F_NEXT: "next crawl", "下次拉取";
    F_MEMBERS: "members", "成员";
    F_RANGE: "visible range", "可见范围";
    F_SOURCE: "source", "来源";
    F_DEPARTMENTS: "departments", "部门";
    F_POSITION: "position", "职务";
    F_TAGS: "tags", "标签";
    F_EMAIL: "e-mail", "邮箱";
    F_PHONE: "phone", "电话";
    F_ALIAS: "alias", "别名";
    F_LEADS: "leads", "负责部门";
    F_ATTRIBUTES: "attributes", "扩展字段";
    F_SUB_USER: "sub-user", "子用户";
    F_SIGN_IN: "console sign-in", "控制台登录";
    F_RULE: "rule", "规则";
    F_GROUPS: "groups", "用户组";
    F_POLICIES: "policies", "策略";
    F_PROBLEM: "problem", "问题";
    F_MISSING: "missing since", "缺席自";
    F_WITNESS: "look-up", "查询结果";
    F_ORIGIN: "origin", "由来";
    F_PROTECTED: "protected", "受保护";
    F_LEAVING: "leaving", "离开";
    F_REASON: "reason", "原因";
    F_BEFORE: "before", "之前";
    F_AFTER: "after", "之后";
    F_CREATED: "created", "创建于";
    F_APPLIED: "applied", "完成于";
    F_NEXT_TRY: "next attempt", "下次尝试";
    F_LAST_ERROR: "last error", "上次错误";
    F_WAITS: "waits for", "等待";
    F_PLAN: "plan", "计划";
    F_EVIDENCE: "evidence", "依据";
    F_LIMIT: "limit", "上限";
    F_DECIDED: "decided", "裁定";
    F_MEMBER: "member", "成员";
    F_NOTE: "note", "说明";
    F_SIGN_IN_AT: "sign in at", "登录地址";
    F_ACCOUNT: "account id", "主账号 ID";
    F_USERNAME: "username", "用户名";
    F_PASSWORD: "password", "密码";
    F_VERSION: "version", "版本";
    F_HOSTS: "hosts", "主机";
    F_CAPABILITIES: "capabilities", "能力";

    YES: "yes", "是";
    NO: "no", "否";
    ON: "on", "开";
    OFF: "off", "关";
    NEVER: "never", "从未";
    NOW: "now", "现在";
    SECRET: "secret", "机密";
    ENDPOINT: "endpoint", "服务地址";
    DEFAULT: "default {0}", "默认 {0}";
    BY_AT: "by {0}, {1}", "{0}，{1}";
    SECOND_MISSING: "approved by {0}, {1}; a second person must approve too", "{0} 已于 {1} 批准；还须另一人批准";
    AGO: "{0} ago", "{0}前";
    AHEAD: "in {0}", "{0}后";
    SECONDS: "{0} s", "{0} 秒";
    MINUTES: "{0} min", "{0} 分钟";
    HOURS: "{0} h", "{0} 小时";
    DAYS: "{0} d", "{0} 天";

    // Status.
    STATUS_SUB_USERS: "Sub-users: {0} managed, {1} of them suspended", "子用户：受管 {0}，其中已停用 {1}";
    STATUS_CHANGES: "Changes: {0}", "变更：{0}";
    STATUS_NO_CHANGES: "Changes: none yet", "变更：暂无";
    STATUS_NO_SOURCES: "No sources are configured; add a [[source]] to the file.", "没有配置来源；请在配置文件中添加 [[source]]。";
    STATUS_FROZEN: "FROZEN by {0} at {1}: nothing is written to the cloud. `camsync thaw` ends it.", "已冻结（{0}，{1}）：不会写入云端任何变更。`camsync thaw` 解除。";
    STATUS_HELD: "Held plans: {0}. `camsync plans show ID` shows one, `camsync plans approve ID` lets it go on.", "待批准的计划：{0}。用 `camsync plans show ID` 查看，`camsync plans approve ID` 放行。";
    STATUS_FAILED: "Changes that failed for good: {0}. `camsync changes list --status failed` shows them, `camsync changes retry ID` asks again.", "有 {0} 项变更最终失败：用 `camsync changes list --status failed` 查看，`camsync changes retry ID` 重试。";
    STATUS_CHANGES_HELD: "Changes that wait for room in a quota or a permission: {0}. `camsync changes list --status held` shows them.", "有 {0} 项变更在等待配额或权限：用 `camsync changes list --status held` 查看。";
    STATUS_CONFIG_REFUSED: "The edited configuration was refused; the one of {0} stays in force:", "修改后的配置被拒绝，仍使用 {0} 的配置：";
    STATUS_APPLICATIONS: "Applications that wait for a decision: {0}. `camsync applications list --status pending` shows them, `camsync applications approve ID` or `deny ID` decides.", "待处理的申请：{0}。用 `camsync applications list --status pending` 查看，`camsync applications approve ID` 或 `deny ID` 处理。";
    STATUS_NOTIFY: "Notifications are not taken by {0} since {1}, {2} wait: {3}", "自 {1} 起，{0} 收不到通知（待发 {2}）：{3}";
    STATUS_FINE: "All is well.", "一切正常。";

    // Plan and sync.
    WHAT_IF: "What if {0} were in force:", "假如 {0} 生效：";
    SNAPSHOT_OF: "{0}: the snapshot of {1}", "{0}：{1} 的快照";
    NO_SNAPSHOT: "{0}: never crawled, so nothing can be said of it", "{0}：从未拉取，无从得知";
    CLOUD_UNREAD: "CAM could not be read, so what the ledger knows stands for it: {0}", "无法读取 CAM，以台账所记为准：{0}";
    CLOUD_BELIEVED: "What the ledger knows stands for the cloud: the target only records.", "目标只做记录，以台账所记为准。";
    PLAN_WRITTEN: "Written to {0}. It is done, as it stands here, by: camsync apply {0}", "已写入 {0}。按此执行：camsync apply {0}";
    UNLINK_WOULD: "Unlinking {0} ({1}): what becomes of its {2} sub-users", "解除来源 {0}（{1}）的关联：其 {2} 个子用户的去向";
    UNLINKED: "{0} is unlinked. Until the grace is over: camsync sources link {0}", "{0} 已解除关联。宽限期内可撤销：camsync sources link {0}";
    UNLINK_LEFT: "{0} changes done, {1} to be done", "已完成 {0} 个变更，尚余 {1} 个";
    UNLINK_NOBODY: "It has no sub-users.", "没有子用户。";
    UNLINK_STEPS: "What remains to be done by you:", "仍须您来做的：";
    UNLINK_ASK: "Type the source's name to confirm: ", "输入来源名称以确认：";
    BECOMES_RELEASED: "stays as it is, unmanaged", "保持原样，不再管理";
    BECOMES_SUSPENDED: "is suspended", "停用";
    BECOMES_SUSPENDED_ALREADY: "stays suspended", "保持停用";
    BECOMES_DELETED: "is suspended; deleted after {0}", "停用；{0} 后删除";
    BECOMES_LET_GO: "is suspended; unmanaged after {0}, for it was adopted", "停用；因系接管，{0} 后不再管理";
    BECOMES_PROTECTED: "stays as it is: it is protected", "保持原样：受保护";
    LINKED: "{0} is linked again; what it calls for is done from now on", "{0} 已重新关联；其要求从现在起执行";
    LINKED_FROZEN: "{0} is linked again, but not in the file: it is frozen until it is back there", "{0} 已重新关联，但不在配置文件中：放回之前保持冻结";
    ENTRY_IGNORED: "{0} is unlinked: its entry in the file is ignored until camsync sources link {0}", "{0} 已解除关联：在 camsync sources link {0} 之前，文件中的条目被忽略";
    F_APP: "application", "应用";
    F_CALLBACKS: "callbacks", "回调";
    AND_MORE: "and {0} more", "另有 {0} 项";
    CALLBACKS: "last received {0}, last verified {1}; {2} verified, {3} refused, {4} changes missed", "上次收到 {0}，上次通过验证 {1}；通过 {2}，拒绝 {3}，漏报变更 {4}";
    RANGE_CHANGES: "Last changes of the visible range:", "可见范围最近的变化：";
    RANGE_CONFIGURED: "(the range itself was edited)", "（可见范围本身被修改）";
    UNLINK_SECOND: "A second person must approve what becomes of the sub-users: camsync plans approve {0}", "子用户的去向须由第二人批准：camsync plans approve {0}";
    WOULD: "What would change:", "将要进行的变更：";
    CHANGED: "Changes of this pass:", "本次变更：";
    NO_CHANGES: "No changes. CAM is as the rules call for.", "没有变更。CAM 与规则一致。";
    NO_CHANGES_BUT: "No changes could be planned.", "无法制定变更。";
    TALLY: "Members admitted: {0}, not admitted: {1}", "准入成员 {0}，未准入 {1}";
    TALLY_FAILING: "undecided, for a rule fails on them: {0}", "有 {0} 名因规则出错而无法判定";
    PLAN_SUM: "Plan: {0}.", "计划：{0}。";
    N_CREATE: "{0} to create", "新建 {0}";
    N_UPDATE: "{0} to update", "更新 {0}";
    N_SUSPEND: "{0} to suspend", "停用 {0}";
    N_RESUME: "{0} to resume", "恢复 {0}";
    N_DELETE: "{0} to delete", "删除 {0}";
    N_OTHER: "{0} × {1}", "{1} {0}";
    N_HELD: "{0} of these wait", "其中等待 {0}";
    HELD_HEAD: "Held for approval: {0} of {1} ({2})", "待批准：来源 {1}，{0}（{2}）";
    HELD_PLAN: "Held for approval: {0} of {1} ({2}), plan {3}", "待批准：来源 {1}，{0}（{2}），计划 {3}";
    HELD_SEE: "see `camsync plans show {0}`; let them go on: `camsync plans approve {0}`; silence them: `camsync plans discard {0}`", "查看：`camsync plans show {0}`；放行：`camsync plans approve {0}`；忽略：`camsync plans discard {0}`";
    HELD_WOULD: "`camsync sync` would hold these, to be let go on with `camsync plans approve ID`", "`camsync sync` 会暂停这些变更，须用 `camsync plans approve ID` 放行";
    WAIT_HEAD: "Waiting:", "等待中：";
    PROBLEMS: "Problems:", "问题：";
    MORE: "... and {0} more: `{1}`", "……另有 {0} 项：`{1}`";
    SOURCE_FAILED: "Source {0} could not be crawled whole; nobody of it was removed:", "来源 {0} 未能完整拉取，未移除其任何成员：";
    ASK_AGAIN: "it may be asked again in {0}", "{0}后可重试";
    NOT_PLANNED: "No plan could be made:", "无法制定计划：";
    STOPPED: "Writing stopped, for CAM refuses the key:", "CAM 拒绝密钥，写入已停止：";
    FAILED_HEAD: "Failed for good:", "最终失败：";
    FAILED_SEE: "`camsync changes show {0}` tells its attempts, `camsync changes retry {0}` asks again", "`camsync changes show {0}` 查看各次尝试，`camsync changes retry {0}` 重试";
    SYNC_APPLIED: "Applied {0} of {1} changes", "已完成 {0}/{1} 项变更";
    SYNC_FAILED: "{0} failed", "失败 {0}";
    SYNC_WAIT: "{0} waiting for a quota or a permission", "等待配额或权限 {0}";
    SYNC_PENDING: "{0} still to be done", "待处理 {0}";
    SYNC_UNTIL: "the next attempt is due at {0}; `camsync run` makes it by itself, or `camsync sync` again", "下次尝试在 {0}；由 `camsync run` 自动进行，或再次运行 `camsync sync`";
    SYNC_QUOTA: "the quota of {0} is full; it is tried again when there is room, by {1} at the latest", "配额 {0} 已满；有空位后自动重试，最迟 {1}";
    SYNC_FROZEN: "Frozen: nothing was written. `camsync thaw` ends it.", "已冻结：没有写入任何变更。`camsync thaw` 解除。";
    SYNC_RECORDED: "kind = \"ledger\": the changes are recorded, nothing was applied.", "kind = \"ledger\"：变更已记录，未写入云端。";
    SYNC_HELD: "Held: {0}. `camsync plans show {1}` shows it, `camsync plans approve {1}` lets it go on.", "待批准：{0}。用 `camsync plans show {1}` 查看，`camsync plans approve {1}` 放行。";
    PLAN_OF: "plan {0} ({1} of {2})", "计划 {0}（来源 {2}，{1}）";
    REMARK: "remark", "备注";
    SIGN_IN: "console sign-in", "控制台登录";
    PHONE: "phone", "电话";
    EMAIL: "e-mail", "邮箱";

    // Check.
    ABOUT_CONFIG: "configuration", "配置";
    ABOUT_TARGET: "target: Tencent Cloud CAM", "目标：腾讯云 CAM";
    ABOUT_SOURCE: "source {0}", "来源 {0}";
    CHECK_OK: "Everything is in order.", "一切正常。";
    CHECK_ERRORS: "Errors: {0}, warnings: {1}. Nothing was changed.", "错误 {0}，警告 {1}。未做任何更改。";
    CHECK_WARNINGS: "No errors; warnings: {0}.", "没有错误，{0} 个警告。";

    // Notifications.
    NOTIFY_NONE: "There is no [[notify]] in the configuration, so nobody is told anything.", "配置中没有 [[notify]]，因此不会通知任何人。";
    NOTIFY_TAKEN: "{0} took the test message.", "{0} 已收到测试消息。";
    NOTIFY_REFUSED: "{0} did not: {1}", "{0} 未收到：{1}";

    // Members, changes, plans.
    NOBODY: "No members. `camsync sync` crawls the sources.", "没有成员。`camsync sync` 会拉取来源。";
    NO_ROWS: "None.", "无。";
    SUB_USER_HEAD: "Sub-user", "子用户";
    FACTS: "Facts crawled", "拉取到的信息";
    RULE_HEAD: "Rule", "规则";
    HISTORY: "History", "历史";
    ATTEMPTS: "Attempts", "尝试";
    QUOTAS_HEAD: "Quotas", "配额";
    QUOTA_ROW: "{0}{1}: {2} used, {3} more wanted, of {4}", "{0}{1}：已用 {2}，还需 {3}，上限 {4}";
    QUOTA_OVER: "; {0} will wait for room", "；其中 {0} 个将等待空位";
    NO_ATTEMPTS: "No attempt has been made.", "尚未尝试。";
    RULE_ALWAYS: "every member (no `when`)", "所有成员（没有 `when`）";
    UIN: "{0} (Uin {1})", "{0}（Uin {1}）";
    MANAGED: "managed", "受管";
    UNMANAGED: "not managed", "未受管";
    SUSPENDED: "suspended", "已停用";
    DEPARTMENT_TREE: "Departments ({0} members by their main department)", "部门（按主部门计 {0} 名成员）";
    PLAN_HEAD: "Plan {0}: {1} of {2}", "计划 {0}：来源 {2}，{1}";
    PLAN_LIMIT: "{0} here, {1} may go on without approval", "共 {0} 项，无需批准的上限为 {1} 项";
    PLAN_NEXT: "camsync plans approve {0}   lets exactly these go on", "camsync plans approve {0}   放行以上各项";
    PLAN_SILENCE: "camsync plans discard {0}   silences them until there are more", "camsync plans discard {0}   忽略，直到数量增加";
    IN_FLIGHT: "no answer recorded yet", "尚无结果";
    SUCCEEDED: "applied", "已完成";

    // Applications and passwords.
    APPLICATION_HEAD: "Application {0} of {1}", "申请 {0}：{1}";
    ENDED_MEMBER: "taken back by the member", "成员撤回";
    ENDED_EXPIRED: "nobody answered in time", "逾期无人处理";
    ENDED_LEFT: "the member has left", "成员已离开";
    ENDED_NOT_ASKED: "no rule asks for it any more", "已无需申请";
    PASSWORD_HEAD: "New password of {0}", "{0} 的新密码";
    PASSWORD_ONCE: "It is shown this once and kept nowhere; it must be changed at the first sign-in.", "此密码只显示这一次，不会保存；首次登录时必须修改。";

    // Audit.
    AUDIT_BROKEN: "The audit was altered: row {0} does not follow from the one before it, or is gone.", "审计记录被改动：第 {0} 行与前一行不衔接，或已被删除。";
    AUDIT_WHOLE: "The audit is whole: {0} rows. Last hash: {1}", "审计记录完整：共 {0} 行。最后一行的哈希：{1}";

    // Connectors.
    REFUSED_HEAD: "Refused:", "被拒绝：";
    SETTINGS: "Settings", "设置";

    // Done.
    FROZE: "Frozen: nothing is written to the cloud, `members suspend` excepted, until `camsync thaw`.", "已冻结：在 `camsync thaw` 之前不写入云端（`members suspend` 除外）。";
    FROZE_ALREADY: "It was frozen already.", "此前已冻结。";
    THAWED: "Thawed: changes are written again.", "已解除冻结：变更恢复写入。";
    THAWED_ALREADY: "It was not frozen.", "此前未冻结。";
    PAUSED: "Source {0} is paused: it is not crawled until `camsync sources resume {0}`.", "来源 {0} 已暂停：在 `camsync sources resume {0}` 之前不再拉取。";
    RESUMED: "Source {0} is crawled again.", "来源 {0} 恢复拉取。";
    REBOUND: "Source {0} now belongs to the enterprise {1}.", "来源 {0} 现在属于企业 {1}。";
    UNBOUND: "The ledger takes the root account of the next key that it is used with (it was {0}).", "台账将绑定下一个密钥所属的主账号（此前为 {0}）。";
    BACKED_UP: "Ledger copied to {0} ({1} bytes).", "台账已备份到 {0}（{1} 字节）。";

    RESTORED: "Restored {0} from {1}.", "已用 {1} 还原 {0}。";
    RESTORED_KEPT: "The ledger that was there is kept as {0}.", "原有台账保留为 {0}。";
    RESTORED_NEXT: "Next: `camsync plan` shows what has changed in the cloud since the backup.", "接下来：用 `camsync plan` 查看备份之后云端的变化。";

    // Progress.
    P_CRAWLING: "crawling {0}", "拉取 {0}";
    P_CRAWLED: "crawled {0}: {1} members, {2} departments", "已拉取 {0}：成员 {1}，部门 {2}";
    P_CRAWL_FAILED: "crawling {0} failed: {1}", "拉取 {0} 失败：{1}";
    P_LOOKING_UP: "looking up {1} missing members of {0}", "查询 {0} 中缺席的 {1} 名成员";
    P_OBSERVING: "reading CAM", "读取 CAM";
    P_OBSERVED: "read CAM: {0} accounts", "已读取 CAM：账号 {0}";
    P_PLANNED: "planned {0} changes, {1} wait", "已制定变更 {0} 项，等待 {1} 项";
    P_APPLYING: "applying changes", "执行变更";
    P_APPLIED: "applied {0} of {1} changes", "已执行变更 {0}/{1}";
    P_FAILED: "{0} failed", "失败 {0}";
    P_WAITING: "waiting {0} s for the next attempt", "等待 {0} 秒后重试";
}

pub(crate) use crate::say::term as known;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_places() {
        for word in ALL {
            for place in ["{0}", "{1}", "{2}", "{3}"] {
                assert_eq!(
                    word.en.contains(place),
                    word.zh.contains(place),
                    "{word:?} and {place}"
                );
            }
        }
    }
}
