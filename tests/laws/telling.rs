//! How often people are told: reminders, flapping, and restarts in between.

use crate::drive::{INCIDENT, INSTANCE, Watcher, lines};
use crate::scribe::{DAY, FIREWALL, LIMITED, SERVFAIL, Scribe, at, hours};
use notafter::engine::message::{Message, Reason};
use notafter::engine::{Group, Policy};
use notafter::time::{LogTime, spell};

const NAME: &str = "a.example.com";

fn of(watcher: &Watcher, reason: Reason) -> Vec<(&str, Option<LogTime>)> {
    let messages = watcher.messages.iter();
    messages
        .filter(|one| one.reason == reason && one.severity.is_loud())
        .map(|one| (one.title.as_str(), one.at))
        .collect()
}

/// Two days from the end: critical at once, and then nothing but time.
fn critical() -> Scribe {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 700.0), NAME, SERVFAIL, 40.0 * 3_600.0);
    scribe
}

/// The same, and Caddy is started anew after an hour.
fn restarted() -> Scribe {
    let mut scribe = critical();
    scribe.started(3_600.0);
    scribe
}

#[test]
fn what_is_critical_is_told_again_and_faster_as_the_end_nears() {
    let watcher = critical().tell_until(50.0 * 3_600.0, |_| {});
    let repeated: Vec<_> = watcher
        .rows
        .iter()
        .filter(|row| row.reason == Reason::Repeated)
        .map(|row| row.at.unwrap())
        .collect();
    let expiry = at(40.0 * 3_600.0);
    let gaps: Vec<_> = repeated.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(gaps[0], hours(6));
    let before = repeated.iter().filter(|one| **one < expiry).count();
    assert!((8..=16).contains(&before), "{gaps:?}");
    assert!(
        gaps.iter()
            .all(|gap| *gap >= chrono::TimeDelta::minutes(15))
    );
    assert!(repeated.last().unwrap() > &expiry);
    let told = of(&watcher, Reason::Repeated);
    assert_eq!(told.len(), repeated.len());
    assert!(
        told[0].0.starts_with("still open: a.example.com: "),
        "{}",
        told[0].0
    );
}

#[test]
fn a_reminder_is_told_in_the_words_of_its_moment() {
    let watcher = critical().tell_until(39.0 * 3_600.0, |_| {});
    let expiry = at(40.0 * 3_600.0);
    let reminders = watcher.messages.iter();
    let reminders = reminders.filter(|one| one.reason == Reason::Repeated);
    let mut count = 0;
    for one in reminders {
        let left = spell(expiry - one.at.unwrap());
        assert!(one.body.contains(&format!("in {left}.")), "{}", one.body);
        assert!(!one.body.contains("tries again at"), "{}", one.body);
        assert!(one.body.ends_with("From the log of caddy."), "{}", one.body);
        count += 1;
    }
    assert!(count > 3);
}

/// Two names that are critical, and then the log cannot be read any more; what is told until after
/// the first one expired.
fn out_of_reach(watcher: &mut Watcher) -> Vec<Message> {
    watcher
        .engine
        .reach(INSTANCE, at(700.0), Some("it is gone"), &mut watcher.rows);
    let told = watcher.messages.len();
    while let Some(next) = watcher.engine.deadline(INSTANCE)
        && next <= at(42.0 * 3_600.0)
    {
        watcher.tick(next);
        watcher.settle();
    }
    let later = watcher.messages.iter().skip(told);
    let repeated = later.filter(|one| one.reason == Reason::Repeated);
    repeated.cloned().collect()
}

#[test]
fn nobody_is_told_that_an_attempt_has_not_begun_while_the_log_cannot_be_read() {
    for names in [&[NAME][..], &[NAME, "b.example.com"]] {
        let mut scribe = Scribe::default();
        for name in names {
            scribe.streak((0.0, 700.0), name, SERVFAIL, 40.0 * 3_600.0);
        }
        let mut watcher = scribe.tell(|_| {});
        let told = out_of_reach(&mut watcher);
        assert!(told.len() > 5, "{told:?}");
        for message in &told {
            let body = &message.body;
            assert!(!body.contains("has not begun"), "{body}");
            let known = "for 2026-05-01 02:06:40 UTC";
            assert!(
                body.contains(known) && body.contains("may have begun"),
                "{body}"
            );
            assert!(
                body.contains("read only up to 2026-05-01 01:56:40 UTC"),
                "{body}"
            );
        }
        let last = &told.last().unwrap().body;
        assert!(last.contains("nless "), "{last}");
        assert!(
            last.contains("it expired at 2026-05-02") || last.contains(", expired 2026-05-02"),
            "{last}"
        );
        assert!(!last.contains("tries left"), "{last}");
    }
}

#[test]
fn a_reminder_is_sent_once_over_restarts() {
    let whole = critical().tell_until(50.0 * 3_600.0, |_| {});
    let restarted = critical().tell_until(50.0 * 3_600.0, |watcher| {
        watcher.commit();
        watcher.restart();
        watcher.settle();
    });
    assert_eq!(restarted.rows, whole.rows);
    assert_eq!(restarted.messages, whole.messages);
}

#[test]
fn a_warning_of_the_end_is_no_news_once_the_end_was_told() {
    let mut scribe = Scribe::default();
    scribe.queued(-0.1, &[NAME], 300.0);
    scribe.streak((0.0, 700.0), NAME, SERVFAIL, 300.0);
    let watcher = scribe.tell_until(3_600.0, |_| {});
    let opened = |rule: &str| watcher.rows.iter().find(|row| row.rule == rule).unwrap().at;
    assert!(opened("expiring") > opened("expired"));
    let titles = watcher.messages.iter().map(|one| one.title.as_str());
    let after: Vec<&str> = titles
        .skip_while(|title| !title.ends_with(": the certificate has expired"))
        .skip(1)
        .collect();
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(after[0].ends_with(" has not begun"), "{after:?}");
}

#[test]
fn a_message_says_of_each_alert_whether_it_is_new() {
    let watcher = critical().tell_until(50.0 * 3_600.0, |_| {});
    let mut seen = std::collections::BTreeSet::new();
    for message in watcher.messages.iter().filter(|one| one.severity.is_loud()) {
        for row in &message.alerts {
            let is_new = seen.insert(format!("{}{}", row["id"], row["severity"]));
            assert_eq!(
                row["reason"] == "repeated",
                !is_new,
                "{}: {row}",
                message.title
            );
        }
    }
}

#[test]
fn messages_of_one_moment_come_in_the_order_of_their_names() {
    let mut scribe = Scribe::default();
    for name in crate::scribe::names(8).iter().rev() {
        scribe.failure(0.0, name, SERVFAIL, (5, 300.0));
    }
    let mut watcher = Watcher::new();
    watcher.engine.set_policy(Policy {
        group: Group::Name,
        ..Policy::default()
    });
    for line in scribe.sorted() {
        watcher.line(line.as_bytes());
    }
    watcher.settle();
    let told = watcher.messages.iter();
    let told: Vec<&String> = told.flat_map(|one| &one.certificates).collect();
    assert_eq!(told.len(), 8);
    assert!(told.is_sorted(), "{told:?}");
}

#[test]
fn nothing_is_repeated_once_caddy_was_restarted_and_two_ticks_found_nothing_due() {
    let watcher = restarted().tell_until(30.0 * 3_600.0, |_| {});
    assert!(of(&watcher, Reason::Repeated).is_empty());
    assert!(
        !critical()
            .tell_until(30.0 * 3_600.0, |_| {})
            .messages
            .is_empty()
    );
}

/// Whoever was silent from the start on has not shown that the certificate is not due any more.
#[test]
fn what_is_critical_since_caddy_was_restarted_is_told_again_however_silent_it_is() {
    let mut scribe = restarted();
    scribe.manages(3_600.1, &[NAME]);
    let watcher = scribe.tell_until(60.0 * 3_600.0, |_| {});
    let repeated = of(&watcher, Reason::Repeated);
    let expiry = at(40.0 * 3_600.0);
    assert!(!repeated.is_empty());
    assert!(repeated.iter().all(|(_, at)| *at > Some(expiry)));
}

#[test]
fn what_opens_and_closes_again_and_again_is_one_incident_told_few_times() {
    let mut scribe = Scribe::default();
    for round in 0..12_u32 {
        let from = f64::from(round) * 1_500.0;
        let next = scribe.streak((from, from + 700.0), NAME, SERVFAIL, 20.0 * DAY + from);
        scribe.renewal(next, NAME, 20.0 * DAY);
    }
    let watcher = scribe.tell_until(DAY, |_| {});
    let ids: std::collections::BTreeSet<&str> = watcher
        .rows
        .iter()
        .map(|row| row.incident.as_str())
        .collect();
    assert_eq!(ids.len(), 1);
    // While its end was not told, what opens again is no news.
    let loud = watcher.messages.iter().filter(|one| one.severity.is_loud());
    let told: Vec<Reason> = loud.map(|one| one.reason).collect();
    let (opens, closes) = (Reason::Opened, Reason::Closed);
    assert_eq!(told, [opens, closes, opens, closes]);
    let opened = of(&watcher, Reason::Opened);
    assert!(opened[1].0.starts_with("again: "), "{opened:?}");
    let closed = of(&watcher, Reason::Closed);
    assert_eq!(closed.len(), 2, "{closed:?}");
    let last = watcher.messages.last().unwrap();
    assert_eq!(last.reason, Reason::Closed);
    assert!(last.body.contains("10 times interrupted"), "{}", last.body);
}

#[test]
fn the_end_of_the_incident_is_told_though_it_came_while_nobody_watched() {
    let lines = lines(INCIDENT);
    let mut watcher = Watcher::new();
    for line in &lines[..3_653] {
        watcher.line(&line.bytes);
        watcher.settle();
    }
    watcher.commit();
    watcher.restart();
    for line in &lines[3_653..] {
        watcher.line(&line.bytes);
    }
    watcher.tick(crate::drive::after(&lines));
    watcher.commit();
    watcher.restart();
    watcher.settle();
    let last = watcher.messages.last().unwrap();
    assert_eq!(last.reason, Reason::Closed);
    // The log is silent by then, of which another message tells.
    assert!(last.title.ends_with(": renewed"), "{}", last.title);
    assert!(
        watcher
            .rows
            .iter()
            .any(|row| row.rule == "source-silent" && row.reason == Reason::Opened)
    );
    watcher.commit();
    watcher.restart();
    watcher.tick(crate::drive::after(&lines) + hours(3));
    watcher.settle();
    assert_eq!(watcher.messages.last().unwrap().reason, Reason::Closed);
    let closed = of(&watcher, Reason::Closed);
    assert_eq!(closed.len(), 1);
}

#[test]
fn an_incident_that_was_stored_per_name_goes_on_and_its_end_is_told_once() {
    let former = include_str!("../../fixtures/state/incident-per-name.jsonl");
    let mut watcher = Watcher::former(former);
    assert!(watcher.engine.take_notices().is_empty());
    watcher.settle();
    assert!(watcher.messages.is_empty(), "{:?}", watcher.messages);
    watcher.commit();
    let incidents = watcher.keys("incident");
    assert_eq!(incidents.len(), 2, "{incidents:?}");
    assert!(incidents.iter().all(|key| !key.contains("takeonme.org")));
    watcher.restart();
    let rest = &lines(INCIDENT)[3_653..];
    for line in rest.iter().filter(|line| line.names.is_some()) {
        watcher.line(&line.bytes);
        watcher.settle();
    }
    let closed: Vec<_> = watcher
        .messages
        .iter()
        .filter(|one| one.reason == Reason::Closed && one.certificate.is_some())
        .map(|one| (one.incident.as_str(), one.certificate.as_deref()))
        .collect();
    assert_eq!(
        closed,
        [("d4566e94dc485c86", Some("matrix-fed.takeonme.org"))]
    );
}

/// What fails for one cause and then, twice, for another and the first again; and when it did first.
fn of_two_causes(other: &str, end: f64) -> (Watcher, LogTime) {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 3_000.0), NAME, SERVFAIL, end);
    for (n, error) in (8_u32..).zip([other, SERVFAIL, other, SERVFAIL]) {
        let after = next + f64::from(n - 8) * 1_800.0;
        scribe.failure(after, NAME, error, (9, end - after));
    }
    let watcher = scribe.tell_until(next + 4.0 * 1_800.0, |_| {});
    (watcher, at(next + 0.01))
}

#[test]
fn another_cause_is_told_at_once_and_each_only_once() {
    let refused = SERVFAIL.replace("SERVFAIL", "REFUSED");
    let warning = of_two_causes(&refused, 20.0 * DAY);
    let critical = of_two_causes(FIREWALL, 40.0 * 3_600.0);
    for ((watcher, changed_at), cause) in [
        (warning, "dns.refused"),
        (critical, "challenge.unreachable"),
    ] {
        let told = of(&watcher, Reason::Worsened);
        let [(title, told_at)] = told.as_slice() else {
            panic!("{cause}: {told:?}");
        };
        assert_eq!(
            *title,
            "another cause: a.example.com: the renewal of the certificate fails"
        );
        assert_eq!(*told_at, Some(changed_at));
        let message = watcher.messages.iter().find(|one| one.title == *title);
        let body = &message.unwrap().body;
        assert!(body.contains(cause), "{body}");
    }
}

#[test]
fn causes_that_take_turns_with_each_attempt_are_told_once_each() {
    let limited = LIMITED.replace(" (ca=", ", retry after 2026-05-06 00:00:00 UTC (ca=");
    for (one, other, end, most) in [
        (SERVFAIL, FIREWALL, 20.0 * DAY, 2),
        // That the critical alert was over was told with the other cause: that it is back is news, once.
        (&limited, SERVFAIL, 3.5 * DAY, 3),
    ] {
        let mut scribe = Scribe::default();
        let next = scribe.streak((0.0, 3_000.0), NAME, one, end);
        for n in 0..24_u32 {
            let after = next + f64::from(n) * 1_800.0;
            let error = [other, one][n as usize % 2];
            scribe.failure(after, NAME, error, (9, end - after));
        }
        let watcher = scribe.tell_until(next + 24.0 * 1_800.0, |_| {});
        let loud = watcher.messages.iter().filter(|one| one.severity.is_loud());
        let told: Vec<_> = loud
            .filter(|one| one.reason != Reason::Repeated)
            .map(|one| (one.at, &one.title))
            .collect();
        assert_eq!(told.len(), most, "{told:#?}");
    }
}

/// What is only worth a note stays open from one renewal to the next.
#[test]
fn a_name_that_was_well_and_fails_again_is_told_again_though_a_note_about_it_stayed_open() {
    let mut scribe = Scribe::default();
    for n in 0..3_u32 {
        scribe.renewal(f64::from(n) * 60.0 * DAY, NAME, 30.0 * DAY);
    }
    let mut begins = Vec::new();
    for from in [180.0 * DAY, 240.0 * DAY] {
        let mut next = from;
        for error in [SERVFAIL, FIREWALL, SERVFAIL] {
            next = scribe.streak((next, next + 3_000.0), NAME, error, from + 30.0 * DAY);
        }
        scribe.slow_renewal((next, 120.0), NAME, 29.0 * DAY);
        begins.push(at(from));
    }
    let watcher = scribe.tell_until(241.0 * DAY, |_| {});
    let of_note = |row: &&notafter::engine::AlertRow| row.rule == "renewal-slow";
    let notes: Vec<_> = watcher.rows.iter().filter(of_note).collect();
    assert!(
        notes[0].at < Some(begins[1]) && notes.len() == 1,
        "{notes:?}"
    );
    for from in begins {
        let told = of(&watcher, Reason::Opened);
        let within = |at: LogTime| at >= from && at <= from + hours(1);
        let count = told.iter().filter(|(_, at)| at.is_some_and(within));
        assert_eq!(count.count(), 1, "{told:?}");
    }
    let closed = watcher.messages.iter();
    let closed: Vec<&Message> = closed.filter(|one| one.reason == Reason::Closed).collect();
    assert_eq!(closed.len(), 2);
    for message in closed {
        assert_eq!(message.title, "a.example.com: renewed, all is well again");
        let lasted = "It had been failing for 2 h 32 min, since ";
        assert!(message.body.contains(lasted), "{}", message.body);
    }
}

#[test]
fn a_name_of_a_group_that_fails_for_another_cause_is_named() {
    let mut scribe = Scribe::default();
    let end = 20.0 * DAY;
    scribe.streak((10.0, 9_000.0), "b.example.com", SERVFAIL, end);
    let next = scribe.streak((0.0, 3_000.0), NAME, SERVFAIL, end);
    let refused = SERVFAIL.replace("SERVFAIL", "REFUSED");
    for n in 0..4_u32 {
        let after = next + f64::from(n) * 1_800.0;
        scribe.failure(after, NAME, &refused, (9, end - after));
    }
    let watcher = scribe.tell_until(9_000.0, |_| {});
    let last = watcher.messages.last().unwrap();
    let body = &last.body;
    assert_eq!(last.reason, Reason::Worsened);
    assert!(
        body.contains(" For another cause than before: a.example.com."),
        "{body}"
    );
}
