//! What ties a certificate or a source to its incident, and what people were told of it.

use crate::engine::alert::give_back_room;
use crate::engine::causes::Causes;
use crate::engine::host_clock::clamp;
use crate::rules::Severity;
use crate::time::LogTime;
use chrono::TimeDelta;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What opens again within this time was not over for anybody who was told of it ...
pub(super) const REST: TimeDelta = TimeDelta::hours(1);
/// ... and of a name that fails on, what comes back with a later attempt: longer than Caddy ever waits
/// between two (certmagic v0.25 async.go).
pub(super) const ATTEMPT: TimeDelta = TimeDelta::minutes(6 * 60 + 30);

/// What ties a certificate or a source to its incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The id of the incident that it is in, or was in last; all of its names share it.
    pub incident: Option<Arc<str>>,
    /// The loudest message of that incident that named it.
    pub told: Option<Severity>,
    /// What people know of alerts that have closed, by rule ...
    #[serde(default, skip_serializing_if = "LiteMap::is_empty")]
    pub over: LiteMap<Box<str>, Over>,
    /// ... and how many messages its incident had had by then: the next one says what is over.
    #[serde(default)]
    pub messages: u32,
    /// The causes that messages of that incident gave for it.
    #[serde(default, skip_serializing_if = "Causes::is_empty")]
    pub causes: Causes,
    /// Whether it had been in that incident before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// An alert that has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// What people were told of it.
    told: Severity,
    /// When it closed, since the Unix epoch: a whole second is enough, and half as large.
    at_seconds: u32,
}

impl Over {
    fn age(self, at: Option<LogTime>) -> TimeDelta {
        at.map_or(TimeDelta::zero(), |at| {
            at - LogTime::from_seconds(i64::from(self.at_seconds))
        })
    }
}

impl Link {
    /// A name, or source, of which nothing was told.
    pub(super) const EMPTY: Self = Self {
        incident: None,
        told: None,
        over: LiteMap::new(),
        messages: 0,
        causes: Causes::EMPTY,
        again: false,
    };

    /// Remembers what was told of alerts that close at a moment, when its incident has had so many
    /// messages. That it is critical again is news to whoever has read that it no longer was; that it
    /// fails for what failed before is not.
    pub(super) fn note_closed(
        &mut self,
        told: &[(Box<str>, Severity)],
        at: Option<LogTime>,
        messages: u32,
    ) {
        if self.messages != messages {
            self.messages = messages;
            for (_, over) in self.over.iter_mut() {
                over.told = over.told.min(Severity::Warning);
            }
        }
        let at_seconds = at.map_or(0, LogTime::epoch_seconds);
        let told = told.iter().cloned();
        self.over
            .extend(told.map(|(rule, told)| (rule, Over { told, at_seconds })));
        give_back_room(&mut self.over);
    }

    /// What people know of an alert that opens again at a moment, about a name that `fails` on or not.
    pub(super) fn recall(
        &mut self,
        rule: &str,
        at: Option<LogTime>,
        fails: bool,
    ) -> Option<Severity> {
        let over = self.over.remove(rule)?;
        let age = over.age(at);
        if age <= REST {
            return Some(over.told);
        }
        (fails && age <= ATTEMPT).then(|| over.told.min(Severity::Warning))
    }

    /// The clock of the log was set back. Returns whether anything had closed later than that.
    pub(super) fn set_back(&mut self, to: LogTime) -> bool {
        let over = self.over.iter_mut().map(|(_, over)| &mut over.at_seconds);
        clamp(over, to.epoch_seconds())
    }

    /// Whether people were told of it as more than a note.
    pub(super) fn was_loud(&self) -> bool {
        self.told.is_some_and(Severity::is_loud)
    }

    /// Whether something that was told closed not long before a moment.
    pub(super) fn was_told_lately(&self, at: Option<LogTime>) -> bool {
        self.over.values().any(|over| over.age(at) <= REST)
    }

    /// Forgets what was told: whoever has read that all is well has to hear that it is not.
    pub(super) fn forget_told(&mut self) {
        *self = Self {
            incident: self.incident.take(),
            again: self.again,
            ..Self::EMPTY
        };
    }

    /// The rules whose alerts have closed since the last message, when its incident has had so many, and
    /// what was told of them.
    pub(super) fn over_since(&self, messages: u32) -> impl Iterator<Item = (&str, Severity)> {
        let over = self.over.iter().filter(move |_| self.messages == messages);
        over.map(|(rule, over)| (&**rule, over.told))
    }

    /// The rules whose critical alerts were told and have closed since, when its incident has had so
    /// many messages.
    pub(super) fn critical_over(&self, messages: u32) -> impl Iterator<Item = &str> {
        let over = self.over_since(messages);
        let critical = over.filter(|(_, told)| *told == Severity::Critical);
        critical.map(|(rule, _)| rule)
    }

    /// Whether there are such rules.
    pub(super) fn was_critical(&self, messages: u32) -> bool {
        self.critical_over(messages).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_closed_while_a_clock_was_ahead_is_as_old_as_what_closed_when_it_was_set_back() {
        let at = |hours: i64| LogTime::from_seconds(1_700_000_000 + hours * 3_600);
        let closed = |link: &mut Link| {
            link.note_closed(&[("expired".into(), Severity::Critical)], Some(at(48)), 1);
        };
        let mut link = Link::default();
        closed(&mut link);
        assert!(link.set_back(at(0)));
        assert!(!link.set_back(at(0)), "nothing is later any more");
        assert_eq!(link.recall("expired", Some(at(2)), false), None);
        closed(&mut link);
        link.set_back(at(0));
        let told = link.recall("expired", Some(at(1)), false);
        assert_eq!(told, Some(Severity::Critical));
    }
}
