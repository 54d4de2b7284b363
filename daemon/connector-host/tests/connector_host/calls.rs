//! Every call, and what becomes of its answer.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use camsync_connector_host::{
    CallError, Clock, CrawlSink, Host, HostOptions, SinkError,
    types::{
        CallbackRequest, Capability, Failure, FailureDetail, Hint, Message, Presence,
        SignInRequest, SignedIn,
    },
};
use camsync_core::model::{Department, Member, MemberStatus};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::support::{
    SECRET, connector, crawl, guest, guest_describing, load, options, session, source,
};

pub(crate) fn sign_in() -> SignInRequest {
    SignInRequest {
        redirect_uri: "https://camsync.example/cb".to_owned(),
        state: "abc".to_owned(),
        inside_app: true,
        language: "zh".to_owned(),
    }
}

#[tokio::test]
async fn a_crawl_hands_over_what_it_finds() {
    let (outcome, sink) = crawl(&session("find").await).await;
    let summary = outcome.unwrap();
    assert!(summary.complete);
    assert_eq!(summary.range, ["department:1", "department:2"]);
    assert_eq!(summary.names.enterprise.as_deref(), Some("Enterprise One"));
    assert_eq!(summary.names.application, None, "a blank name is none");
    assert_eq!(sink.departments[1].parent.as_deref(), Some("1"));
    let [zhang, li] = sink.members.as_slice() else {
        panic!("{:?}", sink.members)
    };
    assert_eq!(
        (zhang.id.as_str(), zhang.name.as_str()),
        ("ZhangSan", "张三")
    );
    assert_eq!(zhang.departments, ["2", "1"]);
    assert_eq!(zhang.shown_by, ["department:1", "department:2"]);
    assert_eq!(zhang.attributes["工号"], "7");
    assert_eq!(li.status, MemberStatus::Disabled);
    assert_eq!(sink.progress, [(0, Some(2)), (2, Some(2))]);
}

#[tokio::test]
async fn an_incomplete_crawl_says_so() {
    let summary = crawl(&session("incomplete").await).await.0.unwrap();
    assert!(!summary.complete);
    assert_eq!(summary.missing, ["department 7 was not answered"]);
}

struct Full;

impl CrawlSink for Full {
    fn departments(&mut self, _: Vec<Department>) -> Result<(), SinkError> {
        Ok(())
    }

    fn members(&mut self, _: Vec<Member>) -> Result<(), SinkError> {
        Err(SinkError("the disk is full".to_owned()))
    }
}

#[tokio::test]
async fn a_sink_that_can_take_no_more_ends_the_crawl() {
    for behaviour in ["find", "members"] {
        let error = session(behaviour).await.crawl(&mut Full).await.unwrap_err();
        assert_eq!(
            error,
            CallError::Sink {
                reason: "the disk is full".to_owned()
            }
        );
    }
}

#[tokio::test]
async fn a_look_up_answers_in_order() {
    let session = session("").await;
    let ids = ["li", "gone", "hidden", "unknown"].map(str::to_owned);
    let answers = session.look_up(&ids).await.unwrap();
    let [
        Presence::Present { member },
        Presence::Gone { answer },
        Presence::OutOfSight { .. },
        Presence::Unknown { .. },
    ] = answers.as_slice()
    else {
        panic!("{answers:?}")
    };
    assert_eq!(member.id, "LI");
    assert_eq!(answer, "60111 ***");
    let error = session.look_up(&["stranger".to_owned()]).await.unwrap_err();
    assert!(
        matches!(error, CallError::Connector(Failure::Bug { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn callbacks_and_sign_in_work() {
    let session = session("").await;
    let request = CallbackRequest {
        method: "POST".to_owned(),
        query: "a=1".to_owned(),
        body: vec![1, 2, 3],
    };
    let answer = session.callback(request).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "POST a=1 3"));
    assert_eq!(answer.hints[0], Hint::Member { id: "m".to_owned() });
    assert_eq!(
        answer.hints[1],
        Hint::MemberRenamed {
            old: "old".to_owned(),
            new: "new".to_owned()
        }
    );
    assert_eq!(
        session.sign_in_url(sign_in()).await.unwrap(),
        "https://idp.example/?state=abc&app=true"
    );
    assert_eq!(
        session.who_signed_in("li").await.unwrap(),
        SignedIn::Member("li".to_owned())
    );
    assert_eq!(
        session.who_signed_in("stranger").await.unwrap(),
        SignedIn::Stranger
    );
    assert!(session.who_signed_in("").await.is_err());
}

#[tokio::test]
async fn a_message_reaches_the_connector() {
    let session = session("").await;
    let message = Message {
        title: "t".to_owned(),
        text: "x".to_owned(),
        link: Some(("https://camsync.example".to_owned(), "open".to_owned())),
    };
    session.send_message("li", message.clone()).await.unwrap();
    let refused = session.send_message("nobody", message).await.unwrap_err();
    assert!(
        refused.to_string().contains("not to nobody: t Some"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_browser_is_not_sent_just_anywhere() {
    let session = connector()
        .await
        .session(source(json!({"sign_in": "javascript:alert(1)"})))
        .unwrap();
    assert!(session.sign_in_url(sign_in()).await.is_err());
}

#[tokio::test]
async fn a_call_that_must_not_use_the_network_gets_none() {
    let settings = json!({"behaviour": "fetch", "requests": [{"url": "https://idp.example/"}]});
    let mut context = source(settings);
    context.allowed_hosts = vec!["idp.example".parse().unwrap()];
    let session = connector().await.session(context).unwrap();
    let request = CallbackRequest {
        method: "GET".to_owned(),
        query: String::new(),
        body: Vec::new(),
    };
    assert_eq!(
        session.callback(request).await.unwrap().body,
        "denied this call must not use the network"
    );
}

#[tokio::test]
async fn what_a_connector_does_not_offer_is_not_asked_of_it() {
    let host = Host::new(options()).unwrap();
    let connector = load(&host, guest_describing("incapable")).await.unwrap();
    let session = connector.session(source(json!({}))).unwrap();
    let error = session.look_up(&["li".to_owned()]).await.unwrap_err();
    let expected = CallError::Unable {
        connector: "guest".to_owned(),
        capability: Capability::LookUp,
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "the connector guest does not offer look-up"
    );
}

#[tokio::test]
async fn a_failure_is_explained() {
    let session = session("").await;
    let detail = FailureDetail {
        message: "no".to_owned(),
        ..FailureDetail::default()
    };
    let explanation = session
        .explain(&Failure::NotPermitted(detail), "zh")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (explanation.cause.as_str(), explanation.remedy.as_str()),
        ("zh: no", "grant it")
    );
    assert_eq!(
        session.explain(&Failure::bug("x"), "zh").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn failures_keep_their_kind_and_lose_the_secret() {
    let connector = connector().await;
    for kind in [
        "settings_wrong",
        "not_permitted",
        "throttled",
        "unavailable",
        "refused",
        "bug",
    ] {
        let context = source(json!({"behaviour": "fail", "failure": kind}));
        let error = crawl(&connector.session(context).unwrap())
            .await
            .0
            .unwrap_err();
        let CallError::Connector(failure) = &error else {
            panic!("{error:?}")
        };
        let stored = serde_json::to_value(failure).unwrap();
        assert_eq!(stored["kind"], kind);
        assert_eq!(&serde_json::from_value::<Failure>(stored).unwrap(), failure);
        assert!(!format!("{error:?} {error}").contains(SECRET), "{error:?}");
        assert!(error.to_string().contains("refused ***"), "{error}");
        let stored = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<CallError>(&stored).unwrap(), error);
    }
}

#[tokio::test]
async fn findings_lose_the_secret() {
    let report = session("").await.check("en").await.unwrap();
    assert_eq!(report.findings[0].message, "the secret is ***");
    assert_eq!(report.range_summary, "departments 1, en");
    assert!(!format!("{:?} {:?}", session("").await, source(json!({}))).contains(SECRET));
}

#[tokio::test]
async fn a_cache_outlives_calls_and_belongs_to_one_source() {
    let connector = connector().await;
    let remembering = |behaviour: &str| {
        connector
            .session(source(
                json!({"behaviour": behaviour, "token": "token-of-one"}),
            ))
            .unwrap()
    };
    let one = remembering("remember-and-recall");
    let other = remembering("remember-and-recall");
    assert_eq!(crawl(&one).await.1.told()["token"], "nothing");
    assert_eq!(crawl(&one).await.1.told()["token"], "token-of-one");
    assert_eq!(crawl(&other).await.1.told()["token"], "nothing");
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn logged(behaviour: &str, calls: usize) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let connector = connector().await;
    let session = connector
        .session(source(
            json!({"behaviour": behaviour, "token": "token-of-one"}),
        ))
        .unwrap();
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..calls {
        let _ = crawl(&session).await;
    }
    drop(guard);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn log_lines_lose_the_secret_and_forge_nothing() {
    let log = logged("log", 1).await;
    let line = log.lines().find(|line| line.contains("token ***")).unwrap();
    assert!(
        line.contains("connector:")
            && line.contains("source=\"acme\"")
            && line.contains("connector=\"guest\""),
        "{line}"
    );
    assert!(line.contains("token *** forged line"), "{line}");
    assert!(!log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn log_lines_lose_cached_tokens() {
    let log = logged("remember-and-log", 2).await;
    assert!(log.contains("have ***"), "{log}");
    assert!(!log.contains("token-of-one"), "{log}");
}

#[tokio::test]
async fn dropped_log_lines_are_counted() {
    let log = logged("log-flood", 1).await;
    let flood = log.lines().filter(|line| line.contains("flood")).count();
    assert!((256..400).contains(&flood), "{flood}");
    assert!(
        log.contains("10001 lines of this connector were dropped"),
        "{}",
        log.lines().last().unwrap()
    );
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }
}

#[tokio::test]
async fn a_connector_has_the_time_that_the_host_is_given() {
    let host = Host::new(HostOptions {
        clock: Arc::new(Noon),
        ..options()
    })
    .unwrap();
    let connector = load(&host, guest().to_vec()).await.unwrap();
    let session = connector
        .session(source(json!({"behaviour": "now"})))
        .unwrap();
    assert_eq!(crawl(&session).await.1.told()["now"], "1800000000000");
}
