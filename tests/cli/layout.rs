//! Keys and zones that are told to `replay` and `rules explain`, on the command line or by a configuration.

use crate::program::{Ran, fixture, run, run_on};
use crate::rows::alerts;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

/// The last failure of the incident, as a Caddy prints it whose keys and times are its own; 00:04:01 in this
/// zone is 22:04:01 in UTC. Only the settings tell which of the two texts is the message.
const LINES: &str = concat!(
    r#"{"L":"info","T":"2026/05/04 00:03:57","N":"tls.renew","note":"lock acquired","M":"renewing certificate","identifier":"a.example.com","remaining":5642.66}"#,
    "\n",
    r#"{"L":"error","T":"2026/05/04 00:04:01","N":"tls.renew","note":"lock acquired","M":"will retry","error":"[a.example.com] Renew: unexpected response code 'SERVFAIL'","attempt":29,"retrying_in":21600,"elapsed":151329.1,"max_duration":2592000}"#,
    "\n",
);
const KEYS: &str = "message_key=M,level_key=L,time_key=T,name_key=N";

fn room() -> TempDir {
    let room = tempfile::tempdir().unwrap();
    fs::write(room.path().join("edge.log"), LINES).unwrap();
    let settings = format!(
        "[[source]]\nname = \"edge\"\nfile = \"/var/log/caddy/edge.log\"\ntimezone = \"+02:00\"\n{}\n[rules.renewal-failing]\nenabled = false\n",
        r#"keys = { message_key = "M", level_key = "L", time_key = "T", name_key = "N" }"#
    );
    fs::write(room.path().join("notafter.toml"), settings).unwrap();
    room
}

fn replay(room: &TempDir, more: &[&str]) -> Ran {
    let path = |name: &str| room.path().join(name).display().to_string();
    let mut arguments = vec![
        "replay".to_owned(),
        path("edge.log"),
        "--format".into(),
        "json".into(),
    ];
    arguments.extend(
        more.iter()
            .map(|one| one.replace("notafter.toml", &path("notafter.toml"))),
    );
    run(&arguments)
}

/// When the retry that comes too late was told.
fn told_at(ran: &Ran) -> Value {
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let alerts = alerts(&ran.stdout);
    let too_late = alerts
        .iter()
        .find(|row| row["rule"] == "retry-after-expiry");
    too_late.map_or(Value::Null, |row| row["at"].clone())
}

#[test]
fn a_replay_is_told_keys_and_zone_on_the_command_line() {
    let room = room();
    assert_eq!(told_at(&replay(&room, &[])), Value::Null);
    let told = replay(&room, &["--keys", KEYS, "--timezone", "+02:00"]);
    assert_eq!(told_at(&told), "2026-05-03T22:04:01Z");
    let told = replay(&room, &["--keys", KEYS, "--timezone", "-03:30"]);
    assert_eq!(told_at(&told), "2026-05-04T03:34:01Z");
}

#[test]
fn a_replay_takes_them_and_the_rules_from_the_source_of_its_name() {
    let room = room();
    let told = replay(&room, &["--config", "notafter.toml"]);
    assert_eq!(told_at(&told), "2026-05-03T22:04:01Z");
    let rules: Vec<Value> = alerts(&told.stdout)
        .iter()
        .map(|row| row["rule"].clone())
        .collect();
    assert!(!rules.contains(&"renewal-failing".into()), "{rules:?}");
    let named = replay(&room, &["--config", "notafter.toml", "--instance", "edge"]);
    assert_eq!(told_at(&named), "2026-05-03T22:04:01Z");
    let over = replay(&room, &["--config", "notafter.toml", "--timezone", "UTC"]);
    assert_eq!(told_at(&over), "2026-05-04T00:04:01Z");
}

#[test]
fn explain_takes_them_too() {
    let room = room();
    let config = room.path().join("notafter.toml").display().to_string();
    let told = |more: &[&str]| {
        let ran = run_on(&[&["rules", "explain"], more].concat(), LINES.into());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        ran.stdout
    };
    let right = "2026-05-03 22:04:01 UTC, error, tls.renew, JSON\n  \"will retry\"";
    assert!(!told(&[]).contains(right), "{}", told(&[]));
    for more in [
        &["--keys", KEYS, "--timezone", "+02:00"][..],
        &["--config", &config, "--instance", "edge"],
    ] {
        assert!(told(more).contains(right), "{}", told(more));
    }
}

#[test]
fn the_keys_may_be_those_of_caddys_own_configuration() {
    let room = room();
    let path = room.path().join("autosave.json");
    let encoder =
        r#"{"format":"json","message_key":"M","level_key":"L","time_key":"T","name_key":"N"}"#;
    let config = format!(r#"{{"logging":{{"logs":{{"default":{{"encoder":{encoder}}}}}}}}}"#);
    fs::write(&path, config).unwrap();
    let keys = path.display().to_string();
    let told = replay(&room, &["--keys", &keys, "--timezone", "+02:00"]);
    assert_eq!(told_at(&told), "2026-05-03T22:04:01Z");
}

#[test]
fn mistakes_are_said_with_what_to_do() {
    let room = room();
    let log = fixture("pastes/late-retry.log").display().to_string();
    for (more, code, words) in [
        (
            &["--keys", "mesage_key=M"][..],
            2,
            "did you mean `message_key`?",
        ),
        (
            &["--keys", "/nonexistent/autosave.json"],
            66,
            "message_key=M,time_key=T",
        ),
        (&["--timezone", "Europe/Berlin"], 2, "`+02:00`"),
        (
            &["--config", "notafter.toml", "--instance", "egde"],
            2,
            "did you mean `edge`?",
        ),
    ] {
        let ran = replay(&room, more);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    let ran = run(&["rules", "explain", &log, "--instance", "edge"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("it has no `[[source]]`"),
        "{}",
        ran.stderr
    );
}
