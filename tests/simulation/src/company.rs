//! The enterprise: who works where, what the application may see of it, and a source that tells so, or fails to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use camsync::pipeline::source::CrawlProgress;
use camsync::pipeline::{Clock, Crawled, Presence, Source, SourceFailure};
use camsync_core::model::{Department, Member, MemberStatus};

use crate::clock::SimClock;
use crate::dice::Dice;

/// Everybody who ever works there, by id.
pub const PEOPLE: [&str; 14] = [
    "ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "lee", "max",
    "ned",
];

/// Departments by id and name.
pub const DEPARTMENTS: [(&str, &str); 4] = [
    ("2", "R&D"),
    ("3", "Sales"),
    ("4", "Ops"),
    ("5", "Contractors"),
];

/// Somebody, as things really are.
#[derive(Debug, Clone)]
pub struct Person {
    /// Works there.
    pub here: bool,
    /// The display name.
    pub name: String,
    /// Active or disabled.
    pub status: MemberStatus,
    /// Indexes into [`DEPARTMENTS`], the main one first.
    pub departments: Vec<usize>,
}

/// The enterprise as it really is.
#[derive(Debug, Clone)]
pub struct Company {
    /// By id.
    pub people: BTreeMap<&'static str, Person>,
    /// Indexes of the departments that the application may see.
    pub range: BTreeSet<usize>,
}

impl Company {
    /// The ids of the departments that show somebody, the main one first if it does.
    #[must_use]
    pub fn shown_by(&self, id: &str) -> Vec<usize> {
        let Some(person) = self.people.get(id).filter(|p| p.here) else {
            return Vec::new();
        };
        let departments = person.departments.iter().copied();
        departments.filter(|d| self.range.contains(d)).collect()
    }

    /// Somebody, by an index into [`PEOPLE`].
    pub fn of(&mut self, who: usize) -> Option<&mut Person> {
        self.people.get_mut(PEOPLE[who % PEOPLE.len()])
    }

    fn member(&self, id: &str) -> Option<Member> {
        let shown = self.shown_by(id);
        let first = *shown.first()?;
        let person = self.people.get(id)?;
        let mut by: Vec<String> = shown.iter().map(|d| item(*d)).collect();
        by.sort();
        Some(Member {
            id: id.to_owned(),
            username: id.to_owned(),
            name: person.name.clone(),
            alias: String::new(),
            email: String::new(),
            phone: String::new(),
            position: String::new(),
            status: person.status,
            departments: shown.iter().map(|d| DEPARTMENTS[*d].0.to_owned()).collect(),
            main_department: Some(DEPARTMENTS[first].0.to_owned()),
            leader_of: Vec::new(),
            tags: Vec::new(),
            attributes: BTreeMap::new(),
            shown_by: by,
        })
    }

    fn crawled(&self) -> Crawled {
        let members = self.people.keys().filter_map(|id| self.member(id));
        Crawled {
            enterprise: "e1".into(),
            range_fingerprint: "f".into(),
            range: self.range.iter().map(|d| item(*d)).collect(),
            requests: 1,
            departments: self.range.iter().map(|d| department(*d)).collect(),
            members: members.map(Arc::new).collect(),
            ..Crawled::default()
        }
    }

    fn presence(&self, id: &str) -> Presence {
        match self.member(id) {
            Some(member) => Presence::Present(Box::new(member)),
            None if self.people.get(id).is_some_and(|p| p.here) => {
                Presence::OutOfSight("60011".into())
            }
            None => Presence::Gone("60111".into()),
        }
    }
}

fn item(department: usize) -> String {
    format!("department:{}", DEPARTMENTS[department].0)
}

fn department(index: usize) -> Department {
    let (id, name) = DEPARTMENTS[index];
    Department {
        id: id.to_owned(),
        parent: None,
        name: name.to_owned(),
    }
}

/// What goes wrong at the provider during one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outage {
    /// Of crawls.
    pub crawl: CrawlFault,
    /// Look-ups: in so many of a hundred cases nothing is known; over 100 the call itself fails.
    pub look_up: u32,
}

/// What goes wrong with a crawl.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CrawlFault {
    /// Nothing.
    #[default]
    None,
    /// No answer.
    Unavailable,
    /// A part is missing, and the connector says so.
    Incomplete,
    /// Nobody is shown, as if that were all.
    Empty,
    /// Some are left out, and nothing says so.
    Omits,
}

/// The provider, as a source of the pipeline.
pub struct Provider {
    company: Mutex<Company>,
    clock: Arc<SimClock>,
    weather: Mutex<(Outage, Dice)>,
    /// Faults that were met, by kind.
    met: Mutex<BTreeMap<&'static str, u64>>,
    told: Mutex<bool>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Provider {
    /// Of this enterprise.
    #[must_use]
    pub fn new(company: Company, clock: Arc<SimClock>) -> Self {
        Self {
            company: Mutex::new(company),
            clock,
            weather: Mutex::new((Outage::default(), Dice::new(0, 0))),
            met: Mutex::default(),
            told: Mutex::new(false),
        }
    }

    /// The enterprise as it really is.
    pub fn company(&self) -> MutexGuard<'_, Company> {
        lock(&self.company)
    }

    /// What goes wrong from now on.
    pub fn set(&self, outage: Outage, dice: Dice) {
        *lock(&self.weather) = (outage, dice);
        *lock(&self.told) = false;
    }

    /// A crawl told all that there is, and that is still so.
    pub fn keep_told(&self) {
        *lock(&self.told) = true;
    }

    /// Whether a crawl since [`Provider::set`] told all that there is.
    pub fn told_all(&self) -> bool {
        *lock(&self.told)
    }

    /// Faults that were met so far, by kind.
    pub fn met(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.met).clone()
    }

    fn count(&self, what: &'static str) {
        *lock(&self.met).entry(what).or_default() += 1;
    }

    async fn pause(&self) {
        let ms = lock(&self.weather).1.between(1, 900);
        let ms = u64::try_from(ms).unwrap_or(1);
        self.clock.sleep(Duration::from_millis(ms)).await;
    }
}

#[async_trait]
impl Source for Provider {
    fn connector(&self) -> &str {
        "wecom"
    }

    fn can_look_up(&self) -> bool {
        true
    }

    async fn crawl(&self, _: CrawlProgress<'_>) -> Result<Crawled, SourceFailure> {
        self.pause().await;
        let mut crawled = self.company().crawled();
        self.pause().await;
        let mut weather = lock(&self.weather);
        let (outage, dice) = &mut *weather;
        match outage.crawl {
            CrawlFault::None => *lock(&self.told) = true,
            CrawlFault::Unavailable => {
                self.count("crawl unavailable");
                return Err(SourceFailure::new("unavailable", "no answer"));
            }
            CrawlFault::Incomplete => {
                self.count("crawl incomplete");
                crawled.missing = vec!["department 3".into()];
                crawled.members.retain(|_| dice.chance(50));
            }
            CrawlFault::Empty => {
                self.count("crawl empty");
                crawled.members.clear();
            }
            CrawlFault::Omits => {
                self.count("crawl omits");
                crawled.members.retain(|_| dice.chance(60));
            }
        }
        Ok(crawled)
    }

    async fn look_up(&self, ids: &[String]) -> Result<Vec<Presence>, SourceFailure> {
        self.pause().await;
        let mut answers: Vec<Presence> = {
            let company = self.company();
            ids.iter().map(|id| company.presence(id)).collect()
        };
        self.pause().await;
        let mut weather = lock(&self.weather);
        let (outage, dice) = &mut *weather;
        if outage.look_up > 100 {
            self.count("look-up fails");
            return Err(SourceFailure::new("unavailable", "no answer"));
        }
        for answer in &mut answers {
            if dice.chance(outage.look_up) {
                self.count("look-up unknown");
                *answer = Presence::Unknown("no answer".into());
            }
        }
        Ok(answers)
    }
}
