//! Writes, as the oracle sees them.

/// A write, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// AddUser.
    AddUser {
        /// The name.
        name: String,
    },
    /// UpdateUser.
    UpdateUser {
        /// The name.
        name: String,
        /// Sign-in, when it is sent.
        login: Option<bool>,
    },
    /// DeleteUser.
    DeleteUser {
        /// The name.
        name: String,
    },
    /// CreateGroup.
    CreateGroup {
        /// The name.
        name: String,
    },
    /// DeleteGroup.
    DeleteGroup {
        /// The id.
        group: u64,
    },
    /// AddUserToGroup, RemoveUserFromGroup.
    Membership {
        /// The group.
        group: u64,
        /// The user.
        uin: u64,
        /// In or out.
        there: bool,
    },
    /// CreatePolicy.
    CreatePolicy {
        /// The name.
        name: String,
    },
    /// AttachUserPolicy, DetachUserPolicy.
    Attachment {
        /// The policy.
        policy: u64,
        /// The user.
        uin: u64,
        /// On or off.
        there: bool,
    },
    /// UpdateAccessKey.
    Key {
        /// The user.
        uin: u64,
        /// The key.
        key: String,
        /// On or off.
        on: bool,
    },
    /// DeleteAccessKey.
    DeleteKey {
        /// The user.
        uin: u64,
        /// The key.
        key: String,
    },
    /// What the product never does.
    Foreign {
        /// The action.
        action: &'static str,
    },
}
