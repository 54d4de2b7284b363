//! Look-up: members whom a callback named are asked for one by one, so that the snapshot need not wait for a crawl.
//! What would take something from somebody counts only when two look-ups agree; a look-up alone never deletes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ledger::{Finding, KnownMember, LedgerError};
use camsync_core::evidence::Witness;
use camsync_core::model::{Member, fold};

use super::crawl::Complete;
use super::crawls::Gathered;
use super::engine::Engine;
use super::reconcile::Ready;
use super::source::{Presence, Source};
use super::witness::{answers, corrected};

/// Between two look-ups that are to agree: a provider that is just changing answers itself otherwise.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Findings that a crawl which began before them must not overwrite, by source.
#[derive(Debug, Default)]
pub struct Findings(Mutex<HashMap<String, Vec<Finding>>>);

impl Findings {
    /// Keeps these for crawls that are under way.
    pub fn keep(&self, source: &str, new: &[Finding]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(source.to_owned())
            .or_default()
            .extend_from_slice(new);
    }

    /// Corrects a crawl by what was found since it began; older findings are forgotten.
    pub fn correct(&self, source: &str, complete: &mut Complete) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = all.get_mut(source) else {
            return;
        };
        found.retain(|f| f.at >= complete.started_at);
        let members = &mut complete.crawled.members;
        for finding in found.iter() {
            let place = members.binary_search_by(|m| m.key().cmp(&finding.key));
            match (&finding.what, place) {
                (Ok(facts), Ok(at)) => members[at] = Arc::new(corrected(&members[at], facts)),
                (Ok(facts), Err(at)) => members.insert(at, Arc::clone(facts)),
                (Err(text), place) => {
                    if let Ok(at) = place {
                        members.remove(at);
                    }
                    complete.witnesses.retain(|(key, _)| *key != finding.key);
                    let gone = Witness::Gone(text.clone());
                    complete.witnesses.push((finding.key.clone(), gone));
                }
            }
        }
    }
}

/// What looking members up came to.
#[derive(Debug)]
pub struct LookedUp {
    /// The source, with what was found out for sure.
    pub gathered: Gathered,
    /// Whether something is left that only a crawl can tell.
    pub needs_crawl: bool,
}

impl Engine {
    /// Looks up these members of a source. The snapshot is what it was until a plan is made.
    ///
    /// # Errors
    /// When the ledger fails; a provider that does not answer settles nothing.
    pub async fn look_up(&self, name: &str, ids: &[String]) -> Result<LookedUp, LedgerError> {
        let nothing = |needs_crawl| LookedUp {
            gathered: Gathered::default(),
            needs_crawl,
        };
        let Some(source) = self.source(name) else {
            return Ok(nothing(false));
        };
        if !source.can_look_up() || !self.crawls.is_confirmed(name, &source) {
            return Ok(nothing(true));
        }
        let at = self.clock().now();
        let (_, range) = self.ledger().departments_and_range(name)?;
        let known = self.ledger().known_members(name, ids)?;
        let first = settle(&known, &range, ids, answers(&*source, ids).await);
        let costly: Vec<String> = ids
            .iter()
            .filter(|id| {
                let key = fold(id);
                known.get(&key).is_some_and(|k| {
                    k.managed && first.get(&key).is_some_and(|found| found.differs(&k.facts))
                })
            })
            .cloned()
            .collect();
        let second = self.again(&*source, &known, &range, &costly).await;
        let mut needs_crawl = false;
        let mut found = Vec::new();
        for id in ids {
            let key = fold(id);
            let agreed = match (first.get(&key), costly.contains(id)) {
                (Some(once), true) => second.get(&key).filter(|twice| *twice == once),
                (once, _) => once,
            };
            match agreed {
                Some(Found::Present(facts)) => found.push(Finding {
                    key,
                    at,
                    what: Ok(Arc::clone(facts)),
                }),
                Some(Found::Gone(text)) if known.contains_key(&key) => found.push(Finding {
                    key,
                    at,
                    what: Err(text.clone()),
                }),
                Some(Found::Gone(_)) => {}
                Some(Found::Unsettled) | None => needs_crawl = true,
            }
        }
        // Of an id that is said to have changed, the old one is gone only together with the new one there.
        for renamed in self.hints().renamed(name, at) {
            let there = |f: &Finding| f.key == renamed.new && f.what.is_ok();
            if !found.iter().any(there) && !known.contains_key(&renamed.new) {
                let before = found.len();
                found.retain(|f| f.key != renamed.old || f.what.is_ok());
                needs_crawl |= found.len() < before;
            }
        }
        let mut ready = Ready::stored(name, &*source);
        ready.looked_up = found;
        Ok(LookedUp {
            gathered: Gathered {
                ready: vec![ready],
                ..Gathered::default()
            },
            needs_crawl,
        })
    }

    async fn again(
        &self,
        source: &dyn Source,
        known: &HashMap<String, KnownMember>,
        range: &BTreeSet<String>,
        ids: &[String],
    ) -> HashMap<String, Found> {
        if ids.is_empty() {
            return HashMap::new();
        }
        self.clock().sleep(SECOND_LOOK).await;
        settle(known, range, ids, answers(source, ids).await)
    }
}

/// What one look-up came to.
#[derive(Debug, Clone)]
enum Found {
    Present(Arc<Member>),
    Gone(String),
    /// Only a crawl can tell.
    Unsettled,
}

/// A provider's words may change from one answer to the next; what they mean is what must agree.
impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present(one), Self::Present(two)) => one == two,
            (Self::Gone(_), Self::Gone(_)) => true,
            _ => false,
        }
    }
}

impl Found {
    fn differs(&self, facts: &Member) -> bool {
        match self {
            Self::Present(found) => **found != *facts,
            Self::Gone(_) => true,
            Self::Unsettled => false,
        }
    }
}

fn settle(
    known: &HashMap<String, KnownMember>,
    range: &BTreeSet<String>,
    ids: &[String],
    answers: Vec<Presence>,
) -> HashMap<String, Found> {
    let found = ids.iter().zip(answers).map(|(id, answer)| {
        let key = fold(id);
        let found = match answer {
            Presence::Present(facts) => match known.get(&key) {
                Some(known) => Found::Present(Arc::new(corrected(&known.facts, &facts))),
                None => newcomer(*facts, range),
            },
            Presence::Gone(text) => Found::Gone(text),
            Presence::OutOfSight(_) | Presence::Unknown(_) => Found::Unsettled,
        };
        (key, found)
    });
    found.collect()
}

/// Somebody new is taken in when it is known what shows them; who is shown by a tag, or named alone, waits for a crawl.
fn newcomer(mut facts: Member, range: &BTreeSet<String>) -> Found {
    facts.shown_by.retain(|item| range.contains(item));
    if facts.shown_by.is_empty() {
        return Found::Unsettled;
    }
    Found::Present(Arc::new(facts))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::pipeline::source::Crawled;
    use chrono::{DateTime, TimeDelta, Utc};

    fn member(id: &str, name: &str) -> Member {
        Member {
            name: name.into(),
            ..crate::pipeline::tests::member(id)
        }
    }

    fn complete(started_at: DateTime<Utc>, members: &[&str]) -> Complete {
        Complete {
            started_at,
            ended_at: started_at + TimeDelta::seconds(60),
            crawled: Crawled {
                members: members
                    .iter()
                    .map(|id| Arc::new(member(id, "old")))
                    .collect(),
                ..Crawled::default()
            },
            witnesses: Vec::new(),
        }
    }

    fn finding(key: &str, at: DateTime<Utc>, what: Result<Member, &str>) -> Finding {
        Finding {
            key: key.into(),
            at,
            what: what.map(Arc::new).map_err(str::to_owned),
        }
    }

    fn names(complete: &Complete) -> Vec<(String, String)> {
        let members = complete.crawled.members.iter();
        members.map(|m| (m.id.clone(), m.name.clone())).collect()
    }

    fn pair(id: &str, name: &str) -> (String, String) {
        (id.into(), name.into())
    }

    #[test]
    fn a_crawl_does_not_overwrite_what_was_found_since_it_began_and_does_what_is_older() {
        let (findings, began) = (Findings::default(), Utc::now());
        let (before, after) = (began - TimeDelta::seconds(1), began + TimeDelta::seconds(1));
        findings.keep(
            "acme",
            &[
                finding("a", before, Err("gone")),
                finding("b", after, Err("gone")),
                finding("c", after, Ok(member("c", "new"))),
                finding("d", after, Ok(member("d", "new"))),
                finding("e", before, Ok(member("e", "stale"))),
            ],
        );
        let mut crawl = complete(began, &["a", "b", "d", "e"]);
        // What the crawl itself looked up is overtaken for b alone.
        let looked_up = |text: &str| Witness::Unknown(text.to_owned());
        crawl.witnesses = vec![("b".into(), looked_up("b")), ("x".into(), looked_up("x"))];
        findings.correct("acme", &mut crawl);
        assert_eq!(
            names(&crawl),
            [
                pair("a", "old"),
                pair("c", "new"),
                pair("d", "new"),
                pair("e", "old")
            ]
        );
        assert_eq!(
            crawl.witnesses,
            [
                ("x".into(), looked_up("x")),
                ("b".into(), Witness::Gone("gone".into()))
            ]
        );
        // The next crawl began after all of them, and knows better.
        let mut next = complete(began + TimeDelta::seconds(2), &["b"]);
        findings.correct("acme", &mut next);
        assert_eq!(names(&next), [pair("b", "old")]);
        assert!(next.witnesses.is_empty());
    }

    #[test]
    fn a_newcomer_is_taken_in_only_when_the_range_shows_them_and_words_need_not_agree() {
        let range: BTreeSet<String> = ["department:1".to_owned()].into();
        let (known, ids) = (HashMap::new(), ["x".to_owned()]);
        let settled = |facts: Member| {
            let answers = vec![Presence::Present(Box::new(facts))];
            settle(&known, &range, &ids, answers).remove("x").unwrap()
        };
        assert!(matches!(settled(member("x", "X")), Found::Present(_)));
        let mut elsewhere = member("x", "X");
        elsewhere.shown_by = vec!["department:9".into()];
        assert!(matches!(settled(elsewhere), Found::Unsettled));
        assert_eq!(Found::Gone("60111 a".into()), Found::Gone("60111 b".into()));
        assert_ne!(Found::Unsettled, Found::Unsettled);
    }
}
