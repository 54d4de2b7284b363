//! The oracle: says what breaks the contract. It knows how things really are, what was asked of the cloud and what people
//! did, and shares no code with the pipeline: of the ledger it reads what was recorded, and decides by itself.
//!
//! It is lenient where it cannot know what the product may know: what is wrong is wrong only once a whole pass, without any
//! fault, has seen how things are.

mod access;
mod adoption;
mod after;
mod facts;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camsync::ledger::{ChangeRow, Ledger, PlanRow};
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;
use chrono::{DateTime, TimeDelta, Utc};

use crate::cloud::Cloud;
use crate::company::PEOPLE;
use crate::rules::{Entitled, Rules};

use facts::{Facts, What};

/// Something that the contract forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's number in the contract, or `end`.
    pub invariant: &'static str,
    /// What happened.
    pub what: String,
}

/// A change under way: its id, and who is busy with it.
pub type Sent = Option<(i64, String)>;

/// What the oracle remembers.
pub struct Oracle {
    pub(crate) ledger: Arc<Ledger>,
    /// What was found; the first counts.
    pub violations: Vec<Violation>,
    /// The step that runs, from 1.
    pub step: usize,
    /// A pass or an operation is under way.
    pub running: bool,
    /// What runs reads the cloud and plans before it writes.
    pub plans: bool,
    /// Writes that were sent so far, with their moment.
    pub trace: Vec<String>,
    rules: Option<Rules>,
    entitled: BTreeMap<&'static str, Entitled>,
    facts: Facts,
    /// The last step that saw everything and planned from it without any fault.
    sure: usize,
    /// Subjects that a write is under way for.
    busy: BTreeSet<String>,
    /// Changes whose last write may have had its effect, by who must be read.
    open: BTreeMap<i64, String>,
    /// Changes that had an effect.
    effects: BTreeSet<i64>,
    /// Accounts that people released.
    released: BTreeSet<u64>,
    /// The account that a person is about to release.
    pub releasing: Option<u64>,
    /// Accounts that were taken over without sign-in: nothing gives them that but a person.
    adopted_off: BTreeSet<u64>,
    /// Of those, what a person has given it to since.
    switched_on: BTreeSet<u64>,
    /// Accounts that people suspended.
    stopped: BTreeSet<u64>,
    /// Accounts that people protected.
    protected: BTreeSet<u64>,
    /// Accounts that something was written to which no fair pass has shown since.
    unseen: BTreeSet<u64>,
    /// The step in which a department last left the visible range: who has left may have passed for out of sight since.
    narrowed: usize,
    /// Accounts whose mark somebody wrote over before the ledger knew them: whose they are, nobody can tell.
    unmarked: BTreeSet<u64>,
    /// What people took by hand.
    taken: BTreeSet<Taken>,
    /// Names that have come to somebody else, and were not read since.
    swapped: BTreeSet<String>,
    /// Members whose account somebody deleted by hand, and in which step.
    deleted: BTreeMap<String, usize>,
    /// What the product gave: account and group.
    given: BTreeSet<(u64, u64)>,
    /// What somebody else gave while a write of the product had not been seen: whose it is, nobody can tell.
    perhaps_given: BTreeSet<(u64, u64)>,
    /// What somebody else gave while an attempt of the product at the very same was recorded and had no effect: no reading
    /// can tell whose it is, and the product takes it for its own.
    anybodys: BTreeSet<(u64, u64)>,
    /// What somebody took out of a group, and in which step.
    out_since: BTreeMap<(u64, u64), usize>,
    /// Groups that have a policy which administers, since which step.
    powerful: BTreeMap<u64, usize>,
    /// What people approved: username, evidence, kind; when, and in which step.
    approved: BTreeMap<(String, &'static str, Kind), (DateTime<Utc>, usize)>,
    /// Removals that the guard let through: by evidence, whose, and when.
    removed: BTreeMap<&'static str, BTreeMap<i64, DateTime<Utc>>>,
    /// Changes that were sent while an approval covered them.
    covered: BTreeSet<i64>,
    /// Removals that an approval let begin, and whose first effect is there: sub-user, evidence, whether it deletes. What is
    /// still to be done of one is no removal of its own, whenever it is done.
    begun: BTreeSet<(i64, &'static str, bool)>,
    /// The most that ever were managed.
    managed_most: usize,
    /// Which steps were killed: what they left in flight is settled later.
    killed_at: Option<DateTime<Utc>>,
}

/// What somebody took from an account by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Taken {
    Login(u64),
    Group(u64, String),
}

impl Taken {
    fn uin(&self) -> u64 {
        match self {
            Self::Login(uin) | Self::Group(uin, _) => *uin,
        }
    }
}

impl Oracle {
    /// Over this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Self {
            ledger,
            violations: Vec::new(),
            step: 0,
            running: false,
            plans: true,
            trace: Vec::new(),
            rules: None,
            entitled: BTreeMap::new(),
            facts: Facts::default(),
            sure: 0,
            busy: BTreeSet::new(),
            open: BTreeMap::new(),
            effects: BTreeSet::new(),
            released: BTreeSet::new(),
            releasing: None,
            adopted_off: BTreeSet::new(),
            switched_on: BTreeSet::new(),
            stopped: BTreeSet::new(),
            protected: BTreeSet::new(),
            unseen: BTreeSet::new(),
            narrowed: 0,
            unmarked: BTreeSet::new(),
            taken: BTreeSet::new(),
            swapped: BTreeSet::new(),
            deleted: BTreeMap::new(),
            given: BTreeSet::new(),
            perhaps_given: BTreeSet::new(),
            anybodys: BTreeSet::new(),
            out_since: BTreeMap::new(),
            powerful: BTreeMap::new(),
            approved: BTreeMap::new(),
            removed: BTreeMap::new(),
            covered: BTreeSet::new(),
            begun: BTreeSet::new(),
            managed_most: 0,
            killed_at: None,
        }
    }

    pub(crate) fn wrong(&mut self, invariant: &'static str, what: String) {
        let what = format!("step {}: {what}", self.step);
        self.violations.push(Violation { invariant, what });
    }

    /// The member that a username was made for: names are ids, perhaps with a suffix.
    #[must_use]
    pub fn member_of(&self, username: &str) -> Option<String> {
        let base = username.split('-').next()?;
        PEOPLE.contains(&base).then(|| base.to_owned())
    }

    /// How things are from now on: who is entitled to what, the last of these as things really are, the others as the
    /// product may still believe them to be.
    pub fn truth(&mut self, rules: &Rules, believed: &[BTreeMap<&'static str, Entitled>]) {
        let Some(entitled) = believed.last().cloned() else {
            return;
        };
        for member in entitled.keys() {
            let all: Vec<&Entitled> = believed.iter().filter_map(|b| b.get(member)).collect();
            self.facts.note(member, &all, self.step);
        }
        if rules.repair {
            self.taken.clear();
            self.deleted.clear();
        }
        let facts = &self.facts;
        let step = self.step;
        // What nothing calls for, somebody may be given anew once something does.
        let accounts: BTreeMap<u64, String> = self.accounts();
        self.taken.retain(|taken| match taken {
            Taken::Group(uin, group) => accounts.get(uin).is_some_and(|member| {
                facts.settled(member, &What::Group(group.clone()), true, step)
            }),
            Taken::Login(_) => true,
        });
        self.deleted.retain(|member, since| {
            facts.settled(member, &What::SubUser, true, step)
                && facts.since(member, &What::SubUser) <= *since
        });
        self.rules = Some(rules.clone());
        self.entitled = entitled;
    }

    /// A department is no longer in the visible range.
    pub fn narrowed(&mut self) {
        self.narrowed = self.step;
    }

    /// Whose each account is, by the ledger's word.
    fn accounts(&self) -> BTreeMap<u64, String> {
        let known = self.ledger.latest_sub_users().unwrap_or_default();
        let known = known.into_iter();
        known.filter_map(|s| Some((s.uin?, s.member))).collect()
    }

    /// A pass ended that saw everything, met no fault and planned.
    pub fn saw_everything(&mut self) {
        self.sure = self.step;
        self.unseen.clear();
    }

    /// The process was killed, and left the cloud like this.
    pub fn killed(&mut self, cloud: &Cloud, now: DateTime<Utc>) {
        for row in self.in_flight() {
            let user = cloud.user(&row.username);
            let groups = user
                .iter()
                .flat_map(|u| u.groups.iter().map(|g| (u.uin, *g)));
            for (uin, group) in groups.filter(|(_, g)| adds_to(&row, cloud, *g)) {
                self.attempted(uin, group);
            }
        }
        for subject in std::mem::take(&mut self.busy) {
            let rows = self.in_flight();
            for row in rows.iter().filter(|r| subject_of(r) == subject) {
                self.open.insert(row.id, subject.clone());
            }
        }
        self.killed_at = Some(now);
    }

    /// An attempt to put an account into a group that it is in already may go no further.
    fn attempted(&mut self, uin: u64, group: u64) {
        if !self.given.contains(&(uin, group)) {
            self.anybodys.insert((uin, group));
        }
    }

    /// A name has come to somebody else. CAM writes by name: who read it before cannot know.
    pub fn swapped(&mut self, name: &str) {
        self.swapped.insert(name.to_owned());
    }

    /// Whom a name belongs to was read as it is.
    pub fn name_was_read(&mut self, name: &str) {
        self.swapped.remove(name);
    }

    /// A read about this user or these groups was answered; `*` is about every user.
    pub fn was_read(&mut self, of: Option<&str>) {
        match of {
            Some("*") => self
                .open
                .retain(|_, subject| subject.starts_with("object:")),
            Some("groups" | "policies") => {
                self.open
                    .retain(|_, subject| !subject.starts_with("object:"));
                // Memberships are seen from either side.
                self.open.clear();
            }
            Some(name) => self.open.retain(|_, subject| subject != name),
            None => {}
        }
    }

    /// A person approved a plan.
    pub fn approved(&mut self, plan: &PlanRow, now: DateTime<Utc>) {
        let accounts = self.accounts();
        let protected: Vec<&String> = self
            .protected
            .iter()
            .filter_map(|u| accounts.get(u))
            .collect();
        for removal in &plan.removals {
            // Of the protected nothing is called for that takes, whatever the plan still shows, and so the approval ends
            // at once; a return gives.
            if removal.kind != Kind::ResumeUser && protected.contains(&&removal.member) {
                continue;
            }
            let key = (
                removal.username.clone(),
                plan.evidence.as_str(),
                removal.kind,
            );
            self.approved.insert(key, (now, self.step));
        }
    }

    /// It was not, after all.
    pub fn not_approved(&mut self, plan: &PlanRow) {
        let step = self.step;
        self.approved
            .retain(|(_, evidence, _), (_, at)| *evidence != plan.evidence.as_str() || *at != step);
    }

    /// A person suspended an account, and that is recorded.
    pub fn stopped(&mut self, uin: u64) {
        self.stopped.insert(uin);
    }

    /// A person asked that access comes back.
    pub fn resumed(&mut self, uin: Option<u64>, member: &str) {
        if let Some(uin) = uin {
            self.stopped.remove(&uin);
            self.adopted_off.remove(&uin);
            self.taken.retain(|taken| taken.uin() != uin);
        }
        self.deleted.remove(member);
    }

    /// A person protected an account, or no longer.
    pub fn protected(&mut self, uin: u64, on: bool) {
        if on && self.protected.insert(uin) {
            // Nothing is called for any more that an approval could be for.
            let members = self.accounts();
            let member = members.get(&uin).cloned().unwrap_or_default();
            self.approved.retain(|(username, _, kind), _| {
                *kind == Kind::ResumeUser || username.split('-').next() != Some(&*member)
            });
        } else if !on {
            self.protected.remove(&uin);
        }
    }

    /// A person released an account.
    pub fn released(&mut self, uin: u64, member: &str) {
        self.deleted.remove(member);
        self.released.insert(uin);
        // Whoever takes it over again finds what was given as what others gave.
        self.given.retain(|(of, _)| *of != uin);
        self.taken.retain(|taken| taken.uin() != uin);
        self.protected.remove(&uin);
        self.stopped.remove(&uin);
    }

    /// Whether a person suspended this account.
    #[must_use]
    pub fn is_stopped(&self, uin: u64) -> bool {
        self.stopped.contains(&uin)
    }

    /// Whether a person released this account.
    #[must_use]
    pub fn is_released(&self, uin: u64) -> bool {
        self.released.contains(&uin)
    }

    /// Whether nothing tells that an account was made by the product: it was released, or its mark was written over before
    /// the ledger knew it.
    fn is_nobodys(&self, uin: u64) -> bool {
        let unmarked = self.unmarked.contains(&uin);
        self.released.contains(&uin) || (unmarked && !self.accounts().contains_key(&uin))
    }

    /// What each member should have, as things are.
    #[must_use]
    pub fn entitled(&self) -> &BTreeMap<&'static str, Entitled> {
        &self.entitled
    }

    /// Whether names get a suffix.
    #[must_use]
    pub fn suffixes(&self) -> bool {
        self.rules.as_ref().is_some_and(|r| r.suffix)
    }

    /// Whether accounts of the wanted name are taken over.
    fn adopts(&self) -> bool {
        self.rules.as_ref().is_some_and(|r| r.adopt)
    }

    /// An account has come to be after its answer was given up: no read has shown it yet.
    pub fn arrived(&mut self, uin: u64) {
        self.unseen.insert(uin);
    }

    /// Somebody took sign-in away by hand.
    pub fn took_login(&mut self, uin: u64) {
        self.effects.clear();
        if !self.running && !self.unseen.contains(&uin) {
            self.taken.insert(Taken::Login(uin));
        }
    }

    /// Somebody wrote over a remark by hand.
    pub fn wrote_remark(&mut self, uin: u64) {
        let known = self.ledger.latest_sub_users().unwrap_or_default();
        if !known.iter().any(|row| row.uin == Some(uin)) {
            self.unmarked.insert(uin);
        }
    }

    /// Somebody switched sign-in on by hand.
    pub fn gave_login(&mut self, uin: u64) {
        self.switched_on.insert(uin);
    }

    /// Somebody put an account into a group by hand, which has made this of the cloud: it is not there by the product any
    /// more.
    pub fn put_into(&mut self, cloud: &Cloud, uin: u64, group: u64) {
        let name = cloud.users.get(&uin).map(|u| &u.name);
        let attempts = |row: &ChangeRow| Some(&row.username) == name && adds_to(row, cloud, group);
        // Taken out and put back before anybody looked, it is still what the product gave.
        let unnoticed = self
            .out_since
            .get(&(uin, group))
            .is_some_and(|since| *since > self.sure);
        if unnoticed || self.in_flight().iter().any(attempts) {
            self.anybodys.insert((uin, group));
        } else {
            self.anybodys.remove(&(uin, group));
        }
        if !self.running && !self.unseen.contains(&uin) {
            self.given.remove(&(uin, group));
        } else {
            // The product may take it for what it gave, or for somebody else's: no read tells.
            self.perhaps_given.insert((uin, group));
        }
    }

    /// Somebody took an account out of a group by hand.
    pub fn took_group(&mut self, uin: u64, group: u64, name: &str) {
        self.effects.clear();
        self.out_since.insert((uin, group), self.step);
        let ours = self.given.contains(&(uin, group));
        if !self.running && ours && !self.unseen.contains(&uin) {
            self.taken.insert(Taken::Group(uin, name.to_owned()));
        }
    }

    /// Somebody deleted an account by hand; of one that was released the product knows nothing.
    pub fn deleted(&mut self, uin: u64, member: &str) {
        self.effects.clear();
        if !self.running && !self.unseen.contains(&uin) && !self.released.contains(&uin) {
            self.deleted.insert(member.to_owned(), self.step);
        }
    }

    /// Somebody did something else by hand.
    pub fn altered(&mut self) {
        self.effects.clear();
    }

    /// Somebody gave a group a policy that administers, or took it.
    pub fn powerful(&mut self, group: u64, is: bool) {
        if is {
            self.powerful.entry(group).or_insert(self.step);
        } else {
            self.powerful.remove(&group);
        }
    }

    fn in_flight(&self) -> Vec<ChangeRow> {
        let filter = camsync::ledger::ChangeFilter {
            status: Some(camsync_core::outbox::Status::InFlight),
            ..camsync::ledger::ChangeFilter::default()
        };
        self.ledger.changes(&filter).unwrap_or_default()
    }
}

/// Who a change is about: a username, or an object of its own.
fn subject_of(row: &ChangeRow) -> String {
    if row.username.is_empty() {
        format!("object:{}", row.of())
    } else {
        row.username.clone()
    }
}

/// Whether a change puts its sub-user into this group.
fn adds_to(row: &ChangeRow, cloud: &Cloud, group: u64) -> bool {
    let name = cloud.groups.get(&group).map(|g| &g.name);
    let object = row.object.as_ref();
    row.kind == Kind::AddToGroup
        && object.is_some_and(|o| o.id == Some(group) || Some(&o.name) == name)
}

/// How many removals of one kind of evidence are free in a window of 24 hours, by the contract's words: the smaller of
/// 20 and 5 % of the managed, but never fewer than 3; of what the provider says 25 %; of some none.
fn free(evidence: Evidence, managed: usize) -> usize {
    match evidence {
        Evidence::Hidden | Evidence::Returned | Evidence::Asked | Evidence::Adopt => 0,
        Evidence::Said => (managed / 4).max(3),
        _ => (managed / 20).clamp(3, 20),
    }
}

/// The guard's window.
const WINDOW: TimeDelta = TimeDelta::hours(24);
