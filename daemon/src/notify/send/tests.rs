#![allow(clippy::unwrap_used)]

use super::*;
use crate::notify::text::tests::{each, notice};

fn digest(tongue: Tongue, count: usize) -> Digest {
    let all: Vec<(bool, Said)> = each()
        .into_iter()
        .cycle()
        .take(count)
        .map(|cause| (false, text::said(tongue, &notice(cause, None))))
        .collect();
    Digest::of(tongue, &all)
}

#[test]
fn a_robots_message_keeps_within_what_wecom_takes_and_counts_what_is_left() {
    for tongue in [Tongue::Chinese, Tongue::English] {
        for count in [1, 2, 15, 400] {
            let content = robot::content(&digest(tongue, count));
            assert!(content.len() <= 4096, "{count}: {}", content.len());
            assert_eq!(content.contains('…'), count > 15, "{count}: {content}");
        }
        let content = robot::content(&digest(tongue, 400));
        let shown = content.matches("**").count() / 2 - 1;
        assert!(
            content.ends_with(&text::more(tongue, 400 - shown)),
            "{content}"
        );
    }
}

#[test]
fn names_cannot_make_links_mentions_or_fonts() {
    let said = Said {
        title: "<@all> [x](http://evil)".into(),
        text: "**a** `b`".into(),
        ..Said::default()
    };
    let content = robot::content(&Digest::one(Tongue::English, said));
    assert!(!content.contains(['<', '[']), "{content}");
}

#[test]
fn what_needs_a_person_comes_before_what_is_over() {
    let said = |title: &str| Said {
        title: title.into(),
        ..Said::default()
    };
    let digest = Digest::of(Tongue::English, &[(true, said("b")), (false, said("a"))]);
    assert_eq!(digest.items[0].title, "a");
    assert_eq!(digest.title, "needs a person: 1, over: 1");
}
