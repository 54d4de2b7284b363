//! What people ask of the product, and what the oracle must know of it.

use camsync::ledger::{NewApplication, PlanRow};
use camsync::ops::{self, Request};
use camsync::pipeline::{Clock as _, ProgressSink};
use camsync_core::outbox::Status;
use camsync_core::sub_user::Stage;

use crate::company::PEOPLE;
use crate::people::Ask;
use crate::step::Sky;

use super::{SOURCE, World};

impl World {
    /// Has a request carried out; whether it was.
    pub(super) fn request(&mut self, request: Request, sky: &Sky) -> bool {
        let done = self.under(sky, async |context| {
            ops::run(context, request, "cli:ann", &ProgressSink::none())
                .await
                .is_ok()
        });
        done == Some(true)
    }

    pub(super) fn plan(&self, which: usize) -> Option<PlanRow> {
        let held = self.ledger.plans(Some("held"), None, None, None);
        let held = held.unwrap_or_default();
        held.get(which % held.len().max(1)).cloned()
    }

    pub(super) fn ask(&mut self, ask: Ask, sky: &Sky) {
        let id = |who: usize| PEOPLE[who].to_owned();
        let source = || Some(SOURCE.to_owned());
        match ask {
            Ask::Approve(which) => {
                if let Some(plan) = self.plan(which) {
                    self.approve(&plan, sky);
                }
            }
            Ask::Discard(which) => {
                if let Some(plan) = self.plan(which) {
                    self.request(Request::DiscardPlan { id: plan.id }, sky);
                }
            }
            Ask::Suspend(who) => {
                let done = self.request(suspend(who), sky);
                self.note_stopped();
                if let (true, Some(uin)) = (done, self.account(PEOPLE[who])) {
                    self.is_off(uin);
                }
            }
            Ask::Resume(who, keys) => {
                let uin = self.account(PEOPLE[who]);
                self.oracle().resumed(uin, PEOPLE[who]);
                let request = Request::Resume {
                    id: id(who),
                    source: source(),
                    keys,
                };
                self.request(request, sky);
                self.note_stopped();
            }
            Ask::Protect(who, protected) => {
                let request = Request::Protect {
                    id: id(who),
                    source: source(),
                    protected,
                };
                self.request(request, sky);
                self.note_protected();
            }
            Ask::Release(who) => {
                let uin = self.account(PEOPLE[who]);
                let request = Request::Release {
                    id: id(who),
                    source: source(),
                };
                self.oracle().releasing = uin;
                self.request(request, sky);
                self.oracle().releasing = None;
                let row = self.ledger.latest_sub_user_of(SOURCE, PEOPLE[who]);
                let stage = row.ok().flatten().map(|row| row.stage);
                if let (Some(Stage::Released), Some(uin)) = (stage, uin) {
                    self.oracle().released(uin, PEOPLE[who]);
                }
            }
            Ask::Apply(who) => {
                let _ = self.ledger.enter_application(
                    &NewApplication {
                        source: SOURCE,
                        key: PEOPLE[who],
                        member: PEOPLE[who],
                        name: PEOPLE[who],
                        reason: "",
                        approved_by: None,
                    },
                    self.clock.now(),
                    PEOPLE[who],
                );
            }
            Ask::Decide(which, yes) => {
                let pending = self.ledger.applications(Some("pending"), None, None, None);
                let pending = pending.unwrap_or_default();
                if let Some(row) = pending.get(which % pending.len().max(1)) {
                    let request = if yes {
                        Request::ApproveApplication { id: row.id }
                    } else {
                        Request::DenyApplication {
                            id: row.id,
                            reason: None,
                        }
                    };
                    self.request(request, sky);
                }
            }
            Ask::Freeze(frozen) => {
                self.request(Request::Freeze { frozen }, sky);
            }
            Ask::Retry(which) => {
                if let Some(id) = self.change(&[Status::Failed, Status::Held], which) {
                    self.oracle().plans = false;
                    self.request(Request::RetryChange { id }, sky);
                    self.oracle().plans = true;
                }
            }
            Ask::Cancel(which) => {
                if let Some(id) = self.change(&[Status::Pending, Status::Held], which) {
                    self.request(Request::CancelChange { id }, sky);
                }
            }
        }
    }

    pub(super) fn approve(&mut self, plan: &PlanRow, sky: &Sky) {
        let now = self.clock.now();
        // What is approved is carried out by the same command: the oracle has to know before.
        self.oracle().approved(plan, now);
        self.request(Request::ApprovePlan { id: plan.id }, sky);
        let stands = self.ledger.plan(plan.id).ok().flatten();
        if stands.is_none_or(|p| p.decided_at.is_none()) {
            self.oracle().not_approved(plan);
        }
    }

    fn change(&self, of: &[Status], which: usize) -> Option<i64> {
        let all = self
            .ledger
            .changes(&camsync::ledger::ChangeFilter::default());
        let all: Vec<i64> = all
            .unwrap_or_default()
            .into_iter()
            .filter(|c| of.contains(&c.status))
            .map(|c| c.id)
            .collect();
        all.get(which % all.len().max(1)).copied()
    }

    /// The account that was made for a member and is managed.
    fn account(&self, member: &str) -> Option<u64> {
        let found = self.ledger.latest_sub_user_of(SOURCE, member);
        found.ok().flatten().and_then(|s| s.uin)
    }

    /// Tells the oracle whose suspension by a person is recorded.
    pub(super) fn note_stopped(&self) {
        for row in self.ledger.living_sub_users().unwrap_or_default() {
            if let (Some(uin), true) = (row.uin, row.stopped_at.is_some()) {
                self.oracle().stopped(uin);
            }
        }
    }

    /// Who is told that somebody is suspended relies on it.
    fn is_off(&self, uin: u64) {
        let on = self.cam.look(|c| c.users.get(&uin).map(|u| u.login));
        if on == Some(true) {
            let said = format!("{uin} was reported as suspended, and may sign in");
            self.oracle().wrong("13", said);
        }
    }

    fn note_protected(&self) {
        for row in self.ledger.living_sub_users().unwrap_or_default() {
            if let Some(uin) = row.uin {
                self.oracle().protected(uin, row.protected);
            }
        }
    }
}

/// `members suspend`.
pub(super) fn suspend(who: usize) -> Request {
    Request::Suspend {
        id: PEOPLE[who].to_owned(),
        source: Some(SOURCE.to_owned()),
    }
}
