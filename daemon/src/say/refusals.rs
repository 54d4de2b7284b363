//! How operations say that they did not do what was asked: what is wrong, and what to do.

use std::path::Path;

use crate::advice;
use crate::ledger::{ApplicationRow, ChangeRow, Ended, Failure, LedgerError, ResetRefused};
use crate::ops::OpError;
use crate::pipeline::reconcile::ReconcileError;

use super::{Blocked, Sentence, blocked, failure, term};

fn usage(en: String, zh: String) -> OpError {
    OpError::usage(Sentence::both(en, zh))
}

fn not_found(en: String, zh: String) -> OpError {
    OpError::not_found(Sentence::both(en, zh))
}

fn conflict(en: String, zh: String) -> OpError {
    OpError::conflict(Sentence::both(en, zh))
}

fn failed(en: String, zh: String) -> OpError {
    OpError::failed(Sentence::both(en, zh))
}

/// The ledger did not do what was asked.
#[must_use]
pub fn ledger(error: &LedgerError) -> OpError {
    let zh = match error {
        LedgerError::Absent { path } => format!(
            "{}：还没有台账；`camsync sync` 或 `camsync run` 会建立它",
            path.display()
        ),
        LedgerError::Version { path, found, known } => {
            let remedy = if found > known {
                "请安装写入它的较新版 camsync"
            } else {
                "请运行一次 `camsync run` 或 `camsync sync` 以升级"
            };
            format!(
                "{}：台账的结构版本为 {found}，此 camsync 支持 {known}；{remedy}",
                path.display()
            )
        }
        LedgerError::Corrupt { path, message } => format!(
            "{}：不是 camsync 的台账，或已损坏（{message}）；请用 `camsync restore FILE` 还原备份，未做任何更改",
            path.display()
        ),
        LedgerError::Busy { path } => {
            format!("{}：另一程序锁住了台账；会再次尝试", path.display())
        }
        LedgerError::Full { path } => {
            format!("{}：磁盘已满；腾出空间后会自动继续", path.display())
        }
        LedgerError::ReadOnly { path } => format!(
            "{}：台账或其目录不可写；请给 camsync 的用户写权限",
            path.display()
        ),
        LedgerError::Held { path, holder } => format!(
            "{}：台账正由 {holder} 使用；请先停止它，或让它来做",
            path.display()
        ),
        LedgerError::Io { path, source, .. } => {
            format!("{}：文件无法读写：{source}", path.display())
        }
        LedgerError::Sqlite { path, source, .. } => {
            format!("{}：台账出错：{source}", path.display())
        }
    };
    failed(error.to_string(), zh)
}

/// CAM or the rules stood in the way of a decision or a change, with what to do.
#[must_use]
pub fn reconcile(error: ReconcileError) -> OpError {
    match error.blocked() {
        Ok(why) => OpError::failed(blocked_sentence(&why)),
        Err(error) => ledger(&error),
    }
}

fn blocked_sentence(why: &Blocked) -> Sentence {
    let said = Sentence::both(why.to_string(), blocked("zh", why));
    match why {
        Blocked::Cam { error, .. } => advice::with_remedy(said, error),
        Blocked::AnotherAccount { .. } | Blocked::Rule { .. } | Blocked::MovedOn { .. } => said,
    }
}

/// A decision is recorded, and what follows from it is not done yet.
#[must_use]
pub fn not_carried_out(why: &Blocked) -> OpError {
    let why = blocked_sentence(why);
    failed(
        format!("the decision is recorded, but could not be carried out yet: {why}"),
        format!("决定已记录，但尚未执行：{}", why.to("zh")),
    )
}

/// What a person asked to come back did not, and the request is forgotten: somebody may take it again until it is repeated.
#[must_use]
pub fn not_brought_back(why: &Blocked) -> OpError {
    let why = blocked_sentence(why);
    failed(
        format!(
            "nothing came back, and the request is forgotten: {why}; resume again once that is over"
        ),
        format!(
            "未恢复任何权限，此请求已作废：{}；待其解决后请再次执行 resume",
            why.to("zh")
        ),
    )
}

/// A plan that a person has read is not the one that would be made now.
#[must_use]
pub fn moved_on(why: &Blocked) -> OpError {
    OpError::overtaken(blocked_sentence(why))
}

/// A file is no plan.
#[must_use]
pub fn no_plan_file(why: &str) -> OpError {
    usage(
        format!("this is not a plan that `camsync plan --out` wrote: {why}"),
        format!("这不是 `camsync plan --out` 写出的计划：{why}"),
    )
}

/// A plan of another version of camsync.
#[must_use]
pub fn plan_file_version(found: u64, known: u64) -> OpError {
    usage(
        format!(
            "the plan's file has version {found}, and this camsync knows {known}; make a new one: `camsync plan --out FILE`"
        ),
        format!(
            "计划文件的版本为 {found}，此 camsync 支持 {known}；请重新生成：`camsync plan --out FILE`"
        ),
    )
}

/// A plan whose changes are not those that camsync wrote.
#[must_use]
pub fn plan_file_edited() -> OpError {
    usage(
        "the changes in the plan's file were edited, and only what camsync planned is applied; make a new one: `camsync plan --out FILE`".into(),
        "计划文件中的变更被改动过，而只有 camsync 计划的变更才会执行；请重新生成：`camsync plan --out FILE`".into(),
    )
}

/// The file was not written, for the plan is not whole.
#[must_use]
pub fn plan_not_whole() -> OpError {
    failed(
        "the plan is not whole, so no file was written".into(),
        "计划不完整，因此没有写出文件".into(),
    )
}

/// A suspension by hand is recorded and not applied yet.
#[must_use]
pub fn not_suspended(row: &ChangeRow) -> OpError {
    let (id, username) = (row.id, &row.username);
    let why = match &row.last_error {
        None => Sentence::both("CAM has not answered", "CAM 尚未应答"),
        Some(error) => Sentence::both(error.to_string(), failure("zh", error)),
    };
    let said = Sentence::both(
        format!(
            "the suspension of {username} is recorded (change {id}) but not applied yet: {why}. It is tried again by `camsync run`, or with `camsync changes retry {id}`; if it is urgent, switch sign-in off in the CAM console as well"
        ),
        format!(
            "停用 {username} 已记录（变更 {id}），但尚未生效：{}。`camsync run` 会继续尝试，也可运行 `camsync changes retry {id}`；如情况紧急，请同时在 CAM 控制台关闭其登录",
            why.to("zh")
        ),
    );
    OpError::failed(match &row.last_error {
        None => said,
        Some(error) => advice::with_remedy(said, error),
    })
}

/// A suspension by hand has taken sign-in, and whether API keys work is not known.
#[must_use]
pub fn keys_unread(username: &str, error: &Failure) -> OpError {
    let said = Sentence::both(
        format!(
            "console sign-in of {username} is off, but its API keys could not be read: {error}. `camsync run` switches off those that work as soon as they can be; if it is urgent, do it in the CAM console"
        ),
        format!(
            "{username} 的控制台登录已关闭，但无法读取其 API 密钥：{}。一旦可读，`camsync run` 会停用仍可用的密钥；如情况紧急，请在 CAM 控制台停用",
            failure("zh", error)
        ),
    );
    OpError::failed(advice::with_remedy(said, error))
}

/// Two ids of different sources are never one member.
#[must_use]
pub fn link_across(one: &str, other: &str) -> OpError {
    usage(
        format!(
            "one is a member of {one}, the other of {other}; only two ids of one source can be the same member"
        ),
        format!("两者分属来源 {one} 与 {other}；只有同一来源的两个 ID 才可能是同一成员"),
    )
}

/// Both are one id.
#[must_use]
pub fn link_to_itself(id: &str) -> OpError {
    usage(
        format!("both are {id}; name the old id and the new one"),
        format!("两者都是 {id}；请指明旧 ID 和新 ID"),
    )
}

/// The new id is in no snapshot.
#[must_use]
pub fn link_unknown(id: &str) -> OpError {
    conflict(
        format!(
            "{id} is not in the snapshot, so nobody is there to give the sub-user to; crawl its source first: `camsync plan`"
        ),
        format!("{id} 不在快照中，无人可接收该子用户；请先拉取其来源：`camsync plan`"),
    )
}

/// The old id is still in use.
#[must_use]
pub fn link_still_there(id: &str) -> OpError {
    conflict(
        format!(
            "{id} is still there, so its sub-user is not given to anybody else; name the id that is gone first, and then the new one"
        ),
        format!("{id} 仍在，其子用户不会给予他人；请先写已消失的 ID，再写新 ID"),
    )
}

/// A change of one of the two is under way.
#[must_use]
pub fn link_busy(id: &str) -> OpError {
    OpError::overtaken(Sentence::both(
        format!(
            "a change of {id} or of the other is being applied at this moment; nothing was done, try again"
        ),
        format!("{id} 或另一方的变更正在执行；未做任何更改，请重试"),
    ))
}

/// A change of it is under way, or was cut short by a crash and is not resolved yet: it would end as nobody's.
#[must_use]
pub fn release_busy(id: &str) -> OpError {
    OpError::overtaken(Sentence::both(
        format!(
            "a change of {id} is being applied at this moment; nothing was done, try again. Where no daemon runs, `camsync sync` resolves it"
        ),
        format!(
            "{id} 的变更正在执行；未做任何更改，请重试。若没有守护进程在运行，用 `camsync sync` 了结它"
        ),
    ))
}

/// What would become of a source's sub-users is no longer what was shown.
#[must_use]
pub fn unlink_moved_on(name: &str) -> OpError {
    OpError::overtaken(Sentence::both(
        format!(
            "the sub-users of {name} are no longer those that were shown: nothing was done. Look again: `camsync unlink {name}` with the same option"
        ),
        format!(
            "来源 {name} 的子用户已不是所显示的那些：未做任何更改。请以同样的选项重新查看：`camsync unlink {name}`"
        ),
    ))
}

/// Nobody confirmed what was shown.
#[must_use]
pub fn unlink_not_confirmed(name: &str) -> OpError {
    usage(
        format!(
            "nothing was done: {name} is unlinked only once this is confirmed, with --yes where nobody can be asked"
        ),
        format!("未做任何更改：须确认后才会解除 {name} 的关联；无法询问时请加 --yes"),
    )
}

/// The source is not unlinked.
#[must_use]
pub fn not_unlinked(name: &str) -> OpError {
    conflict(
        format!("the source {name} is linked; there is nothing to take back"),
        format!("来源 {name} 处于关联状态；没有可以撤销的"),
    )
}

/// The source is unlinked.
#[must_use]
pub fn is_unlinked(name: &str) -> OpError {
    conflict(
        format!(
            "the source {name} is unlinked, so it is not crawled and its entry in the file is ignored; `camsync sources link {name}` links it again"
        ),
        format!(
            "来源 {name} 已解除关联：不再拉取，文件中的条目也被忽略；`camsync sources link {name}` 可重新关联"
        ),
    )
}

/// There is no such source; the nearest one is named.
#[must_use]
pub fn no_source(name: &str, known: &[&str], config: &Path) -> OpError {
    if known.is_empty() {
        return not_found(
            format!(
                "there is no source `{name}`; {} has no [[source]]",
                config.display()
            ),
            format!("没有来源 `{name}`；{} 中没有 [[source]]", config.display()),
        );
    }
    match camsync_core::nearest::nearest(name, known.iter().copied()) {
        Some(near) => not_found(
            format!("there is no source `{name}`; did you mean `{near}`?"),
            format!("没有来源 `{name}`；您是指 `{near}` 吗？"),
        ),
        None => not_found(
            format!(
                "there is no source `{name}`; configured are {}",
                known.join(", ")
            ),
            format!("没有来源 `{name}`；已配置的有 {}", known.join("、")),
        ),
    }
}

/// The source answers with its own enterprise.
#[must_use]
pub fn nothing_to_rebind(name: &str) -> OpError {
    conflict(
        format!(
            "the source {name} answers with the enterprise that it belongs to; there is nothing to rebind"
        ),
        format!("来源 {name} 应答的正是它所属的企业；无需重新绑定"),
    )
}

/// A status that no list knows; the nearest one is named.
#[must_use]
pub fn unknown_status(word: &str, known: &[&str]) -> OpError {
    let near = camsync_core::nearest::nearest(word, known.iter().copied());
    let (en, zh) = near.map_or_else(Default::default, |near| {
        (
            format!("; did you mean `{near}`?"),
            format!("；您是指 `{near}` 吗？"),
        )
    });
    usage(
        format!(
            "there is no status `{word}`{en} (known are {})",
            known.join(", ")
        ),
        format!("没有状态 `{word}`{zh}（可用的有 {}）", known.join("、")),
    )
}

/// There is no such change.
#[must_use]
pub fn no_change(id: i64) -> OpError {
    not_found(
        format!("there is no change {id}; `camsync changes list` shows them"),
        format!("没有变更 {id}；用 `camsync changes list` 查看"),
    )
}

/// The change waits for a plan's approval.
#[must_use]
pub fn change_waits_for_approval(id: i64, plan: i64) -> OpError {
    conflict(
        format!(
            "change {id} waits for the approval of plan {plan}: `camsync plans approve {plan}`"
        ),
        format!("变更 {id} 在等待批准计划 {plan}：`camsync plans approve {plan}`"),
    )
}

/// The change waits for a complete crawl.
#[must_use]
pub fn change_waits_for_crawl(id: i64) -> OpError {
    conflict(
        format!("change {id} waits for a complete crawl: `camsync sync`"),
        format!("变更 {id} 在等待一次完整拉取：`camsync sync`"),
    )
}

/// Only failed and held changes can be retried.
#[must_use]
pub fn not_retriable(id: i64, status: &str) -> OpError {
    conflict(
        format!("change {id} is {status}; only failed and held ones can be retried"),
        format!(
            "变更 {id} {}；只有已失败或等待中的变更可以重试",
            term("zh", status)
        ),
    )
}

/// Only pending, held and failed changes can be cancelled.
#[must_use]
pub fn not_cancellable(id: i64, status: &str) -> OpError {
    conflict(
        format!("change {id} is {status}; only pending, held and failed ones can be cancelled"),
        format!(
            "变更 {id} {}；只有待执行、等待中或已失败的变更可以取消",
            term("zh", status)
        ),
    )
}

/// There is no such plan.
#[must_use]
pub fn no_plan(id: i64) -> OpError {
    not_found(
        format!("there is no plan {id}; `camsync plans list` shows them"),
        format!("没有计划 {id}；用 `camsync plans list` 查看"),
    )
}

/// Only a held plan can be decided on.
#[must_use]
pub fn plan_not_held(id: i64, status: &str) -> OpError {
    conflict(
        format!("plan {id} is {status}; only a held plan can be decided on"),
        format!("计划 {id} {}；只能裁定等待中的计划", term("zh", status)),
    )
}

/// A pass that ran meanwhile shows other removals, or none.
#[must_use]
pub fn plan_overtaken(id: i64) -> OpError {
    OpError::overtaken(Sentence::both(
        format!(
            "plan {id} is not held any more: a newer one has taken its place; `camsync plans list` shows it"
        ),
        format!("计划 {id} 已不再等待：已被较新的计划取代；用 `camsync plans list` 查看"),
    ))
}

/// The second approval is another person's to give.
#[must_use]
pub fn needs_a_second_person(id: i64, first: &str) -> OpError {
    conflict(
        format!(
            "plan {id} has the approval of {first} already and needs that of a second person (console.two_person_approval): ask somebody else to approve it"
        ),
        format!(
            "计划 {id} 已有 {first} 的批准，还需另一人批准（console.two_person_approval）：请他人来批准"
        ),
    )
}

/// Several members go by this name: each by id and source.
#[must_use]
pub fn several_members(id: &str, found: &[(String, String)]) -> OpError {
    let each = |of: &dyn Fn(&str, &str) -> String, and: &str| {
        let all: Vec<String> = found.iter().map(|(id, source)| of(id, source)).collect();
        all.join(and)
    };
    conflict(
        format!(
            "`{id}` is {}; name one with --source",
            each(&|id, source| format!("{id} of {source}"), " and ")
        ),
        format!(
            "`{id}` 可以是{}；请用 --source 指明",
            each(&|id, source| format!("来源 {source} 的 {id}"), "或")
        ),
    )
}

/// Nobody goes by this name; the nearest is named.
#[must_use]
pub fn no_member(id: &str, near: Option<&str>) -> OpError {
    let (en, zh) = near.map_or_else(
        || {
            (
                "`camsync members list` shows all".to_owned(),
                "用 `camsync members list` 查看全部".to_owned(),
            )
        },
        |near| {
            (
                format!("did you mean `{near}`?"),
                format!("您是指 `{near}` 吗？"),
            )
        },
    );
    not_found(
        format!("nobody in a snapshot, and no sub-user, is called `{id}`; {en}"),
        format!("快照中没有名为 `{id}` 的成员，也没有这样的子用户；{zh}"),
    )
}

/// The member's sub-user is not camsync's to change.
#[must_use]
pub fn not_managed(member: &str) -> OpError {
    conflict(
        format!(
            "{member} has no sub-user that camsync manages, and an account that is not managed is never changed"
        ),
        format!("{member} 没有受 camsync 管理的子用户，而不受管的账号绝不改动"),
    )
}

/// There is no such application.
#[must_use]
pub fn no_application(id: i64) -> OpError {
    not_found(
        format!("there is no application {id}; `camsync applications list` shows them"),
        format!("没有申请 {id}；用 `camsync applications list` 查看"),
    )
}

/// Somebody has decided otherwise already, or the application was withdrawn.
#[must_use]
pub fn application_decided(row: &ApplicationRow) -> OpError {
    let id = row.id;
    if let Some(ended) = row.ended {
        let (en, zh) = match ended {
            Ended::Member => ("the member took it back", "成员已撤回"),
            Ended::Expired => ("nobody answered it in time", "逾期无人处理"),
            Ended::Left => (
                "the member is not in the snapshot any more, or disabled",
                "成员已不在快照中，或已被禁用",
            ),
            Ended::NotAsked => (
                "no rule asks this member for one any more",
                "已没有规则要求此成员申请",
            ),
        };
        return conflict(
            format!("application {id} is withdrawn: {en}"),
            format!("申请 {id} 已结束：{zh}"),
        );
    }
    let by = row.decided_by.as_deref().unwrap_or("somebody");
    let at = row.decided_at.map(crate::ledger::time_text);
    let at = at.unwrap_or_default();
    conflict(
        format!(
            "application {id} was {} by {by} at {at}: a decision is made once",
            row.status
        ),
        format!(
            "申请 {id} 已由 {by} 于 {at} 处理：{}；决定只作一次",
            term("zh", &row.status)
        ),
    )
}

/// The applicant has left before the decision.
#[must_use]
pub fn applicant_gone(row: &ApplicationRow) -> OpError {
    conflict(
        format!(
            "{} is not in the snapshot of {} any more, so application {} cannot be approved",
            row.member, row.source, row.id
        ),
        format!(
            "{} 已不在来源 {} 的快照中，申请 {} 不能批准",
            row.member, row.source, row.id
        ),
    )
}

/// Why a sub-user gets no password.
#[must_use]
pub fn no_password(member: &str, why: ResetRefused) -> OpError {
    let (en, zh) = match why {
        ResetRefused::NotManaged => return not_managed(member),
        ResetRefused::Adopted => (
            "its sub-user existed before camsync; an administrator gives it a password",
            "其子用户早于 camsync 存在；须由管理员重置密码",
        ),
        ResetRefused::Suspended => (
            "its sub-user is suspended; `camsync members explain` says why",
            "其子用户已被停用；用 `camsync members explain` 查看原因",
        ),
        ResetRefused::SignInOff => (
            "console sign-in of its sub-user is off, and a password does not switch it on",
            "其子用户的控制台登录已关闭，密码不会将其开启",
        ),
        ResetRefused::Sso => (
            "the account uses user SSO (`sign_in = \"sso\"`), so there are no passwords",
            "账号使用用户 SSO（`sign_in = \"sso\"`），没有密码",
        ),
        ResetRefused::Busy => (
            "another change of its sub-user is under way; ask again in a moment",
            "其子用户正有另一项变更在进行；请稍后再试",
        ),
        ResetRefused::Frozen => (
            "no write is allowed now (frozen, or its source is gone from the file or answers for another enterprise)",
            "目前不允许写入（已冻结，或其来源已不在配置中、或应答的是另一企业）",
        ),
        ResetRefused::NoCloud => (
            "changes are only recorded (`kind = \"ledger\"`), so there are no passwords",
            "变更只作记录（`kind = \"ledger\"`），没有密码",
        ),
    };
    conflict(
        format!("{member} gets no password: {en}"),
        format!("不能为 {member} 重置密码：{zh}"),
    )
}

/// CAM did not accept a password, or that is not known; none is shown.
#[must_use]
pub fn password_not_set(member: &str, change: i64, why: &Failure) -> OpError {
    let said = Sentence::both(
        format!(
            "CAM has not accepted a new password for {member} (change {change}): {why}; ask for another"
        ),
        format!(
            "CAM 未接受 {member} 的新密码（变更 {change}）：{}；请重新申请",
            failure("zh", why)
        ),
    );
    OpError::failed(advice::with_remedy(said, why))
}

/// A password is asked for anew, not sent again.
#[must_use]
pub fn password_not_retried(id: i64, member: &str) -> OpError {
    conflict(
        format!(
            "change {id} is a password reset, whose password is gone: `camsync members reset-password {member}` makes another"
        ),
        format!(
            "变更 {id} 是密码重置，其密码已不存在：请用 `camsync members reset-password {member}` 重新生成"
        ),
    )
}

/// The file to write exists.
#[must_use]
pub fn file_exists(file: &Path) -> OpError {
    usage(
        format!("{} exists; name a new file", file.display()),
        format!("{} 已存在；请指定一个新文件", file.display()),
    )
}

/// A backup that is damaged.
#[must_use]
pub fn damaged_backup(file: &Path, first: &str) -> OpError {
    failed(
        format!(
            "{}: the backup is damaged: {first}; nothing was changed",
            file.display()
        ),
        format!("{}：备份已损坏：{first}；未做任何更改", file.display()),
    )
}

/// A backup of another root account's ledger.
#[must_use]
pub fn another_accounts_backup(theirs: &str, ours: &str) -> OpError {
    usage(
        format!(
            "the backup belongs to the root account {theirs}, the present ledger to {ours}; nothing was changed. If that is meant: --other-account"
        ),
        format!(
            "备份属于主账号 {theirs}，现有台账属于 {ours}；未做任何更改。若确属有意：--other-account"
        ),
    )
}

/// The process that was asked went away.
#[must_use]
pub fn went_away(why: &dyn std::fmt::Display) -> OpError {
    failed(
        format!(
            "the process that holds the ledger went away before it answered ({why}); ask again"
        ),
        format!("使用台账的进程在应答之前退出（{why}）；请再试一次"),
    )
}

/// Nobody answers at a socket, for this reason of the system.
#[must_use]
pub fn unanswered(path: &Path, error: Option<&std::io::Error>) -> OpError {
    use std::io::ErrorKind;
    let shown = path.display();
    let (en, zh) = match error {
        None => (
            "nobody answered at this socket; ask again".to_owned(),
            "此套接字没有应答；请再试一次".to_owned(),
        ),
        Some(e) => match e.kind() {
            ErrorKind::NotFound => (
                "there is no such socket; start `camsync run`, or leave --socket and CAMSYNC_SOCKET away to use the ledger itself".to_owned(),
                "没有这个套接字；请启动 `camsync run`，或去掉 --socket 与 CAMSYNC_SOCKET 以直接使用台账".to_owned(),
            ),
            ErrorKind::PermissionDenied => (
                "this user may not use the socket; ask as the user that `camsync run` runs as".to_owned(),
                "当前用户无权使用此套接字；请以运行 `camsync run` 的用户操作".to_owned(),
            ),
            ErrorKind::ConnectionRefused => (
                "the process that made this socket is gone; start `camsync run` again, or leave --socket and CAMSYNC_SOCKET away".to_owned(),
                "建立此套接字的进程已退出；请重新启动 `camsync run`，或去掉 --socket 与 CAMSYNC_SOCKET".to_owned(),
            ),
            _ => (
                format!("nobody answers at this socket: {e}"),
                format!("此套接字没有应答：{e}"),
            ),
        },
    };
    failed(format!("{shown}: {en}"), format!("{shown}：{zh}"))
}
