//! What the end of an incident tells is the story of those that people were told of, and of nobody else.

use crate::drive::Watcher;
use crate::scribe::{DAY, LIMITED, OUTAGE, SERVFAIL, Scribe, at};
use notafter::engine::message::{Message, Reason};

const HOUR: f64 = 3_600.0;
const ONE: &str = "one.example.com";
const OTHER: &str = "other.example.com";
const THIRD: &str = "third.example.com";

/// Tells a log for two days, with one name silenced from its first line on, or none.
fn beside(scribe: Scribe, silenced: Option<&str>) -> Watcher {
    let mut waiting = silenced;
    scribe.tell_until(2.0 * DAY, |watcher| {
        if let Some(name) = waiting.take() {
            watcher.silence(name, at(9.0 * DAY));
        }
    })
}

fn ends(watcher: &Watcher) -> Vec<&Message> {
    let told = watcher.loud().into_iter();
    told.filter(|one| one.reason == Reason::Closed).collect()
}

/// A name that fails for a quarter of an hour and is renewed, every half an hour.
fn flapping(scribe: &mut Scribe) {
    for round in 0..8_u32 {
        let from = HOUR + f64::from(round) * 1_800.0;
        let next = scribe.streak((from, from + 900.0), OTHER, SERVFAIL, 20.0 * DAY - from);
        scribe.renewal(next, OTHER, 20.0 * DAY - next);
    }
}

#[test]
fn what_comes_and_goes_is_told_no_more_often_beside_a_silenced_name() {
    let mut scribe = Scribe::default();
    flapping(&mut scribe);
    let alone = beside(scribe, None);
    let mut scribe = Scribe::default();
    flapping(&mut scribe);
    scribe.streak((0.0, DAY), ONE, SERVFAIL, 20.0 * DAY);
    let watcher = beside(scribe, Some(ONE));
    let told = |watcher: &Watcher| -> Vec<_> {
        let told = watcher.loud().into_iter();
        told.map(|one| (one.at, one.reason)).collect()
    };
    assert!(told(&alone).len() <= 6, "{:#?}", told(&alone));
    assert_eq!(told(&watcher), told(&alone));
}

#[test]
fn the_end_counts_neither_time_nor_causes_nor_rules_of_silenced_names() {
    let mut scribe = Scribe::default();
    let next = scribe.streak((2.0 * HOUR, 4.0 * HOUR), OTHER, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, OTHER, 19.0 * DAY);
    let alone = beside(scribe, None);
    let mut scribe = Scribe::default();
    let next = scribe.streak((2.0 * HOUR, 4.0 * HOUR), OTHER, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, OTHER, 19.0 * DAY);
    let last = scribe.streak((0.0, 3.0 * HOUR), ONE, SERVFAIL, DAY);
    scribe.failure(last, ONE, LIMITED, (9, DAY - last));
    let watcher = beside(scribe, Some(ONE));
    let closed = ends(&watcher);
    let (closed, alone) = (closed.first().unwrap(), ends(&alone)[0]);
    let silenced = alone
        .body
        .replace("\n\nFrom", " 1 more is silenced.\n\nFrom");
    assert_eq!(closed.body, silenced);
}

#[test]
fn the_end_counts_neither_time_nor_attempts_of_what_was_only_a_blip() {
    let mut scribe = Scribe::default();
    scribe.failure(1_700.0, OTHER, SERVFAIL, (1, 20.0 * DAY));
    scribe.renewal(1_860.0, OTHER, 20.0 * DAY);
    let next = scribe.streak((1_800.0, 5.0 * HOUR), ONE, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, ONE, 19.0 * DAY);
    let watcher = beside(scribe, None);
    let closed = ends(&watcher);
    let mut alone = Scribe::default();
    let next = alone.streak((1_800.0, 5.0 * HOUR), ONE, SERVFAIL, 20.0 * DAY);
    alone.renewal(next, ONE, 19.0 * DAY);
    let alone = beside(alone, None);
    assert_eq!(closed[0].body, ends(&alone)[0].body);
}

/// A critical name is renewed and fails at once for something else, a third one brings news, and then all but
/// the first are renewed.
#[test]
fn all_is_not_well_while_a_name_of_the_past_fails_for_something_else() {
    let story = |with_one: bool| {
        let mut scribe = Scribe::default();
        let end = scribe.streak((5.0, 4.0 * HOUR), OTHER, SERVFAIL, DAY);
        scribe.renewal(end, OTHER, DAY - end);
        let from = 8_520.0;
        if with_one {
            let well = scribe.streak((0.0, 2.0 * HOUR), ONE, SERVFAIL, DAY);
            scribe.renewal(well, ONE, DAY - well);
            assert!(well + 60.0 < from, "{well}");
            scribe.streak((well + 60.0, DAY), ONE, LIMITED, 90.0 * DAY);
        }
        let end = scribe.streak((from, 4.0 * HOUR), THIRD, SERVFAIL, DAY);
        scribe.renewal(end, THIRD, DAY - end);
        let watcher = beside(scribe, None);
        let closed = ends(&watcher).into_iter();
        let mut closed = closed.filter(|one| one.body.contains(THIRD));
        closed.next().unwrap().clone()
    };
    let closed = story(true);
    assert!(!closed.title.contains("all is well"), "{closed:#?}");
    assert!(
        !closed.certificates.iter().any(|one| one == ONE),
        "{closed:#?}"
    );
    let again = format!("In trouble again, in another incident: {ONE}.");
    assert!(closed.body.contains(&again), "{}", closed.body);
    let lasted = |one: &Message| one.body.lines().nth(1).map(str::to_owned);
    assert_eq!(lasted(&closed), lasted(&story(false)));
}

/// What has come and gone before is renewed once more, and fails for something else before its end is told.
#[test]
fn an_end_of_which_all_names_fail_for_something_else_names_them() {
    let mut scribe = Scribe::default();
    let mut well = 0.0;
    for from in [0.0, 1_800.0] {
        well = scribe.streak((from, from + 700.0), ONE, SERVFAIL, 20.0 * DAY);
        scribe.renewal(well, ONE, 20.0 * DAY);
    }
    scribe.streak((well + 60.0, DAY), ONE, LIMITED, 90.0 * DAY);
    let watcher = beside(scribe, None);
    let closed = ends(&watcher);
    let last = closed.last().unwrap();
    assert!(last.title.starts_with(ONE), "{closed:#?}");
    assert!(last.body.contains("In trouble again"), "{closed:#?}");
}

#[test]
fn the_end_says_how_often_it_was_interrupted_since_the_last_one() {
    let mut scribe = Scribe::default();
    for from in [0.0, 1_800.0, 5_200.0, 7_000.0] {
        let next = scribe.streak((from, from + 700.0), ONE, SERVFAIL, 20.0 * DAY);
        scribe.renewal(next, ONE, 20.0 * DAY);
    }
    let watcher = beside(scribe, None);
    let closed = ends(&watcher);
    let last = closed.last().unwrap();
    let text = closed.iter().map(|one| one.body.as_str());
    let text = text.collect::<Vec<_>>().join("\n---\n");
    assert!(last.body.contains("once interrupted"), "{text}");
    assert!(!last.body.contains("times interrupted"), "{text}");
}

/// Of two names that are well again the critical one fails for something else by the time that is told, while
/// a third one that has become critical waits to be told with them.
#[test]
fn what_goes_with_relief_is_as_loud_as_the_news_in_it() {
    let new = "new.example.com";
    let mut scribe = Scribe::default();
    scribe.streak((5.0, 6.0 * HOUR), OTHER, SERVFAIL, DAY);
    scribe.streak((6.0, 6.0 * HOUR), "more.example.com", SERVFAIL, DAY);
    let warned = scribe.streak((10.0, 2.0 * HOUR), THIRD, SERVFAIL, 20.0 * DAY);
    let well = scribe.streak((0.0, 2.0 * HOUR), ONE, SERVFAIL, DAY);
    scribe.renewal(well, ONE, DAY - well);
    scribe.renewal(warned, THIRD, 20.0 * DAY);
    scribe.streak((well + 60.0, DAY), ONE, LIMITED, 90.0 * DAY);
    scribe.streak((well + 120.0, 6.0 * HOUR), new, SERVFAIL, DAY);
    let watcher = beside(scribe, None);
    let told = watcher.loud();
    let first = told
        .iter()
        .find(|one| one.certificates.iter().any(|name| name == new));
    let first = first.unwrap();
    assert_eq!(
        first.severity,
        notafter::rules::Severity::Critical,
        "{first:#?}"
    );
    assert_eq!(first.reason, Reason::Improved, "{first:#?}");
}

/// A silence beside which an end was told ends, and what it was about is renewed hours later.
#[test]
fn the_end_of_what_was_silenced_before_is_told_at_once() {
    let mut scribe = Scribe::default();
    let last = scribe.streak((0.0, DAY), ONE, SERVFAIL, 20.0 * DAY);
    scribe.renewal(last, ONE, 20.0 * DAY - last);
    let next = scribe.streak((5.0, 2.0 * HOUR), OTHER, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, OTHER, 20.0 * DAY - next);
    let mut waiting = true;
    let mut told_at = None;
    let watcher = scribe.tell_until(2.0 * DAY, |watcher| {
        if std::mem::take(&mut waiting) {
            watcher.silence(ONE, at(6.0 * HOUR));
        }
        if ends(watcher).len() == 2 {
            told_at = told_at.or(watcher.engine.log_time(crate::drive::INSTANCE));
        }
    });
    assert_eq!(ends(&watcher).len(), 2);
    assert!(told_at <= Some(at(last + 60.0)), "{told_at:?}");
}

/// A name that comes and goes before it could be told fails for something else by the time it would be.
#[test]
fn nothing_is_told_of_which_another_message_has_told_already() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 6.0 * HOUR), ONE, SERVFAIL, 20.0 * DAY);
    scribe.streak((5.0, 6.0 * HOUR), THIRD, SERVFAIL, 20.0 * DAY);
    let from = 3.0 * HOUR;
    let next = scribe.streak((from, from + 700.0), OTHER, SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, OTHER, 20.0 * DAY);
    scribe.streak((next + 60.0, 6.0 * HOUR), OTHER, LIMITED, 90.0 * DAY);
    let mut before = None;
    let watcher = scribe.tell_until(5.0 * HOUR, |watcher| {
        if watcher.engine.log_time(crate::drive::INSTANCE) < Some(at(from)) {
            before = Some(watcher.loud().len());
        }
    });
    let told = watcher.loud().split_off(before.unwrap());
    let is_of_other = |one: &&Message| one.certificates.iter().any(|name| name == OTHER);
    assert!(
        !told.is_empty() && told.iter().all(is_of_other),
        "{told:#?}"
    );
}

/// Two incidents of one Caddy: a name that fails for something else is renewed, and the other fails on.
#[test]
fn all_is_not_well_while_another_incident_is_loud() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, DAY), ONE, SERVFAIL, DAY);
    let next = scribe.streak((5.0, HOUR), OTHER, OUTAGE, 20.0 * DAY);
    scribe.renewal(next, OTHER, 20.0 * DAY - next);
    let watcher = beside(scribe, None);
    let closed = ends(&watcher);
    let closed = closed
        .iter()
        .find(|one| one.certificates == [OTHER])
        .unwrap();
    assert_eq!(closed.title, format!("{OTHER}: renewed"));
    let alone = {
        let mut scribe = Scribe::default();
        let next = scribe.streak((5.0, HOUR), OTHER, OUTAGE, 20.0 * DAY);
        scribe.renewal(next, OTHER, 20.0 * DAY - next);
        beside(scribe, None)
    };
    assert_eq!(
        ends(&alone)[0].title,
        format!("{OTHER}: renewed, all is well again")
    );
}
