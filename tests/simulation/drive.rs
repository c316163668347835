//! A script through the engine, in different manners that must make no difference.

use crate::oracle::Due;
use crate::random::Random;
use crate::script::{Line, MINUTE, S, Script};
use crate::source::lost;
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::message::Reason;
use notafter::engine::{AlertRow, Engine};
use notafter::rules::{BUILT_IN, Changes, Configured, RuleSet, Severity};
use notafter::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

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

/// Lines that are written in another order than they were stamped lie no further apart.
const DISORDER: i64 = 50_000;

/// Changes without those that the next one takes back at once: in another order of the lines they may not
/// come at all.
pub(crate) fn lasting(changes: BTreeSet<Due>) -> BTreeSet<Due> {
    let mut lasting: Vec<Due> = Vec::new();
    for due in changes {
        let takes_back = lasting.last().is_some_and(|last| {
            (&last.host, &last.rule, &last.name) == (&due.host, &due.rule, &due.name)
                && (last.reason == "closed") != (due.reason == "closed")
                && due.at - last.at <= DISORDER
        });
        if takes_back {
            lasting.pop();
        } else {
            lasting.push(due);
        }
    }
    lasting.into_iter().collect()
}

/// What switches on the one rule that is off.
pub(crate) fn configured(id: &str) -> Configured {
    let on = Changes {
        enabled: Some(true),
        ..Changes::default()
    };
    let off = (OFF.to_owned(), on);
    Configured {
        rules: [off].into_iter().filter(|(off, _)| off == id).collect(),
        ..Configured::default()
    }
}

/// The rule that is off unless somebody wants it.
const OFF: &str = "unknown-tls-error";

fn rules() -> Arc<RuleSet> {
    static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &configured(OFF));
        Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")))
    });
    Arc::clone(&RULES)
}

/// The rows that come of it.
pub(crate) fn rows(world: &[Script], manner: Manner) -> BTreeSet<Due> {
    rows_by(&rules(), world, manner)
}

/// The name of a watched host.
fn instance(host: usize) -> String {
    format!("host{host}")
}

/// The same by other rules.
pub(crate) fn rows_by(rules: &Arc<RuleSet>, world: &[Script], manner: Manner) -> BTreeSet<Due> {
    let mut drive = Drive {
        engine: Engine::new(Arc::clone(rules)),
        rows: Vec::new(),
        stored: BTreeMap::new(),
    };
    let mut random = match manner {
        Manner::Rough(seed) | Manner::Live(seed) => Random::new(!seed),
        Manner::Plain => Random::new(0),
    };
    let mut clocks = vec![None; world.len()];
    for (host, input) in inputs(world, manner, &mut random) {
        let at = match input {
            Input::Line(line) => line.at,
            Input::Reach(at, _) => at,
        };
        // What was written before the log was found again is read first.
        let is_old = clocks[host].is_some_and(|clock| at < clock);
        if matches!(manner, Manner::Live(_)) && !is_old {
            // Our clock trails the lines by the allowance, five seconds.
            let mut clock = clocks[host].unwrap_or(at);
            while clock + 30 * MINUTE < at {
                clock += 30 * MINUTE;
                drive.tick(host, clock - 5 * S);
            }
            drive.tick(host, at - 5 * S);
            clocks[host] = Some(at);
        }
        match input {
            Input::Line(line) => drive.line(host, line),
            Input::Reach(at, why) => {
                drive.tick(host, at);
                drive.reach(host, at, why);
            }
        }
        if matches!(manner, Manner::Rough(_)) && random.chance(1) {
            drive.restart(rules);
        }
    }
    for (host, script) in world.iter().enumerate() {
        drive.tick(host, script.until());
    }
    // Reminders are another matter: they follow from what is open.
    let told = |row: &AlertRow| row.reason != Reason::Repeated;
    let rows = drive.rows.into_iter().filter(told);
    rows.map(due).collect()
}

/// An engine, what it gave out, and its state as a store would hold it.
struct Drive {
    engine: Engine,
    rows: Vec<AlertRow>,
    stored: BTreeMap<(&'static str, String), String>,
}

impl Drive {
    fn line(&mut self, host: usize, line: &Line) {
        let name = instance(host);
        let origin = Origin {
            source: name.as_str().into(),
            line: 1,
        };
        let quote = || Quote::new(&origin, line.text.as_bytes());
        self.engine.entry(&name, &line.entry, quote, &mut self.rows);
    }

    fn tick(&mut self, host: usize, at: i64) {
        let at = LogTime::from_micros(at);
        self.engine.tick(&instance(host), at, &mut self.rows);
    }

    fn reach(&mut self, host: usize, at: i64, why: Option<&str>) {
        let at = LogTime::from_micros(at);
        self.engine.reach(&instance(host), at, why, &mut self.rows);
    }

    /// Our process ends, and another one takes up what was written.
    fn restart(&mut self, rules: &Arc<RuleSet>) {
        for row in self.engine.take_rows() {
            match row.value {
                Some(value) => drop(self.stored.insert((row.kind, row.key), value)),
                None => drop(self.stored.remove(&(row.kind, row.key))),
            }
        }
        let kept = self.stored.iter();
        let kept = kept.map(|((kind, key), value)| (*kind, key.as_str(), value.as_str()));
        self.engine = Engine::restore(Arc::clone(rules), kept);
    }
}

/// What reaches the engine.
enum Input<'a> {
    Line(&'a Line),
    /// The log cannot be read any more, for a reason, or can again.
    Reach(i64, Option<&'static str>),
}

/// What all hosts have to say, in the order in which it happens.
fn inputs<'a>(world: &'a [Script], manner: Manner, random: &mut Random) -> Vec<(usize, Input<'a>)> {
    let mut all = Vec::new();
    for (host, script) in world.iter().enumerate() {
        let mut reached = i64::MIN;
        let mut offset = 0;
        let mut lost = lost(script).into_iter().peekable();
        for line in handed_over(script, manner, random) {
            while let Some((from, to)) = lost.next_if(|(from, _)| *from < line.at) {
                let gone = Some("it is gone");
                // The clock may have been set meanwhile.
                let order = |at: i64| (at - offset).min(line.order);
                all.push((order(from), host, Input::Reach(from, gone)));
                // It is not read before, nor is what was written meanwhile.
                reached = reached.max(if to < line.at { order(to) } else { to - offset });
                all.push((reached, host, Input::Reach(to, None)));
            }
            reached = reached.max(line.order);
            offset = line.at - line.order;
            all.push((reached, host, Input::Line(line)));
        }
    }
    all.sort_by_key(|(order, ..)| *order);
    let inputs = all.into_iter();
    inputs.map(|(_, host, input)| (host, input)).collect()
}

fn handed_over<'a>(script: &'a Script, manner: Manner, random: &mut Random) -> Vec<&'a Line> {
    let mut lines: Vec<&Line> = script.lines.iter().collect();
    if matches!(manner, Manner::Rough(_)) {
        for index in 1..lines.len() {
            let close = (lines[index].at - lines[index - 1].at).abs() <= DISORDER;
            let stays = is_one_goroutine(lines[index - 1], lines[index]);
            if close && !stays && random.chance(20) {
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

/// A list, a worker and the job of a name keep their lines in order, and nothing is told before its
/// process begins; but the maintenance loop may say late that it does. The jobs of the configuration before
/// it are cancelled later still.
fn is_one_goroutine(one: &Line, other: &Line) -> bool {
    let says = |line: &Line, part: &str| line.entry.msg.contains(part);
    let in_row = |line: &Line| says(line, "enabling") || says(line, "certificate worker");
    if says(one, "background") {
        return says(other, "background") || other.text.contains("context canceled");
    }
    let same = name(one).is_some() && name(one) == name(other);
    same || in_row(one) || in_row(other) || says(other, "background")
}

/// Whose job a line is of: `will retry` and `job failed` name it in their error alone, and what comes
/// before and after the attempt in a list (certmagic v0.25.3 `maintain.go`).
fn name(line: &Line) -> Option<String> {
    const AROUND: [&str; 3] = [
        "attempting certificate renewal",
        "reloading managed certificate",
        "replaced certificate in cache",
    ];
    let entry = &line.entry;
    let in_error = || {
        let error = entry.text("error")?;
        let name = error.trim_start_matches('[').split([']', ':']).next()?;
        Some(name.to_owned())
    };
    let in_list = || {
        let is_around = AROUND.contains(&&*entry.msg);
        let lists = ["identifiers", "subjects"].into_iter();
        let names = lists
            .filter(|_| is_around)
            .flat_map(|field| entry.texts(field));
        names.map(str::to_owned).next()
    };
    let identifier = entry.text("identifier").map(str::to_owned);
    identifier.or_else(in_error).or_else(in_list)
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
        Reason::Improved => "improved",
        Reason::Closed => "closed",
    };
    let at = row.at.map_or(0, LogTime::micros);
    Due {
        host: row.instance,
        rule: row.rule,
        name: row.certificate.unwrap_or_default(),
        at,
        severity,
        reason,
    }
}
