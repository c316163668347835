//! SIGKILL at any moment: no alert is lost, none opens twice, what is owed stays owed.

use crate::hook::Hook;
use crate::process::{Place, wait_for};
use crate::recent::{LATER, Recent, START};
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

fn expect_no_row_twice(rows: &[String]) {
    let once: BTreeSet<&String> = rows.iter().collect();
    assert_eq!(once.len(), rows.len(), "{rows:#?}");
}

#[test]
fn killed_between_the_alarm_and_the_recovery_it_goes_on_where_it_was() {
    let (hook, place) = (Hook::start(), Place::new());
    let log = Recent::new(40, 2);
    place.log(&log.between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    wait_for("the alarm", || hook.taken().len() == 1);
    watch.kill();
    place.log(&log.between(40.0, 75.0));
    let watch = place.watch(&hook.url);
    wait_for("both expiries", || {
        [START, LATER].iter().all(|name| hook.told("expired", name))
    });
    place.log(&log.between(75.0, 1_000.0));
    wait_for("both recoveries", || hook.is_over());
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    for name in [START, LATER] {
        let heard = hook.heard(name);
        let (last, before) = heard.split_last().unwrap();
        assert_eq!(last, "resolved critical");
        assert!(before.iter().all(|one| one == "firing critical"));
    }
    assert_eq!(place.recorded(), place.replayed());
}

#[test]
fn killed_again_and_again_nothing_is_lost_and_nothing_opens_twice() {
    let (hook, place) = (Hook::start(), Place::new());
    let log = Recent::new(60, 2);
    for (step, from) in (0..60).step_by(6).enumerate() {
        let watch = place.watch(&hook.url);
        place.log(&log.between(f64::from(from), f64::from(from + 6)));
        let pause = 20 + 17 * u64::try_from(step).unwrap();
        thread::sleep(Duration::from_millis(pause));
        watch.kill();
    }
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    place.log(&log.between(60.0, 1_000.0));
    wait_for("both recoveries", || hook.is_over());
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    for name in [START, LATER] {
        assert!(hook.heard(name).contains(&"firing critical".to_owned()));
    }
    expect_no_row_twice(&place.recorded());
    let states = place.status();
    assert_eq!(states.len(), 4);
    assert!(states.iter().all(|row| row["state"] == "healthy"));
    assert!(
        states
            .iter()
            .all(|row| row["alerts"].as_array().unwrap().is_empty())
    );
}

#[test]
fn what_a_dead_channel_is_owed_survives_a_kill_and_is_delivered_once() {
    let (hook, place) = (Hook::start(), Place::new());
    hook.refuse(true);
    let log = Recent::new(40, 2);
    place.log(&log.between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("will try again");
    assert!(watch.said().contains("CRITICAL: "), "{}", watch.said());
    watch.kill();
    assert!(hook.taken().is_empty());
    hook.refuse(false);
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("1 message is still owed from before");
    wait_for("what was owed", || hook.taken().len() == 1);
    assert_eq!(hook.heard(START), ["firing critical"]);
    assert_eq!(hook.heard(LATER), ["firing critical"]);
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    hook.expect_no_message_twice();
}

#[test]
fn a_restart_without_news_tells_nothing() {
    let (hook, place) = (Hook::start(), Place::new());
    place.log(&Recent::new(40, 2).between(0.0, 40.0));
    let watch = place.watch(&hook.url);
    wait_for("the alarm", || hook.taken().len() == 1);
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    let rows = place.recorded();
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    assert_eq!((hook.taken().len(), place.recorded()), (1, rows));
}
