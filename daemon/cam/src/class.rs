//! What each error code of CAM means for the daemon: the table of `cam-api.md 9`, as one total function.

use serde::{Deserialize, Serialize};

use crate::action::Effect;

/// How far a transient refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The called action alone.
    Action,
    /// Every action of the account, or of this address.
    Account,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "class")]
pub enum Class {
    /// Refused without effect; try again later.
    Transient {
        /// What is slowed meanwhile.
        scope: Scope,
    },
    /// A write may have taken effect: read, then decide. A read may simply be repeated, a few times.
    Unknown,
    /// This change will never work as it is.
    Permanent,
    /// The key, the clock or the site is wrong: stop the whole target and tell a person.
    Configuration,
    /// This kind of change is not allowed to the key or the account: park it, go on with others, tell a person.
    ConfigurationForAction,
    /// The cloud says that it is already so. Where a name is "in use" the caller still has to see whether it
    /// names the same thing (`GroupNameInUse`, `PolicyNameInUse`).
    Done,
    /// A quota is full, or risk control says no: hold, tell, retry rarely.
    Quota,
}

/// What a row of the table says: the same for every call, or by what the call was to do.
#[derive(Debug, Clone, Copy)]
enum Row {
    Always(Class),
    /// `Done` when something was to be taken away, else permanent.
    DoneIfRemoving,
    /// `Done` when something was to be created, else permanent.
    DoneIfCreating,
}

use Class::{Configuration, ConfigurationForAction, Done, Permanent, Quota, Unknown};

const SLOW_ACTION: Row = Row::Always(Class::Transient {
    scope: Scope::Action,
});
const SLOW_ACCOUNT: Row = Row::Always(Class::Transient {
    scope: Scope::Account,
});

/// The rows of `cam-api.md 9` in its order. A row without a dot is also the fallback for its own subcodes.
const TABLE: &[(&str, Row)] = &[
    ("RequestLimitExceeded", SLOW_ACTION),
    ("RequestLimitExceeded.UinLimitExceeded", SLOW_ACCOUNT),
    (
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        SLOW_ACCOUNT,
    ),
    ("RequestLimitExceeded.IPLimitExceeded", SLOW_ACCOUNT),
    ("RequestLimitExceeded.CreateUser", Row::Always(Quota)),
    ("InternalError", Row::Always(Unknown)),
    ("FailedOperation", Row::Always(Unknown)),
    ("ResourceUnavailable", SLOW_ACTION),
    ("ResourceInUse", SLOW_ACTION),
    // No row of its own in section 9; section 6.2 says that all of them are refused before any effect.
    ("AuthFailure", Row::Always(Configuration)),
    ("AuthFailure.SignatureExpire", Row::Always(Configuration)),
    ("AuthFailure.SignatureFailure", Row::Always(Configuration)),
    ("AuthFailure.SecretIdNotFound", Row::Always(Configuration)),
    ("AuthFailure.InvalidSecretId", Row::Always(Configuration)),
    (
        "AuthFailure.InvalidAuthorization",
        Row::Always(Configuration),
    ),
    ("AuthFailure.TokenFailure", Row::Always(Configuration)),
    ("AuthFailure.MFAFailure", Row::Always(Configuration)),
    (
        "AuthFailure.UnauthorizedOperation",
        Row::Always(ConfigurationForAction),
    ),
    ("UnauthorizedOperation", Row::Always(ConfigurationForAction)),
    (
        "UnauthorizedOperation.DeleteApiKey",
        Row::Always(ConfigurationForAction),
    ),
    ("IpInBlacklist", Row::Always(Configuration)),
    ("IpNotInWhitelist", Row::Always(Configuration)),
    ("InvalidAction", Row::Always(Configuration)),
    ("NoSuchVersion", Row::Always(Configuration)),
    ("NoSuchProduct", Row::Always(Configuration)),
    ("ActionOffline", Row::Always(Configuration)),
    ("UnsupportedOperation", Row::Always(Configuration)),
    ("InvalidParameter", Row::Always(Permanent)),
    ("InvalidParameter.ParamError", Row::Always(Permanent)),
    ("InvalidParameterValue", Row::Always(Permanent)),
    ("MissingParameter", Row::Always(Permanent)),
    ("UnknownParameter", Row::Always(Permanent)),
    ("RequestSizeLimitExceeded", Row::Always(Permanent)),
    ("ResponseSizeLimitExceeded", Row::Always(Permanent)),
    ("InvalidParameter.UserNameIllegal", Row::Always(Permanent)),
    // After an unknown answer the caller resolves it by reading (section 6.2); this function sees one answer.
    ("InvalidParameter.SubUserNameInUse", Row::Always(Permanent)),
    ("InvalidParameter.SubUserFull", Row::Always(Quota)),
    (
        "InvalidParameter.PasswordViolatedRules",
        Row::Always(Permanent),
    ),
    (
        "FailedOperation.ForbidAdd",
        Row::Always(ConfigurationForAction),
    ),
    (
        "FailedOperation.ExistHighRiskOperations",
        Row::Always(Quota),
    ),
    ("FailedOperation.Unmodifiable", Row::Always(Permanent)),
    // Transient for a user that AddUser has just returned (section 6.3): the caller knows the user's age.
    ("ResourceNotFound.UserNotExist", Row::DoneIfRemoving),
    ("ResourceNotFound.UserNotExists", Row::DoneIfRemoving),
    ("InvalidParameter.UserNotExist", Row::DoneIfRemoving),
    ("OperationDenied.HaveKeys", Row::Always(Permanent)),
    ("ResourceNotFound.GroupNotExist", Row::DoneIfRemoving),
    ("InvalidParameter.GroupNotExist", Row::DoneIfRemoving),
    ("InvalidParameter.GroupNameInUse", Row::DoneIfCreating),
    ("InvalidParameter.GroupFull", Row::Always(Quota)),
    ("InvalidParameter.GroupUserFull", Row::Always(Quota)),
    ("InvalidParameter.UserGroupFull", Row::Always(Quota)),
    (
        "InvalidParameter.UserUinAndUinNotAllNull",
        Row::Always(Permanent),
    ),
    ("ResourceNotFound.PolicyIdNotFound", Row::DoneIfRemoving),
    ("InvalidParameter.PolicyIdNotExist", Row::DoneIfRemoving),
    ("InvalidParameter.PolicyIdError", Row::DoneIfRemoving),
    ("FailedOperation.PolicyFull", Row::Always(Quota)),
    ("InvalidParameter.AttachmentFull", Row::Always(Quota)),
    ("FailedOperation.PolicyNameInUse", Row::DoneIfCreating),
    (
        "FailedOperation.OrganizationPolicyOperateError",
        Row::Always(Permanent),
    ),
    (
        "OperationDenied.CicPolicyOperationDenied",
        Row::Always(Permanent),
    ),
    (
        "FailedOperation.CICIdentityForbidden",
        Row::Always(Permanent),
    ),
    ("ResourceNotFound.SecretNotExist", Row::Always(Done)),
    ("OperationDenied.SubUin", Row::Always(Permanent)),
    ("OperationDenied.UinNotMatch", Row::Always(Permanent)),
    ("FailedOperation.Accesskey", Row::Always(Unknown)),
    ("InvalidParameter.PaginationTokenInvalid", SLOW_ACTION),
    ("LimitExceeded.IdentityFull", Row::Always(Quota)),
    ("LimitExceeded.Uin", Row::Always(Quota)),
];

impl Class {
    /// The class of a code that CAM answered to a call with this effect: the exact code, else the part before
    /// its first dot, else unknown. It never looks at the message, which is localised and changes.
    #[must_use]
    pub fn of(code: &str, effect: Effect) -> Self {
        let family = code.split('.').next().unwrap_or(code);
        match row(code).or_else(|| row(family)) {
            None => Unknown,
            Some(Row::Always(class)) => class,
            Some(Row::DoneIfRemoving) if effect == Effect::Remove => Done,
            Some(Row::DoneIfCreating) if effect == Effect::Write => Done,
            Some(Row::DoneIfRemoving | Row::DoneIfCreating) => Permanent,
        }
    }
}

fn row(code: &str) -> Option<Row> {
    TABLE
        .iter()
        .find(|(name, _)| *name == code)
        .map(|(_, row)| *row)
}

#[cfg(test)]
#[path = "class_tests.rs"]
mod tests;
