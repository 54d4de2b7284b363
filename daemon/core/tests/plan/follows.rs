//! A rule that follows another sub-user: what that one has is given, what administers is not.

use std::collections::BTreeMap;

use camsync_core::grants::{Given, Template};
use camsync_core::object::ObjectKind;
use camsync_core::problem::Problem;

use crate::world::{World, given, group, policy, wanted};

/// Ann follows zoe, who is in rd and has Read of her own.
fn follower() -> World {
    let mut world = World::with(&["ann"]);
    world.grants.set_groups(vec![group(7, "rd", &[])]);
    world.own("ann");
    world.entitlement("ann").like.push(wanted("zoe"));
    let template = Template {
        groups: [7].into(),
        policies: vec![policy(3, "Read")],
    };
    world.grants.templates.insert("zoe".into(), Some(template));
    world
}

fn template(world: &mut World) -> &mut Template {
    world
        .grants
        .templates
        .get_mut("zoe")
        .unwrap()
        .as_mut()
        .unwrap()
}

fn follows() -> Vec<Given> {
    let like = |given| Given {
        like: Some("zoe".into()),
        ..given
    };
    vec![
        like(given(ObjectKind::Group, "rd", 7)),
        like(given(ObjectKind::Policy, "Read", 3)),
    ]
}

#[test]
fn who_follows_another_has_what_that_one_has() {
    let because = "zoe has it, which the rule in line 20 follows";
    assert_eq!(
        follower().changes(),
        [
            format!("add_to_group ann [group rd 7]: {because}"),
            format!("attach_policy ann [policy Read 3]: {because}"),
        ]
    );
}

#[test]
fn neither_the_denial_nor_what_cannot_be_given_is_followed() {
    let mut world = follower();
    template(&mut world).groups.clear();
    template(&mut world).policies[0].usable = false;
    template(&mut world)
        .policies
        .push(policy(5, "camsync-deny-all"));
    assert!(world.changes().is_empty());
}

#[test]
fn what_administers_is_not_followed_and_not_taken_either() {
    let mut world = follower();
    template(&mut world).policies[0].administers = true;
    let mut admins = group(7, "rd", &[]);
    admins.administers = Some("Admin".into());
    world.grants.set_groups(vec![admins.clone()]);
    assert!(world.changes().is_empty());
    let through = |policy: &str, through: &str| Problem::Administers {
        policy: policy.into(),
        through: Some(through.into()),
        rule: 20,
    };
    let told = [through("Admin", "rd"), through("Read", "zoe")];
    assert_eq!(world.problems("ann"), told);
    world.row("ann").given = follows();
    admins.members = Some([101].into());
    world.grants.set_groups(vec![admins]);
    world.own("ann").policies = Some(BTreeMap::from([(3, "Read".into())]));
    assert!(world.changes().is_empty(), "{:?}", world.changes());
}

#[test]
fn what_came_from_somebody_who_is_not_there_any_more_stays() {
    let mut world = follower();
    world.row("ann").given = follows();
    world.grants.set_groups(vec![group(7, "rd", &[101])]);
    world.own("ann").policies = Some(BTreeMap::from([(3, "Read".into())]));
    assert!(world.changes().is_empty());
    world.grants.templates.insert("zoe".into(), None);
    assert!(world.changes().is_empty());
    let template = "zoe".to_owned();
    assert_eq!(
        world.problems("ann"),
        [Problem::NoTemplate { template, rule: 20 }]
    );
    world.row("ann").given[0].like = Some("yan".into());
    assert_eq!(
        world.changes(),
        [
            "remove_from_group ann [group rd 7]: no grant rule calls for it any more; \
             it was given by the rule in line 20 | on excluded"
        ],
        "but not what came from others"
    );
}
