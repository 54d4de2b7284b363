//! One complete pass over the app's visible range (`wecom-api.md` 2.6).
//!
//! Everything that was asked for must have answered before the pass may be called complete; what did not answer is
//! named, one line a part. The order is: the configured range, the departments, the tags, the members of each
//! department, and last the members whom only a tag or their own name shows.

mod departments;
mod members;
mod tags;

use std::collections::BTreeSet;

use camsync_connector_sdk::Host;
use camsync_connector_sdk::types::{CrawlSummary, Failure, Level, Names};
use serde::de::DeserializeOwned;

use crate::api::{Api, Call, Flow};
use crate::fold;
use crate::problem::Problem;
use crate::range::Range;
use crate::settings::Settings;

pub(crate) use departments::Tree;
pub(crate) use tags::is_barred;

/// Lines that say what is missing; more are only counted.
const MISSING_MAX: usize = 100;

/// So many parts in a row without an answer mean that WeCom is not there: the rest is not worth asking for.
pub(crate) const SILENCE_MAX: u32 = 8;

/// Crawls the range that these settings open.
///
/// # Errors
/// Whatever keeps the whole pass from working: no token, an app that is barred, switched off or sees nobody, the
/// frequency limit, a provider that does not answer at all.
pub(crate) fn crawl(host: &dyn Host, settings: &Settings) -> Result<CrawlSummary, Failure> {
    let api = Api::of_app(host, settings)?;
    let range = Range::read(&api).map_err(|problem| api.failure(problem))?;
    range.refuse_unusable()?;
    let mut pass = Pass {
        api: &api,
        range: &range,
        missing: Missing::default(),
        silence: 0,
        steps: Steps::default(),
    };
    let mut tree = Tree::read(&mut pass)?;
    let tags = tags::Tags::read(&mut pass, &mut tree)?;
    let found = members::read(&mut pass, &mut tree, &tags)?;
    let names = Names {
        enterprise: tree.enterprise_name(),
        application: Some(range.app_name.clone()).filter(|name| !name.is_empty()),
    };
    tree.hand_over(host);
    let named = range
        .users
        .iter()
        .map(|user| format!("member:{}", fold(user)));
    let by_tag = tags.shown().map(|id| format!("tag-member:{id}"));
    let departments = found
        .departments
        .iter()
        .map(|id| format!("department:{id}"));
    let missing = pass.missing.into_lines();
    Ok(CrawlSummary {
        enterprise: settings.corp_id.clone(),
        complete: missing.is_empty(),
        missing,
        range_fingerprint: range.fingerprint(),
        range: departments
            .chain(by_tag)
            .chain(named)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        names,
    })
}

/// What the steps of one pass share.
pub(crate) struct Pass<'p, 'h> {
    api: &'p Api<'h>,
    range: &'p Range,
    missing: Missing,
    silence: u32,
    steps: Steps,
}

impl Pass<'_, '_> {
    /// Makes these calls and hands each one's answer to `settle`, in whatever order they come. A failure ends the
    /// pass.
    fn ask<K, T: DeserializeOwned>(
        &mut self,
        calls: Vec<(K, Call)>,
        mut settle: impl FnMut(&mut Self, K, Result<T, Problem>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let asked = calls.len();
        self.expect(asked);
        let mut answered = 0;
        let mut failure = None;
        let api = self.api;
        let outcome = api.each(calls, |key, result| {
            answered += 1;
            self.step();
            // A refusal is an answer too.
            if !result.as_ref().is_err_and(Problem::is_passing) {
                self.silence = 0;
            }
            match settle(self, key, result) {
                Ok(()) => Flow::On,
                Err(fatal) => {
                    failure = Some(fatal);
                    Flow::Stop
                }
            }
        });
        outcome.map_err(|problem| api.failure(problem))?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        // The count is the proof: whatever went wrong above, what was not answered cannot pass for read.
        if answered != asked {
            self.missing
                .add(format!("{answered} of {asked} requests were answered"));
        }
        Ok(())
    }

    /// A part of the range that did not answer: it is noted, or, where every other would end the same way, the pass
    /// is over.
    fn lost(&mut self, what: &str, problem: Problem) -> Result<(), Failure> {
        if problem.is_passing() {
            self.silence += 1;
        }
        if problem.is_fatal() || self.silence >= SILENCE_MAX {
            return Err(self.api.failure(problem));
        }
        self.missing.add(format!("{what}: {}", problem.line()));
        Ok(())
    }

    /// More steps are known to come.
    fn expect(&mut self, steps: usize) {
        self.steps.total = self
            .steps
            .total
            .saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    /// One step is done.
    fn step(&mut self) {
        self.steps.done = self.steps.done.saturating_add(1);
        self.api
            .host()
            .progress(self.steps.done, Some(self.steps.total.max(self.steps.done)));
    }

    fn log(&self, level: Level, line: &str) {
        self.api.log(level, line);
    }
}

#[derive(Default)]
struct Steps {
    done: u32,
    total: u32,
}

/// What is missing from a pass.
#[derive(Default)]
struct Missing {
    lines: Vec<String>,
    more: usize,
}

impl Missing {
    fn add(&mut self, line: String) {
        if self.lines.len() < MISSING_MAX {
            self.lines.push(line);
        } else {
            self.more += 1;
        }
    }

    fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }
}
