//! Every key of the configuration: what it is called, how it is written, what holds without it, what it means.
//! Reading, `config show`, the JSON Schema and the manual all come from here.

mod daemon;
mod notify;
mod pipeline;
mod rules;
mod source;
mod target;
mod telemetry;

pub use daemon::{Admin, Console, Daemon, Network, Role};
pub use notify::{Event, Notify, NotifyKind, Tongue};
pub use pipeline::{Applications, Drift, Retention};
pub use source::{ConnectorRef, Limits, Source};
pub use target::{Quotas, SignIn, Target, TargetKind};
pub use telemetry::Telemetry;

use camsync_core::rules::{AdmitRule, GrantRule, Guard, Leavers, Retry};

use crate::kinds::{Many, One};
use crate::reader::section;

section! {
    /// camsync's configuration: one TOML file. A file with one `[target]` and one `[[source]]` is complete.
    #[zh = "camsync 的配置：一个 TOML 文件。有一个 `[target]` 和一个 `[[source]]` 即为完整。"]
    pub struct File {
        /// The process itself.
        #[zh = "进程本身。"]
        daemon: Daemon = One<Daemon>, default({});
        /// Who may use the console and the API.
        #[zh = "谁可以使用控制台与 API。"]
        console: Console = One<Console>, default({});
        /// How the internet is reached.
        #[zh = "如何访问互联网。"]
        network: Network = One<Network>, default({});
        /// Where changes go.
        #[zh = "变更写到哪里。"]
        target: Target = One<Target>, required;
        /// How changes that do not succeed are tried again.
        #[zh = "未成功的变更如何重试。"]
        retry: Retry = One<Retry>, default({});
        /// When removals wait for a person.
        #[zh = "哪些移除要等人批准。"]
        guard: Guard = One<Guard>, default({});
        /// What happens to those who leave.
        #[zh = "如何处理离开的人。"]
        leavers: Leavers = One<Leavers>, default({});
        /// What is done about sub-users that somebody else altered.
        #[zh = "子用户被他人改动时怎么办。"]
        drift: Drift = One<Drift>, default({});
        /// What happens to members' own requests.
        #[zh = "如何处理成员自己提出的申请。"]
        applications: Applications = One<Applications>, default({});
        /// How long data is kept.
        #[zh = "数据保留多久。"]
        retention: Retention = One<Retention>, default({});
        /// Traces for an OpenTelemetry collector.
        #[zh = "发往 OpenTelemetry 收集器的链路追踪。"]
        telemetry: Telemetry = One<Telemetry>, default({});
        /// Identity providers. At least one.
        #[zh = "身份源，至少一个。"]
        source: Vec<Source> = Many<Source>, required;
        /// Who gets a sub-user: the first matching rule wins.
        #[zh = "谁会有子用户：第一条匹配的规则生效。"]
        admit: Vec<AdmitRule> = Many<AdmitRule>, default([]);
        /// What they may do: all matching rules add up.
        #[zh = "他们能做什么：所有匹配的规则叠加。"]
        grant: Vec<GrantRule> = Many<GrantRule>, default([]);
        /// Who is told what needs a person.
        #[zh = "有事需要人处理时通知谁。"]
        notify: Vec<Notify> = Many<Notify>, default([]);
    }
}
