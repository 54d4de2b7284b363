//! What a run begins with, and what happens in the enterprise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use camsync::ledger::Ledger;
use camsync::ops::Context;
use camsync::pipeline::apply::SignIn;
use camsync::pipeline::{EngineParts, Source};
use camsync::setup;
use camsync_cam::Cam;
use camsync_config::{Config, Loaded};
use camsync_core::model::MemberStatus;

use crate::cam::SimCam;
use crate::clock::SimClock;
use crate::cloud::Cloud;
use crate::company::{Company, DEPARTMENTS, PEOPLE, Person, Provider};
use crate::dice::{Dice, bytes};
use crate::rules::Rules;
use crate::step::News;

use super::{OF_ENGINE, SOURCE};

/// An enterprise.
pub(super) fn company(dice: &mut Dice) -> Company {
    let mut people = BTreeMap::new();
    for id in PEOPLE {
        let person = Person {
            here: dice.chance(70),
            name: format!("Name {id}"),
            status: MemberStatus::Active,
            departments: vec![dice.below(DEPARTMENTS.len())],
        };
        people.insert(id, person);
    }
    let range = (0..DEPARTMENTS.len()).filter(|_| dice.chance(85));
    let mut company = Company {
        people,
        range: range.collect(),
    };
    company.range.insert(0);
    company
}

/// Makes accounts that members may be given instead of new ones: some may administer, some may not sign in.
pub(super) fn to_be_adopted(cloud: &mut Cloud, dice: &mut Dice) {
    for _ in 0..dice.below(5) {
        let name = PEOPLE[dice.below(PEOPLE.len())];
        let login = dice.chance(85);
        let administers = dice.chance(20);
        if let Ok(uin) = cloud.add_user(name, "was here before", login, None) {
            let _ = cloud.attachment(if administers { 1 } else { 2 }, uin, true);
        }
    }
}

/// Lets it happen.
pub(super) fn happen(company: &mut Company, news: News) {
    match news {
        News::Join(who, to, other) => {
            if let Some(person) = company.of(who).filter(|p| !p.here) {
                person.here = true;
                person.status = MemberStatus::Active;
                person.departments = vec![to];
                if other {
                    person.name.push_str(" II");
                }
            }
        }
        News::Leave(who) => {
            if let Some(person) = company.of(who) {
                person.here = false;
            }
        }
        News::LeaveMany(first, count) => {
            for who in first..first + count {
                if let Some(person) = company.of(who) {
                    person.here = false;
                }
            }
        }
        News::Move(who, to) => {
            if let Some(person) = company.of(who) {
                person.departments = vec![to];
            }
        }
        News::Also(who, to) => {
            if let Some(person) = company.of(who).filter(|p| !p.departments.contains(&to)) {
                person.departments.push(to);
            }
        }
        News::Rename(who) => {
            if let Some(person) = company.of(who).filter(|p| p.here) {
                person.name.push('\'');
            }
        }
        News::Disable(who, off) => {
            if let Some(person) = company.of(who) {
                person.status = if off {
                    MemberStatus::Disabled
                } else {
                    MemberStatus::Active
                };
            }
        }
        News::Range(department, there) => {
            if there {
                company.range.insert(department);
            } else if company.range.len() > 1 {
                company.range.remove(&department);
            }
        }
    }
}

fn loaded(rules: &Rules) -> Loaded {
    let text = rules.file();
    let read = Config::parse(&text, "camsync.toml", Path::new("/"));
    #[allow(clippy::panic)] // The family of rules is this crate's own.
    read.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The product, on this ledger, between this provider and this cloud.
pub(super) fn context(
    seed: u64,
    rules: &Rules,
    ledger: &Arc<Ledger>,
    provider: &Arc<Provider>,
    cam: &Arc<SimCam>,
    clock: &Arc<SimClock>,
) -> Context {
    let loaded = loaded(rules);
    let source: Arc<dyn Source> = Arc::<Provider>::clone(provider);
    let cam: Arc<dyn Cam> = Arc::<SimCam>::clone(cam);
    let parts = EngineParts {
        ledger: Arc::clone(ledger),
        cam: Some(cam),
        sources: BTreeMap::from([(SOURCE.to_owned(), source)]),
        broken: BTreeMap::new(),
        policy: setup::policy(&loaded.config),
        retry: loaded.config.retry,
        sign_in: SignIn { sso: false },
        clock: Arc::<SimClock>::clone(clock),
        metrics: Arc::default(),
        seed: bytes(seed, OF_ENGINE),
    };
    Context::of_parts(PathBuf::from("camsync.toml"), loaded, parts)
}
