//! What is critical no longer is told as well, while other names of its incident are still in trouble.

use crate::drive::{INSTANCE, Watcher};
use crate::scribe::{DAY, SERVFAIL, Scribe, at, names};
use notafter::engine::message::{Message, Reason};
use notafter::rules::Severity;
use notafter::time::LogTime;

const HOUR: f64 = 3_600.0;
const MINUTE: f64 = 60.0;

/// Each message with when it was told, where a name is silenced as soon as two are told of.
fn told_until_both(scribe: Scribe, until: f64, name: &str) -> Vec<(LogTime, Message)> {
    let mut told = Vec::new();
    scribe.each_minute(until).tell_until(until, |watcher| {
        let both = |one: &Message| one.severity.is_loud() && one.certificates_total == 2;
        if watcher.engine.silences().count() == 0 && watcher.messages.iter().any(both) {
            watcher.silence(name, at(9.0 * HOUR));
        }
        watcher.note_told(&mut told);
    });
    told
}

fn improved(told: &[(LogTime, Message)]) -> Vec<&(LogTime, Message)> {
    let messages = told.iter();
    messages
        .filter(|(_, message)| message.reason == Reason::Improved)
        .collect()
}

/// Two names of a day each that fail; the first is renewed after two hours, the other after ten.
fn two_critical() -> (Scribe, f64) {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 2.0 * HOUR), "z.example.com", SERVFAIL, DAY);
    scribe.renewal(next, "z.example.com", DAY - next);
    let last = scribe.streak((20.0, 10.0 * HOUR), "y.example.com", SERVFAIL, DAY);
    scribe.renewal(last, "y.example.com", DAY - last);
    (scribe, next)
}

#[test]
fn a_critical_name_that_is_renewed_is_told_as_well_though_others_still_fail() {
    let (scribe, renewed) = two_critical();
    let told = scribe.told(DAY);
    let improved = improved(&told);
    let [(when, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    assert!(*when >= at(renewed) && *when <= at(renewed + 6.0 * MINUTE));
    assert_eq!(
        message.title,
        "z.example.com: well again; y.example.com: the renewal of the certificate fails"
    );
    assert_eq!(message.word(), "IMPROVED");
    assert_eq!(
        message.severity,
        Severity::Critical,
        "whoever was rung hears it"
    );
    assert_eq!(message.certificates, ["y.example.com"]);
    let body = &message.body;
    assert!(
        body.contains("Well again since the last message: z.example.com."),
        "{body}"
    );
    let closed = told.iter().filter(|(_, one)| one.reason == Reason::Closed);
    assert_eq!(closed.count(), 1);
}

#[test]
fn critical_names_that_are_renewed_one_by_one_are_few_messages_and_none_waits_for_long() {
    let mut scribe = Scribe::default();
    let mut renewed = Vec::new();
    for (index, name) in (0_u32..).zip(names(40)) {
        let until = 2.0 * HOUR + f64::from(index) * 4.0 * MINUTE;
        let next = scribe.streak((0.0, until), &name, SERVFAIL, DAY);
        scribe.renewal(next, &name, DAY - next);
        renewed.push((name, at(next)));
    }
    let told = scribe.told(DAY);
    let improved = improved(&told);
    assert!((1..=10).contains(&improved.len()), "{}", improved.len());
    for (name, renewed) in renewed {
        let hears = |(when, message): &&(LogTime, Message)| {
            *when >= renewed && (message.body.contains(&name) || message.reason == Reason::Closed)
        };
        let (when, _) = told.iter().find(hears).unwrap();
        assert!(*when - renewed <= chrono::TimeDelta::minutes(31), "{name}");
    }
}

#[test]
fn a_name_that_fails_again_at_once_was_never_well() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 4.0 * HOUR), "y.example.com", SERVFAIL, DAY);
    let next = scribe.streak((20.0, 2.0 * HOUR), "z.example.com", SERVFAIL, DAY);
    scribe.renewal(next, "z.example.com", DAY - next);
    // A new certificate of one day whose renewal fails for an hour.
    let rest = serde_json::json!({"subjects": ["z.example.com"], "new_expiration": crate::scribe::START + DAY + HOUR});
    scribe.line(
        next + 3.2,
        ("info", "tls.cache"),
        "replaced certificate in cache",
        rest,
    );
    scribe.failure(next + 60.0, "z.example.com", SERVFAIL, (12, DAY - next));
    let told = scribe.told(next + 4.0 * MINUTE);
    assert!(improved(&told).is_empty(), "{told:?}");
}

#[test]
fn a_name_that_is_renewed_is_told_as_well_though_those_that_still_fail_are_silenced() {
    let (scribe, renewed) = two_critical();
    let told = told_until_both(scribe, 8.0 * HOUR, "y.example.com");
    let improved = improved(&told);
    let [(when, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    assert!(*when <= at(renewed + 6.0 * MINUTE));
    assert_eq!(message.title, "z.example.com: well again");
    assert!(
        message.body.contains("1 more is silenced."),
        "{}",
        message.body
    );
}

/// Caddy is started, a name fails for an hour, nothing happens for long, and then it fails again.
fn idle() -> Scribe {
    let mut scribe = Scribe::default();
    let name = "a.example.com";
    scribe.started(0.0);
    scribe.manages(0.1, &[name]);
    let end = 20.0 * DAY;
    scribe.streak((1.0, 3_000.0), name, SERVFAIL, end);
    for n in 0..20_u32 {
        let after = 5.0 * HOUR + f64::from(n) * 0.5 * HOUR;
        scribe.failure(after, name, SERVFAIL, (9, end - after));
    }
    scribe
}

#[test]
fn a_name_that_is_no_longer_critical_is_told_as_such() {
    let told = idle().told(13.0 * HOUR);
    let missed = told
        .iter()
        .find(|(_, one)| one.title.contains("missed") || one.severity == Severity::Critical);
    assert!(missed.is_some(), "{told:?}");
    let improved = improved(&told);
    let [(_, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    assert_eq!(
        message.title,
        "no longer critical: a.example.com: the renewal of the certificate fails"
    );
    let body = &message.body;
    assert!(
        body.contains("Over since the last message: retry-missed."),
        "{body}"
    );
}

#[test]
fn what_comes_back_with_each_attempt_was_never_over() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    // Announced in half an hour, each attempt begins ten minutes late.
    for n in 0..20_u32 {
        let after = 60.0 + f64::from(n) * 40.0 * MINUTE;
        scribe.failure(after, "a.example.com", SERVFAIL, (9, 20.0 * DAY - after));
    }
    let told = scribe.told(13.0 * HOUR);
    assert!(improved(&told).is_empty());
    let critical = told
        .iter()
        .filter(|(_, one)| one.severity == Severity::Critical && one.reason != Reason::Repeated);
    assert_eq!(critical.count(), 1);
}

/// Ticks find a renewal due and nobody works on it; then it is tried, once, and fails.
fn stuck() -> Scribe {
    let mut scribe = Scribe::default();
    let name = "a.example.com";
    scribe.started(0.0);
    for tick in 1..6_u32 {
        let after = f64::from(tick) * 600.0;
        scribe.queued(after, &[name], 20.0 * DAY - after);
    }
    scribe.failure(3_100.0, name, SERVFAIL, (1, 20.0 * DAY - 3_100.0));
    scribe
}

#[test]
fn a_name_that_was_told_and_fails_still_is_not_told_as_well() {
    let mut scribe = stuck();
    scribe.renewal(3_160.0, "a.example.com", 20.0 * DAY - 3_160.0);
    let told = scribe.told(2.0 * HOUR);
    let loud = told.iter().filter(|(_, one)| one.severity.is_loud());
    let loud: Vec<(Reason, &str)> = loud
        .map(|(_, one)| (one.reason, one.title.as_str()))
        .collect();
    let [(Reason::Opened, _), (Reason::Closed, title)] = loud.as_slice() else {
        panic!("{loud:?}");
    };
    assert_eq!(*title, "a.example.com: renewed, all is well again");
}

#[test]
fn a_name_that_is_managed_no_longer_is_not_called_well() {
    let (y, z) = ("y.example.com", "z.example.com");
    let mut scribe = Scribe::default();
    scribe.manages(0.0, &[y, z]);
    scribe.streak((1.0, 2.0 * HOUR), z, SERVFAIL, DAY);
    scribe.streak((20.0, 4.0 * HOUR), y, SERVFAIL, DAY);
    scribe.manages(2.1 * HOUR, &[y]);
    let told = scribe.told(4.0 * HOUR);
    let improved = improved(&told);
    let [(_, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    let (title, body) = (&message.title, &message.body);
    assert!(
        title.starts_with("z.example.com: no longer managed; y.example.com: "),
        "{title}"
    );
    assert!(
        body.contains("No longer managed by Caddy: z.example.com."),
        "{body}"
    );
}

#[test]
fn a_name_that_was_told_as_well_and_fails_again_is_news() {
    let (y, z) = ("y.example.com", "z.example.com");
    let mut scribe = Scribe::default();
    scribe.streak((20.0, 6.0 * HOUR), y, SERVFAIL, DAY);
    let next = scribe.streak((1.0, 2.0 * HOUR), z, SERVFAIL, DAY);
    scribe.renewal(next, z, DAY - next);
    let again = next + HOUR;
    scribe.streak((again, again + 2.0 * HOUR), z, SERVFAIL, 90.0 * DAY);
    let told = scribe.told(6.0 * HOUR);
    let news = told.iter().find(|(when, one)| {
        *when > at(again)
            && one.reason == Reason::Worsened
            && one.body.contains("- z.example.com (warning)")
    });
    let (when, _) = news.expect("it is told again");
    assert!(*when < at(again + HOUR));
}

#[test]
fn a_warning_that_comes_meanwhile_keeps_the_relief_from_nobody() {
    let (mut scribe, renewed) = two_critical();
    // Its fifth attempt, which makes it loud, fails a minute after the other was renewed.
    scribe.streak(
        (renewed - 540.0, 6.0 * HOUR),
        "w.example.com",
        SERVFAIL,
        60.0 * DAY,
    );
    let told = scribe.told(6.0 * HOUR);
    let tells = |one: &Message| {
        one.body
            .contains("Well again since the last message: z.example.com.")
    };
    let (_, relief) = told.iter().find(|(_, one)| tells(one)).unwrap();
    assert!(
        relief.body.contains("- w.example.com (warning)"),
        "{}",
        relief.body
    );
    assert_eq!(
        (relief.reason, relief.severity),
        (Reason::Improved, Severity::Critical)
    );
}

#[test]
fn however_many_names_are_well_again_they_are_counted_and_the_first_ones_named() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 6.0 * HOUR), "y.example.com", SERVFAIL, DAY);
    let mut well = 0.0;
    for name in names(130) {
        let next = scribe.streak((0.0, 2.0 * HOUR), &name, SERVFAIL, DAY);
        scribe.renewal(next, &name, DAY - next);
        well = next;
    }
    // One of them fails again before anybody was told that it is well.
    scribe.failure(well + MINUTE, "n129.example.com", SERVFAIL, (1, 80.0 * DAY));
    let told = scribe.told(5.0 * HOUR);
    let improved = improved(&told);
    let [(_, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    let (title, body) = (&message.title, &message.body);
    assert!(
        title.starts_with("129 certificates: well again; "),
        "{title}"
    );
    let again = "Well again since the last message: ";
    let line = body.lines().find(|line| line.starts_with(again)).unwrap();
    assert_eq!(line.matches(".example.com").count(), 20, "{line}");
    assert!(line.ends_with(" and 109 more."), "{line}");
}

/// What is only worth a note stays open after a renewal that took long.
#[test]
fn a_critical_name_that_is_renewed_slowly_is_told_as_well_and_as_nothing_else() {
    let mut scribe = Scribe::default();
    for n in 0..3_u32 {
        let after = f64::from(n) * 60.0;
        scribe.renewal(after, "x.example.com", DAY - after);
    }
    let from = 300.0;
    let next = scribe.streak((from, 2.0 * HOUR), "z.example.com", SERVFAIL, DAY);
    scribe.slow_renewal((next, 300.0), "z.example.com", DAY - next);
    scribe.streak((from + 20.0, 10.0 * HOUR), "y.example.com", SERVFAIL, DAY);
    let scribe = scribe.each_minute(5.0 * HOUR);
    let mut told = Vec::new();
    let watcher = scribe.tell(|watcher| watcher.note_told(&mut told));
    let is_note = |row: &notafter::engine::AlertRow| row.rule == "renewal-slow";
    assert!(watcher.rows.iter().any(is_note));
    let improved = improved(&told);
    let [(_, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    assert_eq!(
        message.title,
        "z.example.com: well again; y.example.com: the renewal of the certificate fails"
    );
    let body = &message.body;
    assert!(!body.contains("No longer critical"), "{body}");
}

/// A log that is read in one go: a reminder fell due, and then a critical name was renewed.
#[test]
fn who_hears_only_of_what_is_critical_hears_that_it_is_over_though_a_reminder_fell_due() {
    let (y, z) = ("y.example.com", "z.example.com");
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 7.0 * HOUR), z, SERVFAIL, 46.0 * HOUR);
    scribe.renewal(next, z, 46.0 * HOUR - next);
    scribe.streak((20.0, 8.0 * HOUR), y, SERVFAIL, 20.0 * DAY);
    let mut watcher = Watcher::new();
    for line in scribe.sorted() {
        watcher.line(line.as_bytes());
        if watcher.engine.log_time(INSTANCE) < Some(at(HOUR)) {
            watcher.settle();
        }
    }
    watcher.settle();
    let last = watcher.messages.last().unwrap();
    assert!(
        last.body
            .contains("Well again since the last message: z.example.com."),
        "{}",
        last.body
    );
    assert_eq!(
        (last.reason, last.severity),
        (Reason::Improved, Severity::Critical)
    );
}

#[test]
fn who_hears_only_of_what_is_critical_hears_that_it_is_no_longer_when_others_hear_of_a_warning() {
    let mut scribe = idle();
    // The other becomes a warning while the first one is critical no longer, which is held.
    scribe.streak(
        (6.0 * HOUR, 9.6 * HOUR),
        "b.example.com",
        SERVFAIL,
        40.0 * DAY,
    );
    let told = scribe.told(9.0 * HOUR);
    let said = "No longer critical: a.example.com.";
    let tells = |(_, one): &&(LogTime, Message)| one.body.contains(said);
    let (_, message) = told.iter().find(tells).unwrap();
    assert!(
        message.body.contains("- b.example.com (warning)"),
        "{}",
        message.body
    );
    assert_eq!(
        (message.reason, message.severity),
        (Reason::Improved, Severity::Critical)
    );
}

/// Of two names that were told as in trouble the critical one is silenced then, and the other one is well.
#[test]
fn relief_of_a_mere_warning_is_no_louder_than_it_was() {
    let (y, z) = ("y.example.com", "z.example.com");
    let mut scribe = Scribe::default();
    scribe.streak((20.0, 4.0 * HOUR), y, SERVFAIL, DAY);
    let next = scribe.streak((0.0, 2.0 * HOUR), z, SERVFAIL, 60.0 * DAY);
    scribe.renewal(next, z, 60.0 * DAY - next);
    let told = told_until_both(scribe, 4.0 * HOUR, y);
    let improved = improved(&told);
    let [(_, message)] = improved.as_slice() else {
        panic!("{improved:?}");
    };
    assert_eq!(message.title, format!("{z}: well again"));
    assert_eq!(message.severity, Severity::Warning);
}
