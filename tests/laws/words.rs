//! What people read is true when they read it, though an alert stays open when its condition holds no more.

use crate::scribe::{DAY, SERVFAIL, Scribe, at};
use notafter::engine::message::{Message, Reason};
use serde_json::json;

const HOUR: f64 = 3_600.0;
const NAME: &str = "a.example.com";

/// Caddy announces its next attempt for after the expiry, and is started anew.
#[test]
fn what_holds_no_more_does_not_lead() {
    let mut scribe = Scribe::default();
    let end = 70.0 * HOUR;
    scribe.started(0.0);
    scribe.streak((1.0, 68.0 * HOUR), NAME, SERVFAIL, end);
    let late = 68.5 * HOUR;
    let rest = json!({"error": format!("[{NAME}] Renew: [{NAME}] {SERVFAIL}"), "attempt": 60, "retrying_in": 21_600.0, "elapsed": late, "max_duration": 2_592_000});
    scribe.line(late, ("error", "tls.renew"), "will retry", rest);
    let again = late + 600.0;
    scribe.started(again);
    scribe.manages(again + 0.1, &[NAME]);
    scribe.streak((again + 1.0, end - 60.0), NAME, SERVFAIL, end);
    let watcher = scribe.tell_until(end - 1.0, |_| {});
    let too_late = |one: &&Message| one.title.contains("only after the certificate has expired");
    let told: Vec<&Message> = watcher.messages.iter().filter(too_late).collect();
    let [first] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert!(first.at <= Some(at(late)), "{first:#?}");
    let mut later = watcher.messages.iter();
    assert!(later.any(|one| one.reason == Reason::Repeated && one.at > Some(at(again))));
}

/// The first attempt to obtain a certificate ends the job; Caddy is started anew, and tries again and again.
#[test]
fn words_of_an_earlier_moment_are_told_with_which_one_that_was() {
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    let refused =
        "HTTP 403 urn:ietf:params:acme:error:caa - CAA record for a.example.com prevents issuance";
    let rest = json!({"identifier": NAME});
    scribe.line(
        10.0,
        ("info", "tls.obtain"),
        "obtaining certificate",
        rest.clone(),
    );
    let error = format!("{NAME}: obtaining certificate: [{NAME}] Obtain: [{NAME}] {refused}");
    scribe.line(
        12.0,
        ("error", "tls"),
        "job failed",
        json!({"error": error}),
    );
    let again = 1_800.0;
    scribe.started(again);
    scribe.manages(again + 0.1, &[NAME]);
    for n in 0..200_u32 {
        let after = again + 10.0 + f64::from(n) * 300.0;
        scribe.line(
            after,
            ("info", "tls.obtain"),
            "obtaining certificate",
            rest.clone(),
        );
        let error = format!("[{NAME}] Obtain: [{NAME}] {SERVFAIL}");
        let rest = json!({"error": error, "attempt": n + 1, "retrying_in": 300.0, "elapsed": after - again, "max_duration": 2_592_000});
        scribe.line(after + 1.0, ("error", "tls.obtain"), "will retry", rest);
    }
    let watcher = scribe.tell_until(DAY / 2.0, |_| {});
    let reminders = watcher.messages.iter();
    let mut reminders = reminders.filter(|one| one.reason == Reason::Repeated);
    let dated = "As it was at 2026-05-01 01:46:52 UTC: ";
    let one = reminders.next().unwrap();
    assert!(one.body.starts_with(dated), "{}", one.body);
}

/// Two names that nobody renews, one of them two days after the other.
#[test]
fn a_title_says_of_many_only_what_is_true_of_each() {
    let later = "later.example.com";
    let mut scribe = Scribe::default();
    scribe.started(0.0);
    scribe.manages(0.1, &[NAME, later]);
    scribe.renewal(10.0, NAME, HOUR);
    scribe.renewal(2.0 * DAY, later, HOUR);
    let watcher = scribe.tell_until(87.5 * DAY, |_| {});
    let both = |one: &&Message| one.certificates_total == 2;
    let titles = watcher.messages.iter().filter(both);
    let titles: Vec<&str> = titles.map(|one| one.title.as_str()).collect();
    let nine = format!(
        "{NAME}: nine tenths of the time to renew it have passed; 2 certificates in trouble in all"
    );
    assert!(titles.contains(&nine.as_str()), "{titles:#?}");
    let all = "2 certificates: half of the time to renew it has passed";
    assert!(titles.contains(&all), "{titles:#?}");
}
