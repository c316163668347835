//! What must hold in the log, read back from its text as a stranger would read it.

use crate::facts::wait_after;
use crate::story;
use serde_json::Value;
use std::collections::BTreeSet;

const NAME: &str = "matrix-fed.takeonme.org";
const EXPIRATION: f64 = 1_777_851_480.0;

fn entries() -> Vec<Value> {
    let text = story::tell();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn told<'a>(entries: &'a [Value], logger: &str, msg: &str) -> Vec<&'a Value> {
    let wanted = |entry: &&Value| {
        entry["msg"] == msg && entry.get("logger").and_then(Value::as_str).unwrap_or("") == logger
    };
    entries.iter().filter(wanted).collect()
}

fn number(entry: &Value, key: &str) -> f64 {
    entry[key].as_f64().unwrap()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.000_5
}

/// The failures of the job that the maintenance loop began.
fn long_job(entries: &[Value]) -> Vec<&Value> {
    told(entries, "tls.renew", "will retry").split_off(10)
}

#[test]
fn lines_are_whole_ordered_and_not_too_many() {
    let text = story::tell();
    assert!(text.len() < 4 * 1_024 * 1_024, "{} bytes", text.len());
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut latest = 0.0_f64;
    for entry in entries() {
        let keys: Vec<&str> = ["level", "ts", "msg"]
            .into_iter()
            .filter(|key| entry.get(key).is_none())
            .collect();
        assert!(keys.is_empty(), "{entry} lacks {keys:?}");
        let ts = number(&entry, "ts");
        assert!(ts > latest - 0.05, "{entry} comes too late");
        latest = latest.max(ts);
    }
}

#[test]
fn heads_are_in_the_order_zap_writes_them() {
    for line in story::tell().lines() {
        let rest = line.strip_prefix("{\"level\":\"").unwrap();
        let (_, rest) = rest.split_once("\",\"ts\":").unwrap();
        let (ts, rest) = rest.split_once(',').unwrap();
        let decimals = ts.split_once('.').map_or("", |(_, decimals)| decimals);
        assert!(decimals.len() <= 7 && !decimals.ends_with('0'), "{ts}");
        assert!(
            rest.starts_with("\"logger\":\"") || rest.starts_with("\"msg\":\""),
            "{line}"
        );
        assert!(!rest.starts_with("\"logger\":\"\""), "{line}");
    }
}

#[test]
fn the_first_job_makes_ten_attempts_and_a_reload_ends_it() {
    let entries = entries();
    let retries = told(&entries, "tls.renew", "will retry");
    assert_eq!(retries.len(), 10 + 29);
    for (index, retry) in retries.iter().take(10).enumerate() {
        assert_eq!(retry["attempt"], index + 1);
    }
    assert!(
        retries[0]["error"]
            .as_str()
            .unwrap()
            .contains("(ca=https://acme-v02.api.")
    );
    let failed = told(&entries, "tls", "job failed");
    assert_eq!(failed.len(), 1);
    assert_eq!(
        failed[0]["error"],
        format!("{NAME}: renewing certificate: context canceled")
    );
    let attempting = told(
        &entries,
        "tls.cache.maintenance",
        "attempting certificate renewal",
    );
    assert_eq!(attempting.len(), 1, "only the maintenance loop says so");
    assert!(number(attempting[0], "ts") > number(failed[0], "ts"));
}

#[test]
fn the_long_job_follows_the_back_off_table() {
    let entries = entries();
    let retries = long_job(&entries);
    let begun = number(retries[0], "ts") - number(retries[0], "elapsed");
    for (index, retry) in retries.iter().enumerate() {
        let attempt = index + 1;
        assert_eq!(retry["attempt"], attempt);
        let wait: f64 = wait_after(attempt).text().parse().unwrap();
        assert!(close(number(retry, "retrying_in"), wait), "{retry}");
        assert!(
            close(number(retry, "ts") - begun, number(retry, "elapsed")),
            "{retry}"
        );
        let staging = retry["error"]
            .as_str()
            .unwrap()
            .contains("(ca=https://acme-staging-v02.");
        assert_eq!(staging, attempt > 1, "{retry}");
        assert!(
            retry["error"]
                .as_str()
                .unwrap()
                .contains("'SERVFAIL' for takeonme.org.")
        );
    }
}

#[test]
fn attempts_begin_when_they_were_announced() {
    let entries = entries();
    let begins = told(&entries, "tls.renew", "renewing certificate").split_off(10);
    let retries = long_job(&entries);
    assert_eq!((begins.len(), retries.len()), (29 + 1, 29));
    for (retry, begin) in retries.iter().zip(&begins[1..29]) {
        let announced = number(retry, "ts") + number(retry, "retrying_in");
        assert!((number(begin, "ts") - announced).abs() < 0.01, "{begin}");
    }
    for (begin, retry) in begins.iter().zip(&retries) {
        let took = number(retry, "ts") - number(begin, "ts");
        assert!((4.0..5.0).contains(&took), "{retry} took {took}");
    }
}

#[test]
fn attempt_29_is_the_one_of_the_story() {
    let entries = entries();
    let begin = told(&entries, "tls.renew", "renewing certificate")[38];
    assert_eq!(number(begin, "remaining").to_string(), "5642.66");
    assert!(close(number(begin, "ts"), 1_777_845_837.34), "22:03:57.34");
    let retry = *long_job(&entries).last().unwrap();
    assert_eq!(retry["attempt"], 29);
    assert_eq!(retry["retrying_in"], 21_600);
    assert_eq!(number(retry, "elapsed").to_string(), "151329.147");
    assert!(
        (1_777_845_841.0..1_777_845_842.0).contains(&number(retry, "ts")),
        "22:04:01"
    );
    assert!(number(retry, "ts") + 21_600.0 > EXPIRATION + 4.0 * 3_600.0);
}

#[test]
fn every_tick_says_how_long_is_left() {
    let entries = entries();
    let queued = told(
        &entries,
        "tls.cache.maintenance",
        "certificate expires soon; queuing for renewal",
    );
    assert_eq!(queued.len(), 281);
    for entry in &queued {
        assert!(
            close(number(entry, "ts") + number(entry, "remaining"), EXPIRATION),
            "{entry}"
        );
    }
    let told_tick = queued
        .iter()
        .find(|entry| close(number(entry, "remaining"), 5_172.357));
    assert!(
        close(number(told_tick.unwrap(), "ts"), 1_777_846_307.643),
        "22:11:47.643"
    );
    let expired = queued
        .iter()
        .filter(|entry| number(entry, "remaining") < 0.0)
        .count();
    assert_eq!(expired, 11);
    let decided = told(
        &entries,
        "tls",
        "certificate needs renewal based on ARI window",
    );
    assert_eq!(decided.len(), 281 + 2, "at every tick and at both starts");
    assert!(
        decided
            .iter()
            .all(|entry| entry["expiration"] == 1_777_851_480)
    );
}

#[test]
fn renewal_information_comes_about_every_six_hours() {
    let entries = entries();
    let stored = told(
        &entries,
        "tls.cache.maintenance",
        "updated and stored ACME renewal information",
    );
    let of = |name: &str, expiry: i64| {
        let wanted =
            |entry: &&&Value| entry["identifiers"][0] == name && entry["cert_expiry"] == expiry;
        stored.iter().filter(wanted).count()
    };
    assert_eq!(of(NAME, 1_777_851_479), 8);
    assert_eq!(of(NAME, 1_785_630_294), 2);
    assert_eq!(of("takeonme.org", 1_783_594_937), 9);
    assert_eq!(stored.len(), 8 + 2 + 9);
}

#[test]
fn the_second_process_renews_at_once_and_nothing_fails_after_it() {
    let entries = entries();
    let renewed = told(&entries, "tls.renew", "certificate renewed successfully");
    assert_eq!(renewed.len(), 1);
    assert_eq!(
        renewed[0]["issuer"],
        "acme-v02.api.letsencrypt.org-directory"
    );
    let replaced = told(&entries, "tls.cache", "replaced certificate in cache");
    assert_eq!(replaced.len(), 1);
    assert_eq!(replaced[0]["new_expiration"], 1_785_630_295);
    let last = *told(&entries, "tls.renew", "will retry").last().unwrap();
    assert!(number(last, "ts") < number(renewed[0], "ts"));
    let starts = told(&entries, "", "serving initial configuration");
    assert_eq!(starts.len(), 2);
}

#[test]
fn strangers_come_at_all_hours() {
    let mut hours = BTreeSet::new();
    for entry in entries() {
        if entry["msg"] == "handled request" {
            hours.insert((number(&entry, "ts") / 3_600.0).floor().to_string());
        }
    }
    assert_eq!(hours.len(), 55, "from 02:31 on 2 May to 08:40 on 4 May");
}

#[test]
fn forged_entries_stay_inside_access_lines() {
    let access = "http.log.access.log0";
    let mut forged = 0;
    for line in story::tell().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["logger"] == access && line.contains("will retry") {
            forged += 1;
        } else if line.contains("will retry") {
            assert_eq!(entry["msg"], "will retry", "{line}");
        }
    }
    assert!(forged >= 40, "{forged} access lines mention a retry");
}
