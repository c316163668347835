//! The store as the watcher uses it: one transaction, one writer, readers beside it, old files.

use notafter::engine::message::{Message, Reason, Status};
use notafter::rules::Severity;
use notafter::store::{Commit, Debt, Fate, KEPT_AS_LOG, RowChange, Settled, Store, StoreError};
use notafter::time::{LogTime, WallTime};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn message(id: &str) -> Message {
    Message {
        id: id.into(),
        incident: "i1".into(),
        instance: "caddy".into(),
        certificate: Some("a.example".into()),
        certificates: Vec::new(),
        certificates_total: 0,
        severity: Severity::Critical,
        status: Status::Firing,
        reason: Reason::Opened,
        at: Some(LogTime::from_seconds(1_777_845_841)),
        title: "a.example expires before the next retry".into(),
        body: "line one\nline two".into(),
        alerts: vec![serde_json::json!({"rule": "retry-after-expiry"})],
    }
}

fn at(seconds: i64) -> WallTime {
    WallTime::from_seconds(seconds)
}

fn commit(messages: Vec<(Message, Vec<String>)>) -> Commit {
    Commit {
        positions: Vec::new(),
        rows: Vec::new(),
        messages,
        at: at(100),
    }
}

fn row(kind: &str, key: &str, value: Option<&str>) -> RowChange {
    RowChange {
        kind: kind.into(),
        key: key.into(),
        value: value.map(Into::into),
    }
}

#[test]
fn what_was_committed_is_loaded_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let debts = store
        .commit(&Commit {
            positions: vec![("caddy".into(), r#"{"offset":1}"#.into())],
            rows: vec![
                row("certificate", "b.example", Some("{}")),
                row("certificate", "a.example", Some("1")),
                row("alert", "a.example", Some("2")),
            ],
            messages: vec![(message("m1"), vec!["phone".into(), "hook".into()])],
            at: at(100),
        })
        .unwrap();
    store
        .commit(&Commit {
            positions: vec![("caddy".into(), r#"{"offset":2}"#.into())],
            rows: vec![
                row("certificate", "b.example", None),
                row("certificate", "a.example", Some("3")),
            ],
            ..commit(Vec::new())
        })
        .unwrap();
    drop(store);

    let loaded = Store::open(directory.path()).unwrap().load().unwrap();
    assert_eq!(loaded.positions[0].source, "caddy");
    assert_eq!(loaded.positions[0].value["offset"], 2);
    let rows: Vec<_> = loaded
        .rows
        .iter()
        .map(|row| (row.kind.as_str(), row.key.as_str(), row.value.as_str()))
        .collect();
    let expected = [
        ("alert", "a.example", "2"),
        ("certificate", "a.example", "3"),
    ];
    assert_eq!(rows, expected);
    assert_eq!(loaded.debts, debts);
    assert_eq!(loaded.debts[0].message, message("m1"));
    assert_eq!(loaded.debts[0].channel, "phone");
    assert_eq!(loaded.debts[1].channel, "hook");
}

#[test]
fn the_same_message_is_owed_once_to_each_channel() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let phone = || (message("m1"), vec!["phone".to_owned()]);
    let first = store.commit(&commit(vec![phone(), phone()])).unwrap();
    assert_eq!(first.len(), 1);
    assert!(store.commit(&commit(vec![phone()])).unwrap().is_empty());
    store
        .settle(first[0].ticket, &Fate::Delivered, at(101))
        .unwrap();
    assert!(store.commit(&commit(vec![phone()])).unwrap().is_empty());
    let both = (message("m1"), vec!["phone".into(), "hook".into()]);
    let more = store.commit(&commit(vec![both])).unwrap();
    assert_eq!(more.len(), 1);
    assert_eq!(more[0].channel, "hook");
    assert_eq!(store.load().unwrap().debts, more);
}

#[test]
fn a_debt_is_tried_later_then_settled_and_the_log_tells() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let channels = vec!["phone".into(), "hook".into()];
    let debts = store
        .commit(&commit(vec![(message("m1"), channels)]))
        .unwrap();
    let (phone, hook) = (debts[0].ticket, debts[1].ticket);
    let later = Fate::Later {
        next_try: at(110),
        why: "connection refused".into(),
    };
    store.settle(phone, &later, at(105)).unwrap();
    let owed = store.load().unwrap().debts;
    assert_eq!((owed[0].attempts, owed[0].next_try), (1, at(110)));
    assert_eq!(owed[0].last_error.as_deref(), Some("connection refused"));

    store.settle(phone, &Fate::Delivered, at(111)).unwrap();
    let why = "the token is not accepted".to_owned();
    store.settle(hook, &Fate::Refused { why }, at(112)).unwrap();
    // A late answer does not revive what is settled.
    store.settle(phone, &later, at(113)).unwrap();
    assert!(store.load().unwrap().debts.is_empty());
    let log = store.log(10).unwrap();
    assert_eq!(log[0].settled, Settled::Refused);
    assert_eq!(
        log[0].last_error.as_deref(),
        Some("the token is not accepted")
    );
    assert_eq!(log[1].settled, Settled::Delivered);
    assert_eq!((log[1].attempts, log[1].tried_at), (2, Some(at(111))));
    assert_eq!((&log[1].last_error, log[1].next_try), (&None, None));
    assert_eq!(log[1].message, Some(message("m1")));
}

#[test]
fn what_is_superseded_is_settled_and_keeps_what_its_last_try_came_to() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let phone = vec!["phone".to_owned()];
    let debts = store.commit(&commit(vec![(message("m1"), phone)])).unwrap();
    let why = "connection refused".to_owned();
    let next_try = at(110);
    store
        .settle(debts[0].ticket, &Fate::Later { next_try, why }, at(105))
        .unwrap();
    store
        .settle(debts[0].ticket, &Fate::Superseded, at(110))
        .unwrap();
    assert!(store.load().unwrap().debts.is_empty());
    let log = store.log(10).unwrap();
    assert_eq!(log[0].settled.word(), "superseded");
    assert_eq!((log[0].attempts, log[0].tried_at), (1, Some(at(105))));
    assert_eq!(log[0].last_error.as_deref(), Some("connection refused"));
}

#[test]
fn the_log_of_deliveries_is_bounded_and_debts_are_not_pruned() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let kept = usize::try_from(KEPT_AS_LOG).unwrap();
    let messages = (0..kept + 5)
        .map(|n| (message(&format!("m{n}")), vec!["phone".into()]))
        .collect();
    let debts = store.commit(&commit(messages)).unwrap();
    // The oldest stays owed throughout.
    for debt in &debts[1..] {
        store
            .settle(debt.ticket, &Fate::Delivered, at(101))
            .unwrap();
    }
    assert_eq!(store.load().unwrap().debts, debts[..1]);
    let log = store.log(KEPT_AS_LOG * 2).unwrap();
    assert_eq!(log.len(), kept + 1);
    assert_eq!(log[0].ticket, debts[kept + 4].ticket);
    assert_eq!(log[kept].ticket, debts[0].ticket);
}

#[test]
fn a_channel_s_oldest_debts_are_given_out_in_portions() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let messages = ["m1", "m2", "m3"]
        .map(|id| (message(id), vec!["hook".into(), "phone".into()]))
        .to_vec();
    store.commit(&commit(messages)).unwrap();
    let (debts, lost) = store.owed("phone", 2).unwrap();
    assert!(lost.is_empty());
    let ids: Vec<_> = debts.iter().map(|debt| debt.message.id.as_str()).collect();
    assert_eq!(ids, ["m1", "m2"]);
}

#[test]
fn a_second_writer_is_refused_and_told_the_pid() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert_eq!(error.exit_code(), 69);
    assert_eq!(
        error.to_string(),
        format!(
            "{} is in use by another notafter (pid {}); stop that one first, or give this one its own directory with --state",
            directory.path().display(),
            std::process::id()
        )
    );
    drop(store);
    Store::open(directory.path()).unwrap();
}

#[test]
fn a_newer_state_is_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let file = directory.path().join("state.db");
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    newer.close().unwrap();
    let before = std::fs::read(&file).unwrap();
    for opened in [
        Store::open(directory.path()),
        Store::open_read_only(directory.path()),
    ] {
        let error = opened.unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { found: 99, .. }),
            "{error}"
        );
        assert_eq!(error.exit_code(), 78);
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn what_is_not_ours_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    other.close().unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");

    std::fs::write(&file, "this is no database at all".repeat(100)).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn the_state_is_read_while_a_writer_runs_and_after_it_has_gone() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Store::open_read_only(directory.path()).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");

    let mut writer = Store::open(directory.path()).unwrap();
    let mut reader = Store::open_read_only(directory.path()).unwrap();
    let phone = vec!["phone".to_owned()];
    writer
        .commit(&commit(vec![(message("m1"), phone)]))
        .unwrap();
    assert_eq!(reader.load().unwrap().debts.len(), 1);
    let more = commit(vec![(message("m2"), vec!["phone".into()])]);
    reader.commit(&more).unwrap_err();
    drop((writer, reader));
    let reader = Store::open_read_only(directory.path()).unwrap();
    assert_eq!(reader.load().unwrap().debts.len(), 1);
}

#[test]
fn directory_and_files_are_for_their_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("var/notafter");
    let _store = Store::open(&directory).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in ["state.db", "state.db-wal", "state.db-shm", "state.lock"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_state_of_every_version_is_brought_up_to_date() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/state");
    let mut versions = 0;
    for version in 1.. {
        let Ok(sql) = std::fs::read_to_string(fixtures.join(format!("v{version}.sql"))) else {
            break;
        };
        versions += 1;
        let directory = tempfile::tempdir().unwrap();
        let old = Connection::open(directory.path().join("state.db")).unwrap();
        old.execute_batch(&sql).unwrap();
        old.close().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let loaded = store.load().unwrap();
        assert_eq!(loaded.positions[0].value["offset"], 4_711);
        assert_eq!(loaded.rows[0].key, "matrix-fed.takeonme.org");
        assert_eq!(loaded.debts.len(), 1, "{:?}", loaded.unreadable);
        assert_eq!((loaded.debts[0].ticket, loaded.debts[0].attempts), (3, 4));
        let log = store.log(10).unwrap();
        let fates: Vec<_> = log.iter().map(|entry| entry.settled.word()).collect();
        let known_since_1 = fates.strip_prefix(&["superseded"]).unwrap_or(&fates);
        assert_eq!(known_since_1, ["owed", "refused", "delivered"]);
        assert_eq!(fates.len() > 3, version >= 2);
    }
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let newest: i64 = Connection::open(store.path())
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(versions, newest, "each version needs its fixture");
}

#[test]
fn a_ticket_is_given_out_once_also_across_versions() {
    let directory = tempfile::tempdir().unwrap();
    let old = Connection::open(directory.path().join("state.db")).unwrap();
    old.execute_batch(include_str!("../fixtures/state/v1.sql"))
        .unwrap();
    let left = "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'debt'";
    assert_eq!(old.execute(left, []).unwrap(), 1);
    old.close().unwrap();
    let mut store = Store::open(directory.path()).unwrap();
    let phone = vec!["phone".to_owned()];
    let debts = store.commit(&commit(vec![(message("m9"), phone)])).unwrap();
    assert_eq!(debts[0].ticket, 10);
}

const KILLED: &str = "NOTAFTER_TEST_KILLED_WRITER";

/// Does nothing unless it is the child that `a_kill_leaves_position_rows_and_debts_of_one_commit`
/// starts and kills.
#[test]
fn a_writer_that_is_killed() {
    let Some(directory) = std::env::var_os(KILLED) else {
        return;
    };
    let mut store = Store::open(Path::new(&directory)).unwrap();
    let loaded = store.load().unwrap();
    let mut n = loaded
        .positions
        .first()
        .map_or(0, |p| p.value.as_i64().unwrap());
    loop {
        n += 1;
        let debts = store
            .commit(&Commit {
                positions: vec![("caddy".into(), n.to_string())],
                rows: vec![
                    row("certificate", "a.example", Some(&n.to_string())),
                    row(
                        "certificate",
                        &format!("{}.example", n % 50),
                        Some(&n.to_string()),
                    ),
                ],
                messages: vec![(message(&format!("m{n}")), vec!["phone".into()])],
                at: at(n),
            })
            .unwrap();
        if n % 3 == 0 {
            store
                .settle(debts[0].ticket, &Fate::Delivered, at(n))
                .unwrap();
        }
    }
}

#[test]
fn a_kill_leaves_position_rows_and_debts_of_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let (mut last, mut ends) = (0, Vec::new());
    for round in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_writer_that_is_killed"])
            .env(KILLED, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while position(directory.path()).unwrap_or(0) <= last {
            assert!(begun.elapsed() < Duration::from_mins(1), "no commit");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(3 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();

        let loaded = Store::open(directory.path()).unwrap().load().unwrap();
        let n = loaded.positions[0].value.as_i64().unwrap();
        assert!(n > last, "round {round}: {n} after {last}");
        let a = loaded.rows.iter().find(|row| row.key == "a.example");
        assert_eq!(a.unwrap().value, n.to_string());
        let other = format!("{}.example", n % 50);
        let other = loaded.rows.iter().find(|row| row.key == other);
        assert_eq!(other.unwrap().value, n.to_string());
        let newest = Store::open_read_only(directory.path())
            .unwrap()
            .log(1)
            .unwrap();
        assert_eq!(newest[0].message_id, format!("m{n}"));
        ends.push(n);
        let owed: BTreeSet<String> = ids(&loaded.debts);
        for k in 1..=n {
            // Each third was settled at once, unless the kill came in between.
            let settled = k % 3 == 0 && !(ends.contains(&k) && owed.contains(&format!("m{k}")));
            assert_eq!(owed.contains(&format!("m{k}")), !settled, "m{k} of {n}");
        }
        last = n;
    }
}

fn ids(debts: &[Debt]) -> BTreeSet<String> {
    debts.iter().map(|debt| debt.message.id.clone()).collect()
}

fn position(directory: &Path) -> Option<i64> {
    let loaded = Store::open_read_only(directory).ok()?.load().ok()?;
    loaded.positions.first()?.value.as_i64()
}
