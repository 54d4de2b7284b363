//! Callbacks: WeCom says that something changed, and the sub-users follow within seconds, without a crawl by schedule.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use camsync_simulators::wecom::{Callback, CallbackKeys, change_contact};
use camsync_simulators::{When, wecom};

use crate::http::{Served, serving};
use crate::tools::{Tuning, assert_nothing_twice, assert_sound, configure, until, world};
use crate::world::World;

const CORP: &str = "ww0123456789abcdef";
const TOKEN: &str = "callback-token-51";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// Its schedule fires once a year: whatever happens here follows from callbacks.
pub fn called() -> World {
    let tuning = Tuning {
        source: "schedule = \"0 0 1 1 *\"".into(),
        secret: "{ env = \"WECOM_SECRET\" }\ncallback_token = { file = \"token\" }\n\
                 callback_aes_key = { file = \"aes\" }"
            .into(),
        ..Tuning::default()
    };
    let world = world(&tuning);
    for (name, value) in [("token", TOKEN), ("aes", KEY)] {
        let path = world.dir.path().join(name);
        std::fs::write(&path, value).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
    }
    configure(&world, &tuning);
    world
}

fn keys() -> CallbackKeys {
    CallbackKeys::new(TOKEN, KEY, CORP).unwrap()
}

pub fn event(kind: &str, user: &str) -> Callback {
    let now = chrono::Utc::now().timestamp();
    let text = change_contact(CORP, now, kind, &[("UserID", user)]);
    keys().event(&text, now, &format!("nonce{kind}{user}"))
}

/// WeCom says that a member's id has changed.
pub fn renamed(old: &str, new: &str) -> Callback {
    let now = chrono::Utc::now().timestamp();
    let fields = [("UserID", old), ("NewUserID", new)];
    let text = change_contact(CORP, now, "update_user", &fields);
    keys().event(&text, now, &format!("nonce{old}{new}"))
}

pub fn post(served: &Served<'_>, callback: &Callback) -> u16 {
    let path = format!("/webhooks/acme?{}", callback.query);
    let body = callback.body.clone();
    served.ask_with("POST", &path, "", |r| r.body(body)).status
}

/// Posts to whoever listens at this port of loopback, if anybody does; the status of the answer.
pub fn post_to(port: u16, callback: &Callback) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let Callback { query, body, .. } = callback;
    let request = format!(
        "POST /webhooks/acme?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let patience = Some(std::time::Duration::from_secs(5));
    stream.set_read_timeout(patience).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

pub fn ready(world: &World) -> Served<'_> {
    let served = serving(world);
    until("the first crawl is over", || {
        let status = world.read(&["status"]);
        status["sources"][0]["state"] == "ok"
            && status["changes"]["applied"] == status["sub_users"]["managed"]
    });
    served
}

#[test]
fn a_joiner_has_a_sub_user_and_a_leaver_no_sign_in_within_seconds_and_nobody_is_deleted() {
    let world = called();
    world.join(1..=4);
    let served = ready(&world);
    let crawls = world.wecom.count("user/list");
    world.join(5..=5);
    assert_eq!(post(&served, &event("create_user", "m5")), 200);
    until("the joiner has a sub-user", || {
        world.cam.user("m5").is_some()
    });
    world.leave(1..=1);
    assert_eq!(post(&served, &event("delete_user", "m1")), 200);
    until("the leaver's sign-in is off", || {
        !world.cam.user("m1").unwrap().console_login
            && world.member("m1")["sub_user"]["suspended"] == true
    });
    // The grace is one second, and over; without a complete crawl nobody is deleted, whatever is planned for besides.
    world.end_grace();
    world.join(6..=6);
    assert_eq!(post(&served, &event("delete_user", "m1")), 200);
    assert_eq!(post(&served, &event("create_user", "m6")), 200);
    until("another joiner has one", || world.cam.user("m6").is_some());
    let deletions = world.read(&["changes", "list", "--limit", "0"]);
    let deletions = deletions["changes"].as_array().unwrap().iter();
    let waiting: Vec<_> = deletions
        .filter(|c| c["kind"] == "delete_user")
        .map(|c| c["status"].as_str().unwrap())
        .collect();
    assert_eq!(waiting, ["held"]);
    assert!(world.cam.user("m1").is_some());
    assert_eq!(
        world.wecom.count("user/list"),
        crawls,
        "a crawl was needed: {}",
        served.process.stderr()
    );
    assert_nothing_twice(&world);
    assert_sound(&world);
}

#[test]
fn what_a_callback_says_is_never_believed() {
    let world = called();
    world.join(1..=4);
    let served = ready(&world);
    // m1 is there, whatever the callback says; and of m2 the provider first says one thing and then the other.
    assert_eq!(post(&served, &event("delete_user", "m1")), 200);
    let crawls = world.wecom.count("user/list");
    world.wecom.inject(
        When::action("user/get").key("m2").once(),
        wecom::Fault::Errcode(60111),
    );
    assert_eq!(post(&served, &event("delete_user", "m2")), 200);
    until("a crawl settles it", || {
        world.wecom.count("user/list") > crawls
    });
    until("it is planned for", || {
        world.read(&["status"])["sources"][0]["state"] == "ok"
    });
    for id in ["m1", "m2"] {
        assert!(world.cam.user(id).unwrap().console_login, "{id}");
    }
    assert_eq!(world.cam.count("UpdateUser"), 0);
}

#[test]
fn a_forged_one_is_refused_and_leads_to_nothing_a_replay_to_nothing_new() {
    let world = called();
    world.join(1..=2);
    let served = ready(&world);
    let looks = world.wecom.count("user/get");
    let mut forged = event("delete_user", "m1");
    forged.query = forged.query.replace("msg_signature=", "msg_signature=0");
    assert_eq!(post(&served, &forged), 403);
    let other = CallbackKeys::new("another-token", KEY, CORP).unwrap();
    let now = chrono::Utc::now().timestamp();
    let text = change_contact(CORP, now, "delete_user", &[("UserID", "m1")]);
    assert_eq!(post(&served, &other.event(&text, now, "n")), 403);
    let huge = Callback {
        body: "x".repeat(10 * 1024 * 1024),
        ..event("delete_user", "m1")
    };
    // Whoever goes on sending may find the connection closed before the answer.
    let sent = served.send("POST", &format!("/webhooks/acme?{}", huge.query), huge.body);
    assert!(sent.is_none_or(|status| status == 413), "{sent:?}");
    assert_eq!(served.ask("POST", "/webhooks/nobody", "").status, 404);
    assert_eq!(world.wecom.count("user/get"), looks);
    // The verification of the URL, as WeCom's console asks it.
    let verification = keys().verification("echo-7391", now, "nonce");
    let answer = served.ask("GET", &format!("/webhooks/acme?{}", verification.query), "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "echo-7391");
    let again = event("update_user", "m1");
    for _ in 0..50 {
        assert_eq!(post(&served, &again), 200);
    }
    until("it was looked at", || world.wecom.count("user/get") > looks);
    assert!(world.wecom.count("user/get") <= looks + 10);
    assert_eq!(world.cam.count("UpdateUser"), 0);
    let shown = &world.read(&["sources", "show", "acme"])["callbacks"];
    assert_eq!(shown["refused"], 2, "{shown}");
}

#[test]
fn a_burst_of_ten_thousand_is_answered_and_becomes_few_crawls() {
    const BURST: usize = 10_000;
    let world = called();
    world.join(1..=3);
    let served = ready(&world);
    let (looks, crawls) = (
        world.wecom.count("user/get"),
        world.wecom.count("user/list"),
    );
    let burst = (0..BURST).map(|n| {
        let callback = event("update_user", &format!("x{n}"));
        (format!("/webhooks/acme?{}", callback.query), callback.body)
    });
    let burst: Vec<_> = burst.collect();
    let began = std::time::Instant::now();
    let answers = served.post_all(&burst, 32);
    assert_eq!(answers.len(), BURST);
    // Whoever is told that there are too many at once sends again, as WeCom does; nobody is left without an answer.
    let taken = answers.iter().filter(|status| **status == 200).count();
    let busy = answers.iter().filter(|status| **status == 503).count();
    assert_eq!(taken + busy, answers.len());
    assert!(busy < answers.len() / 10, "{busy} were turned away");
    assert_eq!(served.ask("GET", "/readyz", "").status, 200);
    until("it led to a crawl", || {
        world.wecom.count("user/list") > crawls
    });
    // A joiner in the middle of it is served like any other.
    world.join(4..=4);
    assert_eq!(post(&served, &event("create_user", "m4")), 200);
    until("the joiner has a sub-user", || {
        world.cam.user("m4").is_some()
    });
    // One each ten seconds, on a machine that takes its time too; each reads the list of one department.
    let most = 8 + usize::try_from(began.elapsed().as_secs() / 10).unwrap();
    assert!(world.wecom.count("user/list") <= crawls + most);
    assert!(world.wecom.count("user/get") < looks + BURST / 10);
    let shown = &world.read(&["sources", "show", "acme"])["callbacks"];
    assert_eq!(shown["received"], taken + 1, "{shown}");
    assert_eq!(shown["refused"], 0, "{shown}");
}

#[test]
fn a_paused_source_is_left_alone_and_so_is_one_that_backs_off() {
    let world = called();
    world.join(1..=2);
    let served = ready(&world);
    let asked = || world.wecom.count("user/get") + world.wecom.count("user/list");
    let followed = |callback: &Callback, nothing: u64| {
        assert_eq!(post(&served, callback), 200);
        until("the callback was taken from those that wait", || {
            served.process.stderr().matches("left alone").count() as u64 == nothing
        });
    };
    let before = asked();
    world.does(&["sources", "pause", "acme"]);
    world.join(3..=3);
    followed(&event("create_user", "m3"), 1);
    world.does(&["sources", "resume", "acme"]);
    world
        .wecom
        .inject(When::action("user/list"), wecom::Fault::Http(502));
    world.run(&["sync"]);
    let failing = asked();
    followed(&event("update_user", "m3"), 2);
    assert_eq!(asked(), failing);
    assert!(failing > before && world.cam.user("m3").is_none());
}
