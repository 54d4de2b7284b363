//! The command line: reads words, finds whoever holds the ledger, draws what comes back.

pub(crate) mod args;
#[cfg(test)]
mod documented;
mod local;
mod own_memory;
mod plan_file;
mod progress;
mod render;
pub(crate) mod screen;
mod unlink;
mod what_if;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camsync_config::{Config, Loaded};
use camsync_core::plan::Then;
use clap::Parser as _;
use serde_json::Value;

use crate::ledger::LedgerError;
use crate::ops::{Access, Context, Exit, ListOptions, OpError, Request};
use crate::pipeline::SystemClock;
use crate::say::refusals;
use crate::telemetry::Telemetry;
use crate::{daemon, socket};

use args::{
    Applications, Changes, Cli, Command, ConfigCommand, Connectors, Json, Lang, List, Members,
    Notify, Plans, Since, Sources, Who,
};
use screen::Screen;

/// How long the end waits for threads that are busy with the system.
const LAST_THREADS: Duration = Duration::from_millis(500);

/// Runs the command line and says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(what_if::words(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    if let Command::CompileConnector { folder } = &cli.command {
        // It holds no secret, and has to write to its own files in /proc.
        return local::compile(folder);
    }
    own_memory::keep();
    let language = language(cli.lang);
    let screen = Screen::new(language);
    let json = cli.command.json();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.error(&format!("no threads can be made: {error}"));
            return ExitCode::from(Exit::Failed.code());
        }
    };
    let outcome = runtime.block_on(command(cli, language, &screen));
    // A thread that still waits for the system, such as for a name that no server resolves, holds up no end.
    runtime.shutdown_timeout(LAST_THREADS);
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.error(error.to(language));
            if json {
                // One document, whatever happens: nobody has to parse what is not there.
                screen.json(&serde_json::json!({
                    "error": error.message, "exit": error.exit.code(),
                }));
            }
            ExitCode::from(error.exit.code())
        }
    }
}

/// Help and version go to standard output and end with 0; words that make no sense end with 2, or with 1 where
/// `plan --detailed-exitcode` was meant, for there 2 means changes.
fn misused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let detailed = std::env::args().any(|word| word == "plan")
        && std::env::args().any(|word| word == "--detailed-exitcode");
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if detailed => ExitCode::from(Exit::Failed.code()),
        _ => ExitCode::from(Exit::Usage.code()),
    }
}

/// `zh` or `en`: as asked for, or as the locale says.
fn language(asked: Option<Lang>) -> &'static str {
    let zh = match asked {
        Some(lang) => lang == Lang::Zh,
        None => ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .is_some_and(|value| value.starts_with("zh")),
    };
    if zh { "zh" } else { "en" }
}

/// Who asks, for the audit.
fn actor() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "unknown".into());
    format!("cli:{user}")
}

/// What is drawn, and how.
struct Asked {
    request: Request,
    draw: render::Draw,
    json: bool,
    detailed: bool,
    /// Where the plan is written to.
    out: Option<PathBuf>,
}

impl Asked {
    fn new(request: Request, draw: render::Draw, json: Json) -> Self {
        Self {
            request,
            draw,
            json: json.json,
            detailed: false,
            out: None,
        }
    }
}

async fn command(cli: Cli, language: &'static str, screen: &Screen) -> Result<u8, OpError> {
    let mut place = Place {
        config: cli.config,
        socket: cli.socket,
        language,
    };
    let asked = match cli.command {
        Command::Demo { once, members } => {
            return crate::demo::run(once, members, language, screen).await;
        }
        Command::Run => return run(&place).await,
        Command::Restore {
            file,
            other_account,
            json,
        } => return local::restore(&place, &file, other_account, json.json, screen),
        Command::Config(ConfigCommand::Schema) => {
            screen.json(&camsync_config::schema());
            return Ok(0);
        }
        Command::Config(ConfigCommand::Show { json }) => {
            return local::show_config(&place, json.json, screen);
        }
        Command::Completions { shell } => {
            local::completions(shell, screen);
            return Ok(0);
        }
        Command::Man { dir } => return local::man(&dir),
        Command::Audit {
            since,
            limit,
            jsonl,
            verify,
            json,
        } => {
            let options = ListOptions {
                limit,
                since: since.map(moment),
                ..ListOptions::default()
            };
            let draw = match (jsonl, verify) {
                (true, _) => render::Draw::AuditLines,
                (_, true) => render::Draw::AuditChain,
                _ => render::Draw::Audit,
            };
            Asked::new(Request::Audit(options), draw, json)
        }
        Command::Unlink {
            source,
            undo: true,
            json,
            ..
        } => Asked::new(Request::LinkSource { source }, render::Draw::Done, json),
        Command::Unlink {
            source,
            keep,
            suspend,
            yes,
            json,
            ..
        } => {
            let then = match (keep, suspend) {
                (true, _) => Then::Keep,
                (_, true) => Then::Suspend,
                _ => Then::Delete,
            };
            return unlink::run(&place, &source, then, yes, json.json, screen).await;
        }
        Command::Plan {
            source,
            with,
            config_behind,
            out,
            detailed_exitcode,
            json,
        } => {
            let with = match (with, config_behind) {
                (None, Some(behind)) => what_if::meant(&mut place, behind)?,
                (with, _) => with,
            };
            let request = match with {
                Some(file) => what_if::request(source, &file),
                None => Ok(Request::Plan {
                    source,
                    basis: out.is_some(),
                }),
            };
            let request = request.map_err(|error| of_exit(error, detailed_exitcode))?;
            Asked {
                detailed: detailed_exitcode,
                out,
                ..Asked::new(request, render::Draw::Plan, json)
            }
        }
        other => asked(other, language)?,
    };
    answer(&place, asked, screen).await
}

fn moment(since: Since) -> chrono::DateTime<chrono::Utc> {
    match since {
        Since::At(at) => at,
        Since::Ago(age) => chrono::Utc::now() - age,
    }
}

fn options(list: &List) -> ListOptions {
    ListOptions {
        limit: list.limit,
        status: list.status.clone(),
        source: list.source.clone(),
        since: list.since.map(moment),
    }
}

fn member(
    who: Who,
    draw: render::Draw,
    make: impl FnOnce(String, Option<String>) -> Request,
) -> Asked {
    let json = Json { json: who.json };
    Asked::new(make(who.id, who.source), draw, json)
}

/// The operation that a command stands for.
fn asked(command: Command, language: &str) -> Result<Asked, OpError> {
    use render::Draw;
    Ok(match command {
        Command::Check { json } => {
            let language = Some(language.to_owned());
            Asked::new(Request::Check { language }, Draw::Check, json)
        }
        Command::Apply {
            file,
            timeout,
            json,
        } => {
            let (source, reviewed) = plan_file::read(&file)?;
            let request = Request::Apply {
                source,
                reviewed,
                timeout_seconds: timeout.as_secs(),
            };
            Asked::new(request, Draw::Sync, json)
        }
        Command::Sync {
            source,
            timeout,
            json,
        } => Asked::new(
            Request::Sync {
                source,
                timeout_seconds: timeout.as_secs(),
            },
            Draw::Sync,
            json,
        ),
        Command::Status { json } => Asked::new(Request::Status, Draw::Status, json),
        Command::Sources(sources) => match sources {
            Sources::List { json } => {
                Asked::new(Request::Sources { name: None }, Draw::Sources, json)
            }
            Sources::Show { name, json } => {
                Asked::new(Request::Sources { name: Some(name) }, Draw::Source, json)
            }
            Sources::Sync { name, json } => Asked::new(
                Request::Sync {
                    source: Some(name),
                    timeout_seconds: 900,
                },
                Draw::Sync,
                json,
            ),
            Sources::Pause { name, json } => Asked::new(
                Request::PauseSource { name, paused: true },
                Draw::Done,
                json,
            ),
            Sources::Resume { name, json } => Asked::new(
                Request::PauseSource {
                    name,
                    paused: false,
                },
                Draw::Done,
                json,
            ),
            Sources::Link { name, json } => {
                Asked::new(Request::LinkSource { source: name }, Draw::Done, json)
            }
            Sources::Rebind { name, json } => {
                Asked::new(Request::Rebind { source: Some(name) }, Draw::Done, json)
            }
        },
        Command::Members(members) => match members {
            Members::List(list) => Asked::new(
                Request::Members(options(&list)),
                Draw::Members,
                Json { json: list.json },
            ),
            Members::Show(who) => member(who, Draw::Member, |id, source| Request::Member {
                id,
                source,
            }),
            Members::Explain(who) => member(who, Draw::Explain, |id, source| Request::Explain {
                id,
                source,
            }),
            Members::Suspend(who) => member(who, Draw::Member, |id, source| Request::Suspend {
                id,
                source,
            }),
            Members::Resume { who, keys } => member(who, Draw::Member, |id, source| {
                Request::Resume { id, source, keys }
            }),
            Members::Protect { who, off } => {
                member(who, Draw::Member, |id, source| Request::Protect {
                    id,
                    source,
                    protected: !off,
                })
            }
            Members::Link {
                old,
                new,
                source,
                json,
            } => Asked::new(Request::LinkMember { old, new, source }, Draw::Member, json),
            Members::Release(who) => member(who, Draw::Member, |id, source| Request::Release {
                id,
                source,
            }),
            Members::ResetPassword(who) => member(who, Draw::Password, |id, source| {
                Request::ResetPassword { id, source }
            }),
        },
        Command::Applications(applications) => match applications {
            Applications::List(list) => Asked::new(
                Request::Applications(options(&list)),
                Draw::Applications,
                Json { json: list.json },
            ),
            Applications::Approve { id, json } => {
                Asked::new(Request::ApproveApplication { id }, Draw::Application, json)
            }
            Applications::Deny { id, reason, json } => Asked::new(
                Request::DenyApplication { id, reason },
                Draw::Application,
                json,
            ),
        },
        Command::Freeze { json } => Asked::new(Request::Freeze { frozen: true }, Draw::Done, json),
        Command::Thaw { json } => Asked::new(Request::Freeze { frozen: false }, Draw::Done, json),
        Command::Changes(changes) => match changes {
            Changes::List(list) => Asked::new(
                Request::Changes(options(&list)),
                Draw::Changes,
                Json { json: list.json },
            ),
            Changes::Show { id, json } => Asked::new(Request::Change { id }, Draw::Change, json),
            Changes::Retry { id, json } => {
                Asked::new(Request::RetryChange { id }, Draw::Change, json)
            }
            Changes::Cancel { id, json } => {
                Asked::new(Request::CancelChange { id }, Draw::Change, json)
            }
        },
        Command::Plans(plans) => match plans {
            Plans::List(list) => Asked::new(
                Request::Plans(options(&list)),
                Draw::Plans,
                Json { json: list.json },
            ),
            Plans::Show { id, json } => Asked::new(Request::ShowPlan { id }, Draw::HeldPlan, json),
            Plans::Approve { id, json } => {
                Asked::new(Request::ApprovePlan { id }, Draw::HeldPlan, json)
            }
            Plans::Discard { id, json } => {
                Asked::new(Request::DiscardPlan { id }, Draw::HeldPlan, json)
            }
        },
        Command::Connector(connectors) => match connectors {
            Connectors::List { json } => Asked::new(Request::Connectors, Draw::Connectors, json),
            Connectors::Inspect { file, json } => {
                let path = Path::new(&file);
                // The process that answers may stand in another folder.
                let file = path
                    .canonicalize()
                    .map_or(file.clone(), |p| p.to_string_lossy().into_owned());
                Asked::new(Request::InspectConnector { file }, Draw::Connector, json)
            }
        },
        Command::Notify(Notify::Test { json }) => {
            Asked::new(Request::TestNotify, Draw::NotifyTest, json)
        }
        Command::Rebind { json, .. } => {
            Asked::new(Request::Rebind { source: None }, Draw::Done, json)
        }
        Command::Backup { file, json } => {
            let file = std::path::absolute(&file)
                .map_err(|e| OpError::usage(format!("{}: {e}", file.display())))?;
            Asked::new(Request::Backup { file }, Draw::Done, json)
        }
        _ => return Err(OpError::usage("not an operation")),
    })
}

/// Where the configuration and the daemon are.
pub(crate) struct Place {
    config: Option<PathBuf>,
    socket: Option<PathBuf>,
    language: &'static str,
}

impl Place {
    /// Loads the configuration, with its path.
    fn load(&self) -> Result<(PathBuf, Loaded), OpError> {
        let path = self.locate()?;
        let loaded = read(&path)?;
        Ok((path, loaded))
    }

    fn locate(&self) -> Result<PathBuf, OpError> {
        Config::locate(self.config.as_deref()).map_err(|e| OpError::usage(e.to_string()))
    }
}

fn read(path: &Path) -> Result<Loaded, OpError> {
    Config::load(path).map_err(|e| OpError::usage(e.to_string()))
}

/// Asks whoever holds the ledger, or does it here.
async fn answer(place: &Place, asked: Asked, screen: &Screen) -> Result<u8, OpError> {
    let progress = screen.progress(asked.json);
    let warnings = crate::log::Warnings::listen();
    let answer = ask(place, &asked.request, &progress).await;
    screen.finish();
    for line in warnings.take() {
        screen.warn(&line);
    }
    let document = match answer {
        Ok(document) => {
            if let Request::Backup { file } = &asked.request {
                let noted = Request::BackedUp {
                    file: file.clone(),
                    bytes: document["bytes"].as_u64().unwrap_or_default(),
                };
                // The copy is good, whatever becomes of the note in the audit.
                let _ = ask(place, &noted, &progress).await;
            }
            document
        }
        Err(error) => return Err(of_exit(error, asked.detailed)),
    };
    let code = match &asked.request {
        Request::Plan { .. }
        | Request::WhatIf { .. }
        | Request::Apply { .. }
        | Request::Sync { .. }
        | Request::Check { .. }
        | Request::Audit(_)
        | Request::TestNotify => crate::ops::exit_of(&document),
        _ => 0,
    };
    if asked.json {
        screen.json(&document);
    } else {
        screen.print(&render::text(asked.draw, &document, screen.style()));
    }
    if let Some(file) = &asked.out {
        plan_file::write(file, &document)?;
        if !asked.json {
            screen.print(&render::plan_written(file, screen.style()));
        }
    }
    if asked.draw == render::Draw::AuditLines && code != 0 {
        // Whoever takes the lines in must not take them for the whole.
        screen.error(&render::text(
            render::Draw::AuditChain,
            &document,
            screen.style(),
        ));
    }
    let changed = document["changes"]
        .as_array()
        .is_some_and(|c| !c.is_empty());
    Ok(if asked.detailed && code == 0 && changed {
        2
    } else {
        code
    })
}

/// Terraform's habit: with --detailed-exitcode every error is 1, for 2 means changes.
fn of_exit(mut error: OpError, detailed: bool) -> OpError {
    if detailed {
        error.exit = Exit::Failed;
    }
    error
}

/// A pass that is over waits this long for the commands that it is still answering.
const LAST_ANSWERS: std::time::Duration = std::time::Duration::from_secs(40);
/// How long a command waits for another that holds the ledger without a socket: a decision that is being written.
const LEDGER_WAIT: Duration = Duration::from_secs(5);
/// How often it looks.
const LEDGER_LOOK: Duration = Duration::from_millis(50);

/// Whom to ask while the file is broken.
const BROKEN_FILE: &str =
    "\n= a daemon that runs goes on with what it had: --socket DATA_DIR/camsync.sock asks it";

async fn ask(
    place: &Place,
    request: &Request,
    progress: &crate::pipeline::ProgressSink,
) -> Result<Value, OpError> {
    let actor = actor();
    if let Some(path) = &place.socket {
        return match socket::call(path, request, &actor, progress).await {
            Some(answer) => answer,
            None => Err(unanswered(path)),
        };
    }
    let path = place.locate()?;
    let loaded = read(&path).map_err(|mut error| {
        error.message.push_str(BROKEN_FILE);
        error
    })?;
    let socket_path = socket::path(&loaded.config.daemon.data_dir);
    let access = request.access();
    let what = what();
    let since = Instant::now();
    // A backup is read beside the daemon and written by whoever asks: it lands where they see it, with their rights, and
    // not in the daemon's private /tmp.
    let beside = matches!(request, Request::Backup { .. });
    let context = loop {
        if !beside && let Some(answer) = socket::call(&socket_path, request, &actor, progress).await
        {
            return answer;
        }
        let opened = Context::open(
            path.clone(),
            loaded.clone(),
            access,
            &what,
            Arc::new(SystemClock),
            place.language,
        );
        match opened {
            Ok(context) => break Arc::new(context.compiling_with(local::compiler())),
            Err(LedgerError::Held { .. }) if since.elapsed() < LEDGER_WAIT => {
                tokio::time::sleep(LEDGER_LOOK).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    // A pass takes a while: other commands are answered meanwhile.
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let server = match (access, request) {
        (Access::Write, Request::Sync { .. } | Request::Plan { .. } | Request::Apply { .. }) => {
            socket::listen(&socket_path).ok().map(|listener| {
                let closed = async {
                    let _ = closed.await;
                };
                tokio::spawn(socket::serve_until(listener, Arc::clone(&context), closed))
            })
        }
        _ => None,
    };
    let answer = crate::ops::run(&context, request.clone(), &actor, progress).await;
    if let Some(mut server) = server {
        let _ = std::fs::remove_file(&socket_path);
        let _ = close.send(());
        // Whoever has asked gets an answer, within reason.
        if tokio::time::timeout(LAST_ANSWERS, &mut server)
            .await
            .is_err()
        {
            server.abort();
        }
    }
    answer
}

/// What this process is doing, for whoever meets its lock: the command's words, without what they are about.
fn what() -> String {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-') && !word.contains(['/', '.']))
        .take(2)
        .collect();
    format!("camsync {}", words.join(" "))
}

/// Why nobody answers at a socket, and what to do.
fn unanswered(path: &Path) -> OpError {
    let error = std::os::unix::net::UnixStream::connect(path).err();
    refusals::unanswered(path, error.as_ref())
}

async fn run(place: &Place) -> Result<u8, OpError> {
    let (path, loaded) = place.load()?;
    let telemetry = Telemetry::start(&loaded.config).map_err(|e| OpError::usage(e.to_string()))?;
    crate::log::init(telemetry.as_ref());
    let clock = Arc::new(SystemClock);
    let opened = Context::open(
        path,
        loaded,
        Access::Write,
        "camsync run",
        clock,
        place.language,
    );
    let context = Arc::new(opened?.compiling_with(local::compiler()));
    for warning in &context.config().warnings {
        tracing::warn!("{warning}");
    }
    for warning in crate::web::warnings(place.language, &context.config().config) {
        tracing::warn!("{}: {}", warning.message, warning.remedy);
    }
    daemon::run(context).await?;
    if let Some(telemetry) = telemetry {
        telemetry.end().await;
    }
    Ok(0)
}
