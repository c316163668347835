//! What was read: how many lines, how many of them were understood, from when to when.

use crate::engine::evidence::neutral;
use crate::rules::Severity;
use crate::time::LogTime;
use std::collections::BTreeMap;

/// Lines that could not be read, and an example of where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreadables {
    /// How many.
    pub count: u64,
    /// Source, line and reason of the first.
    pub first: Option<(String, u64, String)>,
}

/// The count of a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines read.
    pub lines: u64,
    /// Lines about certificates.
    pub matched: u64,
    /// Lines about certificates that could not be judged, because no line had a time.
    pub untimed: u64,
    /// Lines about certificates that say something we do not know.
    pub unknown: u64,
    /// Entries, those among them that their head rejected.
    pub understood: u64,
    /// Lines that are no entries.
    pub unreadable: Unreadables,
    /// Logs of which nothing was understood, and how many lines each has.
    pub foreign: Vec<(String, u64)>,
    /// The earliest stamp.
    pub first: Option<LogTime>,
    /// The latest stamp.
    pub last: Option<LogTime>,
    /// The highest severity of each alert, by id.
    pub alerts: BTreeMap<String, Severity>,
}

impl Tally {
    /// Takes in a stamp.
    pub fn stamp(&mut self, at: LogTime) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// Takes in that a log was read to its end; `before` is the count as it was at its start.
    pub fn read_to_end(&mut self, log: &str, before: (u64, u64)) {
        let lines = self.lines - before.0;
        if lines > 0 && self.understood == before.1 {
            self.foreign.push((neutral(log), lines));
        }
    }

    /// Takes in a line that is no entry.
    pub fn unreadable(&mut self, source: &str, line: u64, why: impl FnOnce() -> String) {
        self.unreadable.count += 1;
        if self.unreadable.first.is_none() {
            self.unreadable.first = Some((neutral(source), line, why()));
        }
    }

    /// Takes in an alert's severity.
    pub fn alert(&mut self, id: &str, severity: Severity) {
        let worst = self.alerts.entry(id.to_owned()).or_insert(severity);
        *worst = severity.max(*worst);
    }

    /// How many alerts reached at most this severity.
    pub fn alerts_of(&self, severity: Severity) -> usize {
        self.alerts
            .values()
            .filter(|&&reached| reached == severity)
            .count()
    }
}
