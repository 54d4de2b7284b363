#![allow(clippy::unwrap_used)]

use super::*;
use crate::notify::cause::Cause;
use proptest::prelude::*;

const ALL: [Event; 4] = [
    Event::Held,
    Event::Failed,
    Event::SourceDown,
    Event::Recovered,
];

fn gone(n: u8) -> Cause {
    Cause::SourceGone {
        source: format!("s{n}"),
        members: 1,
    }
}

fn wants(on: &[Event]) -> BTreeMap<String, Vec<Event>> {
    [("t".to_owned(), on.to_vec())].into()
}

/// A ledger with one target, and what it was sent.
#[derive(Default)]
struct Model {
    rows: Vec<NotificationRow>,
    sent: Vec<(String, bool)>,
    next: i64,
}

impl Model {
    fn look(&mut self, causes: &[u8], undecided: &[u8], on: &[Event]) {
        let keyed = |n: &u8| (gone(*n).key(), gone(*n));
        let standing = Standing {
            causes: causes.iter().map(keyed).collect(),
            undecided: undecided.iter().map(|n| gone(*n).key()).collect(),
        };
        for step in steps(&standing, &self.rows, &wants(on)) {
            let now = chrono::Utc::now();
            match step {
                NotificationStep::Notice {
                    target,
                    cause,
                    detail,
                } => {
                    self.next += 1;
                    self.rows.push(NotificationRow {
                        id: self.next,
                        target,
                        cause,
                        detail,
                        noticed_at: now,
                        sent_at: None,
                        over_at: None,
                    });
                }
                NotificationStep::Over(id) => self.row(id).over_at = Some(now),
                NotificationStep::Back(id) => self.row(id).over_at = None,
                NotificationStep::Forget(id) => self.rows.retain(|r| r.id != id),
            }
        }
    }

    fn row(&mut self, id: i64) -> &mut NotificationRow {
        self.rows.iter_mut().find(|r| r.id == id).unwrap()
    }

    fn send(&mut self) {
        for row in &mut self.rows {
            if row.over_at.is_some() {
                self.sent.push((row.cause.clone(), true));
            } else if row.sent_at.is_none() {
                self.sent.push((row.cause.clone(), false));
                row.sent_at = Some(chrono::Utc::now());
            }
        }
        self.rows.retain(|r| r.over_at.is_none());
    }
}

#[test]
fn once_a_cause_and_once_when_it_is_over() {
    let mut model = Model::default();
    for causes in [&[1][..], &[1], &[1, 2], &[2], &[2], &[], &[]] {
        model.look(causes, &[], &ALL);
        model.send();
    }
    let sent: Vec<(&str, bool)> = model.sent.iter().map(|(k, o)| (k.as_str(), *o)).collect();
    assert_eq!(
        sent,
        [
            ("gone:s1", false),
            ("gone:s2", false),
            ("gone:s1", true),
            ("gone:s2", true)
        ]
    );
    assert!(model.rows.is_empty());
}

#[test]
fn over_is_told_only_to_those_who_were_told_and_want_it() {
    let mut model = Model::default();
    // Over before it was sent.
    model.look(&[1], &[], &ALL);
    model.look(&[], &[], &ALL);
    model.send();
    assert_eq!(model.sent, []);
    // Told to one who does not ask for the end.
    model.look(&[1], &[], &[Event::Held]);
    model.send();
    model.look(&[], &[], &[Event::Held]);
    model.send();
    assert_eq!(model.sent.len(), 1);
    // Not told at all to one who asks for something else.
    model.look(&[1], &[], &[Event::Failed, Event::Recovered]);
    model.send();
    assert_eq!(model.sent.len(), 1);
    assert!(model.rows.is_empty());
}

#[test]
fn what_is_undecided_or_back_in_time_says_nothing() {
    let mut model = Model::default();
    model.look(&[1], &[], &ALL);
    model.send();
    model.look(&[], &[1], &ALL);
    model.send();
    model.look(&[], &[], &ALL);
    // Back before the end was sent.
    model.look(&[1], &[], &ALL);
    model.send();
    assert_eq!(model.sent.len(), 1);
}

proptest! {
    /// Whatever comes and goes, and whenever sending works: told and over take turns, beginning with told.
    #[test]
    fn told_and_over_take_turns(looks in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<bool>()), 1..40)) {
        let bits = |mask: u8| (0..4).filter(|n| mask & (1 << n) != 0).collect::<Vec<u8>>();
        let mut model = Model::default();
        for (causes, undecided, sends) in looks {
            model.look(&bits(causes), &bits(undecided), &ALL);
            if sends {
                model.send();
            }
        }
        model.look(&[], &[], &ALL);
        model.send();
        prop_assert!(model.rows.is_empty());
        for n in 0..4 {
            let key = gone(n).key();
            let turns: Vec<bool> = model.sent.iter().filter(|(k, _)| *k == key).map(|(_, over)| *over).collect();
            prop_assert!(turns.iter().enumerate().all(|(at, over)| *over != at.is_multiple_of(2)), "{turns:?}");
            prop_assert!(turns.len().is_multiple_of(2));
        }
    }
}
