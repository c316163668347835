//! The end of an incident is told to those who were told of it, when all that they were told of is over, and
//! of nothing else.

use crate::drive::Watcher;
use crate::scribe::{DAY, SERVFAIL, Scribe, at};
use notafter::engine::message::{Message, Reason};
use notafter::engine::{Matchers, Silence};
use notafter::rules::Severity;

const HOUR: f64 = 3_600.0;
const ONE: &str = "one.example.com";
const OTHER: &str = "other.example.com";

fn silence(name: &str, from: f64, until: f64) -> Silence {
    let matchers = Matchers {
        certificate: Some(name.to_owned()),
        ..Matchers::default()
    };
    Silence::new(matchers, (at(from), at(until)), "known").unwrap()
}

fn loud(watcher: &Watcher) -> Vec<&Message> {
    let messages = watcher.messages.iter();
    messages.filter(|one| one.severity.is_loud()).collect()
}

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
            watcher.engine.silence(silence(ONE, 0.0, until)).unwrap();
        }
    })
}

#[test]
fn an_incident_is_over_for_people_once_all_that_they_were_told_of_is() {
    let watcher = beside_a_silence(9.0 * DAY);
    let told = loud(&watcher);
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
    let told = loud(&watcher);
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
            watcher.engine.silence(silence(ONE, 0.0, DAY)).unwrap();
        }
    });
    let loud_row = |row: &notafter::engine::AlertRow| row.severity.is_loud();
    assert!(watcher.rows.iter().any(loud_row));
    assert!(loud(&watcher).is_empty(), "{:#?}", watcher.messages);
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
        let told = loud(&watcher);
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
