//! `[retry]`, `[guard]`, `[leavers]`, `[drift]` and `[retention]`.

use std::ops::Range;
use std::time::Duration;

use camsync_core::rules::{DenyAll, Guard, Leavers, LessAccess, Retry};

use crate::document::Table;
use crate::kinds::{OneOf, Pause, Period, PeriodOrNever, Ratio, Switch, Whole, Words};
use crate::reader::{Reader, section};

section! {
    /// How a change that did not succeed is tried again.
    for Retry {
        /// The first pause; each further one is longer.
        initial = Pause, default("1s");
        /// The longest pause.
        max = Pause, default("5m");
        /// Attempts before a change counts as failed, until it is retried by hand or planned anew.
        attempts = Whole<1, 1000>, default(12);
    }
    check pauses_grow;
}

fn pauses_grow(retry: &Retry, table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    if retry.initial > retry.max {
        reader.under("initial", |reader| {
            reader.refuse(
                &table.place("initial", span),
                "`retry.initial` is longer than `retry.max`",
                "the first pause is the shortest",
            );
        });
    }
}

section! {
    /// When removals wait for a person to approve them. The limits hold over a rolling window, for each kind of evidence.
    for Guard {
        /// The rolling window.
        window = Period, default("24h");
        /// Removals in the window.
        max_removals = Whole<0, 1_000_000>, default(20);
        /// Removals in the window as a share of the managed sub-users. The smaller of the two limits binds, but never
        /// fewer than 3.
        max_removal_ratio = Ratio, default(0.05);
        /// The same share for what the provider itself says (disabled, left), which has no other limit.
        max_said_ratio = Ratio, default(0.25);
    }
}

section! {
    /// What happens to the sub-users of those who leave.
    for Leavers {
        /// Whose sub-user first gets one managed policy that denies everything.
        deny_all = OneOf<DenyAll>, default("adopted");
        /// How long a leaver stays suspended before deletion.
        delete_after = PeriodOrNever, default("30d");
        /// Deletes adopted sub-users too, instead of releasing them.
        delete_adopted = Switch, default(false);
    }
}

impl Words for DenyAll {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("never", Self::Never, "nobody's"),
        ("adopted", Self::Adopted, "those that were adopted"),
        ("always", Self::Always, "everybody's"),
    ];
}

section! {
    /// What is done about sub-users that somebody else altered.
    pub struct Drift {
        /// What is done about drift towards less access. Drift towards more is always repaired.
        less_access: LessAccess = OneOf<LessAccess>, default("keep");
    }
}

impl Words for LessAccess {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("keep", Self::Keep, "kept and shown, until `members resume`"),
        ("repair", Self::Repair, "undone"),
    ];
}

section! {
    /// How long data is kept.
    pub struct Retention {
        /// Personal data of people who are gone is purged after this; the audit keeps ids.
        snapshots: Duration = Period, default("90d");
    }
}
