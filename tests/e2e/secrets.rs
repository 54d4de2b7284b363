//! Secrets appear nowhere: not in the ledger, the cache, a backup, a log line, an error or a document.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use camsync_simulators::{When, cam, wecom};

use crate::tools::until;
use crate::world::{SECRETS, World, text};

/// What commands said, and where it was said.
#[derive(Default)]
struct Said(Vec<(String, Vec<u8>)>);

impl Said {
    fn run(&mut self, world: &World, arguments: &[&str]) {
        let output = world.run(arguments);
        let name = arguments.join(" ");
        self.0.push((format!("{name}: stdout"), output.stdout));
        self.0.push((format!("{name}: stderr"), output.stderr));
    }

    fn files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.files(&path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                self.0.push((path.display().to_string(), bytes));
            }
        }
    }

    fn holds(&self, secret: &str) -> Vec<&str> {
        let secret = secret.as_bytes();
        self.0
            .iter()
            .filter(|(_, bytes)| bytes.windows(secret.len()).any(|w| w == secret))
            .map(|(place, _)| place.as_str())
            .collect()
    }
}

#[test]
fn secrets_appear_nowhere() {
    let world = World::new();
    world.join(1..=3);
    let mut said = Said::default();
    let commands: [&[&str]; 12] = [
        &["sync"],
        &["sync", "--json"],
        &["plan", "--json"],
        &["check"],
        &["check", "--json"],
        &["status", "--json"],
        &["sources", "show", "acme", "--json"],
        &["changes", "list", "--json"],
        &["members", "explain", "m1", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["audit", "--json"],
    ];
    for command in commands {
        said.run(&world, command);
    }
    // Everything goes wrong, in turn.
    let troubles: [&dyn Fn(); 6] = [
        &|| {
            world.wecom.inject(When::any(), wecom::Fault::Http(502));
        },
        &|| {
            world.wecom.inject(When::any(), wecom::Fault::TruncatedJson);
        },
        &|| {
            world
                .wecom
                .inject(When::any(), wecom::Fault::Errcode(60020));
        },
        &|| {
            world
                .wecom
                .inject(When::any(), wecom::Fault::Errcode(40001));
        },
        &|| {
            world.cam.inject(
                When::any(),
                cam::Fault::Code("AuthFailure.SignatureFailure".into()),
            );
        },
        &|| {
            world.cam.inject(When::any(), cam::Fault::TruncatedJson);
        },
    ];
    for trouble in troubles {
        trouble();
        for command in [&["sync"][..], &["sync", "--json"], &["check"], &["status"]] {
            said.run(&world, command);
        }
        world.wecom.clear_faults();
        world.cam.clear_faults();
    }
    // Nobody listens at all: transport errors name addresses, and must not name what was sent there.
    world.block_on(world.wecom.stop());
    world.block_on(world.cam.stop());
    said.run(&world, &["sync"]);
    said.run(&world, &["check", "--json"]);
    world.block_on(world.wecom.restart()).unwrap();
    world.block_on(world.cam.restart()).unwrap();
    // The daemon, saying all that it ever says.
    let mut daemon = world
        .command(&["run"])
        .env("CAMSYNC_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever takes the ledger first has it: a command must not come before the daemon.
    until("the daemon answers", || {
        UnixStream::connect(world.data_dir().join("camsync.sock")).is_ok()
    });
    world.join(4..=4);
    for _ in 0..600 {
        if world.run(&["sync"]).status.success() && world.cam.user("m4").is_some() {
            break;
        }
    }
    said.run(&world, &["backup", "backup.db"]);
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &daemon.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = {
        use std::io::Read as _;
        let mut stderr = Vec::new();
        daemon
            .stderr
            .take()
            .unwrap()
            .read_to_end(&mut stderr)
            .unwrap();
        daemon.wait().unwrap();
        stderr
    };
    assert!(text(&output).contains("camsync runs"));
    said.0.push(("run: stderr".into(), output));
    said.files(&world.data_dir());
    said.files(Path::new(concat!(
        env!("CARGO_TARGET_TMPDIR"),
        "/connectors"
    )));
    said.0.push((
        "the backup".into(),
        std::fs::read(world.dir.path().join("backup.db")).unwrap(),
    ));
    assert!(world.cam.user("m4").is_some());
    for (name, secret) in SECRETS {
        let places = said.holds(secret);
        assert!(places.is_empty(), "{name} stands in {places:?}");
    }
}
