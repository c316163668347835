//! What people were told stands only as long as it holds: whoever was well, or of whom only something
//! else was told, is news.

use crate::drive::{INSTANCE, Watcher};
use crate::scribe::{DAY, OUTAGE, SERVFAIL, Scribe, at};
use chrono::TimeDelta;
use notafter::engine::message::{Message, Reason};
use notafter::time::LogTime;

const HOUR: f64 = 3_600.0;
const ONE: &str = "one.example.com";
const OTHER: &str = "other.example.com";

/// Loud messages since a moment until an hour after it that say a word.
fn soon(watcher: &Watcher, from: f64, word: &str) -> usize {
    let is_soon = |moment: LogTime| moment >= at(from) && moment <= at(from) + TimeDelta::hours(1);
    let loud = watcher.messages.iter().filter(|one| one.severity.is_loud());
    let soon = loud.filter(|one| one.at.is_some_and(is_soon));
    soon.filter(|one| one.title.contains(word) || one.body.contains(word))
        .count()
}

fn said(watcher: &Watcher) -> Vec<(Option<LogTime>, Reason, &str)> {
    let messages = watcher.messages.iter();
    messages
        .filter(|one| one.severity.is_loud())
        .map(|one: &Message| (one.at, one.reason, one.title.as_str()))
        .collect()
}

/// One name fails for nine days and more; the other is well after an hour, and fails again at their end.
/// `silenced` is the one that fails on.
fn failing_again(silenced: bool) -> (Watcher, f64, f64) {
    let mut scribe = Scribe::default();
    let end = 60.0 * DAY;
    scribe.streak((0.0, 9.2 * DAY), ONE, SERVFAIL, end);
    let well = scribe.streak((5.0, HOUR), OTHER, SERVFAIL, end);
    scribe.renewal(well, OTHER, end - well);
    let again = 9.0 * DAY + 5.0;
    scribe.streak((again, 9.2 * DAY), OTHER, SERVFAIL, 50.0 * DAY);
    let mut waiting = silenced;
    let watcher = scribe.tell_until(9.2 * DAY, |watcher| {
        if std::mem::take(&mut waiting) {
            watcher.silence(ONE, at(300.0 * DAY));
        }
    });
    (watcher, well, again)
}

#[test]
fn a_name_that_was_well_for_days_and_fails_again_is_told_though_another_one_failed_on() {
    let (watcher, _, again) = failing_again(false);
    assert_eq!(soon(&watcher, again, OTHER), 1, "{:#?}", said(&watcher));
}

#[test]
fn a_name_that_is_well_is_told_though_the_one_that_fails_on_is_silenced_and_so_is_its_return() {
    let (watcher, well, again) = failing_again(true);
    let told = said(&watcher);
    let title = format!("{OTHER}: renewed");
    let relief = told.iter().find(|(_, _, one)| **one == title);
    let (when, reason, _) = relief.unwrap_or_else(|| panic!("{told:#?}"));
    assert_eq!(*reason, Reason::Closed);
    assert!(*when >= Some(at(well)) && *when <= Some(at(well + 600.0)));
    assert_eq!(soon(&watcher, again, OTHER), 1, "{told:#?}");
}

/// The log cannot be read from a moment on for so long; what is told meanwhile.
fn lose(watcher: &mut Watcher, from: f64, seconds: f64) -> Vec<String> {
    let told = watcher.messages.len();
    let gone = Some("it is gone");
    let rows = &mut watcher.rows;
    watcher.engine.reach(INSTANCE, at(from), gone, rows);
    while let Some(next) = watcher.engine.deadline(INSTANCE)
        && next <= at(from + seconds)
    {
        watcher.tick(next);
        watcher.settle();
    }
    let found = at(from + seconds);
    watcher
        .engine
        .reach(INSTANCE, found, None, &mut watcher.rows);
    watcher.tick(found);
    watcher.settle();
    let later = watcher.messages.iter().skip(told);
    later.map(|one| one.title.clone()).collect()
}

#[test]
fn a_log_that_is_lost_is_told_though_something_worse_was_told_of_its_caddy() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.strangers(10.0);
    let rest = serde_json::json!({"error": "runtime error", "stack": "goroutine 41 [running]:"});
    scribe.line(100.0, ("error", "tls.cache.maintenance"), "panic", rest);
    scribe.started(200.0);
    let mut watcher = scribe.tell(|_| {});
    let told = said(&watcher);
    assert!(
        told.iter().any(|(_, _, one)| one.contains("panicked")),
        "{told:#?}"
    );
    let lost = lose(&mut watcher, 300.0, 900.0);
    assert!(
        lost.iter()
            .any(|one| one.contains("the log cannot be read")),
        "{lost:#?}"
    );
}

#[test]
fn a_log_that_is_lost_twice_is_told_twice_though_something_else_stays_open() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.strangers(10.0);
    let mut watcher = scribe.tell(|_| {});
    for from in [300.0, 3.0 * HOUR] {
        let lost = lose(&mut watcher, from, 900.0);
        assert!(
            lost.iter()
                .any(|one| one.contains("the log cannot be read")),
            "{lost:#?}"
        );
        let mut scribe = Scribe::default();
        for n in 0..18_u32 {
            scribe.strangers(from + 1_000.0 + f64::from(n) * 500.0);
        }
        for line in scribe.sorted() {
            watcher.line(line.as_bytes());
            watcher.settle();
        }
    }
}

#[test]
fn an_attempt_that_is_missed_again_after_others_is_told_again_and_not_as_still_open() {
    let mut scribe = Scribe::default();
    let end = 25.0 * DAY;
    let begins = scribe.streak((0.0, 1_800.0), ONE, SERVFAIL, end) + 2.0 * HOUR;
    let mut next = begins;
    for (n, wait) in (8..).zip([1_200.0, 1_800.0, 1_800.0, 1_800.0]) {
        scribe.failure(next, ONE, SERVFAIL, (n, end - next));
        next += wait;
    }
    let missed = next;
    let watcher = scribe.tell_until(missed + HOUR, |_| {});
    let told = said(&watcher);
    let of_missed: Vec<_> = told
        .iter()
        .filter(|(_, _, title)| title.ends_with("has not begun"))
        .map(|(when, reason, _)| (when.is_some_and(|when| when > at(begins)), *reason))
        .collect();
    let worse = Reason::Worsened;
    assert_eq!(of_missed, [(false, worse), (true, worse)], "{told:#?}");
}

#[test]
fn a_cause_that_was_only_noted_is_told_when_it_is_the_cause_again() {
    let mut scribe = Scribe::default();
    let end = 20.0 * DAY;
    scribe.failure(0.0, ONE, OUTAGE, (1, end));
    let mut after = 60.0;
    for (n, wait) in (2..7).zip([120.0, 120.0, 300.0, 600.0, 600.0]) {
        scribe.failure(after, ONE, SERVFAIL, (n, end - after));
        after += wait;
    }
    let from = after;
    for _ in 0..6 {
        scribe.failure(after, ONE, OUTAGE, (9, end - after));
        after += 1_800.0;
    }
    let watcher = scribe.tell_until(after, |_| {});
    assert_eq!(
        soon(&watcher, from, "ca.unreachable"),
        1,
        "{:#?}",
        said(&watcher)
    );
}

#[test]
fn a_renewal_that_fails_is_told_though_its_certificate_came_from_the_wrong_issuer() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.manages(0.1, &[ONE]);
    scribe.downgrade(1.0, ONE, 30.0 * DAY);
    let from = 60.0 * DAY;
    scribe.streak((from, from + 6.0 * HOUR), ONE, SERVFAIL, 90.0 * DAY);
    let watcher = scribe.tell_until(from + 6.0 * HOUR, |_| {});
    let told = said(&watcher);
    assert!(
        told.iter().any(|(_, _, one)| one.contains("issuer")),
        "{told:#?}"
    );
    let title = format!("{ONE}: the renewal of the certificate fails");
    assert_eq!(soon(&watcher, from, &title), 1, "{told:#?}");
}

#[test]
fn a_log_that_can_be_read_again_is_told_though_something_else_stays_open() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.strangers(10.0);
    let mut watcher = scribe.tell(|_| {});
    let lost = lose(&mut watcher, 300.0, 900.0);
    assert_eq!(lost.len(), 1, "{lost:#?}");
    for n in 0..3_u32 {
        let now = at(1_200.0 + f64::from(n) * 300.0 + 1.0);
        watcher.tick(now);
        watcher.settle();
    }
    let last = watcher.messages.last().unwrap();
    assert_eq!(last.reason, Reason::Improved);
    assert!(
        last.title.starts_with("source-lost: over; caddy: "),
        "{}",
        last.title
    );
    assert!(
        last.body
            .contains("Over since the last message: source-lost."),
        "{}",
        last.body
    );
}

/// A note about one name keeps the incident from one trouble to the next.
#[test]
fn names_of_an_earlier_trouble_are_counted_anew_in_the_next() {
    let (noted, old) = ("noted.example.com", "old.example.com");
    let mut scribe = Scribe::default();
    for n in 0..3_u32 {
        scribe.renewal(f64::from(n) * 60.0, noted, 30.0 * DAY);
    }
    let end = 30.0 * DAY;
    for name in [noted, old] {
        let next = scribe.streak((300.0, HOUR), name, SERVFAIL, end);
        let took = if name == noted { 300.0 } else { 3.0 };
        scribe.slow_renewal((next, took), name, end - next);
    }
    let from = 60.0 * DAY;
    for (name, begin, until) in [
        ("first.example.com", 0.0, 1_000.0),
        (old, 2_000.0, 3_500.0),
        ("last.example.com", 10.0, 9_000.0),
    ] {
        let span = (from + begin, from + until);
        let next = scribe.streak(span, name, SERVFAIL, from + end);
        scribe.renewal(next, name, from + end - next);
    }
    let watcher = scribe.tell_until(from + DAY, |_| {});
    let told = said(&watcher);
    let closed = told
        .iter()
        .filter(|(_, reason, _)| *reason == Reason::Closed);
    let closed: Vec<&str> = closed.map(|(_, _, title)| *title).collect();
    let ended = |count| format!("{count} certificates: renewed, all is well again");
    assert_eq!(closed, [ended(2), ended(3)], "{told:#?}");
    let ids: std::collections::BTreeSet<&str> = watcher
        .rows
        .iter()
        .filter(|row| row.severity.is_loud())
        .map(|row| row.incident.as_str())
        .collect();
    assert_eq!(ids.len(), 1, "the note has kept it");
}
