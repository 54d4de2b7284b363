//! The steps of a history, each drawn from the seed and its place in it, and from nothing else: a history from which some
//! are left out is the same history without them.

use crate::cam::Weather;
use crate::company::{CrawlFault, DEPARTMENTS, Outage, PEOPLE};
use crate::dice::Dice;
use crate::people::{Ask, Hand};

/// What happens in the enterprise. Numbers choose among people and departments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Somebody joins, or comes back, to this department; under another name if set.
    Join(usize, usize, bool),
    /// Somebody leaves.
    Leave(usize),
    /// Several leave.
    LeaveMany(usize, usize),
    /// Somebody moves to this department alone.
    Move(usize, usize),
    /// Somebody gets a second department.
    Also(usize, usize),
    /// Another display name.
    Rename(usize),
    /// Switched off, or on again.
    Disable(usize, bool),
    /// A department enters or leaves the visible range.
    Range(usize, bool),
}

/// What goes wrong while something runs.
#[derive(Debug, Clone, Default)]
pub struct Sky {
    /// At the provider.
    pub outage: Outage,
    /// At CAM.
    pub weather: Weather,
    /// The process is killed after so many polls.
    pub killed_after: Option<u64>,
    /// After so many milliseconds a person suspends somebody, while all the rest goes on.
    pub emergency: Option<(u64, usize)>,
    /// A person suspends whoever is about to be given back access, the moment before.
    pub emergency_at_a_return: bool,
}

impl Sky {
    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_fair(&self) -> bool {
        self.outage == Outage::default()
            && self.weather.is_fair()
            && self.killed_after.is_none()
            && self.emergency.is_none()
            && !self.emergency_at_a_return
    }
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// In the enterprise.
    News(News),
    /// An edit of the rules, drawn from this.
    Edit(u64),
    /// In the console.
    Hand(Hand),
    /// With a command.
    Ask(Ask, Sky),
    /// A full pass, by hand or by the schedule.
    Pass(bool, Sky),
    /// A callback names somebody.
    Callback(usize, Sky),
    /// Minutes pass.
    Wait(i64),
}

/// From this seed on histories have what was thought of later: those of the seeds before it, which `seeds.txt` keeps, stay
/// what they were.
pub const WIDER_FROM: u64 = 1_000_000;
/// From this one on there are accounts to be taken over, for the same reason.
pub const ADOPTING_FROM: u64 = 1_795_890_500_000;
/// Draws with this purpose are none of [`draw`]'s others.
const OF_WIDER: u64 = 1 << 30;

/// Draws the step of this place in the history of this seed.
#[must_use]
pub fn draw(seed: u64, place: usize) -> Step {
    let mut step = first(&mut Dice::new(seed, place as u64));
    if seed >= WIDER_FROM
        && let Step::Ask(_, sky) | Step::Pass(_, sky) | Step::Callback(_, sky) = &mut step
    {
        let dice = &mut Dice::new(seed, OF_WIDER | place as u64);
        if dice.chance(8) {
            sky.weather.swapped_before = Some(dice.below(6) as u64);
        }
        sky.emergency_at_a_return = dice.chance(10);
    }
    step
}

fn first(dice: &mut Dice) -> Step {
    match dice.below(100) {
        0..24 => Step::News(news(dice)),
        24..31 => Step::Edit(dice.below(1 << 30) as u64),
        31..42 => Step::Hand(hand(dice)),
        42..57 => Step::Ask(ask(dice), sky(dice, 30)),
        57..89 => Step::Pass(dice.chance(30), sky(dice, 60)),
        89..94 => Step::Callback(dice.below(PEOPLE.len()), sky(dice, 50)),
        _ => Step::Wait(dice.pick(&[2, 15, 65, 65, 600, 1500, 4500])),
    }
}

fn who(dice: &mut Dice) -> usize {
    dice.below(PEOPLE.len())
}

fn news(dice: &mut Dice) -> News {
    let to = dice.below(DEPARTMENTS.len());
    match dice.below(20) {
        0..5 => News::Join(who(dice), to, dice.chance(15)),
        5..9 => News::Leave(who(dice)),
        9 => News::LeaveMany(who(dice), dice.below(6) + 3),
        10..13 => News::Move(who(dice), to),
        13 => News::Also(who(dice), to),
        14 => News::Rename(who(dice)),
        15..17 => News::Disable(who(dice), dice.chance(60)),
        _ => News::Range(to, dice.chance(60)),
    }
}

fn hand(dice: &mut Dice) -> Hand {
    let (one, which) = (who(dice), dice.below(8));
    match dice.below(20) {
        0..2 => Hand::Stranger(one),
        2..5 => Hand::Login(one, false),
        5 => Hand::Login(one, true),
        6 => Hand::Remark(one),
        7..9 => Hand::Delete(one),
        9..11 => Hand::Out(one, which),
        11 => Hand::Into(one, which),
        12 => Hand::Attach(one, which),
        13 => Hand::Detach(one),
        14 => Hand::Key(one),
        15 => Hand::Keys(one, dice.chance(50)),
        16 => Hand::Group(which),
        17 => Hand::Ungroup(which),
        18 => Hand::Power(which, dice.chance(70)),
        _ => Hand::TemplatePower(dice.chance(70)),
    }
}

fn ask(dice: &mut Dice) -> Ask {
    let (one, which) = (who(dice), dice.below(8));
    match dice.below(30) {
        0..8 => Ask::Approve(which),
        8..10 => Ask::Discard(which),
        10..14 => Ask::Suspend(one),
        14..18 => Ask::Resume(one, dice.chance(50)),
        18..20 => Ask::Protect(one, dice.chance(60)),
        20 => Ask::Release(one),
        21..24 => Ask::Apply(one),
        24..26 => Ask::Decide(which, dice.chance(70)),
        26 => Ask::Freeze(true),
        27 => Ask::Freeze(false),
        28 => Ask::Retry(which),
        _ => Ask::Cancel(which),
    }
}

/// Draws what goes wrong; so many times of a hundred something does.
fn sky(dice: &mut Dice, percent: u32) -> Sky {
    let mut sky = Sky::default();
    if !dice.chance(percent) {
        return sky;
    }
    if dice.chance(30) {
        sky.outage.crawl = dice.pick(&[
            CrawlFault::Unavailable,
            CrawlFault::Incomplete,
            CrawlFault::Empty,
            CrawlFault::Omits,
            CrawlFault::Omits,
        ]);
    }
    if dice.chance(25) {
        sky.outage.look_up = dice.pick(&[40, 100, 101]);
    }
    let weather = &mut sky.weather;
    if dice.chance(50) {
        weather.faults = dice.pick(&[2, 5, 12, 30]);
    }
    if dice.chance(25) {
        weather.lag = dice.pick(&[10, 40, 90]);
    }
    if dice.chance(10) {
        weather.misses = dice.pick(&[20, 100]);
    }
    if dice.chance(8) {
        weather.denied = Some(dice.pick(&[
            "AddUser",
            "UpdateUser",
            "ListGroups",
            "AddUserToGroup",
            "RemoveUserFromGroup",
            "ListAccessKeys",
            "ListAttachedUserPolicies",
            "DeleteUser",
        ]));
    }
    if dice.chance(6) {
        weather.full = Some(dice.pick(&[
            "AddUser",
            "CreateGroup",
            "AddUserToGroup",
            "AttachUserPolicy",
        ]));
    }
    weather.key_refused = dice.chance(3);
    if dice.chance(12) {
        let at = dice.below(60) as u64;
        let does = if dice.chance(25) {
            Hand::Swap(who(dice))
        } else {
            hand(dice)
        };
        weather.intrusion = Some((at, does));
    }
    if dice.chance(35) {
        sky.killed_after = Some(dice.below(400) as u64);
    }
    if dice.chance(12) {
        sky.emergency = Some((dice.below(8000) as u64, who(dice)));
    }
    sky
}
