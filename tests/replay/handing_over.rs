//! However a log is handed over, it says the same.

use crate::program::{Ran, fixture, run, run_on};
use crate::rows::alerts;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;

fn log() -> Vec<u8> {
    fs::read(fixture("incident-2026-05-03/caddy.log")).unwrap()
}

/// The alert rows, without the name of the file that each proof was found in.
fn told(ran: &Ran) -> Vec<Value> {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut rows = alerts(&ran.stdout);
    for quote in rows
        .iter_mut()
        .flat_map(|row| row["evidence"].as_array_mut().unwrap())
    {
        quote["source"] = Value::Null;
    }
    rows
}

fn replay(path: &Path) -> Vec<Value> {
    let path = path.display().to_string();
    told(&run(&["replay", &path, "--format", "json"]))
}

fn plain() -> Vec<Value> {
    let rows = replay(&fixture("incident-2026-05-03/caddy.log"));
    assert_eq!(rows.len(), 28);
    rows
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

#[test]
fn packed_logs_give_the_same_rows() {
    let room = tempfile::tempdir().unwrap();
    let expected = plain();
    for (name, bytes) in [
        ("caddy.log.gz", gzip(&log())),
        ("caddy.log.zst", zstd::encode_all(&log()[..], 0).unwrap()),
    ] {
        let path = room.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert_eq!(replay(&path), expected, "{name}");
    }
}

#[test]
fn a_directory_gives_the_same_rows() {
    let room = tempfile::tempdir().unwrap();
    fs::write(room.path().join("caddy.log"), log()).unwrap();
    fs::write(room.path().join("README.md"), "not a log").unwrap();
    assert_eq!(replay(room.path()), plain());
}

/// The log cut in two behind a line, as Caddy rotates it.
fn rotated_at(line: usize) -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    let log = log();
    let newlines = log.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let (cut, _) = newlines.take(line).last().unwrap();
    let (old, new) = log.split_at(cut + 1);
    let rotated = room.path().join("caddy-2026-05-03T00-00-00.000.log");
    fs::write(rotated, old).unwrap();
    fs::write(room.path().join("caddy.log"), new).unwrap();
    room
}

/// The rows without the number of the line, which is that of its own file.
fn without_lines(mut rows: Vec<Value>) -> Vec<Value> {
    for quote in rows
        .iter_mut()
        .flat_map(|row| row["evidence"].as_array_mut().unwrap())
    {
        quote["line"] = Value::Null;
    }
    rows
}

#[test]
fn a_rotated_pair_gives_the_same_rows_in_whatever_order_it_is_named() {
    let room = rotated_at(1_800);
    let expected = without_lines(plain());
    assert_eq!(without_lines(replay(room.path())), expected);
    let new = room.path().join("caddy.log").display().to_string();
    let old = room.path().join("caddy-2026-05-03T00-00-00.000.log");
    let old = old.display().to_string();
    let named = run(&["replay", &new, &old, "--format", "json"]);
    assert_eq!(without_lines(told(&named)), expected);
}

#[test]
fn a_log_cut_anywhere_by_rotation_gives_the_same_rows() {
    let expected = without_lines(plain());
    for line in [1, 5, 271, 309, 3_622, 3_653, 3_986, 4_024, 4_572] {
        let room = rotated_at(line);
        assert_eq!(without_lines(replay(room.path())), expected, "line {line}");
    }
}

#[test]
fn standard_input_gives_the_same_rows_under_the_same_instance() {
    let arguments = ["replay", "-", "--instance", "caddy", "--format", "json"];
    assert_eq!(told(&run_on(&arguments, log())), plain());
    assert_eq!(told(&run_on(&arguments, gzip(&log()))), plain());
}

#[test]
fn standard_input_is_an_instance_of_its_own_without_a_name() {
    let rows = told(&run_on(&["replay", "-", "--format", "json"], log()));
    assert_eq!(rows.len(), plain().len());
    assert!(rows.iter().all(|row| row["instance"] == "stdin"));
    let ids = |rows: &[Value]| -> Vec<Value> { rows.iter().map(|row| row["id"].clone()).collect() };
    assert_ne!(ids(&rows), ids(&plain()));
}

#[test]
fn an_output_file_holds_what_would_have_been_printed() {
    let room = tempfile::tempdir().unwrap();
    let out = room.path().join("rows.jsonl").display().to_string();
    let log = fixture("incident-2026-05-03/caddy.log")
        .display()
        .to_string();
    let printed = run(&["replay", &log, "--format", "json"]);
    let written = run(&["replay", &log, "--format", "json", "-o", &out]);
    assert_eq!((written.code, written.stdout.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(out).unwrap(), printed.stdout);
}

#[test]
fn windows_line_ends_change_nothing() {
    let text = String::from_utf8(log()).unwrap().replace('\n', "\r\n");
    let arguments = ["replay", "-", "--instance", "caddy", "--format", "json"];
    assert_eq!(told(&run_on(&arguments, text.into_bytes())), plain());
}

#[test]
fn of_two_caddys_that_serve_one_name_each_is_called_by_its_log() {
    let logs = tempfile::tempdir().unwrap();
    for host in ["east", "west"] {
        let log = logs.path().join(format!("{host}.log"));
        fs::copy(fixture("incident-2026-05-03/caddy.log"), log).unwrap();
    }
    let ran = run(&["replay".as_ref(), logs.path().as_os_str()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for host in ["east", "west"] {
        let called = format!("\nmatrix-fed.takeonme.org at {host}\n");
        assert!(ran.stdout.contains(&called), "{}", ran.stdout);
        let quiet = format!("\n  takeonme.org at {host} (healthy, ");
        assert!(ran.stdout.contains(&quiet), "{}", ran.stdout);
    }
}
