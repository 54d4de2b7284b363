//! What happens in the enterprise and on the way to it: the same in every run, as far as time allows.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use camsync_simulators::wecom::Status;
use camsync_simulators::{When, cam, wecom};

const DEPARTMENTS: u32 = 8;
/// The enterprise keeps about this size.
const MEMBERS: usize = 150;
/// So many of those who left last may come back.
const REMEMBERED: usize = 40;
/// Of so many beats, one brings a fault of CAM, most of them for a write.
const CAM_FAULTY: u64 = 5;
/// And one a fault of WeCom: each fails a crawl, after which the source is left alone until somebody asks.
const WECOM_FAULTY: u64 = 40;
/// The writes that a fault may meet.
const WRITES: [&str; 7] = [
    "AddUser",
    "UpdateUser",
    "DeleteUser",
    "AddUserToGroup",
    "RemoveUserFromGroup",
    "AttachUserPolicy",
    "DetachUserPolicy",
];

/// The churn, and how often what happened.
pub(super) struct Churn<'a> {
    wecom: &'a wecom::Simulator,
    cam: &'a cam::Simulator,
    dice: u64,
    next: u64,
    left: VecDeque<wecom::Member>,
    counts: [u32; 8],
}

const WORDS: [&str; 8] = [
    "joined",
    "left",
    "returned",
    "moved",
    "renamed",
    "disabled or enabled",
    "faults of WeCom",
    "faults of CAM",
];

impl<'a> Churn<'a> {
    pub(super) fn new(wecom: &'a wecom::Simulator, cam: &'a cam::Simulator) -> Self {
        for id in 2..2 + DEPARTMENTS {
            wecom.add_department(id, &format!("部门{id}"), 1);
        }
        let mut churn = Self {
            wecom,
            cam,
            dice: 0x9e37_79b9_7f4a_7c15,
            next: 0,
            left: VecDeque::new(),
            counts: [0; 8],
        };
        for _ in 0..MEMBERS {
            churn.join();
        }
        churn.counts = [0; 8];
        churn
    }

    /// One thing happens, and now and then something goes wrong on the way.
    pub(super) fn beat(&mut self) {
        match self.below(8) {
            0 | 1 if self.size() > MEMBERS => self.leave(),
            0 | 1 => self.join(),
            2 | 3 => self.leave(),
            4 => self.come_back(),
            5 => self.shift(),
            6 => self.rename(),
            _ => self.toggle(),
        }
        if self.below(WECOM_FAULTY) == 0 {
            self.hurt_wecom();
        }
        if self.below(CAM_FAULTY) == 0 {
            self.hurt_cam();
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        // Xorshift: small, and good enough to choose with.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % limit
    }

    fn size(&self) -> usize {
        self.wecom.with(|enterprise| enterprise.members.len())
    }

    fn department(&mut self) -> u32 {
        2 + u32::try_from(self.below(u64::from(DEPARTMENTS))).unwrap_or(0)
    }

    fn somebody(&mut self) -> Option<wecom::Member> {
        let members = self.wecom.with(|enterprise| enterprise.members.len());
        let at = self.below(members.max(1) as u64);
        let at = usize::try_from(at).unwrap_or(0);
        self.wecom
            .with(|enterprise| enterprise.members.values().nth(at).cloned())
    }

    fn join(&mut self) {
        self.next += 1;
        let (id, department) = (self.next, self.department());
        self.wecom
            .add_member(&format!("u{id}"), &format!("成员{id}"), &[department]);
        self.counts[0] += 1;
    }

    fn leave(&mut self) {
        let Some(member) = self.somebody() else {
            return;
        };
        self.wecom.remove_member(&member.userid);
        self.left.push_back(member);
        if self.left.len() > REMEMBERED {
            self.left.pop_front();
        }
        self.counts[1] += 1;
    }

    fn come_back(&mut self) {
        let at = self.below(REMEMBERED as u64);
        let Some(member) = usize::try_from(at).ok().and_then(|at| self.left.remove(at)) else {
            return self.join();
        };
        self.wecom.with(|enterprise| enterprise.add(member));
        self.counts[2] += 1;
    }

    fn shift(&mut self) {
        let (Some(member), department) = (self.somebody(), self.department()) else {
            return;
        };
        self.wecom.move_member(&member.userid, &[department]);
        self.counts[3] += 1;
    }

    fn rename(&mut self) {
        let Some(member) = self.somebody() else {
            return;
        };
        let times = self.below(1000);
        self.wecom
            .rename_member(&member.userid, &format!("改名{times}"));
        self.counts[4] += 1;
    }

    fn toggle(&mut self) {
        let Some(member) = self.somebody() else {
            return;
        };
        let status = match member.status {
            Status::Active if self.below(3) == 0 => Status::Disabled,
            _ => Status::Active,
        };
        self.wecom.set_status(&member.userid, status);
        self.counts[5] += 1;
    }

    fn hurt_wecom(&mut self) {
        use wecom::Fault;
        let faults = [
            Fault::Errcode(-1),
            Fault::Http(502),
            Fault::TruncatedJson,
            Fault::CutBody,
            Fault::EmptyBody,
            Fault::Reset,
            Fault::Hangup,
            Fault::EmptyUserlist,
            Fault::TokenExpired,
            Fault::TokenRevoked,
            Fault::Delay(Duration::from_millis(300)),
        ];
        let after = u32::try_from(self.below(20)).unwrap_or(0);
        let when = When::any().after(after).once();
        let which = self.below(faults.len() as u64);
        let fault = usize::try_from(which)
            .ok()
            .and_then(|at| faults.get(at).cloned());
        fault.map(|fault| self.wecom.inject(when, fault));
        self.counts[6] += 1;
    }

    fn hurt_cam(&mut self) {
        use cam::Fault;
        let faults = [
            Fault::AnswerLost,
            Fault::EffectLost,
            Fault::ResetAfter,
            Fault::InternalErrorBefore,
            Fault::InternalErrorAfter,
            Fault::Http(502),
            Fault::HttpAfter(502),
            Fault::TruncatedJson,
            Fault::CutBody,
            Fault::EmptyBody,
            Fault::SlowAnswer(Duration::from_millis(300)),
        ];
        let when = self.call();
        let which = self.below(faults.len() as u64);
        let fault = usize::try_from(which)
            .ok()
            .and_then(|at| faults.get(at).cloned());
        fault.map(|fault| self.cam.inject(when, fault));
        self.counts[7] += 1;
    }

    /// A request of CAM's that is to be hit: now and then any, else a write.
    fn call(&mut self) -> When {
        let any = self.below(10) == 0;
        let which = usize::try_from(self.below(WRITES.len() as u64)).unwrap_or(0);
        match WRITES.get(which) {
            Some(action) if !any => When::action(*action).once(),
            _ => When::any().once(),
        }
    }
}

impl fmt::Display for Churn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<String> = WORDS
            .iter()
            .zip(self.counts)
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        f.write_str(&said.join(", "))
    }
}
