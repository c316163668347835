//! Names of an incident that are well again.

use crate::engine::alert::{AlertRow, ClosedBy};
use crate::engine::causes::Causes;
use crate::engine::incident::Incident;
use crate::engine::incident::story::Story;
use crate::engine::link::Link;
use crate::engine::message::Reason;
use crate::engine::reminder::Reminder;
use crate::engine::subject::Subject;
use crate::rules::Severity;
use crate::time::LogTime;
use serde::{Deserialize, Serialize};

/// Names that are kept of those that are well again.
const ENDED_KEPT: usize = 100;

/// A name that is well again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Ended {
    pub name: String,
    pub closed_by: Option<ClosedBy>,
    pub not_after: Option<LogTime>,
    /// No message says so yet.
    pub untold: bool,
    /// It came and went between two messages, and was loud: the next one names it.
    pub missed: bool,
    /// Since the last message, which left it critical: others that still are keep nobody from
    /// hearing of it.
    #[serde(default)]
    pub was_critical: bool,
    /// The first failure, and how many there were.
    #[serde(default)]
    pub failing_since: Option<LogTime>,
    #[serde(default)]
    pub attempts: u32,
}

impl Ended {
    /// Whether Caddy does not manage it any more.
    pub(super) fn is_unmanaged(&self) -> bool {
        self.closed_by == Some(ClosedBy::Forgotten)
    }
}

impl Incident {
    /// An alert opens about a name that was well but for a note and is so no more: of what was `told` people
    /// know.
    pub(super) fn take_back(&mut self, called: &str, link: &mut Link, told: Option<Severity>) {
        if link.told.is_some() {
            return;
        }
        if let Some(ended) = self.take_ended(called) {
            self.uncount(ended.untold, false);
        }
        link.told = told;
        self.known += usize::from(told.is_some());
    }

    /// The name among those that are well, of which it is no more.
    pub(super) fn take_ended(&mut self, called: &str) -> Option<Ended> {
        let place = self.ended.iter().position(|one| one.name == called)?;
        Some(self.ended.remove(place))
    }

    /// One name less is well, or unmanaged, of which no message has said so where it is `untold`.
    pub(super) fn uncount(&mut self, untold: bool, is_unmanaged: bool) {
        self.ended_count = self.ended_count.saturating_sub(1);
        self.unsay(untold, is_unmanaged);
    }

    /// That one name is well, or unmanaged, is not to be said.
    fn unsay(&mut self, untold: bool, is_unmanaged: bool) {
        let count = if is_unmanaged {
            &mut self.unmanaged
        } else {
            &mut self.well_again
        };
        *count = count.saturating_sub(usize::from(untold));
    }

    /// Of those that are in trouble again, other incidents tell: nothing says that they are well.
    pub(in crate::engine) fn hush_failing(&mut self, fails: impl Fn(&str) -> bool) {
        let mut ended = std::mem::take(&mut self.ended);
        for one in ended.iter_mut().filter(|one| one.untold) {
            if fails(&one.name) {
                self.unsay(true, one.is_unmanaged());
                (one.untold, one.missed, one.was_critical) = (false, false, false);
            }
        }
        self.ended = ended;
    }

    /// The same at the end, which is about the others.
    pub(in crate::engine) fn take_failing(&mut self, fails: impl Fn(&str) -> bool) -> Vec<String> {
        let ended = std::mem::take(&mut self.ended).into_iter();
        let (failing, ended): (Vec<_>, Vec<_>) = ended.partition(|one| fails(&one.name));
        self.ended = ended;
        for one in &failing {
            self.uncount(one.untold, one.is_unmanaged());
        }
        // What it took is told of those that are left, where all of them are known.
        let is_known = self.ended.len() == self.ended_count && !self.ended.is_empty();
        if is_known && !failing.is_empty() {
            let taken = failing.iter().map(|one| one.attempts);
            let attempts = taken.fold(self.story.attempts, u32::saturating_sub);
            self.story.attempts = attempts;
            let since = self.ended.iter().filter_map(|one| one.failing_since);
            self.story.failing_since = since.min().or(self.story.failing_since);
        }
        failing.into_iter().map(|one| one.name).collect()
    }

    /// What only came and went before anything was loud is no part of what is told.
    pub(in crate::engine) fn forget_blips(&mut self) {
        self.ended.retain(|one| one.missed);
        let unmanaged = self.ended.iter().filter(|one| one.is_unmanaged()).count();
        self.ended_count = self.ended.len();
        (self.well_again, self.unmanaged) = (self.ended_count - unmanaged, unmanaged);
        self.story = Story::default();
        for one in &self.ended {
            self.story.begin(None, one.failing_since);
            self.story.attempts = self.story.attempts.saturating_add(one.attempts);
        }
    }

    /// Whether a message about it was loud.
    pub(in crate::engine) fn was_loud(&self) -> bool {
        self.told.is_some_and(Severity::is_loud)
    }

    /// Whether one that messages left critical is well.
    pub(super) fn was_critical(&self) -> bool {
        self.ended.iter().any(|one| one.was_critical)
    }

    /// Its last alert has closed. One that was only a blip leaves no trace.
    pub(super) fn leave(
        &mut self,
        subject: &Subject,
        called: &str,
        link: &Link,
        rows: &[AlertRow],
    ) {
        let known = link.told.is_some();
        // Beside what was loud a blip is nothing, whoever was told of it.
        let counts = link.was_loud() || known && !self.was_loud();
        if self.members.remove(subject) {
            self.known = self.known.saturating_sub(usize::from(known));
        }
        let urgent = self.urgent.remove(subject);
        let news = urgent.max(self.fresh.remove(subject));
        self.loud.remove(subject);
        self.better.remove(subject);
        self.over.clear();
        let silenced = self.silenced.remove(subject);
        if self.is_over() {
            self.reminder = Reminder::default();
        }
        let is_loud = rows.iter().any(|row| row.severity.is_loud());
        let missed = !known || news.is_some_and(Severity::is_loud);
        if let Some(row) = rows.last().filter(|_| is_loud && !silenced || counts) {
            self.note_ended(called, link, row, missed);
        }
    }

    /// All that was told of it is over, though a note about it stays open.
    pub(super) fn calm(&mut self, called: &str, link: &mut Link, rows: &[AlertRow]) {
        let closed = rows.iter().rev().find(|row| row.reason == Reason::Closed);
        if let Some(row) = closed.filter(|_| link.was_loud()) {
            self.note_ended(called, link, row, false);
            (link.told, link.causes) = (None, Causes::EMPTY);
            self.known = self.known.saturating_sub(1);
        }
    }

    fn note_ended(&mut self, called: &str, link: &Link, row: &AlertRow, missed: bool) {
        self.story.add(row);
        self.story.attempts = self.story.attempts.saturating_add(row.attempts_total);
        self.ended_count += 1;
        let ended = Ended {
            name: called.to_owned(),
            closed_by: row.closed_by,
            not_after: row.not_after,
            untold: true,
            missed,
            was_critical: link.was_critical(self.messages),
            failing_since: row.failing_since,
            attempts: row.attempts_total,
        };
        *if ended.is_unmanaged() {
            &mut self.unmanaged
        } else {
            &mut self.well_again
        } += 1;
        // What was told may make room for what was not.
        if self.ended.len() == ENDED_KEPT
            && let Some(told) = self.ended.iter().position(|one| !one.untold)
        {
            self.ended.remove(told);
        }
        if self.ended.len() < ENDED_KEPT {
            self.ended.push(ended);
        }
    }

    /// What it had to do with so far was told, and is no part of what comes.
    pub(super) fn count_anew(&mut self) {
        self.begun = self.messages;
        (self.known, self.loud_at) = (0, None);
        let mut story = std::mem::take(&mut self.story);
        self.closed_before.append(&mut story.closed);
        self.ended.clear();
        (self.ended_count, self.well_again, self.unmanaged) = (0, 0, 0);
    }

    /// Its end was told, and all that is open is of no concern: what comes is another story.
    pub(in crate::engine) fn begin_anew(&mut self) {
        self.count_anew();
        (self.opened_at, self.interrupted) = (self.told_at, true);
    }
}
