//! What happens while the process runs, counted as it happens: crawls, plans, attempts, requests, callbacks.

use std::collections::BTreeMap;
use std::time::Duration;

use camsync_cam::{Action, Class, Error, Scope};
use camsync_connector_host::Usage;
use camsync_core::outbox::Kind;
use camsync_core::retry::FailureClass;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::registrar::{Counts, Described, Level, Registrar, Seconds, Spread};

/// Counts what happens. Handed to whatever does something that an operator would alert on; shared behind an `Arc`.
#[derive(Debug)]
pub struct Metrics {
    pub(super) registry: Registry,
    pub(super) described: Vec<Described>,
    crawls: Counts<2>,
    crawl_seconds: Spread<1>,
    provider_requests: Counts<2>,
    provider_request_seconds: Spread<1>,
    connector_calls: Counts<2>,
    connector_call_seconds: Seconds<2>,
    connector_computing_seconds: Seconds<2>,
    connector_memory: Level<2>,
    plans: Counts<1>,
    plan_changes: Level<1>,
    plan_held: Level<0>,
    attempts: Counts<2>,
    cam_requests: Counts<2>,
    cam_request_seconds: Spread<0>,
    cam_throttles: Counts<1>,
    cam_pacing_seconds: Seconds<0>,
    callback_lag: Spread<1>,
    notifications: Counts<2>,
    config_reloads: Counts<1>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn requests() -> Histogram {
    Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

fn crawls() -> Histogram {
    Histogram::new([1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 3600.0])
}

fn lags() -> Histogram {
    Histogram::new([1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0])
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let mut r = Registrar::default();
        let mut made = Self {
            crawls: r.counts(
                "camsync_crawls_total",
                ["source", "result"],
                "Crawls that ended: complete, or the kind of failure",
            ),
            crawl_seconds: r.spread(
                "camsync_crawl_seconds",
                ["source"],
                "How long crawls took",
                crawls,
            ),
            provider_requests: r.counts(
                "camsync_provider_requests_total",
                ["source", "result"],
                "Requests to the provider: class of the HTTP status, or why there was none",
            ),
            provider_request_seconds: r.spread(
                "camsync_provider_request_seconds",
                ["source"],
                "How long the provider took to answer",
                requests,
            ),
            connector_calls: r.counts(
                "camsync_connector_calls_total",
                ["source", "call"],
                "Calls of the connector",
            ),
            connector_call_seconds: r.seconds(
                "camsync_connector_call_seconds_total",
                ["source", "call"],
                "Time that calls of the connector took, waiting included",
            ),
            connector_computing_seconds: r.seconds(
                "camsync_connector_computing_seconds_total",
                ["source", "call"],
                "Time in which the connector computed; there is no fuel, the limits are of time",
            ),
            connector_memory: r.level(
                "camsync_connector_memory_peak_bytes",
                ["source", "call"],
                "The most memory that the connector had in the last call of this kind",
            ),
            plans: r.counts(
                "camsync_plans_total",
                ["result"],
                "Plans that were made, or why there was none: cam, account, rule or ledger",
            ),
            plan_changes: r.level("camsync_plan_changes", ["kind"], "Changes in the last plan"),
            plan_held: r.level(
                "camsync_plan_held_changes",
                [],
                "Changes in the last plan that wait for a person, for room or for a permission",
            ),
            attempts: r.counts(
                "camsync_attempts_total",
                ["kind", "result"],
                "Attempts to apply a change: applied, or the class of failure",
            ),
            cam_requests: r.counts(
                "camsync_cam_requests_total",
                ["action", "result"],
                "Requests to CAM: ok, or the class of the answer",
            ),
            cam_request_seconds: r.spread(
                "camsync_cam_request_seconds",
                [],
                "How long CAM took to answer",
                requests,
            ),
            cam_throttles: r.counts(
                "camsync_cam_throttles_total",
                ["scope"],
                "Requests that CAM refused for coming too fast, of one action or of the account",
            ),
            cam_pacing_seconds: r.seconds(
                "camsync_cam_pacing_seconds_total",
                [],
                "Time that requests to CAM waited for their turn",
            ),
            callback_lag: r.spread(
                "camsync_callback_lag_seconds",
                ["source"],
                "Time from a callback to the plan that it led to",
                lags,
            ),
            notifications: r.counts(
                "camsync_notifications_total",
                ["kind", "result"],
                "Messages to notification targets, by kind of target: sent or failed",
            ),
            config_reloads: r.counts(
                "camsync_config_reloads_total",
                ["result"],
                "Edits of the configuration or of a secret's file: applied, or refused",
            ),
            registry: Registry::default(),
            described: Vec::new(),
        };
        // What an alert counts begins at nought, not with its first event.
        for scope in ["action", "account"] {
            made.cam_throttles.of([scope]);
        }
        for result in ["made", "cam", "account", "rule", "ledger"] {
            made.plans.of([result]);
        }
        for result in ["applied", "refused"] {
            made.config_reloads.of([result]);
        }
        made.cam_pacing_seconds.of([]);
        made.registry = r.registry;
        made.described = r.described;
        made
    }

    /// A crawl has ended: `complete`, or a kind of failure.
    pub fn crawl_ended(&self, source: &str, result: &str, took: Duration) {
        self.crawls.of([source, result]).inc();
        self.crawl_seconds.of([source]).observe(took.as_secs_f64());
    }

    /// A plan was made: its changes by kind, and how many of all wait.
    pub fn planned(&self, changes: &BTreeMap<&'static str, usize>, held: usize) {
        self.plans.of(["made"]).inc();
        self.plan_changes.clear();
        for kind in Kind::ALL {
            let count = changes.get(kind.as_str()).copied().unwrap_or(0);
            self.plan_changes.of([kind.as_str()]).set(count as f64);
        }
        self.plan_held.of([]).set(held as f64);
    }

    /// No plan could be made.
    pub fn not_planned(&self, why: &'static str) {
        self.plans.of([why]).inc();
    }

    /// An attempt at a change has ended, with this failure if it failed; the word for it.
    pub fn attempted(&self, kind: Kind, failure: Option<FailureClass>) -> &'static str {
        let result = match failure {
            None => "applied",
            Some(FailureClass::Transient) => "transient",
            Some(FailureClass::Unknown) => "unknown",
            Some(FailureClass::Permanent) => "permanent",
            Some(FailureClass::Target) => "target",
            Some(FailureClass::Permission) => "permission",
            Some(FailureClass::Quota) => "quota",
        };
        self.attempts.of([kind.as_str(), result]).inc();
        result
    }

    /// What a callback led to is in the ledger, so long after it came.
    pub fn callback_followed(&self, source: &str, lag: Duration) {
        self.callback_lag.of([source]).observe(lag.as_secs_f64());
    }

    /// An edit of the configuration, or of a file that it names, was put in force or refused.
    pub fn config_reloaded(&self, applied: bool) {
        let result = if applied { "applied" } else { "refused" };
        self.config_reloads.of([result]).inc();
    }

    /// A notification of this kind of target was sent, or failed.
    pub fn notification(&self, kind: &'static str, sent: bool) {
        let result = if sent { "sent" } else { "failed" };
        self.notifications.of([kind, result]).inc();
    }
}

impl camsync_connector_host::Watch for Metrics {
    fn call_ended(&self, source: &str, call: &'static str, usage: &Usage) {
        let labels = [source, call];
        self.connector_calls.of(labels).inc();
        self.connector_call_seconds
            .of(labels)
            .inc_by(usage.elapsed.as_secs_f64());
        self.connector_computing_seconds
            .of(labels)
            .inc_by(usage.computing.as_secs_f64());
        self.connector_memory.of(labels).set(usage.memory as f64);
    }

    fn request_ended(&self, source: &str, result: &'static str, elapsed: Duration) {
        self.provider_requests.of([source, result]).inc();
        self.provider_request_seconds
            .of([source])
            .observe(elapsed.as_secs_f64());
    }
}

impl camsync_cam::Watch for Metrics {
    fn answered(&self, action: &Action, error: Option<&Error>, paced: Duration, elapsed: Duration) {
        let result = error.map_or("ok", |error| match error.class() {
            Class::Transient { .. } => "transient",
            Class::Unknown => "unknown",
            Class::Permanent => "permanent",
            Class::Configuration => "configuration",
            Class::ConfigurationForAction => "permission",
            Class::Done => "done",
            Class::Quota => "quota",
        });
        self.cam_requests.of([action.name, result]).inc();
        self.cam_request_seconds
            .of([])
            .observe(elapsed.as_secs_f64());
        self.cam_pacing_seconds.of([]).inc_by(paced.as_secs_f64());
        if let Some(error) = error
            && error
                .code
                .as_deref()
                .is_some_and(|code| code.starts_with("RequestLimitExceeded"))
            && let Class::Transient { scope } = error.class()
        {
            let scope = match scope {
                Scope::Action => "action",
                Scope::Account => "account",
            };
            self.cam_throttles.of([scope]).inc();
        }
    }
}
