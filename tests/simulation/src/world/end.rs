//! The end: faults are off, people decide, time passes, and the cloud must come to what is called for.

use std::sync::{Arc, PoisonError};

use camsync::ops::Request;
use camsync::pipeline::outbox::FROZEN;
use chrono::TimeDelta;

use crate::company::PEOPLE;
use crate::people::Ask;
use crate::step::{News, Sky};

use super::World;
use super::setting::happen;

/// Rounds after which it must have come.
const ROUNDS: usize = 25;

impl World {
    /// The end: nothing goes wrong any more, people decide all that waits for them, and time passes.
    pub(super) fn end(&mut self, steps: usize) {
        let mut place = steps;
        let mut quiet = 0;
        self.cam.forget_past();
        // An enterprise that shows nobody is never believed: somebody works there.
        {
            let mut company = self.provider.company();
            if PEOPLE.iter().all(|id| company.shown_by(id).is_empty()) {
                let seen = company.range.first().copied().unwrap_or_default();
                happen(&mut company, News::Join(0, seen, false));
                happen(&mut company, News::Move(0, seen));
            }
        }
        let fair = Sky::default();
        self.next(&mut place, 2);
        if self.ledger.meta(FROZEN).ok().flatten().is_some() {
            self.request(Request::Freeze { frozen: false }, &fair);
        }
        for round in 0..ROUNDS {
            if self.is_broken() {
                return;
            }
            if round == 3 {
                self.give_all_back(&mut place);
            }
            self.next(&mut place, 131);
            if round == 8 || round == 12 {
                // The grace of leavers, and of those whose removal waited for others.
                self.clock.advance(TimeDelta::days(6));
            }
            for plan in self
                .ledger
                .plans(Some("held"), None, None, None)
                .unwrap_or_default()
            {
                self.approve(&plan, &fair);
            }
            let before = self.oracle().trace.len();
            self.pass(true, &fair);
            self.tell();
            let held = self.plan(0).is_some();
            if round > 13 && before == self.oracle().trace.len() && !held {
                quiet += 1;
            }
            if quiet > 1 {
                break;
            }
        }
        if self.is_broken() {
            return;
        }
        if quiet < 2 {
            self.oracle()
                .wrong("end", "it never comes to rest".to_owned());
            return;
        }
        let oracle = Arc::clone(&self.oracle);
        self.cam.look(|cloud| {
            oracle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .at_the_end(cloud);
        });
    }

    /// What people took, they give back: then nothing is left that would keep the cloud from what is called for.
    fn give_all_back(&mut self, place: &mut usize) {
        for who in 0..PEOPLE.len() {
            self.next(place, 2);
            self.ask(Ask::Protect(who, false), &Sky::default());
            self.ask(Ask::Resume(who, true), &Sky::default());
        }
    }

    fn next(&mut self, place: &mut usize, minutes: i64) {
        *place += 1;
        self.oracle().step = *place;
        self.clock.advance(TimeDelta::minutes(minutes));
        self.tell();
    }
}
