//! What goes on at an enterprise while camsync is killed: people join, change their names and leave.

use std::collections::BTreeMap;
use std::net::TcpListener;

use camsync_simulators::cam::UserKind;

use crate::callbacks;
use crate::tools::{self, Tuning};
use crate::world::World;

const STRANGER: &str = "stranger";
const POLICY: &str = "QcloudCVMReadOnlyAccess";
const GRANTS: &str = r#"
[[admit]]
when = "member.status == 'active'"
remark = "{{ member.name }}"

[[grant]]
groups = ["staff", "of-{{ member.id }}"]
policies = ["QcloudCVMReadOnlyAccess"]
"#;

/// What a life is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first pass of all, the making of the ledger included.
    First,
    /// Passes by hand over joiners, changed names and leavers.
    Passes,
    /// The same with groups, policies and the rungs of a leaver.
    Grants,
    /// A daemon that is told by callbacks.
    Daemon,
}

pub(super) struct Life {
    kind: Kind,
    pub(super) world: World,
    /// Everybody who is there: id and name.
    members: BTreeMap<u32, String>,
    /// Who has left last, and is to be suspended; who had left before is to be deleted.
    leaving: Vec<u32>,
    next: u32,
    /// Callbacks that nobody has answered yet.
    unsaid: Vec<(&'static str, String)>,
    port: u16,
}

impl Life {
    pub(super) fn new(kind: Kind) -> Self {
        let (world, port) = world(kind);
        Self {
            kind,
            world,
            members: BTreeMap::new(),
            leaving: Vec::new(),
            next: 1,
            unsaid: Vec::new(),
            port,
        }
    }

    /// Something happens: the grace of who left is over, two more leave, two have another name, two come. In a first
    /// pass's life, everything begins anew.
    pub(super) fn go_on(&mut self) {
        if self.kind == Kind::First {
            *self = Self::new(self.kind);
            self.join(6);
            return;
        }
        let (stayed, left): (Vec<u32>, Vec<u32>) = {
            let known: Vec<u32> = self.members.keys().copied().collect();
            let leave = known.len().saturating_sub(3).min(2);
            (known[leave..].to_vec(), known[..leave].to_vec())
        };
        self.unsaid.clear();
        self.end_graces();
        self.leaving.clone_from(&left);
        for id in left {
            self.members.remove(&id);
            self.world.wecom.remove_member(&format!("m{id}"));
            self.unsaid.push(("delete_user", format!("m{id}")));
        }
        for id in stayed.into_iter().take(2) {
            let name = format!("新名{id}-{}", self.next);
            self.world.wecom.rename_member(&format!("m{id}"), &name);
            self.unsaid.push(("update_user", format!("m{id}")));
            self.members.insert(id, name);
        }
        self.join(2);
    }

    fn join(&mut self, count: u32) {
        for id in self.next..self.next + count {
            let name = format!("成员{id}");
            self.world.wecom.add_member(&format!("m{id}"), &name, &[1]);
            self.unsaid.push(("create_user", format!("m{id}")));
            self.members.insert(id, name);
        }
        self.next += count;
    }

    pub(super) fn arguments(&self) -> &'static [&'static str] {
        if self.kind == Kind::Daemon {
            &["run"]
        } else {
            &["sync", "--json"]
        }
    }

    /// What goes on beside the process; whether it has nothing left to wait for, and is to be told to end.
    pub(super) fn meanwhile(&mut self) -> bool {
        if self.kind != Kind::Daemon {
            return false;
        }
        self.unsaid.retain(|(kind, id)| {
            let callback = callbacks::event(kind, id);
            callbacks::post_to(self.port, &callback) != Some(200)
        });
        let signs_in = |id: &u32| {
            let user = self.world.cam.user(&format!("m{id}"));
            user.is_some_and(|user| user.console_login)
        };
        self.unsaid.is_empty()
            && self.members.keys().all(signs_in)
            && !self.leaving.iter().any(signs_in)
    }

    fn end_graces(&self) {
        if self.members.is_empty() {
            return;
        }
        let ledger = self.world.ledger();
        let over = "UPDATE sub_users SET leaving_since = '2020-01-01T00:00:00.000Z' WHERE leaving_since IS NOT NULL";
        ledger.execute(over, []).unwrap();
    }

    /// What is not as it should be in the cloud.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let known = self.members.keys().chain(&self.leaving);
        let mut expected: Vec<String> = known.map(|id| format!("m{id}")).collect();
        expected.push(STRANGER.into());
        expected.sort();
        let there = self.world.cam.user_names();
        if there != expected {
            wrong.push(format!("{there:?} instead of {expected:?}"));
        }
        for id in &self.leaving {
            let id = format!("m{id}");
            let groups = self.world.cam.with(|cloud| cloud.groups_of(&id));
            let user = self.world.cam.user(&id);
            if user.is_some_and(|user| user.console_login) || !groups.is_empty() {
                wrong.push(format!(
                    "{id} has left, and may sign in or is in {groups:?}"
                ));
            }
        }
        for (id, name) in &self.members {
            let id = format!("m{id}");
            let Some(user) = self.world.cam.user(&id) else {
                continue;
            };
            if !user.remark.starts_with(name.as_str()) || !user.console_login {
                wrong.push(format!("{id} is {user:?}"));
            }
            if self.kind == Kind::Grants {
                let (groups, policies) = self
                    .world
                    .cam
                    .with(|cloud| (cloud.groups_of(&id), cloud.policies_of(&id)));
                if groups != [format!("of-{id}"), "staff".into()] || policies != [POLICY] {
                    wrong.push(format!("{id} has {groups:?} and {policies:?}"));
                }
            }
        }
        wrong
    }
}

fn world(kind: Kind) -> (World, u16) {
    let mut tuning = Tuning::default();
    let mut port = 0;
    let world = if kind == Kind::Daemon {
        // Callbacks are posted to it from the first moment on, and it says nowhere else where it listens by then.
        port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let world = callbacks::called();
        world.edit(|text| text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")));
        world
    } else {
        if kind == Kind::Grants {
            tuning.rules = GRANTS.into();
            tuning.leavers = "deny_all = \"always\"\ndelete_after = \"1s\"".into();
        }
        tools::world(&tuning)
    };
    world.edit(|text| text.replace("delete_after = \"1s\"", "delete_after = \"30d\""));
    world.cam.add_user(STRANGER, UserKind::SubUser);
    (world, port)
}
