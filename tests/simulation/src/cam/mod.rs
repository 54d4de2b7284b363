//! The trait `Cam` over the simulated account: each call waits before and after its effect, meets the faults of the
//! step's weather, and tells the oracle what is sent and what it did.

mod api;
mod weather;
mod write;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camsync::pipeline::Clock as _;
use camsync_cam::{Action, Answer, Error, ErrorKind, Fault, NewUser, NotSent, actions};
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::SimClock;
use crate::cloud::{Cloud, Code};
use crate::company::PEOPLE;
use crate::dice::Dice;
use crate::oracle::Oracle;
use crate::people::Hand;

pub use weather::Weather;
pub use write::Write;

/// How long a read may lag behind (`cam-api.md` 6.3).
const LAG_SECONDS: i64 = 60;

struct Inner {
    cloud: Cloud,
    /// As it was before each change of the last minute.
    past: VecDeque<(DateTime<Utc>, Cloud)>,
    weather: Weather,
    dice: Dice,
    calls: u64,
    requests: u64,
    met: BTreeMap<&'static str, u64>,
    calls_in_all: u64,
    /// Creations that arrive later.
    late: Vec<(DateTime<Utc>, Late)>,
}

/// A creation on its way.
enum Late {
    User(NewUser, Option<String>),
    Group(String, String),
}

/// The cloud as the product sees it.
pub struct SimCam {
    inner: Mutex<Inner>,
    clock: Arc<SimClock>,
    oracle: Arc<Mutex<Oracle>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens to one call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Refused(Code),
    RefusedAfter(Code),
    NotSent,
    LostBefore,
    LostAfter,
    /// No answer, and its effect comes later.
    Late,
}

impl SimCam {
    /// Over this account.
    #[must_use]
    pub fn new(cloud: Cloud, clock: Arc<SimClock>, oracle: Arc<Mutex<Oracle>>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                cloud,
                past: VecDeque::new(),
                weather: Weather::default(),
                dice: Dice::new(0, 0),
                calls: 0,
                requests: 0,
                met: BTreeMap::new(),
                calls_in_all: 0,
                late: Vec::new(),
            }),
            clock,
            oracle,
        }
    }

    /// What goes wrong from now on.
    pub fn set(&self, weather: Weather, dice: Dice) {
        let mut inner = lock(&self.inner);
        inner.weather = weather;
        inner.dice = dice;
        inner.calls = 0;
    }

    /// Looks at the account as it is.
    pub fn look<T>(&self, at: impl FnOnce(&Cloud) -> T) -> T {
        at(&lock(&self.inner).cloud)
    }

    /// Somebody does something by hand.
    pub fn by_hand(&self, hand: &Hand) {
        let mut inner = lock(&self.inner);
        self.arrive(&mut inner);
        self.remember(&mut inner);
        hand.act(&mut inner.cloud, &mut lock(&self.oracle));
    }

    /// What the product took over is its own from now on: CAM shows nothing of that, the ledger says it.
    pub fn note_adoptions(&self) {
        let mut inner = lock(&self.inner);
        lock(&self.oracle).adoptions(&mut inner.cloud, self.clock.now());
    }

    /// The process was killed.
    pub fn killed(&self) {
        let inner = lock(&self.inner);
        lock(&self.oracle).killed(&inner.cloud, self.clock.now());
    }

    /// Nothing lags any more.
    pub fn forget_past(&self) {
        lock(&self.inner).past.clear();
    }

    /// Faults that were met so far, by kind, and calls in all.
    pub fn met(&self) -> (BTreeMap<&'static str, u64>, u64) {
        let inner = lock(&self.inner);
        (inner.met.clone(), inner.calls_in_all)
    }

    fn remember(&self, inner: &mut Inner) {
        let now = self.clock.now();
        let oldest = now - TimeDelta::seconds(LAG_SECONDS + 5);
        while inner.past.front().is_some_and(|(at, _)| *at < oldest) {
            inner.past.pop_front();
        }
        let cloud = inner.cloud.clone();
        inner.past.push_back((now, cloud));
    }

    async fn pause(&self) {
        let ms = lock(&self.inner).dice.between(1, 300);
        let ms = u64::try_from(ms).unwrap_or(1);
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    fn fate(&self, action: &Action) -> Fate {
        let mut inner = lock(&self.inner);
        self.arrive(&mut inner);
        inner.calls += 1;
        inner.calls_in_all += 1;
        let calls = inner.calls;
        if let Some((_, hand)) = inner.weather.intrusion.take_if(|(at, _)| *at <= calls) {
            *inner.met.entry("by hand meanwhile").or_default() += 1;
            self.remember(&mut inner);
            hand.act(&mut inner.cloud, &mut lock(&self.oracle));
        }
        let fate = if inner.weather.key_refused {
            Fate::Refused("AuthFailure.SecretIdNotFound")
        } else if inner.weather.denied == Some(action.name) {
            Fate::Refused("AuthFailure.UnauthorizedOperation")
        } else if inner.weather.full == Some(action.name) {
            Fate::Refused(match action.name {
                "AddUser" => "InvalidParameter.SubUserFull",
                "CreateGroup" => "InvalidParameter.GroupFull",
                "AddUserToGroup" => "InvalidParameter.GroupUserFull",
                _ => "InvalidParameter.AttachmentFull",
            })
        } else {
            let faults = inner.weather.faults;
            if inner.dice.chance(faults) {
                inner.dice.pick(&[
                    Fate::Refused("RequestLimitExceeded"),
                    Fate::Refused("RequestLimitExceeded.UinLimitExceeded"),
                    Fate::Refused("InternalError"),
                    Fate::Refused("ResourceInUse"),
                    Fate::RefusedAfter("InternalError"),
                    Fate::RefusedAfter("FailedOperation"),
                    Fate::NotSent,
                    Fate::LostBefore,
                    Fate::LostBefore,
                    Fate::LostAfter,
                    Fate::LostAfter,
                    Fate::LostAfter,
                    Fate::Late,
                ])
            } else {
                Fate::Fine
            }
        };
        let word = match fate {
            Fate::Fine => return fate,
            Fate::Refused(code) => code,
            Fate::RefusedAfter("InternalError") => "InternalError after effect",
            Fate::RefusedAfter(_) => "FailedOperation after effect",
            Fate::NotSent => "not sent",
            Fate::LostBefore => "lost before effect",
            Fate::Late => "late effect of a creation",
            Fate::LostAfter => "answer lost after effect",
        };
        *inner.met.entry(word).or_default() += 1;
        fate
    }

    /// Somebody puts another account in the place of the one that is about to be looked at, when the weather says so.
    fn perhaps_swap(&self, name: &str) {
        let mut inner = lock(&self.inner);
        let made_for = inner.cloud.user(name).and_then(|u| u.made_for.clone());
        let Some(who) = PEOPLE.iter().position(|id| made_for.as_deref() == Some(id)) else {
            return;
        };
        match inner.weather.swapped_before {
            None => {}
            Some(0) => {
                inner.weather.swapped_before = None;
                *inner.met.entry("swapped before a look").or_default() += 1;
                self.remember(&mut inner);
                Hand::Swap(who).act(&mut inner.cloud, &mut lock(&self.oracle));
            }
            Some(looks) => inner.weather.swapped_before = Some(looks - 1),
        }
    }

    /// What was on its way comes.
    fn arrive(&self, inner: &mut Inner) {
        let now = self.clock.now();
        let due: Vec<_> = inner.late.extract_if(.., |(at, _)| *at <= now).collect();
        if !due.is_empty() {
            self.remember(inner);
        }
        for (_, late) in due {
            // Refused as any other would be, when the name is taken by now.
            match late {
                Late::User(user, made_for) => {
                    let login = user.console_login;
                    let made = inner
                        .cloud
                        .add_user(&user.name, &user.remark, login, made_for);
                    if let Ok(uin) = made {
                        lock(&self.oracle).arrived(uin);
                    }
                }
                Late::Group(name, remark) => {
                    let _ = inner.cloud.add_group(&name, &remark, true);
                }
            }
        }
    }

    /// Sends a creation on a long way, when that is its fate.
    fn delay(&self, fate: Fate, creation: Late) {
        if fate == Fate::Late {
            let mut inner = lock(&self.inner);
            let after = TimeDelta::milliseconds(inner.dice.between(100, 20_000));
            let at = self.clock.now() + after;
            inner.late.push((at, creation));
        }
    }

    fn error(&self, action: &Action, kind: ErrorKind, code: Option<Code>) -> Error {
        Error {
            action: action.name.to_owned(),
            effect: action.effect,
            kind,
            code: code.map(str::to_owned),
            message: "simulated".to_owned(),
            request_id: None,
            skew_seconds: None,
        }
    }

    fn refused(&self, action: &Action, code: Code) -> Error {
        self.error(action, ErrorKind::Refused, Some(code))
    }

    fn answer<T>(&self, value: T) -> Answer<T> {
        let mut inner = lock(&self.inner);
        inner.requests += 1;
        Answer {
            value,
            request_id: Some(format!("r{}", inner.requests)),
        }
    }

    async fn late(&self) -> Error {
        self.clock.sleep(Duration::from_secs(10)).await;
        let lost = ErrorKind::Unknown {
            fault: Fault::Timeout,
        };
        self.error(&actions::GET_USER, lost, None)
    }

    async fn outcome<T>(
        &self,
        action: &Action,
        fate: Fate,
        done: Result<T, Code>,
    ) -> Result<Answer<T>, Error> {
        match fate {
            Fate::RefusedAfter(code) => {
                self.pause().await;
                Err(self.refused(action, code))
            }
            Fate::LostAfter => Err(Error {
                action: action.name.to_owned(),
                effect: action.effect,
                ..self.late().await
            }),
            _ => {
                self.pause().await;
                let value = done.map_err(|code| self.refused(action, code))?;
                Ok(self.answer(value))
            }
        }
    }

    /// What a fate before the effect comes to.
    async fn stopped(&self, action: &Action, fate: Fate) -> Option<Error> {
        match fate {
            Fate::Refused(code) => {
                self.pause().await;
                Some(self.refused(action, code))
            }
            Fate::NotSent => {
                let cause = NotSent::Connect;
                Some(self.error(action, ErrorKind::NotSent { cause }, None))
            }
            Fate::LostBefore | Fate::Late => Some(Error {
                action: action.name.to_owned(),
                effect: action.effect,
                ..self.late().await
            }),
            _ => None,
        }
    }

    /// A read; `of` names whom it is about, for the oracle.
    async fn read<T: Send>(
        &self,
        action: &Action,
        of: Option<&str>,
        see: impl FnOnce(&Cloud) -> Result<T, Code> + Send,
    ) -> Result<Answer<T>, Error> {
        self.pause().await;
        let fate = self.fate(action);
        if let Some(error) = self.stopped(action, fate).await {
            return Err(error);
        }
        let seen = {
            let mut inner = lock(&self.inner);
            let percent = inner.weather.lag;
            let lags = inner.dice.chance(percent);
            let ago = inner.dice.between(0, LAG_SECONDS - 1);
            let at = self.clock.now() - TimeDelta::seconds(ago);
            // The first that was replaced after that moment is what stood then.
            let past = inner.past.iter().find(|(until, _)| *until > at);
            match past.filter(|_| lags) {
                Some((_, past)) => {
                    let holder = |cloud: &Cloud, name| cloud.user(name).map(|u| u.uin);
                    if let (Some(name), "GetUser") = (of, action.name)
                        && holder(past, name) != holder(&inner.cloud, name)
                    {
                        lock(&self.oracle).swapped(name);
                    }
                    let seen = see(past);
                    *inner.met.entry("read lags").or_default() += 1;
                    seen
                }
                _ => {
                    if let (Some(name), "GetUser") = (of, action.name) {
                        lock(&self.oracle).name_was_read(name);
                    }
                    see(&inner.cloud)
                }
            }
        };
        let outcome = self.outcome(action, fate, seen).await;
        if outcome.is_ok()
            || outcome
                .as_ref()
                .is_err_and(|e| e.kind == ErrorKind::Refused)
        {
            lock(&self.oracle).was_read(of);
        }
        outcome
    }

    async fn write<T: Send>(
        &self,
        action: &Action,
        write: Write,
        effect: impl FnOnce(&mut Cloud) -> Result<T, Code> + Send,
    ) -> Result<Answer<T>, Error> {
        self.create(action, write, None, effect).await
    }

    /// A write that, when it is a creation, may arrive late.
    async fn create<T: Send>(
        &self,
        action: &Action,
        write: Write,
        creation: Option<Late>,
        effect: impl FnOnce(&mut Cloud) -> Result<T, Code> + Send,
    ) -> Result<Answer<T>, Error> {
        let now = self.clock.now();
        self.note_adoptions();
        let sent = {
            let inner = lock(&self.inner);
            lock(&self.oracle).sent(&write, &inner.cloud, now)
        };
        self.pause().await;
        let fate = self.fate(action);
        if let Some(creation) = creation {
            self.delay(fate, creation);
        }
        if let Some(error) = self.stopped(action, fate).await {
            let settled =
                !matches!(fate, Fate::LostBefore) && error.code.as_deref() != Some("InternalError");
            lock(&self.oracle).answered(sent, settled);
            return Err(error);
        }
        let done = {
            let mut inner = lock(&self.inner);
            self.remember(&mut inner);
            let before = inner.cloud.clone();
            let done = effect(&mut inner.cloud);
            if done.is_ok() {
                lock(&self.oracle).effect(&write, &sent, &before, &inner.cloud);
            }
            done
        };
        let outcome = self.outcome(action, fate, done).await;
        let settled = matches!(fate, Fate::Fine);
        lock(&self.oracle).answered(sent, settled);
        outcome
    }

    /// Takes one out of a listing, when the weather says so.
    fn missing<T>(&self, mut all: Vec<T>) -> Vec<T> {
        let mut inner = lock(&self.inner);
        let percent = inner.weather.misses;
        if !all.is_empty() && inner.dice.chance(percent) {
            let out = inner.dice.below(all.len());
            all.remove(out);
            *inner.met.entry("listing misses one").or_default() += 1;
        }
        all
    }

    fn name_of(&self, uin: u64) -> Option<String> {
        self.look(|c| c.users.get(&uin).map(|u| u.name.clone()))
    }
}
