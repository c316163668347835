//! What is known of one watched Caddy: its log clock, its tick, its table, its open jobs.

use crate::caddy::backoff::{Table, Tick};
use crate::caddy::failure::Job;
use crate::caddy::name::Name;
use crate::engine::certificate::{NextRetry, RetrySource};
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A jump ahead of more than this counts only when a second line confirms it.
pub(super) const JUMP: TimeDelta = TimeDelta::days(7);

/// One watched Caddy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    /// How far its log has come.
    pub log_time: Option<LogTime>,
    /// A jump ahead that waits for a second line.
    pub jump: Option<LogTime>,
    /// When its maintenance loop last began; `None` if that was before we looked.
    pub started: Option<LogTime>,
    /// The maintenance tick, once one was seen.
    pub tick: Option<Tick>,
    /// The interval that decision lines name, until the spacing of ticks is seen.
    pub hinted_interval_micros: Option<i64>,
    /// The back-off table, once something gave it away.
    pub table: Option<Table>,
    /// Whether it has shown info-level certificate lines since its start.
    pub informed: bool,
    /// The certificate whose obtain job began last.
    pub obtaining: Option<Name>,
    /// The certificate whose renew job began last.
    pub renewing: Option<Name>,
}

/// What a stamp did to the log clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It moved, or stayed where it was.
    Fine,
    /// The stamp is so far ahead that it waits for a second line.
    Held,
    /// A second line confirmed a jump of more than seven days.
    Jumped,
}

impl Instance {
    /// Where the log clock would stand after a line of this stamp; does not move it.
    pub(super) fn reach(&mut self, stamp: LogTime) -> (LogTime, Moved) {
        let Some(log_time) = self.log_time else {
            return (stamp, Moved::Fine);
        };
        if stamp <= log_time {
            return (log_time, Moved::Fine);
        }
        if stamp - log_time <= JUMP {
            self.jump = None;
            return (stamp, Moved::Fine);
        }
        match self.jump {
            Some(first) if (stamp - first).abs() <= JUMP => {
                self.jump = None;
                (stamp, Moved::Jumped)
            }
            _ => {
                self.jump = Some(stamp);
                (log_time, Moved::Held)
            }
        }
    }

    /// A new maintenance loop: its ticks count from here, and nothing else of the old one holds.
    pub(super) fn restart(&mut self, at: LogTime) {
        self.started = Some(at);
        self.informed = true;
        self.hinted_interval_micros = None;
        self.tick = Some(Tick::new(at, Tick::DEFAULT_INTERVAL));
        self.obtaining = None;
        self.renewing = None;
    }

    /// The configured interval; it may differ from the real one after a reload, so the first since
    /// the start counts and the spacing of ticks overrules it.
    pub(super) fn hint(&mut self, interval: TimeDelta) {
        if self.hinted_interval_micros.is_none() && interval >= TimeDelta::seconds(1) {
            self.hinted_interval_micros = interval.num_microseconds();
            if let Some(tick) = self.tick {
                self.tick = Some(Tick::new(tick.anchor, interval));
            }
        }
    }

    /// A line that only a tick prints. Lines of one tick come within a second or so.
    pub(super) fn ticked(&mut self, at: LogTime) {
        const SAME_TICK: TimeDelta = TimeDelta::milliseconds(2_500);
        let Some(tick) = self.tick else {
            let hinted = self.hinted_interval_micros.map(TimeDelta::microseconds);
            self.tick = Some(Tick::new(at, hinted.unwrap_or(Tick::DEFAULT_INTERVAL)));
            return;
        };
        let since = at - tick.anchor;
        if since < SAME_TICK {
            return;
        }
        let next = tick.at_or_after(at);
        let off = (at - next).abs().min((at - (next - tick.interval())).abs());
        let interval = if off > SAME_TICK {
            since
        } else {
            tick.interval()
        };
        self.tick = Some(Tick::new(at, interval));
    }

    /// The next tick at or after a moment.
    pub(super) fn next_tick(&self, at: LogTime) -> Option<LogTime> {
        Some(self.tick?.at_or_after(at))
    }

    /// The interval of the maintenance loop, as far as known.
    pub(super) fn interval(&self) -> TimeDelta {
        self.tick.map_or(Tick::DEFAULT_INTERVAL, Tick::interval)
    }

    /// Notes what gives the table away.
    pub(super) fn learn_table(&mut self, table: Option<Table>) {
        if table.is_some() {
            self.table = table;
        }
    }

    /// The certificate that a line without a name is about.
    pub(super) fn open_name(&self, job: Option<Job>) -> Option<&Name> {
        match job {
            Some(Job::Obtain) => self.obtaining.as_ref(),
            Some(Job::Renew) => self.renewing.as_ref(),
            None => None,
        }
    }

    /// Notes whose job runs on a logger.
    pub(super) fn job_began(&mut self, job: Job, name: &Name) {
        match job {
            Job::Obtain => self.obtaining = Some(name.clone()),
            Job::Renew => self.renewing = Some(name.clone()),
        }
    }

    /// The announced next attempt of a sleeping job. Where the table is not known yet, the one with
    /// fewer tries left counts.
    pub(super) fn announced(
        &self,
        at: LogTime,
        failures: u32,
        not_after: Option<LogTime>,
    ) -> NextRetry {
        let tries = |table: Table| not_after.map(|end| table.tries(at, failures, end));
        let tries_left = match self.table {
            Some(table) => tries(table),
            None => tries(Table::Old).min(tries(Table::New)),
        };
        NextRetry {
            at,
            source: RetrySource::Announced,
            tries_left,
        }
    }

    /// The next attempt of a renewal that the maintenance loop paces (certmagic v0.25.6): the first
    /// tick at or after the failure plus the wait.
    pub(super) fn paced(
        &self,
        failed: LogTime,
        failures: u32,
        not_after: Option<LogTime>,
    ) -> Option<NextRetry> {
        let tick = self.tick?;
        let at = tick.at_or_after(failed + Table::New.wait(failures));
        let tries_left = not_after.map(|end| tick.tries(Table::New, at, failures, end));
        Some(NextRetry {
            at,
            source: RetrySource::Predicted,
            tries_left,
        })
    }

    /// A renewal that the next tick takes up anew; how many tries follow is not known.
    pub(super) fn at_next_tick(&self, after: LogTime) -> Option<NextRetry> {
        Some(NextRetry {
            at: self.next_tick(after)?,
            source: RetrySource::Predicted,
            tries_left: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: TimeDelta = TimeDelta::milliseconds(50);

    fn at(seconds: i64) -> LogTime {
        LogTime::from_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn a_jump_of_more_than_seven_days_waits_for_a_second_line() {
        let mut instance = Instance {
            log_time: Some(at(0)),
            ..Instance::default()
        };
        let ahead = at(30 * 86_400);
        assert_eq!(instance.reach(ahead), (at(0), Moved::Held));
        assert_eq!(instance.reach(at(1)), (at(1), Moved::Fine));
        assert_eq!(instance.reach(ahead), (at(0), Moved::Held));
        assert_eq!(instance.reach(ahead + SOON), (ahead + SOON, Moved::Jumped));
    }

    #[test]
    fn the_spacing_of_ticks_overrules_the_hint() {
        let mut instance = Instance::default();
        instance.restart(at(0));
        instance.hint(TimeDelta::seconds(10));
        assert_eq!(instance.next_tick(at(11)), Some(at(20)));
        instance.hint(TimeDelta::seconds(3));
        assert_eq!(
            instance.next_tick(at(11)),
            Some(at(20)),
            "a reload does not change the ticker"
        );
        instance.ticked(at(37));
        assert_eq!(instance.interval(), TimeDelta::seconds(37));
    }

    #[test]
    fn a_missed_tick_does_not_stretch_the_interval() {
        let mut instance = Instance::default();
        instance.restart(at(0));
        instance.ticked(at(1_800));
        assert_eq!(instance.interval(), TimeDelta::minutes(10));
        instance.ticked(at(1_801));
        assert_eq!(instance.next_tick(at(1_900)), Some(at(2_400)));
    }
}
