//! `notafter notify test` as a process: what it sends, says, and exits with.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, also in its helpers"
)]

use assert_cmd::Command;
use serde_json::{Value, json};
use std::fs;
use std::process::Output;
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn server() -> MockServer {
    let server = MockServer::start().await;
    for (verb, at, status, body) in [
        ("POST", "/", 200, json!({})),
        ("POST", "/hook", 503, json!({})),
        (
            "GET",
            "/_matrix/client/v3/rooms/!r:h/state/m.room.encryption",
            401,
            json!({"errcode": "M_UNKNOWN_TOKEN"}),
        ),
    ] {
        let reply = ResponseTemplate::new(status).set_body_json(body);
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(reply);
        mock.mount(&server).await;
    }
    server
}

fn notafter(arguments: &[&str]) -> Output {
    Command::cargo_bin("notafter")
        .unwrap()
        .args(["notify", "test"])
        .args(arguments)
        .env_remove("NOTAFTER_TOKEN")
        .env("ROOM_TOKEN", "s3cret")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn settings(server: &MockServer) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notafter.toml");
    let address = server.address();
    let settings = format!(
        "[[channel]]\nname = \"phone\"\nurl = \"ntfy+http://{address}/t\"\nmin_severity = \"critical\"\n\
         [[channel]]\nname = \"hook\"\nurl = \"http://{address}/hook\"\n\
         [[channel]]\nname = \"room\"\nurl = \"matrix://{address}/!r:h\"\ntoken_env = \"ROOM_TOKEN\"\n"
    );
    fs::write(&file, settings).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (directory, file)
}

#[tokio::test]
async fn every_channel_is_tried_and_told_of() {
    let server = server().await;
    let (_directory, file) = settings(&server);
    let output = notafter(&["--config", &file]);
    assert_eq!(output.status.code(), Some(69));
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let address = server.address();
    assert_eq!(
        lines[0],
        format!("phone (ntfy+http://{address}/t): delivered")
    );
    assert_eq!(
        lines[1],
        format!(
            "hook (http://{address}/…): not delivered: the server has trouble of its own (503); `watch` would try again"
        )
    );
    let refused =
        format!("room (matrix://{address}/!r:h): not delivered: the homeserver does not know");
    assert!(lines[2].starts_with(&refused), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[tokio::test]
async fn one_channel_is_tried_whatever_its_severity_and_anew_each_time() {
    let server = server().await;
    let (_directory, file) = settings(&server);
    for _ in 0..2 {
        let output = notafter(&["phone", "--config", &file]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        assert_eq!(text(&output.stderr), "");
    }
    let requests = server.received_requests().await.unwrap();
    let sent: Vec<Value> = requests
        .iter()
        .map(|request| request.body_json().unwrap())
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["title"], "notafter: this is a test");
    assert_eq!(sent[0]["priority"], 2);
    let message = sent[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "The channel phone works: alerts of severity critical and above come here."
        ),
        "{message}"
    );
    assert_ne!(sent[0]["tags"][2], sent[1]["tags"][2]);
}

#[tokio::test]
async fn what_is_wrong_before_anything_is_sent_is_a_usage_error() {
    let server = server().await;
    let (_directory, file) = settings(&server);
    let room = format!("matrix://{}/!r:h", server.address());
    for (arguments, hint) in [
        (vec!["pone", "--config", &file], "did you mean `phone`?"),
        (
            vec!["--notify", "ntfy://h.example"],
            "ntfy://h.example/my-topic",
        ),
        (vec!["--notify", &room], "set NOTAFTER_TOKEN"),
        (vec!["phone", "--notify", &room], "cannot be used with"),
    ] {
        let output = notafter(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains(hint), "{said}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_token_of_the_environment_is_for_one_homeserver_and_no_other_server() {
    let server = server().await;
    let address = server.address();
    let room = format!("matrix://{address}/!r:h");
    let topic = format!("ntfy+http://{address}/t");
    let run = |urls: [&str; 2]| {
        let mut command = Command::cargo_bin("notafter").unwrap();
        command.args(["notify", "test", "--notify", urls[0], "--notify", urls[1]]);
        command.env("NOTAFTER_TOKEN", "s3cret").output().unwrap()
    };
    let output = run([&room, "matrixs://other.example/!r:h"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("two homeservers"));
    assert!(server.received_requests().await.unwrap().is_empty());

    assert_eq!(run([&room, &topic]).status.code(), Some(69));
    for request in server.received_requests().await.unwrap() {
        let is_room = request.url.path().starts_with("/_matrix/");
        let token = request.headers.get("authorization");
        assert_eq!(token.is_some(), is_room, "{}", request.url);
    }
}
