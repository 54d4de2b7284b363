//! Killed at every instant that can be named: before and after each time that the ledger is made safe on the disk, and
//! before and after each call of CAM, then anywhere; and the power that fails, with all, nothing or any part of what had
//! only been written. Whatever the instant, SQLite finds the ledger whole, and passes lead to the same end: nobody
//! doubled, nobody lost, nobody forgotten in the cloud.
//!
//! `CAMSYNC_KILLS` says at how many instants (100 by default, shared by the tests here), `CAMSYNC_SEED` chooses them.
#![allow(
    clippy::print_stderr,
    reason = "which instants there were, and the seed, are of use"
)]

mod life;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use camsync_simulators::cam::Fault;
use camsync_simulators::{FaultId, When};

use crate::shim::Disk;
use crate::tools::{Dice, PATIENCE, Process, assert_nothing_twice, assert_sound};
use crate::world::World;
use life::{Kind, Life};

/// How many tests share the kills.
const TESTS: u32 = 4;
const KILLS: u32 = 100;
const SIGKILL: i32 = 9;

/// What is left of what was only written, and not made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// All of it: the process alone was ended, as by `kill -9`.
    All,
    /// Nothing: the power failed.
    Nothing,
    /// Any sectors of it: the power failed.
    Torn,
}

/// Where a process is ended.
#[derive(Clone, Debug)]
enum Point {
    /// `before` or `after` something is made safe for the n-th time.
    Sync { side: &'static str, nth: u32 },
    /// The n-th call of an action has arrived, and has had its effect if `done`.
    Call {
        action: String,
        nth: u32,
        done: bool,
    },
    /// After so many milliseconds.
    Anywhere { after: u64 },
}

impl Point {
    /// Every instant that a run showed which was left alone, with all that may be left then.
    fn every(syncs: u32, calls: &[String]) -> Vec<(Self, Left)> {
        let mut points = Vec::new();
        for nth in 1..=syncs {
            let at = |side| Self::Sync { side, nth };
            points.push((at("after"), Left::All));
            points.extend([Left::All, Left::Nothing, Left::Torn].map(|left| (at("before"), left)));
        }
        let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
        for action in calls {
            let before = counted.entry(action).or_default();
            for done in [false, true] {
                let at = Self::Call {
                    action: action.clone(),
                    nth: *before,
                    done,
                };
                points.extend([Left::All, Left::Nothing].map(|left| (at.clone(), left)));
            }
            *before += 1;
        }
        points
    }

    /// For the shim.
    fn at(&self) -> Option<String> {
        match self {
            Self::Sync { side, nth } => Some(format!("{side}:{nth}")),
            Self::Call { .. } | Self::Anywhere { .. } => None,
        }
    }

    fn after(&self) -> Option<Duration> {
        match self {
            Self::Anywhere { after } => Some(Duration::from_millis(*after)),
            _ => None,
        }
    }

    /// For the simulator.
    fn fault(&self, world: &World) -> Option<FaultId> {
        let Self::Call { action, nth, done } = self else {
            return None;
        };
        let fault = if *done {
            Fault::NeverAnswer
        } else {
            // Longer than any of this takes: a request that had its effect after its sub-user is gone again is another story.
            Fault::Delay(Duration::from_secs(36_000))
        };
        let when = When::action(action.as_str()).after(*nth).once();
        Some(world.cam.inject(when, fault))
    }
}

/// A run that is ended at `point`, unless it ends before. Says whether it was.
fn killed(life: &mut Life, disk: &Disk, point: &Point) -> bool {
    let fault = point.fault(&life.world);
    let command = disk.command(&life.world, life.arguments(), point.at());
    let mut process = Process::spawn(&life.world, command);
    let started = Instant::now();
    let mut terminated = false;
    let killed = loop {
        if let Some(status) = process.ended() {
            break status.signal() == Some(SIGKILL);
        }
        let struck = fault.is_some_and(|id| life.world.cam.fault_hits(id) > 0);
        let struck = struck
            || point
                .after()
                .is_some_and(|after| started.elapsed() >= after);
        if struck {
            process.kill();
            break true;
        }
        if !terminated && life.meanwhile() {
            process.terminate();
            terminated = true;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "neither ended nor killed at {point:?}"
        );
        std::thread::sleep(Duration::from_millis(2));
    };
    life.world.cam.clear_faults();
    killed
}

/// Passes lead to what should be, and then there is nothing left to do.
fn converges(life: &Life, point: &Point) {
    let started = Instant::now();
    loop {
        let report = life.world.sync();
        // Of few sub-users, those who leave in one second are soon more than the guard lets go: a person approves.
        for plan in life.world.plans("held") {
            life.world.approve(&plan);
        }
        let wrong = life.wrong();
        if wrong.is_empty() && report["changes"] == serde_json::json!([]) {
            break;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "after {point:?}: {wrong:?}\n{:#}",
            life.world.read(&["changes", "list"])
        );
    }
    assert_nothing_twice(&life.world);
    assert_sound(&life.world);
    life.world.cam.clear_log();
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn survives(kind: Kind, salt: u64) {
    let kills = setting("CAMSYNC_KILLS").map_or(KILLS, |kills| u32::try_from(kills).unwrap());
    let kills = kills.div_ceil(TESTS);
    let seed = setting("CAMSYNC_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_secs()
    });
    eprintln!("{kind:?}: CAMSYNC_SEED={seed}");
    let mut dice = Dice(seed.wrapping_add(salt));
    let mut life = Life::new(kind);

    let never = Point::Anywhere { after: 600_000 };
    if kind != Kind::First {
        // Until there are some who stay, some who leave, and some who had left before.
        for _ in 0..4 {
            life.go_on();
            converges(&life, &never);
        }
    }
    // Once to the end, to see which instants there are.
    life.go_on();
    let disk = Disk::of(&life.world);
    assert!(!killed(&mut life, &disk, &never));
    let calls: Vec<String> = life.world.cam.log().into_iter().map(|r| r.action).collect();
    let every = Point::every(disk.syncs(), &calls);
    assert!(disk.syncs() > 4 && !calls.is_empty(), "nothing was seen");
    converges(&life, &never);
    eprintln!(
        "{kind:?}: {} instants ({} syncs, {} calls)",
        every.len(),
        disk.syncs(),
        calls.len()
    );

    let (mut done, mut survived, mut left) = (0, BTreeMap::<String, u32>::new(), Vec::new());
    let began = Instant::now();
    for _ in 0..kills * 2 {
        if done >= kills {
            break;
        }
        if left.is_empty() {
            left.clone_from(&every);
            for _ in 0..every.len().div_ceil(8) {
                let after = 20 + dice.below(400);
                left.push((Point::Anywhere { after }, Left::All));
            }
        }
        let chosen = dice.below(u64::try_from(left.len()).unwrap());
        let (point, stays) = left.swap_remove(usize::try_from(chosen).unwrap());
        life.go_on();
        let disk = Disk::of(&life.world);
        if killed(&mut life, &disk, &point) {
            done += 1;
            let name = format!("{point:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default();
            *survived.entry(format!("{name}, {stays:?}")).or_default() += 1;
            match stays {
                Left::All => {}
                Left::Nothing => disk.lose_power(None),
                Left::Torn => disk.lose_power(Some(&mut dice)),
            }
        }
        assert_eq!(disk.integrity(), "ok", "after {point:?}");
        converges(&life, &point);
    }
    eprintln!(
        "{kind:?}: {done} kills survived in {:.0?}: {survived:?}",
        began.elapsed()
    );
    assert!(done >= kills, "only {done} of {kills} kills");
}

#[test]
fn a_first_sync() {
    survives(Kind::First, 1);
}

#[test]
fn joiners_updates_and_leavers() {
    survives(Kind::Passes, 2);
}

#[test]
fn grants_and_rungs() {
    survives(Kind::Grants, 3);
}

#[test]
fn a_daemon_with_callbacks() {
    survives(Kind::Daemon, 4);
}
