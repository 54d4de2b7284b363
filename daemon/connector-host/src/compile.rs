//! Compiling: in a process of its own where there is a program for it, so that neither what a compiler takes in memory
//! nor a component that brings it down is this process's. What it made is found in the folder for compiled code.

use std::{
    collections::HashMap,
    ffi::OsString,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Read,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
};
use wasmtime::{Engine, component::Component};

use crate::{
    connector::{FILE_MAX, LoadErrorKind},
    host::{code_cache, engine},
};

/// Address space that a process that compiles may take, in bytes. WeCom's connector takes 150 MiB; one with a language
/// runtime is twenty times as large.
const MEMORY: u64 = 4 * 1024 * 1024 * 1024;
/// What brought the program down is not given to it again for so long: every try may take as long as it is allowed.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// So many bytes of what it says are heard.
const SAID: u64 = 16 * 1024;

/// A process that compiles ends with this when the component cannot be compiled; standard error says why.
const REFUSED: u8 = 1;
/// It ends with this when what was compiled cannot be kept; standard error says why.
const NOT_KEPT: u8 = 3;

/// A program that compiles one connector: it is given the folder for compiled code as its last argument, the component
/// at standard input, and no environment, and does what [`compile_into`] does. Clones remember together what brought it down.
#[derive(Debug, Clone)]
pub struct Compiler {
    program: PathBuf,
    arguments: Vec<OsString>,
    time: Duration,
    /// By digest: when, and how it ended.
    down: Arc<Mutex<HashMap<String, (Instant, String)>>>,
}

/// Why [`compile_into`] made nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The component cannot be compiled.
    #[error("{reason}")]
    Refused {
        /// The compiler's words.
        reason: String,
    },
    /// There is no place where what was compiled could be kept.
    #[error("{reason}")]
    NotKept {
        /// What happened.
        reason: String,
    },
}

impl CompileError {
    /// What the process is to end with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } => REFUSED,
            Self::NotKept { .. } => NOT_KEPT,
        }
    }
}

/// Compiles the component that `input` holds into a folder for compiled code, where every [`Host`](crate::Host) of this version finds it.
/// A process that does nothing else calls [`confine`] first.
///
/// # Errors
/// When it cannot be compiled, or not be kept.
pub fn compile_into(folder: &Path, input: impl Read) -> Result<(), CompileError> {
    let not_kept = |reason: String| CompileError::NotKept { reason };
    let refused = |reason: String| CompileError::Refused { reason };
    let mut bytes = Vec::new();
    input
        .take(FILE_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(error.to_string()))?;
    let code = code_cache(folder).map_err(|error| not_kept(error.to_string()))?;
    let engine = engine(Some(code.clone())).map_err(|error| not_kept(error.to_string()))?;
    Component::new(&engine, bytes).map_err(|error| refused(format!("{error:#}")))?;
    if code.cache_hits() + code.cache_misses() == 0 {
        return Err(not_kept(format!(
            "{} takes no file; is there room on its disk?",
            code.directory().display()
        )));
    }
    Ok(())
}

/// Bounds this process's memory for good, and has it end with the one that started it. Where the system does not allow
/// the first, it at least ends this process before others when memory runs out.
pub fn confine() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{
            Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit,
        };
        let limit = Rlimit {
            current: Some(MEMORY),
            maximum: Some(MEMORY),
        };
        let _ = setrlimit(Resource::As, limit);
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
}

/// What became of the process.
enum Ended {
    /// What it compiled is in the folder.
    Kept,
    /// The component cannot be compiled.
    Refused(String),
    /// It was brought down, or killed for taking too long.
    Down(String),
    /// There was no process, or no place to keep what it made: nothing is known about the component.
    Unable(String),
}

impl Compiler {
    /// The program, its arguments before the folder, and how long it may take before it is killed.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>, time: Duration) -> Self {
        Self {
            program,
            arguments,
            time,
            down: Arc::default(),
        }
    }

    /// Sees to it that a component is found in the folder for compiled code, when it can be done by this program.
    ///
    /// # Errors
    /// When the component cannot be compiled, or has brought the compiler down.
    pub(crate) async fn compile(
        &self,
        engine: &Engine,
        folder: &Path,
        digest: &str,
        bytes: &[u8],
    ) -> Result<(), LoadErrorKind> {
        let mark = mark(engine, folder, digest);
        if mark.exists() {
            return Ok(());
        }
        if let Some(reason) = self.brought_down_by(digest) {
            return Err(LoadErrorKind::CompilerDown { reason });
        }
        let since = Instant::now();
        match self.run(folder, bytes).await {
            Ended::Kept => {
                // Without it the next start asks the program again, which finds that there is nothing to do.
                let _ = std::fs::write(&mark, []);
                let seconds = since.elapsed().as_secs_f64();
                tracing::info!(sha256 = digest, seconds, "connector compiled");
                Ok(())
            }
            Ended::Refused(reason) => Err(LoadErrorKind::Compile { reason }),
            Ended::Down(reason) => {
                self.remember(digest, &reason);
                Err(LoadErrorKind::CompilerDown { reason })
            }
            Ended::Unable(reason) => {
                tracing::warn!(
                    "a connector is compiled in camsync's own process, for no other can do it: {reason}"
                );
                Ok(())
            }
        }
    }

    /// How the program ended when it was last given this component, if that was not long ago.
    fn brought_down_by(&self, digest: &str) -> Option<String> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, reason) = down.get(digest)?;
        (at.elapsed() < REMEMBERED).then(|| reason.clone())
    }

    fn remember(&self, digest: &str, reason: &str) {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        down.insert(digest.to_owned(), (Instant::now(), reason.to_owned()));
    }

    async fn run(&self, folder: &Path, bytes: &[u8]) -> Ended {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(folder)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Ended::Unable(format!("{}: {error}", self.program.display())),
        };
        match tokio::time::timeout(self.time, converse(child, bytes)).await {
            Err(_) => Ended::Down(format!("it took longer than {:?}", self.time)),
            Ok(Err(error)) => Ended::Unable(error.to_string()),
            Ok(Ok((status, said))) => judge(status, said),
        }
    }
}

/// Gives the component and hears what is said, both at once: neither side waits for the other.
async fn converse(mut child: Child, bytes: &[u8]) -> std::io::Result<(ExitStatus, String)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let give = async {
        if let Some(mut stdin) = stdin {
            // A process that does not want it all says by its end why.
            let _ = stdin.write_all(bytes).await;
        }
    };
    let hear = async {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(SAID).read_to_end(&mut said).await;
        }
        String::from_utf8_lossy(&said).trim().to_owned()
    };
    let ((), said) = tokio::join!(give, hear);
    Ok((child.wait().await?, said))
}

fn judge(status: ExitStatus, said: String) -> Ended {
    let code = status.code().map(u8::try_from);
    match code {
        Some(Ok(0)) => Ended::Kept,
        Some(Ok(REFUSED)) => Ended::Refused(said),
        Some(Ok(NOT_KEPT)) => Ended::Unable(said),
        _ if said.is_empty() => Ended::Down(status.to_string()),
        // The last words of a process that was brought down: the first line says what happened.
        _ => Ended::Down(format!(
            "{status}, {}",
            said.lines().next().unwrap_or_default()
        )),
    }
}

/// Says that a component was compiled for this engine. It lies where wasmtime's own cleaning finds it: when that has
/// made room, the mark is gone, too, and the program is asked again.
fn mark(engine: &Engine, folder: &Path, digest: &str) -> PathBuf {
    let mut key = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut key);
    folder.join(format!("{digest}-{:016x}.compiled", key.finish()))
}
