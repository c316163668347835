//! The page itself: complete, in the format, bounded.

use notafter::caddy::entry::Entry;
use notafter::engine::Engine;
use notafter::engine::evidence::{Origin, Quote};
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use notafter::serve::{CERTIFICATES_MAX, InstanceRow, Snapshot, page};
use notafter::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

fn engine<'a>(instance: &str, lines: impl Iterator<Item = &'a str>, until: &str) -> Engine {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
    let mut engine = Engine::new(Arc::new(rules.unwrap()));
    let until = LogTime::parse_rfc3339(until);
    let origin = Origin {
        source: "test".into(),
        line: 1,
    };
    let mut rows = Vec::new();
    for line in lines {
        let entry = Entry::decode(line.as_bytes()).unwrap();
        if entry.at > until {
            break;
        }
        let quote = || Quote::new(&origin, line.as_bytes());
        engine.entry(instance, &entry, quote, &mut rows);
    }
    engine
}

/// The incident, an hour before the end.
fn incident(instance: &str) -> Engine {
    let path = "fixtures/incident-2026-05-03/caddy.log";
    let log = std::fs::read_to_string(path).unwrap();
    engine(instance, log.lines(), "2026-05-03T22:30:00Z")
}

fn row(engine: &Engine, name: &str) -> InstanceRow {
    InstanceRow {
        name: name.to_owned(),
        lines: 4_000,
        understood: 3_998,
        unreadable: 2,
        log_time: engine.log_time(name),
    }
}

fn outbox(channel: &str) -> BTreeMap<String, u64> {
    BTreeMap::from([(channel.to_owned(), 3)])
}

#[test]
fn the_incident_is_on_the_page_while_there_is_time() {
    let engine = incident("edge");
    let snapshot = Snapshot::new(&engine, vec![row(&engine, "edge")], Some(outbox("phone")));
    let page = page(snapshot).unwrap();
    expect_format(&page);
    let shown = page.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("metrics-of-the-incident", shown));
}

#[test]
fn what_is_not_known_is_not_there() {
    let engine = engine("edge", std::iter::empty(), "2026-05-03T22:30:00Z");
    let page = page(Snapshot::new(&engine, vec![row(&engine, "edge")], None)).unwrap();
    expect_format(&page);
    for absent in ["log_time_timestamp_seconds{", "outbox_entries{", "state{"] {
        assert!(!page.contains(absent), "{absent}\n{page}");
    }
    assert!(page.contains("\nnotafter_alerts{severity=\"critical\"} 0\n"));
    assert!(page.contains("\nnotafter_lines_total{instance=\"edge\"} 4000\n"));
}

#[test]
fn names_with_quotes_are_escaped() {
    let engine = incident("edge");
    let rows = vec![row(&engine, "a\"b\\c\nd")];
    let page = page(Snapshot::new(&engine, rows, Some(outbox("} 1\n# \"\\")))).unwrap();
    expect_format(&page);
    assert!(
        page.contains("notafter_lines_total{instance=\"a\\\"b\\\\c\\nd\"} 4000"),
        "{page}"
    );
}

#[test]
fn of_a_caddy_that_is_no_longer_watched_nothing_is_told() {
    let engine = incident("old");
    let page = page(Snapshot::new(&engine, vec![row(&engine, "new")], None)).unwrap();
    assert!(!page.contains("takeonme"), "{page}");
    assert!(page.contains("\nnotafter_alerts{severity=\"critical\"} 0\n"));
}

#[test]
fn ten_thousand_certificates_are_enough_and_those_in_trouble_come_first() {
    let healthy = (0..CERTIFICATES_MAX + 7).map(|number| {
        format!(
            r#"{{"level":"info","ts":1777689200.5,"logger":"tls.cache.maintenance","msg":"updated and stored ACME renewal information","identifiers":["a{number}.example"],"cert_expiry":1785630294,"selected_time":1783040417}}"#
        )
    });
    let failing = r#"{"level":"error","ts":1777689300.5,"logger":"tls.renew","msg":"could not get certificate from issuer","identifier":"zzz.example","issuer":"acme-v02.api.letsencrypt.org-directory","error":"dial tcp: i/o timeout"}"#;
    let again = r#"{"level":"error","ts":1777689301.5,"logger":"tls.renew","msg":"will retry","error":"[zzz.example] Renew: dial tcp: i/o timeout","attempt":1,"retrying_in":60,"elapsed":1.5,"max_duration":2592000}"#;
    let lines: Vec<String> = healthy
        .chain([failing.to_owned(), again.to_owned()])
        .collect();
    let lines = lines.iter().map(String::as_str);
    let engine = engine("edge", lines, "2026-05-03T22:30:00Z");
    let snapshot = Snapshot::new(&engine, vec![row(&engine, "edge")], None);
    assert_eq!(snapshot.certificates.len(), CERTIFICATES_MAX);
    assert_eq!(snapshot.certificates[0].name, "zzz.example");
    let page = page(snapshot).unwrap();
    expect_format(&page);
    assert!(page.contains("\nnotafter_certificates_left_out 8\n"));
    let states = page.matches("\nnotafter_certificate_state{").count();
    assert_eq!(states, CERTIFICATES_MAX);
}

/// The format by promtool where it is installed, and by ourselves in any case.
fn expect_format(page: &str) {
    let (mut types, mut seen) = (BTreeMap::new(), BTreeSet::new());
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(types.insert(name, kind).is_none(), "{name} comes twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert!(name.starts_with("notafter_"), "{name}");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert!(types.contains_key(name), "{line}");
            assert!(value.parse::<i64>().is_ok(), "{line}");
            assert!(seen.insert(series), "{series} comes twice");
        }
    }
    promtool(page);
}

fn promtool(page: &str) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("promtool is not installed (apt-get install prometheus): not asked");
        return;
    };
    let mut to = child.stdin.take().unwrap();
    to.write_all(page.as_bytes()).unwrap();
    drop(to);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}
