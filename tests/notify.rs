//! The courier against real HTTP servers: what they are sent, and what their answers lead to.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise, also in its helpers"
)]

#[path = "notify/order.rs"]
mod order;

use notafter::engine::message::{Message, Reason, Status};
use notafter::notify::{Backoff, Channel, Client, Courier, Outcome, Owed, Secret, Timeouts};
use notafter::rules::Severity;
use notafter::store::{Commit, Debt, Fate, Settled, Store};
use notafter::time::{LogTime, WallTime};
use serde_json::json;
use std::net::TcpListener;
use std::time::Duration;
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

fn message(id: &str) -> Message {
    Message {
        id: id.into(),
        incident: "i1".into(),
        instance: "caddy".into(),
        certificate: Some("matrix-fed.takeonme.org".into()),
        certificates: Vec::new(),
        certificates_total: 0,
        severity: Severity::Critical,
        status: Status::Firing,
        reason: Reason::Opened,
        at: Some(LogTime::from_seconds(1_777_845_841)),
        title: "matrix-fed.takeonme.org: the next retry is after expiry".into(),
        body: "expires \"today\" – 23:37\nretry tomorrow 04:04".into(),
        alerts: vec![json!({"rule": "retry-after-expiry"})],
    }
}

fn debt(ticket: i64, channel: &str) -> Debt {
    Debt {
        ticket,
        channel: channel.into(),
        message: message(&format!("m{ticket}")),
        attempts: 0,
        next_try: WallTime::from_seconds(0),
        last_error: None,
    }
}

fn webhook(name: &str, server: &MockServer) -> Channel {
    let url = format!("{}/s3cret-path", server.uri());
    Channel::from_url(name, &url, Some(Secret::new("s3cret-token"))).unwrap()
}

fn ntfy(name: &str, server: &MockServer, token: Option<&str>) -> Channel {
    let url = format!("ntfy+http://{}/alerts", server.address());
    Channel::from_url(name, &url, token.map(Secret::new)).unwrap()
}

fn courier(channels: Vec<Channel>) -> Courier {
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(10),
    };
    hasty(channels, timeouts)
}

fn hasty(channels: Vec<Channel>, timeouts: Timeouts) -> Courier {
    let backoff = Backoff {
        first: Duration::from_millis(5),
        longest: Duration::from_millis(20),
    };
    Courier::start(channels, &Client::new(timeouts).unwrap(), backoff)
}

async fn next(courier: &mut Courier) -> Outcome {
    let outcome = tokio::time::timeout(Duration::from_secs(20), courier.next())
        .await
        .expect("an outcome");
    assert!(!format!("{outcome:?}").contains("s3cret"), "{outcome:?}");
    outcome
}

/// The fate of one debt's first try against a server that always replies so.
async fn fate(reply: ResponseTemplate) -> Fate {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(reply)
        .mount(&server)
        .await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    assert_eq!(courier.owe(debt(1, "hook")), Owed::Taken);
    next(&mut courier).await.fate
}

fn why(fate: Fate) -> String {
    match fate {
        Fate::Later { why, .. } | Fate::Refused { why } => why,
        Fate::Delivered | Fate::Superseded => panic!("{fate:?}"),
    }
}

/// Takes everything once it has answered with a status so often.
async fn failing_at_first(status: u16, times: u64) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(status))
        .up_to_n_times(times)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn ntfy_gets_its_json_at_the_root() {
    let server = MockServer::start().await;
    Mock::given(path("/"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let mut courier = courier(vec![ntfy("phone", &server, Some("tk_s3cret\n"))]);
    let mut resolved = debt(2, "phone");
    resolved.message.status = Status::Resolved;
    let mut warning = debt(3, "phone");
    warning.message.severity = Severity::Warning;
    let mut info = debt(4, "phone");
    info.message.severity = Severity::Info;
    info.message.body = "x".repeat(5_000);
    for debt in [debt(1, "phone"), resolved, warning, info] {
        assert_eq!(courier.owe(debt), Owed::Taken);
    }
    for ticket in 1..=4 {
        let outcome = next(&mut courier).await;
        assert_eq!((outcome.ticket, outcome.attempts), (ticket, 1));
        assert_eq!(outcome.fate, Fate::Delivered);
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        body(&requests[0]),
        r#"{"topic":"alerts","title":"matrix-fed.takeonme.org: the next retry is after expiry","message":"expires \"today\" – 23:37\nretry tomorrow 04:04","priority":5,"tags":["rotating_light","caddy","m1"]}"#
    );
    assert_eq!(
        header(&requests[0], "authorization"),
        Some("Bearer tk_s3cret")
    );
    assert_eq!(
        header(&requests[0], "content-type"),
        Some("application/json")
    );
    let agent = concat!("notafter/", env!("CARGO_PKG_VERSION"));
    assert_eq!(header(&requests[0], "user-agent"), Some(agent));
    let sent = |n: usize| serde_json::from_str::<serde_json::Value>(&body(&requests[n])).unwrap();
    assert_eq!(sent(1)["priority"], 3);
    assert_eq!(sent(1)["tags"], json!(["white_check_mark", "caddy", "m2"]));
    assert_eq!(sent(2)["priority"], 4);
    assert_eq!(sent(2)["tags"], json!(["warning", "caddy", "m3"]));
    assert_eq!(sent(3)["priority"], 2);
    assert_eq!(
        sent(3)["tags"],
        json!(["information_source", "caddy", "m4"])
    );
    let text = sent(3)["message"].as_str().unwrap().to_owned();
    assert_eq!(text, format!("{}\n…", "x".repeat(3_796)));
}

#[tokio::test]
async fn a_webhook_gets_every_field_and_a_key() {
    let server = MockServer::start().await;
    Mock::given(path("/s3cret-path"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    courier.owe(debt(1, "hook"));
    assert_eq!(next(&mut courier).await.fate, Fate::Delivered);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        body(&requests[0]),
        r#"{"schema":1,"id":"m1","incident":"i1","instance":"caddy","certificate":"matrix-fed.takeonme.org","certificates":[],"certificates_total":0,"severity":"critical","status":"firing","reason":"opened","at":"2026-05-03T22:04:01Z","title":"matrix-fed.takeonme.org: the next retry is after expiry","body":"expires \"today\" – 23:37\nretry tomorrow 04:04","alerts":[{"rule":"retry-after-expiry"}]}"#
    );
    assert_eq!(header(&requests[0], "idempotency-key"), Some("m1"));
    assert_eq!(
        header(&requests[0], "authorization"),
        Some("Bearer s3cret-token")
    );
    assert_eq!(
        header(&requests[0], "content-type"),
        Some("application/json")
    );
}

#[tokio::test]
async fn a_full_server_is_left_alone_as_long_as_it_asks() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("Retry-After", "120");
    Mock::given(method("POST"))
        .respond_with(busy)
        .mount(&server)
        .await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    courier.owe(debt(1, "hook"));
    let outcome = next(&mut courier).await;
    let Fate::Later { next_try, why } = outcome.fate else {
        panic!("{outcome:?}");
    };
    assert_eq!((next_try - outcome.at).num_seconds(), 120);
    assert_eq!(why, "the server asks us to slow down (429)");
    assert!(courier.stop(Duration::from_secs(5)).await.is_empty());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_in_trouble_is_tried_again() {
    let server = failing_at_first(500, 2).await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    let mut tried_before = debt(1, "hook");
    tried_before.attempts = 3;
    courier.owe(tried_before);
    for attempts in [4, 5] {
        let outcome = next(&mut courier).await;
        assert_eq!(outcome.attempts, attempts);
        assert_eq!(why(outcome.fate), "the server has trouble of its own (500)");
    }
    let outcome = next(&mut courier).await;
    assert_eq!((outcome.attempts, outcome.fate), (6, Fate::Delivered));
}

#[tokio::test]
async fn what_is_refused_makes_way_for_the_next() {
    let server = MockServer::start().await;
    Mock::given(body_partial_json(
        json!({"tags": ["rotating_light", "caddy", "m1"]}),
    ))
    .respond_with(ResponseTemplate::new(403))
    .mount(&server)
    .await;
    Mock::given(body_partial_json(
        json!({"tags": ["rotating_light", "caddy", "m2"]}),
    ))
    .respond_with(ResponseTemplate::new(200))
    .mount(&server)
    .await;
    let mut courier = courier(vec![ntfy("phone", &server, None)]);
    courier.owe(debt(1, "phone"));
    courier.owe(debt(2, "phone"));
    let refused = next(&mut courier).await;
    assert!(matches!(refused.fate, Fate::Refused { .. }));
    assert!(why(refused.fate).starts_with("topic alerts is not open to everyone (403)"));
    let outcome = next(&mut courier).await;
    assert_eq!((outcome.ticket, outcome.fate), (2, Fate::Delivered));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = MockServer::start().await;
    let location = format!("{}/s3cret-path", other.uri());
    for status in [301, 302, 303, 307, 308] {
        let moved = ResponseTemplate::new(status).insert_header("Location", location.as_str());
        let refused = fate(moved).await;
        assert!(matches!(refused, Fate::Refused { .. }));
        let why = why(refused);
        assert!(
            why.starts_with(&format!("the server sends us on to {} ", other.uri())),
            "{why}"
        );
    }
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_hanging_server_is_given_up_on_and_tried_later() {
    let server = MockServer::start().await;
    let hang = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
    Mock::given(method("POST"))
        .respond_with(hang)
        .mount(&server)
        .await;
    let timeouts = Timeouts {
        connect: Duration::from_millis(200),
        total: Duration::from_millis(200),
    };
    let mut courier = hasty(vec![webhook("hook", &server)], timeouts);
    courier.owe(debt(1, "hook"));
    let outcome = next(&mut courier).await;
    assert!(matches!(outcome.fate, Fate::Later { .. }));
    assert_eq!(why(outcome.fate), "no answer in time");
}

#[tokio::test]
async fn nobody_listening_and_no_tls_are_tried_later_and_explained() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("https://{closed}/s3cret-path?k=s3cret");
    let silent = Channel::from_url("silent", &url, None).unwrap();
    let server = MockServer::start().await;
    let url = format!("ntfy://{}/alerts", server.address());
    let plain = Channel::from_url("plain", &url, None).unwrap();
    let unknown = Channel::from_url("unknown", "https://nowhere.invalid/s3cret", None).unwrap();
    for (channel, expected) in [
        (silent, "cannot connect: Connection refused"),
        (plain, "cannot connect: received corrupt message"),
        (unknown, "cannot connect: cannot resolve nowhere.invalid: "),
    ] {
        let name = channel.name().to_owned();
        let mut courier = courier(vec![channel]);
        courier.owe(debt(1, &name));
        let outcome = next(&mut courier).await;
        assert!(matches!(outcome.fate, Fate::Later { .. }));
        let why = why(outcome.fate);
        assert!(why.starts_with(expected), "{why}");
    }
}

#[tokio::test]
async fn stopping_finishes_the_try_in_flight_and_begins_none() {
    let server = MockServer::start().await;
    for (grace, finished) in [(10_000, 1), (20, 0)] {
        server.reset().await;
        let slow = ResponseTemplate::new(200).set_delay(Duration::from_millis(400));
        Mock::given(method("POST"))
            .respond_with(slow)
            .mount(&server)
            .await;
        let mut courier = courier(vec![webhook("hook", &server)]);
        courier.owe(debt(1, "hook"));
        courier.owe(debt(2, "hook"));
        while server.received_requests().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let last = courier.stop(Duration::from_millis(grace)).await;
        assert_eq!(last.len(), finished);
        assert!(last.iter().all(|outcome| outcome.fate == Fate::Delivered));
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_store_is_paid_off() {
    let server = failing_at_first(502, 1).await;
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let commit = Commit {
        positions: Vec::new(),
        rows: Vec::new(),
        messages: ["m1", "m2"]
            .map(|id| (message(id), vec!["hook".into()]))
            .to_vec(),
        at: WallTime::from_seconds(0),
    };
    let channel = webhook("hook", &server);
    assert!(channel.wants(&commit.messages[0].0));
    assert!(!format!("{channel:?}").contains("s3cret"));
    let mut courier = courier(vec![channel]);
    for debt in store.commit(&commit).unwrap() {
        assert_eq!(courier.owe(debt), Owed::Taken);
    }
    for _ in 0..3 {
        let outcome = next(&mut courier).await;
        store
            .settle(outcome.ticket, &outcome.fate, outcome.at)
            .unwrap();
    }
    assert!(store.load().unwrap().debts.is_empty());
    let log = store.log(9).unwrap();
    assert!(log.iter().all(|entry| entry.settled == Settled::Delivered));
    assert_eq!(
        log.iter().map(|entry| entry.attempts).collect::<Vec<_>>(),
        [1, 2]
    );
}
