//! The end of an incident is told to those who were told of it, when all that they were told of is over, and
//! of nothing else.

use crate::drive::Watcher;
use crate::scribe::{DAY, FIREWALL, LIMITED, SERVFAIL, Scribe, at};
use notafter::engine::message::{Message, Reason};
use notafter::rules::{BUILT_IN, Changes, Configured, RuleSet, Severity};
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR: f64 = 3_600.0;
const ONE: &str = "one.example.com";
const OTHER: &str = "other.example.com";

/// One name that is silenced from the start on and fails for a day, and another that is well after two
/// hours; the silence ends after so many.
fn beside_a_silence(until: f64) -> Watcher {
    let mut scribe = Scribe::default();
    let last = scribe.streak((0.0, DAY), ONE, SERVFAIL, 20.0 * DAY);
    scribe.renewal(last, ONE, 19.0 * DAY);
    let next = scribe.streak((5.0, 2.0 * HOUR), OTHER, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, OTHER, 19.0 * DAY);
    let mut waiting = true;
    scribe.tell_until(2.0 * DAY, |watcher| {
        if std::mem::take(&mut waiting) {
            watcher.silence(ONE, at(until));
        }
    })
}

#[test]
fn an_incident_is_over_for_people_once_all_that_they_were_told_of_is() {
    let watcher = beside_a_silence(9.0 * DAY);
    let told = watcher.loud();
    let [opened, closed] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(opened.reason, Reason::Opened);
    assert_eq!(closed.reason, Reason::Closed);
    assert!(closed.at < Some(at(3.0 * HOUR)), "{closed:?}");
    assert_eq!(closed.title, format!("{OTHER}: renewed"));
    assert_eq!(closed.certificates, [OTHER]);
    assert!(
        closed.body.contains("1 more is silenced."),
        "{}",
        closed.body
    );
}

#[test]
fn what_was_silenced_is_another_story_once_people_read_that_the_rest_is_well() {
    let watcher = beside_a_silence(6.0 * HOUR);
    let told = watcher.loud();
    let told: Vec<_> = told.iter().skip(2).collect();
    let [opened, closed] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(opened.reason, Reason::Opened);
    assert_eq!(opened.certificates, [ONE]);
    assert_eq!(closed.reason, Reason::Closed);
    assert_eq!(closed.title, format!("{ONE}: renewed, all is well again"));
    assert!(
        closed.body.contains("since 2026-05-01 01:46:40"),
        "{}",
        closed.body
    );
    assert!(!closed.body.contains(OTHER), "{}", closed.body);
}

#[test]
fn the_end_of_what_was_only_noted_is_not_told_as_loud() {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 2.0 * HOUR), ONE, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, ONE, 19.0 * DAY);
    let watcher = scribe.tell_until(DAY, |watcher| {
        if watcher.messages.len() == 1 && watcher.engine.silences().count() == 0 {
            assert_eq!(watcher.messages[0].severity, Severity::Info);
            watcher.silence(ONE, at(DAY));
        }
    });
    let loud_row = |row: &notafter::engine::AlertRow| row.severity.is_loud();
    assert!(watcher.rows.iter().any(loud_row));
    assert!(watcher.loud().is_empty(), "{:#?}", watcher.messages);
}

#[test]
fn a_blip_that_was_noted_is_no_part_of_what_others_went_through() {
    for from in [0.0, 3.0 * HOUR] {
        let mut scribe = Scribe::default();
        scribe.failure(from, OTHER, SERVFAIL, (1, 20.0 * DAY));
        scribe.renewal(from + 60.0, OTHER, 19.0 * DAY);
        let next = scribe.streak((30.0, 5.0 * HOUR), ONE, SERVFAIL, 20.0 * DAY);
        scribe.renewal(next, ONE, 19.0 * DAY);
        let watcher = scribe.tell_until(DAY, |_| {});
        let told = watcher.loud();
        let [opened, closed] = told.as_slice() else {
            panic!("{told:#?}");
        };
        assert!(!opened.body.contains(OTHER), "{}", opened.body);
        assert_eq!(closed.title, format!("{ONE}: renewed, all is well again"));
        assert!(!closed.body.contains(OTHER), "{}", closed.body);
    }
}

/// A name leaves the configuration and comes back before anybody was told that it had left, and fails on.
#[test]
fn a_name_that_is_managed_again_is_not_told_as_managed_no_longer() {
    let mut scribe = Scribe::default();
    scribe.manages(0.0, &[ONE, OTHER]);
    scribe.streak((1.0, 6.0 * HOUR), ONE, SERVFAIL, DAY);
    scribe.streak((20.0, 2.0 * HOUR), OTHER, SERVFAIL, DAY);
    scribe.manages(2.2 * HOUR, &[ONE]);
    scribe.manages(2.21 * HOUR, &[ONE, OTHER]);
    scribe.streak((2.22 * HOUR, 6.0 * HOUR), OTHER, SERVFAIL, DAY);
    let watcher = scribe.tell_until(6.0 * HOUR, |_| {});
    for message in &watcher.messages {
        assert!(!message.body.contains("No longer managed"), "{message:#?}");
    }
}

/// One name is well after half an hour and fails for another cause hours later; the other is well only then.
#[test]
fn a_name_that_fails_again_for_something_else_is_not_called_well() {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 1_800.0), ONE, SERVFAIL, DAY);
    scribe.renewal(next, ONE, DAY - next);
    scribe.streak((5.0 * HOUR, 8.0 * HOUR), ONE, FIREWALL, 90.0 * DAY);
    let next = scribe.streak((5.0, 6.0 * HOUR), OTHER, SERVFAIL, DAY);
    scribe.renewal(next, OTHER, DAY - next);
    let watcher = scribe.tell_until(8.0 * HOUR, |_| {});
    let told = watcher.loud();
    let closed = told.iter().find(|one| one.reason == Reason::Closed);
    let closed = closed.unwrap_or_else(|| panic!("{told:#?}"));
    let said = told
        .iter()
        .map(|one| (one.at, one.reason, &one.title, &one.certificates));
    assert_eq!(
        closed.title,
        format!("{OTHER}: renewed"),
        "{:#?}",
        said.collect::<Vec<_>>()
    );
    assert_eq!(closed.certificates, [OTHER]);
    let again = format!("In trouble again, in another incident: {ONE}.");
    assert!(closed.body.contains(&again), "{}", closed.body);
    let mut later = told.iter().filter(|one| one.at >= Some(at(5.0 * HOUR)));
    assert!(later.any(|one| one.reason == Reason::Opened && one.certificates == [ONE]));
}

#[test]
fn an_end_that_was_told_is_not_told_again_with_a_blip() {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, HOUR), ONE, SERVFAIL, DAY);
    scribe.renewal(next, ONE, DAY - next);
    scribe.failure(next + 2_400.0, OTHER, SERVFAIL, (1, 20.0 * DAY));
    scribe.renewal(next + 2_460.0, OTHER, 19.0 * DAY);
    let watcher = scribe.tell_until(DAY, |_| {});
    let closed = watcher.loud();
    let closed = closed.iter().filter(|one| one.reason == Reason::Closed);
    assert_eq!(closed.count(), 1, "{:#?}", watcher.messages);
    let last = watcher.messages.last().unwrap();
    assert!(!last.body.contains(ONE), "{last:#?}");
    let span = "It had been failing for 1 min 3 s, ";
    assert!(last.body.contains(span), "{}", last.body);
}

/// A name fails twice for a while, and then others fail once each, every 25 minutes.
#[test]
fn blips_of_others_put_off_no_end_and_make_it_no_longer() {
    let mut scribe = Scribe::default();
    for from in [0.0, 1_800.0] {
        let next = scribe.streak((from, from + 700.0), ONE, SERVFAIL, 20.0 * DAY);
        scribe.renewal(next, ONE, 20.0 * DAY);
    }
    for n in 0..24_u32 {
        let (from, name) = (
            3_600.0 + f64::from(n) * 1_500.0,
            format!("x{n}.example.com"),
        );
        scribe.failure(from, &name, SERVFAIL, (1, 20.0 * DAY));
        scribe.renewal(from + 60.0, &name, 19.0 * DAY);
    }
    let watcher = scribe.tell_until(DAY, |_| {});
    let told = watcher.loud();
    let closed: Vec<_> = told
        .iter()
        .filter(|one| one.reason == Reason::Closed)
        .collect();
    let last = closed.last().unwrap_or_else(|| panic!("{told:#?}"));
    assert!(!last.body.contains("x1.example.com"), "{}", last.body);
    let span = "It had been failing for 19 min 59 s, ";
    assert!(last.body.contains(span), "{}", last.body);
}

#[test]
fn alerts_of_a_rule_that_is_switched_off_are_over() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.streak((1.0, HOUR), ONE, SERVFAIL, DAY);
    scribe.strangers(HOUR);
    let mut watcher = scribe.tell(|_| {});
    let off = |rule: &str| {
        let changes = Changes {
            enabled: Some(false),
            ..Changes::default()
        };
        (rule.to_owned(), changes)
    };
    let rules = BTreeMap::from(["dns-broken", "on-demand-failing"].map(off));
    let configured = Configured {
        rules,
        ..Configured::default()
    };
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &configured).unwrap();
    let before = watcher.rows.len();
    watcher.engine.set_rules(Arc::new(rules), &mut watcher.rows);
    let closed = watcher.rows.iter().skip(before);
    let mut closed: Vec<&str> = closed
        .filter(|row| row.reason == Reason::Closed)
        .map(|row| row.rule.as_str())
        .collect();
    closed.sort_unstable();
    assert_eq!(closed, ["dns-broken", "on-demand-failing"]);
}

/// A critical name is renewed and fails at once for something else, and then a third one fails like the other.
#[test]
fn news_is_told_though_the_relief_that_it_was_to_go_with_is_none() {
    let third = "third.example.com";
    let mut scribe = Scribe::default();
    scribe.streak((5.0, 4.0 * HOUR), OTHER, SERVFAIL, DAY);
    let well = scribe.streak((0.0, 2.0 * HOUR), ONE, SERVFAIL, DAY);
    scribe.renewal(well, ONE, DAY - well);
    scribe.failure(well + 60.0, ONE, LIMITED, (1, 90.0 * DAY));
    // Its fifth attempt, which makes it loud, fails a minute later.
    let from = well + 120.0 - 601.0;
    scribe.streak((from, 4.0 * HOUR), third, SERVFAIL, 60.0 * DAY);
    let watcher = scribe.tell_until(4.0 * HOUR, |_| {});
    let told = watcher.loud();
    let soon = |one: &&&Message| one.at <= Some(at(well + 180.0));
    let names = |one: &&Message| one.certificates.iter().any(|name| name == third);
    let said = told.iter().map(|one| (one.at, one.reason, &one.title));
    assert!(
        told.iter().filter(soon).any(names),
        "{:#?}",
        said.collect::<Vec<_>>()
    );
}
