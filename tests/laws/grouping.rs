//! Names that fail for one cause are one incident, and nobody is left out of what is told.

use crate::drive::Watcher;
use crate::scribe::{DAY, FIREWALL, LIMITED, OUTAGE, SERVFAIL, Scribe, at, names};
use notafter::engine::alert::OpenAlert;
use notafter::engine::message::{Message, Reason};
use notafter::rules::Severity;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The ids of the incidents that rows belong to.
fn incidents(watcher: &Watcher) -> BTreeSet<&str> {
    let rows = watcher.rows.iter();
    rows.map(|row| row.incident.as_str()).collect()
}

fn reasons(watcher: &Watcher) -> Vec<Reason> {
    watcher
        .messages
        .iter()
        .filter(|one| one.severity.is_loud())
        .map(|one| one.reason)
        .collect()
}

/// Every count in the messages of the last telling is that of the open rows.
fn expect_true_counts(watcher: &Watcher, told: usize) {
    for message in watcher.messages.iter().skip(told) {
        let counts = |alert: &OpenAlert| alert.severity.is_loud() || !message.severity.is_loud();
        let open: BTreeSet<&str> = watcher
            .engine
            .certificates()
            .filter(|(_, _, one)| one.link.incident.as_deref() == Some(&*message.incident))
            .filter(|(_, _, one)| one.alerts.values().any(|alert| counts(alert)))
            .map(|(_, _, one)| one.name.as_str())
            .collect();
        if message.reason == Reason::Closed {
            assert!(open.is_empty() || !message.severity.is_loud());
        } else {
            assert_eq!(message.certificates_total, open.len(), "{}", message.title);
            let named: BTreeSet<&str> = message.certificates.iter().map(String::as_str).collect();
            assert_eq!(named, open);
        }
    }
}

/// Tells a log to its end and checks the counts of each message.
fn told(scribe: Scribe, until: f64) -> Watcher {
    let mut told = 0;
    scribe.tell_until(until, |watcher| {
        expect_true_counts(watcher, told);
        told = watcher.messages.len();
    })
}

fn names_it(message: &Message, name: &str) -> bool {
    let well_again = message.body.lines().any(|line| {
        let names = line.strip_prefix("Well again since the last message: ");
        let names = names.and_then(|names| names.strip_suffix('.'));
        names.is_some_and(|names| names.split(", ").any(|one| one == name))
    });
    well_again || message.certificates.iter().any(|one| one == name)
}

#[test]
fn two_hundred_names_failing_together_are_one_message_that_grows_and_shrinks() {
    let mut scribe = Scribe::default();
    for (index, name) in (0_u32..).zip(names(200)) {
        let from = f64::from(index) * 0.7;
        let end = 25.0 * DAY;
        let next = scribe.streak((from, 3.0 * 3_600.0), &name, SERVFAIL, end);
        scribe.renewal(next, &name, end - next);
    }
    let watcher = told(scribe, DAY);
    assert_eq!(incidents(&watcher).len(), 1);
    let reasons = reasons(&watcher);
    assert_eq!(reasons.first(), Some(&Reason::Opened));
    assert_eq!(reasons.last(), Some(&Reason::Closed));
    assert!(reasons.len() <= 4, "{reasons:?}");
    let closing = watcher.messages.last().unwrap();
    assert_eq!(
        closing.title,
        "200 certificates: renewed, all is well again"
    );
    assert!(
        closing.body.contains("cause dns.servfail"),
        "{}",
        closing.body
    );
    assert!(
        closing.body.contains("2400 failed attempts"),
        "{}",
        closing.body
    );
    assert!(closing.body.contains("and 180 more"), "{}", closing.body);
}

#[test]
fn a_closing_of_one_name_among_blips_of_others_has_it_in_the_title() {
    let mut scribe = Scribe::default();
    scribe.failure(30.0, "b.example.com", SERVFAIL, (1, 25.0 * DAY));
    scribe.renewal(90.0, "b.example.com", 25.0 * DAY);
    let next = scribe.streak((0.0, 3.0 * 3_600.0), "a.example.com", SERVFAIL, 25.0 * DAY);
    scribe.renewal(next, "a.example.com", 25.0 * DAY);
    let watcher = told(scribe, DAY);
    assert_eq!(incidents(&watcher).len(), 1);
    let closing = watcher.messages.last().unwrap();
    assert_eq!(closing.title, "a.example.com: renewed, all is well again");
}

#[test]
fn an_outage_of_a_ca_is_one_incident_and_nothing_critical() {
    let mut scribe = Scribe::default();
    let all = names(2_000);
    scribe.manages(0.0, &all);
    for (index, name) in (0_u32..).zip(all.iter().take(20)) {
        let name = name.replace("example.com", &format!("zone{index}.org"));
        let from = 60.0 + f64::from(index) * 31.0;
        let end = 30.0 * DAY;
        let next = scribe.streak((from, 3.0 * 3_600.0), &name, OUTAGE, end);
        scribe.renewal(next, &name, end - next);
    }
    let watcher = told(scribe, DAY);
    assert_eq!(incidents(&watcher).len(), 1);
    let reasons = reasons(&watcher);
    let of = |wanted| reasons.iter().filter(|one| **one == wanted).count();
    assert_eq!((of(Reason::Opened), of(Reason::Closed)), (1, 1));
    assert!(reasons.len() <= 4, "{reasons:?}");
    let loudest = watcher.rows.iter().map(|row| row.severity).max();
    assert_eq!(loudest, Some(Severity::Warning));
}

#[test]
fn a_name_whose_next_attempt_is_too_late_is_told_at_once_in_the_same_incident() {
    let mut scribe = Scribe::default();
    for name in names(200) {
        scribe.streak((0.0, 7_000.0), &name, SERVFAIL, 20.0 * DAY);
    }
    scribe.streak((1.0, 7_000.0), "late.example.com", SERVFAIL, 7_600.0);
    let watcher = told(scribe, 7_100.0);
    assert_eq!(incidents(&watcher).len(), 1);
    let rows = watcher.rows.iter();
    let row = rows
        .filter(|row| row.rule == "retry-after-expiry")
        .find(|row| row.certificate.as_deref() == Some("late.example.com"))
        .unwrap();
    let message = watcher
        .messages
        .iter()
        .find(|one| one.at == row.at)
        .unwrap();
    assert!(
        message.title.starts_with("late.example.com: "),
        "{}",
        message.title
    );
    assert_eq!(message.certificates[0], "late.example.com");
    let end = row.not_after.unwrap().utc();
    assert!(message.body.contains(&format!("- late.example.com (critical): Caddy tries again only after the certificate has expired; expires {end}")), "{}", message.body);
}

#[test]
fn causes_zones_and_names_are_told_apart() {
    let mut scribe = Scribe::default();
    for (name, error) in [
        ("a.example.com", SERVFAIL),
        ("b.example.com", SERVFAIL),
        ("a.example.org", SERVFAIL),
        ("c.example.com", FIREWALL),
        ("d.example.net", OUTAGE),
        ("d.example.edu", OUTAGE),
    ] {
        scribe.streak((0.0, 1_000.0), name, error, 20.0 * DAY);
    }
    let watcher = told(scribe, 1_000.0);
    assert_eq!(incidents(&watcher).len(), 4);
}

#[test]
fn one_cause_in_very_many_zones_is_few_incidents() {
    let mut scribe = Scribe::default();
    for index in 0..100 {
        let name = format!("www.zone{index}.org");
        scribe.streak((0.0, 1_000.0), &name, SERVFAIL, 20.0 * DAY);
    }
    let watcher = told(scribe, 1_000.0);
    assert_eq!(incidents(&watcher).len(), 4);
}

#[test]
fn a_name_whose_cause_changes_stays_where_it_was_told() {
    let mut scribe = Scribe::default();
    let end = 20.0 * DAY;
    scribe.streak((0.0, 1_500.0), "a.example.com", SERVFAIL, end);
    scribe.failure(2_000.0, "a.example.com", LIMITED, (7, end - 2_000.0));
    scribe.renewal(4_000.0, "a.example.com", end - 4_000.0);
    let watcher = told(scribe, DAY);
    assert_eq!(incidents(&watcher).len(), 1);
    let closed = watcher
        .messages
        .iter()
        .filter(|one| one.reason == Reason::Closed);
    assert_eq!(closed.count(), 1);
}

#[derive(Clone, Debug)]
struct Trouble {
    name: usize,
    zone: usize,
    error: usize,
    from: f64,
    lasts: f64,
    left: f64,
}

const ERRORS: [&str; 4] = [SERVFAIL, FIREWALL, OUTAGE, LIMITED];

fn trouble() -> impl Strategy<Value = Trouble> {
    (
        0..6_usize,
        0..5_usize,
        0..4_usize,
        0.0..9_000.0_f64,
        0.0..9_000.0_f64,
        600.0..200_000.0_f64,
    )
        .prop_map(|(name, zone, error, from, lasts, left)| Trouble {
            name,
            zone,
            error,
            from,
            lasts,
            left,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_loud_alert_is_named_in_a_message_and_the_counts_are_true(
        troubles in prop::collection::vec(trouble(), 1..30),
    ) {
        let mut scribe = Scribe::default();
        let mut taken = BTreeSet::new();
        for one in troubles {
            let name = format!("n{}.zone{}.org", one.name, one.zone);
            if !taken.insert(name.clone()) {
                continue;
            }
            let end = one.from + one.left;
            let next = scribe.streak((one.from, one.from + one.lasts), &name, ERRORS[one.error], end);
            if one.name % 3 > 0 {
                scribe.renewal(next, &name, end - next);
            }
        }
        let watcher = told(scribe, 30_000.0);
        // What can wait is told within half an hour.
        let opened = watcher.rows.iter().filter(|row| {
            row.reason != Reason::Closed && row.at < Some(at(28_000.0))
        });
        for row in opened.filter(|row| row.severity.is_loud()) {
            let name = row.certificate.as_deref().unwrap();
            // What was just told, of a change that may have waited for half an hour, needs no reminder.
            let since = match row.reason {
                Reason::Repeated => row.at.map(|at| at - chrono::TimeDelta::minutes(35)),
                _ => row.at,
            };
            // What is quieter than what was told of a name waits for the next message.
            let named = watcher.messages.iter().any(|one| {
                let tells = one.at >= since || one.severity > row.severity;
                one.incident == row.incident && tells && names_it(one, name)
            });
            // Of what is over by the time it would be told, the end tells.
            let waited = row.at.map(|at| at + chrono::TimeDelta::minutes(31));
            let is_over = watcher.rows.iter().any(|one| {
                let closes = one.reason == Reason::Closed && one.id == row.id;
                closes && one.at <= waited
            });
            prop_assert!(named || is_over, "{} of {name} at {:?}", row.rule, row.at);
        }
        let ids: BTreeSet<&str> = watcher.messages.iter().map(|one| one.id.as_str()).collect();
        prop_assert_eq!(ids.len(), watcher.messages.len());
    }
}

#[test]
fn a_name_that_was_a_warning_is_told_at_once_when_it_is_critical_however_many_fail() {
    let mut scribe = Scribe::default();
    for name in names(200) {
        scribe.streak((0.0, 12_000.0), &name, SERVFAIL, 20.0 * DAY);
    }
    let late = "worse.example.com";
    scribe.streak((1.0, 12_000.0), late, SERVFAIL, 2.0 * DAY + 9_000.0);
    let watcher = told(scribe, 12_000.0);
    let rows = watcher.rows.iter();
    let mut rows = rows.filter(|row| row.certificate.as_deref() == Some(late));
    let worse = rows.find(|row| row.severity == Severity::Critical).unwrap();
    assert_eq!(
        (worse.rule.as_str(), worse.reason),
        ("renewal-failing", Reason::Worsened)
    );
    let message = watcher
        .messages
        .iter()
        .find(|one| one.at == worse.at)
        .unwrap();
    let (title, body) = (&message.title, &message.body);
    assert!(title.starts_with("worse.example.com: "), "{title}");
    assert!(
        title.ends_with("; 201 certificates in trouble in all"),
        "{title}"
    );
    assert!(
        body.contains(" Worse since the last message: worse.example.com."),
        "{body}"
    );
}

#[test]
fn causes_that_differ_are_counted_rather_than_called_one() {
    const DOWN: &str = "attempt 1: HTTP 503 urn:ietf:params:acme:error:serverInternal - The service is down for maintenance (ca=https://acme-v02.api.letsencrypt.org/directory)";
    let mut scribe = Scribe::default();
    for name in names(3) {
        scribe.streak((0.0, 3_000.0), &name, OUTAGE, 20.0 * DAY);
    }
    scribe.streak((0.5, 3_000.0), "down.example.com", DOWN, 20.0 * DAY);
    let watcher = told(scribe, 3_000.0);
    assert_eq!(incidents(&watcher).len(), 1);
    let last = watcher
        .messages
        .iter()
        .rfind(|one| one.severity.is_loud())
        .unwrap();
    assert_eq!(
        last.title,
        "4 certificates fail: ca.unreachable (3), ca.server-error (1)"
    );
    assert!(
        last.body.contains("fail. 3: the CA cannot be reached"),
        "{}",
        last.body
    );
}

#[test]
fn each_name_of_a_group_has_its_attempts_and_the_tries_it_has_left() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 3_000.0), "one.example.com", OUTAGE, 20.0 * DAY);
    scribe.streak((900.0, 3_000.0), "two.example.com", OUTAGE, 2.0 * DAY);
    let watcher = told(scribe, 3_000.0);
    let body = &watcher.messages.last().unwrap().body;
    let told = [
        "The first failed at 2026-05-01 01:46:40 UTC, 25 min ago. 1 of them is new since the last message.",
        "- two.example.com (critical): the renewal of the certificate fails; expires 2026-05-03 01:46:39 UTC, in 1 d 23 h; 5 failed attempts; next attempt 2026-05-01 02:21:40 UTC; tries left before it expires: 24",
        "- one.example.com (warning): the renewal of the certificate fails; expires 2026-05-21 01:46:39 UTC, in 19 d 23 h; 6 failed attempts; next attempt 2026-05-01 02:16:40 UTC; tries left before it expires: 95",
    ];
    for words in told {
        assert!(body.contains(words), "{words}\n\n{body}");
    }
}

#[test]
fn what_expires_soonest_leads_whatever_its_rule() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    // One of two months misses its attempt while one of a day goes on failing.
    scribe.streak((1.0, 1_500.0), "later.example.com", SERVFAIL, 59.0 * DAY);
    scribe.streak((2.0, 11.0 * 3_600.0), "soon.example.com", SERVFAIL, DAY);
    let watcher = told(scribe, 12.0 * 3_600.0);
    let both = |one: &&Message| {
        let missed = one.alerts.iter().any(|row| row["rule"] == "retry-missed");
        missed && one.certificates_total == 2 && one.reason == Reason::Repeated
    };
    let message = watcher.messages.iter().find(both).unwrap();
    assert_eq!(
        message.certificates[0], "soon.example.com",
        "{}",
        message.body
    );
    assert!(message.body.contains("What to do, for soon.example.com: "));
}

#[test]
fn names_that_have_expired_have_no_tries_left_in_a_list() {
    let mut scribe = Scribe::default();
    for name in names(2) {
        scribe.streak((0.0, 10_000.0), &name, SERVFAIL, 7_000.0);
    }
    let watcher = scribe.tell_until(10_000.0, |_| {});
    let last = &watcher.messages.last().unwrap().body;
    assert!(last.contains("; expired 2026-05-01 03:43:19 UTC"), "{last}");
    assert!(last.contains("; next attempt 2026-05-01 "), "{last}");
    assert!(!last.contains("tries left"), "{last}");
}

/// Three renewals hang, and then attempts for one of the names fail.
#[test]
fn a_cause_is_said_of_those_names_that_fail_for_it() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    let names = names(3);
    for tick in 1..9_u32 {
        let after = f64::from(tick) * 600.0;
        scribe.queued(after, &names, 20.0 * DAY - after);
    }
    scribe.streak((5_000.0, 9_000.0), &names[0], FIREWALL, 20.0 * DAY);
    let watcher = scribe.tell_until(9_000.0, |_| {});
    let of_three = watcher.messages.iter();
    let of_three: Vec<_> = of_three.filter(|one| one.certificates_total == 3).collect();
    let said = |one: &&&Message| one.body.contains("challenge.unreachable");
    let with_cause: Vec<_> = of_three.iter().filter(said).collect();
    assert!(!with_cause.is_empty(), "{:#?}", watcher.messages);
    for message in with_cause {
        let (title, body) = (&message.title, &message.body);
        assert!(!title.contains("one cause"), "{title}");
        assert!(
            body.starts_with("3 certificates of caddy are in trouble. Of those that fail, 1: "),
            "{body}"
        );
    }
}
