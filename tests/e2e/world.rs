//! A world to test in: a WeCom, a CAM, a folder with a configuration, and the binary.

use std::path::PathBuf;
use std::process::{Command, Output};

use camsync_simulators::{cam, wecom};
use serde_json::Value;
use tempfile::TempDir;

/// Secrets of the world; none of them may ever show up anywhere.
pub const SECRETS: [(&str, &str); 3] = [
    ("WECOM_SECRET", "wecom-secret-3f1c0de5a1b2c3d4"),
    ("TENCENTCLOUD_SECRET_ID", "AKIDTESTSECRETID0000000000000000000"),
    ("TENCENTCLOUD_SECRET_KEY", "cam-secret-key-9a8b7c6d5e4f3a2b"),
];

pub struct World {
    pub wecom: wecom::Simulator,
    pub cam: cam::Simulator,
    pub dir: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn ledger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data_dir().join("camsync.db")).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_camsync"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("USER", "tester");
        for (name, value) in SECRETS {
            command.env(name, value);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn block_on<T>(&self, future: impl std::future::Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!(
            "not JSON ({e}): {}\n{}",
            text(&output.stdout),
            text(&output.stderr)
        )
    })
}
