//! Guard: which removals of a plan wait for a person. Pure, and monotone: more removals are never freer.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::change::{Hold, Planned, RemovalKey};
use crate::evidence::Evidence;
use crate::rules::Guard;

/// However few are managed, this many removals of one kind of evidence are free.
const ALWAYS_FREE: u32 = 3;

/// A bucket: one kind of evidence of one source. An adoption by name is a bucket of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bucket {
    /// The source.
    pub source: String,
    /// The evidence.
    pub evidence: Evidence,
    /// For adoptions, whose.
    pub member: Option<String>,
}

/// A plan that a person has not decided on, or has discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The plan's id.
    pub id: i64,
    /// The removals that were shown.
    pub removals: BTreeSet<RemovalKey>,
    /// Discarded rather than held.
    pub discarded: bool,
}

/// What the guard remembers from earlier plans.
#[derive(Debug, Default)]
pub struct Memory {
    /// Plans that still stand, by bucket.
    pub standing: HashMap<Bucket, Standing>,
    /// Pairs that a person has approved, and the approval still holds; by the plan that it came from.
    pub approved: HashMap<(RemovalKey, Evidence), i64>,
    /// Removals already let through on this evidence that are still in the outbox: not counted again.
    pub released: HashSet<(RemovalKey, Evidence)>,
    /// Removals let through without approval within the window, by evidence.
    pub used: HashMap<Evidence, u32>,
    /// Managed sub-users of the target.
    pub managed: u32,
}

/// What the guard says of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Which bucket.
    pub bucket: Bucket,
    /// The removals it is about: neither approved nor under way.
    pub removals: BTreeSet<RemovalKey>,
    /// How many are free in the window.
    pub limit: u32,
    /// What becomes of them.
    pub decision: Decision,
}

/// What becomes of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Goes on.
    Free,
    /// The plan of this id stays held.
    StaysHeld(i64),
    /// Held anew, in place of the plan of this id if there is one.
    Held {
        /// The plan that it replaces.
        replaces: Option<i64>,
    },
    /// A person discarded this very set, or more.
    Silenced(i64),
}

/// How many removals of this evidence are free within the window.
#[must_use]
pub fn limit(guard: &Guard, evidence: Evidence, managed: u32) -> u32 {
    let share = |ratio: f64| {
        // Ratios are within 0..=1 and counts far below 2^53: the product is exact enough and in range.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let share = (f64::from(managed) * ratio).floor() as u32;
        share
    };
    if evidence.always_held() {
        return 0;
    }
    let limit = match evidence {
        Evidence::Said => share(guard.max_said_ratio),
        _ => share(guard.max_removal_ratio).min(guard.max_removals),
    };
    limit.max(ALWAYS_FREE)
}

/// Judges the removals of a plan, bucket by bucket, and marks those that must wait.
///
/// A removal that a standing plan shows is never let through because others in its bucket went away, nor
/// because time passed: only an approval, or the end of its evidence, ends its wait. Of sub-users in `undecided`, of
/// whom nothing could be decided this time, a standing plan goes on showing what it shows.
pub fn judge(
    guard: &Guard,
    memory: &Memory,
    undecided: &BTreeSet<i64>,
    changes: &mut [Planned],
) -> Vec<Judgement> {
    let mut buckets: BTreeMap<Bucket, BTreeSet<RemovalKey>> = BTreeMap::new();
    for change in changes.iter() {
        let Some(evidence) = change.evidence else {
            continue;
        };
        let pair = (change.removal_key(), evidence);
        let settled = memory.approved.contains_key(&pair)
            || (memory.released.contains(&pair) && !evidence.always_held());
        if !settled {
            buckets
                .entry(bucket(change, evidence))
                .or_default()
                .extend(change.removal_keys());
        }
    }
    for (bucket, standing) in &memory.standing {
        let open = |r: &&RemovalKey| r.sub_user().is_some_and(|id| undecided.contains(&id));
        let waiting: Vec<_> = standing.removals.iter().filter(open).cloned().collect();
        if !waiting.is_empty() {
            buckets.entry(bucket.clone()).or_default().extend(waiting);
        }
    }
    let mut used = memory.used.clone();
    let judgements: Vec<Judgement> = buckets
        .into_iter()
        .map(|(bucket, removals)| {
            let limit = limit(guard, bucket.evidence, memory.managed);
            let count = u32::try_from(removals.len()).unwrap_or(u32::MAX);
            let used = used.entry(bucket.evidence).or_default();
            let decision = match memory.standing.get(&bucket) {
                Some(s) if removals.is_subset(&s.removals) && s.discarded => {
                    Decision::Silenced(s.id)
                }
                Some(s) if removals.is_subset(&s.removals) => Decision::StaysHeld(s.id),
                Some(s) if !removals.is_disjoint(&s.removals) => Decision::Held {
                    replaces: Some(s.id),
                },
                _ if used.saturating_add(count) > limit => Decision::Held { replaces: None },
                _ => Decision::Free,
            };
            if decision == Decision::Free {
                *used += count;
            }
            Judgement {
                bucket,
                removals,
                limit,
                decision,
            }
        })
        .collect();
    let waiting: HashSet<&RemovalKey> = judgements
        .iter()
        .filter(|j| j.decision != Decision::Free)
        .flat_map(|j| &j.removals)
        .collect();
    for change in changes.iter_mut() {
        if change.evidence.is_some() && waiting.contains(&change.removal_key()) {
            change.hold = Some(Hold::Approval);
        }
    }
    judgements
}

/// The bucket that a change belongs to.
#[must_use]
pub fn bucket(change: &Planned, evidence: Evidence) -> Bucket {
    Bucket {
        source: change.source.clone(),
        evidence,
        member: (evidence == Evidence::Adopt).then(|| change.member.clone()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::change::{Reason, UserState};
    use crate::grounds::Grounds;
    use crate::outbox::Kind;
    use proptest::prelude::*;

    fn removal(id: i64, evidence: Evidence) -> Planned {
        Planned {
            sub_user: Some(id),
            kind: Kind::SuspendUser,
            object: None,
            source: "acme".into(),
            member: format!("m{id}"),
            username: format!("m{id}"),
            reason: Reason::Leaver {
                evidence,
                grounds: Grounds::Unmatched,
            },
            before: None,
            after: Some(UserState::login(false)),
            evidence: Some(evidence),
            adoption: None,
            rule_login: None,
            empties: Vec::new(),
            hold: None,
        }
    }

    fn removals(ids: std::ops::Range<i64>, evidence: Evidence) -> Vec<Planned> {
        ids.map(|id| removal(id, evidence)).collect()
    }

    fn memory(managed: u32) -> Memory {
        Memory {
            managed,
            ..Memory::default()
        }
    }

    fn standing(
        evidence: Evidence,
        ids: std::ops::Range<i64>,
        discarded: bool,
    ) -> (Bucket, Standing) {
        let shown = removals(ids, evidence);
        (
            bucket(shown.first().unwrap(), evidence),
            Standing {
                id: 7,
                removals: shown.iter().map(Planned::removal_key).collect(),
                discarded,
            },
        )
    }

    fn decide(memory: &Memory, changes: &mut [Planned]) -> Decision {
        judge(&Guard::default(), memory, &BTreeSet::new(), changes)[0].decision
    }

    #[test]
    fn the_smaller_of_number_and_ratio_binds_but_never_fewer_than_three() {
        let guard = Guard::default();
        assert_eq!(limit(&guard, Evidence::Absent, 10), 3);
        assert_eq!(limit(&guard, Evidence::Absent, 200), 10);
        assert_eq!(limit(&guard, Evidence::Absent, 10_000), 20);
        assert_eq!(limit(&guard, Evidence::Said, 10_000), 2500);
        assert_eq!(limit(&guard, Evidence::Hidden, 10_000), 0);
    }

    #[test]
    fn a_bucket_over_its_limit_waits_whole() {
        let mut changes = removals(0..4, Evidence::Absent);
        assert_eq!(
            decide(&memory(10), &mut changes),
            Decision::Held { replaces: None }
        );
        assert!(changes.iter().all(|c| c.hold == Some(Hold::Approval)));
        let mut changes = removals(0..3, Evidence::Absent);
        assert_eq!(decide(&memory(10), &mut changes), Decision::Free);
        assert!(changes.iter().all(|c| c.hold.is_none()));
    }

    #[test]
    fn the_window_counts_all_that_went_before() {
        let mut memory = memory(10);
        memory.used.insert(Evidence::Absent, 2);
        assert_eq!(
            decide(&memory, &mut removals(0..2, Evidence::Absent)),
            Decision::Held { replaces: None }
        );
        assert_eq!(
            decide(&memory, &mut removals(0..1, Evidence::Absent)),
            Decision::Free
        );
        assert_eq!(
            decide(&memory, &mut removals(0..3, Evidence::Said)),
            Decision::Free
        );
    }

    #[test]
    fn a_held_plan_keeps_its_id_while_it_shrinks_and_is_replaced_when_it_grows() {
        let mut memory = memory(10);
        let (bucket, held) = standing(Evidence::Absent, 0..5, false);
        memory.standing.insert(bucket, held);
        // Even below the limit: shrinking releases nothing.
        assert_eq!(
            decide(&memory, &mut removals(0..2, Evidence::Absent)),
            Decision::StaysHeld(7)
        );
        assert_eq!(
            decide(&memory, &mut removals(4..7, Evidence::Absent)),
            Decision::Held { replaces: Some(7) }
        );
    }

    #[test]
    fn whom_nothing_could_be_decided_of_stays_in_the_plan_that_shows_them() {
        let mut memory = memory(10);
        let (bucket, held) = standing(Evidence::Excluded, 0..5, false);
        let shown = held.removals.clone();
        memory.standing.insert(bucket, held);
        let judged = |changes: &mut [Planned], undecided: &[i64]| {
            let undecided = undecided.iter().copied().collect();
            judge(&Guard::default(), &memory, &undecided, changes)
        };
        let all = judged(&mut [], &[0, 1, 2, 3, 4, 9]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].decision, Decision::StaysHeld(7));
        assert_eq!(all[0].removals, shown);
        let some = judged(&mut removals(0..2, Evidence::Excluded), &[4]);
        assert_eq!(some[0].decision, Decision::StaysHeld(7));
        assert_eq!(some[0].removals.len(), 3);
        let more = judged(&mut removals(5..6, Evidence::Excluded), &[0]);
        assert_eq!(more[0].decision, Decision::Held { replaces: Some(7) });
        assert_eq!(more[0].removals.len(), 2);
        assert_eq!(judged(&mut [], &[9]), []);
    }

    #[test]
    fn a_discarded_set_is_silent_until_it_grows() {
        let mut memory = memory(10);
        let (bucket, discarded) = standing(Evidence::Absent, 0..5, true);
        memory.standing.insert(bucket, discarded);
        let mut same = removals(0..5, Evidence::Absent);
        assert_eq!(decide(&memory, &mut same), Decision::Silenced(7));
        assert!(same.iter().all(|c| c.hold.is_some()));
        assert_eq!(
            decide(&memory, &mut removals(0..6, Evidence::Absent)),
            Decision::Held { replaces: Some(7) }
        );
    }

    #[test]
    fn what_was_approved_goes_on_and_only_that() {
        let mut memory = memory(10);
        for change in removals(0..5, Evidence::Absent) {
            memory
                .approved
                .insert((change.removal_key(), Evidence::Absent), 7);
        }
        let mut changes = removals(0..9, Evidence::Absent);
        assert_eq!(
            decide(&memory, &mut changes),
            Decision::Held { replaces: None },
            "the four that nobody approved are over the limit"
        );
        let held: Vec<bool> = changes.iter().map(|c| c.hold.is_some()).collect();
        assert_eq!(
            held,
            [false, false, false, false, false, true, true, true, true]
        );
        // An approval is for one kind of evidence.
        let mut other = removals(0..5, Evidence::Unmatched);
        assert_eq!(
            decide(&memory, &mut other),
            Decision::Held { replaces: None }
        );
    }

    #[test]
    fn what_goes_on_under_way_is_not_counted_again_unless_it_rests_on_something_else_by_now() {
        let mut memory = memory(10);
        memory.used.insert(Evidence::Absent, 1);
        let under_way = removals(0..1, Evidence::Absent)[0].removal_key();
        memory
            .released
            .insert((under_way.clone(), Evidence::Absent));
        let mut changes = removals(0..3, Evidence::Absent);
        assert_eq!(decide(&memory, &mut changes), Decision::Free);
        memory.released = [(under_way, Evidence::Said)].into();
        assert_eq!(
            decide(&memory, &mut changes),
            Decision::Held { replaces: None },
            "one was taken on what was said: it is the fourth who is absent"
        );
    }

    #[test]
    fn hidden_and_returned_are_always_held() {
        for evidence in [
            Evidence::Hidden,
            Evidence::Returned,
            Evidence::Asked,
            Evidence::Adopt,
        ] {
            assert_eq!(
                decide(&memory(10_000), &mut removals(0..1, evidence)),
                Decision::Held { replaces: None }
            );
        }
    }

    proptest! {
        #[test]
        fn more_removals_are_never_freer(few in 1i64..40, more in 0i64..40, used in 0u32..30, managed in 0u32..2000) {
            let mut memory = memory(managed);
            memory.used.insert(Evidence::Absent, used);
            let small = decide(&memory, &mut removals(0..few, Evidence::Absent));
            let large = decide(&memory, &mut removals(0..few + more, Evidence::Absent));
            prop_assert!(!(small != Decision::Free && large == Decision::Free));
        }

        /// The more of the window is used, and the fewer there are, the less is free.
        #[test]
        fn a_fuller_window_and_a_smaller_account_are_never_freer(
            count in 1i64..40, used in 0u32..30, more in 0u32..30, managed in 0u32..2000, fewer in 0u32..2000,
        ) {
            let decide = |used, managed| {
                let mut memory = memory(managed);
                memory.used.insert(Evidence::Absent, used);
                decide(&memory, &mut removals(0..count, Evidence::Absent)) == Decision::Free
            };
            prop_assert!(decide(used, managed) || !decide(used + more, managed));
            prop_assert!(decide(used, managed) || !decide(used, managed.saturating_sub(fewer)));
        }
    }
}
