//! One run: a world made from a seed, and a history of steps.

mod asks;
mod end;
mod setting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camsync::ledger::{ChangeRow, Ledger};
use camsync::ops::{self, Context, Request};
use camsync::pipeline::{Clock as _, ProgressSink, Trigger};
use camsync_core::outbox::Kind;
use camsync_core::problem::Problem;
use chrono::{DateTime, TimeDelta};
use futures_util::future::join;

use crate::cam::{SimCam, Weather};
use crate::clock::{Ending, SimClock, drive};
use crate::cloud::Cloud;
use crate::company::{Company, Outage, PEOPLE, Provider};
use crate::dice::Dice;
use crate::oracle::{Oracle, Violation};
use crate::people::Hand;
use crate::rules::{Rules, entitled};
use crate::step::{ADOPTING_FROM, Sky, Step, draw};

use asks::suspend;
use setting::{company, context, happen, to_be_adopted};

/// How many steps a history has, unless said otherwise.
pub const STEPS: usize = 40;
const SOURCE: &str = "acme";
/// So often, and at these intervals, somebody looks at the outbox of a pass for access that is about to be given back.
const LOOKS: usize = 300;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// Draws with these purposes are none of a step's.
const OF_COMPANY: u64 = 1 << 40;
const OF_RULES: u64 = 2 << 40;
const OF_ENGINE: u64 = 3 << 40;
const OF_WEATHER: u64 = 4 << 40;
const OF_ADOPTION: u64 = 5 << 40;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The first thing that was wrong.
    pub violation: Option<Violation>,
    /// What happened, a line a step, for who reads a failure.
    pub story: Vec<String>,
    /// Faults that were met, by kind.
    pub met: BTreeMap<&'static str, u64>,
    /// Calls of CAM in all.
    pub calls: u64,
    /// Every write, with its moment: the same for the same seed.
    pub trace: Vec<String>,
    /// What the ledger says of each member in the end, a line each.
    pub members: Vec<String>,
    /// Every plan and every change, a line each.
    pub changes: Vec<String>,
}

/// Runs the history of a seed: of its first `steps` those that `keep` says.
pub fn run(seed: u64, steps: usize, keep: &dyn Fn(usize) -> bool) -> Outcome {
    let mut world = World::new(seed);
    let mut story = Vec::new();
    for place in (1..=steps).filter(|place| keep(*place)) {
        let step = draw(seed, place);
        story.push(format!(
            "{place:>3} {} {step:?}",
            world.clock.now().format("%d %H:%M:%S")
        ));
        world.step(place, &step);
        if world.is_broken() {
            break;
        }
    }
    if !world.is_broken() {
        world.end(steps);
    }
    let (mut met, calls) = world.cam.met();
    for (what, times) in world.provider.met() {
        *met.entry(what).or_default() += times;
    }
    *met.entry("killed").or_default() += world.kills;
    let violation = world.oracle().violations.first().cloned();
    let trace = std::mem::take(&mut world.oracle().trace);
    Outcome {
        violation,
        story,
        met,
        calls,
        trace,
        members: world.members(),
        changes: world.changes(),
    }
}

struct World {
    seed: u64,
    clock: Arc<SimClock>,
    provider: Arc<Provider>,
    cam: Arc<SimCam>,
    oracle: Arc<Mutex<Oracle>>,
    ledger: Arc<Ledger>,
    rules: Rules,
    context: Context,
    /// The enterprise as it was at each step since all of it was last seen: what the product may believe of somebody.
    believed: Vec<Company>,
    lives: u64,
    kills: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default();
        let clock = Arc::new(SimClock::at(start));
        let mut dice = Dice::new(seed, OF_COMPANY);
        let provider = Arc::new(Provider::new(company(&mut dice), Arc::clone(&clock)));
        let mut rules = Rules::draw(&mut Dice::new(seed, OF_RULES));
        #[allow(clippy::expect_used)] // Without a ledger there is nothing to simulate.
        let ledger = Arc::new(Ledger::empty().expect("a ledger in memory"));
        #[allow(clippy::expect_used)]
        ledger
            .ensure_source(SOURCE, "wecom", None)
            .expect("a source");
        let oracle = Arc::new(Mutex::new(Oracle::new(Arc::clone(&ledger))));
        let mut cloud = Cloud::new();
        for _ in 0..dice.below(3) {
            let name = PEOPLE[dice.below(PEOPLE.len())];
            let _ = cloud.add_user(name, "was here before", true, None);
        }
        for name in ["rd", "dept-Sales"] {
            if dice.chance(30) {
                let _ = cloud.add_group(name, "", false);
            }
        }
        if seed >= ADOPTING_FROM {
            let dice = &mut Dice::new(seed, OF_ADOPTION);
            rules.adopt = dice.chance(60);
            to_be_adopted(&mut cloud, dice);
        }
        let cam = Arc::new(SimCam::new(cloud, Arc::clone(&clock), Arc::clone(&oracle)));
        let context = context(seed, &rules, &ledger, &provider, &cam, &clock);
        let mut world = Self {
            seed,
            clock,
            provider,
            cam,
            oracle,
            ledger,
            rules,
            context,
            believed: Vec::new(),
            lives: 0,
            kills: 0,
        };
        world.tell();
        world
    }

    fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn members(&self) -> Vec<String> {
        let rows = self.ledger.member_rows(None).unwrap_or_default();
        let line = |key: &str, problems: &[Problem]| {
            let sub_user = self.ledger.latest_sub_user_of(SOURCE, key).ok().flatten();
            let sub_user = sub_user
                .map(|s| format!("{} {:?} {:?} {:?}", s.username, s.uin, s.origin, s.stage));
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let sub_user = sub_user.unwrap_or_else(|| "no sub-user".into());
            format!("{key}: {sub_user} {}", problems.join("; "))
        };
        rows.iter()
            .map(|row| line(&row.key, &row.problems))
            .collect()
    }

    fn changes(&self) -> Vec<String> {
        let plans = self.ledger.plans(None, None, None, None);
        let plan = |p: camsync::ledger::PlanRow| {
            let of: Vec<&str> = p.removals.iter().map(|r| &*r.username).collect();
            format!(
                "{} plan {} {} {}: {}",
                p.created_at.format("%d %H:%M:%S"),
                p.id,
                p.status,
                p.evidence.as_str(),
                of.join(" ")
            )
        };
        let change = |c: ChangeRow| {
            format!(
                "{} change {} {} {} {} {:?} {:?}{}",
                c.created_at.format("%d %H:%M:%S"),
                c.id,
                c.kind.as_str(),
                c.username,
                c.object.map(|o| o.name).unwrap_or_default(),
                c.status,
                c.reason,
                c.hold.map(|h| format!(" {h:?}")).unwrap_or_default(),
            )
        };
        let changes = self
            .ledger
            .changes(&camsync::ledger::ChangeFilter::default());
        let mut lines: Vec<String> = plans.unwrap_or_default().into_iter().map(plan).collect();
        lines.extend(changes.unwrap_or_default().into_iter().map(change));
        lines.sort();
        lines
    }

    fn is_broken(&self) -> bool {
        !self.oracle().violations.is_empty()
    }

    /// Tells the oracle how things are.
    fn tell(&mut self) {
        let company = self.provider.company().clone();
        let narrower = |before: &Company| !before.range.is_subset(&company.range);
        if self.believed.last().is_some_and(narrower) {
            self.oracle().narrowed();
        }
        self.believed.push(company);
        let believed: Vec<_> = self
            .believed
            .iter()
            .map(|company| entitled(company, &self.rules))
            .collect();
        self.oracle().truth(&self.rules, &believed);
    }

    fn step(&mut self, place: usize, step: &Step) {
        self.oracle().step = place;
        self.clock.advance(TimeDelta::seconds(
            Dice::new(self.seed, OF_WEATHER | place as u64).between(5, 900),
        ));
        match step {
            Step::News(news) => happen(&mut self.provider.company(), *news),
            Step::Edit(drawn) => {
                self.rules.edit(&mut Dice::new(*drawn, 0));
                if self.seed >= ADOPTING_FROM && Dice::new(*drawn, OF_ADOPTION).chance(15) {
                    self.rules.adopt = !self.rules.adopt;
                }
                self.tell();
                self.put_in_force();
            }
            Step::Hand(hand) => self.by_hand(hand),
            Step::Ask(ask, sky) => self.ask(*ask, sky),
            Step::Pass(by_hand, sky) => self.pass(*by_hand, sky),
            Step::Callback(who, sky) => self.callback(*who, sky),
            Step::Wait(minutes) => self.clock.advance(TimeDelta::minutes(*minutes)),
        }
        self.tell();
    }

    fn by_hand(&self, hand: &Hand) {
        // What lags behind shows what was before, and who writes by a name that has changed hands since cannot know.
        self.clock.advance(TimeDelta::seconds(61));
        self.cam.by_hand(hand);
        self.clock.advance(TimeDelta::seconds(61));
    }

    /// The process begins anew on the ledger that is there.
    fn restart(&mut self) {
        // As every process does that opens a ledger to write.
        let _ = self.ledger.end_idle_resumes(None);
        self.lives += 1;
        let seed = self.seed ^ (self.lives << 20);
        self.context = context(
            seed,
            &self.rules,
            &self.ledger,
            &self.provider,
            &self.cam,
            &self.clock,
        );
    }

    fn put_in_force(&mut self) {
        // As a reload does, with the sources and the cloud that there are.
        self.restart();
    }

    /// Runs something under this sky; what it came to, unless the process was killed.
    fn under<T>(&mut self, sky: &Sky, work: impl AsyncFnOnce(&Context) -> T) -> Option<T> {
        let place = self.oracle().step as u64;
        let dice = |purpose: u64| Dice::new(self.seed, OF_WEATHER | purpose << 32 | place);
        self.cam.set(sky.weather.clone(), dice(1));
        self.provider.set(sky.outage, dice(2));
        let began = self.clock.now();
        self.oracle().running = true;
        let (context, clock) = (&self.context, &self.clock);
        let emergency = async {
            let Some((after, who)) = sky.emergency else {
                return;
            };
            clock.sleep(Duration::from_millis(after)).await;
            let _ = ops::run(context, suspend(who), "cli:bea", &ProgressSink::none()).await;
        };
        let at_a_return = self.emergency_at_a_return(sky);
        let emergencies = async { join(emergency, at_a_return).await };
        let both = async { join(work(context), emergencies).await.0 };
        let ending = drive(&self.clock, both, sky.killed_after);
        self.oracle().running = false;
        self.cam.note_adoptions();
        if sky.emergency.is_some() || sky.emergency_at_a_return {
            self.note_stopped();
        }
        let now = self.clock.now();
        self.cam.set(Weather::default(), dice(3));
        self.provider_fair();
        match ending {
            Ending::Done(value) => {
                self.oracle().after_step(began, now);
                Some(value)
            }
            Ending::Crashed => {
                self.kills += 1;
                self.cam.killed();
                self.restart();
                None
            }
            Ending::Stuck => {
                self.oracle()
                    .wrong("2", "it never comes to an end".to_owned());
                None
            }
        }
    }

    /// Watches the outbox, and suspends the first member whom something in it gives back access.
    async fn emergency_at_a_return(&self, sky: &Sky) {
        for _ in 0..if sky.emergency_at_a_return { LOOKS } else { 0 } {
            let returning = self.ledger.outbox().unwrap_or_default();
            let gives_back = |row: &&ChangeRow| row.kind != Kind::CreateUser && row.gives_back();
            let returning = returning.iter().find(gives_back);
            let who = returning.and_then(|row| PEOPLE.iter().position(|id| *id == row.member));
            if let Some(who) = who {
                let nobody = ProgressSink::none();
                let _ = ops::run(&self.context, suspend(who), "cli:bea", &nobody).await;
                return;
            }
            self.clock.sleep(BETWEEN_LOOKS).await;
        }
    }

    fn provider_fair(&self) {
        let told = self.provider.told_all();
        self.provider
            .set(Outage::default(), Dice::new(self.seed, OF_WEATHER));
        if told {
            // Still known to who asks after the pass.
            self.provider.keep_told();
        }
    }

    fn pass(&mut self, by_hand: bool, sky: &Sky) {
        let whole = self.under(sky, async |context| {
            if by_hand {
                let request = Request::Sync {
                    source: None,
                    timeout_seconds: 300,
                };
                let said = ops::run(context, request, "cli:ann", &ProgressSink::none()).await;
                return said.is_ok_and(|said| {
                    said["error"].is_null()
                        && said["failures"].as_array().is_some_and(Vec::is_empty)
                        && said["stopped"].is_null()
                });
            }
            let Ok(engine) = context.engine().await else {
                return false;
            };
            let trigger = Trigger {
                actor: "camsync".into(),
                by_hand: false,
            };
            let until = engine.clock().now() + TimeDelta::minutes(5);
            let progress = ProgressSink::none();
            let report = engine.sync(None, &trigger, None, until, &progress);
            report.await.is_ok_and(|report| {
                report.error.is_none()
                    && report.failures.is_empty()
                    && report.outbox.stopped.is_none()
            })
        });
        if whole == Some(true) && sky.is_fair() && self.provider.told_all() && self.all_is_settled()
        {
            self.oracle().saw_everything();
            self.believed.clear();
        }
    }

    /// Whether no attempt is left that nobody has read the outcome of: while everything is frozen, nobody does.
    fn all_is_settled(&self) -> bool {
        let filter = camsync::ledger::ChangeFilter {
            status: Some(camsync_core::outbox::Status::InFlight),
            ..camsync::ledger::ChangeFilter::default()
        };
        self.ledger.changes(&filter).is_ok_and(|all| all.is_empty())
    }

    fn callback(&mut self, who: usize, sky: &Sky) {
        let ids = [PEOPLE[who].to_owned()];
        self.under(sky, async |context| {
            let Ok(engine) = context.engine().await else {
                return;
            };
            let Ok(found) = engine.look_up(SOURCE, &ids).await else {
                return;
            };
            let trigger = Trigger {
                actor: "camsync".into(),
                by_hand: false,
            };
            let progress = ProgressSink::none();
            let recorded = engine.record(found.gathered, &trigger, &progress).await;
            if recorded.is_ok_and(|r| r.error.is_none()) {
                let until = engine.clock().now() + TimeDelta::minutes(5);
                let _ = engine
                    .drain(camsync::pipeline::Applier::Daemon, until, &progress)
                    .await;
            }
        });
    }
}
