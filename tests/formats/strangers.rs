//! What strangers put into URIs and headers opens nothing, however the line reaches us.

use crate::console;
use crate::hostile::hostile;
use crate::json::{KEYS, pretty, rename, sort};
use crate::program::run;
use crate::recording::Fields;
use crate::rows::rows;
use crate::transport::TRANSPORTS;
use notafter::caddy::object;
use std::fs::File;
use std::io::{BufWriter, Write};

/// How many lines are made; a million takes a minute.
fn wanted() -> usize {
    let told = std::env::var("NOTAFTER_STRANGERS").ok();
    told.map_or(50_000, |text| text.parse().unwrap())
}

/// A line in one of the shapes of a log.
fn shaped(line: &str, shape: usize) -> String {
    let Ok(mut fields) = object::fields(line.as_bytes()) else {
        return line.to_owned();
    };
    match shape {
        0 => line.to_owned(),
        1..4 => {
            rename(&mut fields, KEYS[shape]);
            crate::recording::plain(&fields)
        }
        4 => {
            sort(&mut fields);
            crate::recording::plain(&fields)
        }
        // One key once, as whoever reads it into an object leaves it: the first.
        5 => pretty(&once(fields)),
        6 => console::print(&fields, "\t"),
        7 => console::print(&fields, "   "),
        // By hand: clipped at either end.
        8 => letters(line, 0, line.chars().count() * 2 / 3),
        _ => format!("…{}", letters(line, line.chars().count() / 3, usize::MAX)),
    }
}

fn once(fields: Fields) -> Fields {
    let mut kept = Fields::new();
    for (key, value) in fields {
        if kept.iter().all(|(other, _)| *other != key) {
            kept.push((key, value));
        }
    }
    kept
}

fn letters(line: &str, from: usize, to: usize) -> String {
    line.chars().take(to).skip(from).collect()
}

/// Cut at a width, as a terminal or PowerShell wraps it.
fn wrapped(text: &str, width: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    let rows = letters
        .chunks(width)
        .map(|row| row.iter().collect::<String>() + "\n");
    rows.collect()
}

#[test]
fn hostile_lines_open_nothing_in_any_format() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("caddy.log");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let mut ts = 1_795_434_000.25;
    for number in 0..wanted() {
        ts += 0.001;
        let shape = number / 7 % 10;
        let text = shaped(&hostile(number, ts), shape);
        let width = 20 + number % 211;
        let (_, bring) = TRANSPORTS[number / 70 % TRANSPORTS.len()];
        // The console prints messages raw; rows of one that was wrapped cannot be told from lines.
        let block: String = if number / 11 % 5 == 0 && !matches!(shape, 6 | 7) {
            wrapped(&text, width)
        } else {
            text.lines().map(bring).collect()
        };
        file.write_all(block.as_bytes()).unwrap();
    }
    file.into_inner().unwrap();
    let ran = run(&[
        "replay",
        path.to_str().unwrap(),
        "--format",
        "json",
        "--fail-on",
        "info",
    ]);
    let first = ran.stdout.lines().next();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{first:?}");
    let rows = rows(&ran.stdout);
    assert_eq!(rows.len(), 1, "{}", rows[0]);
    assert!(rows[0]["lines"].as_u64() >= u64::try_from(wanted()).ok());
    assert_eq!(rows[0]["matched"], 0);
}
