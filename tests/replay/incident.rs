//! When the alarm would have rung on 3 May 2026.

use crate::program::{fixture, run};
use crate::rows::{alerts, of_type, rows};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NAME: &str = "matrix-fed.takeonme.org";
const NOT_AFTER: i64 = 1_777_851_479;

fn log() -> String {
    fixture("incident-2026-05-03/caddy.log")
        .display()
        .to_string()
}

fn replayed() -> Vec<Value> {
    let ran = run(&["replay", &log(), "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    rows(&ran.stdout)
}

fn alert(rows: &[Value], rule: &str, reason: &str) -> Value {
    let mut found = rows
        .iter()
        .filter(|row| row["rule"] == rule && row["reason"] == reason);
    let row = found
        .next()
        .unwrap_or_else(|| panic!("{rule} was never {reason}"));
    assert!(found.next().is_none(), "{rule} was {reason} twice");
    row.clone()
}

/// Hours from a row's moment to expiry.
fn hours_before_the_end(row: &Value) -> f64 {
    let at = chrono::DateTime::parse_from_rfc3339(row["at"].as_str().unwrap()).unwrap();
    f64::from(u32::try_from(NOT_AFTER - at.timestamp()).unwrap()) / 3_600.0
}

#[test]
fn the_mission_the_retry_after_expiry_is_known_94_minutes_before() {
    let row = alert(&replayed(), "retry-after-expiry", "opened");
    let expected = json!({
        "certificate": NAME, "instance": "caddy", "scope": "certificate",
        "severity": "critical", "status": "firing",
        "at": "2026-05-03T22:04:01Z", "opened_at": "2026-05-03T22:04:01Z",
        "not_after": "2026-05-03T23:37:59Z", "not_after_source": "log",
        "next_retry": "2026-05-04T04:04:01Z", "next_retry_source": "announced",
        "tries_left": 0, "attempt": 29, "ca": "staging",
        "cause": "dns.servfail", "seen_by": "caddy",
        "failing_since": "2026-05-02T02:31:51Z",
        "due_since": "2026-04-03T14:48:33Z", "due_since_source": "ari",
        "closed_by": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&row[field], value, "{field}");
    }
    let proof = row["evidence"].as_array().unwrap().last().unwrap();
    assert_eq!(proof["line"], 3653);
    assert!(proof["text"].as_str().unwrap().contains("21600"));
}

#[test]
fn failures_are_counted_across_the_reload_that_reset_caddys_own_counter() {
    let rows = replayed();
    let announced = fixture("incident-2026-05-03/caddy.log");
    let text = std::fs::read_to_string(announced).unwrap();
    let lines = text.lines().take(3653);
    let failed = lines.filter(|line| line.contains(r#""msg":"will retry""#));
    let failed = failed.filter(|line| line.contains(r#""logger":"tls.renew""#));
    let row = alert(&rows, "retry-after-expiry", "opened");
    assert_eq!(row["attempts_total"], failed.count());
    assert!(row["attempts_total"].as_u64() > row["attempt"].as_u64());
}

#[test]
fn the_last_tries_are_told_a_day_before_and_again_when_one_is_left() {
    let rows = replayed();
    let opened = alert(&rows, "last-tries", "opened");
    assert_eq!(
        (&opened["severity"], &opened["tries_left"]),
        (&json!("warning"), &json!(4))
    );
    let hours = hours_before_the_end(&opened);
    assert!((25.5..25.7).contains(&hours), "{hours}");
    let worsened = alert(&rows, "last-tries", "worsened");
    assert_eq!(
        (&worsened["severity"], &worsened["tries_left"]),
        (&json!("critical"), &json!(1))
    );
    let hours = hours_before_the_end(&worsened);
    assert!((7.5..7.7).contains(&hours), "{hours}");
    assert_eq!(opened["id"], worsened["id"]);
}

#[test]
fn a_month_overdue_is_told_at_the_first_failure() {
    let row = alert(&replayed(), "renewal-overdue", "opened");
    assert_eq!(
        (&row["at"], &row["attempts_total"], &row["severity"]),
        (&json!("2026-05-02T02:31:51Z"), &json!(1), &json!("warning"))
    );
}

#[test]
fn the_end_is_told_in_its_own_second_though_no_line_says_so() {
    let row = alert(&replayed(), "expired", "opened");
    assert_eq!(
        (&row["at"], &row["severity"]),
        (&json!("2026-05-03T23:37:59Z"), &json!("critical"))
    );
}

#[test]
fn everything_is_closed_by_the_renewal_and_stays_closed() {
    let rows = of_type(&replayed(), "alert");
    let of = |closed: bool| -> BTreeSet<String> {
        let wanted = rows
            .iter()
            .filter(|row| (row["reason"] == "closed") == closed);
        wanted
            .map(|row| row["rule"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of(true), of(false));
    let closed: Vec<&Value> = rows
        .iter()
        .filter(|row| row["reason"] == "closed")
        .collect();
    assert_eq!(closed.len(), of(true).len(), "something closed twice");
    for row in closed {
        let by = if row["rule"] == "dns-broken" {
            "condition"
        } else {
            "renewed"
        };
        assert_eq!(
            (&row["at"], &row["closed_by"], &row["status"]),
            (
                &json!("2026-05-04T01:24:55Z"),
                &json!(by),
                &json!("resolved")
            ),
            "{}",
            row["rule"]
        );
    }
}

#[test]
fn only_the_one_name_is_spoken_of_though_strangers_forged_news_of_others() {
    let rows = replayed();
    let alerts = of_type(&rows, "alert");
    assert!(alerts.iter().all(|row| row["certificate"] == NAME));
    let certificates = of_type(&rows, "certificate");
    let known: Vec<(&str, &str, &str)> = certificates
        .iter()
        .map(|row| {
            let text = |field: &str| row[field].as_str().unwrap();
            (text("name"), text("state"), text("not_after"))
        })
        .collect();
    let expected = [
        (NAME, "healthy", "2026-08-02T00:24:54Z"),
        ("takeonme.org", "healthy", "2026-07-09T11:02:17Z"),
    ];
    assert_eq!(known, expected);
}

#[test]
fn the_summary_counts_each_alert_once_at_its_worst() {
    let rows = replayed();
    let summary = rows.last().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(
        (&summary["lines"], &summary["unreadable"]),
        (&json!(4573), &json!(0))
    );
    assert_eq!(
        (&summary["first"], &summary["last"]),
        (
            &json!("2026-05-02T02:31:47Z"),
            &json!("2026-05-04T08:39:25Z")
        )
    );
    assert_eq!(
        summary["alerts"],
        json!({"critical": 5, "warning": 2, "info": 0})
    );
    assert_eq!(of_type(&rows, "summary").len(), 1);
}

#[test]
fn the_same_log_gives_the_same_rows_every_time() {
    let once = || run(&["replay", &log(), "--format", "json"]).stdout;
    let first = once();
    assert!(alerts(&first).len() > 10);
    assert_eq!(first, once());
}

#[test]
fn the_story_for_people_reads_well() {
    let ran = run(&["replay", "fixtures/incident-2026-05-03/caddy.log"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true}, {
        insta::assert_snapshot!("replay-incident-text", ran.stdout);
    });
}

/// Every loud change of the replay, with how long before the end it came.
fn table() -> String {
    const HEAD: &str =
        "| alarm | severity | what it says | rang | before expiry |\n|---|---|---|---|---|\n";
    let rows = of_type(&replayed(), "alert");
    let rung = rows.iter().filter(|row| {
        row["status"] == "firing" && row["reason"] != "repeated" && row["severity"] != "info"
    });
    let lines = rung.map(|row| {
        let text = |field: &str| row[field].as_str().unwrap();
        let at = chrono::DateTime::parse_from_rfc3339(text("at")).unwrap();
        let minutes = (NOT_AFTER - at.timestamp()) / 60;
        let before = match (minutes / 60, minutes % 60) {
            (0, 0) => "0".to_owned(),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        };
        let (rule, severity, title) = (text("rule"), text("severity"), text("title"));
        let says = title.strip_prefix(&format!("{NAME}: ")).unwrap();
        let at = at.format("%Y-%m-%d %H:%M:%S UTC");
        format!("| `{rule}` | {severity} | {says} | {at} | {before} |\n")
    });
    HEAD.to_owned() + &lines.collect::<String>()
}

#[test]
fn the_table_of_the_readme_is_what_the_replay_says() {
    crate::page::assert_or_write("README.md", "rang", "tests/replay/incident.rs", &table());
}
