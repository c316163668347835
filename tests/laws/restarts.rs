//! A restart of ours at any line changes nothing that is told.

use crate::drive::{CAPTURES, INCIDENT, Line, Watcher, after, lines, one_go};
use notafter::engine::Engine;
use notafter::engine::certificate::Certificate;
use notafter::time::LogTime;

/// Lines before `split`, a commit, a new process, the other lines.
fn stopped_at(lines: &[Line], split: usize) -> Watcher {
    let mut watcher = Watcher::new();
    let (before, behind) = lines.split_at(split);
    for line in before {
        watcher.line(&line.bytes);
        watcher.settle();
    }
    watcher.commit();
    watcher.restart();
    for line in behind {
        watcher.line(&line.bytes);
        watcher.settle();
    }
    watcher.tick(after(lines));
    watcher.settle();
    watcher
}

fn expect_the_same(lines: &[Line], split: usize, whole: &Watcher) {
    let stopped = stopped_at(lines, split);
    assert_eq!(
        stopped.rows,
        whole.rows,
        "stopped before line {}",
        split + 1
    );
    assert_eq!(
        stopped.messages,
        whole.messages,
        "stopped before line {}",
        split + 1
    );
}

#[test]
fn a_restart_before_any_line_of_a_recording_changes_nothing() {
    for path in CAPTURES {
        let lines = lines(path);
        let whole = one_go(&lines);
        assert_eq!(whole.rows.len(), 26, "{path}");
        for split in 0..=lines.len() {
            expect_the_same(&lines, split, &whole);
        }
    }
}

#[test]
fn a_restart_in_the_incident_changes_nothing() {
    let lines = lines(INCIDENT);
    let whole = one_go(&lines);
    assert_eq!(whole.rows.len(), 29);
    // Around the first failure, the reload, the last attempts, expiry, the new process, the renewal.
    for split in [
        6, 39, 40, 271, 307, 3_170, 3_652, 3_653, 3_716, 3_986, 4_024,
    ] {
        expect_the_same(&lines, split, &whole);
    }
}

#[test]
fn a_restart_after_every_single_line_changes_nothing() {
    for path in [INCIDENT, CAPTURES[0], CAPTURES[1]] {
        let lines = lines(path);
        let whole = one_go(&lines);
        let mut watcher = Watcher::new();
        for line in &lines {
            watcher.line(&line.bytes);
            watcher.settle();
            watcher.commit();
            if line.names.is_some() {
                watcher.restart();
            }
        }
        watcher.tick(after(&lines));
        watcher.settle();
        assert_eq!(watcher.rows, whole.rows, "{path}");
        assert_eq!(watcher.messages, whole.messages, "{path}");
    }
}

#[test]
fn what_is_owed_for_a_change_survives_a_restart_before_it_was_told() {
    let lines = lines(INCIDENT);
    let mut watcher = Watcher::new();
    for line in &lines[..3_653] {
        watcher.line(&line.bytes);
    }
    watcher.commit();
    watcher.restart();
    watcher.settle();
    let [message] = watcher.messages.as_slice() else {
        panic!("{:?}", watcher.messages);
    };
    assert!(
        message
            .title
            .contains("only after the certificate has expired")
    );
    watcher.commit();
    watcher.restart();
    watcher.settle();
    assert_eq!(watcher.messages.len(), 1, "it was told twice");
}

#[test]
fn a_restart_keeps_the_next_deadline() {
    let lines = lines(INCIDENT);
    let mut watcher = Watcher::new();
    for line in &lines[..3_653] {
        watcher.line(&line.bytes);
    }
    watcher.commit();
    let before = watcher.engine.deadline(crate::drive::INSTANCE);
    assert!(before.is_some());
    assert_eq!(watcher.restored().deadline(crate::drive::INSTANCE), before);
}

/// Every certificate as it stands, with the log time of its instance.
fn certificates(engine: &Engine) -> Vec<(String, Option<LogTime>, Certificate)> {
    let all = engine.certificates();
    all.map(|(instance, at, certificate)| (instance.to_owned(), at, certificate.clone()))
        .collect()
}

#[test]
fn what_is_restored_is_what_was_there() {
    for path in [INCIDENT, CAPTURES[0], CAPTURES[1]] {
        let mut watcher = Watcher::new();
        for line in lines(path) {
            watcher.line(&line.bytes);
            watcher.settle();
            watcher.commit();
            if line.names.is_some() {
                let restored = certificates(&watcher.restored());
                assert_eq!(restored, certificates(&watcher.engine), "{path}");
            }
        }
    }
}
