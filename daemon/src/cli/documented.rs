//! Every `camsync …` that the manual shows is one that the command line takes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use super::args::Cli;

/// The arguments of camsync in a line of shell; nothing when it is not about camsync.
fn arguments(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ");
    let line = line.split(" #").next().unwrap_or(line);
    // What another command prints is a word.
    let line = match (line.find("$("), line.rfind(')')) {
        (Some(from), Some(to)) if from < to => format!("{}X{}", &line[..from], &line[to + 1..]),
        _ => line.to_owned(),
    };
    let mut words = line.split_whitespace().peekable();
    while let Some(word) = words.peek() {
        match *word {
            "sudo" | "exec" => {
                words.next();
                if words.next_if_eq(&"-u").is_some() {
                    words.next();
                }
            }
            assignment if assignment.contains('=') => {
                words.next();
            }
            _ => break,
        }
    }
    let program = words.next()?;
    let inside = matches!(program, "kubectl" | "docker") && line.contains("/usr/local/bin/camsync");
    if inside {
        words.find(|word| *word == "/usr/local/bin/camsync")?;
    } else if program != "camsync" {
        return None;
    }
    let words = words.take_while(|word| !matches!(*word, "|" | "&&" | ">" | "<" | "||"));
    Some(
        words
            .map(|word| match word.trim_end_matches(';') {
                "ID" => "1".to_owned(),
                "T" => "2h".to_owned(),
                word => word.to_owned(),
            })
            .collect(),
    )
}

/// Lines of code blocks for a shell, and code in running text, which may name a command without its arguments.
fn shown(page: &str) -> Vec<(usize, bool, String)> {
    let mut found = Vec::new();
    let mut block = None;
    for (number, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), block) {
            (Some(_), Some(_)) => block = None,
            (Some(language), None) => block = Some(language == "sh"),
            (None, Some(true)) => found.push((number + 1, false, line.to_owned())),
            (None, Some(false)) => {}
            (None, None) => {
                let spans = line.split('`').skip(1).step_by(2);
                found.extend(spans.map(|span| (number + 1, true, span.to_owned())));
            }
        }
    }
    found
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let folders = [root.to_owned(), root.join("docs")];
    let mut pages: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.sort();
    pages
}

#[test]
fn every_command_in_the_manual_is_one() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for (line, named, code) in shown(&std::fs::read_to_string(&page).unwrap()) {
            let Some(arguments) = arguments(&code) else {
                continue;
            };
            // `camsync …` and such stand for any command.
            if arguments.is_empty() || arguments[0].starts_with(['…', '.']) {
                continue;
            }
            seen += 1;
            let all = std::iter::once("camsync".to_owned()).chain(arguments);
            if let Err(error) = Cli::try_parse_from(all)
                && error.use_stderr()
                && !(named && error.kind() == ErrorKind::MissingRequiredArgument)
            {
                let name = page.file_name().unwrap().to_string_lossy();
                wrong.push(format!("{name}:{line}: {code}\n{error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100, "only {seen} commands were found");
}

#[test]
fn it_finds_a_command_behind_what_stands_before_it() {
    let ours = |line| arguments(line).map(|words| words.join(" "));
    assert_eq!(
        ours("$ sudo -u camsync camsync plan").as_deref(),
        Some("plan")
    );
    assert_eq!(
        ours("sudo A=b camsync status   # now").as_deref(),
        Some("status")
    );
    assert_eq!(
        ours("docker exec camsync /usr/local/bin/camsync check").as_deref(),
        Some("check")
    );
    assert_eq!(
        ours("camsync plans show ID | less").as_deref(),
        Some("plans show 1")
    );
    assert_eq!(ours("sudo systemctl restart camsync"), None);
}
