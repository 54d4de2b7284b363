//! Plan: the ordered changes from observed to desired. Pure: reads no clock, sends nothing.

mod entitled;
mod grants;
mod id_changes;
mod leaver;
mod managed;
mod needs;
mod newcomers;
mod objects;
pub mod quota;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::change::{Planned, Reason};
use crate::desired::{Desired, Verdict};
use crate::evidence::Absence;
use crate::grants::{CalledForBy, Made, ObservedGrants};
use crate::grounds::Grounds;
use crate::object::{Object, ObjectKind};
use crate::outbox::Kind;
use crate::problem::Problem;
use crate::rules::{Leavers, LessAccess};
use crate::sub_user::{Observed, Stage, SubUser};

use grants::Grants;
use id_changes::suspect_id_changes;
use managed::managed;
use newcomers::{Newcomer, admit};
use objects::{count_what_empties, objects};
use quota::Quotas;

pub use needs::needs;

/// What a successful write made is lag rather than drift for this long (`cam-api.md` 6.3).
pub const LAG: TimeDelta = TimeDelta::seconds(60);

/// A managed member who is missing from the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The member's id, folded.
    pub key: String,
    /// What the absence amounts to.
    pub absence: Absence,
    /// The facts behind it, for the record.
    pub grounds: Grounds,
}

/// One source, as far as a plan is concerned.
#[derive(Debug)]
pub struct SourceView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its desired state.
    pub desired: &'a [Desired],
    /// Managed members missing from the snapshot.
    pub absent: &'a [Absent],
    /// A complete crawl ended in this very pass: deletions need one.
    pub fresh: bool,
    /// Set once a person has unlinked it: then nothing of the above counts.
    pub unlinked: Option<&'a Unlinked>,
}

/// What a person wants to become of the sub-users of a source that is no longer linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlinked {
    /// Who unlinked it.
    pub by: String,
    /// What becomes of them.
    pub then: Then,
}

/// What becomes of the sub-users of an unlinked source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// They stay in the cloud as they are, unmanaged.
    Keep,
    /// They are suspended, and stay so.
    Suspend,
    /// They are suspended, and deleted after the grace.
    Delete,
}

impl Then {
    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Suspend => "suspend",
            Self::Delete => "delete",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Keep, Self::Suspend, Self::Delete]
            .into_iter()
            .find(|then| then.as_str() == word)
    }
}

/// All that a plan depends on.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// The moment the plan is made.
    pub now: DateTime<Utc>,
    /// Sources that may be acted upon. One that is missing here is frozen.
    pub sources: &'a [SourceView<'a>],
    /// Every sub-user that is wanted or managed.
    pub sub_users: &'a [SubUser],
    /// What CAM says.
    pub observed: &'a Observed,
    /// What happens to leavers.
    pub leavers: &'a Leavers,
    /// What happens to drift towards less access.
    pub less_access: LessAccess,
    /// Groups and policies that camsync made.
    pub made: &'a [Made],
    /// Every source that the ledger knows is among `sources`: what nothing calls for here is called for nowhere.
    pub whole: bool,
    /// Quotas that are known, or were learnt.
    pub quotas: &'a Quotas,
}

/// Something to write into the ledger that needs no CAM write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The rule admitted these facts.
    Admitted {
        /// The sub-user.
        sub_user: i64,
        /// Index into the source's desired state.
        source: String,
        /// The member's folded id.
        key: String,
    },
    /// A read has shown what was written.
    Confirmed {
        /// The sub-user.
        sub_user: i64,
    },
    /// Somebody switched on the sign-in that the rule calls for: it is what is expected from now on.
    SignsIn {
        /// The sub-user.
        sub_user: i64,
    },
    /// Gone from CAM, and nobody wants it back.
    GoneByHand {
        /// The sub-user.
        sub_user: i64,
    },
    /// The grace is over for an adopted sub-user: no longer managed.
    Released {
        /// The sub-user.
        sub_user: i64,
    },
    /// A person asked that reduced access come back, and there is none that would.
    ResumeSettled {
        /// The sub-user.
        sub_user: i64,
    },
    /// A read has shown a grant.
    GrantConfirmed {
        /// The sub-user.
        sub_user: i64,
        /// The group or policy.
        object: Object,
    },
    /// A grant goes back to another rule, or another line, than it did.
    GrantCalledFor {
        /// The sub-user.
        sub_user: i64,
        /// The group or policy.
        object: Object,
        /// What calls for it now.
        by: CalledForBy,
    },
    /// A grant that nothing calls for any more is not there any more either.
    GrantForgotten {
        /// The sub-user.
        sub_user: i64,
        /// The group or policy.
        object: Object,
    },
    /// A read has shown a group or policy that camsync made.
    MadeConfirmed {
        /// The ledger's id of it.
        made: i64,
    },
    /// A group or policy that camsync made is not there any more.
    MadeGone {
        /// The ledger's id of it.
        made: i64,
    },
    /// The keys that a person asked for are on, or gone.
    KeysSettled {
        /// The sub-user.
        sub_user: i64,
    },
    /// Entitled again while suspended by a person: no longer a leaver.
    NoLongerLeaving {
        /// The sub-user.
        sub_user: i64,
    },
    /// Wanted, but not any more, before it was made.
    Unwanted {
        /// The sub-user.
        sub_user: i64,
    },
}

/// A plan before the guard has seen it.
#[derive(Debug, Default)]
pub struct Draft {
    /// The changes, in an order that does not depend on the input's.
    pub changes: Vec<Planned>,
    /// What to note in the ledger.
    pub notes: Vec<Note>,
    /// Problems by source and folded member id.
    pub problems: HashMap<(String, String), Vec<Problem>>,
    /// Sub-users of whom nothing could be decided, by the ledger's id: what waits of them goes on waiting, and an
    /// approval of it lasts.
    pub undecided: BTreeSet<i64>,
    /// What the plan does to quotas.
    pub forecast: Vec<quota::Forecast>,
    /// Groups that are called for and do not exist, by name: the source and the rule that called first.
    groups_to_make: BTreeMap<String, (String, u32)>,
    /// Whether the deny-all policy is called for and does not exist: the source that called first.
    deny_all_to_make: Option<String>,
}

impl Draft {
    fn problem(&mut self, source: &str, key: &str, problem: Problem) {
        self.problems
            .entry((source.to_owned(), key.to_owned()))
            .or_default()
            .push(problem);
    }

    /// Has the group made that somebody is to join, where it does not exist.
    fn make_for(&mut self, source: &str, object: &Object, rule: u32) {
        if object.kind == ObjectKind::Group && object.id.is_none() {
            self.groups_to_make
                .entry(object.name.clone())
                .or_insert_with(|| (source.to_owned(), rule));
        }
    }
}

/// Plans.
#[must_use]
pub fn plan(input: &PlanInput<'_>, observed: &ObservedGrants) -> Draft {
    let mut draft = Draft::default();
    let grants = Grants::new(input, observed);
    let mut own: HashMap<(&str, &str), &SubUser> = HashMap::with_capacity(input.sub_users.len());
    for sub_user in input.sub_users {
        own.insert((sub_user.source.as_str(), sub_user.key.as_str()), sub_user);
    }
    let mut newcomers = Vec::new();
    for source in input.sources {
        // The rules say nothing of a source that is no longer linked.
        let said = source.unlinked.map_or(source.desired, |_| &[]);
        let present: HashMap<&str, &Desired> = said.iter().map(|d| (d.key.as_str(), d)).collect();
        let absent: HashMap<&str, &Absent> =
            source.absent.iter().map(|a| (a.key.as_str(), a)).collect();
        for sub_user in input.sub_users.iter().filter(|s| s.source == source.name) {
            if sub_user.busy {
                draft.undecided.insert(sub_user.id);
                continue;
            }
            let here = present.get(sub_user.key.as_str()).copied();
            match sub_user.stage {
                Stage::Managed => {
                    let gone = absent.get(sub_user.key.as_str()).copied();
                    managed(input, &grants, source, sub_user, here, gone, &mut draft);
                }
                Stage::Wanted
                    if !matches!(here.map(|d| &d.verdict), Some(Verdict::Admitted(_))) =>
                {
                    draft.notes.push(Note::Unwanted {
                        sub_user: sub_user.id,
                    });
                }
                _ => {}
            }
        }
        for desired in said {
            let have = own.get(&(source.name, desired.key.as_str())).copied();
            match (&desired.verdict, have) {
                (_, Some(s)) if s.busy || s.stage == Stage::Managed => {}
                (Verdict::Admitted(admission), have) => newcomers.push(Newcomer {
                    source: source.name,
                    desired,
                    admission,
                    wanted: have,
                }),
                (Verdict::Failed { rule, error }, None) => draft.problem(
                    source.name,
                    &desired.key,
                    Problem::RuleFailed {
                        rule: *rule,
                        error: error.clone(),
                    },
                ),
                (Verdict::AwaitingApplication { rule }, None) => draft.problem(
                    source.name,
                    &desired.key,
                    Problem::AwaitingApplication { rule: *rule },
                ),
                _ => {}
            }
        }
    }
    admit(input, &grants, newcomers, &mut draft);
    suspect_id_changes(input, &mut draft);
    objects(input, &grants, &mut draft);
    draft.changes.sort_by(|a, b| order(a).cmp(&order(b)));
    count_what_empties(&grants, &mut draft);
    quota::hold(input, &grants, &mut draft);
    draft
}

/// The order of a plan: what others need first, what is left over last; between them sub-user by sub-user.
fn order(change: &Planned) -> impl Ord {
    let part = match change.kind {
        Kind::CreateGroup | Kind::CreatePolicy => 0,
        Kind::DeleteGroup | Kind::DeletePolicy => 2,
        _ => 1,
    };
    (
        part,
        &change.source,
        &change.username,
        rung(change),
        change.sub_user,
        &change.object,
    )
}

/// The order of one sub-user's changes: denial before anything else that takes, keys before the deletion, what gives
/// before what takes grants away.
fn rung(change: &Planned) -> u8 {
    match change.kind {
        Kind::CreateGroup | Kind::CreatePolicy => 0,
        Kind::CreateUser | Kind::UpdateUser => 1,
        Kind::AttachPolicy if matches!(change.reason, Reason::Leaver { .. }) => 2,
        Kind::SuspendUser => 3,
        Kind::DisableKey => 4,
        Kind::ResumeUser => 5,
        Kind::EnableKey | Kind::ResetPassword => 6,
        Kind::AddToGroup | Kind::AttachPolicy => 7,
        Kind::RemoveFromGroup | Kind::DetachPolicy => 8,
        Kind::DeleteKey => 9,
        Kind::DeleteUser => 10,
        Kind::DeleteGroup | Kind::DeletePolicy => 11,
    }
}

/// Whether the grace of a leaver is over.
fn is_over(input: &PlanInput<'_>, sub_user: &SubUser) -> bool {
    let since = sub_user.leaving.map(|leaving| leaving.since);
    let grace = input.leavers.delete_after.map(TimeDelta::from_std);
    since.is_some_and(|since| {
        grace.is_some_and(|grace| grace.is_ok_and(|grace| input.now - since >= grace))
    })
}
