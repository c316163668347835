//! From the first reading to the recovery, once.

use crate::hook::Hook;
use crate::process::{Place, wait_for};
use crate::recent::{LATER, Recent, START};
use std::collections::BTreeSet;

#[test]
fn an_expiry_is_told_before_at_and_after_it_and_the_record_equals_a_replay() {
    let (hook, place) = (Hook::start(), Place::new());
    // The first of the two expires in five seconds less six: a second ago, which no line says.
    let log = Recent::new(40, 6);
    place.log(&log.between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    wait_for("the first message", || hook.taken().len() == 1);
    assert_eq!(hook.heard(START), ["firing critical"]);
    assert_eq!(hook.heard(LATER), ["firing critical"]);
    for message in hook.taken() {
        let title = message["title"].as_str().unwrap();
        assert!(title.contains("only after the certificate has expired"));
        assert!(title.ends_with("; 2 certificates in trouble in all"));
        assert_eq!(message["reason"], "opened");
    }
    wait_for("the expiry", || hook.heard(START).len() == 2);
    let told = hook.taken().pop().unwrap();
    assert_eq!(
        told["title"],
        format!("{START}: the certificate has expired; 2 certificates in trouble in all")
    );
    assert_eq!(told["at"], told["alerts"][0]["not_after"]);
    place.log(&log.between(40.0, 1_000.0));
    wait_for("both recoveries", || hook.is_over());
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    hook.expect_no_message_twice();
    assert_eq!(place.recorded(), place.replayed());
    assert_eq!(place.recorded().len(), 20);
}

#[test]
fn a_history_that_is_over_is_not_told() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log(&Recent::new(195, 60).between(0.0, 1_000.0));
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    assert_eq!(place.recorded(), place.replayed());
    assert!(hook.taken().is_empty(), "{:#?}", hook.taken());
    let states = place.status();
    assert_eq!(states.len(), 4);
    assert!(states.iter().all(|row| row["state"] == "healthy"));
}

/// Seven hours after the last line: the end has come meanwhile, and a reminder would be due.
#[test]
fn a_first_start_long_after_the_alarm_tells_it_once() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log(&Recent::new(40, 7 * 3_600).between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    wait_for("the end", || hook.told("expired", START));
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    let taken = hook.taken();
    // The names are one incident, and the silent log is another.
    let told: BTreeSet<String> = taken
        .iter()
        .map(|one| one["incident"].to_string())
        .collect();
    assert_eq!((told.len(), taken.len()), (2, 2), "{taken:#?}");
}

#[test]
fn blips_reach_no_channel() {
    let (hook, place) = (Hook::start(), Place::new());
    let log = Recent::new(40, 2);
    place.log(&log.between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    wait_for("the alarm", || hook.taken().len() == 1);
    place.log(&log.between(40.0, 1_000.0));
    wait_for("the end", || hook.heard(START).len() >= 2);
    assert_eq!(watch.end_with("INT").code(), Some(0));
    let about_blips = |row: &String| row.contains("blip");
    assert_eq!(
        place
            .recorded()
            .iter()
            .filter(|row| about_blips(row))
            .count(),
        4
    );
    let taken = hook.taken();
    assert!(
        !taken
            .iter()
            .any(|one| one["certificates"].to_string().contains("blip"))
    );
}
