//! Killed at every point where the ledger becomes durable, before it and after it, and around every call of CAM; with
//! what was not yet durable lost, as when the power fails. Whatever the instant: the ledger is whole, and the end is the
//! same (invariants 1, 2, 3). `CAMSYNC_KILLS` says how many kills each scenario gets; docs/testing.md has figures.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use camsync_simulators::cam::{Actor, Fault};
use camsync_simulators::{FaultId, When};

use crate::grants::{groups, policies};
use crate::tools::{
    Dice, PATIENCE, Process, Tuning, assert_nothing_twice, assert_sound, until, world,
};
use crate::world::World;

/// Kills of each scenario, unless said otherwise: together about a hundred.
const KILLS: u32 = 26;
/// After so many kills everything must come right before it goes on.
const REST: u32 = 13;

fn kills() -> u32 {
    let said = std::env::var("CAMSYNC_KILLS").ok();
    said.map_or(KILLS, |text| {
        text.parse().expect("CAMSYNC_KILLS is a number")
    })
}

/// What is preloaded, made by the C compiler that SQLite needs as well.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Tests are processes that run side by side: each makes its own, and the last one stays.
        let fresh = folder.join(format!("kill-shim-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/crash/shim.c");
        let made = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&fresh)
            .args([source, "-ldl"])
            .status()
            .expect("a C compiler");
        assert!(made.success());
        let place = folder.join("kill-shim.so");
        std::fs::rename(&fresh, &place).unwrap();
        place
    })
}

/// What is lost with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Nothing that was written.
    Nothing,
    /// Everything that was not durable.
    Power,
    /// A part of the log's end that was not durable.
    Torn,
}

/// When the process ends.
#[derive(Debug, Clone, Copy)]
enum Instant {
    /// Before or after this sync of a ledger file.
    Sync(u32, bool),
    /// When a request for this action has arrived, without or with its effect.
    Call(&'static str, u32, bool),
}

/// What a scenario does, and what must come of it.
struct Scenario {
    world: World,
    arguments: &'static [&'static str],
    /// CAM's actions that it uses.
    actions: &'static [&'static str],
    rules: bool,
    dice: Dice,
    joined: u32,
    left: u32,
    kills: u32,
    ends: u32,
}

impl Scenario {
    fn new(
        seed: u64,
        rules: &str,
        source: &str,
        arguments: &'static [&'static str],
        actions: &'static [&'static str],
    ) -> Self {
        let plain = Tuning::default();
        let world = world(&Tuning {
            rules: format!("{}\n{rules}", plain.rules),
            source: source.into(),
            ..plain
        });
        Self {
            world,
            arguments,
            actions,
            rules: !rules.is_empty(),
            dice: Dice(seed),
            joined: 0,
            left: 0,
            kills: 0,
            ends: 0,
        }
    }

    /// Two join, two of the first leave, one gets another name.
    fn happen(&mut self) {
        self.world.join(self.joined + 1..=self.joined + 2);
        self.joined += 2;
        if self.joined > 6 {
            self.world.leave(self.left + 1..=self.left + 2);
            self.left += 2;
        }
        let renamed = self.joined - 1;
        self.world
            .wecom
            .rename_member(&format!("m{renamed}"), &format!("新名{renamed}"));
    }

    /// One process that is killed at this instant, unless it ends before.
    fn run(&mut self, instant: Instant, loss: Loss) {
        let kept = self.world.dir.path().join("durable");
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::create_dir(&kept).unwrap();
        // What was durable before this process began.
        for file in ["camsync.db", "camsync.db-wal"] {
            let _ = std::fs::copy(self.world.data_dir().join(file), kept.join(file));
        }
        let mut command = self.world.command(self.arguments);
        command.env("LD_PRELOAD", shim()).env("CAMSYNC_KEEP", &kept);
        let fault = match instant {
            Instant::Sync(number, before) => {
                let name = if before {
                    "CAMSYNC_KILL_BEFORE"
                } else {
                    "CAMSYNC_KILL_AFTER"
                };
                command.env(name, number.to_string());
                None
            }
            Instant::Call(action, nth, effect) => {
                let fault = if effect {
                    Fault::NeverAnswer
                } else {
                    Fault::Delay(Duration::from_secs(60))
                };
                Some(
                    self.world
                        .cam
                        .inject(When::action(action).after(nth).once(), fault),
                )
            }
        };
        let killed = self.until_killed(command, fault);
        self.world.cam.clear_faults();
        self.ends += 1;
        if !killed {
            return;
        }
        self.kills += 1;
        self.lose(&kept, loss);
        let word: String = self
            .world
            .ledger()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(word, "ok", "{instant:?} {loss:?}");
    }

    fn until_killed(&self, command: Command, fault: Option<FaultId>) -> bool {
        let mut process = Process::spawn(&self.world, command);
        let mut ended = None;
        until("the instant comes, or the process ends", || {
            ended = process.ended();
            let struck = fault.is_some_and(|id| self.world.cam.fault_hits(id) > 0);
            ended.is_some() || struck
        });
        let Some(status) = ended else {
            process.kill();
            return true;
        };
        use std::os::unix::process::ExitStatusExt as _;
        if status.signal() == Some(9) {
            return true;
        }
        // A pass that ends by itself must have gone well.
        assert!(status.success(), "{}{}", process.stdout(), process.stderr());
        false
    }

    /// Takes from the ledger's files what was not durable.
    fn lose(&mut self, kept: &Path, loss: Loss) {
        let data = self.world.data_dir();
        let (log, durable) = (data.join("camsync.db-wal"), kept.join("camsync.db-wal"));
        let read = |file: &Path| std::fs::read(file).unwrap_or_default();
        match loss {
            Loss::Nothing => return,
            Loss::Power => {
                for file in ["camsync.db", "camsync.db-wal"] {
                    match std::fs::copy(kept.join(file), data.join(file)) {
                        Ok(_) => {}
                        // Its name may not have been durable either.
                        Err(_) => drop(std::fs::remove_file(data.join(file))),
                    }
                }
            }
            Loss::Torn => {
                let (now, before) = (read(&log), read(&durable));
                // Where the log began anew, its end is not simply longer.
                if now.len() > before.len() && now.starts_with(&before) {
                    let more = (now.len() - before.len()) as u64;
                    let cut = before.len() + usize::try_from(self.dice.below(more)).unwrap();
                    std::fs::write(&log, &now[..cut]).unwrap();
                }
            }
        }
        // The index of the log is in shared memory: it does not outlive the machine.
        let _ = std::fs::remove_file(data.join("camsync.db-shm"));
    }

    /// Left alone, all of it comes right.
    fn comes_right(&self) {
        let here = self.left + 1..=self.joined;
        let mut expected: Vec<String> = here.clone().map(|id| format!("m{id}")).collect();
        expected.sort();
        let began = std::time::Instant::now();
        while self.world.cam.user_names() != expected {
            let last = self.world.run(&["sync", "--json"]);
            // Of few sub-users, many at once are more than the guard lets go.
            for plan in self.world.plans("held") {
                self.world.approve(&plan);
            }
            assert!(
                began.elapsed() < PATIENCE,
                "after {} kills it does not come right: {:?} instead of {expected:?}; {}; held {:?}; {:#?}",
                self.kills,
                self.world.cam.user_names(),
                crate::world::text(&last.stdout),
                self.world.plans("held"),
                self.world
                    .changes()
                    .into_iter()
                    .take(12)
                    .collect::<Vec<_>>(),
            );
        }
        self.world.sync();
        for id in here {
            let name = format!("m{id}");
            let user = self.world.cam.user(&name).unwrap();
            let renamed = id % 2 == 1;
            assert_eq!(
                user.remark.starts_with("新名"),
                renamed,
                "{name}: {}",
                user.remark
            );
            assert!(user.console_login, "{name}");
            if self.rules {
                assert_eq!(groups(&self.world, &name), ["dept-1", "staff"], "{name}");
                assert_eq!(policies(&self.world, &name), ["QcloudCVMReadOnlyAccess"]);
            }
        }
        let mut made: Vec<String> = self
            .world
            .cam
            .history()
            .into_iter()
            .filter(|w| w.by != Actor::ByHand && w.action == "CreateGroup")
            .map(|w| w.name)
            .collect();
        made.sort();
        let count = made.len();
        made.dedup();
        assert_eq!(made.len(), count, "a group was made twice");
        assert_nothing_twice(&self.world);
        assert_sound(&self.world);
    }

    /// Kills it again and again, going through the instants in turn, and lets it come right now and then.
    #[allow(clippy::print_stderr, reason = "the figures of docs/testing.md")]
    fn play(&mut self) {
        let (mut sync, mut call) = (1_u32, 0_usize);
        let wanted = kills();
        while self.kills < wanted {
            self.happen();
            let before = self.kills;
            let loss = [Loss::Nothing, Loss::Power, Loss::Torn][self.ends as usize % 3];
            if self.ends % 3 == 2 && !self.actions.is_empty() {
                let action = self.actions[call / 4 % self.actions.len()];
                let nth = u32::try_from(call / 2 % 2).unwrap();
                self.run(Instant::Call(action, nth, call % 2 == 0), loss);
                call += 1;
            } else {
                self.run(Instant::Sync(sync.div_ceil(2), sync % 2 == 1), loss);
                // Once a run ends before it, every sync has had its turn.
                sync = if self.kills == before { 1 } else { sync + 1 };
            }
            assert!(
                self.ends < 4 * wanted + 20,
                "{} kills of {} runs",
                self.kills,
                self.ends
            );
            if self.kills > before && self.kills.is_multiple_of(REST) {
                self.comes_right();
            }
        }
        self.comes_right();
        eprintln!("{} kills of {} runs", self.kills, self.ends);
    }
}

const PASS: &[&str] = &["sync", "--json"];

#[test]
fn sub_users_outlive_kills_and_power_loss_anywhere() {
    Scenario::new(
        1,
        "",
        "",
        PASS,
        &[
            "AddUser",
            "UpdateUser",
            "DeleteUser",
            "GetUser",
            "ListAccounts",
        ],
    )
    .play();
}

const GRANTS: &str = r#"
[[grant]]
groups = ["staff", "dept-{{ member.main_department }}"]
policies = ["QcloudCVMReadOnlyAccess"]
"#;

#[test]
fn grants_outlive_kills_and_power_loss_anywhere() {
    let actions = &[
        "AddUserToGroup",
        "AttachUserPolicy",
        "RemoveUserFromGroup",
        "DetachUserPolicy",
        "ListGroupsForUser",
        "ListAttachedUserPolicies",
    ];
    Scenario::new(2, GRANTS, "", PASS, actions).play();
}

#[test]
fn a_daemon_outlives_kills_and_power_loss_anywhere() {
    Scenario::new(3, "", "schedule = \"* * * * * *\"", &["run"], &[]).play();
}

/// The schema is made in one piece or not at all (the migration of invariant 2).
#[test]
fn a_ledger_whose_making_was_cut_off_is_made_by_the_next_start() {
    for loss in [Loss::Nothing, Loss::Power] {
        let mut number = 1_u32;
        loop {
            let mut scenario = Scenario::new(4, "", "", &["status"], &[]);
            scenario.arguments = PASS;
            scenario.run(Instant::Sync(number.div_ceil(2), number % 2 == 1), loss);
            scenario.happen();
            scenario.comes_right();
            // So many syncs are the schema's and the first crawl's.
            if scenario.kills == 0 || number >= 12 {
                break;
            }
            number += 1;
        }
        assert!(number > 4, "killed {number} times only");
    }
}
