//! Of a member whom camsync manages nothing is believed that one look-up says: a second one must say the same.

use camsync::pipeline::Presence;
use camsync_core::model::Member;

use crate::inprocess::Small;

/// What looking m10 up comes to: the name found, or nothing for somebody who is gone; and whether only a crawl can tell.
async fn look_up(small: &Small) -> (Vec<Option<String>>, bool) {
    let ids = ["m10".to_owned()];
    let looked_up = small.engine.look_up("acme", &ids).await.unwrap();
    let ready = looked_up.gathered.ready.iter();
    let found = ready.flat_map(|ready| &ready.looked_up);
    let found = found.map(|finding| finding.what.as_ref().ok().map(|facts| facts.name.clone()));
    (found.collect(), looked_up.needs_crawl)
}

fn there(small: &Small, name: &str) -> Presence {
    Presence::Present(Box::new(Member {
        name: name.into(),
        ..small.shown("m10")
    }))
}

#[tokio::test]
async fn what_changed_is_believed_when_a_second_look_says_the_same() {
    let small = Small::with(2, false).await;
    let before = small.answer([there(&small, "New"), there(&small, "New")]);
    let found = look_up(&small).await;
    assert_eq!(found, (vec![Some("New".into())], false));
    assert_eq!(small.look_ups(), before + 2);
}

#[tokio::test]
async fn who_is_as_they_were_is_looked_at_once() {
    let small = Small::with(2, false).await;
    let before = small.answer([there(&small, "Name m10")]);
    let found = look_up(&small).await;
    assert_eq!(found, (vec![Some("Name m10".into())], false));
    assert_eq!(small.look_ups(), before + 1);
}

#[tokio::test]
async fn two_looks_that_differ_settle_nothing() {
    let small = Small::with(2, false).await;
    let gone = || Presence::Gone("60111".into());
    let unknown = || Presence::Unknown("no answer".into());
    let looks = [
        [there(&small, "New"), there(&small, "Newer")],
        [there(&small, "New"), gone()],
        [gone(), there(&small, "New")],
        [gone(), unknown()],
        [there(&small, "New"), unknown()],
    ];
    for answers in looks {
        small.answer(answers);
        assert_eq!(look_up(&small).await, (Vec::new(), true));
    }
    let before = small.answer([unknown()]);
    assert_eq!(look_up(&small).await, (Vec::new(), true));
    assert_eq!(
        small.look_ups(),
        before + 1,
        "nothing was said that a second look could confirm"
    );
    small.answer([gone(), gone()]);
    assert_eq!(look_up(&small).await, (vec![None], false));
}
