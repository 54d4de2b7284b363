//! English.

use camsync_core::change::DriftKind;
use camsync_core::evidence::Evidence;
use camsync_core::outbox::Kind;

use crate::advice;
use crate::notify::cause::Cause;
use crate::notify::notice::Ending;
use crate::pipeline::SourceFailure;
use crate::pipeline::target::Trouble;

use super::{Said, ended, ending, moment};

pub(super) fn told(cause: &Cause) -> Said {
    match cause {
        Cause::PlanHeld {
            plan,
            source,
            evidence,
            removals,
            limit,
        } => Said {
            title: format!("plan {plan} waits for your approval ({source}: {removals})"),
            text: match evidence {
                Evidence::Adopt => format!(
                    "A member of {source} would take over an existing sub-user of the same name. Nothing is taken over before you approve it."
                ),
                Evidence::Returned => format!(
                    "Somebody of {source} came back under an old id, with another name: ids are reused. No access is given back before you approve that it is the same person."
                ),
                evidence => format!(
                    "{removals} removals of {source} are beyond the guard ({limit} may go on by themselves): {}. None of them is carried out before you approve it; everything else goes on.",
                    why(*evidence)
                ),
            },
            remedy: format!(
                "Look at the list. If it is right, `camsync plans approve {plan}`; if not, put the cause right at the provider or in the rules, or `camsync plans discard {plan}`."
            ),
            command: format!("camsync plans show {plan}"),
        },
        Cause::Application {
            application,
            source,
            member,
        } => Said {
            title: format!("{member} ({source}) applies for a sub-user"),
            text: format!("Application {application} waits for your decision. No sub-user is made before it."),
            remedy: format!(
                "`camsync applications approve {application}`, or `camsync applications deny {application} --reason \"...\"`."
            ),
            command: "camsync applications list --status pending".into(),
        },
        Cause::DriftKept {
            source,
            member,
            what,
        } => Said {
            title: format!("{member} ({source}) had access taken away by someone else"),
            text: match what {
                DriftKind::Deleted => "Someone deleted this sub-user in CAM. camsync keeps it so and does not make it again.".into(),
                DriftKind::GrantTaken => "Someone took a group or a policy away that camsync had given. camsync keeps it so.".into(),
                _ => "Someone switched console sign-in off in CAM. camsync keeps it so.".into(),
            },
            remedy: format!(
                "If that was meant, there is nothing to do. If not: `camsync members resume {member}`."
            ),
            command: format!("camsync members explain {member}"),
        },
        Cause::SourceGone { source, members } => Said {
            title: format!("source {source} is gone from the configuration"),
            text: format!(
                "The ledger knows {members} members of it. Nothing of them is changed while the source is not in the file."
            ),
            remedy: "Put the source back. If it has a new name, write former_name into the new one.".into(),
            command: "camsync sources list".into(),
        },
        Cause::ChangeFailed {
            change,
            kind,
            username,
            failure,
            ..
        } => {
            let (meaning, remedy) = advice::failure("en", failure);
            Said {
                title: format!("{} failed for good: {username}", kind_word(*kind)),
                text: format!("{meaning} ({failure})"),
                remedy,
                command: format!("camsync changes show {change}"),
            }
        }
        Cause::NoEffect {
            change,
            kind,
            username,
            ..
        } => Said {
            title: format!("ALARM: {username} can still sign in"),
            text: format!(
                "CAM accepted the change ({}), but it has no effect: a sub-user imported by the console keeps its sign-in through WeCom.",
                kind_word(*kind)
            ),
            remedy: "Take its groups, policies and access keys away in CAM, or delete it by hand.".into(),
            command: format!("camsync changes show {change}"),
        },
        Cause::Target { since, trouble } => target(trouble, &moment(*since)),
        Cause::Permission { action, changes } => Said {
            title: format!("the CAM key lacks the permission cam:{action}"),
            text: format!("Changes that wait for it: {changes}. Everything else goes on."),
            remedy: format!("Allow cam:{action} in the policy of the key's sub-user; camsync then goes on by itself."),
            command: "camsync changes list --status held".into(),
        },
        Cause::Quota { quota, changes } => Said {
            title: format!("the quota of {quota} is full"),
            text: format!("Changes that wait for room: {changes}. Removals and updates go on."),
            remedy: "Delete sub-users that are not used, or raise the quota by a ticket to Tencent Cloud; camsync then goes on by itself.".into(),
            command: "camsync changes list --status held".into(),
        },
        Cause::AnotherEnterprise {
            source,
            bound,
            found,
        } => Said {
            title: format!("source {source} answers with another enterprise"),
            text: format!(
                "It belongs to {bound}, and {found} answers now. Nothing of this source is written until a person decides."
            ),
            remedy: format!(
                "Put the old settings back, or use a new source name. If the enterprise was moved: `camsync sources rebind {source}`."
            ),
            command: format!("camsync sources show {source}"),
        },
        Cause::Config { error } => Said {
            title: "the edited configuration was refused".into(),
            text: format!("The old one stays in force. {error}"),
            remedy: "Put the file right; it is read again by itself.".into(),
            command: "camsync status".into(),
        },
        Cause::SourceDown {
            source,
            since,
            failure,
        } => Said {
            title: format!("source {source} has been failing since {}", moment(*since)),
            text: format!(
                "No complete crawl since then, so nobody new gets access and nobody is removed. {}",
                failure.as_ref().map(SourceFailure::in_short).unwrap_or_default()
            ),
            remedy: failure
                .as_ref()
                .and_then(|f| f.remedy.clone())
                .unwrap_or_else(|| "`camsync check` looks at settings, credentials and visible range.".into()),
            command: format!("camsync sources show {source}"),
        },
    }
}

fn target(trouble: &Trouble, since: &str) -> Said {
    let command = "camsync check".into();
    match trouble {
        Trouble::Cam(failure) => {
            let (meaning, remedy) = advice::failure("en", failure);
            Said {
                title: format!("nothing can be written to CAM since {since}"),
                text: format!("{meaning} ({failure})"),
                remedy,
                command,
            }
        }
        Trouble::AnotherAccount { bound, found } => Said {
            title: "the CAM key belongs to another root account".into(),
            text: format!("The ledger belongs to {bound}, the key to {found}. Nothing is written."),
            remedy: "Put the old key back, or use another data_dir. If it is meant: `camsync rebind --target`.".into(),
            command,
        },
    }
}

pub(super) fn over(cause: &Cause, end: &Ending) -> Said {
    let how = ending(
        end,
        |status, by| match (status, by) {
            ("approved" | "applied", Some(by)) => format!("{by} approved it."),
            ("discarded", Some(by)) => format!("{by} discarded it."),
            ("denied", Some(by)) => format!("{by} denied it."),
            ("withdrawn", _) => "It was withdrawn, or has lost its object.".into(),
            _ => "A newer plan has taken its place.".into(),
        },
        "Nothing is left to do.",
    );
    ended(cause, told, "Over: ", how)
}

pub(super) fn several(told: usize, over: usize) -> String {
    match (told, over) {
        (told, 0) => format!("needs a person: {told}"),
        (0, over) => format!("over: {over}"),
        (told, over) => format!("needs a person: {told}, over: {over}"),
    }
}

pub(super) fn more(count: usize) -> String {
    format!("… and {count} more: `camsync status`")
}

pub(super) fn test() -> Said {
    Said {
        title: "test message".into(),
        text: "This target takes camsync's notifications.".into(),
        command: "camsync notify test".into(),
        ..Said::default()
    }
}

fn why(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Said => "the provider says disabled or left",
        Evidence::Excluded => "a rule excludes them now",
        Evidence::Unmatched => "they match no admit rule any more",
        Evidence::Regrouped => "they would lose their groups or policies",
        Evidence::Absent => "they are missing from a complete crawl",
        Evidence::Hidden => "what showed them has left the visible range",
        Evidence::Returned => "they came back under an old id with another name",
        Evidence::Expired => "their grace is over, so they would be deleted",
        Evidence::Asked => "a person asked for it, but these were not shown then",
        Evidence::Adopt => "an existing sub-user would be taken over",
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::CreateUser => "creating a sub-user",
        Kind::UpdateUser => "updating a sub-user",
        Kind::SuspendUser => "suspending a sub-user",
        Kind::ResumeUser => "resuming a sub-user",
        Kind::DeleteUser => "deleting a sub-user",
        other => other.as_str(),
    }
}
