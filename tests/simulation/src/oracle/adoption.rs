//! What is taken over, and what is let go of when its member has left. Both are the ledger's word alone.

use camsync_core::sub_user::{Origin, Stage, SubUser};
use chrono::{DateTime, Utc};

use crate::cloud::{CALLER, Cloud};

use super::Oracle;
use super::access::APPROVAL;
use super::facts::What;

impl Oracle {
    /// Judges what the ledger newly says to be taken over or released, and keeps it in mind.
    pub fn adoptions(&mut self, cloud: &mut Cloud, now: DateTime<Utc>) {
        for row in self.ledger.latest_sub_users().unwrap_or_default() {
            let Some(uin) = row.uin.filter(|_| row.origin == Origin::Adopted) else {
                continue;
            };
            let user = cloud.users.get(&uin);
            let known = user.is_none_or(|u| u.made_for.is_some()) && !self.released.contains(&uin);
            match row.stage {
                Stage::Managed if !known => self.adopted(&row, uin, cloud, now),
                Stage::Released if known => self.let_go(&row, uin),
                _ => {}
            }
        }
    }

    fn adopted(&mut self, row: &SubUser, uin: u64, cloud: &mut Cloud, now: DateTime<Utc>) {
        let Some(user) = cloud.users.get(&uin) else {
            return;
        };
        let (name, member) = (&row.username, &row.member);
        let mut approvals = self.approved.iter();
        let agreed = approvals.any(|((username, evidence, _), (at, _))| {
            username == name && *evidence == "adopt" && now - *at < APPROVAL
        });
        if !agreed {
            self.wrong("5", format!("{name} is taken over, and nobody agreed"));
        }
        if uin == CALLER || self.member_of(name).as_deref() != Some(member) {
            self.wrong("5", format!("{name} is taken over for {member}"));
        }
        // What others gave a released one meanwhile, the plan may not have seen.
        let administers = user.policies.iter().any(|id| cloud.administers(*id));
        if administers && user.made_for.is_none() && !self.administrator(member) {
            self.wrong("12", format!("{name}, which administers, is taken over"));
        }
        if self.facts.settled(member, &What::SubUser, false, self.sure) {
            let said = format!("{name} is taken over although {member} is not entitled any more");
            self.wrong("8", said);
        }
        if !user.login {
            self.adopted_off.insert(uin);
        }
        self.switched_on.remove(&uin);
        self.released.remove(&uin);
        if let Some(user) = cloud.users.get_mut(&uin) {
            user.made_for = Some(member.clone());
            user.adopted = true;
        }
    }

    /// 4: only whose member has left, or is admitted no more, and whom nobody protects.
    fn let_go(&mut self, row: &SubUser, uin: u64) {
        let (name, member) = (&row.username, &row.member);
        if self.releasing == Some(uin) {
            return;
        }
        if self.facts.settled(member, &What::SubUser, true, self.sure) {
            let said = format!("{name} is released although {member} is entitled to it");
            self.wrong("4", said);
        }
        if self.facts.settled(member, &What::Disabled, true, self.sure) {
            let said = format!("{name} is released although {member} is only disabled");
            self.wrong("4", said);
        }
        if self.protected.contains(&uin) {
            self.wrong("4", format!("{name} is released although it is protected"));
        }
        self.released(uin, member);
    }
}
