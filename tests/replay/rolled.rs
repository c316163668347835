//! A log that Caddy rolled twice in the middle of an outage, handed over as it lies there.

use crate::program::{fixture, run};
use crate::rows::{of_type, rows};
use serde_json::Value;
use std::fs;

#[test]
fn nothing_is_lost_where_caddy_rolled_its_log() {
    for version in fs::read_dir(fixture("captures")).unwrap() {
        let directory = version.unwrap().path().join("rolling");
        let place = directory.display();
        let mut logs: Vec<String> = fs::read_dir(&directory)
            .unwrap()
            .map(|one| one.unwrap().path())
            .filter(|path| path.extension().is_none_or(|extension| extension != "json"))
            .map(|path| path.display().to_string())
            .collect();
        // In the order of their names the live one comes last, and that is not what counts.
        logs.sort_by(|one, other| other.cmp(one));
        assert_eq!(logs.len(), 3, "{place}");
        let mut arguments = vec!["replay", "--format", "json"];
        arguments.extend(logs.iter().map(String::as_str));
        let ran = run(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let rows = rows(&ran.stdout);
        let truth = fs::read_to_string(directory.join("timeline.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        for row in of_type(&rows, "certificate") {
            let name = row["name"].as_str().unwrap();
            let attempts = truth["names"][name]["attempts"].as_array().unwrap();
            assert_eq!(row["attempts_total"], attempts.len(), "{place} {name}");
        }
        let summary = of_type(&rows, "summary").remove(0);
        assert_eq!(summary["unreadable"], 0, "{place}");
        assert_eq!(summary["unknown"], 0, "{place}");
    }
}
