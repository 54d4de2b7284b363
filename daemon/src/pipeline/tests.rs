//! The engine with a source of the test's own, and without a cloud.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use camsync_connector_host::types::Hint;
use camsync_core::model::{Department, Member, MemberStatus};
use camsync_core::rules::{Guard, Leavers, LessAccess, Retry, Rules};
use chrono::{TimeDelta, Utc};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use crate::ledger::{Finding, Ledger};

use super::apply::SignIn;
use super::crawl::Outcome;
use super::look_up::LookedUp;
use super::outbox::Chance as _;
use super::reconcile::{Policy, Ready};
use super::source::CrawlProgress;
use super::{
    Crawled, Engine, EngineParts, Gathered, Presence, ProgressSink, Source, SourceFailure,
    SystemClock, Trigger,
};

/// A provider that answers what it is told to.
struct Fake {
    members: Vec<&'static str>,
    /// A crawl ends when there is a permit.
    gate: Semaphore,
    answers: Mutex<HashMap<&'static str, Presence>>,
    fails: bool,
    messages: bool,
    sign_in: bool,
    look_ups: bool,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            members: vec!["ada", "bob"],
            gate: Semaphore::new(100),
            answers: Mutex::default(),
            fails: false,
            messages: false,
            sign_in: false,
            look_ups: true,
        }
    }
}

/// Somebody of department 1.
pub(super) fn member(id: &str) -> Member {
    Member {
        id: id.into(),
        username: id.into(),
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

#[async_trait]
impl Source for Fake {
    fn connector(&self) -> &str {
        "fake"
    }

    fn can_look_up(&self) -> bool {
        self.look_ups
    }

    fn can_send_messages(&self) -> bool {
        self.messages
    }

    fn can_sign_in(&self) -> bool {
        self.sign_in
    }

    async fn crawl(&self, _: CrawlProgress<'_>) -> Result<Crawled, SourceFailure> {
        self.gate.acquire().await.unwrap().forget();
        if self.fails {
            return Err(SourceFailure::new("unavailable", "no answer"));
        }
        Ok(Crawled {
            enterprise: "e1".into(),
            range_fingerprint: "f".into(),
            range: BTreeSet::from(["department:1".to_owned()]),
            departments: vec![Department {
                id: "1".into(),
                parent: None,
                name: "All".into(),
            }],
            members: self.members.iter().map(|id| Arc::new(member(id))).collect(),
            ..Crawled::default()
        })
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, SourceFailure> {
        let answers = self.answers.lock().unwrap();
        let unknown = || Presence::Unknown("no answer".into());
        let answer = |id: &String| answers.get(&**id).cloned().unwrap_or_else(unknown);
        Ok(ids.iter().map(answer).collect())
    }
}

fn parts(sources: &[(&str, Arc<Fake>)]) -> EngineParts {
    let ledger = Arc::new(Ledger::empty().unwrap());
    let sources = sources.iter().map(|(name, source)| {
        ledger.ensure_source(name, "fake", None).unwrap();
        let source: Arc<dyn Source> = Arc::clone(source) as _;
        ((*name).to_owned(), source)
    });
    let sources = sources.collect();
    EngineParts {
        ledger,
        cam: None,
        sources,
        broken: BTreeMap::new(),
        policy: Policy {
            rules: Rules {
                admit: Vec::new(),
                grant: Vec::new(),
            },
            guard: Guard::default(),
            leavers: Leavers::default(),
            less_access: LessAccess::Keep,
            quotas: HashMap::new(),
            applications_expire_after: Duration::from_secs(3600),
        },
        retry: Retry::default(),
        sign_in: SignIn { sso: false },
        clock: Arc::new(SystemClock),
        metrics: Arc::default(),
        seed: [7; 32],
    }
}

fn engine(sources: &[(&str, Arc<Fake>)]) -> Engine {
    Engine::new(parts(sources))
}

async fn sync(engine: &Engine) {
    let trigger = Trigger {
        actor: "test".into(),
        by_hand: false,
    };
    let until = Utc::now() + TimeDelta::seconds(5);
    let nobody = ProgressSink::none();
    let report = engine.sync(None, &trigger, None, until, &nobody);
    let report = report.await.unwrap();
    assert!(
        report.failures.is_empty() && report.error.is_none(),
        "{report:?}"
    );
}

fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_crawled_and_what_is_taken_is_told_until_it_is_in_the_ledger() {
    let slow = Arc::new(Fake {
        gate: Semaphore::new(0),
        ..Fake::default()
    });
    let engine = engine(&[("acme", Arc::clone(&slow)), ("other", Arc::default())]);
    let only = names(["acme"]);
    let nobody = ProgressSink::none();
    let mut crawl = Box::pin(engine.crawl(Some(&only), &nobody));
    assert!((&mut crawl).now_or_never().is_none());
    let acme = || HashSet::from(["acme".to_owned()]);
    assert_eq!(engine.crawling(), BTreeSet::from(["acme".to_owned()]));
    assert_eq!(engine.taken(), acme());
    // Somebody else who wants it waits, and the other source is nobody's.
    let mut second = Box::pin(engine.crawl(Some(&only), &nobody));
    assert!((&mut second).now_or_never().is_none());
    slow.gate.add_permits(1);
    let gathered = crawl.await.unwrap();
    assert_eq!(gathered.ready.len(), 1);
    assert!(gathered.ready[0].crawl.is_some());
    assert!(engine.crawling().is_empty());
    // What it found is not in the ledger yet.
    assert_eq!(engine.taken(), acme());
    drop(gathered);
    slow.gate.add_permits(1);
    drop(second.await.unwrap());
    assert!(engine.taken().is_empty() && engine.crawling().is_empty());
}

#[tokio::test]
async fn what_is_unlinked_is_not_crawled_and_what_is_paused_only_by_name() {
    let engine = engine(&[("acme", Arc::default()), ("other", Arc::default())]);
    let crawled = async |only: Option<&[String]>| -> Vec<String> {
        let gathered = engine.crawl(only, &ProgressSink::none()).await.unwrap();
        let ready = gathered.ready.into_iter();
        let crawled = ready.filter(|ready| ready.crawl.is_some());
        crawled.map(|ready| ready.name).collect()
    };
    assert_eq!(crawled(None).await, ["acme", "other"]);
    engine.ledger().set_paused("acme", true).unwrap();
    assert_eq!(crawled(None).await, ["other"]);
    assert_eq!(crawled(Some(&names(["acme"]))).await, ["acme"]);
    assert!(crawled(Some(&names(["nobody"]))).await.is_empty());
}

#[tokio::test]
async fn whoever_is_to_end_begins_nothing_and_wakes_who_waits_for_it() {
    let engine = engine(&[("acme", Arc::default())]);
    assert!(!engine.stopped());
    let mut ended = Box::pin(engine.until_stopped());
    assert!((&mut ended).now_or_never().is_none());
    assert!(engine.woken().now_or_never().is_none());
    engine.stop();
    assert!(engine.stopped());
    assert!(ended.now_or_never().is_some());
    assert!(engine.until_stopped().now_or_never().is_some());
    assert!(engine.woken().now_or_never().is_some());
    assert!(engine.woken().now_or_never().is_none());
}

#[tokio::test]
async fn news_are_told_once() {
    let engine = engine(&[]);
    assert!(engine.until_passed().now_or_never().is_none());
    engine.tell();
    assert!(engine.until_passed().now_or_never().is_some());
    assert!(engine.until_passed().now_or_never().is_none());
}

#[test]
fn sources_say_what_they_can() {
    let tells = Arc::new(Fake {
        messages: true,
        ..Fake::default()
    });
    let signs_in = Arc::new(Fake {
        sign_in: true,
        ..Fake::default()
    });
    let mut parts = parts(&[("acme", tells), ("other", signs_in)]);
    let why = SourceFailure::new("broken", "no such file");
    parts.broken.insert("third".into(), ("fake".into(), why));
    let engine = Engine::new(parts);
    assert_eq!(engine.message_sources(), ["acme"]);
    assert_eq!(engine.sign_in_sources(), ["other"]);
    assert!(engine.is_broken("third") && !engine.is_broken("acme"));
    assert!(engine.source("acme").is_some() && engine.source("third").is_none());
    let planned = HashSet::from(["acme".to_owned()]);
    engine.has_planned_for(&planned);
    assert_eq!(engine.planned(), planned);
}

#[test]
fn chance_is_spread_and_a_password_has_every_class_of_characters() {
    let engine = engine(&[]);
    let dice: Vec<f64> = (0..200).map(|_| engine.dice()).collect();
    assert!(dice.iter().all(|d| (0.0..1.0).contains(d)));
    assert!(dice.iter().any(|d| *d < 0.2) && dice.iter().any(|d| *d > 0.8));
    let mark = engine.mark();
    let letters = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
    assert!(mark.len() == 16 && mark.chars().all(letters), "{mark}");
    assert_ne!(mark, engine.mark());
    let password = engine.password();
    let text = password.reveal();
    assert_eq!(text.len(), 32);
    let classes: [fn(&char) -> bool; 4] = [
        char::is_ascii_uppercase,
        char::is_ascii_lowercase,
        char::is_ascii_digit,
        char::is_ascii_punctuation,
    ];
    for class in classes {
        assert_eq!(text.chars().filter(class).count(), 8);
    }
    assert_ne!(text, engine.password().reveal());
}

/// The members that a look-up found, with whether each is there.
fn found(looked_up: &LookedUp) -> Vec<(&str, bool)> {
    let ready = looked_up.gathered.ready.iter();
    let found = ready.flat_map(|ready| &ready.looked_up);
    found.map(|f| (&*f.key, f.what.is_ok())).collect()
}

#[tokio::test]
async fn a_look_up_settles_what_it_can_and_leaves_the_rest_to_a_crawl() {
    let fake = Arc::new(Fake::default());
    let blind = Arc::new(Fake {
        look_ups: false,
        ..Fake::default()
    });
    let engine = engine(&[("acme", Arc::clone(&fake)), ("blind", blind)]);
    let look_up = async |source: &str, ids: &[&str]| {
        let ids = names(ids.iter().copied());
        engine.look_up(source, &ids).await.unwrap()
    };
    let nothing = look_up("nobody", &["ada"]).await;
    assert!(!nothing.needs_crawl && nothing.gathered.ready.is_empty());
    // Before a crawl has met the enterprise, and where there is no look-up, only a crawl can tell.
    for source in ["acme", "blind"] {
        let nothing = look_up(source, &["ada"]).await;
        assert!(nothing.needs_crawl && nothing.gathered.ready.is_empty());
    }
    sync(&engine).await;
    assert!(look_up("blind", &["ada"]).await.needs_crawl);
    let gone = || Presence::Gone("60111".into());
    let there = |id: &str| Presence::Present(Box::new(member(id)));
    fake.answers.lock().unwrap().extend([
        ("ada", gone()),
        ("bob", there("bob")),
        ("eve", there("eve")),
        ("fay", gone()),
    ]);
    let all = look_up("acme", &["ada", "bob", "eve"]).await;
    assert_eq!(found(&all), [("ada", false), ("bob", true), ("eve", true)]);
    assert!(!all.needs_crawl);
    // Nobody knew fay, who is gone: that is nothing.
    let nobody = look_up("acme", &["fay"]).await;
    assert!(found(&nobody).is_empty() && !nobody.needs_crawl);
    let unsettled = look_up("acme", &["ada", "gus"]).await;
    assert_eq!(found(&unsettled), [("ada", false)]);
    assert!(unsettled.needs_crawl);
}

#[tokio::test]
async fn an_old_id_is_gone_only_together_with_the_new_one_there() {
    let fake = Arc::new(Fake::default());
    let engine = engine(&[("acme", Arc::clone(&fake))]);
    sync(&engine).await;
    let said = Hint::MemberRenamed {
        old: "ada".into(),
        new: "lovelace".into(),
    };
    engine.hints().add("acme", &[said], Utc::now());
    let look_up = async |ids: &[&str]| {
        let ids = names(ids.iter().copied());
        engine.look_up("acme", &ids).await.unwrap()
    };
    let gone = || Presence::Gone("60111".into());
    fake.answers
        .lock()
        .unwrap()
        .extend([("ada", gone()), ("bob", gone())]);
    // Nobody has seen the new one: the old one may be looked up too early. Others are what they are.
    let early = look_up(&["ada", "bob", "lovelace"]).await;
    assert_eq!(found(&early), [("bob", false)]);
    assert!(early.needs_crawl);
    // That somebody else is there says nothing of the new one.
    let bob = Presence::Present(Box::new(member("bob")));
    fake.answers.lock().unwrap().insert("bob", bob);
    let early = look_up(&["ada", "bob", "lovelace"]).await;
    assert_eq!(found(&early), [("bob", true)]);
    assert!(early.needs_crawl);
    fake.answers.lock().unwrap().insert("lovelace", gone());
    let neither = look_up(&["ada", "lovelace"]).await;
    assert!(found(&neither).is_empty() && neither.needs_crawl);
    let there = Presence::Present(Box::new(member("lovelace")));
    fake.answers.lock().unwrap().insert("lovelace", there);
    let both = look_up(&["ada", "lovelace"]).await;
    assert_eq!(found(&both), [("ada", false), ("lovelace", true)]);
    assert!(!both.needs_crawl);
    // An old id that is still there is no reason to crawl.
    let still = Presence::Present(Box::new(member("ada")));
    fake.answers
        .lock()
        .unwrap()
        .extend([("ada", still), ("lovelace", gone())]);
    let still = look_up(&["ada", "lovelace"]).await;
    assert_eq!(found(&still), [("ada", true)]);
    assert!(!still.needs_crawl);
}

#[test]
fn what_came_later_of_a_source_joins_what_there_is() {
    let at = Utc::now();
    let ready = |name: &str, keys: &[&str]| {
        let mut ready = Ready::stored(name, &Fake::default());
        ready.looked_up = keys
            .iter()
            .map(|key| Finding {
                key: (*key).to_owned(),
                at,
                what: Err("60111".into()),
            })
            .collect();
        ready
    };
    let gathered = |ready: Vec<Ready>| Gathered {
        ready,
        failures: vec![(
            "acme".into(),
            SourceFailure::new("unavailable", "no answer"),
        )],
        hinted: vec![("acme".into(), at)],
    };
    let mut all = gathered(vec![ready("acme", &["ada"]), ready("other", &[])]);
    let mut crawled = ready("acme", &["bob"]);
    let failure = SourceFailure::new("unavailable", "no answer");
    crawled.crawl = Some(Outcome::Failed(failure));
    all.join(gathered(vec![crawled, ready("third", &["cyd"])]));
    let keys: Vec<(&str, Vec<&str>, bool)> = all
        .ready
        .iter()
        .map(|r| {
            let keys = r.looked_up.iter().map(|f| &*f.key).collect();
            (&*r.name, keys, r.crawl.is_some())
        })
        .collect();
    let expected = [
        ("acme", vec!["ada", "bob"], true),
        ("other", vec![], false),
        ("third", vec!["cyd"], false),
    ];
    assert_eq!(keys, expected);
    assert_eq!((all.failures.len(), all.hinted.len()), (2, 2));
    // A look-up does not undo that it was crawled.
    all.join(gathered(vec![ready("acme", &["dan"])]));
    assert!(all.ready[0].crawl.is_some());
    assert_eq!(all.ready[0].looked_up.len(), 3);
}

#[tokio::test]
async fn a_crawl_that_fails_is_told_by_each_kind_of_pass_and_waits_before_it_is_asked_again() {
    let fails = Arc::new(Fake {
        fails: true,
        ..Fake::default()
    });
    let engine = engine(&[("acme", fails), ("other", Arc::default())]);
    let nobody = ProgressSink::none();
    let planned = engine.plan(None, false, &nobody).await.unwrap();
    let failed: Vec<&str> = planned.failures.iter().map(|(name, _)| &**name).collect();
    assert_eq!(failed, ["acme"]);
    assert!(planned.failed());
    let row = engine.ledger().source("acme").unwrap().unwrap();
    assert!(row.last_complete_at.is_none());
    assert!(row.retry_at.is_some_and(|at| at > Utc::now()), "{row:?}");
}

#[test]
fn what_happens_is_counted_where_the_process_counts() {
    let parts = parts(&[]);
    let metrics = Arc::clone(&parts.metrics);
    let engine = Engine::new(parts);
    assert!(std::ptr::eq(engine.metrics(), &raw const *metrics));
}
