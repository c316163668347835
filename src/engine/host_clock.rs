//! The clock of a host: what it moves when it is set back, and how far it is behind ours, where its log has
//! shown that. Ticks stay behind by as much.

use crate::engine::Engine;
use crate::engine::certificate::{Certificate, Trouble};
use crate::engine::instance::Instance;
use crate::engine::state::Watched;
use crate::time::LogTime;
use chrono::TimeDelta;

/// No moment of the past lies ahead of a clock that was set back: brings those that do to it. Returns whether
/// there were any.
pub(super) fn clamp<'a, T>(moments: impl IntoIterator<Item = &'a mut T>, to: T) -> bool
where
    T: Copy + PartialOrd + 'a,
{
    let later = moments.into_iter().filter(|moment| **moment > to);
    later.map(|moment| *moment = to).count() > 0
}

impl Certificate {
    /// The moments of the past that it stands on.
    fn past(&mut self) -> impl Iterator<Item = &mut LogTime> {
        let due = self.due.as_mut().map(|due| &mut due.since);
        let own = [
            &mut self.not_after_heard,
            &mut self.last_due,
            &mut self.succeeded,
        ];
        let own = own.into_iter().filter_map(Option::as_mut).chain(due);
        own.chain(self.trouble.get_mut().into_iter().flat_map(Trouble::past))
    }
}

impl Trouble {
    fn past(&mut self) -> impl Iterator<Item = &mut LogTime> {
        let streaks = [self.failing.as_mut(), self.failed.as_deref_mut()];
        let streaks = streaks.into_iter().flatten();
        let streaks = streaks.map(|streak| &mut streak.since);
        let job = self.open_job.as_mut();
        let job = job.map(|job| [&mut job.released, &mut job.began, &mut job.heard]);
        let own = [&mut self.last_failure, &mut self.idle_since];
        let own = own.into_iter().chain(job.into_iter().flatten());
        own.filter_map(Option::as_mut).chain(streaks)
    }
}

impl Instance {
    fn past(&mut self) -> impl Iterator<Item = &mut LogTime> {
        let own = [
            &mut self.started,
            &mut self.listed_at,
            &mut self.panicked_at,
            &mut self.last_panic,
            &mut self.revived,
        ];
        own.into_iter().filter_map(Option::as_mut)
    }
}

impl Watched {
    /// The clock of the log was set back to a moment. Returns whether that is the first time since we began.
    pub(super) fn set_back(&mut self, to: LogTime) -> bool {
        self.instance.log_time = Some(to);
        self.instance_changed = true;
        self.incidents.set_back(to);
        for certificate in self.certificates.iter_mut() {
            let is_set_back = clamp(certificate.past(), to);
            let trouble = certificate.trouble.get_mut();
            if trouble.is_some_and(|trouble| trouble.link.set_back(to)) || is_set_back {
                self.changed.insert(certificate.name.clone());
            }
        }
        clamp(self.instance.past(), to);
        self.instance.ticker.set_back();
        self.instance.rhythm.set_back(to);
        self.instance.on_demand.set_back(to);
        self.instance.link.set_back(to);
        self.retime_reminders();
        self.is_set_back = true;
        !std::mem::replace(&mut self.was_set_back, true)
    }
}

impl Engine {
    /// How far the clock of an instance's host is behind ours; zero unless its log was set back.
    pub fn behind(&self, instance: &str) -> TimeDelta {
        let watched = self.watched.get(instance);
        watched.map_or_else(TimeDelta::zero, |watched| {
            TimeDelta::microseconds(watched.instance.behind_micros)
        })
    }

    /// All that is written of an instance's log at a moment of our clock has been read. Where it `is_live`, and
    /// its last lines were written just now, a clock that they set back is as far behind ours as they are; and
    /// however old they are, no clock is further behind than that.
    pub fn compare_clocks(&mut self, instance: &str, now: LogTime, is_live: bool) {
        if let Some(watched) = self.watched.get_mut(instance) {
            watched.compare_clocks(now, is_live);
        }
    }
}

impl Watched {
    fn compare_clocks(&mut self, now: LogTime, is_live: bool) {
        let is_new = std::mem::take(&mut self.is_set_back) && is_live;
        let Some(log_time) = self.instance.log_time else {
            return;
        };
        let known = self.instance.behind_micros;
        if known == 0 && !is_new {
            return;
        }
        let shown = (now - log_time).num_microseconds().unwrap_or(0).max(0);
        self.instance.behind_micros = if is_new { shown } else { known.min(shown) };
        self.instance_changed |= self.instance.behind_micros != known;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(seconds: i64) -> LogTime {
        LogTime::from_seconds(1_700_000_000 + seconds)
    }

    fn watched(log_time: i64, is_set_back: bool) -> Watched {
        let mut watched = Watched::default();
        watched.instance.log_time = Some(at(log_time));
        watched.is_set_back = is_set_back;
        watched
    }

    fn behind(watched: &Watched) -> i64 {
        watched.instance.behind_micros / 1_000_000
    }

    #[test]
    fn a_clock_is_as_far_behind_as_its_last_line_is_when_it_was_set_back() {
        let mut host = watched(0, false);
        host.compare_clocks(at(30 * MINUTE), true);
        assert_eq!(behind(&host), 0, "it may merely be silent");
        host.is_set_back = true;
        host.compare_clocks(at(30 * MINUTE), true);
        assert_eq!(behind(&host), 30 * MINUTE);
        host.instance.log_time = Some(at(100));
        host.compare_clocks(at(31 * MINUTE + 100), true);
        assert_eq!(behind(&host), 30 * MINUTE, "a line that was late");
        host.instance.log_time = Some(at(40 * MINUTE));
        host.compare_clocks(at(40 * MINUTE + 1), false);
        assert_eq!(behind(&host), 1, "it was set right");
    }

    #[test]
    fn lines_that_were_under_way_for_long_are_no_clock_that_is_behind() {
        let mut host = watched(0, true);
        host.compare_clocks(at(0), true);
        assert_eq!(behind(&host), 0, "the last of them came at once");
        let mut host = watched(0, true);
        host.compare_clocks(at(90 * MINUTE), false);
        host.compare_clocks(at(91 * MINUTE), true);
        assert_eq!(behind(&host), 0, "they were written before it was watched");
    }
}
