//! Every fault of WeCom on every endpoint, once and for as long as it is there: nobody loses access, the reason stands
//! in `status`, the exit status is 1, and once it is gone all is well. The faults are those that the simulator has, the
//! endpoints those that a pass is seen to ask.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use camsync_simulators::When;
use camsync_simulators::wecom::{Fault, VisibleRange};
use serde_json::Value;

use crate::tools::{self, Tuning, assert_nothing_twice, until};
use crate::world::{World, text};

/// A one-shot command may not hang on a provider for longer than the configured idle time and a little.
const PASS_LASTS: Duration = Duration::from_secs(15);

/// Two departments, a tag, a member named alone, a leaver to be looked up: every endpoint of a pass is asked.
fn arena() -> World {
    let world = tools::world(&Tuning {
        source: "limits = { idle = \"1s\", time = \"10s\", response = \"1MiB\" }".into(),
        leavers: "delete_after = \"never\"".into(),
        ..Tuning::default()
    });
    world.wecom.add_department(2, "研发部", 1);
    world.wecom.add_department(3, "市场部", 1);
    world.join(1..=3);
    world.wecom.add_member("r1", "研发", &[2]);
    world.wecom.add_member("alone", "独行", &[3]);
    world.wecom.add_member("tagged", "标签", &[3]);
    world.wecom.add_tag(7, "云管理员", &["tagged"], &[]);
    world.wecom.set_range(range());
    world.sync();
    assert_eq!(world.cam.user_names().len(), 3);
    world
}

fn range() -> VisibleRange {
    VisibleRange {
        members: ["alone".to_owned()].into(),
        departments: [2].into(),
        tags: [7].into(),
    }
}

/// Whether anybody lost anything.
fn assert_unharmed(world: &World, label: &str) {
    let lost: Vec<_> = world
        .cam
        .writes()
        .into_iter()
        .filter(|write| write.action != "AddUser")
        .collect();
    assert!(lost.is_empty(), "{label}: {lost:?}");
}

/// A pass under a fault: it ends in time, and says what it could not do.
fn pass(world: &World, label: &str) -> Value {
    let started = Instant::now();
    let output = world.run(&["sync", "--json"]);
    assert!(
        started.elapsed() < PASS_LASTS,
        "{label}: took {:?}",
        started.elapsed()
    );
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{label}: {e}: {}", text(&output.stderr)));
    let status = &world.read(&["status"])["sources"][0];
    if output.status.success() {
        assert_eq!(status["state"], "ok", "{label}: {status}");
    } else {
        assert_eq!(output.status.code(), Some(1), "{label}");
        assert_eq!(status["state"], "failing", "{label}: {report:#}");
        let said = status["error"].as_str().unwrap_or_default();
        assert!(said.len() > 10, "{label}: {status}");
        let message = report["failures"][0]["message"]
            .as_str()
            .unwrap_or_default();
        assert!(!message.is_empty(), "{label}: {report:#}");
    }
    assert_unharmed(world, label);
    report
}

fn failed(report: &Value) -> bool {
    !report["failures"].as_array().unwrap().is_empty()
}

fn heal(world: &World, label: &str) {
    world.wecom.clear_faults();
    // What was remembered of a refused token or address is no reason to refuse a pass by hand.
    let output = world.run(&["sync", "--json"]);
    assert!(
        output.status.success(),
        "{label}: not healed: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    assert_unharmed(world, label);
    assert_eq!(world.read(&["status"])["sources"][0]["state"], "ok");
}

/// Every kind of fault, about who and what is in the arena.
fn every() -> Vec<Fault> {
    Fault::every("r1", 2).collect()
}

/// Whether nothing can be learnt from such an answer, so that no pass is complete while it lasts.
fn says_nothing(fault: &Fault) -> bool {
    match fault {
        Fault::Errcode(_)
        | Fault::Http(_)
        | Fault::TruncatedJson
        | Fault::CutBody
        | Fault::JsonArray
        | Fault::EmptyBody
        | Fault::Flood(_)
        | Fault::NeverAnswer
        | Fault::Drip(_)
        | Fault::Reset
        | Fault::Hangup
        | Fault::Redirect(_) => true,
        Fault::Delay(_)
        | Fault::EmptyUserlist
        | Fault::MissDepartments(_)
        | Fault::MissMembers(_)
        | Fault::TokenExpired
        | Fault::TokenRevoked
        | Fault::Edit(_) => false,
    }
}

/// What WeCom refuses with, and the word that the reason must hold.
fn refusals() -> Vec<Fault> {
    [
        -1, 40001, 40014, 42001, 45009, 45033, 48002, 48009, 50001, 50003, 60003, 60011, 60020,
        60111, 301_002, 999_999,
    ]
    .map(Fault::Errcode)
    .into()
}

fn strike(endpoint: &'static str, faults: Vec<Fault>) {
    let world = arena();
    for fault in faults {
        let label = format!("{endpoint} for ever {fault:?}");
        let id = world.wecom.inject(When::action(endpoint), fault.clone());
        // Tokens are remembered while they are good; a process that starts anew asks for its own.
        let report = pass(&world, &label);
        assert!(world.wecom.fault_hits(id) > 0, "{label}: never struck");
        // A list that is too large is asked for in its short form: then nothing is missing.
        let short_form = endpoint == "department/list" && matches!(fault, Fault::Flood(_));
        assert!(
            short_form || failed(&report),
            "{label}: passed for complete: {report:#}"
        );
        // What was cut off while it waited names the limit that did it.
        let said = report["failures"].to_string();
        let named = said.contains(endpoint) || said.contains("limits.");
        assert!(short_form || named, "{label}: {said}");
        heal(&world, &label);
    }
    assert_nothing_twice(&world);
}

fn strike_once(endpoint: &'static str, faults: Vec<Fault>) {
    let world = arena();
    for fault in faults {
        let label = format!("{endpoint} once {fault:?}");
        let id = world
            .wecom
            .inject(When::action(endpoint).once(), fault.clone());
        pass(&world, &label);
        assert!(world.wecom.fault_hits(id) > 0, "{label}: never struck");
        heal(&world, &label);
    }
    assert_nothing_twice(&world);
}

const ENDPOINTS: [&str; 7] = [
    "gettoken",
    "agent/get",
    "department/list",
    "user/list",
    "user/get",
    "tag/list",
    "tag/get",
];

fn side_by_side(tasks: Vec<Box<dyn FnOnce() + Send>>) {
    let threads: Vec<_> = tasks.into_iter().map(std::thread::spawn).collect();
    let failed = threads
        .into_iter()
        .filter_map(|thread| thread.join().err())
        .count();
    assert_eq!(failed, 0, "see above");
}

fn each_endpoint(work: fn(&'static str)) {
    side_by_side(
        ENDPOINTS
            .map(|endpoint| -> Box<dyn FnOnce() + Send> { Box::new(move || work(endpoint)) })
            .into(),
    );
}

#[test]
fn a_pass_asks_no_endpoint_but_these() {
    let world = arena();
    world.wecom.remove_member("r1");
    world.sync();
    let asked: BTreeSet<String> = world.wecom.log().into_iter().map(|r| r.action).collect();
    assert_eq!(asked, ENDPOINTS.map(str::to_owned).into());
}

#[test]
fn any_fault_that_says_nothing_for_ever() {
    each_endpoint(|endpoint| {
        strike(endpoint, every().into_iter().filter(says_nothing).collect());
    });
}

/// What says something, and something wrong, for as long as it is there (invariant 4): a crawl may come to be complete, and
/// nobody loses anything. That user/get says of whoever is asked for that there is no such member is what a departure is:
/// the guard is against that, in `hostile_provider`.
#[test]
fn any_fault_that_says_something_wrong_for_ever() {
    each_endpoint(|endpoint| {
        let world = arena();
        for fault in every().into_iter().filter(|fault| !says_nothing(fault)) {
            if endpoint == "user/get" && matches!(fault, Fault::EmptyUserlist) {
                continue;
            }
            let label = format!("{endpoint} for ever {fault:?}");
            let id = world.wecom.inject(When::action(endpoint), fault);
            for _ in 0..2 {
                pass(&world, &label);
            }
            assert!(world.wecom.fault_hits(id) > 0, "{label}: never struck");
            heal(&world, &label);
        }
        assert_nothing_twice(&world);
    });
}

#[test]
fn any_fault_once() {
    each_endpoint(|endpoint| strike_once(endpoint, every()));
}

#[test]
fn a_refusal() {
    each_endpoint(|endpoint| strike_once(endpoint, refusals()));
}

#[test]
fn lists_that_come_back_short() {
    let world = arena();
    for (endpoint, fault) in [
        ("user/list", Fault::EmptyUserlist),
        ("user/list", Fault::MissMembers(vec!["r1".into()])),
        ("department/list", Fault::MissDepartments(vec![2])),
        ("department/simplelist", Fault::MissDepartments(vec![2])),
    ] {
        let label = format!("{endpoint} {fault:?}");
        world.wecom.inject(When::action(endpoint), fault);
        pass(&world, &label);
        heal(&world, &label);
    }
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_crawl_is_renewed_once() {
    let world = arena();
    for fault in [Fault::TokenExpired, Fault::TokenRevoked] {
        let label = format!("{fault:?}");
        world.wecom.clear_log();
        world
            .wecom
            .inject(When::action("user/list").once(), fault.clone());
        let report = pass(&world, &label);
        assert!(!failed(&report), "{label}: {report:#}");
        assert!(world.wecom.count("gettoken") <= 2, "{label}");
        // Again and again: it gives up instead of asking for tokens for ever.
        world.wecom.clear_faults();
        world.wecom.clear_log();
        world.wecom.inject(When::action("user/list"), fault);
        assert!(failed(&pass(&world, &label)), "{label}");
        assert!(world.wecom.count("gettoken") < 10, "{label}");
        heal(&world, &label);
    }
}

#[test]
fn what_the_administrator_of_wecom_may_do_to_us() {
    let world = arena();
    world.wecom.set_closed(true);
    assert!(failed(&pass(&world, "the app is closed")));
    world.wecom.set_closed(false);
    heal(&world, "the app is closed");

    world.wecom.set_range(VisibleRange::default());
    assert!(failed(&pass(&world, "the range is emptied")));
    world.wecom.set_range(range());
    heal(&world, "the range is emptied");

    world.wecom.configure(|options| options.ip_trusted = false);
    let report = pass(&world, "the address is not trusted");
    assert!(report.to_string().contains("60020"), "{report:#}");
    assert!(report.to_string().contains("203.0.113.7"), "{report:#}");
    world.wecom.configure(|options| options.ip_trusted = true);
    heal(&world, "the address is not trusted");

    world.wecom.inject(When::any(), Fault::Errcode(60011));
    assert!(failed(&pass(&world, "60011 everywhere")));
    heal(&world, "60011 everywhere");

    world.wecom.inject(When::any(), Fault::Errcode(40001));
    assert!(failed(&pass(&world, "40001 everywhere")));
    heal(&world, "40001 everywhere");
}

#[test]
fn a_throttle_is_not_waited_out_and_says_until_when() {
    let world = arena();
    world
        .wecom
        .inject(When::action("user/list"), Fault::Errcode(45009));
    let started = Instant::now();
    let report = pass(&world, "throttled");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(failed(&report));
    let output = world.run(&["sync"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("45009"), "{said}");
    heal(&world, "throttled");
}

#[test]
fn a_leaver_is_not_believed_to_be_gone_while_the_look_up_fails() {
    let world = arena();
    world.wecom.remove_member("r1");
    for fault in [
        Fault::Http(502),
        Fault::EmptyBody,
        Fault::Errcode(48009),
        Fault::Errcode(60011),
        Fault::JsonArray,
    ] {
        let label = format!("look-up {fault:?}");
        world
            .wecom
            .inject(When::action("user/get").key("r1"), fault);
        pass(&world, &label);
        assert!(world.cam.user("r1").unwrap().console_login, "{label}");
        world.wecom.clear_faults();
    }
    world.sync();
    assert!(!world.cam.user("r1").unwrap().console_login);
}

#[test]
fn a_provider_that_is_gone_and_comes_back() {
    let world = arena();
    world.block_on(world.wecom.stop());
    assert!(failed(&pass(&world, "stopped")));
    world.block_on(world.wecom.restart()).unwrap();
    heal(&world, "stopped");
    until("the state is ok", || {
        world.read(&["status"])["sources"][0]["state"] == "ok"
    });
}
