//! What depends on the time: the real engine and CAM client, with a clock and a source of the test's own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use camsync::ledger::Ledger;
use camsync::pipeline::apply::SignIn;
use camsync::pipeline::reconcile::Policy;
use camsync::pipeline::source::CrawlProgress;
use camsync::pipeline::{
    Clock, Crawled, Engine, EngineParts, PassReport, Presence, ProgressSink, Source, SourceFailure,
    Trigger,
};
use camsync_cam::{Cam, Client, ClientOptions, Credentials, StaticCredentials};
use camsync_core::expression::Text;
use camsync_core::model::{Department, Member, MemberStatus};
use camsync_core::rules::{
    AdmitRule, Adopt, Enroll, Guard, Leavers, LessAccess, OnConflict, Retry, Rules,
};
use camsync_simulators::{When, cam};
use chrono::{DateTime, TimeDelta, Utc};

#[derive(Debug)]
pub struct FakeClock(Mutex<DateTime<Utc>>);

impl FakeClock {
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        // Real answers need real time; the clock itself stands until a test moves it.
        tokio::time::sleep(duration.min(Duration::from_millis(5))).await;
    }
}

/// Everybody is in department 1, or gone.
#[derive(Default)]
pub struct Staff {
    members: Mutex<BTreeSet<String>>,
    /// Names other than the usual one.
    names: Mutex<BTreeMap<String, String>>,
    /// What the next look-ups say of whomever they ask for; after these, that nobody is there.
    answers: Mutex<VecDeque<Presence>>,
    look_ups: AtomicUsize,
    blind: bool,
}

fn member(id: &str) -> Member {
    Member {
        id: id.to_owned(),
        username: id.to_owned(),
        name: format!("Name {id}"),
        alias: String::new(),
        email: String::new(),
        phone: String::new(),
        position: String::new(),
        status: MemberStatus::Active,
        departments: vec!["1".into()],
        main_department: Some("1".into()),
        leader_of: Vec::new(),
        tags: Vec::new(),
        attributes: BTreeMap::new(),
        shown_by: vec!["department:1".into()],
    }
}

impl Staff {
    fn member(&self, id: &str) -> Member {
        let mut member = member(id);
        if let Some(name) = self.names.lock().unwrap().get(id) {
            member.name.clone_from(name);
        }
        member
    }
}

#[async_trait]
impl Source for Staff {
    fn connector(&self) -> &str {
        "fake"
    }

    fn can_look_up(&self) -> bool {
        !self.blind
    }

    async fn crawl(&self, _: CrawlProgress<'_>) -> Result<Crawled, SourceFailure> {
        let members = self.members.lock().unwrap();
        Ok(Crawled {
            enterprise: "e1".into(),
            range_fingerprint: "f".into(),
            range: ["department:1".to_owned()].into_iter().collect(),
            departments: vec![Department {
                id: "1".into(),
                parent: None,
                name: "All".into(),
            }],
            members: members.iter().map(|id| Arc::new(self.member(id))).collect(),
            ..Crawled::default()
        })
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, SourceFailure> {
        self.look_ups.fetch_add(1, Ordering::SeqCst);
        let next = self.answers.lock().unwrap().pop_front();
        let gone = Presence::Gone("no such member".into());
        Ok(vec![next.unwrap_or(gone); ids.len()])
    }
}

/// An engine's parts, with one source that admits everybody.
fn parts(
    ledger: Arc<Ledger>,
    cam: Arc<dyn Cam>,
    staff: Arc<dyn Source>,
    clock: Arc<FakeClock>,
) -> EngineParts {
    let rule = AdmitRule {
        line: 1,
        when: None,
        enroll: Enroll::Import,
        username: Text::parse("{{ member.username }}").unwrap(),
        remark: Text::parse("{{ member.name }}").unwrap(),
        console_login: true,
        adopt: Adopt::Never,
        conflict: OnConflict::Hold,
        approve_when: None,
        invited: false,
        contact: false,
    };
    EngineParts {
        ledger,
        cam: Some(cam),
        sources: BTreeMap::from([("acme".to_owned(), staff)]),
        broken: BTreeMap::new(),
        policy: Policy {
            rules: Rules {
                admit: vec![rule],
                grant: Vec::new(),
            },
            guard: Guard::default(),
            leavers: Leavers::default(),
            less_access: LessAccess::Keep,
            quotas: std::collections::HashMap::new(),
            applications_expire_after: std::time::Duration::from_secs(14 * 24 * 3600),
        },
        retry: Retry::default(),
        sign_in: SignIn { sso: false },
        clock,
        metrics: Arc::default(),
        seed: [7; 32],
    }
}

pub struct Small {
    pub cam: cam::Simulator,
    pub clock: Arc<FakeClock>,
    staff: Arc<Staff>,
    pub engine: Engine,
}

impl Small {
    pub async fn with(count: u32, blind: bool) -> Self {
        Self::waiting(count, blind, Duration::from_secs(60)).await
    }

    /// With a client that waits for an answer of CAM for this long.
    pub async fn waiting(count: u32, blind: bool, timeout: Duration) -> Self {
        let options = cam::Options {
            rate: None,
            ..cam::Options::default()
        };
        let key = Credentials::new(options.secret_id.clone(), options.secret_key.clone());
        let cam = cam::Simulator::start(options).await.unwrap();
        let mut client = ClientOptions::new(
            cam.url().parse().unwrap(),
            camsync_cam::http_client(None, None).unwrap(),
            Arc::new(StaticCredentials(key)),
        );
        client.requests_per_second = 1000.0;
        client.timeout = timeout;
        let clock = Arc::new(FakeClock(Mutex::new(Utc::now())));
        let ids = (10..10 + count).map(|n| format!("m{n}")).collect();
        let staff = Arc::new(Staff {
            members: Mutex::new(ids),
            blind,
            ..Staff::default()
        });
        let ledger = Arc::new(Ledger::empty().unwrap());
        ledger.ensure_source("acme", "fake", None).unwrap();
        let client: Arc<dyn Cam> = Arc::new(Client::new(client).unwrap());
        let engine = Engine::new(parts(ledger, client, staff.clone(), clock.clone()));
        let small = Self {
            cam,
            clock,
            staff,
            engine,
        };
        small.sync().await;
        assert_eq!(small.on(), count as usize);
        small
    }

    /// A pass that waits for what it has to try again.
    pub async fn sync(&self) -> PassReport {
        self.pass(TimeDelta::minutes(5)).await
    }

    /// A pass that tries until so much later by its clock.
    pub async fn pass(&self, patience: TimeDelta) -> PassReport {
        let report = self.try_pass(patience).await;
        assert_eq!(report.error, None);
        report
    }

    /// The same, where no plan may come of it.
    pub async fn try_pass(&self, patience: TimeDelta) -> PassReport {
        let trigger = Trigger {
            actor: "test".into(),
            by_hand: false,
        };
        let until = self.clock.now() + patience;
        self.engine
            .sync(None, &trigger, None, until, &ProgressSink::none())
            .await
            .unwrap()
    }

    pub fn clock_now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn join(&self, id: &str) {
        self.staff.members.lock().unwrap().insert(id.to_owned());
    }

    /// What the next look-ups are to say, and how many there were so far.
    pub fn answer(&self, answers: impl IntoIterator<Item = Presence>) -> usize {
        self.staff.answers.lock().unwrap().extend(answers);
        self.look_ups()
    }

    /// How often members were looked up.
    pub fn look_ups(&self) -> usize {
        self.staff.look_ups.load(Ordering::SeqCst)
    }

    /// What the provider shows of a member.
    pub fn shown(&self, id: &str) -> Member {
        self.staff.member(id)
    }

    pub fn rename(&self, id: &str, name: &str) {
        let mut names = self.staff.names.lock().unwrap();
        names.insert(id.to_owned(), name.to_owned());
    }

    pub fn leave(&self, numbers: std::ops::RangeInclusive<u32>) {
        let mut members = self.staff.members.lock().unwrap();
        for n in numbers {
            members.remove(&format!("m{n}"));
        }
    }

    /// How many may sign in.
    pub fn on(&self) -> usize {
        let names = self.cam.user_names();
        names.iter().filter(|name| self.signs_in(name)).count()
    }

    pub fn signs_in(&self, name: &str) -> bool {
        self.cam.user(name).is_some_and(|user| user.console_login)
    }

    pub fn approve(&self, id: i64) {
        let plan = self.engine.ledger().plan(id).unwrap().unwrap();
        let now = self.clock.now();
        assert!(
            self.engine
                .ledger()
                .approve_plan(&plan, now, "test")
                .unwrap()
        );
    }

    pub fn plan_status(&self, id: i64) -> String {
        self.engine.ledger().plan(id).unwrap().unwrap().status
    }

    pub fn freeze(&self, frozen: bool) {
        let value = frozen.then_some("{}");
        self.engine.ledger().set_meta("frozen", value).unwrap();
    }
}

#[tokio::test]
async fn time_passing_releases_nothing_and_the_window_rolls() {
    let small = Small::with(20, false).await;
    small.leave(10..=13);
    let held = small.sync().await.recorded.held;
    assert_eq!(held.len(), 1);
    for _ in 0..3 {
        small.clock.advance(TimeDelta::hours(25));
        assert_eq!(small.sync().await.recorded.held, held);
    }
    assert_eq!(small.on(), 20);
    small.approve(held[0]);
    small.sync().await;
    assert_eq!(small.on(), 16);
    // Three are free in a window, and three more in the next.
    small.leave(14..=16);
    small.sync().await;
    assert_eq!(small.on(), 13);
    small.clock.advance(TimeDelta::hours(25));
    small.leave(17..=19);
    small.sync().await;
    assert_eq!(small.on(), 10);
}

#[tokio::test]
async fn an_approval_ends_after_a_day_also_for_what_it_had_started() {
    let small = Small::with(20, false).await;
    small.leave(10..=13);
    let held = small.sync().await.recorded.held;
    small.freeze(true);
    small.approve(held[0]);
    small.clock.advance(TimeDelta::hours(23));
    small.sync().await;
    assert_eq!(small.plan_status(held[0]), "approved");
    small.clock.advance(TimeDelta::hours(2));
    let again = small.sync().await.recorded.newly_held;
    assert_eq!(again.len(), 1, "held anew");
    assert_eq!(small.plan_status(held[0]), "superseded");
    small.freeze(false);
    small.sync().await;
    assert_eq!(small.on(), 20);
    small.approve(again[0]);
    small.sync().await;
    assert_eq!(small.on(), 16);
    assert_eq!(small.plan_status(again[0]), "applied");
}

#[tokio::test]
async fn what_goes_on_after_its_approval_has_ended_counts_in_the_window() {
    let small = Small::with(20, false).await;
    small.leave(10..=13);
    let held = small.sync().await.recorded.held;
    small.freeze(true);
    small.approve(held[0]);
    small.sync().await;
    small.clock.advance(TimeDelta::hours(25));
    // Three are left, which are free.
    small.join("m13");
    small.sync().await;
    small.freeze(false);
    small.sync().await;
    assert_eq!(small.on(), 17);
    // And with them the window is full.
    small.leave(14..=16);
    assert_eq!(small.sync().await.recorded.held.len(), 1);
    assert_eq!(small.on(), 17);
}

#[tokio::test]
async fn without_a_look_up_a_second_complete_crawl_half_an_hour_later_is_needed() {
    let small = Small::with(5, true).await;
    small.leave(10..=10);
    small.sync().await;
    small.clock.advance(TimeDelta::minutes(20));
    small.sync().await;
    assert_eq!(small.on(), 5);
    small.clock.advance(TimeDelta::minutes(11));
    small.sync().await;
    assert_eq!(small.on(), 4);
}

#[tokio::test]
async fn the_grace_counts_from_the_suspension() {
    let small = Small::with(5, false).await;
    small.leave(10..=10);
    small.sync().await;
    small.clock.advance(TimeDelta::days(29));
    small.sync().await;
    assert_eq!(small.cam.user_names().len(), 5);
    small.clock.advance(TimeDelta::days(2));
    small.sync().await;
    assert_eq!(small.cam.user_names().len(), 4);
}

#[tokio::test]
async fn a_clock_that_jumps_by_a_day_holds_nothing_up_and_frees_nothing() {
    let small = Small::with(20, false).await;
    small.staff.members.lock().unwrap().insert("m90".into());
    small.cam.inject(
        When::action("AddUser").once(),
        cam::Fault::InternalErrorBefore,
    );
    // It is to be tried again in a second or so, which this pass does not wait for.
    small.pass(TimeDelta::zero()).await;
    assert!(small.cam.user("m90").is_none());
    small.clock.advance(TimeDelta::days(-1));
    small.pass(TimeDelta::zero()).await;
    assert!(small.cam.user("m90").is_some());
    // What the guard holds stays held, whichever way the clock goes.
    small.leave(10..=13);
    let held = small.sync().await.recorded.held;
    assert_eq!(held.len(), 1);
    for days in [-1, 2, -1] {
        small.clock.advance(TimeDelta::days(days));
        assert_eq!(small.sync().await.recorded.held, held);
    }
    assert_eq!(small.on(), 21);
}

#[tokio::test]
async fn a_look_up_counts_only_once_a_crawl_has_met_the_enterprise_with_these_settings() {
    let small = Small::with(5, false).await;
    let asked = ["m10".to_owned()];
    let looked_up = small.engine.look_up("acme", &asked).await.unwrap();
    assert!(!looked_up.needs_crawl);
    assert_eq!(looked_up.gathered.ready[0].looked_up.len(), 1);
    // The same source set up anew, perhaps for another enterprise: there, everybody would be gone.
    small.engine.replace(parts(
        Arc::new(Ledger::empty().unwrap()),
        small.engine.cam().unwrap(),
        Arc::new(Staff::default()),
        small.clock.clone(),
    ));
    let looked_up = small.engine.look_up("acme", &asked).await.unwrap();
    assert!(looked_up.needs_crawl && looked_up.gathered.ready.is_empty());
}
