//! `[daemon]`, `[console]` and `[network]`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use url::Url;

use crate::document::{Node, Table};
use crate::kinds::{
    Address, FilePath, Many, Name, OneOf, PublicUrl, Secretive, Switch, WebUrl, Words,
};
use crate::reader::{Reader, section};
use crate::secret::SecretRef;

section! {
    /// The process itself: where it keeps its data, and where it listens.
    pub struct Daemon {
        /// The folder of everything that camsync keeps; the ledger is `camsync.db` in it.
        data_dir: PathBuf = FilePath, default("/var/lib/camsync");
        /// Where the console, the API, webhooks and metrics are served.
        listen: SocketAddr = Address, default("127.0.0.1:8420");
        /// The URL that browsers and providers see.
        public_url: Url = PublicUrl, derived("`http://` and `listen`", listen.and_then(|at: SocketAddr| seen_at(at)));
        /// A folder of connectors: a file `NAME.wasm` in it is the connector `NAME`.
        connectors_dir: PathBuf = FilePath, derived("`connectors` in `data_dir`", data_dir.as_ref().map(|dir: &PathBuf| dir.join("connectors")));
    }
}

fn seen_at(listen: SocketAddr) -> Option<Url> {
    Url::parse(&format!("http://{listen}")).ok()
}

section! {
    /// Who may use the console and the API. Without any token nobody may.
    pub struct Console {
        /// The token of the one administrator. In the audit, who holds it is called `admin`.
        admin_token: Option<SecretRef> = Secretive, optional("nobody signs in with a shared token");
        /// Administrators by name, so that the audit knows who did what.
        admin: Vec<Admin> = Many<Admin>, default([]);
        /// Whether a held plan needs the approval of two different people.
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
    pub struct Admin {
        /// The name in the audit.
        name: String = Name, required;
        /// The token that this administrator signs in with.
        token: SecretRef = Secretive, required;
        /// What this administrator may do.
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
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("viewer", Self::Viewer, "reads"),
        (
            "approver",
            Self::Approver,
            "reads, decides about held plans and applications, retries and cancels changes",
        ),
        ("admin", Self::Admin, "everything"),
    ];
}

section! {
    /// How the internet is reached, by the daemon and by its connectors.
    pub struct Network {
        /// The proxy for all outgoing requests except those to loopback. WeCom wants a fixed outgoing address.
        proxy: Option<Url> = WebUrl, optional("no proxy");
        /// Certificates (PEM) to trust in addition to the system's.
        ca_file: Option<PathBuf> = FilePath, optional("the system's only");
    }
}
