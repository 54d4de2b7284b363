//! Whatever a connector does, its call ends with the reason, and everything else stays as it was.

use std::time::{Duration, Instant};

use camsync_connector_host::{CallError, Connector, Limit, Limits, types::Failure};
use serde_json::{Value, json};

use crate::support::{connector, crawl, session, source};

const SHORT: Duration = Duration::from_millis(200);

async fn ended(
    connector: &Connector,
    settings: Value,
    limits: impl FnOnce(&mut Limits),
) -> CallError {
    let mut context = source(settings);
    limits(&mut context.limits);
    crawl(&connector.session(context).unwrap())
        .await
        .0
        .unwrap_err()
}

fn bug_of(error: &CallError) -> &str {
    match error {
        CallError::Connector(Failure::Bug { message }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_endless_loop_ends() {
    let connector = connector().await;
    let error = ended(&connector, json!({"behaviour": "loop"}), |limits| {
        limits.time = SHORT
    })
    .await;
    assert_eq!(error, CallError::Limit(Limit::Time { allowed_ms: 200 }));
    let error = ended(&connector, json!({"behaviour": "loop"}), |limits| {
        limits.idle = SHORT
    })
    .await;
    assert_eq!(
        error,
        CallError::Limit(Limit::Idle {
            allowed_ms: 200,
            computing: true
        })
    );
    let mut context = source(json!({"behaviour": "loop"}));
    context.limits.idle = SHORT;
    let error = connector
        .session(context)
        .unwrap()
        .check("en")
        .await
        .unwrap_err();
    assert!(
        matches!(error, CallError::Limit(Limit::Idle { .. })),
        "{error}"
    );
}

/// One thread runs all of it, and still the loop leaves room for the other source.
#[tokio::test(flavor = "current_thread")]
async fn an_endless_loop_leaves_others_their_turn() {
    let connector = connector().await;
    let mut context = source(json!({"behaviour": "loop"}));
    context.limits.time = Duration::from_secs(5);
    let looping = connector.session(context).unwrap();
    let other = connector
        .session(source(json!({"behaviour": "find"})))
        .unwrap();
    let start = Instant::now();
    tokio::select! {
        (outcome, _) = crawl(&looping) => panic!("{outcome:?}"),
        (outcome, sink) = crawl(&other) => {
            assert!(outcome.unwrap().complete);
            assert_eq!(sink.members.len(), 2);
        }
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// Calls of one session run on any thread, and at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_side_by_side() {
    let session = std::sync::Arc::new(session("find").await);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let session = std::sync::Arc::clone(&session);
            tokio::spawn(async move { crawl(&session).await })
        })
        .collect();
    for call in calls {
        let (outcome, sink) = call.await.unwrap();
        assert!(outcome.unwrap().complete);
        assert_eq!(sink.members.len(), 2);
    }
}

#[tokio::test]
async fn a_memory_bomb_ends() {
    let error = ended(
        &connector().await,
        json!({"behaviour": "memory"}),
        |limits| limits.memory = 16 << 20,
    )
    .await;
    assert_eq!(error, CallError::Limit(Limit::Memory { bytes: 16 << 20 }));
}

#[tokio::test]
async fn endless_recursion_ends() {
    let (outcome, _) = crawl(&session("stack").await).await;
    assert_eq!(outcome.unwrap_err(), CallError::Limit(Limit::Stack));
}

#[tokio::test]
async fn a_crash_ends_the_call_and_not_the_session() {
    let connector = connector().await;
    for behaviour in ["trap", "panic"] {
        let session = connector
            .session(source(json!({"behaviour": behaviour})))
            .unwrap();
        for _ in 0..2 {
            let error = crawl(&session).await.0.unwrap_err();
            assert!(
                matches!(&error, CallError::Trap { reason } if reason.contains("unreachable")),
                "{error:?}"
            );
        }
        assert!(session.sign_in_url(crate::calls::sign_in()).await.is_ok());
    }
}

#[tokio::test]
async fn a_flood_of_log_lines_ends() {
    let (outcome, _) = crawl(&session("log-flood").await).await;
    assert!(matches!(
        outcome.unwrap_err(),
        CallError::Limit(Limit::Log { .. })
    ));
}

#[tokio::test]
async fn an_answer_after_the_deadline_is_not_taken() {
    let connector = connector().await;
    let asleep = json!({"behaviour": "sleep", "ms": 60_000});
    let error = ended(&connector, asleep.clone(), |limits| limits.time = SHORT).await;
    assert_eq!(error, CallError::Limit(Limit::Time { allowed_ms: 200 }));
    let error = ended(&connector, asleep, |limits| limits.idle = SHORT).await;
    assert_eq!(
        error,
        CallError::Limit(Limit::Idle {
            allowed_ms: 200,
            computing: false
        })
    );
    let drip = json!({"behaviour": "busy-drip"});
    let error = ended(&connector, drip, |limits| {
        (limits.time, limits.idle) = (2 * SHORT, SHORT)
    })
    .await;
    assert_eq!(error, CallError::Limit(Limit::Time { allowed_ms: 400 }));
}

#[tokio::test]
async fn ten_million_members_are_too_many() {
    let mut context = source(json!({"behaviour": "members"}));
    context.limits.memory = 4 << 20;
    let (outcome, sink) = crawl(&connector().await.session(context).unwrap()).await;
    assert_eq!(
        outcome.unwrap_err(),
        CallError::Limit(Limit::HandedOver { bytes: 4 << 20 })
    );
    assert!(
        (1_000..15_000).contains(&sink.members.len()),
        "{}",
        sink.members.len()
    );
}

#[tokio::test]
async fn a_huge_text_is_refused() {
    let connector = connector().await;
    let error = ended(
        &connector,
        json!({"behaviour": "huge", "bytes": 5_000}),
        |_| {},
    )
    .await;
    assert_eq!(
        bug_of(&error),
        "a member's name has 5000 bytes; at most 4096 are taken"
    );
    let larger_than_memory = json!({"behaviour": "huge", "bytes": 100_000_000});
    let error = ended(&connector, larger_than_memory, |_| {}).await;
    assert!(
        matches!(error, CallError::Limit(Limit::Memory { .. })),
        "{error}"
    );
    let larger_than_a_call = json!({"behaviour": "huge", "bytes": 140_000_000});
    let error = ended(&connector, larger_than_a_call, |limits| {
        limits.memory = 512 << 20
    })
    .await;
    assert_eq!(
        error,
        CallError::Limit(Limit::Transfer { bytes: 128 << 20 })
    );
}

#[tokio::test]
async fn an_invalid_id_fails_the_crawl_as_a_bug() {
    let connector = connector().await;
    let long = "x".repeat(257);
    for (id, reason) in [
        ("", "empty"),
        ("a\u{7}b", "control character"),
        (long.as_str(), "257 bytes"),
    ] {
        for behaviour in ["member", "department"] {
            let error = ended(
                &connector,
                json!({"behaviour": behaviour, "id": id}),
                |_| {},
            )
            .await;
            assert!(bug_of(&error).contains(reason), "{error}");
        }
    }
    for id in ["x".repeat(256).as_str(), "\u{1F600} 𠮷 é", "..", "' or 1=1"] {
        let session = connector
            .session(source(json!({"behaviour": "member", "id": id})))
            .unwrap();
        assert_eq!(crawl(&session).await.1.members[0].id, id);
    }
}

#[tokio::test]
async fn more_than_64_requests_at_a_time_are_a_bug() {
    let requests = json!([{"url": "https://idp.example/"}]);
    let connector = connector().await;
    let error = ended(
        &connector,
        json!({"behaviour": "submit", "times": 65, "requests": requests}),
        |_| {},
    )
    .await;
    assert!(bug_of(&error).contains("64"), "{error}");
    let session = connector
        .session(source(
            json!({"behaviour": "submit", "times": 64, "requests": requests}),
        ))
        .unwrap();
    assert!(crawl(&session).await.0.is_ok());
}

#[tokio::test]
async fn findings_outside_a_crawl_are_a_bug() {
    let error = session("hand-over")
        .await
        .look_up(&["m".to_owned()])
        .await
        .unwrap_err();
    assert!(bug_of(&error).contains("outside of a crawl"), "{error}");
}

/// After all of the above in one engine, it still runs a good connector, at the same cost in memory.
#[tokio::test]
async fn the_engine_is_unharmed() {
    let connector = connector().await;
    for _ in 0..20 {
        for behaviour in ["memory", "stack", "trap", "huge"] {
            let settings = json!({"behaviour": behaviour, "bytes": 10_000});
            ended(&connector, settings, |limits| limits.memory = 8 << 20).await;
        }
    }
    let good = connector
        .session(source(json!({"behaviour": "find"})))
        .unwrap();
    let before = resident();
    for _ in 0..200 {
        let (outcome, sink) = crawl(&good).await;
        assert!(outcome.unwrap().complete);
        assert_eq!(sink.members.len(), 2);
    }
    assert!(
        resident() < before + 64 * 1024,
        "{} KiB before, {} after",
        before,
        resident()
    );
}

/// This process's resident memory in KiB; 0 where that cannot be told.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
