//! `members`: everyone in a snapshot or with a sub-user, and what a person can do about one.

use std::collections::{HashMap, HashSet};

use camsync_core::change::{Reason, UserState};
use camsync_core::desired::Verdict;
use camsync_core::model::fold;
use camsync_core::outbox::{Kind, Status};
use camsync_core::sub_user::{Stage, SubUser};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::ledger::{ChangeFilter, MemberRow, NewChange, time_text};
use crate::pipeline::ProgressSink;

use super::{Context, ListOptions, OpError, changes, passes, sources, verdicts};

/// How long a suspension by hand is tried for before the command reports that it still is.
const EMERGENCY_WAITS: TimeDelta = TimeDelta::seconds(30);

/// A member with the sub-user that belongs to it.
struct Entry {
    row: MemberRow,
    sub_user: Option<SubUser>,
    /// What failed for good, a sentence a change.
    failed: Vec<String>,
}

impl Entry {
    fn suspended(&self) -> bool {
        self.sub_user.as_ref().is_some_and(SubUser::suspended)
    }

    /// What stands in the way: by the last plan's word, and by what CAM refused for good.
    fn problems(&self) -> Vec<String> {
        let planned = self.row.problems.iter().map(ToString::to_string);
        planned.chain(self.failed.iter().cloned()).collect()
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
        let problems = self.problems();
        json!({
            "id": self.row.facts.id,
            "name": self.row.facts.name,
            "source": self.row.source,
            "status": self.status(),
            "departments": self.row.facts.departments,
            "username": self.username(),
            "sub_user": sub_user,
            "rule": self.row.verdict.as_ref().and_then(Verdict::rule),
            "groups": self.row.groups,
            "policies": self.row.policies,
            "problem": (!problems.is_empty()).then(|| problems.join("; ")),
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
    let mut failed: HashMap<i64, Vec<String>> = HashMap::new();
    let failures = context.ledger().changes(&ChangeFilter {
        status: Some(Status::Failed),
        ..ChangeFilter::default()
    })?;
    for change in failures {
        if let Some(error) = &change.last_error {
            failed.entry(change.sub_user).or_default().push(format!(
                "change {} ({}) failed: {error}",
                change.id,
                change.kind.as_str()
            ));
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
    if let Some(status) = &options.status {
        const KNOWN: [&str; 7] = [
            "active",
            "disabled",
            "invited",
            "left",
            "managed",
            "suspended",
            "problem",
        ];
        if !KNOWN.contains(&status.as_str()) {
            return Err(super::unknown_status(status, &KNOWN));
        }
        found.retain(|e| match status.as_str() {
            "suspended" => e.suspended(),
            "problem" => !e.problems().is_empty(),
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
    let several: Vec<String> = found
        .iter()
        .map(|e| format!("{} of {}", e.row.facts.id, e.row.source))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(entry), true) => Ok(entry),
        (Some(_), false) => Err(OpError::conflict(format!(
            "`{id}` is {}; name one with --source",
            several.join(" and ")
        ))),
        (None, _) => {
            let near = camsync_core::nearest::nearest(&wanted, names.iter().map(String::as_str));
            let hint = near.map_or_else(
                || "`camsync members list` shows all".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Err(OpError::not_found(format!(
                "nobody in a snapshot, and no sub-user, is called `{id}`; {hint}"
            )))
        }
    }
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
    let answer = answer(&entry, context);
    let mut made = entry.json();
    made["answer"] = json!(answer);
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

/// The answer in sentences, the most telling first.
fn answer(entry: &Entry, context: &Context) -> Vec<String> {
    let mut said = Vec::new();
    let name = &entry.row.facts.id;
    if !entry.row.present {
        said.push(format!(
            "{name} is not in the snapshot{}.",
            entry
                .row
                .missing_since
                .map(|at| format!(" since {}", time_text(at)))
                .unwrap_or_default()
        ));
    }
    match &entry.row.verdict {
        None => {}
        Some(Verdict::Admitted(a)) => said.push(format!(
            "The admit rule in line {} matches and calls for the sub-user {}.",
            a.rule, a.username
        )),
        Some(Verdict::AwaitingApplication { rule }) => said.push(format!(
            "The admit rule in line {rule} asks for an approved application."
        )),
        Some(Verdict::Excluded { rule }) => {
            said.push(format!("The admit rule in line {rule} excludes {name}."));
        }
        Some(Verdict::Unmatched) => said.push(format!("No admit rule matches {name}.")),
        Some(Verdict::Disabled) => said.push(format!("{name} is disabled at the provider.")),
        Some(Verdict::Left) => said.push(format!("The provider says that {name} has left.")),
        Some(Verdict::Failed { rule, error }) => said.push(format!(
            "The admit rule in line {rule} fails on {name}: {error}; nothing is decided."
        )),
    }
    match &entry.sub_user {
        None => said.push("There is no sub-user.".into()),
        Some(s) => {
            let uin = s.uin.map(|u| format!(" ({u})")).unwrap_or_default();
            said.push(match s.stage {
                Stage::Wanted => format!("The sub-user {} is to be created.", s.username),
                Stage::Managed if s.stopped_at.is_some() => format!(
                    "The sub-user {}{uin} was suspended by a person at {}.",
                    s.username,
                    s.stopped_at.map(time_text).unwrap_or_default()
                ),
                Stage::Managed => match s.leaving {
                    None => format!("The sub-user {}{uin} is managed.", s.username),
                    Some(l) => {
                        let grace = context
                            .config()
                            .config
                            .leavers
                            .delete_after
                            .and_then(|d| TimeDelta::from_std(d).ok())
                            .map(|d| {
                                format!(" and may be deleted after {}", time_text(l.since + d))
                            })
                            .unwrap_or_default();
                        format!(
                            "The sub-user {}{uin} is suspended ({}) since {}{grace}.",
                            s.username,
                            l.evidence.as_str(),
                            time_text(l.since)
                        )
                    }
                },
                Stage::Deleted => format!("The sub-user {}{uin} is deleted.", s.username),
                Stage::Released => {
                    format!("The sub-user {}{uin} is not managed any more.", s.username)
                }
                Stage::Abandoned => format!("The sub-user {} was never made.", s.username),
            });
            if s.protected {
                said.push("It is protected from every removal.".into());
            }
        }
    }
    for problem in entry.problems() {
        said.push(format!("{problem}."));
    }
    said
}

/// The managed sub-user of a member, or why nothing may be done.
fn managed(entry: &Entry) -> Result<&SubUser, OpError> {
    match &entry.sub_user {
        Some(s) if s.stage == Stage::Managed => Ok(s),
        _ => Err(OpError::conflict(format!(
            "{} has no sub-user that camsync manages, and an account that is not managed is never changed",
            entry.row.facts.id
        ))),
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
            .map_err(|e| OpError::failed(e.to_string()))?;
    }
    ledger.stop_sub_user(sub_user.id, context.now(), actor)?;
    let change = ledger.insert_urgent(
        &NewChange {
            sub_user: sub_user.id,
            source: &sub_user.source,
            member: &sub_user.member,
            username: &sub_user.username,
            kind: Kind::SuspendUser,
            reason: &Reason::Person {
                actor: actor.to_owned(),
            },
            before: Some(&UserState::login(sub_user.login)),
            after: Some(&UserState::login(false)),
            evidence: None,
            counted: false,
            urgent: true,
            rule_login: None,
            plan: None,
            hold: None,
        },
        context.now(),
        actor,
        "member.suspend",
    )?;
    engine
        .urgent(context.now() + EMERGENCY_WAITS, progress)
        .await?;
    let row = ledger
        .change(change)?
        .ok_or_else(|| OpError::failed("the change vanished from the ledger"))?;
    if engine.cam().is_some() && row.applied_at.is_none() {
        return Err(OpError::failed(format!(
            "the suspension of {} is recorded (change {change}) but not applied yet: {}. It is tried again by `camsync run`, or with `camsync changes retry {change}`; if it is urgent, switch sign-in off in the CAM console as well",
            row.username,
            row.last_error
                .map_or_else(|| "CAM has not answered".to_owned(), |e| e.to_string())
        )));
    }
    show(context, id, source)
}

pub(super) async fn resume(
    context: &Context,
    id: &str,
    source: Option<&str>,
    actor: &str,
    progress: &ProgressSink,
) -> Result<Value, OpError> {
    let entry = find(context, id, source)?;
    let sub_user = managed(&entry)?;
    let ledger = context.ledger();
    ledger.request_resume(sub_user.id)?;
    ledger.audit(
        context.now(),
        actor,
        "member.resume",
        &sub_user.username,
        &json!({ "source": sub_user.source, "member": sub_user.member }),
    )?;
    passes::reconcile(context, actor, progress).await?;
    ledger.end_idle_resume(sub_user.id)?;
    show(context, id, source)
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
    ledger.release_sub_user(sub_user.id, context.now())?;
    ledger.audit(
        context.now(),
        actor,
        "member.release",
        &sub_user.username,
        &json!({ "source": sub_user.source, "member": sub_user.member, "uin": sub_user.uin }),
    )?;
    show(context, id, source)
}
