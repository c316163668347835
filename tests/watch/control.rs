//! The control socket of a running watch, and the verbs that ask through it.

use crate::hook::Hook;
use crate::process::{Place, wait_for};
use crate::recent::{LATER, Recent, START};
use crate::row_schema::RowSchema;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Output;

fn ask(place: &Place, words: &[&str]) -> Output {
    let mut arguments = words.to_vec();
    arguments.extend(["--state", "state"]);
    place.command(&arguments).output().unwrap()
}

/// What a verb printed; it has to succeed.
fn told(place: &Place, words: &[&str]) -> String {
    let output = ask(place, words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A failure's exit code and words.
fn refused(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let output = ask(place, words);
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

const QUIET: [&str; 8] = [
    "silence",
    "add",
    "--certificate",
    "*.example.test",
    "--for",
    "1h",
    "--comment",
    "moving",
];

#[test]
fn what_is_silenced_is_not_sent_until_the_silence_is_expired() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log("");
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    let added = told(&place, &QUIET);
    let id = added.split(' ').next().unwrap().to_owned();
    assert!(
        added.contains("certificate *.example.test  (moving)"),
        "{added}"
    );
    assert_eq!(told(&place, &["silence", "list"]), added);

    place.log(&Recent::new(40, 2).between(0.0, 40.0));
    wait_for("the rows", || place.recorded().len() >= 8);
    let status = place.status();
    let row = status.iter().find(|row| row["name"] == START).unwrap();
    assert_eq!(row["silenced"], row["alerts"]);
    let shown = told(&place, &["status"]);
    assert!(shown.contains("1 silence is in force"), "{shown}");
    assert!(shown.contains(&format!("pid {}.", watch.pid())), "{shown}");
    assert!(hook.taken().is_empty(), "{:#?}", hook.taken());

    watch.kill();
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    assert_eq!(
        told(&place, &["silence", "list"]),
        added,
        "it survives a kill"
    );
    assert!(hook.taken().is_empty(), "{:#?}", hook.taken());

    let ended = told(&place, &["silence", "expire", &id]);
    assert_eq!(
        ended,
        format!(
            "{id} has ended; of what it kept quiet, alerts that are still open are told as usual again\n"
        )
    );
    wait_for("what was kept quiet", || hook.taken().len() == 1);
    assert!(hook.told("retry-after-expiry", START) || hook.told("expired", START));
    assert_eq!(hook.heard(LATER), ["firing critical"]);
    assert_eq!(told(&place, &["silence", "list"]), "Nothing is silenced.\n");
    wait_for("the delivery to be noted", || {
        told(&place, &["notify", "log"]).contains("  delivered ")
    });
    let log = told(&place, &["notify", "log", "--json"]);
    let log = RowSchema::new().rows(&log);
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0]["state"], "delivered");
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    hook.expect_no_message_twice();
    assert!(!place.path("state/control.sock").exists());
}

#[test]
fn a_silence_is_listed_as_a_row() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log("");
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    let words = [
        "silence",
        "add",
        "--cause",
        "dns",
        "--comment",
        "x",
        "--for",
        "1h",
    ];
    told(&place, &words);
    let listed = told(&place, &["silence", "list", "--json"]);
    let row = RowSchema::new().rows(&listed).swap_remove(0);
    let expected = serde_json::json!({
        "type": "silence",
        "schema": 1,
        "id": row["id"],
        "rule": null,
        "certificate": null,
        "instance": null,
        "cause": "dns",
        "since": row["since"],
        "until": row["until"],
        "comment": "x",
    });
    assert_eq!(row, expected);
    for moment in ["since", "until"] {
        let text = row[moment].as_str().unwrap();
        assert!(text.len() == "2026-05-03T22:04:01Z".len(), "{row}");
    }
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}

#[test]
fn a_silence_of_names_that_nobody_knows_holds_and_says_so() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log(&Recent::new(40, 2).between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    let said_of = |name: &str| {
        let words = ["silence", "add", "--certificate", name];
        let output = ask(
            &place,
            &[&words[..], &["--for", "1h", "--comment", "x"]].concat(),
        );
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(!output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    for known in [START, "*.EXAMPLE.test"] {
        assert_eq!(said_of(known), "");
    }
    assert_eq!(
        said_of("stort.example.test"),
        "warning: no certificate so far is called `stort.example.test`\nhelp: did you mean `start.example.test`?\n"
    );
    let said = said_of("*.example.org");
    assert!(
        said.contains("help: it holds as soon as one is; `notafter status` lists"),
        "{said}"
    );
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}

#[test]
fn mistakes_are_said_and_nobody_running_is_69() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log("");
    let (code, said) = refused(&place, &QUIET);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("no watch runs"), "{said}");
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    let mode = place
        .path("state/control.sock")
        .metadata()
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let end = ["--for", "1h", "--comment", "x"];
    for (matcher, expected) in [
        (["--rule", "expirin"], "did you mean `expiring`?"),
        (["--instance", "cady"], "did you mean `caddy`?"),
        (["--cause", "dnss"], "did you mean `dns`?"),
        (
            ["--cause", "weather"],
            "help: a cause is, or begins with, ca, challenge",
        ),
        (
            ["--rule", "weather"],
            "help: `notafter rules list` names them all",
        ),
        (["--rule", ""], "the rule of a silence is empty\nhelp: "),
        (
            ["--certificate", ""],
            "the certificate of a silence is empty\nhelp: ",
        ),
        (
            ["--instance", ""],
            "the instance of a silence is empty\nhelp: ",
        ),
        (["--cause", " "], "the cause of a silence is empty\nhelp: "),
    ] {
        let words = [&["silence", "add"][..], &matcher, &end].concat();
        let (code, said) = refused(&place, &words);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    for (end, expected) in [
        (["--for", "soon"], "write it like `2h`"),
        (["--until", "tomorrow"], "write it like 2026"),
        (["--until", "2020-01-01T00:00:00Z"], "over before it begins"),
    ] {
        let words = [
            &["silence", "add", "--cause", "dns", "--comment", "x"][..],
            &end,
        ]
        .concat();
        let (code, said) = refused(&place, &words);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let without: [&[&str]; 3] = [
        &["silence", "add", "--for", "1h", "--comment", "x"],
        &["silence", "add", "--cause", "dns", "--comment", "x"],
        &["silence", "add", "--cause", "dns", "--for", "1h"],
    ];
    for words in without {
        assert_eq!(refused(&place, words).0, Some(2), "{words:?}");
    }
    let (code, said) = refused(&place, &["silence", "expire", "0123"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("no silence is called `0123`"), "{said}");
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}

#[test]
fn bad_clients_stop_nobody() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log("");
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    let connect = || UnixStream::connect(place.path("state/control.sock")).unwrap();
    let mute: Vec<UnixStream> = (0..4).map(|_| connect()).collect();
    let long = vec![b'x'; 100_000];
    for hostile in [&b"\xff\xfe\n"[..], b"{}\n", b"{\"ask\":\"stop\"}\n", &long] {
        let mut stream = connect();
        // A request that is too long may be answered before all of it is written.
        stream.write_all(hostile).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok();
        assert!(reply.is_empty() || reply.contains("refused"), "{reply}");
    }
    drop(connect());
    assert_eq!(told(&place, &["silence", "list"]), "Nothing is silenced.\n");
    drop(mute);
    place.log(&Recent::new(40, 2).between(0.0, 40.0));
    wait_for("the alarm", || hook.taken().len() == 1);
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}
