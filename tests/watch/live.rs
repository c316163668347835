//! From the first reading to the recovery, once.

use crate::hook::Hook;
use crate::process::{Place, wait_for};
use crate::recent::{LATER, Recent, START};
use notafter::time::LogTime;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Twelve names fail within milliseconds; the attempts that were announced do not begin.
#[test]
fn deadlines_that_pass_within_a_moment_are_one_message() {
    let (hook, place) = (Hook::start(), Place::new());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    // An attempt counts as missed five minutes after it was due, and our clock trails by five seconds.
    let failed = now.as_secs_f64() - 363.0;
    let names: Vec<String> = (0..12)
        .map(|number| format!("n{number}.example.com"))
        .collect();
    let managing = json!({"level": "info", "ts": failed - 9.0, "logger": "http",
        "msg": "enabling automatic TLS certificate management", "domains": names});
    place.log(&format!("{managing}\n"));
    for (number, name) in (0_u32..).zip(&names) {
        let ts = failed + 0.004 * f64::from(number);
        let error = format!(
            "[{name}] Renew: [{name}] solving challenge: {name}: [{name}] authorization failed: HTTP 400 \
             urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall \
             problem) (order=https://ca.example/order/1/2) (ca=https://ca.example/directory)"
        );
        let retry = json!({"level": "error", "ts": ts, "logger": "tls.renew", "msg": "will retry",
            "error": error, "attempt": 1, "retrying_in": 60, "elapsed": 4.1, "max_duration": 2_592_000});
        place.log(&format!("{retry}\n"));
    }
    let watch = place.watch(&hook.url);
    let told = |name: &String| hook.told("retry-missed", name);
    wait_for("all that was missed", || names.iter().all(told));
    assert_eq!(watch.end_with("TERM").code(), Some(0));
    let titles: Vec<Value> = hook
        .taken()
        .iter()
        .map(|one| one["title"].clone())
        .collect();
    assert_eq!(titles.len(), 1, "{titles:#?}");
}

/// A host whose clock is forty minutes behind ours: by ours, what it announces has passed long ago.
#[test]
fn what_falls_due_falls_due_by_the_clock_of_the_host() {
    const BEHIND: f64 = 2_400.0;
    const NAME: &str = "a.example.com";
    let (hook, place) = (Hook::start(), Place::new());
    let on_host = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
            - BEHIND
    };
    let log = |logger: &str, msg: &str, rest: Value| {
        let mut line = json!({"level": "info", "ts": on_host(), "logger": logger, "msg": msg});
        let line = line.as_object_mut().unwrap();
        line.extend(rest.as_object().unwrap().clone());
        place.log(&format!("{}\n", json!(line)));
    };
    log(
        "http",
        "enabling automatic TLS certificate management",
        json!({"domains": [NAME]}),
    );
    let watch = place.watch(&hook.url);
    watch.wait_until_it_says("read to the end");
    log("http", "serving initial configuration", json!({}));
    log("http", "server running", json!({}));
    watch.wait_until_it_says("the clock of the log was set back to");
    let remaining = 2.6;
    log(
        "tls.cache.maintenance",
        "certificate expires soon; queuing for renewal",
        json!({"identifiers": [NAME], "remaining": remaining}),
    );
    wait_for("the expiry", || hook.told("expired", NAME));
    let told = hook.taken();
    let told = told
        .iter()
        .find(|one| one["title"].to_string().contains("has expired"));
    let at = told.unwrap()["at"].as_str().unwrap();
    let expiry = LogTime::parse_rfc3339(at).unwrap();
    let expiry = UNIX_EPOCH + Duration::from_secs(expiry.seconds().cast_unsigned());
    let on_host = SystemTime::now() - Duration::from_secs_f64(BEHIND);
    assert!(on_host >= expiry);
    assert_eq!(watch.end_with("TERM").code(), Some(0));
}
