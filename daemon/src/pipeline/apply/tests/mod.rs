//! Attempts at groups, policies and keys, by the real client against the simulator.
#![allow(clippy::unwrap_used, clippy::panic)]

mod faults;
mod grants;
mod keys;
mod objects;

use std::sync::Arc;
use std::time::Duration;

use camsync_cam::{Client, ClientOptions, Credentials, SecretText, StaticCredentials};
use camsync_core::change::Reason;
use camsync_core::grants::Given;
use camsync_core::object::Object;
use camsync_core::outbox::{Kind, Status};
use camsync_core::retry::FailureClass;
use camsync_core::sub_user::{Stage, SubUser};
use camsync_simulators::cam::{Fault, Options, Simulator, UserKind};
use camsync_simulators::{FaultId, When};
use chrono::Utc;

use crate::ledger::{ChangeRow, Effect, Failure};

use super::{About, Outcome, Resolve, SignIn, attempt};

/// The mark of what these tests make.
const MARK: &str = "m4rk";

/// An account with one sub-user, and what a change about it is made of.
struct Bench {
    sim: Simulator,
    cam: Client,
    sub_user: SubUser,
    made: Option<(Option<u64>, String)>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            rate: None,
            ..Options::default()
        };
        change(&mut options);
        let key = Credentials::new(options.secret_id.clone(), options.secret_key.clone());
        let sim = Simulator::start(options).await.unwrap();
        let mut client = ClientOptions::new(
            sim.url().parse().unwrap(),
            camsync_cam::http_client(None, None).unwrap(),
            Arc::new(StaticCredentials(key)),
        );
        client.requests_per_second = 1000.0;
        client.timeout = Duration::from_millis(700);
        client.read_attempts = 1;
        let uin = sim.add_user("zhang", UserKind::SubUser);
        Self {
            cam: Client::new(client).unwrap(),
            sim,
            sub_user: sub_user(uin),
            made: None,
        }
    }

    fn group(&self, name: &str) -> Object {
        Object::group(name, Some(self.sim.add_group(name)))
    }

    fn policy(&self, name: &str) -> Object {
        Object::policy(name, Some(self.sim.add_policy(name)))
    }

    fn key(&self) -> Object {
        Object::key(self.sim.add_key("zhang"))
    }

    fn key_works(&self, key: &Object) -> Option<bool> {
        let user = self.sim.user("zhang").unwrap();
        user.keys.get(&key.name).map(|key| key.active)
    }

    fn strike(&self, action: &str, fault: Fault) -> FaultId {
        self.sim.inject(When::action(action).once(), fault)
    }

    fn refuse(&self, action: &str, code: &str) {
        self.strike(action, Fault::Code(code.to_owned()));
    }

    /// From now on camsync's own key belongs to the sub-user.
    fn key_is_the_sub_users(&self) {
        let uin = self.sub_user.uin.unwrap();
        let own = |key: &mut camsync_simulators::cam::Key| key.uin = uin;
        self.sim.keys(|keys| keys.values_mut().for_each(own));
    }

    fn gave(&mut self, object: &Object) {
        self.sub_user.given.push(Given {
            like: None,
            kind: object.kind,
            name: object.name.clone(),
            id: object.id.unwrap(),
            rule: Some(1),
            unconfirmed_since: None,
        });
    }

    async fn attempt(&self, kind: Kind, object: &Object, resolve: Resolve) -> Outcome {
        self.sim.clear_log();
        let alone = matches!(
            kind,
            Kind::CreateGroup | Kind::DeleteGroup | Kind::CreatePolicy | Kind::DeletePolicy
        );
        let change = ChangeRow {
            id: 1,
            sub_user: (!alone).then_some(1),
            source: "acme".into(),
            member: "zhang".into(),
            username: if alone { "" } else { "zhang" }.into(),
            kind,
            object: Some(object.clone()),
            status: Status::Pending,
            reason: Reason::Granted {
                rule: 1,
                like: None,
            },
            before: None,
            after: None,
            evidence: None,
            urgent: false,
            rule_login: None,
            plan: None,
            hold: None,
            attempts: 0,
            next_attempt_at: None,
            last_error: None,
            created_at: Utc::now(),
            released_at: None,
            applied_at: None,
        };
        let about = About {
            change: &change,
            sub_user: (!alone).then_some(&self.sub_user),
            made: self.made.as_ref(),
        };
        let mut password = || SecretText::new("unused".to_owned());
        attempt(
            &self.cam,
            &about,
            resolve,
            SignIn { sso: false },
            &mut password,
        )
        .await
    }

    async fn effect(&self, kind: Kind, object: &Object, resolve: Resolve) -> Effect {
        match self.attempt(kind, object, resolve).await {
            Outcome::Applied { effect, .. } => effect,
            Outcome::Failed(failure) => panic!("{kind:?} of {object}: {failure}"),
        }
    }

    async fn failure(&self, kind: Kind, object: &Object, resolve: Resolve) -> Failure {
        match self.attempt(kind, object, resolve).await {
            Outcome::Failed(failure) => failure,
            Outcome::Applied { effect, .. } => panic!("{kind:?} of {object}: {effect:?}"),
        }
    }

    async fn class(&self, kind: Kind, object: &Object, resolve: Resolve) -> FailureClass {
        self.failure(kind, object, resolve).await.class
    }
}

fn sub_user(uin: u64) -> SubUser {
    SubUser {
        id: 1,
        uin: Some(uin),
        stage: Stage::Managed,
        login: true,
        rule_login: true,
        ..SubUser::wanted("acme", "zhang", "zhang", "mark".into())
    }
}
