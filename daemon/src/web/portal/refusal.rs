//! Why the portal does not do what was asked: as a problem document, with a word that the page has a sentence for.

use axum::response::{IntoResponse, Response};

use crate::ledger::ResetRefused;
use crate::ops::OpError;
use crate::ops::applications::CannotApply;
use crate::web::problem::{Kind, Problem};

/// Why not.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No source of this name has a sign-in.
    NoSuchSource,
    /// Nobody is signed in, or not any more.
    SignedOut,
    /// The sign-in was not begun in this browser, or too long ago.
    State,
    /// The provider came back without a code.
    Declined,
    /// The provider does not accept the code.
    Code,
    /// The provider does not answer.
    Provider,
    /// Somebody who is not a member of the enterprise.
    Stranger,
    /// A member who is not in the snapshot.
    NotInSnapshot,
    /// The header is missing, or another session's.
    Csrf,
    /// The body is not what it should be.
    Invalid(&'static str),
    /// The body is too large.
    TooLarge,
    /// Asked too often; seconds to wait.
    TooMany(u64),
    /// No application can be made.
    CannotApply(CannotApply),
    /// None is open.
    NoOpenApplication,
    /// There is no sub-user.
    NoSubUser,
    /// It gets no password.
    NoPassword(ResetRefused),
    /// camsync is about to end.
    Closing,
    /// It failed.
    Failed(OpError),
}

impl Refusal {
    /// The status' kind, the word, and the sentence.
    fn told(&self) -> (Kind, &'static str, String) {
        let (kind, code, said) = match self {
            Self::NoSuchSource => (
                Kind::NotFound,
                "no-such-source",
                "no source of this name has a sign-in",
            ),
            Self::SignedOut => (Kind::SignedOut, "signed-out", "sign in first"),
            Self::State => (
                Kind::Invalid,
                "state",
                "this sign-in was not begun in this browser, or too long ago; begin again",
            ),
            Self::Declined => (
                Kind::Forbidden,
                "declined",
                "the provider did not let you sign in",
            ),
            Self::Code => (
                Kind::Forbidden,
                "code",
                "the provider does not accept this sign-in any more; begin again",
            ),
            Self::Provider => (
                Kind::Busy,
                "provider",
                "the provider does not answer; try again in a while",
            ),
            Self::Stranger => (
                Kind::Forbidden,
                "stranger",
                "you are not a member of this enterprise",
            ),
            Self::NotInSnapshot => (
                Kind::Forbidden,
                "not-in-snapshot",
                "you are not among the members that camsync sees; ask your administrator",
            ),
            Self::Csrf => (
                Kind::Forbidden,
                "csrf",
                "the header X-CSRF-Token must say what /portal/api/me says in `csrf`",
            ),
            Self::Invalid(said) => (Kind::Invalid, "invalid", *said),
            Self::TooLarge => (
                Kind::TooLarge,
                "too-large",
                "the body is larger than 64 KiB",
            ),
            Self::TooMany(_) => (
                Kind::TooMany,
                "too-many",
                "asked too often; try again later",
            ),
            Self::CannotApply(why) => cannot_apply(*why),
            Self::NoOpenApplication => (
                Kind::Conflict,
                "no-open-application",
                "there is no application to withdraw",
            ),
            Self::NoSubUser => (Kind::Conflict, "no-sub-user", "you have no sub-user"),
            Self::NoPassword(why) => no_password(*why),
            Self::Closing => (Kind::Busy, "closing", "camsync is about to end"),
            Self::Failed(error) => return (Kind::of(error), "failed", error.message.clone()),
        };
        (kind, code, said.to_owned())
    }

    /// The word that the page has a sentence for.
    pub(super) fn code(&self) -> &'static str {
        self.told().1
    }

    /// As a problem document.
    pub(super) fn problem(self) -> Problem {
        let (kind, code, said) = self.told();
        let problem = Problem::new(kind, said).coded(code);
        match self {
            Self::TooMany(seconds) => problem.after(seconds),
            Self::Provider | Self::Closing => problem.after(10),
            _ => problem,
        }
    }
}

/// The word, also where nothing was asked: the page says beforehand what is not possible.
pub(super) fn cannot_apply(why: CannotApply) -> (Kind, &'static str, &'static str) {
    match why {
        CannotApply::HasSubUser => (
            Kind::Conflict,
            "has-sub-user",
            "you have a sub-user already",
        ),
        CannotApply::Open => (
            Kind::Conflict,
            "open-application",
            "your application waits for an answer already",
        ),
        CannotApply::Approved => (
            Kind::Conflict,
            "approved",
            "your application is approved, and the sub-user is being made",
        ),
        CannotApply::NotNeeded => (
            Kind::Conflict,
            "not-needed",
            "you get a sub-user without an application",
        ),
        CannotApply::NotOffered => (
            Kind::Forbidden,
            "not-offered",
            "the rules let you not apply; ask your administrator",
        ),
    }
}

/// Likewise for a password.
pub(super) fn no_password(why: ResetRefused) -> (Kind, &'static str, &'static str) {
    match why {
        ResetRefused::NotManaged => (Kind::Conflict, "no-sub-user", "you have no sub-user"),
        ResetRefused::Adopted => (
            Kind::Forbidden,
            "adopted",
            "your sub-user existed before camsync; an administrator gives you a password",
        ),
        ResetRefused::Suspended => (
            Kind::Forbidden,
            "suspended",
            "your sub-user is suspended; ask your administrator",
        ),
        ResetRefused::SignInOff => (
            Kind::Forbidden,
            "sign-in-off",
            "console sign-in of your sub-user is off",
        ),
        ResetRefused::Sso => (
            Kind::Conflict,
            "sso",
            "you sign in through your enterprise, so there are no passwords",
        ),
        ResetRefused::Busy => (
            Kind::Busy,
            "sub-user-busy",
            "your sub-user is being changed; try again in a moment",
        ),
        ResetRefused::Frozen => (
            Kind::Busy,
            "frozen",
            "an administrator has stopped all changes for now",
        ),
        ResetRefused::NoCloud => (
            Kind::Conflict,
            "no-cloud",
            "changes are only recorded here, so there are no passwords",
        ),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
