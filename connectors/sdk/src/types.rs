//! The words of `wit/1.0.0/connector.wit` as plain Rust types, the same natively and inside a component.

mod connector;
mod failure;
mod http;

pub use connector::{
    CallbackAnswer, CallbackRequest, Capability, CheckReport, CrawlSummary, Description,
    Explanation, Finding, Hint, Language, Message, Names, Presence, Severity, SignInRequest,
    SignedIn,
};
pub use failure::{Failure, FailureDetail, Throttle};
pub use http::{HttpFailure, Level, Outcome, Request, Response, Ticket};

/// A department inside the visible range (`types.department`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// The provider's stable id.
    pub id: String,
    /// The id of the department above; it may name one outside the visible range. `None` for a root.
    pub parent: Option<String>,
    /// The name as the provider shows it.
    pub name: String,
}

/// What the provider says about a member's account (`types.member-status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Has joined and may work.
    Active,
    /// Switched off at the provider.
    Disabled,
    /// Invited or imported, never joined.
    Invited,
    /// The provider says outright that this person has left.
    Left,
}

/// A person inside the visible range (`types.member`). Text that the provider does not give is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The provider's stable id, in its original spelling; ids compare without regard to case.
    pub id: String,
    /// The name this person signs in to the provider with.
    pub username: String,
    /// The display name.
    pub name: String,
    /// Another name, a nickname.
    pub alias: String,
    /// E-mail address, only when the provider gives it.
    pub email: String,
    /// Phone number, only when the provider gives it.
    pub phone: String,
    /// The job title.
    pub position: String,
    /// Whether the account may be used.
    pub status: MemberStatus,
    /// Ids of the departments that this member is in.
    pub departments: Vec<String>,
    /// Id of the main department, when the provider shows one.
    pub main_department: Option<String>,
    /// Ids of the departments that this member leads.
    pub leader_of: Vec<String>,
    /// Names of the tags on this member.
    pub tags: Vec<String>,
    /// The provider's own extra fields, name and value.
    pub attributes: Vec<(String, String)>,
    /// The items of `CrawlSummary::range` that show this member.
    pub shown_by: Vec<String>,
}
