//! What the ledger knows of a sub-user, and what CAM says.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::grants::Given;
use crate::model::{Member, fold};

/// How a sub-user came to be managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Made by camsync.
    Created,
    /// Existed before, and was taken over.
    Adopted,
}

/// Where a sub-user stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its creation is in the outbox; it is not managed yet.
    Wanted,
    /// Exists and is camsync's to change.
    Managed,
    /// Deleted, by camsync or by hand.
    Deleted,
    /// Still exists, but is nobody's to change any more.
    Released,
    /// Its creation was given up before anything was sent.
    Abandoned,
}

impl Stage {
    /// The word in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Managed => "managed",
            Self::Deleted => "deleted",
            Self::Released => "released",
            Self::Abandoned => "abandoned",
        }
    }

    /// The stage of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Wanted,
            Self::Managed,
            Self::Deleted,
            Self::Released,
            Self::Abandoned,
        ]
        .into_iter()
        .find(|s| s.as_str() == word)
    }
}

/// A leaver whose sign-in camsync has switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// What it rested on.
    pub evidence: Evidence,
    /// When sign-in went off: the grace counts from here.
    pub since: DateTime<Utc>,
    /// Sign-in was off already when camsync came to switch it off: its coming back is not camsync's to decide.
    pub was_off: bool,
}

/// A sub-user as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubUser {
    /// The ledger's id.
    pub id: i64,
    /// The source that it belongs to.
    pub source: String,
    /// The member's id, as the provider spells it.
    pub member: String,
    /// The member's id, folded.
    pub key: String,
    /// Its name in CAM. Fixed at creation.
    pub username: String,
    /// CAM's id; absent until created.
    pub uin: Option<u64>,
    /// Made or taken over.
    pub origin: Origin,
    /// Where it stands.
    pub stage: Stage,
    /// The unique text in its Remark.
    pub mark: String,
    /// Whether console sign-in is on, as camsync last made or found it.
    pub login: bool,
    /// What the rule said of console sign-in when that was last enforced.
    pub rule_login: bool,
    /// Since when a successful write has not been shown by a read.
    pub unconfirmed_since: Option<DateTime<Utc>>,
    /// Set while it is a leaver's.
    pub leaving: Option<Leaving>,
    /// When a person suspended it by hand, outside rules and guard.
    pub stopped_at: Option<DateTime<Utc>>,
    /// Exempt from every removal.
    pub protected: bool,
    /// A person asked that reduced access come back.
    pub resume_requested: bool,
    /// Since then CAM has shown it, and a plan brings something back to it: whom somebody deletes after that stays deleted.
    pub seen_since_request: bool,
    /// Set when it is to go because its member has another one, under another id: who said so.
    pub replaced_by: Option<String>,
    /// The facts with which a rule last admitted the member.
    pub admitted: Option<Arc<Member>>,
    /// Its Remark has carried the mark.
    pub marked: bool,
    /// Groups and policies that camsync gave, the deny-all policy among them.
    pub given: Vec<Given>,
    /// API keys that camsync switched off.
    pub keys_off: Vec<String>,
    /// A person asked that the keys which camsync switched off come back.
    pub keys_requested: bool,
    /// A change of it is in flight: nothing is planned until that is settled.
    pub busy: bool,
}

impl SubUser {
    /// One whose creation is wanted, and of which nothing else is known yet.
    #[must_use]
    pub fn wanted(source: &str, member: &str, username: &str, mark: String) -> Self {
        Self {
            id: 0,
            source: source.to_owned(),
            member: member.to_owned(),
            key: fold(member),
            username: username.to_owned(),
            uin: None,
            origin: Origin::Created,
            stage: Stage::Wanted,
            mark,
            login: false,
            rule_login: false,
            unconfirmed_since: None,
            leaving: None,
            stopped_at: None,
            protected: false,
            resume_requested: false,
            seen_since_request: false,
            replaced_by: None,
            keys_requested: false,
            given: Vec::new(),
            keys_off: Vec::new(),
            admitted: None,
            marked: true,
            busy: false,
        }
    }

    /// Whether it is suspended, by the leaver's ladder or by a person.
    #[must_use]
    pub fn suspended(&self) -> bool {
        self.leaving.is_some() || self.stopped_at.is_some()
    }
}

/// The kinds of account in CAM (`cam-api.md` 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// An ordinary sub-user (type 2).
    SubUser,
    /// Imported from WeCom in the console (type 3).
    WecomSubUser,
    /// Anything else: never managed, but its name is taken.
    Other,
}

/// One account as CAM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedUser {
    /// CAM's id.
    pub uin: u64,
    /// Its name.
    pub name: String,
    /// Its remark; absent when CAM did not say.
    pub remark: Option<String>,
    /// Console sign-in; absent when CAM did not say.
    pub console_login: Option<bool>,
    /// What kind of account it is.
    pub kind: AccountKind,
    /// For WeCom sub-users, the WeCom id.
    pub wecom_user_id: Option<String>,
    /// The daemon's own account, the root account: never touched.
    pub off_limits: bool,
}

/// Observed state: what CAM says exists. Indexed by Uin and by folded name.
#[derive(Debug, Default)]
pub struct Observed {
    users: Vec<ObservedUser>,
    by_uin: HashMap<u64, usize>,
    by_name: HashMap<String, usize>,
}

impl Observed {
    /// Indexes what was read, in whatever order: a listing has none to rely on. Of two entries with one Uin the last
    /// counts; of accounts whose names differ by case alone, the lowest Uin holds the name.
    #[must_use]
    pub fn new(mut users: Vec<ObservedUser>) -> Self {
        users.sort_by_key(|u| u.uin);
        let mut observed = Self {
            by_uin: HashMap::with_capacity(users.len()),
            by_name: HashMap::with_capacity(users.len()),
            users,
        };
        for (index, user) in observed.users.iter().enumerate() {
            observed.by_uin.insert(user.uin, index);
            observed.by_name.entry(fold(&user.name)).or_insert(index);
        }
        observed
    }

    /// Everyone.
    #[must_use]
    pub fn users(&self) -> &[ObservedUser] {
        &self.users
    }

    /// The account with this Uin.
    #[must_use]
    pub fn by_uin(&self, uin: u64) -> Option<&ObservedUser> {
        self.by_uin.get(&uin).and_then(|i| self.users.get(*i))
    }

    /// The account whose name folds to this.
    #[must_use]
    pub fn by_folded_name(&self, name: &str) -> Option<&ObservedUser> {
        self.by_name.get(name).and_then(|i| self.users.get(*i))
    }

    /// How many count against the quota of sub-users.
    #[must_use]
    pub fn sub_user_count(&self) -> usize {
        self.users
            .iter()
            .filter(|u| u.kind != AccountKind::Other)
            .count()
    }
}
