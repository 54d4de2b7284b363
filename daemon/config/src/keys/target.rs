//! `[target]`.

use url::Url;

use crate::kinds::{Endpoint, One, OneOf, Secretive, Whole, Words};
use crate::reader::section;
use crate::secret::SecretRef;

section! {
    /// Where changes go: a Tencent Cloud account's CAM.
    pub struct Target {
        /// What is done with changes.
        kind: TargetKind = OneOf<TargetKind>, default("cam");
        /// CAM's endpoint.
        endpoint: Url = Endpoint, default("https://cam.tencentcloudapi.com");
        /// The API key's SecretId. It is read again when its file changes, as are the next two.
        secret_id: SecretRef = Secretive, default({ "env": "TENCENTCLOUD_SECRET_ID" });
        /// The API key's SecretKey.
        secret_key: SecretRef = Secretive, default({ "env": "TENCENTCLOUD_SECRET_KEY" });
        /// The token of a temporary key.
        token: Option<SecretRef> = Secretive, optional("the key is a lasting one");
        /// Requests a second, for each action. CAM's usual limit is 20, shared with every other tool on the
        /// account; actions that it documents as slower scale with this (attach and detach a half, access keys a
        /// quarter).
        requests_per_second: u32 = Whole<1, 1000>, default(16);
        /// How sub-users sign in to the console.
        sign_in: SignIn = OneOf<SignIn>, default("password");
        /// Quotas of the account as far as they are known. What is known is forecast, what is not is learnt from
        /// CAM's refusals.
        quotas: Quotas = One<Quotas>, default({});
    }
}

/// What is done with changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// They are applied to CAM.
    Cam,
    /// They are recorded and not applied; no key is needed.
    Ledger,
}

impl Words for TargetKind {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("cam", Self::Cam, "applied to Tencent Cloud CAM"),
        (
            "ledger",
            Self::Ledger,
            "recorded, never applied; needs no key",
        ),
    ];
}

/// How sub-users sign in to the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignIn {
    /// With a password.
    Password,
    /// Through the account's user SSO: no passwords are made.
    Sso,
}

impl Words for SignIn {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("password", Self::Password, "with a password of their own"),
        (
            "sso",
            Self::Sso,
            "the account uses user SSO, so no passwords are made",
        ),
    ];
}

// The usual numbers are in `cam-api.md` 4.4; none is assumed, for accounts differ.
section! {
    /// What the account has room for.
    pub struct Quotas {
        /// Sub-users in the account.
        sub_users: Option<u32> = Whole<1, 1_000_000>, optional("learnt");
        /// Groups in the account.
        groups: Option<u32> = Whole<1, 1_000_000>, optional("learnt");
        /// Groups that one sub-user can be in.
        groups_per_user: Option<u32> = Whole<1, 1_000_000>, optional("learnt");
        /// Sub-users in one group.
        users_per_group: Option<u32> = Whole<1, 1_000_000>, optional("learnt");
        /// Policies attached to one sub-user.
        policies_per_user: Option<u32> = Whole<1, 1_000_000>, optional("learnt");
        /// Custom policies in the account.
        policies: Option<u32> = Whole<1, 1_000_000>, optional("learnt");
    }
}
