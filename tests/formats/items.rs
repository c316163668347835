//! Each way in which lines come that lose nothing, by its name, through the built program: it tells the same
//! as of the recording itself.

use crate::captures::{self, Capture};
use crate::console;
use crate::json::{KEYS, Levels, pretty, relevel, rename, sort};
use crate::program::{run, run_on};
use crate::recording::{Fields, fields_of, plain};
use crate::rows::alerts;
use crate::times::{Lengths, TIMES, Times, reprint};
use chrono::FixedOffset;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// A recording with failures, retries and an expiry.
static RECORDING: LazyLock<Capture> = LazyLock::new(|| {
    let mut all = captures::all().into_iter();
    all.find(|one| one.place == "2.10.2/ca-down/caddy.log")
        .unwrap()
});

/// The alerts of a file, without what quotes the line itself or cuts a moment finer than a second.
fn replayed(path: &Path) -> Vec<Value> {
    let ran = run(&["replay", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (0, ""),
        "{}",
        path.display()
    );
    let mut rows = alerts(&ran.stdout);
    for row in &mut rows {
        // The id has the moment to the microsecond in it.
        for key in ["evidence", "id"] {
            row.as_object_mut().unwrap().remove(key);
        }
    }
    rows
}

fn replayed_of(bytes: &[u8]) -> Vec<Value> {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    fs::write(&path, bytes).unwrap();
    replayed(&path)
}

static EXPECTED: LazyLock<Vec<Value>> = LazyLock::new(|| replayed_of(RECORDING.text.as_bytes()));

fn is_the_same(item: &str, bytes: &[u8]) {
    assert!(EXPECTED.len() > 5);
    let found = replayed_of(bytes);
    for (found, expected) in found.iter().zip(&*EXPECTED) {
        assert_eq!(found, expected, "{item}");
    }
    assert_eq!(found.len(), EXPECTED.len(), "{item}");
}

fn each(bring: impl Fn(&str) -> String) -> String {
    RECORDING
        .text
        .lines()
        .map(|line| bring(line) + "\n")
        .collect()
}

/// Every line, its fields changed and printed.
fn printed(print: impl Fn(Fields) -> String) -> String {
    let lines = fields_of(&RECORDING.text);
    lines.into_iter().map(|line| print(line) + "\n").collect()
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn wrapped(text: &str, columns: usize, end: &str) -> String {
    let rows = |line: &str| {
        let letters: Vec<char> = line.chars().collect();
        let rows = letters.chunks(columns);
        rows.map(|row| row.iter().collect::<String>() + end)
            .collect::<String>()
    };
    text.lines().map(rows).collect()
}

fn as_console(gap: &str) -> String {
    printed(|mut line| {
        reprint(
            &mut line,
            (Times::Layout("%Y/%m/%d %H:%M:%S%.6f"), Lengths::Seconds),
            FixedOffset::east_opt(0).unwrap(),
        );
        let text = console::print(&line, gap);
        // A message alone keeps its tabs: nothing else would prove the line.
        if text.ends_with('}') {
            text
        } else {
            console::print(&line, "\t")
        }
    })
}

#[test]
fn files_of_powershell() {
    let text = RECORDING.text.replace('\n', "\r\n");
    let marked = format!("\u{feff}{text}");
    for (item, bytes) in [
        (
            "Out-File, `>`: UTF-16 LE with its mark",
            utf16(&marked, u16::to_le_bytes),
        ),
        ("UTF-16 BE with its mark", utf16(&marked, u16::to_be_bytes)),
        ("UTF-16 LE without a mark", utf16(&text, u16::to_le_bytes)),
        ("UTF-16 BE without a mark", utf16(&text, u16::to_be_bytes)),
        (
            "Out-File -Encoding utf8: with a mark",
            marked.clone().into_bytes(),
        ),
        (
            "wrapped at 80 and UTF-16",
            utf16(
                &format!("\u{feff}{}", wrapped(&text, 80, "\r\n")),
                u16::to_le_bytes,
            ),
        ),
    ] {
        is_the_same(item, &bytes);
    }
}

#[test]
fn lines_wrapped_at_a_width() {
    for columns in [80, 100, 120] {
        let json = wrapped(&RECORDING.text, columns, "\n");
        is_the_same(&format!("JSON wrapped at {columns}"), json.as_bytes());
        let console = wrapped(&as_console("\t"), columns, "\n");
        is_the_same(&format!("console wrapped at {columns}"), console.as_bytes());
    }
}

#[test]
fn journal_short_in_many_locales() {
    for month in [
        "Nov",
        "nov.",
        "nov",
        "11\u{6708}",
        "noviembre",
        "\u{43d}\u{43e}\u{44f}",
        "kas",
        "list",
        "M\u{e4}rz",
        "d\u{e9}c.",
        "\u{39d}\u{3bf}\u{3ad}",
        "marras",
        "11\u{c6d4}",
    ] {
        let text = each(|line| format!("{month} 25 13:02:29 web1 caddy[812]: {line}"));
        is_the_same(month, text.as_bytes());
    }
}

#[test]
fn journalctl_in_other_layouts() {
    let at = |line: &str| -> i64 {
        let line: Value = serde_json::from_str(line).unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "far below 2^63")]
        let micros = (line["ts"].as_f64().unwrap() * 1e6) as i64;
        micros
    };
    let record = |line: &str| {
        json!({"__REALTIME_TIMESTAMP": at(line).to_string(), "MESSAGE": line, "PRIORITY": "6"})
            .to_string()
    };
    let export = |line: &str| {
        format!(
            "__CURSOR=s=1\n__REALTIME_TIMESTAMP={}\nMESSAGE={line}\n",
            at(line)
        )
    };
    for (item, text) in [
        ("-o json", each(record)),
        ("-o export", each(export)),
        ("-o cat", each(str::to_owned)),
        (
            "-o short-iso",
            each(|line| format!("2026-11-25T13:02:29+0000 web1 caddy[812]: {line}")),
        ),
        (
            "-o short-iso-precise",
            each(|line| format!("2026-11-25T13:02:29.123456+0000 web1 caddy[812]: {line}")),
        ),
        (
            "-o short-full",
            each(|line| format!("Wed 2026-11-25 13:02:29 UTC web1 caddy[812]: {line}")),
        ),
        (
            "-o short-monotonic",
            each(|line| format!("[ 1234.567890] web1 caddy[812]: {line}")),
        ),
        (
            "-o short-unix",
            each(|line| format!("1795611749.123456 web1 caddy[812]: {line}")),
        ),
        (
            "-o with-unit",
            each(|line| format!("Wed 2026-11-25 13:02:29 UTC web1 caddy.service[812]: {line}")),
        ),
    ] {
        is_the_same(item, text.as_bytes());
    }
}

#[test]
fn containers_in_all_paddings() {
    for prefix in [
        "caddy-1  | ",
        "caddy-1              | ",
        "caddy_1 | ",
        "caddy|",
        "my.project-caddy-1 |",
        "\u{1b}[36mcaddy-1  | \u{1b}[0m",
        "\u{1b}[36mcaddy_1    |\u{1b}[0m ",
        "\u{1b}[33mcaddy-1\u{1b}[0m  | ",
        "caddy-1  | 2026-11-25T13:02:29.123456789Z ",
        "2026-11-25T13:02:29.123456789Z ",
        "[pod/caddy-7f9c6d5b8-x2x4z/caddy] ",
        "[pod/caddy-7f9c6d5b8-x2x4z/caddy] 2026-11-25T13:02:29.123456789Z ",
        "2026-11-25T13:02:29.123456789Z stderr F ",
        "2026-11-25T13:02:29.123456789+01:00 stdout F ",
        "<6>",
    ] {
        let text = each(|line| format!("{prefix}{line}"));
        is_the_same(prefix, text.as_bytes());
    }
    let docker = each(|line| {
        let log = Value::from(format!("{line}\n"));
        format!(
            r#"{{"log":{log},"stream":"stderr","attrs":{{"tag":"x"}},"time":"2026-11-25T13:02:29.1Z"}}"#
        )
    });
    is_the_same("docker json-file", docker.as_bytes());
    let pieces = each(|line| {
        let (head, tail) = line.split_at(40);
        let stamp = "2026-11-25T13:02:29.123456789Z stderr";
        format!("{stamp} P {head}\n{stamp} F {tail}")
    });
    is_the_same("CRI, P and F", pieces.as_bytes());
}

#[test]
fn json_with_other_keys_and_shapes() {
    for keys in KEYS {
        let text = printed(|mut line| {
            rename(&mut line, keys);
            plain(&line)
        });
        is_the_same(&format!("keys {keys:?}"), text.as_bytes());
    }
    is_the_same("pretty-printed", printed(|line| pretty(&line)).as_bytes());
    let sorted = printed(|mut line| {
        sort(&mut line);
        plain(&line)
    });
    is_the_same("keys in another order", sorted.as_bytes());
    for removed in ["level", "logger"] {
        let text = printed(|mut line| {
            line.retain(|(key, _)| key != removed);
            plain(&line)
        });
        let found = replayed_of(text.as_bytes());
        let rules: Vec<&str> = found
            .iter()
            .filter_map(|row| row["rule"].as_str())
            .collect();
        assert!(
            rules.contains(&"retry-after-expiry"),
            "no {removed}: {rules:?}"
        );
    }
}

#[test]
fn every_level_and_duration_format() {
    for levels in [Levels::Lower, Levels::Upper, Levels::Color] {
        let text = printed(|mut line| {
            relevel(&mut line, levels);
            plain(&line)
        });
        is_the_same(&format!("level_format {levels:?}"), text.as_bytes());
    }
    // Milliseconds are whole, so what counts to the second may be one less.
    let utc = FixedOffset::east_opt(0).unwrap();
    for lengths in [Lengths::Seconds, Lengths::Nanos, Lengths::Words] {
        let text = printed(|mut line| {
            reprint(&mut line, (Times::Seconds, lengths), utc);
            plain(&line)
        });
        is_the_same(&format!("duration_format {lengths:?}"), text.as_bytes());
    }
}

/// Some cut parts of a second, so only which alerts there are is compared; `tests/formats/lossless.rs`
/// compares what each line means.
#[test]
fn every_time_format_with_and_without_time_local() {
    for hours in [0, 2, -9] {
        let zone = FixedOffset::east_opt(hours * 3_600).unwrap();
        for times in TIMES {
            let told = matches!(times, Times::Layout(layout) if !layout.contains("%z") && !layout.contains("%:z"));
            let text = printed(|mut line| {
                reprint(&mut line, (times, Lengths::Seconds), zone);
                plain(&line)
            });
            let rules = |rows: &[Value]| -> Vec<String> {
                let told = ["rule", "certificate", "reason"];
                let told = rows
                    .iter()
                    .map(|row| told.map(|key| row[key].to_string()).join(" "));
                let mut told: Vec<String> = told.collect();
                told.sort();
                told
            };
            // A zone that is not printed is a setting of the source.
            if hours == 0 || !told {
                let found = replayed_of(text.as_bytes());
                let expected = &*EXPECTED;
                assert_eq!(rules(&found), rules(expected), "{times:?} {zone}");
            }
        }
    }
}

#[test]
fn the_console_in_all_its_states() {
    is_the_same("console", as_console("\t").as_bytes());
    for gap in ["  ", "        "] {
        is_the_same("console with runs of spaces", as_console(gap).as_bytes());
    }
    let colour = as_console("\t").replace("\tINFO\t", "\t\u{1b}[34mINFO\u{1b}[0m\t");
    let colour = colour.replace("\terror\t", "\t\u{1b}[31mERROR\u{1b}[0m\t");
    is_the_same("console in colour", colour.as_bytes());
    let traced: Vec<String> = as_console("\t")
        .lines()
        .map(|line| format!("{line}\ngithub.com/caddyserver/certmagic.(*Config).renewCert.func2\n\tgithub.com/caddyserver/certmagic@v0.24.0/config.go:927\nmain.main()\n\tcmd/main.go:1\n"))
        .collect();
    is_the_same("console with stack traces", traced.concat().as_bytes());
}

/// The text after `[ERROR] ` is Go's own log; the level of the entry says info.
#[test]
fn lines_of_the_standard_library_inside_json() {
    let explained = |msg: &str| {
        let line = json!({"level": "info", "ts": 1_795_611_075.5, "msg": msg}).to_string();
        run_on(&["rules", "explain"], line.into_bytes()).stdout
    };
    let panic =
        explained("panic: certificate worker: runtime error: invalid memory address\ngoroutine 1");
    assert!(panic.contains(", error, "), "{panic}");
    assert!(panic.contains("opens caddy-crashed (critical)"), "{panic}");
    let line =
        json!({"level": "info", "ts": 1_795_611_075.5, "msg": "[ERROR] key auth HTTP server: x"});
    let ran = run_on(
        &["replay", "-", "--format", "json"],
        line.to_string().into_bytes(),
    );
    assert!(ran.stdout.contains("\"unreadable\":0"), "{}", ran.stdout);
}

/// Its order is that of its place: it happened when the line before it did.
#[test]
fn an_entry_without_a_time_has_its_place() {
    let text = printed(|mut line| {
        if line.iter().any(|(_, value)| value == "will retry") {
            line.retain(|(key, _)| key != "ts");
        }
        plain(&line)
    });
    let found = replayed_of(text.as_bytes());
    let too_late = found.iter().find(|row| row["rule"] == "retry-after-expiry");
    let expected = EXPECTED
        .iter()
        .find(|row| row["rule"] == "retry-after-expiry");
    let (found, expected) = (too_late.unwrap(), expected.unwrap());
    assert_eq!(found["at"], expected["at"]);
    assert_eq!(found["certificate"], expected["certificate"]);
}
