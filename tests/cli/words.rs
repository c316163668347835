//! Arguments: what is asked for, and what is wrong with it.

use crate::program::{fixture, notafter, run};
use crate::rows::{alerts, rows};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn incident() -> String {
    fixture("incident-2026-05-03/caddy.log")
        .display()
        .to_string()
}

#[test]
fn without_arguments_the_verbs_are_shown() {
    let ran = run::<&str>(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    for verb in [
        "watch",
        "replay",
        "check",
        "rules",
        "status",
        "completions",
        "man",
    ] {
        assert!(ran.stderr.contains(&format!("\n  {verb}")), "{verb}");
    }
}

#[test]
fn help_and_version_are_data() {
    for flag in ["--help", "--version"] {
        let ran = run(&[flag]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains("notafter"));
    }
}

#[test]
fn a_misspelt_verb_is_a_usage_error() {
    let ran = run(&["reply", "caddy.log"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("'replay'"), "{}", ran.stderr);
}

#[test]
fn a_bad_moment_is_a_usage_error_that_shows_a_good_one() {
    for (flag, text) in [("--since", "2"), ("--until", "yesterday")] {
        let ran = run(&["replay", &incident(), flag, text]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        let expected = format!("error: {flag}: `{text}` is not a time\nhelp: write it like 2026-");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    }
}

#[test]
fn a_bad_severity_is_a_usage_error_that_names_the_good_ones() {
    let ran = run(&["replay", &incident(), "--fail-on", "fatal"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("info, warning, critical"));
}

#[test]
fn fail_on_turns_alerts_into_an_exit_code() {
    let incident = incident();
    let code = |more: &[&str]| {
        let mut arguments = vec!["replay", &incident, "--format", "json"];
        arguments.extend(more);
        run(&arguments).code
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on", "info"]), 1);
    assert_eq!(code(&["--fail-on", "critical"]), 1);
    // Nine minutes after the first failure nothing is critical yet.
    let early = ["--until", "2026-05-02T02:40:00Z", "--fail-on"];
    assert_eq!(code(&[&early[..], &["warning"]].concat()), 1);
    assert_eq!(code(&[&early[..], &["critical"]].concat()), 0);
}

#[test]
fn nothing_after_until_is_told_and_time_moves_up_to_it() {
    let until = |moment: &str| {
        let ran = run(&["replay", &incident(), "--format", "json", "--until", moment]);
        assert_eq!(ran.code, 0);
        alerts(&ran.stdout)
    };
    let before = until("2026-05-03T23:37:58Z");
    assert!(before.iter().all(|row| row["rule"] != "expired"));
    // No line has this stamp: the clock alone gets there.
    let at = until("2026-05-03T23:37:59Z");
    assert_eq!(at.len(), before.len() + 1);
    assert_eq!(at.last().unwrap()["rule"], "expired");
}

#[test]
fn nothing_before_since_is_told() {
    let since = "2026-05-03T12:00:00Z";
    let ran = run(&["replay", &incident(), "--format", "json", "--since", since]);
    assert_eq!(ran.code, 0);
    let rows = rows(&ran.stdout);
    assert!(rows.last().unwrap()["first"].as_str() >= Some(since));
    let rows = alerts(&ran.stdout);
    assert!(rows.iter().any(|row| row["rule"] == "retry-after-expiry"));
    assert!(rows.iter().all(|row| row["at"].as_str() >= Some(since)));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // Longer than any pipe holds: the rest meets a closed pipe.
    let room = tempfile::tempdir().unwrap();
    let log = std::fs::read(fixture("captures/2.11.7/expiry/caddy.log")).unwrap();
    for number in 0..12 {
        std::fs::write(room.path().join(format!("site{number}.log")), &log).unwrap();
    }
    let mut child = Command::new(notafter().get_program())
        .args(["replay", "--format", "json"])
        .arg(room.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with(r#"{"type":"alert""#));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_output_file_that_cannot_be_written_is_named() {
    let ran = run(&["replay", &incident(), "-o", "/nonexistent/story.txt"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.starts_with("error: /nonexistent/story.txt: "));
}

#[test]
fn a_state_that_is_not_there_is_named_with_the_way_out() {
    let room = tempfile::tempdir().unwrap();
    let empty = room.path().display().to_string();
    let missing = room.path().join("missing").display().to_string();
    for directory in [empty, missing] {
        let ran = run(&["status", "--state", &directory]);
        assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
        let expected = format!(
            "error: no state at {directory}/state.db; has `notafter watch` run with this state directory? Name another with --state\n"
        );
        assert_eq!(ran.stderr, expected);
    }
    assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 0);
}

#[test]
fn watching_nothing_or_a_directory_is_a_usage_error() {
    let room = tempfile::tempdir().unwrap();
    let ran = run(&["watch"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: nothing to watch\nhelp: "));
    let directory = room.path().display().to_string();
    let ran = run(&["watch", &directory]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("is a directory\nhelp: name the log file")
    );
}

#[test]
fn a_channel_without_a_scheme_is_a_usage_error_before_anything_starts() {
    let room = tempfile::tempdir().unwrap();
    let (log, state) = (room.path().join("caddy.log"), room.path().join("state"));
    let (log, state) = (log.display().to_string(), state.display().to_string());
    let ran = run(&["watch", &log, "--notify", "my-topic", "--state", &state]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("ntfy://ntfy.sh/my-topic"));
    assert!(!std::path::Path::new(&state).exists());
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains("replay"), "{shell}");
    }
    assert_eq!(run(&["completions", "cmd"]).code, 2);
}

#[test]
fn the_manual_has_a_page_for_every_verb() {
    let ran = run(&["man"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains(".SH \"EXIT STATUS\""), "{}", ran.stdout);
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man");
    let ran = run(&["man", "--directory", pages.to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    for page in ["notafter", "notafter-watch", "notafter-rules-show"] {
        assert!(pages.join(format!("{page}.1")).is_file(), "{page}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let ran = run(&["man", "--directory", "/dev/null/man"]);
    assert_eq!(ran.code, 74);
    assert!(ran.stderr.contains("/dev/null/man"), "{}", ran.stderr);
}

#[test]
fn the_schema_of_the_configuration_knows_the_rules_of_a_directory() {
    let parameter = |more: &[&str]| {
        let ran = run(&[&["schema", "config"], more].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let rules = &schema["properties"]["rules"]["properties"];
        assert_eq!(
            rules["last-tries"]["properties"]["warning_tries"]["default"],
            4
        );
        rules["door-left-open"]["properties"]["patience"]["type"].clone()
    };
    let directory = fixture("rules").display().to_string();
    assert_eq!(parameter(&["--rules", &directory]), "string");
    assert!(parameter(&[]).is_null());
    let ran = run(&["schema", "rule"]);
    assert!(ran.stdout.contains("json-schema.org"));
}
