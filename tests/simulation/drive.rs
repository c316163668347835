//! A script through the engine, in different manners that must make no difference.

use crate::oracle::Due;
use crate::random::Random;
use crate::script::{Line, MINUTE, Script};
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::message::Reason;
use notafter::engine::{AlertRow, Engine};
use notafter::rules::{BUILT_IN, Configured, RuleSet, Severity};
use notafter::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

const INSTANCE: &str = "caddy";

/// How a script is handed over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// In order, once, in one go: a replay.
    Plain,
    /// With disorder of up to 50 ms, lines that come twice, and restarts of ours.
    Rough(u64),
    /// With a tick of our own clock before every line, and every minute without one.
    Live(u64),
}

fn rules() -> Arc<RuleSet> {
    static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
        Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")))
    });
    Arc::clone(&RULES)
}

/// The rows about certificates that come of it until a moment.
pub(crate) fn rows(script: &Script, until: i64, manner: Manner) -> BTreeSet<Due> {
    rows_by(&rules(), script, until, manner)
}

/// The same by other rules.
pub(crate) fn rows_by(
    rules: &Arc<RuleSet>,
    script: &Script,
    until: i64,
    manner: Manner,
) -> BTreeSet<Due> {
    let mut engine = Engine::new(Arc::clone(rules));
    let mut rows = Vec::new();
    let mut stored: BTreeMap<(&'static str, String), String> = BTreeMap::new();
    let (mut random, mut now) = match manner {
        Manner::Rough(seed) | Manner::Live(seed) => (Random::new(!seed), None::<i64>),
        Manner::Plain => (Random::new(0), None),
    };
    for line in handed_over(script, manner, &mut random) {
        if matches!(manner, Manner::Live(_)) {
            // Our clock trails the lines by the allowance, five seconds.
            let mut clock = now.unwrap_or(line.at);
            while clock + 30 * MINUTE < line.at {
                clock += 30 * MINUTE;
                engine.tick(INSTANCE, LogTime::from_micros(clock - 5_000_000), &mut rows);
            }
            engine.tick(
                INSTANCE,
                LogTime::from_micros(line.at - 5_000_000),
                &mut rows,
            );
            now = Some(line.at);
        }
        hand_over(&mut engine, line, &mut rows);
        if matches!(manner, Manner::Rough(_)) && random.chance(1) {
            for row in engine.take_rows() {
                match row.value {
                    Some(value) => drop(stored.insert((row.kind, row.key), value)),
                    None => drop(stored.remove(&(row.kind, row.key))),
                }
            }
            let kept = stored
                .iter()
                .map(|((kind, key), value)| (*kind, key.as_str(), value.as_str()));
            engine = Engine::restore(Arc::clone(rules), kept);
        }
    }
    engine.tick(INSTANCE, LogTime::from_micros(until), &mut rows);
    // Reminders are another matter: they follow from what is open.
    let told = |row: &AlertRow| row.certificate.is_some() && row.reason != Reason::Repeated;
    let rows = rows.into_iter().filter(told);
    rows.map(due).collect()
}

fn handed_over<'a>(script: &'a Script, manner: Manner, random: &mut Random) -> Vec<&'a Line> {
    let mut lines: Vec<&Line> = script.lines.iter().collect();
    if matches!(manner, Manner::Rough(_)) {
        for index in 1..lines.len() {
            let close = (lines[index].at - lines[index - 1].at).abs() <= 50_000;
            // The start of a process is one goroutine, whose lines keep their order.
            let of_start =
                |line: &Line| line.text.contains("background") || line.text.contains("enabling");
            let starts = of_start(lines[index]) || of_start(lines[index - 1]);
            if close && !starts && random.chance(20) {
                lines.swap(index - 1, index);
            }
        }
        let twice = |line| {
            let times = if random.chance(3) { 2 } else { 1 };
            std::iter::repeat_n(line, times)
        };
        lines = lines.into_iter().flat_map(twice).collect();
    }
    lines
}

fn hand_over(engine: &mut Engine, line: &Line, rows: &mut Vec<AlertRow>) {
    let origin = Origin {
        source: INSTANCE.into(),
        line: 1,
    };
    let quote = || Quote::new(&origin, line.text.as_bytes());
    engine.entry(INSTANCE, &line.entry, quote, rows);
}

fn due(row: AlertRow) -> Due {
    let severity = match row.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let reason = match row.reason {
        Reason::Opened => "opened",
        Reason::Worsened => "worsened",
        Reason::Repeated => "repeated",
        Reason::Closed => "closed",
    };
    let at = row.at.map_or(0, LogTime::micros);
    Due {
        rule: row.rule,
        name: row.certificate.unwrap_or_default(),
        at,
        severity,
        reason,
    }
}
