//! What a refusal for a quota says: which quota of what is full, until when, and who else would meet the same.

use camsync_core::outbox::Kind;
use camsync_core::plan::quota::Quota;
use chrono::TimeDelta;

use crate::ledger::ChangeRow;

/// Changes that would meet the same refusal as one that has met it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Alike {
    /// All of this kind.
    Kind(Kind),
    /// Those about the same group or policy, by name.
    Object(Kind, String),
    /// Those of the same sub-user.
    SubUser(Kind, i64),
}

impl Alike {
    /// Every set of changes that this one belongs to.
    pub(super) fn of(change: &ChangeRow) -> impl Iterator<Item = Self> {
        let kind = change.kind;
        let object = change.object.as_ref();
        let object = object.map(|o| Self::Object(kind, o.name.clone()));
        let sub_user = change.sub_user.map(|id| Self::SubUser(kind, id));
        [Some(Self::Kind(kind)), object, sub_user]
            .into_iter()
            .flatten()
    }
}

/// CAM's ids of what a change is about, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    /// The sub-user's.
    pub(super) uin: Option<u64>,
    /// The group's or policy's.
    pub(super) object: Option<u64>,
}

/// A quota that a refusal tells to be full (`cam-api.md` 9).
pub(super) struct Full {
    /// Absent for the limit of new sub-users in a day.
    pub(super) quota: Option<Quota>,
    /// CAM's id of the group, or the Uin; 0 for the account.
    pub(super) of: u64,
    /// When it is tried again.
    pub(super) again: TimeDelta,
    /// What would meet the same.
    pub(super) alike: Alike,
}

impl Full {
    pub(super) fn of(change: &ChangeRow, ids: Ids, code: &str) -> Option<Self> {
        let kind = change.kind;
        let day = TimeDelta::hours(24);
        let group = || {
            let name = change.object.as_ref()?.name.clone();
            Some((ids.object?, Alike::Object(kind, name)))
        };
        let sub_user = || Some((ids.uin?, Alike::SubUser(kind, change.sub_user?)));
        let (quota, (of, alike), again) = match (code, kind) {
            ("InvalidParameter.SubUserFull", Kind::CreateUser) => {
                (Some(Quota::SubUsers), (0, Alike::Kind(kind)), day)
            }
            ("RequestLimitExceeded.CreateUser", Kind::CreateUser) => {
                (None, (0, Alike::Kind(kind)), TimeDelta::hours(1))
            }
            ("InvalidParameter.GroupFull", _) => (Some(Quota::Groups), (0, Alike::Kind(kind)), day),
            ("InvalidParameter.GroupUserFull", _) => (Some(Quota::GroupSubUsers), group()?, day),
            ("InvalidParameter.UserGroupFull", _) => (Some(Quota::SubUserGroups), sub_user()?, day),
            (
                "FailedOperation.PolicyFull" | "InvalidParameter.AttachmentFull",
                Kind::AttachPolicy,
            ) => (Some(Quota::SubUserPolicies), sub_user()?, day),
            _ => return None,
        };
        Some(Self {
            quota,
            of,
            again,
            alike,
        })
    }
}
