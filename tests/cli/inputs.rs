//! What can be handed to `replay`, and what cannot.

use crate::program::{Ran, fixture, run, run_on};
use crate::rows::{alerts, rows};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;

fn capture() -> String {
    fs::read_to_string(fixture("captures/2.11.7/expiry/caddy.log")).unwrap()
}

fn replay(path: &Path) -> Ran {
    let path = path.display().to_string();
    run(&["replay", &path, "--format", "json"])
}

fn summary(ran: &Ran) -> Value {
    rows(&ran.stdout).pop().unwrap()
}

/// Replays a file of these bytes.
fn replay_bytes(name: &str, bytes: &[u8]) -> Ran {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join(name);
    fs::write(&path, bytes).unwrap();
    replay(&path)
}

#[test]
fn a_file_that_is_not_there_is_66() {
    let ran = replay(Path::new("no/such/caddy.log"));
    assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
    assert_eq!(
        ran.stderr,
        "error: no/such/caddy.log: no such file or directory\n"
    );
}

#[test]
fn a_directory_without_logs_is_66() {
    let room = tempfile::tempdir().unwrap();
    fs::write(room.path().join("notes.md"), "x").unwrap();
    let ran = replay(room.path());
    assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
    let (what, help) = ran.stderr.split_once('\n').unwrap();
    assert!(what.ends_with(": no logs in this directory"), "{what}");
    assert!(
        help.starts_with("help: ") && help.contains("named itself"),
        "{help}"
    );
}

#[test]
fn a_binary_is_65() {
    let ran = replay_bytes("caddy.log", b"\x7fELF\x02\x01\x01\0\0\0\0\0");
    assert_eq!(ran.code, 65);
    assert_refused_as_no_text(&ran.stderr);
    assert_eq!(alerts(&ran.stdout), Vec::<Value>::new());
}

fn assert_refused_as_no_text(said: &str) {
    let (what, help) = said.split_once('\n').unwrap();
    assert!(what.ends_with("caddy.log: not a text file"), "{what}");
    assert!(
        help.starts_with("help: ") && help.contains("unpack"),
        "{help}"
    );
}

#[test]
fn of_a_binary_no_story_is_told_that_looks_like_a_clean_bill() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    fs::write(&path, b"PK\x03\x04\x14\0\0\0").unwrap();
    let ran = run(&["replay", &path.display().to_string()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (65, ""));
    assert_refused_as_no_text(&ran.stderr);
}

#[test]
fn of_a_truncated_archive_the_whole_part_is_told_and_then_65() {
    let log = fs::read(fixture("incident-2026-05-03/caddy.log")).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&log).unwrap();
    let whole = packer.finish().unwrap();
    let ran = replay_bytes("caddy.log.gz", &whole[..whole.len() / 2]);
    assert_eq!(ran.code, 65);
    let lines = summary(&ran)["lines"].as_u64().unwrap();
    assert!((500..4_000).contains(&lines), "{lines}");
    let said = format!("the archive is broken after line {lines}: ");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    let opened = alerts(&ran.stdout);
    assert!(opened.iter().any(|row| row["rule"] == "renewal-failing"));
}

#[test]
fn a_broken_archive_does_not_keep_the_other_logs_from_being_read() {
    let room = tempfile::tempdir().unwrap();
    let broken = room.path().join("a.log.gz");
    fs::write(&broken, b"\x1f\x8b\x08\0\0\0\0\0\0\x03garbage").unwrap();
    fs::write(room.path().join("b.log"), capture()).unwrap();
    let paths = ["a.log.gz", "b.log"].map(|name| room.path().join(name).display().to_string());
    let ran = run(&["replay", &paths[0], &paths[1], "--format", "json"]);
    assert_eq!(ran.code, 65);
    assert!(ran.stderr.contains("a.log.gz: the archive is broken"));
    assert_eq!(alerts(&ran.stdout).len(), 26);
}

#[test]
fn a_line_of_64_mib_is_counted_and_the_next_one_found() {
    let log = capture();
    let (first, rest) = log.split_once('\n').unwrap();
    let mut bytes = format!("{first}\n{{\"msg\":\"").into_bytes();
    bytes.resize(bytes.len() + (64 << 20), b'x');
    bytes.extend_from_slice(b"\"}\n");
    bytes.extend_from_slice(rest.as_bytes());
    let ran = replay_bytes("caddy.log", &bytes);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let summary = summary(&ran);
    let lines = log.lines().count() + 1;
    assert_eq!(
        (&summary["lines"], &summary["unreadable"]),
        (&json!(lines), &json!(1))
    );
    assert_eq!(alerts(&ran.stdout).len(), 26);
}

#[test]
fn a_file_of_powershell_in_utf_16_is_read_with_its_mark_and_without() {
    for (mark, big_endian) in [
        ("\u{feff}", false),
        ("\u{feff}", true),
        ("", false),
        ("", true),
    ] {
        let text = mark.to_owned() + &capture();
        let bytes = text.encode_utf16().flat_map(|unit| {
            if big_endian {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        });
        let ran = replay_bytes("caddy.log", &bytes.collect::<Vec<u8>>());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert_eq!(summary(&ran)["unreadable"], 0);
        assert_eq!(alerts(&ran.stdout).len(), 26);
    }
}

#[test]
fn an_empty_file_is_fine_and_said() {
    let told = run_on(&["replay", "-"], Vec::new());
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert!(
        told.stdout.contains("There is nothing in it."),
        "{}",
        told.stdout
    );
    let ran = replay_bytes("caddy.log", b"");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(rows(&ran.stdout).len(), 1);
    let expected = json!({
        "type": "summary", "schema": 1, "lines": 0, "matched": 0, "understood": 0, "unknown": 0,
        "unreadable": 0,
        "first": null, "last": null,
        "alerts": {"critical": 0, "warning": 0, "info": 0},
    });
    assert_eq!(summary(&ran), expected);
}

#[test]
fn text_that_is_no_log_is_fine_counted_and_shown() {
    let text = b"Caddy is great\n\n{\"level\":\"info\"}\n\xff\xfe broken\n";
    let ran = replay_bytes("caddy.log", text);
    assert_eq!(ran.code, 0);
    assert_eq!(summary(&ran)["unreadable"], 3);
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    fs::write(&path, text).unwrap();
    let ran = run(&["replay", &path.display().to_string()]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout
            .contains("3 lines could not be read, the first at ")
            && ran.stdout.contains(
                "caddy.log:1: neither one whole JSON object (column 1) nor a console line."
            ),
        "{}",
        ran.stdout
    );
    let said = "caddy: 4 lines, none understood: are the keys renamed, or is it not Caddy's log?";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}

#[test]
fn a_last_line_without_a_newline_counts() {
    let text = capture();
    let cut: String = text.lines().take(60).collect::<Vec<_>>().join("\n");
    assert_eq!(
        summary(&replay_bytes("caddy.log", cut.as_bytes()))["lines"],
        60
    );
    let most = cut.split_at(cut.len() - 10).0;
    let begun = cut.split_at(cut.rfind('\n').unwrap() + 20).0;
    for (text, unreadable) in [(most, 0), (begun, 1)] {
        let ran = replay_bytes("caddy.log", text.as_bytes());
        assert_eq!(ran.code, 0);
        assert_eq!(summary(&ran)["unreadable"], unreadable, "{text}");
    }
}

#[test]
fn what_nobody_understands_is_shown_in_both_formats() {
    let line = r#"{"level":"error","ts":1777845841.5,"logger":"tls.renew","msg":"renewal postponed by the moon"}"#;
    let ran = replay_bytes("caddy.log", line.as_bytes());
    let rows = rows(&ran.stdout);
    assert_eq!(rows[0]["type"], "unknown");
    assert_eq!(
        rows[0]["messages"],
        json!({"renewal postponed by the moon": 1})
    );
    assert_eq!(
        (&summary(&ran)["unknown"], &rows[0]["errors"]),
        (&json!(1), &json!(1))
    );
    let told = run_on(&["replay", "-"], line.into());
    assert!(
        told.stdout.contains("1x  renewal postponed by the moon\n"),
        "{}",
        told.stdout
    );
}

#[test]
fn watch_says_of_a_log_that_it_understood_nothing_of_it() {
    let room = tempfile::tempdir().unwrap();
    let state = room.path().display().to_string();
    let line = "{\"L\":\"info\",\"M\":\"what nobody knows\"}\n";
    for (lines, says) in [(19, false), (40, true)] {
        let ran = run_on(
            &["watch", "-", "--state", &state],
            line.repeat(lines).into_bytes(),
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let said = "warning: stdin: 40 lines, none understood";
        assert_eq!(ran.stderr.contains(said), says, "{}", ran.stderr);
    }
}
