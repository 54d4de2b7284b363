//! The table of operations: what the API offers, to whom, and what it asks of [`crate::ops`]. Routes, the role check
//! and the OpenAPI document are made from it.

use camsync_config::Role;

use crate::ops::{ListOptions, Request};

use super::arguments::{Arguments, Parameter};
use super::problem::Problem;

/// One operation of the API.
#[derive(Debug)]
pub(super) struct Operation {
    /// `GET` when it only reads, else `POST`.
    pub(super) reads: bool,
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    /// The role that is needed at least.
    pub(super) role: Role,
    /// Its name, for programs made of the document.
    pub(super) id: &'static str,
    /// What it does, in a sentence.
    pub(super) summary: &'static str,
    /// What can be said in the path and the query.
    pub(super) parameters: &'static [Parameter],
    /// The section of `docs/json.md` or `docs/api.md` that says what the answer holds.
    pub(super) answers: &'static str,
    /// What is asked of `ops`.
    pub(super) request: fn(&Arguments) -> Result<Request, Problem>,
}

type Make = fn(&Arguments) -> Result<Request, Problem>;

const fn get(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answers: &'static str,
    request: Make,
) -> Operation {
    let (reads, role) = (true, Role::Viewer);
    Operation {
        reads,
        path,
        role,
        id,
        summary,
        parameters,
        answers,
        request,
    }
}

const fn post(
    role: Role,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    answers: &'static str,
    request: Make,
) -> Operation {
    let reads = false;
    Operation {
        reads,
        path,
        role,
        id,
        summary,
        parameters,
        answers,
        request,
    }
}

use Parameter::{
    Confirm, Id, Keys, Language, Limit, Member, Off, OnlySource, Reason, Since, Source, Status, To,
    Wait,
};
use Role::{Admin, Approver};

/// How long a pass that the API asks for works on its outbox, in seconds: as long as the command line's.
const PASS_SECONDS: u64 = 900;

const LIST: &[Parameter] = &[Limit, Status, OnlySource, Since];
const SOURCE: &[Parameter] = &[Source];
const MEMBER: &[Parameter] = &[Member, OnlySource];
const ID: &[Parameter] = &[Id];
const SOURCE_ACT: &[Parameter] = &[Source, Wait];
const MEMBER_ACT: &[Parameter] = &[Member, OnlySource, Wait];
const ID_ACT: &[Parameter] = &[Id, Wait];
const ACT: &[Parameter] = &[Wait];

fn list(a: &Arguments) -> Result<ListOptions, Problem> {
    Ok(ListOptions {
        limit: a.limit()?,
        status: a.text(Status),
        source: a.text(OnlySource),
        since: a.since()?,
    })
}

fn unlink(a: &Arguments, confirm: Option<String>) -> Result<Request, Problem> {
    Ok(Request::Unlink {
        source: a.required(Source)?,
        then: a.then()?,
        confirm,
    })
}

/// Everything that the API offers.
pub(super) static OPERATIONS: &[Operation] = &[
    get(
        "/status",
        "status",
        "Everything at a glance",
        &[],
        "status",
        |_| Ok(Request::Status),
    ),
    get(
        "/sources",
        "listSources",
        "All sources",
        &[],
        "sources list",
        |_| Ok(Request::Sources { name: None }),
    ),
    get(
        "/sources/{name}",
        "showSource",
        "One source with its departments and range",
        SOURCE,
        "sources show",
        |a| {
            Ok(Request::Sources {
                name: Some(a.required(Source)?),
            })
        },
    ),
    post(
        Admin,
        "/sources/{name}/sync",
        "syncSource",
        "One full pass over a source",
        SOURCE_ACT,
        "plan",
        |a| {
            Ok(Request::Sync {
                source: Some(a.required(Source)?),
                timeout_seconds: PASS_SECONDS,
            })
        },
    ),
    post(
        Admin,
        "/sources/{name}/pause",
        "pauseSource",
        "Stop crawling a source",
        SOURCE_ACT,
        "sources pause",
        |a| {
            Ok(Request::PauseSource {
                name: a.required(Source)?,
                paused: true,
            })
        },
    ),
    post(
        Admin,
        "/sources/{name}/resume",
        "resumeSource",
        "Crawl a source again",
        SOURCE_ACT,
        "sources pause",
        |a| {
            Ok(Request::PauseSource {
                name: a.required(Source)?,
                paused: false,
            })
        },
    ),
    get(
        "/sources/{name}/unlinking",
        "showUnlinking",
        "What would become of a source's sub-users, and the word to confirm it with",
        &[Source, Parameter::Then],
        "unlink",
        |a| unlink(a, None),
    ),
    post(
        Admin,
        "/sources/{name}/unlink",
        "unlinkSource",
        "End a source, as it was shown",
        &[Source, Parameter::Then, Confirm, Wait],
        "unlink",
        |a| unlink(a, Some(a.required(Confirm)?)),
    ),
    post(
        Admin,
        "/sources/{name}/link",
        "linkSource",
        "Link a source again that was unlinked",
        SOURCE_ACT,
        "sources link",
        |a| {
            Ok(Request::LinkSource {
                source: a.required(Source)?,
            })
        },
    ),
    get(
        "/members",
        "listMembers",
        "Everyone in a snapshot or managed",
        LIST,
        "members list",
        |a| Ok(Request::Members(list(a)?)),
    ),
    get(
        "/members/{id}",
        "showMember",
        "One member with the sub-user",
        MEMBER,
        "members show",
        |a| {
            Ok(Request::Member {
                id: a.required(Member)?,
                source: a.text(OnlySource),
            })
        },
    ),
    get(
        "/members/{id}/explain",
        "explainMember",
        "Why a member has what they have",
        MEMBER,
        "members explain",
        |a| {
            Ok(Request::Explain {
                id: a.required(Member)?,
                source: a.text(OnlySource),
            })
        },
    ),
    post(
        Admin,
        "/members/{id}/suspend",
        "suspendMember",
        "Sign-in off, at once",
        MEMBER_ACT,
        "members show",
        |a| {
            Ok(Request::Suspend {
                id: a.required(Member)?,
                source: a.text(OnlySource),
            })
        },
    ),
    post(
        Admin,
        "/members/{id}/resume",
        "resumeMember",
        "Let access come back",
        &[Member, OnlySource, Keys, Wait],
        "members show",
        |a| {
            Ok(Request::Resume {
                id: a.required(Member)?,
                source: a.text(OnlySource),
                keys: a.flag(Keys)?,
            })
        },
    ),
    post(
        Admin,
        "/members/{id}/protect",
        "protectMember",
        "Exempt from every removal, or with `off` no longer",
        &[Member, OnlySource, Off, Wait],
        "members show",
        |a| {
            Ok(Request::Protect {
                id: a.required(Member)?,
                source: a.text(OnlySource),
                protected: !a.flag(Off)?,
            })
        },
    ),
    post(
        Admin,
        "/members/{id}/link",
        "linkMember",
        "Give the sub-user of an id that is gone to the id in its place",
        &[Member, To, OnlySource, Wait],
        "members link",
        |a| {
            Ok(Request::LinkMember {
                old: a.required(Member)?,
                new: a.required(To)?,
                source: a.text(OnlySource),
            })
        },
    ),
    post(
        Admin,
        "/members/{id}/release",
        "releaseMember",
        "Make a sub-user unmanaged",
        MEMBER_ACT,
        "members show",
        |a| {
            Ok(Request::Release {
                id: a.required(Member)?,
                source: a.text(OnlySource),
            })
        },
    ),
    post(
        Admin,
        "/members/{id}/reset-password",
        "resetPassword",
        "Another password, in this answer and nowhere else",
        MEMBER,
        "members reset-password",
        |a| {
            Ok(Request::ResetPassword {
                id: a.required(Member)?,
                source: a.text(OnlySource),
            })
        },
    ),
    get(
        "/changes",
        "listChanges",
        "The outbox and its history, newest first",
        LIST,
        "changes list",
        |a| Ok(Request::Changes(list(a)?)),
    ),
    get(
        "/changes/{id}",
        "showChange",
        "One change with its attempts",
        ID,
        "changes show",
        |a| Ok(Request::Change { id: a.id()? }),
    ),
    post(
        Approver,
        "/changes/{id}/retry",
        "retryChange",
        "Ask again for a failed or held one",
        ID_ACT,
        "changes show",
        |a| Ok(Request::RetryChange { id: a.id()? }),
    ),
    post(
        Approver,
        "/changes/{id}/cancel",
        "cancelChange",
        "Take one back that waits",
        ID_ACT,
        "changes show",
        |a| Ok(Request::CancelChange { id: a.id()? }),
    ),
    get(
        "/plans",
        "listPlans",
        "What the guard held, newest first",
        LIST,
        "plans list",
        |a| Ok(Request::Plans(list(a)?)),
    ),
    get(
        "/plans/{id}",
        "showPlan",
        "One held plan with its removals",
        ID,
        "plans show",
        |a| Ok(Request::ShowPlan { id: a.id()? }),
    ),
    post(
        Approver,
        "/plans/{id}/approve",
        "approvePlan",
        "Let exactly its removals go on",
        ID_ACT,
        "plans show",
        |a| Ok(Request::ApprovePlan { id: a.id()? }),
    ),
    post(
        Approver,
        "/plans/{id}/discard",
        "discardPlan",
        "Silence it until it grows",
        ID_ACT,
        "plans show",
        |a| Ok(Request::DiscardPlan { id: a.id()? }),
    ),
    get(
        "/applications",
        "listApplications",
        "Members' own requests",
        LIST,
        "applications list",
        |a| Ok(Request::Applications(list(a)?)),
    ),
    post(
        Approver,
        "/applications/{id}/approve",
        "approveApplication",
        "Let the sub-user be made",
        ID_ACT,
        "applications approve",
        |a| Ok(Request::ApproveApplication { id: a.id()? }),
    ),
    post(
        Approver,
        "/applications/{id}/deny",
        "denyApplication",
        "Do not",
        &[Id, Reason, Wait],
        "applications approve",
        |a| {
            Ok(Request::DenyApplication {
                id: a.id()?,
                reason: a.text(Reason),
            })
        },
    ),
    get(
        "/connectors",
        "listConnectors",
        "The built-in and the installed connectors",
        &[],
        "connector list",
        |_| Ok(Request::Connectors),
    ),
    get(
        "/audit",
        "audit",
        "Who did what, when, and why, newest first",
        &[Limit, Since],
        "audit",
        |a| Ok(Request::Audit(list(a)?)),
    ),
    post(
        Admin,
        "/sync",
        "sync",
        "One full pass over all sources",
        ACT,
        "plan",
        |_| {
            Ok(Request::Sync {
                source: None,
                timeout_seconds: PASS_SECONDS,
            })
        },
    ),
    post(
        Admin,
        "/plan",
        "plan",
        "Crawl, compare, show what would change; change nothing",
        &[OnlySource, Wait],
        "plan",
        |a| {
            Ok(Request::Plan {
                source: a.text(OnlySource),
                basis: false,
            })
        },
    ),
    post(
        Admin,
        "/check",
        "check",
        "Are configuration, credentials, range and key good; change nothing",
        &[Language, Wait],
        "check",
        |a| {
            Ok(Request::Check {
                language: a.text(Language),
            })
        },
    ),
    post(
        Admin,
        "/freeze",
        "freeze",
        "No write to the cloud until thawed",
        ACT,
        "freeze",
        |_| Ok(Request::Freeze { frozen: true }),
    ),
    post(Admin, "/thaw", "thaw", "Write again", ACT, "freeze", |_| {
        Ok(Request::Freeze { frozen: false })
    }),
];
