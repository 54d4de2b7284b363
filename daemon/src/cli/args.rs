//! The command line's words. Completions and manual pages are made from these same definitions.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps Tencent Cloud CAM sub-users in step with WeCom.
#[derive(Debug, Parser)]
#[command(name = "camsync", version, about, long_about = None, max_term_width = 110)]
pub(crate) struct Cli {
    /// The configuration file [default: camsync.toml, then /etc/camsync/camsync.toml]
    #[arg(
        short,
        long,
        global = true,
        env = "CAMSYNC_CONFIG",
        value_name = "FILE"
    )]
    pub(crate) config: Option<PathBuf>,
    /// The socket of the daemon to ask, whatever the configuration says
    #[arg(long, global = true, env = "CAMSYNC_SOCKET", value_name = "FILE")]
    pub(crate) socket: Option<PathBuf>,
    /// The language of explanations [default: by locale]
    #[arg(long, global = true, value_name = "LANG")]
    pub(crate) lang: Option<Lang>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

/// Prints one JSON document instead of text.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// What lists have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// At most so many, newest first; 0 shows all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: u32,
    /// Only of this status
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only of this source
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only since then: a time (2026-11-24T08:00:00Z) or an age (2h, 7d)
    #[arg(long, value_name = "T", value_parser = since)]
    pub(crate) since: Option<Since>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// A moment, given outright or as an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// This moment.
    At(DateTime<Utc>),
    /// So long ago.
    Ago(TimeDelta),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::At(at.with_timezone(&Utc)));
    }
    humantime::parse_duration(text)
        .ok()
        .and_then(|age| TimeDelta::from_std(age).ok())
        .map(Since::Ago)
        .ok_or_else(|| "neither a time (2026-11-24T08:00:00Z) nor an age (2h, 7d)".to_owned())
}

/// One member.
#[derive(Debug, Clone, Args)]
pub(crate) struct Who {
    /// A member's id or a username
    pub(crate) id: String,
    /// Only of this source
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a living demo on loopback: WeCom and CAM simulators and the daemon
    Demo {
        /// Play the story through once and end
        #[arg(long)]
        once: bool,
        /// Members of the demo's enterprise
        #[arg(long, default_value_t = 60, value_name = "N")]
        members: usize,
    },
    /// Run the daemon
    Run,
    /// Check configuration, connectors, credentials, visible range and CAM key; all read-only
    Check {
        #[command(flatten)]
        json: Json,
    },
    /// Crawl, compare, and print what would change; changes nothing
    Plan {
        /// Only this source
        #[arg(long)]
        source: Option<String>,
        /// What if these were the rules: compare with the stored snapshots, ask no provider, write nothing
        #[arg(long, value_name = "FILE", conflicts_with = "out")]
        with: Option<PathBuf>,
        /// `--config FILE` behind `plan`: see [`super::what_if`]
        #[arg(long, hide = true, value_name = "FILE", conflicts_with = "with")]
        config_behind: Option<PathBuf>,
        /// Also write the plan into this file, for `camsync apply`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// End with 0 for no change, 2 for changes, 1 for any error
        #[arg(long)]
        detailed_exitcode: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Do exactly what a file of `plan --out` says, or nothing once source, cloud or rules have moved on
    Apply {
        /// The file
        file: PathBuf,
        /// How long to wait for the outbox
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration, value_name = "DURATION")]
        timeout: std::time::Duration,
        #[command(flatten)]
        json: Json,
    },
    /// One full pass: crawl, compare, record, apply, wait for the outbox
    Sync {
        /// Only this source
        #[arg(long)]
        source: Option<String>,
        /// How long to wait for the outbox
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration, value_name = "DURATION")]
        timeout: std::time::Duration,
        #[command(flatten)]
        json: Json,
    },
    /// Show everything at a glance
    Status {
        #[command(flatten)]
        json: Json,
    },
    /// Sources
    #[command(subcommand)]
    Sources(Sources),
    /// End a source: say what becomes of its sub-users, look, and confirm
    #[command(group = clap::ArgGroup::new("then").required(true))]
    Unlink {
        /// Its name
        source: String,
        /// Its sub-users stay in CAM as they are, unmanaged
        #[arg(long, group = "then")]
        keep: bool,
        /// They are suspended, and stay so
        #[arg(long, group = "then")]
        suspend: bool,
        /// They are suspended, and deleted after the grace (`leavers.delete_after`)
        #[arg(long, group = "then")]
        delete: bool,
        /// Take it back, as `camsync sources link` does
        #[arg(long, group = "then")]
        undo: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Members and their sub-users
    #[command(subcommand)]
    Members(Members),
    /// Allow no write to the cloud at all until thawed, `members suspend` excepted
    Freeze {
        #[command(flatten)]
        json: Json,
    },
    /// Allow writes again
    Thaw {
        #[command(flatten)]
        json: Json,
    },
    /// The outbox and its history
    #[command(subcommand)]
    Changes(Changes),
    /// Plans that the guard holds
    #[command(subcommand)]
    Plans(Plans),
    /// Members' own requests to become sub-users
    #[command(subcommand)]
    Applications(Applications),
    /// Connectors
    #[command(subcommand)]
    Connector(Connectors),
    /// Notifications
    #[command(subcommand)]
    Notify(Notify),
    /// Say that the CAM key is meant to belong to another root account from now on
    Rebind {
        /// The target; for a source: `camsync sources rebind`
        #[arg(long, required = true)]
        target: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Who did what, when, and why; newest first
    Audit {
        /// Only since then: a time or an age (2h, 7d)
        #[arg(long, value_name = "T", value_parser = since)]
        since: Option<Since>,
        /// At most so many; 0 shows all
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
        /// Print one JSON document a row, oldest first, for another system to take in
        #[arg(long, conflicts_with = "json")]
        jsonl: bool,
        /// Only check that no row was altered or removed, and show the last row's hash
        #[arg(long, conflicts_with_all = ["json", "jsonl", "since", "limit"])]
        verify: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Copy the ledger into a new file, also while the daemon runs
    Backup {
        /// The new file
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Put a backup in the ledger's place; the daemon must not run
    Restore {
        /// The backup
        file: PathBuf,
        /// Also when the backup belongs to another root account than the present ledger
        #[arg(long)]
        other_account: bool,
        #[command(flatten)]
        json: Json,
    },
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Compile the connector at standard input into a folder; what camsync calls itself with
    #[command(hide = true)]
    CompileConnector {
        /// The folder for compiled code
        folder: PathBuf,
    },
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        dir: PathBuf,
    },
}

impl Command {
    /// Whether one JSON document is asked for.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Check { json }
            | Self::Plan { json, .. }
            | Self::Apply { json, .. }
            | Self::Unlink { json, .. }
            | Self::Sync { json, .. }
            | Self::Status { json }
            | Self::Freeze { json }
            | Self::Thaw { json }
            | Self::Rebind { json, .. }
            | Self::Audit { json, .. }
            | Self::Backup { json, .. }
            | Self::Restore { json, .. }
            | Self::Config(ConfigCommand::Show { json })
            | Self::Connector(Connectors::List { json } | Connectors::Inspect { json, .. }) => {
                json.json
            }
            Self::Notify(Notify::Test { json }) => json.json,
            Self::Sources(
                Sources::List { json }
                | Sources::Show { json, .. }
                | Sources::Sync { json, .. }
                | Sources::Pause { json, .. }
                | Sources::Resume { json, .. }
                | Sources::Link { json, .. }
                | Sources::Rebind { json, .. },
            ) => json.json,
            Self::Members(Members::List(list)) => list.json,
            Self::Members(Members::Link { json, .. }) => json.json,
            Self::Members(
                Members::Show(who)
                | Members::Explain(who)
                | Members::Suspend(who)
                | Members::Resume { who, .. }
                | Members::Protect { who, .. }
                | Members::Release(who)
                | Members::ResetPassword(who),
            ) => who.json,
            Self::Applications(Applications::List(list)) => list.json,
            Self::Applications(
                Applications::Approve { json, .. } | Applications::Deny { json, .. },
            ) => json.json,
            Self::Changes(Changes::List(list)) | Self::Plans(Plans::List(list)) => list.json,
            Self::Changes(
                Changes::Show { json, .. }
                | Changes::Retry { json, .. }
                | Changes::Cancel { json, .. },
            )
            | Self::Plans(
                Plans::Show { json, .. }
                | Plans::Approve { json, .. }
                | Plans::Discard { json, .. },
            ) => json.json,
            Self::Demo { .. }
            | Self::Run
            | Self::Config(ConfigCommand::Schema)
            | Self::Completions { .. }
            | Self::CompileConnector { .. }
            | Self::Man { .. } => false,
        }
    }
}

/// Sources.
#[derive(Debug, Subcommand)]
pub(crate) enum Sources {
    /// List them
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show one: enterprise, visible range, departments
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// One full pass of one source
    Sync {
        /// Its name
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Stop crawling it
    Pause {
        /// Its name
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Crawl it again
    Resume {
        /// Its name
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Link one again that was unlinked
    Link {
        /// Its name
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Say that it is meant to be another enterprise from now on
    Rebind {
        /// Its name
        name: String,
        #[command(flatten)]
        json: Json,
    },
}

/// Members.
#[derive(Debug, Subcommand)]
pub(crate) enum Members {
    /// List everyone in a snapshot or with a sub-user
    List(List),
    /// Show one
    Show(Who),
    /// Say why a member has, or has not, a sub-user
    Explain(Who),
    /// Switch console sign-in off, at once
    Suspend(Who),
    /// Let access come back
    Resume {
        #[command(flatten)]
        who: Who,
        /// The API keys that camsync switched off, too
        #[arg(long)]
        keys: bool,
    },
    /// Exempt from every removal
    Protect {
        #[command(flatten)]
        who: Who,
        /// End the exemption
        #[arg(long)]
        off: bool,
    },
    /// Make a sub-user unmanaged; it stays in CAM as it is
    Release(Who),
    /// Say that two ids are one member: the old one's sub-user is the new one's, and a fresh one goes
    Link {
        /// The id that is gone, or its username
        old: String,
        /// The id in its place, or its username
        new: String,
        /// Only of this source
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Give another password, and show it once
    ResetPassword(Who),
}

/// Members' own requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Applications {
    /// List them
    List(List),
    /// Let the sub-user be made
    Approve {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
    /// Do not
    Deny {
        /// Its id
        id: i64,
        /// What the member is told
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

/// Changes.
#[derive(Debug, Subcommand)]
pub(crate) enum Changes {
    /// List them
    List(List),
    /// Show one with its attempts
    Show {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
    /// Ask again for a failed or held one
    Retry {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
    /// Take one back that is waiting
    Cancel {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
}

/// Plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Plans {
    /// List them
    List(List),
    /// Show one with its removals
    Show {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
    /// Approve exactly the removals that it shows
    Approve {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
    /// Silence it until it grows
    Discard {
        /// Its id
        id: i64,
        #[command(flatten)]
        json: Json,
    },
}

/// Connectors.
#[derive(Debug, Subcommand)]
pub(crate) enum Connectors {
    /// List the built-in and the installed ones
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show what a connector says of itself
    Inspect {
        /// Its file, or a built-in one's name
        file: String,
        #[command(flatten)]
        json: Json,
    },
}

/// Notifications.
#[derive(Debug, Subcommand)]
pub(crate) enum Notify {
    /// Send a test message to every target, and say which took it
    Test {
        #[command(flatten)]
        json: Json,
    },
}

/// The configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print its JSON Schema
    Schema,
    /// Print the configuration in force, with defaults, without secrets
    Show {
        #[command(flatten)]
        json: Json,
    },
}
