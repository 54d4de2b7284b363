//! Messages: a member is told by the provider what became of an application, once, and nobody else is.

use std::time::{Duration, Instant};

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, Message};

use crate::http::serving;
use crate::portal::asking;
use crate::portal_browser::Browser;
use crate::tools::until;
use crate::world::World;

const SEND: &str = "message/send";

/// The messages of one member, as one text each.
fn told(world: &World, member: &str) -> Vec<String> {
    let messages = world.wecom.messages();
    let mine = messages.iter().filter(|m| m.to == [member.to_owned()]);
    mine.map(|m| m.content.to_string()).collect()
}

fn all(world: &World) -> Vec<Message> {
    world.wecom.messages()
}

/// Messages that are neither sent nor given up.
fn waiting(world: &World) -> i64 {
    one(
        world,
        "SELECT count(*) FROM messages WHERE sent_at IS NULL AND given_up_at IS NULL",
    )
}

fn one(world: &World, sql: &str) -> i64 {
    world.ledger().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn who_is_let_in_is_told_once_with_the_portals_link() {
    let world = asking("");
    {
        let served = serving(&world);
        let id = Browser::of(&world, &served, "m1").apply("值班用-私密");
        world.does(&["applications", "approve", &id.to_string()]);
        until("the member is told", || !all(&world).is_empty());
        let message = &all(&world)[0];
        assert_eq!(
            (message.kind.as_str(), &message.to[..]),
            ("textcard", &["m1".to_owned()][..])
        );
        let card = &message.content;
        assert_eq!(card["title"], "腾讯云子用户已就绪");
        let text = card["description"].as_str().unwrap();
        assert!(text.contains("子用户 m1 已就绪"), "{text}");
        assert_eq!(card["url"], served.url("/portal"));
        until("that is recorded", || waiting(&world) == 0);
    }
    // What a restart looks at anew is told already.
    let looks = world.wecom.count(SEND);
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m2").apply("");
    world.does(&["applications", "deny", &id.to_string()]);
    until("the next one is told", || told(&world, "m2").len() == 1);
    assert_eq!(told(&world, "m1").len(), 1);
    assert_eq!(world.wecom.count(SEND), looks + 1, "each is sent once");
    until("that is recorded", || waiting(&world) == 0);
}

#[test]
fn who_is_denied_reads_the_note_and_nothing_of_anybody_else() {
    let world = asking(
        "[[notify]]\nkind = \"wecom-robot\"\nurl = { env = \"TOKEN_VIC\" }\nlanguage = \"en\"",
    );
    let served = serving(&world);
    let ids =
        ["m1", "m2"].map(|m| Browser::of(&world, &served, m).apply(&format!("reason-of-{m}")));
    for (id, note) in ids
        .iter()
        .zip(["ask <a href=x>your</a> lead", "other-note"])
    {
        world.does(&["applications", "deny", &id.to_string(), "--reason", note]);
    }
    until("both are told", || all(&world).len() == 2);
    let first = told(&world, "m1").remove(0);
    assert!(
        first.contains("is denied") && first.contains("ask ＜a href=x＞your＜/a＞ lead"),
        "{first}"
    );
    for message in all(&world) {
        let text = message.content.to_string();
        let mine = message.to[0].as_str();
        let (other, note) = if mine == "m1" {
            ("m2", "other-note")
        } else {
            ("m1", "your")
        };
        // Not who decided, nobody's reason, nobody else, no secret.
        for foreign in [
            other,
            note,
            "tester",
            "reason-of",
            "成员",
            crate::http::token("vic"),
            "access_token",
        ] {
            assert!(!text.contains(foreign), "{foreign} in {text}");
        }
    }
}

#[test]
fn what_wecom_does_not_take_is_sent_again_and_given_up_after_a_day() {
    let world = asking("");
    let fault = world
        .wecom
        .inject(When::action(SEND), Fault::Errcode(45009));
    let served = serving(&world);
    let browser = Browser::of(&world, &served, "m1");
    let id = browser.apply("");
    world.does(&["applications", "approve", &id.to_string()]);
    assert!(world.signs_in("m1"), "nothing waits for a message");
    until("it is refused", || {
        one(&world, "SELECT coalesce(max(attempts), 0) FROM messages") >= 1
    });
    assert_eq!(waiting(&world), 1);
    // The pause is over, and WeCom takes it.
    world.wecom.revoke_fault(fault);
    let due = "UPDATE messages SET next_attempt_at = NULL";
    world.ledger().execute(due, []).unwrap();
    until("it is told", || told(&world, "m1").len() == 1);

    world
        .wecom
        .inject(When::action(SEND), Fault::Errcode(60020));
    let id = Browser::of(&world, &served, "m2").apply("");
    world.does(&["applications", "deny", &id.to_string()]);
    until("it is refused", || {
        waiting(&world) == 1 && one(&world, "SELECT max(attempts) FROM messages") >= 1
    });
    let late = "UPDATE messages SET next_attempt_at = NULL, noticed_at = '2026-01-01T00:00:00.000Z' WHERE sent_at IS NULL";
    world.ledger().execute(late, []).unwrap();
    until("it is given up", || waiting(&world) == 0);
    until("the log says so", || {
        served.process.stderr().contains("given up")
    });
    world.wecom.clear_faults();
    let id = Browser::of(&world, &served, "m3").apply("");
    world.does(&["applications", "deny", &id.to_string()]);
    until("others are told", || told(&world, "m3").len() == 1);
    assert_eq!(told(&world, "m2").len(), 0);
}

#[test]
fn others_of_a_source_wait_with_the_one_that_met_its_trouble() {
    let world = asking("");
    let fault = world
        .wecom
        .inject(When::action(SEND), Fault::Errcode(45009));
    let ids = {
        let served = serving(&world);
        ["m1", "m2", "m3"].map(|m| Browser::of(&world, &served, m).apply(""))
    };
    for id in ids {
        world.does(&["applications", "deny", &id.to_string()]);
    }
    let _served = serving(&world);
    until("all wait for the same moment", || {
        one(
            &world,
            "SELECT count(*) FROM messages WHERE next_attempt_at IS NOT NULL",
        ) == 3
    });
    let moments = "SELECT count(DISTINCT next_attempt_at) FROM messages";
    assert_eq!(one(&world, moments), 1);
    assert_eq!(one(&world, "SELECT sum(attempts) FROM messages"), 1);
    world.wecom.revoke_fault(fault);
    let due = "UPDATE messages SET next_attempt_at = NULL";
    world.ledger().execute(due, []).unwrap();
    until("all are told", || all(&world).len() == 3);
}

#[test]
fn switched_off_nobody_is_told_and_switched_on_again_the_days_news_are() {
    let off = "[applications]\nmessages = false\n";
    let world = asking(off);
    let served = serving(&world);
    let id = Browser::of(&world, &served, "m1").apply("");
    world.does(&["applications", "deny", &id.to_string()]);
    let file = world.dir.path().join("camsync.toml");
    let on = std::fs::read_to_string(&file)
        .unwrap()
        .replace("messages = false", "messages = true");
    // It looks for news every 3 s.
    let decided = Instant::now();
    until("it has looked twice", || {
        decided.elapsed() > Duration::from_secs(7)
    });
    assert_eq!(world.wecom.count(SEND), 0);
    std::fs::write(&file, on).unwrap();
    until("the member is told", || told(&world, "m1").len() == 1);
}

#[test]
fn an_answer_that_is_lost_does_not_tell_twice() {
    let world = asking("");
    let served = serving(&world);
    let fault = world
        .wecom
        .inject(When::action(SEND).once(), Fault::TruncatedJson);
    let id = Browser::of(&world, &served, "m1").apply("");
    world.does(&["applications", "deny", &id.to_string()]);
    until("it is told", || {
        waiting(&world) == 0 && !all(&world).is_empty()
    });
    assert!(world.wecom.fault_hits(fault) > 0);
    assert!(world.wecom.count(SEND) >= 2);
    assert_eq!(all(&world).len(), 1);
    // A crash after WeCom took it and before that was written.
    let asked = world.wecom.count(SEND);
    let unknown = "UPDATE messages SET sent_at = NULL";
    world.ledger().execute(unknown, []).unwrap();
    until("it is sent again", || {
        world.wecom.count(SEND) > asked && waiting(&world) == 0
    });
    assert_eq!(all(&world).len(), 1);
}
