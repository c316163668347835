//! A line on its way from a source into the engine, the same for watch and replay.

use crate::caddy::entry::{Entry, Unreadable};
use crate::caddy::join::Text;
use crate::caddy::layout::Layout;
use crate::engine::evidence::{Origin, Quote};
use crate::engine::{AlertRow, Engine, Seen};
use crate::report::Tally;
use crate::source::line::Stamp;
use crate::time::LogTime;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The engine with the count of what it was given.
pub(super) struct Intake {
    pub(super) engine: Engine,
    pub(super) tally: Tally,
    /// How each instance prints its lines, as far as it is known.
    layouts: BTreeMap<String, Layout>,
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
            layouts: BTreeMap::new(),
            now: None,
            until: None,
            since: None,
        }
    }

    /// Takes in what is told of how sources print their lines; what was learned of it stays.
    pub(super) fn tell(&mut self, layouts: BTreeMap<String, Layout>) {
        for (instance, layout) in layouts {
            let unit = self.layouts.get(&instance).and_then(|known| known.unit);
            self.layouts.insert(instance, Layout { unit, ..layout });
        }
    }

    /// Takes in a text that its head did not reject.
    pub(super) fn text(
        &mut self,
        instance: &str,
        source: &Arc<str>,
        text: Text<'_>,
        out: &mut Vec<AlertRow>,
    ) {
        let (bytes, number) = (text.bytes, text.number);
        if text.overlong {
            self.tally
                .unreadable(source, number, || "longer than 1 MiB".to_owned());
            return;
        }
        let mut entry = match self.decode(instance, bytes) {
            Ok(entry) => entry,
            Err(why) => {
                self.tally.unreadable(source, number, || reason(why));
                return;
            }
        };
        self.tally.understood += 1;
        entry.at = entry.at.or(text.at).or(self.now);
        if let Some(at) = entry.at {
            if self.is_outside(at) {
                return;
            }
            self.tally.stamp(at);
        }
        if entry.is_traffic() {
            if let Some(at) = entry.at {
                self.engine.advance(instance, at, out);
            }
            return;
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

    fn decode(&mut self, instance: &str, bytes: &[u8]) -> Result<Entry, Unreadable> {
        let Some(layout) = self.layouts.get_mut(instance) else {
            self.layouts.insert(instance.to_owned(), Layout::default());
            return self.decode(instance, bytes);
        };
        let entry = Entry::read(bytes, layout)?;
        layout.unit = entry.proven_unit().or(layout.unit);
        Ok(entry)
    }

    /// Moves log time to the stamp of the last rejected line.
    pub(super) fn rejected_until(
        &mut self,
        instance: &str,
        stamp: &Stamp,
        out: &mut Vec<AlertRow>,
    ) {
        let zone = self.layouts.get(instance).cloned().unwrap_or_default().zone;
        let Some(stamp) = stamp.read(zone) else {
            return;
        };
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
        Unreadable::NotJson { column } => {
            format!("neither one whole JSON object (column {column}) nor a console line")
        }
        Unreadable::NoMessage => "an object in which nothing is a message".to_owned(),
    }
}
