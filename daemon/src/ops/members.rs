//! `members`: everyone in a snapshot or with a sub-user, and what a person can do about one.

use std::collections::{BTreeSet, HashMap, HashSet};

use camsync_core::change::{Reason, UserState};
use camsync_core::desired::Verdict;
use camsync_core::model::fold;
use camsync_core::object::{Object, ObjectKind};
use camsync_core::outbox::{Kind, Status};
use camsync_core::plan::Then;
use camsync_core::sub_user::{Stage, SubUser};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::ledger::{ChangeFilter, MemberRow, NewChange, time_text};
use crate::pipeline::ProgressSink;
use crate::pipeline::apply::failure;
use crate::say::{Account, Answer, FailedChange, Obstacle, refusals};

use super::{Context, ListOptions, OpError, changes, passes, sources, verdicts};

/// How long a suspension by hand is tried for before the command reports that it still is.
const EMERGENCY_WAITS: TimeDelta = TimeDelta::seconds(30);

const STATUSES: [&str; 7] = [
    "active",
    "disabled",
    "invited",
    "left",
    "managed",
    "suspended",
    "problem",
];

/// A member with the sub-user that belongs to it.
struct Entry {
    row: MemberRow,
    sub_user: Option<SubUser>,
    /// What failed for good.
    failed: Vec<FailedChange>,
}

impl Entry {
    fn suspended(&self) -> bool {
        self.sub_user.as_ref().is_some_and(SubUser::suspended)
    }

    /// What stands in the way: by the last plan's word, and by what CAM refused for good.
    fn obstacles(&self) -> Vec<Obstacle> {
        let planned = self.row.problems.iter().cloned().map(Obstacle::Planned);
        let failed = self.failed.iter().cloned().map(Obstacle::Failed);
        planned.chain(failed).collect()
    }

    /// The name that CAM knows, or would.
    fn username(&self) -> Option<String> {
        if let Some(sub_user) = &self.sub_user {
            return Some(sub_user.username.clone());
        }
        match &self.row.verdict {
            Some(Verdict::Admitted(admission)) => Some(admission.username.clone()),
            _ => None,
        }
    }

    /// What rules call for, and what camsync gave, by name.
    fn granted(&self, kind: ObjectKind, called_for: &[(String, u32)]) -> BTreeSet<String> {
        let given = self.sub_user.iter().flat_map(|s| &s.given);
        let given = given.filter(|g| g.kind == kind).map(|g| g.name.clone());
        called_for
            .iter()
            .map(|(name, _)| name.clone())
            .chain(given)
            .collect()
    }

    fn status(&self) -> &'static str {
        if self.row.present {
            self.row.facts.status.as_str()
        } else {
            "left"
        }
    }

    fn json(&self) -> Value {
        let sub_user = self
            .sub_user
            .as_ref()
            .filter(|s| matches!(s.stage, Stage::Managed | Stage::Released))
            .map(|s| {
                json!({
                    "uin": s.uin,
                    "managed": s.stage == Stage::Managed,
                    "suspended": s.suspended(),
                })
            });
        let obstacles = self.obstacles();
        let said: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
        json!({
            "id": self.row.facts.id,
            "name": self.row.facts.name,
            "source": self.row.source,
            "status": self.status(),
            "departments": self.row.facts.departments,
            "username": self.username(),
            "sub_user": sub_user,
            "rule": self.row.verdict.as_ref().and_then(Verdict::rule),
            "groups": self.granted(ObjectKind::Group, &self.row.groups),
            "policies": self.granted(ObjectKind::Policy, &self.row.policies),
            "problem": (!said.is_empty()).then(|| said.join("; ")),
            "problem_details": obstacles,
        })
    }
}

fn entries(context: &Context, source: Option<&str>) -> Result<Vec<Entry>, OpError> {
    let mut sub_users: HashMap<(String, String), SubUser> = context
        .ledger()
        .latest_sub_users()?
        .into_iter()
        .map(|s| ((s.source.clone(), s.key.clone()), s))
        .collect();
    let mut failed: HashMap<i64, Vec<FailedChange>> = HashMap::new();
    let failures = context.ledger().changes(&ChangeFilter {
        status: Some(Status::Failed),
        ..ChangeFilter::default()
    })?;
    for change in failures {
        if let Some(error) = change.last_error {
            let Some(sub_user) = change.sub_user else {
                continue;
            };
            failed.entry(sub_user).or_default().push(FailedChange {
                change: change.id,
                kind: change.kind,
                error,
            });
        }
    }
    Ok(context
        .ledger()
        .member_rows(source)?
        .into_iter()
        .map(|row| {
            let sub_user = sub_users.remove(&(row.source.clone(), row.key.clone()));
            let failed = sub_user
                .as_ref()
                .and_then(|s| failed.remove(&s.id))
                .unwrap_or_default();
            Entry {
                row,
                sub_user,
                failed,
            }
        })
        .collect())
}

pub(super) fn list(context: &Context, options: &ListOptions) -> Result<Value, OpError> {
    sources::known(context, options.source.as_deref())?;
    let mut found = entries(context, options.source.as_deref())?;
    if options.since.is_some() {
        // Members have no date of their own: since then, something was done about them.
        let touched: HashSet<(String, String)> = context
            .ledger()
            .changes(&ChangeFilter {
                source: options.source.clone(),
                since: options.since,
                ..ChangeFilter::default()
            })?
            .into_iter()
            .map(|c| (c.source, fold(&c.member)))
            .collect();
        found.retain(|e| touched.contains(&(e.row.source.clone(), e.row.key.clone())));
    }
    options.status_among(&STATUSES)?;
    if let Some(status) = &options.status {
        found.retain(|e| match status.as_str() {
            "suspended" => e.suspended(),
            "problem" => !e.obstacles().is_empty(),
            "managed" => e
                .sub_user
                .as_ref()
                .is_some_and(|s| s.stage == Stage::Managed),
            status => e.status() == status,
        });
    }
    if let Some(limit) = options.limit() {
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    let rows: Vec<Value> = found.iter().map(Entry::json).collect();
    Ok(json!({ "members": rows }))
}

/// The managed sub-user of a member, found by id or username, with the member's id.
pub(super) fn managed_of(
    context: &Context,
    id: &str,
    source: Option<&str>,
) -> Result<(String, SubUser), OpError> {
    let entry = find(context, id, source)?;
    let sub_user = managed(&entry)?.clone();
    Ok((entry.row.facts.id, sub_user))
}

/// Finds one member by id or username, without regard to case.
fn find(context: &Context, id: &str, source: Option<&str>) -> Result<Entry, OpError> {
    sources::known(context, source)?;
    let wanted = fold(id);
    let all = entries(context, source)?;
    let mut names: Vec<String> = all.iter().map(|e| e.row.key.clone()).collect();
    names.extend(all.iter().filter_map(Entry::username).map(|u| fold(&u)));
    let mut found: Vec<Entry> = all
        .into_iter()
        .filter(|e| e.row.key == wanted || e.username().is_some_and(|u| fold(&u) == wanted))
        .collect();
    // An exact id is meant before somebody else's username.
    if found.len() > 1 && found.iter().filter(|e| e.row.key == wanted).count() == 1 {
        found.retain(|e| e.row.key == wanted);
    }
    let several: Vec<(String, String)> = found
        .iter()
        .map(|e| (e.row.facts.id.clone(), e.row.source.clone()))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(entry), true) => Ok(entry),
        (Some(_), false) => Err(refusals::several_members(id, &several)),
        (None, _) => {
            let near = camsync_core::nearest::nearest(&wanted, names.iter().map(String::as_str));
            Err(refusals::no_member(id, near))
        }
    }
}

/// Where a member is in the ledger.
pub(super) struct Place {
    pub(super) source: String,
    /// The folded id.
    pub(super) key: String,
    pub(super) id: String,
}

/// The same, for who is named by id or username.
pub(super) fn place(context: &Context, id: &str, source: Option<&str>) -> Result<Place, OpError> {
    let row = find(context, id, source)?.row;
    Ok(Place {
        source: row.source,
        key: row.key,
        id: row.facts.id,
    })
}

pub(super) fn show(context: &Context, id: &str, source: Option<&str>) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let mut made = entry.json();
    made["facts"] = json!(entry.row.facts);
    made["ledger"] = json!(entry.sub_user.as_ref().map(sub_user_json));
    Ok(json!({ "member": made }))
}

fn sub_user_json(sub_user: &SubUser) -> Value {
    json!({
        "uin": sub_user.uin,
        "username": sub_user.username,
        "origin": sub_user.origin,
        "stage": sub_user.stage,
        "console_login": sub_user.login,
        "leaving": sub_user.leaving.map(|l| json!({
            "evidence": l.evidence, "since": time_text(l.since),
        })),
        "suspended_by_person_at": sub_user.stopped_at.map(time_text),
        "protected": sub_user.protected,
        "resume_requested": sub_user.resume_requested,
        "unconfirmed_since": sub_user.unconfirmed_since.map(time_text),
        "given": sub_user.given.iter().map(|given| json!({
            "kind": given.kind, "name": given.name, "id": given.id, "rule": given.rule,
            "unconfirmed_since": given.unconfirmed_since.map(time_text),
        })).collect::<Vec<_>>(),
        "keys_off": sub_user.keys_off,
    })
}

pub(super) fn explain(context: &Context, id: &str, source: Option<&str>) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let config = context.config();
    let file = context.config_file().to_owned();
    let history: Vec<Value> = match &entry.sub_user {
        Some(s) => context
            .ledger()
            .changes_of(s.id)?
            .iter()
            .map(changes::row_json)
            .collect(),
        None => Vec::new(),
    };
    let rule = entry.row.verdict.as_ref().and_then(Verdict::rule);
    let when = rule.and_then(|line| {
        config
            .config
            .rules
            .admit
            .iter()
            .find(|r| r.line == line)
            .map(|r| r.when.as_ref().map(|w| w.source().to_owned()))
    });
    let mut answer = answer(&entry, context)?;
    let application = context
        .ledger()
        .latest_application(&entry.row.source, &entry.row.key)?
        .filter(|row| row.status != "withdrawn");
    answer.extend(application.map(|row| Answer::Applied {
        application: row.id,
        status: row.status,
        by: row.decided_by,
        at: row.created_at,
    }));
    let mut made = entry.json();
    made["answer"] = answer.iter().map(ToString::to_string).collect();
    made["answer_details"] = json!(answer);
    made["facts"] = json!(entry.row.facts);
    made["in_snapshot"] = json!(entry.row.present);
    made["missing_since"] = json!(entry.row.missing_since.map(time_text));
    made["witness"] = verdicts::witness_json(entry.row.witness.as_ref());
    made["verdict"] = verdicts::verdict_json(entry.row.verdict.as_ref());
    made["rule_at"] =
        json!(rule.map(|line| json!({ "file": file, "line": line, "when": when.flatten() })));
    made["ledger"] = json!(entry.sub_user.as_ref().map(sub_user_json));
    made["changes"] = json!(history);
    Ok(json!({ "member": made }))
}

/// The answer, the most telling sentence first.
fn answer(entry: &Entry, context: &Context) -> Result<Vec<Answer>, OpError> {
    let mut said = Vec::new();
    let member = || entry.row.facts.id.clone();
    if !entry.row.present {
        said.push(Answer::Missing {
            member: member(),
            since: entry.row.missing_since,
        });
    }
    let lost = verdicts::lost_of_range(context, &entry.row)?;
    if !entry.row.present && !lost.is_empty() {
        said.push(Answer::OutOfRange {
            member: member(),
            lost,
        });
    }
    let row = context.ledger().source(&entry.row.source)?;
    let unlinking = row.and_then(|row| row.unlinked);
    let unlinked = unlinking.as_ref().map(|u| u.then);
    if let Some(unlinking) = unlinking {
        said.push(Answer::Unlinked {
            source: entry.row.source.clone(),
            by: unlinking.by,
            at: unlinking.at,
        });
    }
    said.extend(entry.row.verdict.as_ref().map(|verdict| match verdict {
        Verdict::Admitted(admission) => Answer::Admitted {
            rule: admission.rule,
            username: admission.username.clone(),
        },
        Verdict::AwaitingApplication { rule } => Answer::AwaitingApplication { rule: *rule },
        Verdict::Excluded { rule } => Answer::Excluded {
            rule: *rule,
            member: member(),
        },
        Verdict::Unmatched => Answer::Unmatched { member: member() },
        Verdict::Disabled => Answer::Disabled { member: member() },
        Verdict::Left => Answer::Left { member: member() },
        Verdict::Failed { rule, error } => Answer::RuleFailed {
            rule: *rule,
            member: member(),
            error: error.clone(),
        },
    }));
    said.push(match &entry.sub_user {
        None => Answer::NoSubUser,
        Some(sub_user) => standing(sub_user, unlinked, context),
    });
    if entry.sub_user.as_ref().is_some_and(|s| s.protected) {
        said.push(Answer::Protected);
    }
    said.extend(entry.sub_user.iter().flat_map(granted));
    let obstacles = entry.obstacles().into_iter();
    said.extend(obstacles.map(|details| Answer::Problem { details }));
    Ok(said)
}

/// What camsync gave it, and what it switched off.
fn granted(s: &SubUser) -> Vec<Answer> {
    let given = s.given.iter().map(|given| match given.rule {
        Some(rule) => Answer::Given {
            object: Object {
                kind: given.kind,
                name: given.name.clone(),
                id: Some(given.id),
            },
            rule,
        },
        None => Answer::Denied {
            policy: given.name.clone(),
        },
    });
    let keys = s.keys_off.len();
    let off = (keys > 0).then_some(Answer::KeysOff { keys });
    given.chain(off).collect()
}

/// What a sub-user is at this moment.
fn standing(s: &SubUser, unlinked: Option<Then>, context: &Context) -> Answer {
    let leavers = context.config().config.leavers;
    let stays = unlinked.is_some_and(|then| then != Then::Delete);
    let grace = leavers.delete_after.filter(|_| !stays);
    let grace = grace.and_then(|grace| TimeDelta::from_std(grace).ok());
    let username = s.username.clone();
    let sub_user = Account {
        username: username.clone(),
        uin: s.uin,
    };
    match (s.stage, s.stopped_at, s.leaving) {
        (Stage::Wanted, ..) => Answer::Wanted { username },
        (Stage::Managed, Some(at), _) => Answer::Stopped { sub_user, at },
        (Stage::Managed, None, None) => Answer::Managed { sub_user },
        (Stage::Managed, None, Some(leaving)) => Answer::Suspended {
            sub_user,
            evidence: leaving.evidence,
            since: leaving.since,
            delete_after: grace.map(|grace| leaving.since + grace),
        },
        (Stage::Deleted, ..) => Answer::Deleted { sub_user },
        (Stage::Released, ..) => Answer::Released { sub_user },
        (Stage::Abandoned, ..) => Answer::Abandoned { username },
    }
}

/// The managed sub-user of a member, or why nothing may be done.
fn managed(entry: &Entry) -> Result<&SubUser, OpError> {
    match &entry.sub_user {
        Some(s) if s.stage == Stage::Managed => Ok(s),
        _ => Err(refusals::not_managed(&entry.row.facts.id)),
    }
}

pub(super) async fn suspend(
    context: &Context,
    id: &str,
    source: Option<&str>,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let sub_user = managed(&entry)?;
    let ledger = context.ledger();
    let engine = context.engine().await?;
    if let Some(cam) = engine.cam() {
        // Another account's key must not touch a namesake there.
        crate::pipeline::reconcile::account(ledger, &*cam)
            .await
            .map_err(refusals::reconcile)?;
    }
    ledger.stop_sub_user(sub_user.id, context.now(), actor)?;
    let reason = Reason::Person {
        actor: actor.to_owned(),
    };
    let (before, after) = (UserState::login(sub_user.login), UserState::login(false));
    let change = |kind, object| NewChange {
        sub_user: Some(sub_user.id),
        source: &sub_user.source,
        member: &sub_user.member,
        username: &sub_user.username,
        kind,
        object,
        reason: &reason,
        before: None,
        after: None,
        evidence: None,
        removal: None,
        counted: false,
        urgent: true,
        rule_login: None,
        plan: None,
        hold: None,
    };
    let sign_in = NewChange {
        before: Some(&before),
        after: Some(&after),
        ..change(Kind::SuspendUser, None)
    };
    // Sign-in first: however long keys take to be read, it does not wait for them.
    let mut changes = ledger.insert_urgent(&[sign_in], context.now(), actor, "member.suspend")?;
    let until = || context.now() + EMERGENCY_WAITS;
    engine.urgent(until(), progress).await?;
    let read = match (engine.cam(), sub_user.uin) {
        (Some(cam), Some(uin)) => cam.access_keys(uin).await,
        _ => Ok(Vec::new()),
    };
    if let Ok(keys) = &read {
        let active = keys.iter().filter(|key| key.active);
        let keys: Vec<Object> = active.map(|key| Object::key(&*key.id)).collect();
        let rungs: Vec<NewChange<'_>> = keys
            .iter()
            .map(|key| change(Kind::DisableKey, Some(key)))
            .collect();
        changes.extend(ledger.add_urgent(&rungs, context.now(), actor, "member.keys_off")?);
        engine.urgent(until(), progress).await?;
    }
    for change in changes {
        let row = ledger
            .change(change)?
            .ok_or_else(|| OpError::failed("the change vanished from the ledger"))?;
        if engine.cam().is_some() && row.applied_at.is_none() {
            return Err(refusals::not_suspended(&row));
        }
    }
    if let Err(error) = read {
        return Err(refusals::keys_unread(&sub_user.username, &failure(&error)));
    }
    show(context, id, source)
}

pub(super) async fn resume(
    context: &Context,
    id: &str,
    source: Option<&str>,
    keys: bool,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let sub_user = managed(&entry)?;
    let ledger = context.ledger();
    ledger.request_resume(sub_user.id, keys)?;
    ledger.audit(
        context.now(),
        actor,
        "member.resume",
        &sub_user.username,
        &json!({ "source": sub_user.source, "member": sub_user.member }),
    )?;
    let passed = passes::decided(context, actor, progress).await;
    // Also when the pass came to nothing: it would give back what somebody takes until one does.
    ledger.end_idle_resumes(Some(sub_user.id))?;
    if !passed.as_ref().is_ok_and(|report| report.error.is_none()) {
        ledger.forget_keys_request(sub_user.id)?;
    }
    match passed?.error {
        Some(why) => Err(refusals::not_brought_back(&why)),
        None => show(context, id, source),
    }
}

pub(super) fn protect(
    context: &Context,
    id: &str,
    source: Option<&str>,
    protected: bool,
    actor: &str,
) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let sub_user = managed(&entry)?;
    let ledger = context.ledger();
    ledger.set_protected(sub_user.id, protected)?;
    let action = if protected {
        "member.protect"
    } else {
        "member.unprotect"
    };
    ledger.audit(
        context.now(),
        actor,
        action,
        &sub_user.username,
        &json!({ "source": sub_user.source, "member": sub_user.member }),
    )?;
    show(context, id, source)
}

pub(super) fn release(
    context: &Context,
    id: &str,
    source: Option<&str>,
    actor: &str,
) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let sub_user = managed(&entry)?;
    let ledger = context.ledger();
    if !ledger.release_sub_user(sub_user.id, context.now())? {
        return Err(refusals::release_busy(&entry.row.facts.id));
    }
    ledger.audit(
        context.now(),
        actor,
        "member.release",
        &sub_user.username,
        &json!({ "source": sub_user.source, "member": sub_user.member, "uin": sub_user.uin }),
    )?;
    show(context, id, source)
}
