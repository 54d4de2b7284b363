//! Progress of a pass: bars side by side on a terminal, lines that do not flood elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::render::{safe, words};
use crate::pipeline::Progress;

/// Elsewhere than on a terminal, a step that goes on is told about this often.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(120);

/// Lines for logs and pipes.
pub(super) struct Lines {
    language: &'static str,
    told: Option<Instant>,
}

impl Lines {
    pub(super) fn new(language: &'static str) -> Self {
        Self {
            language,
            told: None,
        }
    }

    /// The line for a step, if it is worth one now.
    pub(super) fn line(&mut self, step: &Progress, now: Instant) -> Option<String> {
        let routine = match step {
            Progress::Crawling { done, total, .. } => *done > 0 || total.is_some(),
            Progress::Applying { done, total, .. } => done < total,
            Progress::Waiting { .. } => true,
            _ => false,
        };
        if routine {
            let due = self.told.is_some_and(|told| now - told >= TELL_EVERY);
            if !due {
                self.told.get_or_insert(now);
                return None;
            }
        }
        self.told = Some(now);
        Some(sentence(self.language, step))
    }
}

/// A step in words.
fn sentence(language: &str, step: &Progress) -> String {
    match step {
        Progress::Crawling {
            source,
            done,
            total,
        } => {
            let said = words::P_CRAWLING.fill(language, &[source]);
            match (done, total) {
                (_, Some(total)) => format!("{said} {done}/{total}"),
                (0, None) => said,
                (done, None) => format!("{said} {done}"),
            }
        }
        Progress::Crawled {
            source,
            members,
            departments,
            error: None,
        } => words::P_CRAWLED.fill(language, &[source, members, departments]),
        Progress::Crawled {
            source,
            error: Some(error),
            ..
        } => words::P_CRAWL_FAILED.fill(language, &[source, error]),
        Progress::LookingUp { source, members } => {
            words::P_LOOKING_UP.fill(language, &[source, members])
        }
        Progress::Observing => words::P_OBSERVING.to(language).into(),
        Progress::Observed { users } => words::P_OBSERVED.fill(language, &[users]),
        Progress::Planned { changes, held } => words::P_PLANNED.fill(language, &[changes, held]),
        Progress::Applying {
            done,
            total,
            failed,
        } => {
            let said = words::P_APPLIED.fill(language, &[done, total]);
            if *failed > 0 {
                format!("{said}, {}", words::P_FAILED.fill(language, &[failed]))
            } else {
                said
            }
        }
        Progress::Waiting { seconds, .. } => words::P_WAITING.fill(language, &[seconds]),
    }
}

/// Bars: one a source while they are crawled, one for what all have in common.
pub(super) struct Board {
    language: &'static str,
    colours: bool,
    bars: MultiProgress,
    sources: BTreeMap<String, ProgressBar>,
    common: Option<ProgressBar>,
}

impl Board {
    pub(super) fn new(language: &'static str, colours: bool) -> Self {
        Self {
            language,
            colours,
            bars: MultiProgress::new(),
            sources: BTreeMap::new(),
            common: None,
        }
    }

    pub(super) fn show(&mut self, step: &Progress) {
        match step {
            Progress::Crawling {
                source,
                done,
                total,
            } => {
                let said = words::P_CRAWLING.fill(self.language, &[&safe::line(source)]);
                let bar = self.source(source);
                bar.set_message(said);
                self.count(&bar, u64::from(*done), total.map(u64::from));
            }
            Progress::LookingUp { source, .. } => {
                let bar = self.source(source);
                bar.set_message(safe::line(&sentence(self.language, step)));
                self.count(&bar, 0, None);
            }
            Progress::Crawled { source, error, .. } => {
                let said = safe::line(&sentence(self.language, step));
                let (sign, tint) = match error {
                    None => ("✓", "green"),
                    Some(_) => ("✗", "red"),
                };
                let bar = self.source(source);
                // What went wrong is told in full by the result.
                let template = format!("{} {{wide_msg}}", self.tinted(sign, tint));
                bar.set_style(style(&template));
                bar.finish_with_message(said);
            }
            Progress::Applying {
                done,
                total,
                failed,
            } => {
                let mut said = words::P_APPLYING.to(self.language).to_owned();
                if *failed > 0 {
                    said.push_str(", ");
                    said.push_str(&words::P_FAILED.fill(self.language, &[failed]));
                }
                let bar = self.common();
                bar.set_message(said);
                self.count(&bar, *done as u64, Some(*total as u64));
            }
            Progress::Observing
            | Progress::Observed { .. }
            | Progress::Planned { .. }
            | Progress::Waiting { .. } => {
                let said = sentence(self.language, step);
                let bar = self.common();
                bar.set_message(said);
                self.count(&bar, 0, None);
            }
        }
    }

    /// What was crawled stays on the screen, what was merely done on the way does not.
    pub(super) fn finish(self) {
        if let Some(common) = self.common {
            common.finish_and_clear();
        }
        for bar in self.sources.into_values().filter(|b| !b.is_finished()) {
            bar.finish_and_clear();
        }
    }

    fn source(&mut self, name: &str) -> ProgressBar {
        let bars = &self.bars;
        self.sources
            .entry(name.to_owned())
            .or_insert_with(|| ticking(bars))
            .clone()
    }

    fn common(&mut self) -> ProgressBar {
        let bars = &self.bars;
        self.common.get_or_insert_with(|| ticking(bars)).clone()
    }

    fn count(&self, bar: &ProgressBar, done: u64, total: Option<u64>) {
        let spinner = if self.colours {
            "{spinner:.cyan}"
        } else {
            "{spinner}"
        };
        match total.filter(|total| *total > 0) {
            Some(total) => {
                let bar_part = if self.colours {
                    "{bar:24.cyan}"
                } else {
                    "{bar:24}"
                };
                bar.set_style(style(&format!(
                    "{spinner} {{msg}} [{bar_part}] {{pos}}/{{len}} {{elapsed}}"
                )));
                bar.set_length(total);
                bar.set_position(done.min(total));
            }
            None => bar.set_style(style(&format!("{spinner} {{msg}} {{elapsed}}"))),
        }
    }

    fn tinted(&self, sign: &str, tint: &str) -> String {
        if !self.colours {
            return sign.to_owned();
        }
        let code = if tint == "green" { 32 } else { 31 };
        format!("\u{1b}[{code}m{sign}\u{1b}[0m")
    }
}

fn ticking(bars: &MultiProgress) -> ProgressBar {
    let bar = bars.add(ProgressBar::new_spinner());
    bar.enable_steady_tick(TICK);
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━╸─")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_step_is_told_now_and_then_and_its_end_always() {
        let start = Instant::now();
        let mut lines = Lines::new("en");
        let at = |seconds| start + Duration::from_secs(seconds);
        let applying = |done| Progress::Applying {
            done,
            total: 100,
            failed: 0,
        };
        assert_eq!(lines.line(&applying(0), at(0)), None);
        assert_eq!(lines.line(&applying(40), at(5)), None);
        let told = lines.line(&applying(70), at(11));
        assert_eq!(told.as_deref(), Some("applied 70 of 100 changes"));
        assert_eq!(lines.line(&applying(80), at(12)), None);
        let last = lines.line(&applying(100), at(13));
        assert_eq!(last.as_deref(), Some("applied 100 of 100 changes"));
    }
}
