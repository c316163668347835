//! How soon people are reminded of what stays critical: as soon as the most pressing of it asks for.

use crate::drive::Watcher;
use crate::scribe::{DAY, SERVFAIL, Scribe, at};
use chrono::TimeDelta;
use notafter::engine::Policy;
use notafter::engine::message::Reason;
use notafter::rules::Severity;
use notafter::time::LogTime;

const HOUR: f64 = 3_600.0;
const SOON: &str = "soon.example.com";
const LATE: &str = "late.example.com";

/// When people were reminded of a name.
fn reminded(watcher: &Watcher, name: &str) -> Vec<LogTime> {
    let messages = watcher.messages.iter();
    let reminders = messages.filter(|one| one.reason == Reason::Repeated);
    let reminders = reminders.filter(|one| one.certificates.iter().any(|one| one == name));
    reminders.filter_map(|one| one.at).collect()
}

fn between(moments: &[LogTime], from: f64, until: f64) -> usize {
    let within = moments
        .iter()
        .filter(|one| **one >= at(from) && **one <= at(until));
    within.count()
}

/// A name that is critical and expires after eight hours, and one that becomes critical after three and
/// expires much later; told from the first line on, which `first` sees.
fn two_ends(first: impl FnOnce(&mut Watcher)) -> Watcher {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 1_000.0), SOON, SERVFAIL, 8.0 * HOUR);
    scribe.streak((3.0 * HOUR, 4.0 * HOUR), LATE, SERVFAIL, 46.0 * HOUR);
    let mut first = Some(first);
    scribe.tell_until(8.0 * HOUR, |watcher| {
        if let Some(first) = first.take() {
            first(watcher);
        }
    })
}

#[test]
fn a_name_that_expires_later_puts_off_no_reminder_of_one_that_expires_soon() {
    let watcher = two_ends(|_| {});
    let reminded = reminded(&watcher, SOON);
    assert!(
        between(&reminded, 3.3 * HOUR, 8.0 * HOUR) >= 4,
        "{reminded:?}"
    );
}

#[test]
fn what_is_silenced_puts_off_no_reminder() {
    let alone = {
        let mut scribe = Scribe::default();
        scribe.streak((0.0, 1_000.0), SOON, SERVFAIL, 8.0 * HOUR);
        scribe.tell_until(8.0 * HOUR, |_| {})
    };
    let watcher = two_ends(|watcher| {
        watcher.silence(LATE, at(9.0 * HOUR));
    });
    assert_eq!(reminded(&watcher, SOON), reminded(&alone, SOON));
}

#[test]
fn a_name_that_has_expired_slows_down_no_reminder_of_those_that_have_not() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 1_000.0), SOON, SERVFAIL, HOUR);
    scribe.streak((5.0, 1_000.0), LATE, SERVFAIL, 8.0 * HOUR);
    let watcher = scribe.tell_until(8.0 * HOUR, |_| {});
    let reminded = reminded(&watcher, LATE);
    assert!(
        between(&reminded, 1.1 * HOUR, 8.0 * HOUR) >= 5,
        "{reminded:?}"
    );
}

#[test]
fn reminders_count_from_when_something_became_critical() {
    let mut scribe = Scribe::default();
    let end = 29.0 * DAY;
    scribe.streak((0.0, 27.5 * DAY), LATE, SERVFAIL, end);
    let watcher = scribe.tell_until(end, |_| {});
    let mut rows = watcher.rows.iter();
    let critical = rows.find(|row| row.severity == Severity::Critical).unwrap();
    let critical_at = critical.at.unwrap();
    assert!(critical_at > at(20.0 * DAY), "{critical:?}");
    let first = reminded(&watcher, LATE)[0];
    assert!(
        first - critical_at <= TimeDelta::hours(6),
        "{critical_at} {first}"
    );
}

/// A log in which a name that is not due gets a certificate that a fallback issued, after the first issuer
/// failed; Caddy is started anew an hour later.
fn downgraded() -> Watcher {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.downgrade(10.0, LATE, 30.0 * DAY);
    scribe.started(HOUR);
    scribe.manages(HOUR + 0.1, &[LATE]);
    scribe.tell_until(3.0 * DAY, |_| {})
}

#[test]
fn what_has_nothing_to_do_with_renewals_is_told_again_after_caddy_was_restarted() {
    let watcher = downgraded();
    assert!(
        reminded(&watcher, LATE).len() > 3,
        "{:#?}",
        watcher.messages
    );
}

/// An expired name whose renewal is said to succeed, and no line tells a later expiry; ticks go on to call it
/// due, or are silent.
fn unproven(ticks: bool) -> (Watcher, f64) {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    let next = scribe.streak((1.0, 5.0 * HOUR), SOON, SERVFAIL, 4.0 * HOUR);
    scribe.success((next, 3.0), SOON, 4.0 * HOUR - next);
    for tick in 1..200_u32 {
        let after = next + f64::from(tick) * 600.0;
        if ticks {
            scribe.queued(after, &[SOON], 4.0 * HOUR - after);
        } else {
            scribe.runs(after);
        }
    }
    (scribe.tell_until(next + DAY, |_| {}), next)
}

#[test]
fn a_success_that_nothing_proves_ends_no_reminders_for_good() {
    for (ticks, within) in [(true, 7.0 * HOUR), (false, 14.0 * HOUR)] {
        let (watcher, succeeded) = unproven(ticks);
        let reminded = reminded(&watcher, SOON);
        let later = between(&reminded, succeeded + 60.0, succeeded + within);
        assert!(later >= 1, "ticks {ticks}: {reminded:?}");
    }
}

#[test]
fn reminders_follow_a_configuration_that_is_read_anew() {
    let never = Policy {
        repeat: None,
        ..Policy::default()
    };
    let often = Policy {
        repeat: Some(TimeDelta::hours(2)),
        ..Policy::default()
    };
    for (first, then, expected) in [(never, often, 2..=4), (often, never, 0..=0)] {
        let mut scribe = Scribe::default();
        scribe.streak((0.0, 8.0 * HOUR), LATE, SERVFAIL, 46.0 * HOUR);
        let mut watcher = Watcher::new();
        watcher.engine.set_policy(first);
        let mut waiting = true;
        for line in scribe.sorted() {
            watcher.line(line.as_bytes());
            watcher.settle();
            let hour = watcher.engine.log_time(crate::drive::INSTANCE) > Some(at(HOUR));
            if hour && std::mem::take(&mut waiting) {
                watcher.engine.set_policy(then);
            }
        }
        let reminded = reminded(&watcher, LATE);
        assert!(expected.contains(&reminded.len()), "{reminded:?}");
    }
}

/// A restart of ours at each line, and the configuration read.
#[test]
fn a_restart_puts_no_reminder_forward_whatever_is_configured() {
    let told = |restarts: bool| {
        let policy = Policy {
            repeat: Some(TimeDelta::hours(20)),
            ..Policy::default()
        };
        let mut scribe = Scribe::default();
        scribe.streak((0.0, 1_000.0), SOON, SERVFAIL, 30.0 * HOUR);
        for minute in 0..2_000_u32 {
            scribe.runs(f64::from(minute) * 60.0);
        }
        let mut watcher = Watcher::new();
        watcher.engine.set_policy(policy);
        for line in scribe.sorted() {
            watcher.line(line.as_bytes());
            watcher.settle();
            if restarts {
                watcher.commit();
                watcher.restart();
                watcher.engine.set_policy(policy);
            }
        }
        watcher.rows
    };
    let whole = told(false);
    assert!(whole.iter().any(|row| row.reason == Reason::Repeated));
    assert_eq!(told(true), whole);
}

/// One name is critical and fails on; others of its incident become critical and are renewed, one an hour.
#[test]
fn what_becomes_critical_again_and_again_puts_no_reminder_off_for_good() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, DAY), LATE, SERVFAIL, 46.0 * HOUR);
    for n in 1..24_u32 {
        let (from, name) = (f64::from(n) * HOUR, format!("n{n}.example.com"));
        let next = scribe.streak((from, from + 900.0), &name, SERVFAIL, 46.0 * HOUR);
        scribe.renewal(next, &name, DAY);
    }
    let watcher = scribe.tell_until(DAY, |_| {});
    let repeated = watcher.rows.iter();
    let repeated = repeated.filter(|row| row.reason == Reason::Repeated);
    let late = repeated.filter(|row| row.certificate.as_deref() == Some(LATE));
    let moments: Vec<LogTime> = late.filter_map(|row| row.at).collect();
    assert!(between(&moments, HOUR, 14.0 * HOUR) >= 1, "{moments:?}");
}

/// The only critical name is said to be renewed just before a reminder, and is called due right after it.
#[test]
fn what_recovers_for_a_moment_is_told_again_before_it_expires() {
    let end = 40.0 * HOUR;
    let failing = || {
        let mut scribe = Scribe::default();
        scribe.streak((0.0, 1_000.0), SOON, SERVFAIL, end);
        for minutes in 0..240_u32 {
            scribe.runs(f64::from(minutes) * 600.0);
        }
        scribe
    };
    let whole = reminded(&failing().tell_until(end, |_| {}), SOON);
    let near = whole.iter().find(|one| **one > at(end - 6.0 * HOUR));
    #[expect(clippy::cast_precision_loss, reason = "seconds of two days")]
    let near = (*near.unwrap() - at(0.0)).num_seconds() as f64;
    let mut scribe = failing();
    scribe.success((near - 60.0, 3.0), SOON, end - near + 60.0);
    scribe.queued(near + 600.0, &[SOON], end - near - 600.0);
    let again = reminded(&scribe.tell_until(end, |_| {}), SOON);
    let later = |moments: &[LogTime]| between(moments, near + 60.0, end);
    assert!(later(&whole) >= 4, "{whole:?}");
    assert_eq!(later(&again), later(&whole), "{again:?}");
}
