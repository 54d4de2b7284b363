//! What people do: by hand in the cloud's console, and with the product's own commands.

use crate::cloud::Cloud;
use crate::company::PEOPLE;
use crate::oracle::Oracle;
use crate::rules::TEMPLATE;

/// Groups that people meddle with.
const GROUPS: [&str; 5] = ["rd", "sales", "ops", "dept-R&D", "dept-Sales"];
/// [`crate::rules::ADMIN`] and [`crate::rules::READ`], by id.
const POLICIES: [u64; 2] = [1, 2];

/// Something that somebody does in the console. `who` is an index into [`PEOPLE`]: the sub-user that was made for that
/// member, if there is one. Other numbers choose among what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// Makes a user of a member's name.
    Stranger(usize),
    /// Deletes a user and makes another one of its name.
    Swap(usize),
    /// Switches sign-in.
    Login(usize, bool),
    /// Writes another remark.
    Remark(usize),
    /// Deletes a user.
    Delete(usize),
    /// Takes it out of a group.
    Out(usize, usize),
    /// Puts it into a group.
    Into(usize, usize),
    /// Attaches a policy.
    Attach(usize, usize),
    /// Detaches all policies.
    Detach(usize),
    /// Makes a key.
    Key(usize),
    /// Switches all keys.
    Keys(usize, bool),
    /// Makes a group.
    Group(usize),
    /// Deletes one.
    Ungroup(usize),
    /// Gives a group the policy that administers, or takes it.
    Power(usize, bool),
    /// The same with the template.
    TemplatePower(bool),
}

impl Hand {
    /// Does it.
    pub fn act(&self, cloud: &mut Cloud, oracle: &mut Oracle) {
        oracle.altered();
        let mine = |who: usize| {
            let mut users = cloud.users.values();
            users
                .find(|u| u.made_for.as_deref() == Some(PEOPLE[who]))
                .map(|u| u.uin)
        };
        match *self {
            Self::Stranger(who) => {
                let _ = cloud.add_user(PEOPLE[who], "somebody else", true, None);
            }
            Self::Swap(who) => {
                let Some(user) = mine(who).and_then(|uin| cloud.users.remove(&uin)) else {
                    return;
                };
                oracle.deleted(user.uin, PEOPLE[who]);
                oracle.swapped(&user.name);
                let _ = cloud.add_user(&user.name, "somebody else", true, None);
            }
            Self::Login(who, on) => {
                let Some(user) = mine(who).and_then(|uin| cloud.users.get_mut(&uin)) else {
                    return;
                };
                match (user.login, on) {
                    (true, false) => oracle.took_login(user.uin),
                    (false, true) => oracle.gave_login(user.uin),
                    _ => {}
                }
                user.login = on;
            }
            Self::Remark(who) => {
                if let Some(user) = mine(who).and_then(|uin| cloud.users.get_mut(&uin)) {
                    user.remark = "written by hand".to_owned();
                    oracle.wrote_remark(user.uin);
                }
            }
            Self::Delete(who) => {
                if let Some(uin) = mine(who) {
                    cloud.users.remove(&uin);
                    oracle.deleted(uin, PEOPLE[who]);
                }
            }
            Self::Out(who, which) => {
                let Some(user) = mine(who).and_then(|uin| cloud.users.get_mut(&uin)) else {
                    return;
                };
                let count = user.groups.len().max(1);
                let Some(group) = user.groups.iter().nth(which % count).copied() else {
                    return;
                };
                user.groups.remove(&group);
                let uin = user.uin;
                if let Some(found) = cloud.groups.get(&group) {
                    oracle.took_group(uin, group, &found.name);
                }
            }
            Self::Into(who, which) => {
                let group = cloud.groups.keys().nth(which % cloud.groups.len().max(1));
                if let (Some(uin), Some(group)) = (mine(who), group.copied()) {
                    let was = cloud
                        .users
                        .get(&uin)
                        .is_some_and(|u| u.groups.contains(&group));
                    if cloud.membership(group, uin, true).is_ok() && !was {
                        oracle.put_into(cloud, uin, group);
                    }
                }
            }
            Self::Attach(who, which) => {
                if let Some(uin) = mine(who) {
                    let _ = cloud.attachment(POLICIES[which % POLICIES.len()], uin, true);
                }
            }
            Self::Detach(who) => {
                if let Some(user) = mine(who).and_then(|uin| cloud.users.get_mut(&uin)) {
                    user.policies.clear();
                }
            }
            Self::Key(who) => {
                if let Some(uin) = mine(who) {
                    let _ = cloud.add_key(uin);
                }
            }
            Self::Keys(who, on) => {
                if let Some(user) = mine(who).and_then(|uin| cloud.users.get_mut(&uin)) {
                    user.keys.values_mut().for_each(|active| *active = on);
                }
            }
            Self::Group(which) => {
                let _ = cloud.add_group(GROUPS[which % GROUPS.len()], "", false);
            }
            Self::Ungroup(which) => {
                let name = GROUPS[which % GROUPS.len()];
                let Some((id, _)) = cloud.group(name) else {
                    return;
                };
                let members: Vec<u64> = cloud.members(id).map(|u| u.uin).collect();
                let _ = cloud.delete_group(id);
                for uin in members {
                    oracle.took_group(uin, id, name);
                }
                oracle.powerful(id, false);
            }
            Self::Power(which, is) => {
                let name = GROUPS[which % GROUPS.len()];
                let Some((id, _)) = cloud.group(name) else {
                    return;
                };
                if let Some(group) = cloud.groups.get_mut(&id) {
                    if is {
                        group.policies.insert(POLICIES[0]);
                    } else {
                        group.policies.remove(&POLICIES[0]);
                    }
                    oracle.powerful(id, is);
                }
            }
            Self::TemplatePower(is) => {
                let template = cloud.user(TEMPLATE).map(|u| u.uin);
                if let Some(uin) = template {
                    let _ = cloud.attachment(POLICIES[0], uin, is);
                }
            }
        }
    }
}

/// Something that a person asks of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Approves one of the plans that are held.
    Approve(usize),
    /// Discards one.
    Discard(usize),
    /// `members suspend`.
    Suspend(usize),
    /// `members resume`, with keys.
    Resume(usize, bool),
    /// `members protect`, and off.
    Protect(usize, bool),
    /// `members release`.
    Release(usize),
    /// A member applies.
    Apply(usize),
    /// Approves or denies one of the applications that wait.
    Decide(usize, bool),
    /// `freeze`, `thaw`.
    Freeze(bool),
    /// `changes retry` of one that failed or is held.
    Retry(usize),
    /// `changes cancel` of one that waits.
    Cancel(usize),
}
