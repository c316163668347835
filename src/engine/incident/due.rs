//! When an incident is told of: at once, when enough has changed, or as a reminder.

use crate::engine::incident::{Ended, Incident, Loud};
use crate::engine::link::ATTEMPT;
use crate::engine::message::Reason;
use crate::rules::Severity;
use crate::time::LogTime;
use chrono::TimeDelta;

/// More names are told of when they are as many as before, and names that are well again when they are as
/// many as those that are critical, but not sooner than this ...
const CHANGE_GAP: TimeDelta = TimeDelta::minutes(5);
/// ... and in any case after this.
const CHANGE_WAIT: TimeDelta = TimeDelta::minutes(30);

/// So many deadlines are told of at once within `BURST_SPAN`; then one message a `BURST_GAP`.
const BURST: usize = 5;
const BURST_SPAN: TimeDelta = TimeDelta::minutes(10);
const BURST_GAP: TimeDelta = TimeDelta::minutes(1);

/// The end of an incident that opened again is told when it has held for so long, and twice as long each time
/// that its end was told in vain, but not longer than eight times.
const HOLD: TimeDelta = TimeDelta::minutes(30);
const HOLDS: u32 = 3;

/// A reminder that falls due so soon after a critical message of its incident is none.
const JUST_NOW: TimeDelta = TimeDelta::minutes(4);

/// What is to be done about an incident now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Due {
    /// Nothing.
    Nothing,
    /// Tell, for this reason.
    Tell(Reason),
    /// Look again then.
    Later(LogTime),
}

impl Due {
    /// To tell for a reason, at a moment that may lie ahead.
    fn at(moment: LogTime, now: LogTime, reason: Reason) -> Self {
        if moment > now {
            Self::Later(moment)
        } else {
            Self::Tell(reason)
        }
    }

    /// What comes first of two; of two to tell, this.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Tell(_), _) | (_, Self::Nothing) => self,
            (Self::Nothing, _) | (_, Self::Tell(_)) => other,
            (Self::Later(one), Self::Later(two)) => Self::Later(one.min(two)),
        }
    }
}

impl Incident {
    /// What is to be done when the log stands at a moment.
    pub(in crate::engine) fn due(&mut self, now: Option<LogTime>) -> Due {
        // Blips of other names keep nobody waiting for the end of what was loud, nor does what people
        // neither were told of nor are to be.
        let concerns = |one: &Loud| one.may_be_told || one.is_known;
        if self.is_over() || self.was_loud() && !self.loud.values().any(concerns) {
            return self.due_at_end(now);
        }
        let waits = !self.fresh.is_empty();
        self.fresh_since = self.fresh_since.or(now).filter(|_| waits);
        // Whoever has just read of it needs no reminder.
        let told_at = self.reminder.critical_told_at;
        let since = now.zip(told_at).map(|(now, told)| now - told);
        self.reminder.repeat_due &= since.is_none_or(|since| since >= JUST_NOW);
        // Where all others are silenced no further message would say so.
        let is_alone = !self.loud.values().any(|one| one.may_be_told);
        let tells = |one: &&Ended| one.was_critical || is_alone && one.untold && !one.missed;
        let well = self.ended.iter().filter(tells).count() + self.over.len();
        self.well_since = self.well_since.or(now).filter(|_| well > 0);
        let is_better = !self.better.is_empty();
        self.better_since = self.better_since.or(now).filter(|_| is_better);
        let loudest = self.loudest_news();
        let news = match loudest {
            Some(loudest) => self.due_of_news(loudest, now),
            None => self.due_without_news(now),
        };
        // Who hears only of what is critical has to hear that it is over, and nobody sends a reminder
        // once newer news is there.
        match news {
            Due::Tell(Reason::Worsened) if self.relief_owed() > loudest => {
                Due::Tell(Reason::Improved)
            }
            Due::Tell(Reason::Repeated) if self.has_relief() => Due::Tell(Reason::Improved),
            Due::Tell(Reason::Worsened) => {
                // A reminder that is to come at once goes with it.
                let next = now.zip(self.reminder.repeat_at).map(|(now, at)| at - now);
                self.reminder.repeat_due |= next.is_some_and(|next| next < JUST_NOW);
                news
            }
            news => news.or(self.due_of_relief(well, now)),
        }
    }

    pub(super) fn loudest_news(&self) -> Option<Severity> {
        let news = self.urgent.values().chain(self.fresh.values());
        news.copied().max()
    }

    fn due_without_news(&self, now: Option<LogTime>) -> Due {
        let late = self.fresh_since.map(|since| since + CHANGE_WAIT);
        match (late, now) {
            _ if self.told.is_none() => Due::Nothing,
            _ if self.reminder.repeat_due => Due::Tell(Reason::Repeated),
            (Some(late), Some(now)) => Due::at(late, now, Reason::Worsened),
            _ => Due::Nothing,
        }
    }

    fn due_of_news(&mut self, loudest: Severity, now: Option<LogTime>) -> Due {
        let Some(told) = self.told else {
            return Due::Tell(Reason::Opened);
        };
        if !told.is_loud() && loudest.is_loud() {
            return Due::Tell(Reason::Opened);
        }
        let alone = self.members.len() == 1 && self.known == 1;
        let (Some(now), Some(told_at)) = (now, self.told_at) else {
            return Due::Tell(Reason::Worsened);
        };
        if loudest > told || alone || self.reminder.repeat_due {
            return Due::Tell(Reason::Worsened);
        }
        let urgent = (!self.urgent.is_empty()).then(|| {
            self.urgent_at.retain(|at| now - *at <= BURST_SPAN);
            if self.urgent_at.len() < BURST {
                now
            } else {
                told_at + BURST_GAP
            }
        });
        let grown = self.fresh_since.map(|since| {
            if self.fresh.len() >= self.known {
                told_at + CHANGE_GAP
            } else {
                since + CHANGE_WAIT
            }
        });
        let first = urgent.into_iter().chain(grown).min();
        Due::at(first.unwrap_or(now), now, Reason::Worsened)
    }

    /// Good news is held a little: what fails again at once was never well.
    fn due_of_relief(&self, well: usize, now: Option<LogTime>) -> Due {
        let Some(now) = now else {
            return Due::Nothing;
        };
        let told = self.loud.values().filter(|one| one.may_be_told);
        let critical = told.filter(|one| one.severity == Severity::Critical);
        let wait = if well >= critical.count() {
            CHANGE_GAP
        } else {
            CHANGE_WAIT
        };
        let well = self.well_since.map(|since| since + wait);
        // What comes back with each attempt was never over.
        let better = self.better_since.map(|since| since + ATTEMPT);
        let first = well.into_iter().chain(better).min();
        first.map_or(Due::Nothing, |first| Due::at(first, now, Reason::Improved))
    }

    fn due_at_end(&self, now: Option<LogTime>) -> Due {
        if self.told.is_none() {
            return Due::Nothing;
        }
        let again = self.reopened.saturating_sub(1).min(HOLDS);
        let held = self.last_change().map(|at| at + HOLD * (1 << again));
        match (now, held.filter(|_| self.reopened > 0)) {
            (Some(now), Some(held)) if now < held => Due::Later(held),
            _ => Due::Tell(Reason::Closed),
        }
    }
}
