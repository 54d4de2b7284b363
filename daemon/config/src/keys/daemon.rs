//! `[daemon]`, `[console]` and `[network]`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use url::Url;

use crate::bilingual::Bilingual;
use crate::document::{Node, Table};
use crate::kinds::{
    Address, FilePath, Many, Name, OneOf, PublicUrl, Secretive, Switch, WebUrl, Words,
};
use crate::reader::{Reader, section};
use crate::secret::SecretRef;

section! {
    /// The process itself: where it keeps its data, and where it listens.
    #[zh = "进程本身：数据放在哪里，在哪里监听。"]
    pub struct Daemon {
        /// The folder of everything that camsync keeps; the ledger is `camsync.db` in it.
        #[zh = "camsync 全部数据所在的目录；台账是其中的 `camsync.db`。"]
        data_dir: PathBuf = FilePath, default("/var/lib/camsync");
        /// Where the console, the API, webhooks and metrics are served.
        #[zh = "控制台、API、回调与监控指标的监听地址。"]
        listen: SocketAddr = Address, default("127.0.0.1:8420");
        /// The URL that browsers and providers see.
        #[zh = "浏览器与身份源看到的 URL。"]
        public_url: Url = PublicUrl, derived("`http://` and `listen`", "`http://` 加 `listen`", listen.and_then(|at: SocketAddr| seen_at(at)));
        /// A folder of connectors: a file `NAME.wasm` in it is the connector `NAME`.
        #[zh = "连接器目录：其中的文件 `NAME.wasm` 就是连接器 `NAME`。"]
        connectors_dir: PathBuf = FilePath, derived("`connectors` in `data_dir`", "`data_dir` 中的 `connectors`", data_dir.as_ref().map(|dir: &PathBuf| dir.join("connectors")));
    }
}

fn seen_at(listen: SocketAddr) -> Option<Url> {
    Url::parse(&format!("http://{listen}")).ok()
}

section! {
    /// Who may use the console and the API. Without any token nobody may.
    #[zh = "谁可以使用控制台与 API。没有任何令牌时，谁都不能使用。"]
    pub struct Console {
        /// The token of the one administrator. In the audit, who holds it is called `admin`.
        #[zh = "唯一管理员的令牌。持有者在审计中记为 `admin`。"]
        admin_token: Option<SecretRef> = Secretive, optional("nobody signs in with a shared token", "没有人能用共用令牌登录");
        /// Administrators by name, so that the audit knows who did what.
        #[zh = "具名的管理员，使审计能记下是谁做的。"]
        admin: Vec<Admin> = Many<Admin>, default([]);
        /// Whether a held plan needs the approval of two different people.
        #[zh = "被拦下的计划是否需要两个不同的人批准。"]
        two_person_approval: bool = Switch, default(false);
    }
    check shared_name;
}

/// What the audit calls the holder of `admin_token`.
const SHARED_NAME: &str = "admin";

fn shared_name(console: &Console, table: &Table, span: &Range<usize>, reader: &mut Reader<'_>) {
    if console.admin_token.is_some() && console.admin.iter().any(|admin| admin.name == SHARED_NAME)
    {
        reader.under("admin_token", |reader| {
            reader.refuse(
                &table.place("admin_token", span),
                format!("whoever holds `console.admin_token` is called {SHARED_NAME:?}, and so is an administrator"),
                "the audit tells administrators apart by their names",
            );
        });
    }
}

section! {
    /// One administrator.
    #[zh = "一名管理员。"]
    pub struct Admin {
        /// The name in the audit.
        #[zh = "审计中记录的名称。"]
        name: String = Name, required;
        /// The token that this administrator signs in with.
        #[zh = "这名管理员登录用的令牌。"]
        token: SecretRef = Secretive, required;
        /// What this administrator may do.
        #[zh = "这名管理员的权限。"]
        role: Role = OneOf<Role>, default("admin");
    }
    line line;
    together distinct_admins;
}

fn distinct_admins(all: &[(Admin, &Node)], reader: &mut Reader<'_>) {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for (admin, node) in all {
        if let Some(line) = seen.insert(&admin.name, admin.line) {
            reader.under("name", |reader| {
                reader.refuse(
                    &node.place("name"),
                    format!(
                        "the administrator in line {line} is called {:?} too",
                        admin.name
                    ),
                    "the audit tells administrators apart by their names",
                );
            });
        }
    }
}

/// What an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Read. A role includes those before it.
    Viewer,
    /// Read, decide about held plans and applications, retry and cancel changes.
    Approver,
    /// Everything.
    Admin,
}

impl Words for Role {
    const WORDS: &'static [(&'static str, Self, Bilingual)] = &[
        (
            "viewer",
            Self::Viewer,
            Bilingual {
                en: "reads",
                zh: "只读",
            },
        ),
        (
            "approver",
            Self::Approver,
            Bilingual {
                en: "reads, decides about held plans and applications, retries and cancels changes",
                zh: "只读，并可批准或忽略被拦下的计划、处理申请、重试和取消变更",
            },
        ),
        (
            "admin",
            Self::Admin,
            Bilingual {
                en: "everything",
                zh: "全部",
            },
        ),
    ];
}

section! {
    /// How the internet is reached, by the daemon and by its connectors.
    #[zh = "守护进程及其连接器如何访问互联网。"]
    pub struct Network {
        /// The proxy for all outgoing requests except those to loopback. WeCom wants a fixed outgoing address.
        #[zh = "所有出站请求使用的代理，访问本机的除外。企业微信要求出口 IP 固定。"]
        proxy: Option<Url> = WebUrl, optional("no proxy", "不使用代理");
        /// Certificates (PEM) to trust in addition to the system's.
        #[zh = "除系统自带的证书外，另外信任的证书（PEM）。"]
        ca_file: Option<PathBuf> = FilePath, optional("the system's only", "只用系统的");
    }
}
