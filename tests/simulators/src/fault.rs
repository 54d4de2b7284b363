//! Faults on demand: which requests are hit, how often, and by what.

use std::sync::{Mutex, PoisonError};

/// Names a fault that was injected, to ask how often it struck or to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

/// Which requests a fault hits. Without limits it hits every matching request for ever.
#[derive(Clone, Debug, Default)]
pub struct When {
    action: Option<String>,
    key: Option<String>,
    times: Option<u32>,
    after: u32,
}

impl When {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of one action (`"AddUser"`) or endpoint (`"user/list"`).
    pub fn action(name: impl Into<String>) -> Self {
        Self {
            action: Some(name.into()),
            ..Self::default()
        }
    }

    /// Only requests about one thing: a user name or Uin in CAM; a userid, department id, tag id or code in WeCom.
    pub fn key(mut self, key: impl ToString) -> Self {
        self.key = Some(key.to_string());
        self
    }

    /// Only the next `n` matching requests.
    pub fn times(mut self, n: u32) -> Self {
        self.times = Some(n);
        self
    }

    /// Only the next matching request.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Lets the first `n` matching requests pass unharmed.
    pub fn after(mut self, n: u32) -> Self {
        self.after = n;
        self
    }

    fn matches(&self, action: &str, keys: &[String]) -> bool {
        self.action.as_deref().is_none_or(|wanted| wanted == action)
            && self.key.as_ref().is_none_or(|wanted| keys.contains(wanted))
    }
}

/// The faults that are set, in the order of their injection.
pub(crate) struct Plan<F>(Mutex<Vec<Rule<F>>>);

struct Rule<F> {
    when: When,
    fault: F,
    hits: u32,
    revoked: bool,
}

impl<F: Clone> Plan<F> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn inject(&self, when: When, fault: F) -> FaultId {
        let mut rules = self.rules();
        rules.push(Rule {
            when,
            fault,
            hits: 0,
            revoked: false,
        });
        FaultId(rules.len() - 1)
    }

    /// Takes every fault that hits this request: each match uses up one of its times.
    pub(crate) fn strike(&self, action: &str, keys: &[String]) -> Vec<F> {
        let mut struck = Vec::new();
        for rule in self.rules().iter_mut() {
            if rule.revoked || !rule.when.matches(action, keys) {
                continue;
            }
            if rule.when.after > 0 {
                rule.when.after -= 1;
                continue;
            }
            if rule.when.times.is_some_and(|times| rule.hits >= times) {
                continue;
            }
            rule.hits += 1;
            struck.push(rule.fault.clone());
        }
        struck
    }

    pub(crate) fn hits(&self, id: FaultId) -> u32 {
        self.rules().get(id.0).map_or(0, |rule| rule.hits)
    }

    pub(crate) fn revoke(&self, id: FaultId) {
        if let Some(rule) = self.rules().get_mut(id.0) {
            rule.revoked = true;
        }
    }

    pub(crate) fn revoke_all(&self) {
        for rule in self.rules().iter_mut() {
            rule.revoked = true;
        }
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule<F>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
