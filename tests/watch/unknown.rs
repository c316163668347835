//! A message about certificates that no table of ours knows, as a newer Caddy may write one, and a log of which
//! nothing is known.

use crate::process::{Place, Watch, wait_for};
use serde_json::json;
use std::fs;

const MSG: &str = "renewal postponed by the moon";

#[test]
fn what_nobody_understands_is_counted_shown_and_told_by_whoever_wants_the_rule() {
    let place = Place::new();
    let line = json!({"level": "error", "ts": 1_795_434_180.5, "logger": "tls.renew", "msg": MSG,
        "identifier": "a.example.com"});
    place.log(&format!("{line}\n"));
    let settings = "[rules.unknown-tls-error]\nenabled = true\n";
    fs::write(place.path("watch.toml"), settings).unwrap();
    let arguments = [
        "watch",
        "caddy.log",
        "--state",
        "state",
        "--config",
        "watch.toml",
    ];
    let arguments = [&arguments[..], &["--record", "record.jsonl"]].concat();
    let watch = Watch::start(&mut place.command(&arguments));
    watch.wait_until_it_says("read to the end");
    let expected = json!({"type": "unknown", "schema": 1, "instance": "caddy", "lines": 1, "errors": 1,
        "messages": {MSG: 1}});
    wait_for("the message in `status`", || {
        place.status().contains(&expected)
    });
    let record = fs::read_to_string(place.path("record.jsonl")).unwrap();
    assert!(record.contains(r#""rule":"unknown-tls-error""#), "{record}");
    let shown = place
        .command(&["status", "--state", "state"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(&format!("1x  {MSG}")), "{shown}");
}

#[test]
fn a_log_of_which_nothing_is_understood_is_no_clean_bill() {
    let place = Place::new();
    let line = json!({"L": "info", "M": "what nobody knows"}).to_string() + "\n";
    place.log(&line.repeat(2_040));
    let arguments = ["watch", "caddy.log", "--state", "state"];
    let watch = Watch::start(&mut place.command(&arguments));
    watch.wait_until_it_says("read to the end");
    let said =
        "caddy: 2,040 lines, none understood: are the keys renamed, or is it not Caddy's log?";
    let shown = place
        .command(&["status", "--state", "state"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(said), "{shown}");
    let row = json!({"type": "source", "schema": 1, "instance": "caddy", "caught_up": true, "log_time": null,
        "lines": 2_040, "understood": 0, "unreadable": 2_040});
    assert!(place.status().contains(&row), "{:?}", place.status());
    // It is said once, however many lines come.
    place.log(&line.repeat(40));
    wait_for("the lines that came later", || {
        place.status().iter().any(|row| row["lines"] == 2_080)
    });
    assert_eq!(
        watch.said().matches("none understood").count(),
        1,
        "{}",
        watch.said()
    );
    // One entry of Caddy's shows that the keys are right.
    let entry = json!({"level": "info", "ts": 1_795_434_180.5, "logger": "admin", "msg": "admin endpoint started"});
    place.log(&format!("{entry}\n"));
    wait_for("an entry", || {
        place.status().iter().any(|row| row["understood"] == 1)
    });
    let shown = place
        .command(&["status", "--state", "state"])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(!shown.contains("none understood"), "{shown}");
}
