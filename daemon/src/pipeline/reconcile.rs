//! Reconcile: feeds the pure steps from ledger and cloud, and records what they say. Decides nothing itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use camsync_cam::{Account, Cam};
use camsync_core::change::Planned;
use camsync_core::departments::Departments;
use camsync_core::desired::{Desired, DesiredInput, Verdict, desired};
use camsync_core::evidence::Absence;
use camsync_core::grants::{Made as MadeObject, Needs, ObservedGrants};
use camsync_core::grounds::Grounds;
use camsync_core::guard::{Decision, Judgement, Memory, judge};
use camsync_core::model::Member;
use camsync_core::plan::quota::{self, Quota, Quotas};
use camsync_core::plan::{Absent, Draft, PlanInput, SourceView, Unlinked, needs, plan};
use camsync_core::problem::Problem;
use camsync_core::remark::mark_of;
use camsync_core::rules::{Adopt, Guard, Leavers, LessAccess, Rules};
use camsync_core::sub_user::{AccountKind, Observed, ObservedUser, Stage, SubUser};
use chrono::{DateTime, TimeDelta, Utc};

use crate::ledger::{
    ApplicationStanding, Finding, KnownFacts, Ledger, LedgerError, Recorded, Recording, Said,
    StoredSnapshot,
};
use crate::say::Blocked;

use super::applications::{self, ByRule};
use super::basis::Basis as StateDigests;
use super::crawl::Outcome as CrawlOutcome;
use super::crawls::Alone;
use super::observe::observe;
use super::observe_grants::{believed_grants, observe_grants};
use super::source::Source;
use super::witness::absences;

/// The ledger's key for the root account that it belongs to.
pub const OWNER_UIN: &str = "owner_uin";

/// What the configuration says, as far as a plan depends on it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Admit and grant rules.
    pub rules: Rules,
    /// When a plan is held.
    pub guard: Guard,
    /// What happens to leavers.
    pub leavers: Leavers,
    /// What happens to drift towards less access.
    pub less_access: LessAccess,
    /// The account's quotas, as far as they are known.
    pub quotas: HashMap<Quota, u64>,
    /// An application that nobody has answered ends after this.
    pub applications_expire_after: std::time::Duration,
}

/// A source that may be planned for.
#[derive(Debug)]
pub struct Ready {
    /// Its name.
    pub name: String,
    /// Its connector.
    pub connector: String,
    /// Whether it can look up.
    pub can_look_up: bool,
    /// How its crawl in this pass ended, if there was one.
    pub crawl: Option<CrawlOutcome>,
    /// What look-ups found in this pass.
    pub looked_up: Vec<Finding>,
    /// Nobody else crawls it while this lives.
    pub alone: Option<Alone>,
}

impl Ready {
    /// A source as the ledger has it, without a crawl.
    #[must_use]
    pub fn stored(name: &str, source: &dyn Source) -> Self {
        Self {
            name: name.to_owned(),
            connector: source.connector().to_owned(),
            can_look_up: source.can_look_up(),
            crawl: None,
            looked_up: Vec::new(),
            alone: None,
        }
    }
}

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// CAM could not be read.
    #[error("CAM could not be read: {0}")]
    Cam(camsync_cam::Error),
    /// The key is another account's, or a rule does not compile.
    #[error(transparent)]
    Blocked(Blocked),
}

impl ReconcileError {
    /// As kind and fields, for the document; the ledger's own failures are none of these.
    ///
    /// # Errors
    /// The ledger's failure.
    pub fn blocked(self) -> Result<Blocked, LedgerError> {
        match self {
            Self::Ledger(error) => Err(error),
            Self::Cam(error) => Ok(Blocked::Cam {
                said: error.to_string(),
                error: super::apply::failure(&error),
            }),
            Self::Blocked(blocked) => Ok(blocked),
        }
    }
}

/// A plan, judged, with all that it came from.
#[derive(Debug)]
pub struct Made {
    /// When.
    pub now: DateTime<Utc>,
    /// Changes, notes and problems; the changes know whether they wait.
    pub draft: Draft,
    /// What the guard said.
    pub judgements: Vec<Judgement>,
    /// What it was made from, where that was asked for.
    pub basis: Option<StateDigests>,
    memory: Memory,
    pub(super) sources: HashSet<String>,
    facts: KnownFacts,
    desired: Vec<(String, Vec<Desired>, Vec<Absent>)>,
    /// Open applications that a rule approves.
    pub(super) approved: Vec<ByRule>,
    observed_sub_users: usize,
    /// How many there are of what was learnt to be full, where that was read.
    used: HashMap<(Quota, u64), u64>,
}

impl Made {
    /// Whether a person is waited for.
    #[must_use]
    pub fn held(&self) -> bool {
        self.judgements
            .iter()
            .any(|j| matches!(j.decision, Decision::Held { .. } | Decision::StaysHeld(_)))
    }

    /// What a member is called at the provider.
    #[must_use]
    pub fn name(&self, source: &str, member: &str) -> Option<&str> {
        let key = camsync_core::model::fold(member);
        let facts = self.facts.get(source)?.get(&key)?;
        Some(facts.name.as_str())
    }

    /// The names that the rules give to those whom they admit.
    pub fn wanted_names(&self) -> impl Iterator<Item = &str> {
        let desired = self.desired.iter().flat_map(|(_, desired, _)| desired);
        desired.filter_map(|d| match &d.verdict {
            Verdict::Admitted(admission) => Some(admission.username.as_str()),
            _ => None,
        })
    }

    /// The changes that a plan shows: all but those that a person has discarded.
    pub fn shown(&self) -> impl Iterator<Item = &Planned> {
        let silenced: HashSet<_> = self
            .judgements
            .iter()
            .filter(|j| matches!(j.decision, Decision::Silenced(_)))
            .flat_map(|j| j.removals.iter().map(|r| (j.bucket.evidence, r.clone())))
            .collect();
        self.draft.changes.iter().filter(move |c| {
            c.evidence
                .is_none_or(|evidence| !silenced.contains(&(evidence, c.removal_key())))
        })
    }
}

/// Checks whose key it is against whose ledger this is.
///
/// # Errors
/// When CAM does not answer, or the accounts differ.
pub async fn account(ledger: &Ledger, cam: &dyn Cam) -> Result<Account, ReconcileError> {
    let account = cam.account().await.map_err(ReconcileError::Cam)?.value;
    let found = account.owner_uin.to_string();
    match ledger.meta(OWNER_UIN)? {
        Some(bound) if bound != found => Err(ReconcileError::Blocked(Blocked::AnotherAccount {
            bound,
            found,
        })),
        _ => Ok(account),
    }
}

/// Reads what the cloud has. Without a cloud (`kind = "ledger"`) it has what the ledger says: a ledger that once had
/// one must not take everybody for deleted.
///
/// # Errors
/// As [`account`].
pub async fn observed(
    ledger: &Ledger,
    cam: Option<&dyn Cam>,
    rules: &Rules,
) -> Result<(Option<Account>, Observed), ReconcileError> {
    let Some(cam) = cam else {
        return Ok((None, believed(&ledger.living_sub_users()?)));
    };
    let account = account(ledger, cam).await?;
    let managed = ledger.managed_names()?;
    let wecom = rules.admit.iter().any(|r| r.adopt == Adopt::Wecom);
    let observed = observe(cam, &account, &managed, wecom)
        .await
        .map_err(ReconcileError::Cam)?;
    Ok((Some(account), observed))
}

/// Takes in what lost creations made, as a listing shows it: an answer that never came is resolved by reading.
///
/// # Errors
/// When the ledger cannot be written.
pub fn claim_lost_creations(
    ledger: &Ledger,
    observed: &Observed,
    now: DateTime<Utc>,
) -> Result<(), LedgerError> {
    let marked: Vec<(&str, u64, bool)> = observed
        .users()
        .iter()
        .filter(|u| u.kind == AccountKind::SubUser && !u.off_limits)
        .filter_map(|u| {
            let mark = mark_of(u.remark.as_deref()?)?;
            Some((mark, u.uin, u.console_login.unwrap_or(true)))
        })
        .collect();
    let unsettled = ledger.unsettled_marks()?;
    let lost: Vec<_> = marked
        .into_iter()
        .filter(|(mark, ..)| unsettled.contains(*mark))
        .collect();
    ledger.claim_by_mark(&lost, now).map(drop)
}

fn believed(sub_users: &[SubUser]) -> Observed {
    let managed = sub_users.iter().filter(|s| s.stage == Stage::Managed);
    Observed::new(
        managed
            .filter_map(|s| {
                Some(ObservedUser {
                    uin: s.uin?,
                    name: s.username.clone(),
                    remark: None,
                    console_login: Some(s.login),
                    kind: AccountKind::SubUser,
                    wecom_user_id: None,
                    off_limits: false,
                })
            })
            .collect(),
    )
}

/// What a plan rests on but for what CAM shows of grants: which of these have to be read is for it to say.
#[derive(Debug)]
pub struct Basis {
    now: DateTime<Utc>,
    facts: KnownFacts,
    sub_users: Vec<SubUser>,
    made: Vec<MadeObject>,
    desired: Vec<(String, Vec<Desired>, Vec<Absent>)>,
    /// Open applications that a rule approves.
    approved: Vec<ByRule>,
    fresh: HashSet<String>,
    unlinked: BTreeMap<String, Unlinked>,
    whole: bool,
    quotas: Quotas,
}

/// Takes in snapshots, rules and ledger for these sources. Writes nothing.
///
/// # Errors
/// When the ledger fails.
pub fn prepare(
    ledger: &Ledger,
    policy: &Policy,
    ready: &[Ready],
    observed: &Observed,
    now: DateTime<Utc>,
) -> Result<Basis, ReconcileError> {
    let mut facts = KnownFacts::new();
    let mut snapshots = Vec::new();
    for source in ready {
        let Some(row) = ledger.source(&source.name)? else {
            continue;
        };
        // Only a source whose enterprise answered, at least once, in full, says anything about anybody.
        if row.last_complete_at.is_none() || row.seen_enterprise.is_some() {
            continue;
        }
        // And one that a person has unlinked says nothing any more.
        if row.unlinked.is_some() {
            continue;
        }
        // What this very pass has crawled is what the ledger has just stored; it need not be read back.
        let (members, departments) = match &source.crawl {
            Some(CrawlOutcome::Complete(complete)) => {
                let crawled = &complete.crawled;
                (crawled.members.clone(), crawled.departments.clone())
            }
            _ => {
                let StoredSnapshot {
                    members,
                    departments,
                    ..
                } = ledger.snapshot(&source.name)?;
                (members, departments)
            }
        };
        facts.insert(
            source.name.clone(),
            members.iter().map(|m| (m.key(), Arc::clone(m))).collect(),
        );
        snapshots.push((source, members, departments));
    }
    let sub_users = ledger.living_sub_users_among(&facts)?;
    let mut desired_by_source = Vec::new();
    let mut approved_by_rule = Vec::new();
    for (source, members, departments) in snapshots {
        let departments = Arc::new(Departments::new(departments));
        let admitted: HashMap<String, Option<Arc<Member>>> = sub_users
            .iter()
            .filter(|s| s.source == source.name && s.stage == Stage::Managed)
            .map(|s| (s.key.clone(), s.admitted.clone()))
            .collect();
        let Some(known) = facts.get(&source.name) else {
            continue;
        };
        let by_rule = applications::approved_by_rule(
            ledger,
            &policy.rules.admit,
            (&source.name, &source.connector),
            known,
            &departments,
        )?;
        let mut approved = ledger.approved_applicants(&source.name)?;
        approved.extend(by_rule.keys().cloned());
        approved_by_rule.extend(by_rule.into_values());
        let made = desired(
            &policy.rules,
            &DesiredInput {
                source: &source.name,
                connector: &source.connector,
                members: &members,
                departments: &departments,
                approved: &approved,
                admitted: &admitted,
            },
        )
        .map_err(|error| {
            ReconcileError::Blocked(Blocked::Rule {
                error: error.to_string(),
            })
        })?;
        let absent = absences(ledger, &source.name, source.can_look_up, now)?;
        desired_by_source.push((source.name.clone(), made, absent));
    }
    let unlinked = unlinked(ledger)?;
    for name in unlinked.keys() {
        let absent = unlinked_members(name, &sub_users);
        desired_by_source.push((name.clone(), Vec::new(), absent));
    }
    let quotas = ledger.quotas(&policy.quotas, observed.sub_user_count() as u64, now)?;
    let whole = ledger.sources()?.iter().all(|known| {
        desired_by_source
            .iter()
            .any(|(name, ..)| *name == known.name)
    });
    Ok(Basis {
        now,
        facts,
        sub_users,
        made: ledger.made_objects()?,
        fresh: ready
            .iter()
            .filter(|r| matches!(r.crawl, Some(CrawlOutcome::Complete(_))))
            .map(|r| r.name.clone())
            .collect(),
        desired: desired_by_source,
        approved: approved_by_rule,
        unlinked,
        whole,
        quotas,
    })
}

impl Basis {
    /// What of CAM's grants the plan has to see.
    #[must_use]
    pub fn needs(&self, policy: &Policy, observed: &Observed) -> Needs {
        self.with_input(policy, observed, needs)
    }

    fn with_input<T>(
        &self,
        policy: &Policy,
        observed: &Observed,
        then: impl FnOnce(&PlanInput<'_>) -> T,
    ) -> T {
        let views: Vec<SourceView<'_>> = self
            .desired
            .iter()
            .map(|(name, desired, absent)| SourceView {
                name,
                desired,
                absent,
                fresh: self.fresh.contains(name),
                unlinked: self.unlinked.get(name),
            })
            .collect();
        then(&PlanInput {
            now: self.now,
            sources: &views,
            sub_users: &self.sub_users,
            observed,
            leavers: &policy.leavers,
            less_access: policy.less_access,
            made: &self.made,
            whole: self.whole,
            quotas: &self.quotas,
        })
    }
}

/// Reads what of CAM's grants the plan has to see. Without a cloud there is what the ledger says.
///
/// # Errors
/// When CAM cannot be read whole: from half a reading no plan is made.
pub async fn grants(
    ledger: &Ledger,
    cam: Option<&dyn Cam>,
    policy: &Policy,
    basis: &mut Basis,
    observed: &Observed,
    recording: bool,
) -> Result<ObservedGrants, ReconcileError> {
    let Some(cam) = cam else {
        return Ok(believed_grants(&basis.sub_users, &basis.made));
    };
    let needs = basis.needs(policy, observed);
    let (now, whole) = (basis.now, basis.whole);
    let grants = observe_grants(ledger, cam, &needs, observed, now, recording, whole).await?;
    if recording {
        // A lost creation may have been found in what was read.
        basis.made = ledger.made_objects()?;
    }
    Ok(grants)
}

/// Makes a plan. Writes nothing.
///
/// # Errors
/// When the ledger fails.
pub fn make(
    ledger: &Ledger,
    policy: &Policy,
    basis: Basis,
    observed: &Observed,
    grants: &ObservedGrants,
) -> Result<Made, ReconcileError> {
    let now = basis.now;
    let mut draft = basis.with_input(policy, observed, |input| plan(input, grants));
    let learnt = basis.quotas.full_at.keys();
    let used = learnt
        .filter_map(|at| Some((*at, quota::used(observed, grants, at.0, at.1)?)))
        .collect();
    for (name, ..) in &basis.desired {
        keep_suspicions(
            name,
            &ledger.suspicions(name)?,
            &basis.sub_users,
            &mut draft,
        );
    }
    let window = TimeDelta::from_std(policy.guard.window).unwrap_or(TimeDelta::MAX);
    let memory = ledger.guard_memory(now, window)?;
    let judgements = judge(&policy.guard, &memory, &draft.undecided, &mut draft.changes);
    say_what_waits(&mut draft);
    Ok(Made {
        now,
        draft,
        judgements,
        basis: None,
        memory,
        sources: basis.desired.iter().map(|(n, ..)| n.clone()).collect(),
        facts: basis.facts,
        desired: basis.desired,
        approved: basis.approved,
        observed_sub_users: observed.sub_user_count(),
        used,
    })
}

/// The sources that a person has unlinked, whether or not they are still in the file.
fn unlinked(ledger: &Ledger) -> Result<BTreeMap<String, Unlinked>, LedgerError> {
    let rows = ledger.sources()?.into_iter();
    Ok(rows
        .filter_map(|row| {
            let unlinking = row.unlinked?;
            let unlinked = Unlinked {
                by: unlinking.by,
                then: unlinking.then,
            };
            Some((row.name, unlinked))
        })
        .collect())
}

/// Everyone with a sub-user of an unlinked source: what the rules last said of them is forgotten.
fn unlinked_members(source: &str, sub_users: &[SubUser]) -> Vec<Absent> {
    let theirs = sub_users.iter().filter(|s| s.source == source);
    theirs
        .map(|s| Absent {
            key: s.key.clone(),
            absence: Absence::Unsettled,
            grounds: Grounds::Unlinked { by: String::new() },
        })
        .collect()
}

/// That two ids may be one person is said for as long as one of their sub-users is a leaver's.
fn keep_suspicions(
    source: &str,
    suspicions: &[(String, String)],
    sub_users: &[SubUser],
    draft: &mut Draft,
) {
    if suspicions.is_empty() {
        return;
    }
    let by_key: HashMap<&str, &SubUser> = sub_users
        .iter()
        .filter(|s| s.source == source)
        .map(|s| (s.key.as_str(), s))
        .collect();
    for (key, other) in suspicions {
        let other_key = camsync_core::model::fold(other);
        let (Some(one), Some(two)) = (by_key.get(key.as_str()), by_key.get(other_key.as_str()))
        else {
            continue;
        };
        let problems = draft
            .problems
            .entry((source.to_owned(), key.clone()))
            .or_default();
        let problem = Problem::MaybeSamePerson {
            other: other.clone(),
        };
        // Once a person has said which of two goes, there is nothing to suspect.
        let told = one.replaced_by.is_some() || two.replaced_by.is_some();
        let leaving = one.leaving.is_some() || two.leaving.is_some();
        if leaving && !told && !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

/// A change that waits is a member's problem too.
fn say_what_waits(draft: &mut Draft) {
    use camsync_core::change::Hold;
    for change in &draft.changes {
        let problem = match (&change.hold, change.evidence) {
            (Some(Hold::Approval), Some(evidence)) => Problem::Held { evidence },
            (Some(hold), _) => Problem::Waiting { hold: hold.clone() },
            (None, _) => continue,
        };
        draft
            .problems
            .entry((
                change.source.clone(),
                camsync_core::model::fold(&change.member),
            ))
            .or_default()
            .push(problem);
    }
}

/// Records a plan.
///
/// # Errors
/// When the ledger cannot be written; then nothing of the plan is.
pub fn record(
    ledger: &Ledger,
    made: &Made,
    account: Option<&Account>,
    actor: &str,
    retry_failed: bool,
    mark: &mut dyn FnMut() -> String,
) -> Result<Recorded, LedgerError> {
    if let Some(account) = account
        && ledger.meta(OWNER_UIN)?.is_none()
    {
        ledger.set_meta(OWNER_UIN, Some(&account.owner_uin.to_string()))?;
    }
    note_quotas(ledger, made)?;
    let recorded = ledger.record_plan(&mut Recording {
        now: made.now,
        actor,
        changes: &made.draft.changes,
        facts: &made.facts,
        notes: &made.draft.notes,
        undecided: &made.draft.undecided,
        judgements: &made.judgements,
        memory: &made.memory,
        sources: &made.sources,
        retry_failed,
        mark,
    })?;
    for (source, desired, absent) in &made.desired {
        let problems = |key: &str| {
            made.draft
                .problems
                .get(&(source.clone(), key.to_owned()))
                .map_or(&[][..], Vec::as_slice)
        };
        let present = desired.iter().map(|d| {
            let said = Said {
                verdict: Some(&d.verdict),
                groups: &d.entitlement.groups,
                policies: &d.entitlement.policies,
                problems: problems(&d.key),
            };
            (d.key.as_str(), said)
        });
        let missing = absent.iter().map(|a| {
            let said = Said {
                problems: problems(&a.key),
                ..Said::default()
            };
            (a.key.as_str(), said)
        });
        let said: HashMap<&str, Said<'_>> = present.chain(missing).collect();
        ledger.record_verdicts(source, &said)?;
        let applicants = desired
            .iter()
            .map(|d| (d.key.as_str(), applicant(&d.verdict)));
        ledger.settle_applications(source, &applicants.collect(), made.now)?;
    }
    Ok(recorded)
}

/// What a verdict makes of an application.
fn applicant(verdict: &Verdict) -> ApplicationStanding {
    match verdict {
        Verdict::AwaitingApplication { .. } | Verdict::Failed { .. } => ApplicationStanding::Stands,
        Verdict::Admitted(_) => ApplicationStanding::Admitted,
        Verdict::Disabled | Verdict::Left => ApplicationStanding::Left,
        Verdict::Excluded { .. } | Verdict::Unmatched => ApplicationStanding::NotAsked,
    }
}

/// Keeps how many sub-users there are, and what that says of quotas that were full.
fn note_quotas(ledger: &Ledger, made: &Made) -> Result<(), LedgerError> {
    let sub_users = made.observed_sub_users.to_string();
    ledger.set_meta("observed_sub_users", Some(&sub_users))?;
    ledger.settle_quotas(&made.used, made.now)
}

/// How many members each verdict holds for: what an administrator wants to know of a plan that changes nothing.
#[must_use]
pub fn tally(made: &Made) -> (usize, usize, usize) {
    let verdicts = made.desired.iter().flat_map(|(_, d, _)| d);
    let mut counts = (0, 0, 0);
    for one in verdicts {
        match one.verdict {
            Verdict::Admitted(_) => counts.0 += 1,
            Verdict::Failed { .. } => counts.2 += 1,
            _ => counts.1 += 1,
        }
    }
    counts
}
