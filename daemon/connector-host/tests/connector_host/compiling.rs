//! What compiles a connector beside the host, and what becomes of the host when that goes wrong.

use std::{ffi::OsString, path::Path, time::Duration};

use camsync_connector_host::{
    CompileError, Compiler, Host, HostOptions, LoadErrorKind, compile_into,
};
use tempfile::TempDir;

use crate::support::{guest, guest_describing, load, options};

/// A shell in the compiler's place: the folder is `$0` to it.
fn shell(script: &str) -> Compiler {
    within(Duration::from_secs(60), script)
}

fn within(time: Duration, script: &str) -> Compiler {
    let arguments = ["-c", script].map(OsString::from).to_vec();
    Compiler::new("/bin/sh".into(), arguments, time)
}

fn host(folder: &TempDir, compiler: Compiler) -> Host {
    Host::new(HostOptions {
        cache_dir: Some(folder.path().join("compiled")),
        compiler: Some(compiler),
        ..options()
    })
    .unwrap()
}

async fn refusal(compiler: Compiler) -> (LoadErrorKind, (usize, usize)) {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder, compiler);
    let error = load(&host, guest().to_vec()).await.unwrap_err();
    (error.kind, host.code_cache_use())
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    entries
        .flat_map(|entry| match entry.path().is_dir() {
            true => files(&entry.path()),
            false => vec![entry.file_name().into_string().unwrap()],
        })
        .collect()
}

#[tokio::test]
async fn what_another_process_compiled_is_taken_and_it_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let asked = folder.path().join("asked");
    // It hears the whole component, and finds no environment; what it would make is there already.
    let told = format!(
        "wc -c >> {asked}; echo ${{HOME-none}} >> {asked}",
        asked = asked.display()
    );
    compile_into(&folder.path().join("compiled"), guest()).unwrap();
    for _ in 0..2 {
        let host = host(&folder, shell(&told));
        load(&host, guest().to_vec()).await.unwrap();
        assert_eq!(host.code_cache_use(), (1, 0));
    }
    let heard = std::fs::read_to_string(&asked).unwrap();
    let lines: Vec<&str> = heard.split_whitespace().collect();
    assert_eq!(lines, [guest().len().to_string().as_str(), "none"]);
    assert!(
        files(folder.path())
            .iter()
            .any(|name| name.ends_with(".compiled"))
    );
}

#[tokio::test]
async fn a_component_that_brings_the_compiler_down_is_refused_and_never_compiled_here() {
    for (script, words) in [
        ("kill -9 $$", "signal: 9"),
        (
            "echo memory allocation failed >&2; kill -6 $$",
            "memory allocation failed",
        ),
        ("exit 101", "exit status: 101"),
        // It wants nothing of the component, and says more than is heard.
        ("exec <&-; yes >&2; exit 7", "y"),
    ] {
        let (kind, used) = refusal(shell(script)).await;
        let LoadErrorKind::CompilerDown { reason } = &kind else {
            panic!("{script}: {kind}");
        };
        assert!(reason.contains(words), "{script}: {reason}");
        assert!(reason.len() < 20_000);
        assert_eq!(used, (0, 0), "{script}");
    }
}

#[tokio::test]
async fn what_brought_it_down_is_not_given_to_it_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let asked = folder.path().join("asked");
    let compiler = shell(&format!("echo . >> {}; kill -9 $$", asked.display()));
    // Each reading of the configuration makes a host anew.
    for _ in 0..3 {
        let host = host(&folder, compiler.clone());
        let error = load(&host, guest().to_vec()).await.unwrap_err();
        let words = error.to_string();
        assert!(words.contains("signal: 9"), "{words}");
    }
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), ".\n");
    // Another file is another component.
    let other = guest_describing("trap");
    let host = host(&folder, compiler);
    load(&host, other).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), ".\n.\n");
}

#[tokio::test]
async fn a_compiler_that_does_not_end_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 600", file.display());
    let (kind, used) = refusal(within(Duration::from_millis(300), &script)).await;
    assert!(
        matches!(&kind, LoadErrorKind::CompilerDown { reason } if reason.contains("300ms")),
        "{kind}"
    );
    assert_eq!(used, (0, 0));
    let pid = std::fs::read_to_string(&file).unwrap();
    let command = format!("/proc/{}/cmdline", pid.trim());
    let gone = || {
        let line = std::fs::read_to_string(&command).unwrap_or_default();
        !line.contains("sleep")
    };
    for _ in 0..1000 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{pid} still runs");
}

#[tokio::test]
async fn a_refusal_of_the_compiler_is_passed_on() {
    let (kind, _) = refusal(shell("cat > /dev/null; echo bad bytes >&2; exit 1")).await;
    let reason = "bad bytes".to_owned();
    assert_eq!(kind, LoadErrorKind::Compile { reason });
}

#[tokio::test]
async fn where_there_is_no_process_this_one_compiles() {
    let nowhere = Compiler::new(
        "/nowhere/camsync".into(),
        Vec::new(),
        Duration::from_secs(1),
    );
    // The last one says that it is done, and nothing is there.
    for compiler in [nowhere, shell("echo no room >&2; exit 3"), shell("exit 0")] {
        let folder = tempfile::tempdir().unwrap();
        let host = host(&folder, compiler);
        load(&host, guest().to_vec()).await.unwrap();
        assert_eq!(host.code_cache_use(), (0, 1));
    }
}

#[test]
fn what_compiles_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let refused = compile_into(folder.path(), &b"no component"[..]).unwrap_err();
    assert!(matches!(refused, CompileError::Refused { .. }), "{refused}");
    assert_eq!(refused.exit_code(), 1);
    let file = folder.path().join("file");
    std::fs::write(&file, []).unwrap();
    let refused = compile_into(&file, &b""[..]).unwrap_err();
    assert!(matches!(refused, CompileError::NotKept { .. }), "{refused}");
    assert_eq!(refused.exit_code(), 3);
}
