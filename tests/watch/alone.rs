//! One writer per state, and logs that are not there yet.

use crate::hook::Hook;
use crate::process::{Place, wait_for};
use crate::recent::{Recent, START};
use std::time::Duration;

#[test]
fn a_second_watch_on_the_same_state_is_refused_and_told_who_has_it() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log("");
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    let second = place
        .command(&["watch", "caddy.log", "--state", "state"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(69));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&watch.pid().to_string()), "{said}");
    let rows = place.status();
    assert!(
        rows.len() == 1 && rows[0]["type"] == "source",
        "status may look meanwhile: {rows:?}"
    );
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}

#[test]
fn a_log_that_is_not_there_is_waited_for_and_then_read() {
    let (hook, place) = (Hook::start(), Place::new());
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("caddy.log does not exist; waiting for it");
    place.log(&Recent::new(40, 2).between(0.0, 40.0));
    wait_for("the alarm", || hook.heard(START) == ["firing critical"]);
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    assert_eq!(place.recorded().len(), 8);
}

#[test]
fn a_log_that_stays_away_is_told_and_so_is_its_return() {
    let (hook, place) = (Hook::start(), Place::new());
    let settings = format!(
        "[[source]]\nname = \"edge\"\nfile = \"{}\"\nlag = \"0s\"\n\n[[channel]]\nname = \"hook\"\nurl = \"{}\"\n\n\
         [rules.source-lost]\ngrace = \"1s\"\n",
        place.path("caddy.log").display(),
        hook.url
    );
    std::fs::write(place.path("notafter.toml"), settings).unwrap();
    let mut command = place.command(&["watch", "--config", "notafter.toml", "--state", "state"]);
    let watch = crate::process::Watch::start(&mut command);
    wait_for("the loss", || hook.taken().len() == 1);
    let rows = place.status();
    let of_source = rows.iter().find(|row| row["type"] == "source_alerts");
    assert_eq!(of_source.unwrap()["alerts"][0], "source-lost");
    place.log(&Recent::new(40, 1).between(0.0, 40.0));
    wait_for("the return, and the alarm", || hook.taken().len() >= 3);
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    let told = |message: &serde_json::Value| {
        let text = |field: &str| message[field].as_str().unwrap_or("null").to_owned();
        ["certificate", "status", "severity", "title"]
            .map(text)
            .join(" | ")
    };
    let mut told: Vec<String> = hook.taken().iter().map(told).collect();
    told.truncate(2);
    assert_eq!(
        told,
        [
            "null | firing | warning | edge: the log cannot be read",
            "null | resolved | warning | edge: source-lost is over",
        ]
    );
}

#[test]
fn what_a_log_tells_that_was_away_is_not_missed() {
    let (hook, place) = (Hook::start(), Place::new());
    let settings = format!(
        "[[source]]\nname = \"edge\"\nfile = \"{}\"\nlag = \"0s\"\n",
        place.path("caddy.log").display()
    );
    std::fs::write(place.path("notafter.toml"), settings).unwrap();
    let watch = || {
        let arguments = ["watch", "--config", "notafter.toml", "--state", "state"];
        let record = ["--record", "record.jsonl", "--notify", &hook.url];
        crate::process::Watch::start(&mut place.command(&[&arguments[..], &record].concat()))
    };
    // It expires at second 45.
    let log = Recent::new(40, 2);
    place.log(&log.between(0.0, 40.0));
    let first = watch();
    wait_for("the alarm", || !hook.heard(START).is_empty());
    assert_eq!(first.end_with("TERM").code(), Some(0));
    let away = place.path("away.log");
    std::fs::rename(place.path("caddy.log"), &away).unwrap();
    let second = watch();
    second.wait_until_it_says("waiting for it");
    std::thread::sleep(Duration::from_secs(5));
    let written = log.between(0.0, 40.0) + &log.earlier((181.9, 182.0), START, 138);
    std::fs::write(&away, written).unwrap();
    std::fs::rename(away, place.path("caddy.log")).unwrap();
    let renewed = |row: &String| row.starts_with("last-tries start") && row.contains(" closed ");
    wait_for("the recovery", || place.recorded().iter().any(renewed));
    assert_eq!(second.end_with("TERM").code(), Some(0));
    let expired = |row: &&String| row.starts_with("expired start");
    assert_eq!(place.recorded().iter().find(expired), None);
    assert_eq!(place.recorded(), place.replayed());
}

#[test]
fn a_rotation_in_the_middle_loses_nothing() {
    let (hook, place) = (Hook::start(), Place::new());
    let log = Recent::new(40, 2);
    place.log(&log.between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    wait_for("the alarm", || hook.taken().len() == 1);
    place.log(&log.between(40.0, 70.0));
    let rotated = place.path("caddy-2026-11-23T12-00-00.000.log");
    std::fs::rename(place.path("caddy.log"), rotated).unwrap();
    place.log(&log.between(70.0, 1_000.0));
    wait_for("both recoveries", || hook.is_over());
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    hook.expect_no_message_twice();
    let whole = log.between(0.0, 1_000.0);
    let recorded = place.recorded();
    std::fs::write(place.path("caddy.log"), whole).unwrap();
    assert_eq!(recorded, place.replayed());
}

#[test]
fn without_a_channel_alerts_are_shown_and_that_is_said() {
    let place = Place::new();
    place.log(&Recent::new(40, 2).between(0.0, 40.0));
    let mut command = place.command(&["watch", "caddy.log", "--state", "state"]);
    let watch = crate::process::Watch::start(&mut command);
    watch.wait_until_it_says("warning: no channel is configured");
    watch.wait_until_it_says(&format!("CRITICAL: {START}: "));
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}
