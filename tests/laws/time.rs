//! Live equals replay, and small disorder does not matter.

use crate::drive::{CAPTURES, INCIDENT, Line, Watcher, after, end, lines, one_go};
use crate::scribe::{DAY, SERVFAIL, Scribe, at};
use notafter::caddy::entry::Entry;
use notafter::engine::AlertRow;
use notafter::engine::message::Reason;
use notafter::time::LogTime;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What has to be the same: rule, name, moment, reason, severity.
pub(crate) fn essence(rows: &[AlertRow]) -> Vec<String> {
    let words = |row: &AlertRow| {
        format!(
            "{} {:?} {:?} {:?} {}",
            row.rule, row.certificate, row.at, row.reason, row.severity
        )
    };
    rows.iter().map(words).collect()
}

/// Of each position, the earliest stamp still to come: no tick gets ahead of it, since it trails our
/// clock by the allowance.
pub(crate) fn still_to_come(lines: &[Line]) -> Vec<LogTime> {
    let mut earliest = after(lines);
    let mut bounds: Vec<LogTime> = lines
        .iter()
        .rev()
        .map(|line| {
            earliest = line.at.unwrap_or(earliest).min(earliest);
            earliest
        })
        .collect();
    bounds.reverse();
    bounds
}

/// Live: before some lines a tick comes, `back` microseconds before the bound.
fn live(lines: &[Line], ticks: &[(usize, i64)]) -> Vec<AlertRow> {
    let bounds = still_to_come(lines);
    let mut watcher = Watcher::new();
    for (index, line) in lines.iter().enumerate() {
        for (_, back) in ticks.iter().filter(|(position, _)| *position == index) {
            watcher.tick(LogTime::from_micros(bounds[index].micros() - back));
            watcher.settle();
        }
        watcher.line(&line.bytes);
        watcher.settle();
    }
    watcher.tick(after(lines));
    watcher.rows
}

struct Log {
    lines: Vec<Line>,
    essence: Vec<String>,
}

static LOGS: LazyLock<Vec<Log>> = LazyLock::new(|| {
    let log = |path: &&str| {
        let lines = lines(path);
        let essence = essence(&one_go(&lines).rows);
        Log { lines, essence }
    };
    CAPTURES.iter().map(log).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ticks_between_lines_change_no_row(
        log in 0_usize..2,
        ticks in prop::collection::vec((any::<Index>(), prop_oneof![Just(0_i64), 0..70_000_000_i64]), 1..60),
    ) {
        let log = &LOGS[log];
        let ticks: Vec<(usize, i64)> = ticks
            .into_iter()
            .map(|(position, back)| (position.index(log.lines.len()), back))
            .collect();
        prop_assert_eq!(essence(&live(&log.lines, &ticks)), log.essence.clone());
    }

    #[test]
    fn lines_of_two_names_in_the_other_order_open_and_close_the_same(
        log in 0_usize..2,
        swaps in prop::collection::vec(any::<Index>(), 1..40),
    ) {
        let log = &LOGS[log];
        let mut swapped = log.lines.clone();
        let pairs = pairs(&log.lines);
        let mut taken = BTreeSet::new();
        for swap in swaps {
            let first = pairs[swap.index(pairs.len())];
            if taken.insert(first) && taken.insert(first + 1) {
                swapped.swap(first, first + 1);
            }
        }
        let rows = one_go(&swapped).rows;
        prop_assert_eq!(outcome(&rows), outcome(&one_go(&log.lines).rows));
    }
}

#[test]
fn a_tick_before_every_line_changes_no_row() {
    for path in [INCIDENT, CAPTURES[0], CAPTURES[1]] {
        let lines = lines(path);
        let ticks: Vec<(usize, i64)> = (0..lines.len()).map(|index| (index, 0)).collect();
        let replayed = essence(&one_go(&lines).rows);
        assert_eq!(essence(&live(&lines, &ticks)), replayed, "{path}");
    }
}

#[test]
fn an_expiry_that_a_tick_finds_is_dated_at_its_own_moment() {
    let lines = lines(INCIDENT);
    let expiry = LogTime::parse_rfc3339("2026-05-03T23:37:59Z").unwrap();
    let mut watcher = Watcher::new();
    let before = lines.iter().filter(|line| line.at < Some(expiry));
    for line in before {
        watcher.line(&line.bytes);
    }
    watcher.tick(expiry + chrono::TimeDelta::seconds(90));
    let last = watcher.rows.last().unwrap();
    assert_eq!((last.rule.as_str(), last.at), ("expired", Some(expiry)));
}

/// First lines of pairs that lie within 50 ms of each other and name different certificates.
fn pairs(lines: &[Line]) -> Vec<usize> {
    let foreign = |a: &Line, b: &Line| {
        let (Some(a), Some(b)) = (&a.names, &b.names) else {
            return false;
        };
        !a.is_empty() && !b.is_empty() && a.iter().all(|name| !b.contains(name))
    };
    let near = |a: &Line, b: &Line| {
        (b.at.unwrap() - a.at.unwrap()).abs() <= chrono::TimeDelta::milliseconds(50)
    };
    let is_pair = |index: &usize| {
        let (a, b) = (&lines[*index], &lines[*index + 1]);
        foreign(a, b) && near(a, b)
    };
    (0..lines.len() - 1).filter(is_pair).collect()
}

fn outcome(rows: &[AlertRow]) -> BTreeSet<String> {
    let words = |row: &AlertRow| format!("{} {:?} {:?}", row.rule, row.certificate, row.reason);
    rows.iter().map(words).collect()
}

#[test]
fn there_are_pairs_to_swap() {
    for log in LOGS.iter() {
        assert!(pairs(&log.lines).len() >= 10);
    }
}

#[test]
fn every_single_swap_opens_and_closes_the_same() {
    for log in LOGS.iter() {
        let whole = outcome(&one_go(&log.lines).rows);
        for first in pairs(&log.lines) {
            let mut swapped = log.lines.clone();
            swapped.swap(first, first + 1);
            assert_eq!(outcome(&one_go(&swapped).rows), whole, "{first}");
        }
    }
}

#[test]
fn of_a_line_about_something_else_only_its_time_counts() {
    for path in [INCIDENT, CAPTURES[0], CAPTURES[1]] {
        let lines = lines(path);
        let mut watcher = Watcher::new();
        let mut skipped = 0;
        for line in &lines {
            match (line.names.as_ref(), line.at) {
                (None, Some(at)) => {
                    skipped += 1;
                    let engine = &mut watcher.engine;
                    engine.advance(crate::drive::INSTANCE, at, &mut watcher.rows);
                }
                _ => watcher.line(&line.bytes),
            }
        }
        watcher.tick(after(&lines));
        assert!(skipped > 0);
        assert_eq!(
            essence(&watcher.rows),
            essence(&one_go(&lines).rows),
            "{path}"
        );
    }
}

#[test]
fn one_stamp_far_in_the_future_moves_nothing_and_two_do() {
    let lines = lines(CAPTURES[1]);
    let late = end(&lines) + chrono::TimeDelta::days(400);
    let text = format!(
        r#"{{"level":"info","ts":{},"msg":"hello"}}"#,
        late.seconds()
    );
    let mut watcher = Watcher::new();
    for line in &lines {
        watcher.line(&line.bytes);
    }
    let rows = watcher.rows.len();
    watcher.line(text.as_bytes());
    assert_eq!(watcher.rows.len(), rows);
    assert!(watcher.engine.take_notices().is_empty());
    watcher.line(text.as_bytes());
    assert_eq!(watcher.engine.take_notices().len(), 1);
}

#[test]
fn the_stamps_of_the_fixtures_are_out_of_order_only_a_little() {
    for path in [INCIDENT, CAPTURES[0], CAPTURES[1]] {
        let lines = lines(path);
        assert!(
            lines
                .iter()
                .all(|line| Entry::decode(&line.bytes).is_ok() && line.at.is_some())
        );
        let bounds = still_to_come(&lines);
        let slack = chrono::TimeDelta::milliseconds(50);
        let ok = |(line, bound): (&Line, &LogTime)| line.at.unwrap() <= *bound + slack;
        assert!(lines.iter().zip(&bounds).all(ok), "{path}");
    }
}

/// A log in which the last line of the doomed name comes late, after a line of another one.
fn late_line() -> [String; 3] {
    let line = |ts: &str, remaining: &str| {
        format!(
            r#"{{"level":"info","ts":{ts},"logger":"tls.cache.maintenance","msg":"certificate expires soon; queuing for renewal","identifiers":["a.example.com"],"remaining":{remaining}}}"#
        )
    };
    [
        r#"{"level":"info","ts":1777600000.5,"logger":"http","msg":"enabling automatic TLS certificate management","domains":["a.example.com"]}"#.to_owned(),
        r#"{"level":"info","ts":1777600010.04,"logger":"http.log","msg":"server running"}"#.to_owned(),
        line("1777600009.995", "1.005"),
    ]
}

#[test]
fn a_moment_that_has_passed_when_its_line_comes_is_told_at_once() {
    let mut watcher = Watcher::new();
    for line in late_line() {
        watcher.line(line.as_bytes());
    }
    let expiry = LogTime::from_seconds(1_777_600_010);
    let told: Vec<(&str, Option<LogTime>)> = watcher
        .rows
        .iter()
        .map(|row| (row.rule.as_str(), row.at))
        .collect();
    assert_eq!(told, [("expired", Some(expiry))]);
    let reminder = expiry + chrono::TimeDelta::hours(6);
    let next = watcher.engine.deadline(crate::drive::INSTANCE);
    assert_eq!(next, Some(reminder));
}

/// A Caddy that starts so many seconds ahead of what comes next.
fn set_right(ahead: f64) -> Scribe {
    let mut scribe = Scribe::default();
    scribe.started(ahead);
    scribe.manages(ahead + 0.1, &["a.example.com"]);
    scribe
}

#[test]
fn nothing_is_late_because_a_clock_was_set_back() {
    let mut watcher = set_right(7_200.0).tell(|_| {});
    let mut scribe = Scribe::default();
    scribe.streak((1.0, 1_000.0), "a.example.com", SERVFAIL, 20.0 * DAY);
    for n in 0..200_u32 {
        scribe.runs(6.0 + f64::from(n) * 5.0);
    }
    watcher.follow(scribe);
    assert!(
        watcher.rows.iter().all(|row| row.rule != "retry-missed"),
        "{:#?}",
        essence(&watcher.rows)
    );
    let last = watcher.messages.last().unwrap();
    assert!(last.body.contains("Caddy tries again at "), "{}", last.body);
    assert!(!last.body.contains("has not begun"), "{}", last.body);
    assert_eq!(watcher.engine.take_notices().len(), 1);
    let now = watcher.engine.log_time(crate::drive::INSTANCE);
    assert_eq!(now, Some(at(1_001.0)));
}

#[test]
fn one_line_from_long_ago_sets_no_clock_back() {
    let mut watcher = set_right(7_200.0).tell(|_| {});
    let mut scribe = Scribe::default();
    scribe.failure(1.0, "a.example.com", SERVFAIL, (1, 20.0 * DAY));
    let old = scribe.sorted();
    watcher.line(old[0].as_bytes());
    let mut scribe = Scribe::default();
    scribe.runs(7_201.0);
    for line in scribe.sorted() {
        watcher.line(line.as_bytes());
    }
    watcher.line(old[1].as_bytes());
    assert!(watcher.engine.take_notices().is_empty());
    assert_eq!(
        watcher.engine.log_time(crate::drive::INSTANCE),
        Some(at(7_201.0))
    );
}

/// A host whose clock is three days ahead while a name fails for an hour; so far off is its expiry.
fn failed_ahead(end: f64) -> Watcher {
    let (ahead, name) = (3.0 * DAY, "a.example.com");
    let mut scribe = Scribe::default();
    scribe.streak((ahead, ahead + 3_600.0), name, SERVFAIL, end);
    scribe.tell(|_| {})
}

/// A host whose clock was days ahead while a name became critical, and is set right.
#[test]
fn reminders_come_as_soon_as_ever_after_a_clock_was_set_back() {
    let mut watcher = failed_ahead(5.0 * DAY);
    assert_eq!(watcher.loud().len(), 1);
    let mut scribe = Scribe::default();
    for minute in 0..1_000_u32 {
        scribe.runs(f64::from(minute) * 60.0);
    }
    watcher.follow(scribe);
    let repeated = watcher.rows.iter();
    let mut repeated = repeated.filter(|row| row.reason == Reason::Repeated);
    assert!(repeated.any(|row| row.at < Some(at(7.0 * 3_600.0))));
}

#[test]
fn a_clock_is_set_back_though_we_are_started_anew_between_the_lines_that_say_so() {
    let mut watcher = set_right(7_200.0).tell(|_| {});
    let mut scribe = Scribe::default();
    scribe.runs(1.0);
    scribe.runs(2.0);
    watcher.commit();
    for line in scribe.sorted() {
        watcher.line(line.as_bytes());
        watcher.commit();
        watcher.restart();
    }
    let now = watcher.engine.log_time(crate::drive::INSTANCE);
    assert_eq!(now, Some(at(2.0)));
}

#[test]
fn how_far_a_clock_is_behind_is_known_after_a_restart_of_ours() {
    let mut watcher = set_right(7_200.0).tell(|_| {});
    let mut scribe = Scribe::default();
    scribe.runs(1.0);
    scribe.runs(2.0);
    for line in scribe.sorted() {
        watcher.line(line.as_bytes());
    }
    let engine = &mut watcher.engine;
    engine.compare_clocks(crate::drive::INSTANCE, at(1_802.0), true);
    watcher.commit();
    watcher.restart();
    let behind = watcher.engine.behind(crate::drive::INSTANCE);
    assert_eq!(behind, chrono::TimeDelta::minutes(30));
}

/// A host whose clock is three days ahead while a renewal falls due, and is set right; nobody renews.
#[test]
fn what_was_seen_while_a_clock_was_ahead_makes_nothing_late() {
    let ahead = 3.0 * DAY;
    let mut scribe = Scribe::default();
    scribe.started(ahead);
    scribe.manages(ahead + 0.1, &["a.example.com"]);
    for tick in 1..3_u32 {
        let after = ahead + f64::from(tick) * 600.0;
        scribe.queued(after, &["a.example.com"], 30.0 * DAY - after);
    }
    let mut watcher = scribe.tell(|_| {});
    let mut scribe = Scribe::default();
    for tick in 1..20_u32 {
        let after = f64::from(tick) * 600.0;
        scribe.queued(after, &["a.example.com"], 30.0 * DAY - after);
    }
    watcher.follow(scribe);
    let stuck = watcher.rows.iter().find(|row| row.rule == "renewal-stuck");
    let opened = stuck.unwrap().at;
    assert!(opened < Some(at(2.0 * 3_600.0)), "{opened:?}");
}

/// The same with a name that fails, and is renewed an hour after the clock was set right.
#[test]
fn nothing_lasts_for_less_than_no_time_after_a_clock_was_set_back() {
    let mut watcher = failed_ahead(20.0 * DAY);
    let mut scribe = Scribe::default();
    scribe.runs(1.0);
    scribe.streak((10.0, 3_600.0), "a.example.com", SERVFAIL, 20.0 * DAY);
    scribe.renewal(3_700.0, "a.example.com", 20.0 * DAY - 3_700.0);
    watcher.follow(scribe);
    let last = watcher.messages.last().unwrap();
    assert_eq!(last.reason, Reason::Closed);
    let span = "It had been failing for 1 h 1 min, since 2026-05-01 01:46:50";
    assert!(last.body.contains(span), "{}", last.body);
}
