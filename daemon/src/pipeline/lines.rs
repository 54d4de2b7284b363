//! Lines: whose changes keep an order among themselves, who works on which, and what waits for what another line makes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use camsync_core::object::ObjectKind;

use crate::ledger::ChangeRow;

/// Whose changes keep an order among themselves: one sub-user's, or those about one group or policy alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// A sub-user's, by the ledger's id.
    SubUser(i64),
    /// A group's or policy's, by name.
    Object(ObjectKind, String),
}

impl Line {
    /// The line that a change stands in.
    pub(super) fn of(change: &ChangeRow) -> Self {
        match (change.sub_user, &change.object) {
            (Some(sub_user), _) => Self::SubUser(sub_user),
            (None, Some(object)) => Self::Object(object.kind, object.name.clone()),
            // No change is about nothing; one that were would keep its own order.
            (None, None) => Self::SubUser(-change.id),
        }
    }
}

/// Lines that are being worked on: two workers in one process, a pass and an emergency, never meet at one.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashSet<Line>>);

/// One line's claim; given back when dropped.
pub(super) struct Claim<'a> {
    claims: &'a Claims,
    line: Line,
}

impl Claims {
    /// Takes a line, unless somebody else has it.
    pub(super) fn take(&self, line: &Line) -> Option<Claim<'_>> {
        let free = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(line.clone());
        // Made only when it is free: a claim that is dropped gives the line back.
        free.then(|| Claim {
            claims: self,
            line: line.clone(),
        })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut taken = self.claims.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.line);
    }
}

/// The changes that a worker has before it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    queues: HashMap<Line, VecDeque<ChangeRow>>,
    /// Lines whose next change may be begun.
    ready: VecDeque<Line>,
    /// By line: those whose next change needs what that one is to make.
    blocked: HashMap<Line, Vec<Line>>,
}

impl Lines {
    /// Adds a change behind those of its line.
    pub(super) fn add(&mut self, change: ChangeRow) {
        let line = Line::of(&change);
        let queue = self.queues.entry(line.clone()).or_default();
        if queue.is_empty() {
            self.ready.push_back(line);
        }
        queue.push_back(change);
    }

    /// The line whose turn it is.
    pub(super) fn next(&mut self) -> Option<Line> {
        self.ready.pop_front()
    }

    /// A line's turn comes again.
    pub(super) fn again(&mut self, line: Line) {
        self.ready.push_back(line);
    }

    /// What is next in a line.
    pub(super) fn front(&self, line: &Line) -> Option<&ChangeRow> {
        self.queues.get(line)?.front()
    }

    /// Puts another reading of the change in its place.
    pub(super) fn replace_front(&mut self, line: &Line, change: ChangeRow) {
        if let Some(front) = self.queues.get_mut(line).and_then(VecDeque::front_mut) {
            *front = change;
        }
    }

    /// Whether changes stand in a line.
    pub(super) fn has(&self, line: &Line) -> bool {
        self.queues.contains_key(line)
    }

    /// A line waits until the next step of another one is done, however that ends.
    pub(super) fn block(&mut self, line: Line, maker: Line) {
        self.blocked.entry(maker).or_default().push(line);
    }

    /// The front of a line is done with; what follows is next, and whoever waited for it looks again. What follows goes
    /// first: the kinds of changes have rates of their own, and a line after the other keeps all of them busy, where all
    /// first changes before all second ones would keep one busy after the other.
    pub(super) fn advance(&mut self, line: &Line) {
        if let Some(queue) = self.queues.get_mut(line) {
            queue.pop_front();
            if queue.is_empty() {
                self.queues.remove(line);
            } else {
                self.ready.push_front(line.clone());
            }
        }
        self.ready
            .extend(self.blocked.remove(line).into_iter().flatten());
    }

    /// How many changes are left.
    pub(super) fn len(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }
}
