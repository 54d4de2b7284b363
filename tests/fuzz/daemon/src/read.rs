//! Everything that the product reads of a ledger.

use std::collections::{BTreeSet, HashMap, HashSet};

use camsync::ledger::{ChangeFilter, Ledger, LedgerError};
use camsync::ops::{self, Context, ListOptions, OpError, Request};
use camsync::pipeline::ProgressSink;
use camsync_core::object::ObjectKind;
use camsync_core::plan::Then;
use chrono::{TimeDelta, Utc};
use serde_json::Value;

use crate::world::SOURCE;

/// Members that are looked at one by one: gone, there, with an application.
const MEMBERS: [&str; 3] = ["m1", "m7", "m10"];
/// Rows, likewise; lists have them all.
const ROWS: std::ops::RangeInclusive<i64> = 1..=3;

/// What can be asked that only reads.
pub(crate) fn questions() -> Vec<Request> {
    let list = ListOptions::default;
    let source = || Some(SOURCE.to_owned());
    let mut asked = vec![
        Request::Status,
        Request::Sources { name: None },
        Request::Sources { name: source() },
        Request::Members(list()),
        Request::Members(ListOptions {
            limit: 2,
            status: Some("active".into()),
            source: source(),
            since: None,
        }),
        Request::Changes(list()),
        Request::Plans(list()),
        Request::Applications(list()),
        Request::Audit(list()),
        Request::Unlink {
            source: SOURCE.to_owned(),
            then: Then::Delete,
            confirm: None,
        },
    ];
    for id in MEMBERS.map(str::to_owned) {
        asked.push(Request::Member {
            id: id.clone(),
            source: None,
        });
        asked.push(Request::Explain {
            id,
            source: source(),
        });
    }
    for id in ROWS {
        asked.push(Request::Change { id });
        asked.push(Request::ShowPlan { id });
    }
    asked
}

/// Asks it.
pub(crate) async fn ask(context: &Context, request: Request) -> Result<Value, OpError> {
    ops::run(context, request, "cli:root", &ProgressSink::none()).await
}

/// Calls a reader, and keeps how it failed if it did.
macro_rules! each {
    ($failed:ident: $($read:expr),* $(,)?) => {
        $( if let Err(error) = $read { $failed.push(error); } )*
    };
}

/// Reads whatever a ledger has a reader for; the errors.
pub(crate) fn everything(ledger: &Ledger) -> Vec<LedgerError> {
    let now = Utc::now();
    let key = "m7".to_owned();
    let mut failed = Vec::new();
    each!(failed:
        ledger.applications(None, None, None, None),
        ledger.application(1),
        ledger.latest_application(SOURCE, "m10"),
        ledger.pending_applications(),
        ledger.approved_applicants(SOURCE),
        ledger.audit_rows(None, None),
        ledger.audit_chain(),
        ledger.changes(&ChangeFilter::default()),
        ledger.change_counts(),
        ledger.outbox(),
        ledger.unsettled(),
        ledger.snapshot_digest(SOURCE),
        ledger.figures(),
        ledger.members_with_problem(SOURCE),
        ledger.made_objects(),
        ledger.made_object(ObjectKind::Group, "rd"),
        ledger.unconfirmed_memberships(),
        ledger.own_grants(),
        ledger.suspicions(SOURCE),
        ledger.member_rows(None),
        ledger.member_row(SOURCE, &key),
        ledger.messages_waiting(),
        ledger.meta("owner_uin"),
        ledger.notifications(),
        ledger.notification_targets(),
        ledger.changes_tried_again(),
        ledger.waits_for_cloud(),
        ledger.kept_drift(),
        ledger.guard_memory(now, TimeDelta::hours(24)),
        ledger.plans(None, None, None, None),
        ledger.policy_pins(),
        ledger.full_quotas(),
        ledger.quotas(&HashMap::new(), 1, now),
        ledger.range_items(SOURCE),
        ledger.range_changes(SOURCE),
        ledger.missing_members(SOURCE),
        ledger.managed_members_besides(SOURCE, &HashSet::new()),
        ledger.known_members(SOURCE, std::slice::from_ref(&key)),
        ledger.snapshot(SOURCE),
        ledger.departments_and_range(SOURCE),
        ledger.source(SOURCE),
        ledger.sources(),
        ledger.unconfirmed(),
        ledger.living_sub_users(),
        ledger.managed_names(),
        ledger.latest_sub_users(),
        ledger.latest_sub_user_of(SOURCE, &key),
        ledger.managed_counts(),
        ledger.unsettled_marks(),
    );
    for id in ROWS {
        each!(failed:
            ledger.change(id),
            ledger.changes_of(id),
            ledger.attempts(id),
            ledger.is_open(id),
            ledger.plan(id),
            ledger.sub_user(id),
        );
    }
    failed
}

/// The words of errors, each once.
pub(crate) fn words(errors: &[LedgerError]) -> BTreeSet<String> {
    errors.iter().map(ToString::to_string).collect()
}
