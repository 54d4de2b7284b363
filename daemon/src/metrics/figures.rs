//! What the ledger and the configuration say at the moment of a scrape.

use camsync_config::Loaded;
use chrono::{DateTime, Utc};

use crate::ledger::{Figures as Stored, Ledger, LedgerError};
use crate::ops::Context;
use crate::pipeline::outbox::FROZEN;

use super::registrar::{Counts, Level, Registrar};

/// Gauges that are filled anew for every scrape.
pub(super) struct Figures {
    build: Level<1>,
    config_loaded: Level<0>,
    config_refused: Level<0>,
    frozen: Level<0>,
    source_complete_age: Level<1>,
    source_crawl_age: Level<1>,
    source_overdue: Level<1>,
    source_failing: Level<1>,
    source_failures: Level<1>,
    source_paused: Level<1>,
    source_members: Level<1>,
    source_departments: Level<1>,
    source_problems: Level<1>,
    connector_memory_limit: Level<1>,
    callbacks: Counts<2>,
    callbacks_missed: Counts<1>,
    sub_users: Level<1>,
    cloud_sub_users: Level<0>,
    sub_user_quota: Level<0>,
    quota_full: Level<1>,
    outbox_depth: Level<0>,
    outbox_oldest: Level<0>,
    outbox_changes: Level<2>,
    changes_failed: Level<0>,
    changes_held: Level<1>,
    held_plans: Level<2>,
    held_plans_oldest: Level<0>,
    ledger_bytes: Level<0>,
    backup: Level<0>,
}

impl Figures {
    pub(super) fn register(r: &mut Registrar) -> Self {
        Self {
            build: r.level("camsync_build_info", ["version"], "1, with the version"),
            config_loaded: r.level(
                "camsync_config_loaded_timestamp_seconds",
                [],
                "When the configuration in force was loaded",
            ),
            config_refused: r.level(
                "camsync_config_refused",
                [],
                "1 while the file's last edit was refused and the old configuration stays in force",
            ),
            frozen: r.level(
                "camsync_frozen",
                [],
                "1 while no write to the cloud is allowed (camsync freeze)",
            ),
            source_complete_age: r.level(
                "camsync_source_last_complete_crawl_age_seconds",
                ["source"],
                "Time since the source's last complete crawl; absent before the first",
            ),
            source_crawl_age: r.level(
                "camsync_source_last_crawl_age_seconds",
                ["source"],
                "Time since the source's last crawl, complete or not; absent before the first",
            ),
            source_overdue: r.level(
                "camsync_source_overdue_seconds",
                ["source"],
                "How long ago the schedule wanted a complete crawl that has not come; 0 when in time",
            ),
            source_failing: r.level(
                "camsync_source_failing_seconds",
                ["source"],
                "How long the source has been failing; 0 when its last crawl was complete",
            ),
            source_failures: r.level(
                "camsync_source_failures",
                ["source"],
                "Crawls in a row that failed",
            ),
            source_paused: r.level(
                "camsync_source_paused",
                ["source"],
                "1 while a person has paused the source",
            ),
            source_members: r.level(
                "camsync_source_members",
                ["source"],
                "Members in the snapshot",
            ),
            source_departments: r.level(
                "camsync_source_departments",
                ["source"],
                "Departments in the snapshot",
            ),
            source_problems: r.level(
                "camsync_source_members_with_problem",
                ["source"],
                "Members for whom something stands in the way (members list, column problem)",
            ),
            connector_memory_limit: r.level(
                "camsync_connector_memory_limit_bytes",
                ["source"],
                "The memory that the source's connector may have",
            ),
            callbacks: r.counts(
                "camsync_callbacks_total",
                ["source", "result"],
                "Callbacks of providers: accepted, or refused by the connector",
            ),
            callbacks_missed: r.counts(
                "camsync_callbacks_missed_total",
                ["source"],
                "Members whom a crawl found changed and whom no callback had named",
            ),
            sub_users: r.level(
                "camsync_sub_users",
                ["state"],
                "Managed sub-users, active and suspended",
            ),
            cloud_sub_users: r.level(
                "camsync_cloud_sub_users",
                [],
                "Sub-users of the account when CAM was last read, managed or not",
            ),
            sub_user_quota: r.level(
                "camsync_sub_user_quota",
                [],
                "The account's quota of sub-users; absent when the configuration does not say it",
            ),
            quota_full: r.level(
                "camsync_quota_full",
                ["quota"],
                "1 while CAM's word stands that this quota is full",
            ),
            outbox_depth: r.level(
                "camsync_outbox_depth",
                [],
                "Changes waiting to be applied or being applied",
            ),
            outbox_oldest: r.level(
                "camsync_outbox_oldest_age_seconds",
                [],
                "Age of the oldest change in the outbox; 0 when it is empty",
            ),
            outbox_changes: r.level(
                "camsync_outbox_changes",
                ["kind", "status"],
                "Changes in the outbox: pending or in_flight",
            ),
            changes_failed: r.level(
                "camsync_changes_failed",
                [],
                "Changes that failed for good and were neither retried nor superseded",
            ),
            changes_held: r.level(
                "camsync_changes_held",
                ["waits_for"],
                "Changes that are held: for approval, or for quota_or_permission",
            ),
            held_plans: r.level(
                "camsync_held_plans",
                ["source", "evidence"],
                "Plans that wait for a person's approval",
            ),
            held_plans_oldest: r.level(
                "camsync_held_plans_oldest_age_seconds",
                [],
                "Age of the oldest plan that waits for approval; 0 when none does",
            ),
            ledger_bytes: r.level(
                "camsync_ledger_bytes",
                [],
                "Size of the ledger with its write-ahead log",
            ),
            backup: r.level(
                "camsync_backup_last_timestamp_seconds",
                [],
                "When the ledger was last backed up through this daemon; absent before the first time",
            ),
        }
    }

    pub(super) fn fill(&self, context: &Context) -> Result<(), LedgerError> {
        let (now, config) = (context.now(), context.config());
        self.build.of([env!("CARGO_PKG_VERSION")]).set(1.0);
        let (loaded_at, refused) = context.config_state();
        self.config_loaded.of([]).set(timestamp(loaded_at));
        self.config_refused.of([]).set(flag(refused.is_some()));
        self.fill_sources(context.ledger(), &config, now)?;
        self.fill_callbacks(context, &config);
        self.fill_target(context.ledger(), &config)?;
        self.fill_changes(&context.ledger().figures()?, now);
        self.ledger_bytes.of([]).set(context.ledger().size() as f64);
        let backup = context.ledger().meta(LAST_BACKUP)?;
        if let Some(at) = backup.and_then(|text| text.parse::<DateTime<Utc>>().ok()) {
            self.backup.of([]).set(timestamp(at));
        }
        Ok(())
    }

    fn fill_sources(
        &self,
        ledger: &Ledger,
        config: &Loaded,
        now: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        for source in &config.config.sources {
            let label = [source.name.as_str()];
            self.connector_memory_limit
                .of(label)
                .set(source.limits.memory as f64);
            let Some(row) = ledger.source(&source.name)? else {
                continue;
            };
            if let Some(at) = row.last_complete_at {
                self.source_complete_age.of(label).set(age(at, now));
                let wanted = source.next_crawl(at.min(now));
                let overdue = wanted.map_or(0.0, |wanted| age(wanted, now));
                let idle = row.paused || row.unlinked.is_some();
                let overdue = if idle { 0.0 } else { overdue };
                self.source_overdue.of(label).set(overdue);
            }
            if let Some(at) = row.last_crawl_at {
                self.source_crawl_age.of(label).set(age(at, now));
            }
            let failing = row.failing_since.map_or(0.0, |since| age(since, now));
            self.source_failing.of(label).set(failing);
            self.source_failures.of(label).set(f64::from(row.failures));
            self.source_paused.of(label).set(flag(row.paused));
            self.source_members.of(label).set(row.members as f64);
            self.source_departments
                .of(label)
                .set(row.departments as f64);
            let problems = ledger.members_with_problem(&source.name)?;
            self.source_problems.of(label).set(f64::from(problems));
        }
        Ok(())
    }

    fn fill_callbacks(&self, context: &Context, config: &Loaded) {
        for source in &config.config.sources {
            let name = source.name.as_str();
            let Some(callbacks) = context.callbacks(name) else {
                continue;
            };
            self.callbacks
                .of([name, "accepted"])
                .inc_by(callbacks.received);
            self.callbacks
                .of([name, "refused"])
                .inc_by(callbacks.refused);
            self.callbacks_missed.of([name]).inc_by(callbacks.missed);
        }
    }

    fn fill_target(&self, ledger: &Ledger, config: &Loaded) -> Result<(), LedgerError> {
        self.frozen.of([]).set(flag(ledger.meta(FROZEN)?.is_some()));
        let (managed, suspended) = ledger.managed_counts()?;
        let active = managed.saturating_sub(suspended);
        self.sub_users.of(["active"]).set(f64::from(active));
        self.sub_users.of(["suspended"]).set(f64::from(suspended));
        let observed = ledger.meta("observed_sub_users")?;
        if let Some(count) = observed.and_then(|n| n.parse().ok()) {
            self.cloud_sub_users.of([]).set(count);
        }
        if let Some(quota) = config.config.target.quotas.sub_users {
            self.sub_user_quota.of([]).set(f64::from(quota));
        }
        for full in ledger.full_quotas()? {
            self.quota_full.of([&full.quota]).set(1.0);
        }
        Ok(())
    }

    fn fill_changes(&self, stored: &Stored, now: DateTime<Utc>) {
        let mut depth = 0;
        for (kind, status, count) in &stored.outbox {
            depth += count;
            let labels = [kind.as_str(), status.as_str()];
            self.outbox_changes.of(labels).set(*count as f64);
        }
        self.outbox_depth.of([]).set(depth as f64);
        let oldest = stored.outbox_oldest.map_or(0.0, |at| age(at, now));
        self.outbox_oldest.of([]).set(oldest);
        self.changes_failed.of([]).set(stored.failed as f64);
        let for_room = stored.held.saturating_sub(stored.for_approval);
        self.changes_held
            .of(["approval"])
            .set((stored.held - for_room) as f64);
        self.changes_held
            .of(["quota_or_permission"])
            .set(for_room as f64);
        for (source, evidence, count) in &stored.held_plans {
            self.held_plans.of([source, evidence]).set(*count as f64);
        }
        let oldest = stored.held_oldest.map_or(0.0, |at| age(at, now));
        self.held_plans_oldest.of([]).set(oldest);
    }
}

/// The ledger's key for when it was last backed up.
pub const LAST_BACKUP: &str = "last_backup_at";

/// Seconds from a moment to now; 0 when the clock has been set back behind it.
fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    (now - at).as_seconds_f64().max(0.0)
}

fn timestamp(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}
