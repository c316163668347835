//! What the settings tell of how a Caddy prints its lines.

use crate::process::{Place, Watch, wait_for};
use serde_json::json;
use std::fs;

/// Starts a watch of `caddy.log` with these lines about its source.
fn watch(place: &Place, source: &str) -> Watch {
    let log = place.path("caddy.log").display().to_string();
    let settings = format!("[[source]]\nfile = \"{log}\"\n{source}\n");
    fs::write(place.path("watch.toml"), settings).unwrap();
    let arguments = ["watch", "--state", "state", "--config", "watch.toml"];
    let arguments = [&arguments[..], &["--record", "record.jsonl"]].concat();
    let watch = Watch::start(&mut place.command(&arguments));
    watch.wait_until_it_says("read to the end");
    watch
}

/// A message that no table knows is seen under no key but its own.
#[test]
fn keys_are_told_by_the_settings_or_by_caddys_own() {
    let line =
        json!({"when": 1_795_434_180.5, "how": "error", "who": "tls.renew", "what": "a new word"});
    let expected = json!({"type": "unknown", "schema": 1, "instance": "caddy", "lines": 1, "errors": 1,
        "messages": {"a new word": 1}});
    let told =
        "{ message_key = \"what\", level_key = \"how\", time_key = \"when\", name_key = \"who\" }";
    for keys in [told, "\"autosave.json\""] {
        let place = Place::new();
        let encoder = json!({"format": "json", "message_key": "what", "level_key": "how", "time_key": "when",
            "name_key": "who"});
        let caddy = json!({"logging": {"logs": {"default": {"encoder": encoder}}}});
        fs::write(place.path("autosave.json"), caddy.to_string()).unwrap();
        place.log(&format!("{line}\n"));
        let _watch = watch(&place, &format!("keys = {keys}"));
        wait_for("the message in `status`", || {
            place.status().contains(&expected)
        });
    }
}

#[test]
fn without_a_configuration_of_caddys_that_can_be_read_it_watches_all_the_same() {
    let place = Place::new();
    place.log("\n");
    let watch = watch(&place, "keys = \"autosave.json\"");
    watch.wait_until_it_says("warning: caddy: autosave.json does not tell the keys of the log");
}

#[test]
fn times_without_a_zone_are_in_the_zone_of_their_source() {
    let place = Place::new();
    let line = json!({"level": "error", "ts": "2026/05/03 22:04:01", "logger": "tls.renew", "msg": "will retry",
        "error": "[a.example.com] Renew: x", "attempt": 1, "retrying_in": 60.5});
    place.log(&format!("{line}\n"));
    let _watch = watch(&place, "timezone = \"+02:00\"");
    wait_for("the alert at the time of the zone", || {
        let recorded = place.recorded();
        recorded
            .iter()
            .any(|row| row.starts_with("renewal-failing a.example.com 2026-05-03T20:04:01Z"))
    });
}
