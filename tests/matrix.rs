//! The Matrix channel against a pretended homeserver: every request, and what each answer leads to.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at the first surprise, also in its helpers"
)]

use notafter::engine::message::{Message, Reason, Status};
use notafter::notify::{Answer, Channel, Client, Secret, Sender, Timeouts};
use notafter::rules::Severity;
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = "syt_s3cret";
const LOOK: &str = "/_matrix/client/v3/rooms/!ops:h.example/state/m.room.encryption";
const SEND: &str = "/_matrix/client/v3/rooms/!ops:h.example/send/m.room.message/m1";
const ALIAS: &str = "/_matrix/client/v3/directory/room/%23ops:h.example";

fn message(id: &str) -> Message {
    let line = "{\"msg\":\"<script>\",\"level\":\"error\"}";
    Message {
        id: id.into(),
        incident: "i1".into(),
        instance: "caddy".into(),
        certificate: Some("a.example".into()),
        certificates: Vec::new(),
        certificates_total: 0,
        severity: Severity::Critical,
        status: Status::Firing,
        reason: Reason::Opened,
        at: None,
        title: "a.example: <b>bad</b>".into(),
        body: format!("It expires.\nSoon.\n\ncaddy.log, line 3:\n{line}"),
        alerts: vec![json!({"rule": "expired", "evidence": [{"text": line}]})],
    }
}

fn sender(server: &MockServer, room: &str) -> Sender {
    let url = format!("matrix://{}/{room}", server.address());
    let channel = Channel::from_url("room", &url, Some(Secret::new(TOKEN))).unwrap();
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(10),
    };
    Sender::new(channel, &Client::new(timeouts).unwrap())
}

fn error(status: u16, errcode: &str) -> ResponseTemplate {
    let body = json!({"errcode": errcode, "error": format!("no, {TOKEN}"), "extra": TOKEN});
    ResponseTemplate::new(status).set_body_json(body)
}

fn absent() -> ResponseTemplate {
    error(404, "M_NOT_FOUND")
}

fn taken() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"event_id": "$e"}))
}

fn is_room(id: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"room_id": id, "servers": ["h.example"]}))
}

async fn on(server: &MockServer, verb: &str, at: &str, reply: ResponseTemplate) {
    let mock = Mock::given(method(verb)).and(path(at));
    mock.respond_with(reply).mount(server).await;
}

async fn once(server: &MockServer, verb: &str, at: &str, reply: ResponseTemplate) {
    let mock = Mock::given(method(verb)).and(path(at)).respond_with(reply);
    mock.up_to_n_times(1).mount(server).await;
}

async fn send(sender: &mut Sender, id: &str) -> Answer {
    let answer = sender.send(&message(id)).await;
    assert!(!format!("{answer:?}").contains("s3cret"), "{answer:?}");
    answer
}

fn refusal(answer: Answer) -> String {
    match answer {
        Answer::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

/// What was asked, as `METHOD path`; every request carries the token in its header alone.
async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    for request in &requests {
        let bearer = request.headers.get("authorization").unwrap();
        assert_eq!(bearer.to_str().unwrap(), format!("Bearer {TOKEN}"));
        assert!(!request.url.as_str().contains("s3cret"));
        assert!(request.url.query().is_none());
    }
    let line = |request: &Request| format!("{} {}", request.method, request.url.path());
    requests.iter().map(line).collect()
}

#[tokio::test]
async fn a_room_is_looked_at_once_and_gets_its_event() {
    let server = MockServer::start().await;
    on(&server, "GET", LOOK, absent()).await;
    let event = Mock::given(method("PUT")).and(path_regex("/send/"));
    event.respond_with(taken()).mount(&server).await;
    let mut sender = sender(&server, "!ops:h.example");
    for id in ["m1", "m1", "m/2?#"] {
        assert_eq!(send(&mut sender, id).await, Answer::Delivered);
    }
    let get = format!("GET {LOOK}");
    let put = format!("PUT {SEND}");
    let odd = put.replace("m1", "m%2F2%3F%23");
    assert_eq!(asked(&server).await, [get, put.clone(), put, odd]);

    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        String::from_utf8(requests[1].body.clone()).unwrap(),
        r#"{"msgtype":"m.text","body":"CRITICAL: a.example: <b>bad</b>\n\nIt expires.\nSoon.\n\ncaddy.log, line 3:\n{\"msg\":\"<script>\",\"level\":\"error\"}","format":"org.matrix.custom.html","formatted_body":"<p><strong>CRITICAL: a.example: &lt;b&gt;bad&lt;/b&gt;</strong></p><p>It expires.<br>Soon.</p><p>caddy.log, line 3:</p><pre><code>{&quot;msg&quot;:&quot;&lt;script&gt;&quot;,&quot;level&quot;:&quot;error&quot;}</code></pre>","m.mentions":{}}"#
    );
    let kind = requests[1].headers.get("content-type").unwrap();
    assert_eq!(kind.to_str().unwrap(), "application/json");
    assert_eq!(requests[1].body, requests[2].body);
}

#[tokio::test]
async fn an_encrypted_room_is_refused_and_asked_again_for_the_next() {
    let server = MockServer::start().await;
    let megolm = json!({"algorithm": "m.megolm.v1.aes-sha2"});
    let encrypted = ResponseTemplate::new(200).set_body_json(megolm);
    once(&server, "GET", LOOK, encrypted).await;
    on(&server, "GET", LOOK, absent()).await;
    on(&server, "PUT", SEND, taken()).await;
    let mut sender = sender(&server, "!ops:h.example");
    assert_eq!(
        refusal(send(&mut sender, "m1").await),
        "the room !ops:h.example is encrypted and notafter does not encrypt; use an unencrypted room"
    );
    assert_eq!(send(&mut sender, "m1").await, Answer::Delivered);
    let get = format!("GET {LOOK}");
    assert_eq!(
        asked(&server).await,
        [get.clone(), get, format!("PUT {SEND}")]
    );
}

#[tokio::test]
async fn an_alias_is_resolved_once_and_again_when_the_room_is_left_behind() {
    for gone in ["M_FORBIDDEN", "M_NOT_FOUND"] {
        let status = if gone == "M_FORBIDDEN" { 403 } else { 404 };
        let server = MockServer::start().await;
        once(&server, "GET", ALIAS, is_room("!ops:h.example")).await;
        on(&server, "GET", ALIAS, is_room("!new")).await;
        on(&server, "GET", LOOK, absent()).await;
        on(
            &server,
            "GET",
            &LOOK.replace("!ops:h.example", "!new"),
            absent(),
        )
        .await;
        once(&server, "PUT", SEND, taken()).await;
        on(&server, "PUT", SEND, error(status, gone)).await;
        let new = SEND.replace("!ops:h.example", "!new");
        on(&server, "PUT", &new, taken()).await;
        let mut sender = sender(&server, "#ops:h.example");
        for _ in 0..3 {
            assert_eq!(send(&mut sender, "m1").await, Answer::Delivered);
        }
        let (alias, look, put) = (
            format!("GET {ALIAS}"),
            format!("GET {LOOK}"),
            format!("PUT {SEND}"),
        );
        let in_new = |text: &str| text.replace("!ops:h.example", "!new");
        let expected = [
            alias.clone(),
            look.clone(),
            put.clone(),
            put.clone(),
            alias,
            in_new(&look),
            in_new(&put),
            in_new(&put),
        ];
        assert_eq!(asked(&server).await, expected);
    }
}

#[tokio::test]
async fn the_same_room_behind_the_alias_is_a_refusal() {
    let server = MockServer::start().await;
    on(&server, "GET", ALIAS, is_room("!ops:h.example")).await;
    on(&server, "GET", LOOK, absent()).await;
    on(&server, "PUT", SEND, error(403, "M_FORBIDDEN")).await;
    let mut sender = sender(&server, "#ops:h.example");
    let why = refusal(send(&mut sender, "m1").await);
    assert!(why.starts_with("the user of the token may not write in the room #ops:h.example"));
    assert_eq!(asked(&server).await.len(), 4);
}

#[tokio::test]
async fn an_alias_that_leads_nowhere_says_so() {
    let server = MockServer::start().await;
    once(&server, "GET", ALIAS, absent()).await;
    for id in ["@me:h.example", "!a/../b", "#ops:h.example"] {
        once(&server, "GET", ALIAS, is_room(id)).await;
    }
    let mut sender = sender(&server, "%23ops:h.example");
    let why = refusal(send(&mut sender, "m1").await);
    assert!(why.contains("knows no room #ops:h.example (404)"), "{why}");
    for _ in 0..3 {
        let why = refusal(send(&mut sender, "m1").await);
        assert!(why.starts_with("there is no Matrix homeserver"), "{why}");
    }
}

#[tokio::test]
async fn a_full_homeserver_names_the_wait_in_body_or_header() {
    let server = MockServer::start().await;
    on(&server, "GET", LOOK, absent()).await;
    let limit = |wait: Value| {
        let body = json!({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": wait});
        ResponseTemplate::new(429).set_body_json(body)
    };
    let mut sender = sender(&server, "!ops:h.example");
    for (reply, millis) in [
        (limit(json!(4_500)), Some(4_500)),
        (
            limit(json!(4_500)).insert_header("Retry-After", "5"),
            Some(5_000),
        ),
        (limit(json!("soon")), None),
        (limit(json!(-1)), None),
        (ResponseTemplate::new(429).set_body_string("<html>"), None),
        (
            ResponseTemplate::new(429).insert_header("Retry-After", "7"),
            Some(7_000),
        ),
    ] {
        once(&server, "PUT", SEND, reply).await;
        let answer = send(&mut sender, "m1").await;
        let after = millis.map(Duration::from_millis);
        let why = "the homeserver asks us to slow down (429)".to_owned();
        assert_eq!(answer, Answer::Later { after, why });
    }
    on(&server, "PUT", SEND, taken()).await;
    assert_eq!(send(&mut sender, "m1").await, Answer::Delivered);
    // The room is not looked at again: waiting puts nothing in doubt.
    let looks = asked(&server).await;
    assert_eq!(
        looks.iter().filter(|line| line.starts_with("GET")).count(),
        1
    );
}

/// What is said when the request that ends at `at` is answered so.
async fn refused_at(at: &str, reply: ResponseTemplate) -> String {
    let server = MockServer::start().await;
    let verb = if at == SEND { "PUT" } else { "GET" };
    on(&server, verb, at, reply).await;
    on(&server, "GET", LOOK, absent()).await;
    refusal(send(&mut sender(&server, "!ops:h.example"), "m1").await)
}

#[tokio::test]
async fn what_the_look_at_the_room_finds_is_told_with_what_helps() {
    let plain = |status| ResponseTemplate::new(status);
    for (reply, expected) in [
        (
            error(401, "M_UNKNOWN_TOKEN"),
            "does not know the access token (401)",
        ),
        (
            error(401, "M_MISSING_TOKEN"),
            "drop the Authorization header",
        ),
        (plain(401), "does not know the access token (401)"),
        (error(403, "M_USER_DEACTIVATED"), "is deactivated"),
        (
            error(401, "M_USER_LOCKED"),
            "locked the user of the token (M_USER_LOCKED)",
        ),
        (
            error(403, "M_FORBIDDEN"),
            "is not in the room !ops:h.example (403); invite it",
        ),
        (
            plain(404),
            "there is no Matrix homeserver at this address (404)",
        ),
        (
            plain(200).set_body_string("hi"),
            "no Matrix homeserver at this address (200)",
        ),
        (
            error(404, "M_UNRECOGNIZED"),
            "/.well-known/matrix/client says where",
        ),
    ] {
        let why = refused_at(LOOK, reply).await;
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn what_the_room_objects_to_is_told_with_what_helps() {
    let plain = |status| ResponseTemplate::new(status);
    let moved = plain(307).insert_header("Location", "https://b.example/syt_s3cret");
    for (reply, expected) in [
        (
            error(403, "M_FORBIDDEN"),
            "may not write in the room !ops:h.example (403)",
        ),
        (
            error(404, "M_NOT_FOUND"),
            "knows no room !ops:h.example (404)",
        ),
        (
            error(413, "M_TOO_LARGE"),
            "too large for the homeserver (413)",
        ),
        (error(400, "M_BAD_JSON"), "refuses it (400, M_BAD_JSON)"),
        (error(400, "M_syt_s3cret"), "refuses it (400);"),
        (plain(200).set_body_json(json!({})), "no Matrix homeserver"),
        (moved, "sends us on to https://b.example (307)"),
    ] {
        let why = refused_at(SEND, reply).await;
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn not_being_in_the_room_is_told_with_the_command_that_joins() {
    let server = MockServer::start().await;
    on(&server, "GET", ALIAS, is_room("!ops:h.example")).await;
    on(&server, "GET", LOOK, error(403, "M_FORBIDDEN")).await;
    let why = refusal(send(&mut sender(&server, "#ops:h.example"), "m1").await);
    let join = format!(
        "curl -X POST -H \"Authorization: Bearer TOKEN\" 'http://{}/_matrix/client/v3/join/%23ops:h.example'",
        server.address()
    );
    assert!(why.ends_with(&join), "{why}");
}

#[tokio::test]
async fn trouble_is_waited_out_at_every_step() {
    for (step, status) in [(0, 500), (1, 503), (2, 502), (2, 408), (0, 429)] {
        let server = MockServer::start().await;
        let requests = [("GET", ALIAS), ("GET", LOOK), ("PUT", SEND)];
        let (verb, at) = requests[step];
        once(&server, verb, at, ResponseTemplate::new(status)).await;
        on(&server, "GET", ALIAS, is_room("!ops:h.example")).await;
        on(&server, "GET", LOOK, absent()).await;
        on(&server, "PUT", SEND, taken()).await;
        let mut sender = sender(&server, "#ops:h.example");
        let answer = send(&mut sender, "m1").await;
        assert!(matches!(answer, Answer::Later { .. }), "{answer:?}");
        assert_eq!(send(&mut sender, "m1").await, Answer::Delivered);
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    let server = MockServer::start().await;
    on(&server, "GET", LOOK, absent()).await;
    let flood = format!("{{\"event_id\":\"$e\",\"x\":\"{}\"}}", "x".repeat(300_000));
    let flood = ResponseTemplate::new(200).set_body_string(flood);
    on(&server, "PUT", SEND, flood).await;
    let why = refusal(send(&mut sender(&server, "!ops:h.example"), "m1").await);
    assert!(why.starts_with("there is no Matrix homeserver"), "{why}");
}

#[test]
fn a_channel_shows_its_room_and_never_its_token() {
    for (url, shown) in [
        (
            "matrixs://h.example/!ops:h.example",
            "matrixs://h.example/!ops:h.example",
        ),
        (
            "matrixs://H.example:443/%23ops:h.example",
            "matrixs://h.example/#ops:h.example",
        ),
        (
            "matrix://127.0.0.1:8008#ops:h.example",
            "matrix://127.0.0.1:8008/#ops:h.example",
        ),
    ] {
        let channel = Channel::from_url("room", url, Some(Secret::new(TOKEN))).unwrap();
        assert_eq!(channel.shown(), shown);
        assert!(!channel.is_clear());
        assert!(!format!("{channel:?} {channel:#?}").contains("s3cret"));
    }
    let clear = "matrix://h.example/!ops:h.example";
    let channel = Channel::from_url("room", clear, Some(Secret::new(TOKEN))).unwrap();
    assert!(channel.is_clear());
}
