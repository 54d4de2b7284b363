//! The Debian package, installed, upgraded and removed by dpkg in a folder of its own; the systemd unit.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::tools::{assert_nothing_twice, until};
use crate::world::{World, text};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Whether a tool is there. CI installs all of them; elsewhere the test says that it was skipped.
fn there(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .is_ok_and(|o| o.status.success());
    assert!(
        found || std::env::var_os("CI").is_none(),
        "{tool} is missing in CI"
    );
    if !found {
        eprintln!("SKIPPED: {tool} is missing");
    }
    found
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// A package of the program under test, uncompressed.
fn package(folder: &Path, version: &str) -> PathBuf {
    let made = succeeds(
        Command::new(format!("{PROJECT}/config/debian/build"))
            .arg(env!("CARGO_BIN_EXE_camsync"))
            .arg(folder)
            .arg(version)
            .env("DEB_COMPRESSION", "none"),
    );
    PathBuf::from(text(&made.stdout).trim())
}

/// A folder that dpkg takes for a system in which nothing is installed yet.
struct Machine(PathBuf);

impl Machine {
    fn new(root: PathBuf) -> Self {
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
        Self(root)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    fn mode(&self, path: &str) -> u32 {
        self.path(path).metadata().unwrap().permissions().mode() & 0o777
    }

    /// What dpkg and the package's scripts said.
    fn dpkg(&self, arguments: &[&str]) -> String {
        let output = succeeds(
            Command::new("dpkg")
                .arg(format!("--root={}", self.0.display()))
                .arg(format!("--log={}/dpkg.log", self.0.display()))
                // The scripts run outside of the folder and are told of it; what they depend on is not in it.
                .args([
                    "--force-script-chrootless",
                    "--force-not-root",
                    "--force-depends",
                ])
                .args(arguments),
        );
        text(&output.stdout) + &text(&output.stderr)
    }
}

#[test]
fn the_package_installs_upgrades_and_is_removed_without_touching_the_ledger() {
    if !there("dpkg") || !there("systemd-sysusers") {
        return;
    }
    let world = World::new();
    world.join(1..=3);
    let folder = world.dir.path();
    let old = package(folder, "0.0.1");
    let new = package(folder, "0.0.2");
    let machine = Machine::new(folder.join("root"));

    // Installing makes the user and the folders, and starts nothing.
    let said = machine.dpkg(&["--install", old.to_str().unwrap()]);
    assert!(said.contains("not started"), "{said}");
    let users = std::fs::read_to_string(machine.path("etc/passwd")).unwrap();
    assert!(users.contains("camsync:"), "{users}");
    assert_eq!(machine.mode("var/lib/camsync"), 0o700);
    assert_eq!(machine.mode(""), 0o755, "the package closes /");
    for file in [
        "usr/lib/systemd/system/camsync.service",
        "usr/lib/sysusers.d/camsync.conf",
        "usr/share/man/man1/camsync.1.gz",
        "usr/share/bash-completion/completions/camsync",
        "usr/share/doc/camsync/copyright",
        "usr/share/doc/camsync/operations.md",
    ] {
        assert!(machine.has(file), "{file}");
    }
    let conffile = machine.path("etc/camsync/camsync.toml");
    let installed = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        let mut ours = Command::new(machine.path("usr/bin/camsync"));
        ours.args(command.get_args())
            .current_dir(folder)
            .env_clear()
            .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .env("CAMSYNC_CONFIG", &conffile);
        command = ours;
        command
    };
    succeeds(&mut installed(&["config", "show"]));

    // An administrator's file, and the program at work.
    let data = machine.path("var/lib/camsync");
    let edited = std::fs::read_to_string(folder.join("camsync.toml"))
        .unwrap()
        .replace(
            "data_dir = \"data\"",
            &format!("data_dir = {:?}", data.display().to_string()),
        );
    std::fs::write(&conffile, &edited).unwrap();
    succeeds(&mut installed(&["check"]));
    let mut running = installed(&["run"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the installed daemon has created them", || {
        world.cam.user_names().len() == 3
    });

    // An upgrade under its feet keeps the file and disturbs nobody.
    machine.dpkg(&["--install", new.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&conffile).unwrap(), edited);
    assert!(running.try_wait().unwrap().is_none(), "the daemon is gone");
    succeeds(&mut installed(&["status"]));
    running.kill().unwrap();
    running.wait().unwrap();
    succeeds(&mut installed(&["sync"]));
    assert_nothing_twice(&world);

    // Removing keeps the configuration, purging takes it; the ledger is nobody's to delete.
    let ledger = data.join("camsync.db");
    let before = std::fs::read(&ledger).unwrap();
    machine.dpkg(&["--remove", "camsync"]);
    assert!(!machine.has("usr/bin/camsync"));
    assert_eq!(std::fs::read_to_string(&conffile).unwrap(), edited);
    assert_eq!(std::fs::read(&ledger).unwrap(), before);
    let said = machine.dpkg(&["--purge", "camsync"]);
    assert!(said.contains("ledger is kept"), "{said}");
    assert!(!machine.has("etc/camsync"));
    assert!(!machine.has("usr/lib/systemd/system/camsync.service"));
    assert_eq!(std::fs::read(&ledger).unwrap(), before);
}

#[test]
fn the_unit_is_valid_and_as_closed_as_the_guide_says() {
    if !there("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("camsync.service");
    let text_of_unit =
        std::fs::read_to_string(format!("{PROJECT}/config/systemd/camsync.service")).unwrap();
    // It is verified with a program that is there.
    let here = text_of_unit.replace("/usr/bin/camsync", env!("CARGO_BIN_EXE_camsync"));
    assert_ne!(here, text_of_unit);
    std::fs::write(&unit, here).unwrap();
    let verified = succeeds(
        Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&unit),
    );
    assert_eq!(text(&verified.stderr), "", "systemd warns");

    let measured = succeeds(
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--threshold=20"])
            .arg(&unit)
            .env("SYSTEMD_COLORS", "0"),
    );
    let measured = text(&measured.stdout);
    let exposure = measured
        .split("Overall exposure level for camsync.service: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_else(|| panic!("no exposure: {measured}"));
    // Another systemd counts otherwise.
    let version = text(&succeeds(Command::new("systemd-analyze").arg("--version")).stdout);
    if !version.starts_with("systemd 252 ") {
        return;
    }
    for guide in ["operations.md", "operations.zh-CN.md"] {
        let guide = std::fs::read_to_string(format!("{PROJECT}/docs/{guide}")).unwrap();
        assert!(
            guide.contains(&format!("**{exposure}**")),
            "the guide does not say {exposure}"
        );
    }
}

/// Each credential that the sample of the package names is one that the unit loads.
#[test]
fn the_packages_sample_uses_credentials_that_the_unit_loads() {
    let read = |path: &str| std::fs::read_to_string(format!("{PROJECT}/{path}")).unwrap();
    let unit = read("config/systemd/camsync.service");
    let loaded: Vec<&str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential="))
        .collect();
    let sample = read("config/debian/camsync.toml");
    let named: Vec<&str> = sample
        .split("credential = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(named.len() >= 3);
    for name in named {
        assert!(loaded.contains(&name), "the unit does not load {name}");
    }
}
