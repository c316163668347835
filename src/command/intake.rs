//! A line on its way from a source into the engine, the same for watch and replay.

use crate::caddy::entry::{Entry, Unreadable};
use crate::engine::evidence::{Origin, Quote};
use crate::engine::{AlertRow, Engine, Seen};
use crate::report::Tally;
use crate::source::line::Candidate;
use crate::time::LogTime;
use std::sync::Arc;

/// The engine with the count of what it was given.
pub(super) struct Intake {
    pub(super) engine: Engine,
    pub(super) tally: Tally,
    /// Our own clock, where lines are read as they are written: a line without a time gets it.
    pub(super) now: Option<LogTime>,
    /// Nothing stamped later is taken in.
    pub(super) until: Option<LogTime>,
    /// Nothing stamped earlier is taken in.
    pub(super) since: Option<LogTime>,
}

impl Intake {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            tally: Tally::default(),
            now: None,
            until: None,
            since: None,
        }
    }

    /// Takes in a line that its head did not reject.
    pub(super) fn line(
        &mut self,
        instance: &str,
        source: &Arc<str>,
        line: Candidate<'_>,
        out: &mut Vec<AlertRow>,
    ) {
        let Candidate {
            bytes,
            number,
            overlong,
        } = line;
        if overlong {
            self.tally
                .unreadable(source, number, || "longer than 1 MiB".to_owned());
            return;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let mut entry = match Entry::decode(bytes) {
            Ok(entry) => entry,
            Err(why) => {
                self.tally.unreadable(source, number, || reason(why));
                return;
            }
        };
        entry.at = entry.at.or(self.now);
        if let Some(at) = entry.at {
            if self.is_outside(at) {
                return;
            }
            self.tally.stamp(at);
        }
        let quote = || {
            Quote::new(
                &Origin {
                    source: Arc::clone(source),
                    line: number,
                },
                bytes,
            )
        };
        match self.engine.entry(instance, &entry, quote, out) {
            Seen::Certificate => self.tally.matched += 1,
            Seen::Unknown => self.tally.unknown += 1,
            Seen::Untimed => self.tally.untimed += 1,
            Seen::Other => {}
        }
    }

    /// Moves log time to the stamp of the last rejected line.
    pub(super) fn rejected_until(
        &mut self,
        instance: &str,
        stamp: LogTime,
        out: &mut Vec<AlertRow>,
    ) {
        if !self.is_outside(stamp) {
            self.tally.stamp(stamp);
            self.engine.advance(instance, stamp, out);
        }
    }

    fn is_outside(&self, at: LogTime) -> bool {
        self.until.is_some_and(|until| at > until) || self.since.is_some_and(|since| at < since)
    }
}

fn reason(why: Unreadable) -> String {
    match why {
        Unreadable::NotJson { column } => format!("not one whole JSON object (column {column})"),
        Unreadable::NoMessage => "no text under `msg`".to_owned(),
    }
}
