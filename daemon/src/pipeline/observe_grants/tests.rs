#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use camsync_cam::{Client, ClientOptions, Credentials, StaticCredentials};
use camsync_core::change::{Planned, Reason};
use camsync_core::grants::{DENY_ALL, DENY_ALL_DOCUMENT, DenyAllPolicy, OwnNeed};
use camsync_core::guard::Memory;
use camsync_core::object::Object;
use camsync_core::outbox::{Event, Kind, Status};
use camsync_core::sub_user::{AccountKind, ObservedUser};
use camsync_simulators::When;
use camsync_simulators::cam::{Fault, Options, Simulator, UserKind};
use chrono::TimeDelta;
use serde_json::json;

use crate::ledger::{AttemptEnd, ChangeFilter, KnownFacts, Recording};

use super::*;

/// A cloud, a ledger, and what plans over them read.
struct World {
    cloud: Simulator,
    cam: Client,
    ledger: Ledger,
    now: DateTime<Utc>,
}

impl World {
    async fn new() -> Self {
        let options = Options {
            rate: None,
            ..Options::default()
        };
        let key = Credentials::new(options.secret_id.clone(), options.secret_key.clone());
        let cloud = Simulator::start(options).await.unwrap();
        let mut client = ClientOptions::new(
            cloud.url().parse().unwrap(),
            camsync_cam::http_client(None, None).unwrap(),
            Arc::new(StaticCredentials(key)),
        );
        client.requests_per_second = 1000.0;
        client.read_attempts = 1;
        Self {
            cloud,
            cam: Client::new(client).unwrap(),
            ledger: Ledger::empty().unwrap(),
            now: Utc::now(),
        }
    }

    /// Everybody, as a listing shows them.
    fn observed(&self) -> Observed {
        let names = self.cloud.user_names();
        let user = |name: String| ObservedUser {
            uin: self.cloud.uin(&name),
            name,
            remark: None,
            console_login: Some(true),
            kind: AccountKind::SubUser,
            wecom_user_id: None,
            off_limits: false,
        };
        Observed::new(names.into_iter().map(user).collect())
    }

    async fn try_read(&self, needs: &Needs, recording: bool) -> Result<ObservedGrants, String> {
        let (observed, now) = (self.observed(), self.now);
        observe_grants(
            &self.ledger,
            &self.cam,
            needs,
            &observed,
            now,
            recording,
            true,
        )
        .await
        .map_err(|error| error.to_string())
    }

    /// As a pass that records its plan.
    async fn read(&self, needs: &Needs) -> ObservedGrants {
        self.try_read(needs, true).await.unwrap()
    }

    fn calls(&self) -> usize {
        self.cloud.log().len()
    }

    fn sub_user(&self, name: &str) -> u64 {
        self.cloud.add_user(name, UserKind::SubUser)
    }

    /// A custom policy with this document.
    fn policy(&self, name: &str, action: &str) -> u64 {
        let document = json!({"version": "2.0", "statement":
            [{"effect": "allow", "action": [action], "resource": ["*"]}]});
        self.custom(name, &document.to_string())
    }

    fn custom(&self, name: &str, document: &str) -> u64 {
        let made = self.cloud.by_hand(
            "CreatePolicy",
            json!({"PolicyName": name, "PolicyDocument": document}),
        );
        made.unwrap()["PolicyId"].as_u64().unwrap()
    }

    fn remove_policy(&self, name: &str) {
        self.cloud.with(|cloud| {
            let id = cloud.policy(name).unwrap().id;
            cloud.policies.remove(&id);
        });
    }
}

fn policies(names: &[&str]) -> Needs {
    Needs {
        policies: names.iter().map(|n| (*n).to_owned()).collect(),
        ..Needs::default()
    }
}

fn groups(names: &[&str]) -> Needs {
    Needs {
        group_names: names.iter().map(|n| (*n).to_owned()).collect(),
        ..Needs::default()
    }
}

fn own(uin: u64, need: OwnNeed) -> Needs {
    let mut needs = Needs::default();
    needs.want_own(uin, need);
    needs
}

#[tokio::test]
async fn without_needs_nothing_is_asked() {
    let world = World::new().await;
    world.sub_user("ann");
    let seen = world.read(&Needs::default()).await;
    assert_eq!((world.calls(), seen.group_count), (0, None));
}

#[tokio::test]
async fn groups_that_matter_are_read_and_the_others_are_listed() {
    let world = World::new().await;
    let ann = world.sub_user("ann");
    for group in ["ops", "other", "given"] {
        world.cloud.add_group(group);
        world.cloud.join("ann", group).unwrap();
    }
    world
        .cloud
        .attach_to_group("ops", "QcloudCVMReadOnlyAccess")
        .unwrap();
    let mut needs = groups(&["OPS"]);
    let given = world.cloud.with(|c| c.group("given").unwrap().id);
    needs.group_ids.insert(given);
    let seen = world.read(&needs).await;
    assert_eq!(seen.group_count, Some(3));
    let ops = seen.group_named("ops").unwrap();
    assert_eq!(ops.members, Some(HashSet::from([ann])));
    assert_eq!((ops.policies, &ops.administers), (Some(1), &None));
    let given = seen.group(given).unwrap();
    assert_eq!((&given.members, given.policies), (&ops.members, Some(0)));
    let other = seen.group_named("other").unwrap();
    assert_eq!((&other.members, other.policies), (&None, None));
}

#[tokio::test]
async fn a_group_that_goes_between_listing_and_reading_is_absent() {
    let world = World::new().await;
    world.cloud.add_group("ops");
    world.cloud.add_group("stays");
    let gone = Fault::Code("ResourceNotFound.GroupNotExist".into());
    let id = world.cloud.with(|c| c.group("ops").unwrap().id);
    let gone = world
        .cloud
        .inject(When::action("ListUsersForGroup").once(), gone);
    let mut needs = groups(&["ops"]);
    needs.group_ids.insert(id);
    let seen = world.read(&needs).await;
    assert_eq!(world.cloud.fault_hits(gone), 1);
    assert!(seen.group_named("ops").is_none());
    assert_eq!(seen.group_count, Some(1));
}

#[tokio::test]
async fn own_grants_are_read_once_an_hour_or_when_they_must_be_fresh() {
    let mut world = World::new().await;
    let ann = world.sub_user("ann");
    world
        .cloud
        .attach("ann", "QcloudCVMReadOnlyAccess")
        .unwrap();
    let key = world.cloud.add_key("ann");
    let lazily = own(ann, OwnNeed::default());
    let first = world.read(&lazily).await;
    let seen = &first.own[&ann];
    assert_eq!(
        seen.policies.as_ref().unwrap()[&5],
        "QcloudCVMReadOnlyAccess"
    );
    assert_eq!((&seen.keys, &seen.groups), (&None, &None), "nobody asked");

    let calls = world.calls();
    world.now += TimeDelta::minutes(59);
    assert_eq!(world.read(&lazily).await.own, first.own);
    assert_eq!(world.calls(), calls, "asked again within the hour");

    world
        .cloud
        .detach("ann", "QcloudCVMReadOnlyAccess")
        .unwrap();
    let fresh = OwnNeed {
        fresh: true,
        ..OwnNeed::default()
    };
    let seen = world.read(&own(ann, fresh)).await;
    assert_eq!(seen.own[&ann].policies, Some(BTreeMap::new()));

    // What was kept has no groups: a plan that needs them reads.
    let calls = world.calls();
    let with_groups = OwnNeed {
        groups: true,
        ..OwnNeed::default()
    };
    let seen = world.read(&own(ann, with_groups)).await;
    assert!(seen.own[&ann].groups.is_some());
    assert!(world.calls() > calls);
    // The same of keys.
    let with_keys = OwnNeed {
        keys: true,
        ..OwnNeed::default()
    };
    let seen = world.read(&own(ann, with_keys)).await;
    assert!(seen.own[&ann].keys.as_ref().unwrap()[&key]);

    let calls = world.calls();
    world.now += TimeDelta::minutes(61);
    world.read(&lazily).await;
    assert!(world.calls() > calls, "not asked again after the hour");
    // A clock that was put back leaves nobody with an old reading for ever.
    let calls = world.calls();
    world.now -= TimeDelta::days(2);
    world.read(&lazily).await;
    assert!(world.calls() > calls);
}

#[tokio::test]
async fn a_plan_that_only_shows_keeps_nothing() {
    let world = World::new().await;
    let ann = world.sub_user("ann");
    let mut needs = own(ann, OwnNeed::default());
    needs.policies.insert("QcloudCVMReadOnlyAccess".into());
    world.try_read(&needs, false).await.unwrap();
    assert!(world.ledger.own_grants().unwrap().is_empty());
    assert!(world.ledger.policy_pins().unwrap().is_empty());
}

#[tokio::test]
async fn what_may_not_be_listed_is_unknown_and_other_failures_end_the_reading() {
    let world = World::new().await;
    let (ann, bob) = (world.sub_user("ann"), world.sub_user("bob"));
    world.cloud.add_key("ann");
    let deny = |action: &str| {
        let denied = vec![action.to_owned()];
        world.cloud.keys(|keys| {
            for key in keys.values_mut() {
                key.denied.clone_from(&denied);
            }
        });
    };
    deny("ListAccessKeys");
    let fresh = OwnNeed {
        fresh: true,
        groups: false,
        keys: true,
    };
    let mut needs = own(ann, fresh);
    needs.want_own(bob, fresh);
    let seen = world.read(&needs).await;
    assert_eq!(seen.own[&ann].keys, None);
    deny("ListAttachedUserPolicies");
    assert_eq!(world.read(&needs).await.own[&ann].policies, None);
    deny("");
    world
        .cloud
        .inject(When::action("ListAccessKeys"), Fault::InternalErrorBefore);
    world.try_read(&needs, true).await.unwrap_err();
}

#[tokio::test]
async fn whoever_is_gone_is_left_out() {
    let world = World::new().await;
    let (ann, bob) = (world.sub_user("ann"), world.sub_user("bob"));
    let gone = Fault::Code("ResourceNotFound.UserNotExist".into());
    world.cloud.inject(When::any().key(ann), gone);
    let mut needs = own(ann, OwnNeed::default());
    needs.want_own(bob, OwnNeed::default());
    needs.want_own(bob + 1_000_000, OwnNeed::default());
    needs.candidates.insert(ann);
    needs.templates = ["ann".to_owned(), "nobody".to_owned()].into();
    let seen = world.read(&needs).await;
    assert_eq!(seen.own.keys().collect::<Vec<_>>(), [&bob]);
    assert!(seen.candidates.is_empty());
    assert_eq!(seen.templates["ann"], None);
    assert_eq!(seen.templates["nobody"], None);
}

#[tokio::test]
async fn policies_are_found_by_exact_name_and_judged() {
    let world = World::new().await;
    world.policy("ops", "cvm:*");
    world.policy("ops-cam", "cam:AttachUserPolicy");
    world.policy("off", "cvm:*");
    world.cloud.with(|cloud| {
        let id = cloud.policy("off").unwrap().id;
        cloud.policies.get_mut(&id).unwrap().deactivated = true;
    });
    let few = [
        "ops",
        "ops-cam",
        "off",
        "AdministratorAccess",
        "QcloudCVMReadOnlyAccess",
        "op",
    ];
    let judged = |seen: &ObservedGrants, name: &str| {
        let policy = seen.policies[name].as_ref().unwrap();
        (policy.administers, policy.usable)
    };
    let seen = world.read(&policies(&few)).await;
    assert_eq!(judged(&seen, "ops"), (false, true));
    assert_eq!(judged(&seen, "ops-cam"), (true, true));
    assert_eq!(judged(&seen, "off"), (false, false));
    assert_eq!(judged(&seen, "AdministratorAccess"), (true, true));
    assert_eq!(judged(&seen, "QcloudCVMReadOnlyAccess"), (false, true));
    assert_eq!(seen.policies["op"], None);
    assert_eq!(world.cloud.count("ListPolicies"), few.len());

    // Many names take one listing, and say the same.
    world.cloud.clear_log();
    let many: Vec<&str> = few.iter().copied().chain(["a", "b", "c"]).collect();
    let listed = world.read(&policies(&many)).await;
    assert_eq!(world.cloud.count("ListPolicies"), 1);
    for name in few {
        assert_eq!(listed.policies[name], seen.policies[name]);
    }
}

#[tokio::test]
async fn rights_that_administer_are_seen_through_groups_and_custom_documents() {
    let world = World::new().await;
    for name in ["through-group", "own", "harmless", "template"] {
        world.sub_user(name);
    }
    world.policy("quiet-name", "*");
    world.policy("ops", "cvm:*");
    for group in ["admins", "ops", "money"] {
        world.cloud.add_group(group);
    }
    world.cloud.attach_to_group("admins", "quiet-name").unwrap();
    world.cloud.attach_to_group("ops", "ops").unwrap();
    world
        .cloud
        .attach_to_group("money", "QCloudFinanceFullAccess")
        .unwrap();
    world.cloud.join("through-group", "ops").unwrap();
    world.cloud.join("through-group", "admins").unwrap();
    world.cloud.attach("own", "AdministratorAccess").unwrap();
    world.cloud.join("harmless", "ops").unwrap();
    world.cloud.attach("harmless", "ops").unwrap();
    world.cloud.join("template", "money").unwrap();
    world.cloud.attach("template", "quiet-name").unwrap();
    let uin = |name: &str| world.cloud.uin(name);
    let needs = Needs {
        group_names: ["ops".to_owned()].into(),
        templates: ["template".to_owned()].into(),
        candidates: [uin("through-group"), uin("own"), uin("harmless")].into(),
        ..Needs::default()
    };
    let seen = world.read(&needs).await;
    let candidate = |name: &str| seen.candidates[&uin(name)].as_deref();
    assert_eq!(candidate("through-group"), Some("quiet-name"));
    assert_eq!(candidate("own"), Some("AdministratorAccess"));
    assert_eq!(candidate("harmless"), None);
    let group = |name: &str| seen.group_named(name).unwrap();
    assert_eq!(group("ops").administers, None);
    let money = group("money");
    assert_eq!(
        money.administers.as_deref(),
        Some("QCloudFinanceFullAccess")
    );
    assert!(money.members.is_some(), "followed groups have members");
    assert_eq!(group("admins").members, None, "a candidate's need not");
    let template = seen.templates["template"].as_ref().unwrap();
    assert_eq!(template.groups, [money.id].into());
    assert!(template.policies[0].administers && template.policies[0].usable);
    // Each policy's document was read once.
    assert_eq!(world.cloud.count("GetPolicy"), 2);
}

#[tokio::test]
async fn a_policy_that_is_not_the_one_that_a_rule_came_to_is_told() {
    let world = World::new().await;
    world.policy("ops", "cvm:*");
    world.policy("edited", "cvm:*");
    world.policy("admin", "*");
    let needs = policies(&["ops", "edited", "admin"]);
    let replaced = |seen: &ObservedGrants| {
        let mut names: Vec<String> = seen
            .policies
            .values()
            .flatten()
            .filter(|p| p.replaced)
            .map(|p| p.name.clone())
            .collect();
        names.sort();
        names
    };
    // Before anything was recorded, there is nothing to compare with.
    let shown = world.try_read(&needs, false).await.unwrap();
    assert!(replaced(&shown).is_empty());
    assert!(replaced(&world.read(&needs).await).is_empty());
    assert!(replaced(&world.read(&needs).await).is_empty());
    world.remove_policy("ops");
    world.policy("ops", "cvm:*");
    world.cloud.with(|cloud| {
        let id = cloud.policy("edited").unwrap().id;
        let edited = cloud.policies.get_mut(&id).unwrap();
        edited.document = edited.document.replace("cvm:*", "*");
    });
    assert_eq!(replaced(&world.read(&needs).await), ["edited", "ops"]);
    // It stays so, also for a plan that only shows.
    let shown = world.try_read(&needs, false).await.unwrap();
    assert_eq!(replaced(&shown), ["edited", "ops"]);
    // A part of the sources says nothing of what the others name.
    let (observed, now) = (world.observed(), world.now);
    observe_grants(
        &world.ledger,
        &world.cam,
        &Needs::default(),
        &observed,
        now,
        true,
        false,
    )
    .await
    .unwrap();
    assert_eq!(world.ledger.policy_pins().unwrap().len(), 3);
    // Once no rule names it, the next is a first time.
    world.read(&policies(&["admin"])).await;
    assert!(replaced(&world.read(&needs).await).is_empty());
}

#[tokio::test]
async fn the_deny_all_policy_is_used_for_what_it_says() {
    let world = World::new().await;
    let needs = Needs {
        deny_all: true,
        ..Needs::default()
    };
    assert_eq!(world.read(&needs).await.deny_all, DenyAllPolicy::Missing);
    let spaced = DENY_ALL_DOCUMENT.replace(':', " : ");
    let id = world.custom(DENY_ALL, &spaced);
    assert_eq!(world.read(&needs).await.deny_all, DenyAllPolicy::Denies(id));
    world.cloud.with(|cloud| {
        let policy = cloud.policies.get_mut(&id).unwrap();
        policy.document = policy.document.replace("deny", "allow");
    });
    let seen = world.read(&needs).await;
    assert_eq!(seen.deny_all, DenyAllPolicy::SaysOtherwise);
    assert_eq!(
        world.read(&policies(&["x"])).await.deny_all,
        DenyAllPolicy::Unread
    );
}

/// Records that a group is to be made, and an attempt of which nothing is known.
fn lose_a_creation(world: &World, group: &str, mark: &str) {
    let change = Planned {
        sub_user: None,
        kind: Kind::CreateGroup,
        object: Some(Object::group(group, None)),
        source: "acme".into(),
        member: String::new(),
        username: String::new(),
        reason: Reason::Granted {
            rule: 7,
            like: None,
        },
        before: None,
        after: None,
        evidence: None,
        adoption: None,
        rule_login: None,
        empties: Vec::new(),
        hold: None,
    };
    world.ledger.ensure_source("acme", "fake", None).unwrap();
    world
        .ledger
        .record_plan(&mut Recording {
            now: world.now,
            actor: "camsync",
            changes: &[change],
            facts: &KnownFacts::new(),
            notes: &[],
            undecided: &BTreeSet::new(),
            judgements: &[],
            memory: &Memory::default(),
            sources: &HashSet::from(["acme".to_owned()]),
            retry_failed: false,
            mark: &mut || mark.to_owned(),
        })
        .unwrap();
}

fn attempt(world: &World, end: Event) {
    let change = world.ledger.outbox().unwrap()[0].id;
    world.ledger.start_attempt(change, world.now).unwrap();
    let end = AttemptEnd {
        event: end,
        request_id: None,
        failure: None,
        effect: None,
        next_attempt_at: None,
        hold: None,
    };
    world.ledger.end_attempt(change, world.now, &end).unwrap();
}

#[tokio::test]
async fn a_group_whose_creation_was_lost_is_taken_in() {
    let world = World::new().await;
    lose_a_creation(&world, "wecom-3", "mark1");
    let remark = "made by a rule [camsync:mark1]";
    let made = world.cloud.by_hand(
        "CreateGroup",
        json!({"GroupName": "wecom-3", "Remark": remark}),
    );
    let id = made.unwrap()["GroupId"].as_u64().unwrap();
    let needs = groups(&["unrelated"]);
    let known = |world: &World| world.ledger.made_objects().unwrap()[0].cam_id;
    // A mark without an attempt is a copy: it gives nobody anything.
    world.read(&needs).await;
    assert_eq!(known(&world), None);
    attempt(&world, Event::TryAgain);
    // A plan that only shows takes nothing in.
    world.try_read(&needs, false).await.unwrap();
    assert_eq!(known(&world), None);
    let seen = world.read(&needs).await;
    assert_eq!(known(&world), Some(id));
    assert!(seen.group(id).unwrap().members.is_some());
    let changes = world.ledger.changes(&ChangeFilter::default()).unwrap();
    assert_eq!(changes[0].status, Status::Applied);
    assert!(world.ledger.outbox().unwrap().is_empty());
}
