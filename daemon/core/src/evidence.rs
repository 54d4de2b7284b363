//! Why somebody's access may be taken: the evidence, strongest first, and the witness for absence.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The kind of evidence behind a removal. Each kind is a bucket of its own in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// The provider says disabled or left.
    Said,
    /// An administrator's rule edit.
    Excluded,
    /// Present, but changed facts match no admit rule any more.
    Unmatched,
    /// Changed facts would take a person's managed groups or policies.
    Regrouped,
    /// Missing from a complete crawl, and the witness agrees.
    Absent,
    /// What used to show them is no longer in the visible range. Always held.
    Hidden,
    /// Came back under an old id with another name. Always held: ids are reused.
    Returned,
    /// The grace is over: delete.
    Expired,
    /// A person asked for it, having been shown exactly this: the source is unlinked, or the member has another
    /// sub-user. Always held, for all that was not shown.
    Asked,
    /// An existing sub-user of the wanted name would be taken over. No removal, but always held, one by one.
    Adopt,
}

impl Evidence {
    /// All kinds, strongest first.
    pub const ALL: [Self; 10] = [
        Self::Said,
        Self::Excluded,
        Self::Unmatched,
        Self::Regrouped,
        Self::Absent,
        Self::Hidden,
        Self::Returned,
        Self::Expired,
        Self::Asked,
        Self::Adopt,
    ];

    /// The word in JSON and in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Excluded => "excluded",
            Self::Unmatched => "unmatched",
            Self::Regrouped => "regrouped",
            Self::Absent => "absent",
            Self::Hidden => "hidden",
            Self::Returned => "returned",
            Self::Expired => "expired",
            Self::Asked => "asked",
            Self::Adopt => "adopt",
        }
    }

    /// The evidence of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == word)
    }

    /// Whether a person must always decide, whatever the number.
    #[must_use]
    pub fn always_held(self) -> bool {
        matches!(
            self,
            Self::Hidden | Self::Returned | Self::Asked | Self::Adopt
        )
    }
}

/// What a look-up said of a member who is missing from a complete crawl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer", content = "text")]
pub enum Witness {
    /// The provider knows no such member.
    Gone(String),
    /// The provider says that the member exists but may not be seen.
    OutOfSight(String),
    /// No answer that settles it, or none yet. Early ledgers have `doubted` where another answer had come before.
    #[serde(alias = "doubted")]
    Unknown(String),
    /// The connector cannot look up; this many complete crawls, the first and last so many seconds apart, agree.
    Crawls {
        /// Complete crawls without the member.
        crawls: u32,
        /// Seconds from the first to the last of them.
        seconds: i64,
    },
}

/// What absence amounts to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// Counts as having left.
    Absent,
    /// No longer in the visible range: these items of the range are gone, or the provider said so.
    Hidden(Vec<String>),
    /// Not settled: nobody is removed.
    Unsettled,
}

/// Crawls that must agree where a connector cannot look up.
pub const CRAWLS_WITHOUT_WITNESS: u32 = 2;
/// Seconds between them.
pub const SECONDS_WITHOUT_WITNESS: i64 = 30 * 60;

/// Judges an absence: by the witness, and by whether the range still holds all that showed the member.
///
/// Losing any of what showed a member makes an absence that is settled `hidden`: nothing then tells a leaver from someone
/// who has merely been moved out of sight. One that is not is `hidden` only where all of it is lost: otherwise the crawl
/// should have shown the member, and may have left it out by mistake.
#[must_use]
pub fn judge_absence(shown_by: &[String], range: &BTreeSet<String>, witness: &Witness) -> Absence {
    let absence = match witness {
        Witness::Gone(_) => Absence::Absent,
        Witness::OutOfSight(text) => return Absence::Hidden(vec![text.clone()]),
        Witness::Unknown(_) => Absence::Unsettled,
        Witness::Crawls { crawls, seconds }
            if *crawls >= CRAWLS_WITHOUT_WITNESS && *seconds >= SECONDS_WITHOUT_WITNESS =>
        {
            Absence::Absent
        }
        Witness::Crawls { .. } => Absence::Unsettled,
    };
    let lost: Vec<String> = shown_by
        .iter()
        .filter(|item| !range.contains(*item))
        .cloned()
        .collect();
    // What the range still holds should have shown the member: nobody's answer says that it rightly did not.
    let still_shown = lost.len() < shown_by.len();
    if lost.is_empty() || (still_shown && absence == Absence::Unsettled) {
        absence
    } else {
        Absence::Hidden(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn gone_counts_only_while_the_range_holds_what_showed_the_member() {
        let gone = Witness::Gone("60111".into());
        let shown = vec!["department:7".to_owned()];
        assert_eq!(
            judge_absence(&shown, &range(&["department:7"]), &gone),
            Absence::Absent
        );
        assert_eq!(
            judge_absence(&shown, &range(&["department:8"]), &gone),
            Absence::Hidden(shown.clone())
        );
    }

    #[test]
    fn what_the_range_still_holds_should_have_shown_the_member() {
        let shown = ["department:4".to_owned(), "department:7".to_owned()];
        let range = range(&["department:7"]);
        let lost = Absence::Hidden(vec!["department:4".into()]);
        let unknown = Witness::Unknown("timeout".into());
        assert_eq!(judge_absence(&shown, &range, &unknown), Absence::Unsettled);
        let gone = Witness::Gone("60111".into());
        assert_eq!(judge_absence(&shown, &range, &gone), lost);
        let nothing = BTreeSet::new();
        assert_eq!(
            judge_absence(&shown, &nothing, &unknown),
            Absence::Hidden(shown.to_vec())
        );
    }

    #[test]
    fn no_answer_removes_nobody() {
        let shown = vec!["department:7".to_owned()];
        let range = range(&["department:7"]);
        let unknown = Witness::Unknown("timeout".into());
        assert_eq!(judge_absence(&shown, &range, &unknown), Absence::Unsettled);
        let one = Witness::Crawls {
            crawls: 1,
            seconds: 90_000,
        };
        assert_eq!(judge_absence(&shown, &range, &one), Absence::Unsettled);
        let soon = Witness::Crawls {
            crawls: 5,
            seconds: 60,
        };
        assert_eq!(judge_absence(&shown, &range, &soon), Absence::Unsettled);
        let enough = Witness::Crawls {
            crawls: 2,
            seconds: 1800,
        };
        assert_eq!(judge_absence(&shown, &range, &enough), Absence::Absent);
    }
}
