//! What is silenced is not told, and what outlives its silence is.

use crate::drive::Watcher;
use crate::scribe::{DAY, OUTAGE, SERVFAIL, Scribe, at};
use notafter::engine::message::Reason;
use notafter::engine::{Matchers, Silence};

const HOUR: f64 = 3_600.0;

/// Three names of a zone that fail for five hours; the first one is renewed then.
fn failing() -> Scribe {
    let mut scribe = Scribe::default();
    for name in ["a.example.com", "b.example.com", "c.example.com"] {
        let next = scribe.streak((0.0, 5.0 * HOUR), name, SERVFAIL, 20.0 * DAY);
        if name == "a.example.com" {
            scribe.renewal(next, name, 19.0 * DAY);
        }
    }
    scribe
}

fn silence(matchers: Matchers, until: f64) -> Silence {
    Silence::new(matchers, (at(0.0), at(until)), "the zone moves").unwrap()
}

fn name(glob: &str) -> Matchers {
    Matchers {
        certificate: Some(glob.to_owned()),
        ..Matchers::default()
    }
}

/// Tells the log with silences that are made before its first line.
fn told(silences: &[Silence], until: f64, mut each: impl FnMut(&mut Watcher)) -> Watcher {
    let mut waiting = Some(silences);
    failing().tell_until(until, |watcher| {
        for silence in waiting.take().into_iter().flatten() {
            watcher.engine.silence(silence.clone()).unwrap();
        }
        each(watcher);
    })
}

#[test]
fn what_is_silenced_is_not_told_and_what_is_open_at_the_end_is_told_then() {
    let all = told(&[], 8.0 * HOUR, |_| {});
    let watcher = told(
        &[silence(name("*.EXAMPLE.com"), 4.0 * HOUR)],
        8.0 * HOUR,
        |_| {},
    );
    assert_eq!(watcher.rows, all.rows, "rows are as they are");
    let loud = watcher.loud();
    assert_eq!(loud[0].reason, Reason::Opened);
    assert_eq!(loud[0].certificates_total, 3);
    assert_eq!(watcher.engine.silences().count(), 0, "it is over");
}

#[test]
fn a_silence_ends_at_its_own_moment_though_no_line_comes() {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, 700.0), "a.example.com", SERVFAIL, 20.0 * DAY);
    let mut watcher = scribe.tell(|watcher| {
        let rule = name("a.example.com");
        watcher.engine.silence(silence(rule, 2.0 * HOUR)).unwrap();
    });
    assert!(watcher.loud().is_empty());
    watcher.tick(at(2.0 * HOUR - 1.0));
    watcher.settle();
    assert!(watcher.loud().is_empty());
    assert!(watcher.engine.deadline(crate::drive::INSTANCE) <= Some(at(2.0 * HOUR)));
    watcher.tick(at(2.0 * HOUR));
    watcher.settle();
    assert_eq!(watcher.loud().len(), 1);
}

#[test]
fn what_comes_and_goes_under_a_silence_is_never_told() {
    let watcher = told(&[silence(name("a.*"), DAY)], 8.0 * HOUR, |_| {});
    for message in &watcher.messages {
        let names_it = message
            .certificates
            .iter()
            .any(|one| one == "a.example.com");
        assert!(
            !names_it && !message.body.contains("- a.example.com"),
            "{}",
            message.body
        );
    }
    let told = watcher.loud();
    let many = told.iter().find(|one| one.certificates_total == 2).unwrap();
    assert!(many.body.contains("1 more is silenced."), "{}", many.body);
}

#[test]
fn rule_cause_and_instance_are_matched_each_and_together() {
    let with = |set: fn(&mut Matchers)| {
        let mut matchers = Matchers::default();
        set(&mut matchers);
        let watcher = told(&[silence(matchers, DAY)], 4.0 * HOUR, |_| {});
        watcher
            .loud()
            .iter()
            .flat_map(|one| one.alerts.clone())
            .count()
    };
    assert_eq!(with(|one| one.cause = Some("dns".into())), 0);
    assert_eq!(with(|one| one.instance = Some("caddy".into())), 0);
    assert!(with(|one| one.instance = Some("other".into())) > 0);
    assert!(with(|one| one.cause = Some("ca".into())) > 0);
    let only = |one: &mut Matchers| {
        one.cause = Some("dns.servfail".into());
        one.rule = Some("dns-broken".into());
    };
    assert!(with(only) > 0, "other rules are told");
    let watcher = told(
        &[silence(
            {
                let mut one = Matchers::default();
                only(&mut one);
                one
            },
            DAY,
        )],
        4.0 * HOUR,
        |_| {},
    );
    for message in watcher.loud() {
        assert!(!message.alerts.iter().any(|row| row["rule"] == "dns-broken"));
        assert!(!message.body.contains("dns-broken"), "{}", message.body);
    }
}

#[test]
fn a_silence_of_a_cause_is_of_what_strangers_asked_for_in_vain_as_well() {
    let told = |cause: &str| {
        let mut scribe = Scribe::default();
        scribe.started(0.0);
        scribe.strangers(0.0);
        let mut waiting = Some(Matchers {
            cause: Some(cause.to_owned()),
            ..Matchers::default()
        });
        scribe.tell_until(HOUR, |watcher| {
            if let Some(matchers) = waiting.take() {
                watcher.engine.silence(silence(matchers, DAY)).unwrap();
            }
        })
    };
    let (other, its) = (told("dns"), told("ca"));
    assert_eq!(other.loud().len(), 1, "{:?}", other.messages);
    let row = other.rows.last().unwrap();
    assert_eq!(row.rule, "on-demand-failing");
    assert_eq!(row.cause.unwrap().word(), "ca.rate-limited");
    assert!(its.loud().is_empty(), "{:?}", its.messages);
    assert_eq!(its.rows, other.rows, "rows are as they are");
}

#[test]
fn the_end_of_what_was_told_before_a_silence_is_told() {
    let mut scribe = Scribe::default();
    let next = scribe.streak((0.0, 2.0 * HOUR), "a.example.com", SERVFAIL, 20.0 * DAY);
    scribe.renewal(next, "a.example.com", 19.0 * DAY);
    let watcher = scribe.tell_until(4.0 * HOUR, |watcher| {
        if watcher.loud().len() == 1 && watcher.engine.silences().count() == 0 {
            watcher.engine.silence(silence(name("*"), DAY)).unwrap();
        }
    });
    let reasons: Vec<Reason> = watcher.loud().iter().map(|one| one.reason).collect();
    assert_eq!(reasons, [Reason::Opened, Reason::Closed]);
}

/// One name of two days that is critical, and one of twenty; told until a day later, with one silence
/// after the first message.
fn reminded(matchers: Option<Matchers>) -> Watcher {
    let mut scribe = Scribe::default();
    scribe.streak((0.0, DAY), "a.example.com", SERVFAIL, 40.0 * HOUR);
    scribe.streak((5.0, DAY), "b.example.com", SERVFAIL, 20.0 * DAY);
    let mut matchers = matchers;
    scribe.tell_until(DAY, |watcher| {
        let warned = watcher.loud().iter().any(|one| one.certificates_total == 2);
        if let Some(matchers) = matchers.take_if(|_| warned) {
            watcher.engine.silence(silence(matchers, DAY)).unwrap();
        }
    })
}

#[test]
fn a_silenced_alert_reminds_nobody_of_others() {
    let repeated = |watcher: &Watcher| {
        let messages = watcher.messages.iter();
        messages
            .filter(|one| one.reason == Reason::Repeated)
            .count()
    };
    let all = reminded(None);
    assert!(repeated(&all) > 2);
    let silenced = reminded(Some(name("a.example.com")));
    assert_eq!(silenced.rows, all.rows, "rows are as they are");
    assert_eq!(repeated(&silenced), 0, "{:#?}", silenced.messages);
    let in_part = reminded(Some(Matchers {
        rule: Some("dns-broken".to_owned()),
        ..name("a.example.com")
    }));
    assert_eq!(
        repeated(&in_part),
        repeated(&all),
        "another alert is critical"
    );
}

#[test]
fn a_silence_that_is_expired_early_ends_at_once() {
    let mut id = None;
    let silences = [silence(name("*"), DAY)];
    let mut watcher = told(&silences, 2.0 * HOUR, |watcher| {
        id = watcher.engine.silences().next().map(|one| one.id.clone());
    });
    assert!(watcher.loud().is_empty());
    assert!(watcher.engine.expire("nonsense").is_none());
    assert!(watcher.engine.expire(&id.unwrap()).is_some());
    watcher.settle();
    assert_eq!(watcher.loud().len(), 1);
}

#[test]
fn restarts_change_nothing_about_silences() {
    let silences = [
        silence(name("a.*"), 4.0 * HOUR),
        silence(name("b.*"), 3.0 * HOUR),
    ];
    let whole = told(&silences, 8.0 * HOUR, |_| {});
    let restarted = told(&silences, 8.0 * HOUR, |watcher| {
        watcher.commit();
        watcher.restart();
        watcher.settle();
    });
    assert_eq!(restarted.rows, whole.rows);
    assert_eq!(restarted.messages, whole.messages);
    assert_eq!(restarted.keys("silence").len(), 0);
}

/// The renewal fails for a cause that is silenced, and then for one that is not and has no rule of its own.
#[test]
fn what_is_silenced_for_its_cause_is_told_once_that_is_another() {
    let mut scribe = Scribe::default();
    let end = 20.0 * DAY;
    let next = scribe.streak((0.0, 2.0 * HOUR), "a.example.com", OUTAGE, end);
    for n in 0..6_u32 {
        let after = next + f64::from(n) * 1_800.0;
        scribe.failure(after, "a.example.com", "odd", (9, end - after));
    }
    let matchers = Matchers {
        cause: Some("ca".to_owned()),
        ..Matchers::default()
    };
    let mut waiting = Some(silence(matchers, 9.0 * DAY));
    let watcher = scribe.tell_until(next + 6.0 * HOUR, |watcher| {
        if let Some(silence) = waiting.take() {
            watcher.engine.silence(silence).unwrap();
        }
    });
    let loud = watcher.loud();
    let first = loud.first().unwrap();
    assert!(first.at <= Some(at(next + 60.0)), "{loud:#?}");
    let title = "a.example.com: the renewal of the certificate fails";
    assert!(loud.iter().any(|one| one.title == title), "{loud:#?}");
}
