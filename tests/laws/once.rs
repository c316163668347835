//! Never twice the same thing, and of what comes and goes not each time.

use crate::scribe::{DAY, SERVFAIL, Scribe, at};
use notafter::engine::message::{Message, Reason};
use notafter::rules::Severity;
use notafter::time::LogTime;

const HOUR: f64 = 3_600.0;
const ONE: &str = "one.example.com";
const OTHER: &str = "other.example.com";

/// Each loud message, with how far the log was when it was told.
fn told(scribe: Scribe, until: f64) -> Vec<(LogTime, Message)> {
    let mut told = scribe.told(until);
    told.retain(|(_, one)| one.severity.is_loud());
    told
}

fn said(told: &[(LogTime, Message)]) -> Vec<(LogTime, Reason, &str)> {
    let said = told.iter();
    said.map(|(at, one)| (*at, one.reason, one.title.as_str()))
        .collect()
}

#[test]
fn a_warning_that_was_over_before_it_was_told_is_no_reason_to_tell_again() {
    let mut scribe = Scribe::default();
    scribe.streak((10.0, 5.0 * HOUR), ONE, SERVFAIL, 46.0 * HOUR);
    let next = scribe.streak((180.0, 1_380.0), OTHER, SERVFAIL, 60.0 * DAY);
    scribe.renewal(next, OTHER, 60.0 * DAY - next);
    let told = told(scribe, 5.0 * HOUR);
    assert_eq!(told.len(), 1, "{:#?}", said(&told));
}

/// A name that is critical, and one beside it that fails with a long time to go.
#[test]
fn a_warning_beside_what_is_critical_is_told_as_a_warning() {
    let mut scribe = Scribe::default();
    scribe.streak((10.0, 5.0 * HOUR), ONE, SERVFAIL, 46.0 * HOUR);
    scribe.streak((HOUR, 5.0 * HOUR), OTHER, SERVFAIL, 60.0 * DAY);
    let told = told(scribe, 5.0 * HOUR);
    let levels: Vec<Severity> = told.iter().map(|(_, one)| one.severity).collect();
    assert_eq!(
        levels,
        [Severity::Critical, Severity::Warning],
        "{:#?}",
        said(&told)
    );
}

#[test]
fn nobody_is_reminded_of_what_was_just_told() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 8.0 * HOUR), ONE, SERVFAIL, 40.0 * HOUR);
    let first = told(scribe, 8.0 * HOUR);
    let reminder = first.iter().find(|(_, one)| one.reason == Reason::Repeated);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a day")]
    let due = (reminder.unwrap().0 - at(0.0)).num_seconds() as f64;
    // Another name becomes loud a little before that, and is told of half an hour later: just before it.
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 8.0 * HOUR), ONE, SERVFAIL, 40.0 * HOUR);
    scribe.streak((1.0, 8.0 * HOUR), "more.example.com", SERVFAIL, 40.0 * HOUR);
    scribe.streak(
        (due - 1_800.0 - 660.0, 8.0 * HOUR),
        OTHER,
        SERVFAIL,
        60.0 * DAY,
    );
    let told = told(scribe, 8.0 * HOUR);
    let near = |at: &LogTime| (*at - self::at(due)).abs() < chrono::TimeDelta::minutes(4);
    let near = told.iter().filter(|(at, _)| near(at));
    let near: Vec<Severity> = near.map(|(_, one)| one.severity).collect();
    assert_eq!(near, [Severity::Critical], "{:#?}", said(&told));
}

/// An attempt succeeds while a reminder falls due, and a line says so before the reminder is told.
#[test]
fn nobody_is_reminded_of_what_has_just_been_renewed() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 6.0 * HOUR), ONE, SERVFAIL, 40.0 * HOUR);
    // The first attempt that is critical is told at the fifth, ten minutes later.
    let due = 600.01 + 6.0 * HOUR;
    scribe.slow_renewal((due - 20.0, 30.0), ONE, 40.0 * HOUR - due);
    let told = told(scribe, 8.0 * HOUR);
    let reasons: Vec<Reason> = told.iter().map(|(_, one)| one.reason).collect();
    assert_eq!(
        reasons,
        [Reason::Opened, Reason::Closed],
        "{:#?}",
        said(&told)
    );
}

/// A name that is loud for ten minutes, then well for as much longer as the period lasts.
fn flapping(period: f64) -> Vec<(LogTime, Message)> {
    let mut scribe = Scribe::default();
    let mut from = 0.0;
    while from < DAY {
        let next = scribe.streak((from, from + 900.0), ONE, SERVFAIL, 20.0 * DAY);
        scribe.renewal(next, ONE, 20.0 * DAY);
        from += period;
    }
    told(scribe, 1.5 * DAY)
}

#[test]
fn what_comes_and_goes_each_hour_is_told_few_times_a_day() {
    for minutes in [30.0, 45.0, 50.0, 60.0, 75.0] {
        let told = flapping(minutes * 60.0);
        assert!(
            told.len() <= 10,
            "{minutes}: {} {:#?}",
            told.len(),
            said(&told)
        );
        let (_, last) = told.last().unwrap();
        assert_eq!(last.reason, Reason::Closed, "{minutes}");
    }
}

#[test]
fn a_name_that_fails_for_the_first_time_does_not_do_so_again() {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 900.0), ONE, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, ONE, 20.0 * DAY);
    scribe.streak((next + 1_200.0, 3.0 * HOUR), OTHER, SERVFAIL, 20.0 * DAY);
    let of_other = told(scribe, 3.0 * HOUR);
    let (_, first) = of_other
        .iter()
        .find(|(_, one)| one.certificates == [OTHER])
        .unwrap();
    assert!(first.title.starts_with(OTHER), "{:#?}", said(&of_other));
    let again = flapping(1_800.0);
    assert!(
        again[2].1.title.starts_with("again: "),
        "{:#?}",
        said(&again)
    );
}
