//! Live equals replay on everything that was ever recorded.

use crate::drive::{Line, Watcher, after, lines, one_go, recordings};
use crate::time::{essence, still_to_come};
use notafter::engine::AlertRow;

/// As `watch` hands it over: a tick of our own clock before each line, and now and then a new process
/// of ours, at other lines for each `phase`.
fn watched(lines: &[Line], phase: usize) -> Vec<AlertRow> {
    const PROCESS: usize = 13;
    let bounds = still_to_come(lines);
    let mut watcher = Watcher::new();
    for (index, line) in lines.iter().enumerate() {
        watcher.tick(bounds[index]);
        watcher.settle();
        watcher.line(&line.bytes);
        watcher.settle();
        if index % PROCESS == phase {
            watcher.commit();
            watcher.restart();
        }
    }
    watcher.tick(after(lines));
    watcher.rows
}

#[test]
fn every_recording_gives_live_what_it_gives_in_a_replay() {
    let (mut told, mut timeless) = (0, Vec::new());
    let recordings = recordings();
    for (number, path) in recordings.iter().enumerate() {
        let lines = lines(path);
        // What has no times at all has no moments either.
        if lines.iter().all(|line| line.at.is_none()) {
            timeless.push(path);
            continue;
        }
        let replayed = essence(&one_go(&lines).rows);
        assert_eq!(essence(&watched(&lines, number % 13)), replayed, "{path}");
        told += usize::from(!replayed.is_empty());
    }
    assert!(timeless.len() <= 6, "{timeless:?}");
    assert!(recordings.len() > 200, "{}", recordings.len());
    assert!(told * 3 > recordings.len(), "{told} tell anything");
}
