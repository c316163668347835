//! Which alerts about the source itself are due and when, and those about names with a tale.

use crate::oracle::Due;
use crate::script::{HOUR, Issuer, Line, MINUTE, News, S, Script, TICK, Truth};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one name, or of the source.
struct Rows<'a> {
    host: &'a str,
    name: &'a str,
    all: BTreeSet<Due>,
}

impl Rows<'_> {
    fn row(&mut self, rule: &str, at: i64, severity: &'static str, reason: &'static str) {
        self.all.insert(Due {
            host: self.host.to_owned(),
            rule: rule.to_owned(),
            name: self.name.to_owned(),
            at,
            severity,
            reason,
        });
    }

    /// Opens at the first moment of a kind, and closes at the next one of the other.
    fn while_so(
        &mut self,
        rule: &str,
        severity: &'static str,
        facts: impl IntoIterator<Item = (i64, Option<bool>)>,
    ) {
        let mut open = false;
        for (at, so) in facts {
            match so {
                Some(true) if !open => self.row(rule, at, severity, "opened"),
                Some(false) if open => self.row(rule, at, severity, "closed"),
                _ => {}
            }
            open = so.unwrap_or(open);
        }
    }
}

/// What is due about the source, until a moment.
pub(crate) fn of_source(script: &Script, until: i64) -> BTreeSet<Due> {
    let mut rows = Rows {
        host: &script.host,
        name: "",
        all: BTreeSet::new(),
    };
    let news = || script.news.iter().copied();
    let until_restart = |is: fn(News) -> bool| {
        news().map(move |(at, one)| {
            let over = (one == News::LoopBegan).then_some(false);
            (at, if is(one) { Some(true) } else { over })
        })
    };
    let panicked = until_restart(|one| matches!(one, News::Panicked { .. }));
    rows.while_so("caddy-crashed", "critical", panicked);
    let unknown = until_restart(|one| one == News::Unknown);
    rows.while_so("unknown-tls-error", "info", unknown);
    let mut panics = 0;
    let dead = news().map(|(at, one)| match one {
        News::LoopBegan => {
            panics = 0;
            (at, Some(false))
        }
        News::Panicked { in_loop: true } => {
            panics += 1;
            (at, (panics == 11).then_some(true))
        }
        _ => (at, None),
    });
    rows.while_so("maintenance-dead", "critical", dead.collect::<Vec<_>>());
    for (lost, found) in lost(script) {
        if found - lost >= 5 * MINUTE {
            rows.row("source-lost", lost + 5 * MINUTE, "warning", "opened");
            rows.row("source-lost", found, "warning", "closed");
        }
    }
    guests(script, &mut rows);
    for (from, to) in silences(script, until) {
        rows.row("source-silent", from, "warning", "opened");
        if to < i64::MAX {
            rows.row("source-silent", to, "warning", "closed");
        }
    }
    rows.all
}

/// From when to when the log could not be read.
pub(crate) fn lost(script: &Script) -> Vec<(i64, i64)> {
    let of = |kind: News| script.news.iter().filter(move |(_, one)| *one == kind);
    let pairs = of(News::Lost).zip(of(News::Found));
    pairs
        .map(|((lost, _), (found, _))| (*lost, *found))
        .collect()
}

/// Names that strangers asked for count for an hour.
fn guests(script: &Script, rows: &mut Rows<'_>) {
    let mut failing: BTreeMap<usize, i64> = BTreeMap::new();
    let mut open = None;
    let tells = script.news.iter().filter_map(|(at, one)| match one {
        News::Guest { number, failed } => Some((*at, *number, *failed)),
        _ => None,
    });
    for (at, number, failed) in tells {
        let last = failing.values().max().map(|last| last + HOUR);
        if let (Some(severity), Some(calm)) = (open, last.filter(|calm| *calm <= at)) {
            rows.row("on-demand-failing", calm, severity, "closed");
            open = None;
        }
        failing.retain(|_, heard| at - *heard < HOUR);
        if failed {
            failing.insert(number, at);
        } else {
            failing.remove(&number);
        }
        match (open, failing.len()) {
            (None, 1..) => {
                rows.row("on-demand-failing", at, "info", "opened");
                open = Some("info");
            }
            (Some("info"), 10..) => {
                rows.row("on-demand-failing", at, "warning", "worsened");
                open = Some("warning");
            }
            (Some(severity), 0) => {
                rows.row("on-demand-failing", at, severity, "closed");
                open = None;
            }
            _ => {}
        }
    }
    if let (Some(severity), Some(last)) = (open, failing.values().max()) {
        rows.row("on-demand-failing", last + HOUR, severity, "closed");
    }
}

/// What a line is to whoever listens for the ones that come by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A due name is called due.
    Beat,
    Began,
    Stops,
    /// A configuration is loaded.
    Loaded,
    /// The storage is cleaned, or need not be.
    Cleaned,
    Other,
}

fn kind(line: &Line) -> Option<Kind> {
    if line.entry.is_traffic() {
        return None;
    }
    Some(match &*line.entry.msg {
        "certificate expires soon; queuing for renewal"
        | "attempting certificate renewal"
        | "certificate is in configured renewal window based on expiration date"
        | "certificate needs renewal based on ARI window" => Kind::Beat,
        "started background certificate maintenance" => Kind::Began,
        "shutting down apps, then terminating" => Kind::Stops,
        "enabling automatic TLS certificate management" => Kind::Loaded,
        "cleaning storage unit" | "storage cleaning happened too recently; skipping for now" => {
            Kind::Cleaned
        }
        "could not divine the renewal" => return None,
        _ => Kind::Other,
    })
}

/// When the log is silent for longer than usual: from the moment when a line is twenty minutes late.
fn silences(script: &Script, until: i64) -> Vec<(i64, i64)> {
    const LATE: i64 = 20 * MINUTE;
    let told = script.lines.iter();
    let lines: Vec<(i64, Kind)> = told
        .filter_map(|line| Some((line.at, kind(line)?)))
        .collect();
    let mut found = after_ticks(script, &lines, LATE);
    found.extend(after_cleanings(&lines, LATE));
    found.sort_unstable();
    let mut silences: Vec<(i64, i64)> = Vec::new();
    for (from, to) in found {
        match silences.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => silences.push((from, to)),
        }
    }
    // While the log cannot be read, only what was late before is missed.
    for (lost, found) in lost(script) {
        for (from, _) in &mut silences {
            let was_late = *from - LATE + 15 * S <= lost;
            if (lost..found).contains(from) && !was_late {
                *from = found;
            }
        }
    }
    silences.retain(|(from, to)| *from <= until && from <= to);
    silences
}

/// Two ticks in a row named a name that is still due, and the next one does not come, nor any line.
fn after_ticks(script: &Script, lines: &[(i64, Kind)], late: i64) -> Vec<(i64, i64)> {
    let mut silences = Vec::new();
    let (mut ticks, mut last) = (0, i64::MIN / 2);
    for (index, &(at, kind)) in lines.iter().enumerate() {
        if kind == Kind::Began {
            (ticks, last) = (0, i64::MIN / 2);
            continue;
        }
        if kind != Kind::Beat || at - last <= MINUTE {
            continue;
        }
        ticks = if at - last <= TICK + TICK / 2 {
            ticks + 1
        } else {
            1
        };
        last = at;
        if ticks < 2 {
            continue;
        }
        let ends = |(then, kind): &&(i64, Kind)| match kind {
            Kind::Beat => *then - at > MINUTE,
            Kind::Began | Kind::Stops => true,
            _ => *then - at > TICK + TICK / 2,
        };
        let end = lines[index + 1..].iter().find(ends).map(|(then, _)| *then);
        let end = end.into_iter().chain(still_due(script, at)).min();
        let due = at + TICK + late;
        if let Some(end) = end.filter(|end| *end >= due) {
            silences.push((due, end));
        }
    }
    silences
}

/// Until when one of those is due that a tick named.
fn still_due(script: &Script, tick: i64) -> Option<i64> {
    let mut ends = Vec::new();
    for truths in script.truth.values() {
        let named = |(at, truth): &(i64, Truth)| {
            matches!(truth, Truth::Due) && (tick - S..=tick + MINUTE).contains(at)
        };
        if truths.iter().any(named) {
            let well =
                |(at, truth): &&(i64, Truth)| matches!(truth, Truth::Succeeded) && *at > tick;
            ends.push(truths.iter().find(well).map_or(i64::MAX, |(at, _)| *at));
        }
    }
    ends.into_iter().max()
}

/// The storage is cleaned in a rhythm that was heard before, counted from the configuration's start.
fn after_cleanings(lines: &[(i64, Kind)], late: i64) -> Vec<(i64, i64)> {
    let mut silences = Vec::new();
    let (mut base, mut spacing) = (None::<i64>, 0);
    let mut cleaned = false;
    for &(at, kind) in lines {
        let expected = base.filter(|_| cleaned && spacing > 0);
        let expected = expected.map(|base| base + spacing + late);
        match kind {
            Kind::Beat | Kind::Other => continue,
            Kind::Cleaned => {
                let since = base.map_or(0, |base| at - base);
                if since >= HOUR {
                    spacing = spacing.max(since);
                }
            }
            Kind::Loaded | Kind::Began | Kind::Stops => {}
        }
        if let Some(due) = expected.filter(|due| *due <= at) {
            silences.push((due, at));
        }
        (base, cleaned) = match kind {
            Kind::Cleaned => (Some(at), true),
            Kind::Loaded => (Some(at), cleaned),
            _ => (None, false),
        };
    }
    // What comes after the script is silence.
    let expected = base.filter(|_| cleaned && spacing > 0);
    silences.extend(expected.map(|base| (base + spacing + late, i64::MAX)));
    silences
}

/// What is due about a name with a tale, or one that Caddy does not manage.
pub(crate) fn of_tale(script: &Script, name: &str) -> BTreeSet<Due> {
    let mut rows = Rows {
        host: &script.host,
        name,
        all: BTreeSet::new(),
    };
    let truths = || script.truth.get(name).into_iter().flatten().copied();
    let issued = |wrong: Issuer| {
        truths().map(move |(at, truth)| {
            (
                at,
                match truth {
                    Truth::Issued(issuer) if issuer == wrong => Some(true),
                    Truth::Renewed => Some(false),
                    _ => None,
                },
            )
        })
    };
    rows.while_so("issuer-downgrade", "critical", issued(Issuer::Second));
    rows.while_so("staging-issued", "critical", issued(Issuer::Staging));
    let revoked = truths().map(|(at, truth)| {
        let over = matches!(truth, Truth::Renewed).then_some(false);
        (
            at,
            if matches!(truth, Truth::Revoked) {
                Some(true)
            } else {
                over
            },
        )
    });
    rows.while_so("revoked", "critical", revoked);
    for (at, truth) in truths() {
        let Truth::Ends(end) = truth else { continue };
        let over = |(then, truth): &(i64, Truth)| matches!(truth, Truth::Renewed) && *then > at + S;
        let over = truths().find(over).map(|(then, _)| then);
        if let Some(over) = over.filter(|over| *over > end) {
            rows.row("expired", end, "critical", "opened");
            rows.row("expired", over, "critical", "closed");
        }
    }
    // Each start says it anew, or not.
    let began = script
        .news
        .iter()
        .filter(|(_, one)| *one == News::LoopBegan);
    let mut unmanaged: Vec<(i64, Option<bool>)> = began.map(|(at, _)| (*at, Some(false))).collect();
    let loaded = truths().filter(|(_, truth)| matches!(truth, Truth::Unmanaged));
    unmanaged.extend(loaded.map(|(at, _)| (at, Some(true))));
    unmanaged.sort_unstable();
    rows.while_so("unmanaged-expiring", "warning", unmanaged);
    rows.all
}
