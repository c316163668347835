//! What 1,000 rules of a user cost beside one: replays by the built program, side by side in one run,
//! and the ratios of their medians.

#![expect(clippy::print_stdout, reason = "what is measured is printed")]

mod corpus;
mod kinds;

use corpus::Mix;
use kinds::{KINDS, Kind};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
const RULES: usize = 1_000;

/// A week of twenty requests a second, with one line of 2,000 about certificates, is what a busy server's log is
/// like; one of 20 is a server in trouble.
const MIXES: [Mix; 2] = [
    Mix {
        name: "1 line of 2,000 about certificates",
        bytes: 8 << 30,
        one_in: 2_000,
    },
    Mix {
        name: "1 line of 20 about certificates",
        bytes: 200 << 20,
        one_in: 20,
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rules");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    for (number, kind) in KINDS.iter().enumerate() {
        for count in [1, RULES] {
            kind.write(&directory(&place, number, count), count)?;
        }
    }
    let nothing = place.join("nothing.log");
    fs::write(&nothing, "{}\n")?;
    for mix in MIXES {
        let log = place.join("mixed.log");
        mix.write(&log)?;
        println!("{}, {} MiB, medians of {ROUNDS}", mix.name, mix.bytes >> 20);
        let wanted = KINDS.iter().enumerate();
        for (number, kind) in wanted.filter(|(_, kind)| is_wanted(kind)) {
            compare(kind, [&log, &nothing], |count| {
                directory(&place, number, count)
            });
        }
    }
    fs::remove_dir_all(&place)?;
    Ok(())
}

/// Whether an argument is part of its name, as `cargo bench --bench rules -- moments` asks for; without
/// one, all are wanted.
fn is_wanted(kind: &Kind) -> bool {
    let words = std::env::args().skip(1);
    let mut words = words.filter(|word| !word.starts_with('-')).peekable();
    words.peek().is_none() || words.any(|word| kind.name.contains(&word))
}

fn directory(place: &Path, number: usize, count: usize) -> PathBuf {
    place.join(format!("{number}-{count}"))
}

/// Prints one line: both medians and how many alerts they told, their ratio, and the ratio without the
/// reading of the rules.
fn compare(kind: &Kind, [log, nothing]: [&Path; 2], rules: impl Fn(usize) -> PathBuf) {
    let alerts = [1, RULES].map(|count| alerts(log, &rules(count)));
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for (index, (count, log)) in [(1, log), (RULES, log), (1, nothing), (RULES, nothing)]
            .into_iter()
            .enumerate()
        {
            if let Some(times) = times.get_mut(index) {
                times.push(replay(log, &rules(count)));
            }
        }
    }
    let [one, many, start_one, start_many] = times.map(median);
    let reading = (many.saturating_sub(start_many)).as_secs_f64()
        / (one.saturating_sub(start_one)).as_secs_f64();
    println!(
        "  {:<22} 1 rule {:>7.3} s ({} alerts), {RULES} rules {:>7.3} s ({} alerts): {:.2}x; without the start ({:.3} s, {:.3} s): {reading:.2}x",
        kind.name,
        one.as_secs_f64(),
        alerts[0],
        many.as_secs_f64(),
        alerts[1],
        many.as_secs_f64() / one.as_secs_f64(),
        start_one.as_secs_f64(),
        start_many.as_secs_f64(),
    );
}

fn replay(log: &Path, rules: &Path) -> Duration {
    let start = Instant::now();
    let status = program(log, rules).stdout(Stdio::null()).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the replay failed"
    );
    start.elapsed()
}

/// How many rows of the replay are alerts.
fn alerts(log: &Path, rules: &Path) -> usize {
    let output = program(log, rules).output();
    let rows = output.map(|output| output.stdout).unwrap_or_default();
    let rows = String::from_utf8_lossy(&rows);
    let is_alert = |row: &&str| row.contains(r#""type":"alert""#);
    rows.lines().filter(is_alert).count()
}

fn program(log: &Path, rules: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_notafter"));
    program.args(["replay", "--format", "json", "--rules"]);
    program.args([rules, log]).stderr(Stdio::null());
    program
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
