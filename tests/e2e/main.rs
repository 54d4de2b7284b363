//! End-to-end tests: the real binary against the WeCom and CAM simulators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod api;
mod at_once;
#[path = "../common/authority.rs"]
mod authority;
mod backup;
mod bad_input;
mod bindings;
mod callbacks;
mod cam_faults;
mod chinese;
mod cli;
mod compiling;
mod container;
mod crash;
mod daemon;
mod demo;
mod documents;
mod drift;
mod emergency;
mod explain;
mod full_disk;
mod grant_faults;
mod grants;
mod grants_by_hand;
mod guard;
mod hostile_cam;
mod hostile_connectors;
mod hostile_provider;
mod http;
mod http_limits;
mod ids;
mod inprocess;
mod kept_private;
mod kills;
mod ladder;
mod lag;
mod leavers;
mod linked;
mod lost_creation;
// Other programs use more of it.
#[allow(dead_code)]
#[path = "../common/mail.rs"]
mod mail;
mod main_job;
mod messages;
mod mutated;
mod names;
mod network;
mod notifications;
mod observability;
mod operation;
mod package;
mod passwords;
mod plan_file;
mod plan_report;
mod portal;
mod portal_browser;
mod privilege;
mod quota;
mod read_only;
mod receivers;
mod refused_edit;
mod reload;
mod removal;
mod retention;
mod second_look;
mod secrets;
mod shim;
mod silence;
mod strange_ids;
mod tools;
mod unlink;
mod upgrade;
mod watching;
mod web_attacks;
mod wecom_faults;
mod what_if;
mod world;
mod writes;
