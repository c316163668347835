//! certmagic's back-off tables: when the next attempt comes, and how many still fit.

use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Which table a Caddy uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// certmagic up to v0.19.2 (Caddy up to 2.7.5), `async.go`.
    Old,
    /// certmagic from v0.20.0 (Caddy from 2.7.6), `async.go`.
    New,
}

const OLD_MINUTES: [i64; 12] = [1, 2, 2, 5, 10, 20, 20, 30, 30, 60, 180, 360];
const NEW_MINUTES: [i64; 25] = [
    1, 2, 2, 5, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30, 60, 60, 60, 120, 120, 180, 180,
    360,
];

/// More tries than this are not counted: nothing depends on the difference.
const TRIES_MAX: u32 = 1_000;

impl Table {
    /// The wait after so many consecutive failures; the last entry repeats.
    pub fn wait(self, failures: u32) -> TimeDelta {
        let minutes: &[i64] = match self {
            Self::Old => &OLD_MINUTES,
            Self::New => &NEW_MINUTES,
        };
        let index = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
        TimeDelta::minutes(
            minutes
                .get(index)
                .or(minutes.last())
                .copied()
                .unwrap_or(360),
        )
    }

    /// The table that a pair of `attempt` and `retrying_in` gives away; both agree up to attempt 5.
    pub fn of(attempt: u32, retrying_in: TimeDelta) -> Option<Self> {
        let fits = |table: Self| table.wait(attempt) == retrying_in;
        match (fits(Self::Old), fits(Self::New)) {
            (true, false) => Some(Self::Old),
            (false, true) => Some(Self::New),
            _ => None,
        }
    }

    /// Attempts of a sleeping job that start strictly before `not_after`, when the next starts at
    /// `next` after so many `failures`.
    pub fn tries(self, next: LogTime, failures: u32, not_after: LogTime) -> u32 {
        self.tries_with(next, failures, not_after, |failed, wait| failed + wait)
    }

    fn tries_with(
        self,
        next: LogTime,
        failures: u32,
        not_after: LogTime,
        after: impl Fn(LogTime, TimeDelta) -> LogTime,
    ) -> u32 {
        let (mut start, mut tries) = (next, 0);
        while start < not_after && tries < TRIES_MAX {
            tries += 1;
            start = after(start, self.wait(failures.saturating_add(tries)));
        }
        tries
    }
}

/// The maintenance loop's tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// A moment at which a tick was.
    pub anchor: LogTime,
    /// The time between two ticks.
    pub interval: TimeDeltaMicros,
}

/// A length in microseconds, as it is stored.
pub type TimeDeltaMicros = i64;

impl Tick {
    /// certmagic's default (v0.25.3 `maintain.go`, `DefaultRenewCheckInterval`).
    pub const DEFAULT_INTERVAL: TimeDelta = TimeDelta::minutes(10);

    /// The tick whose phase and interval are these.
    pub fn new(anchor: LogTime, interval: TimeDelta) -> Self {
        Self {
            anchor,
            interval: interval
                .num_microseconds()
                .unwrap_or(i64::MAX)
                .max(1_000_000),
        }
    }

    /// The time between two ticks.
    pub fn interval(self) -> TimeDelta {
        TimeDelta::microseconds(self.interval)
    }

    /// The first tick at or after `moment`.
    pub fn at_or_after(self, moment: LogTime) -> LogTime {
        let since = moment.micros().saturating_sub(self.anchor.micros());
        let ticks =
            since.div_euclid(self.interval) + i64::from(since.rem_euclid(self.interval) > 0);
        LogTime::from_micros(
            self.anchor
                .micros()
                .saturating_add(ticks.saturating_mul(self.interval)),
        )
    }

    /// Like [`Table::tries`], for the renewals of certmagic v0.25.6 that the maintenance loop
    /// begins: each starts at the first tick at or after the failure plus the wait. A failure comes
    /// a little after its tick, so a wait that is a multiple of the tick costs one tick more.
    pub fn tries(self, table: Table, next: LogTime, failures: u32, not_after: LogTime) -> u32 {
        const ATTEMPT: TimeDelta = TimeDelta::milliseconds(500);
        table.tries_with(next, failures, not_after, |start, wait| {
            self.at_or_after(start + ATTEMPT + wait)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_of_attempt_and_wait_tells_the_table() {
        assert_eq!(
            Table::of(29, TimeDelta::hours(6)),
            None,
            "both end in six hours"
        );
        assert_eq!(Table::of(6, TimeDelta::minutes(10)), Some(Table::New));
        assert_eq!(Table::of(6, TimeDelta::minutes(20)), Some(Table::Old));
        assert_eq!(Table::of(3, TimeDelta::minutes(2)), None);
        assert_eq!(Table::of(24, TimeDelta::hours(3)), Some(Table::New));
    }

    #[test]
    fn tries_left_count_starts_strictly_before_expiry() {
        let not_after = LogTime::parse_rfc3339("2026-05-03T23:37:59Z").unwrap();
        let next = LogTime::parse_rfc3339("2026-05-03T04:03:40Z").unwrap();
        assert_eq!(Table::New.tries(next, 25, not_after), 4);
        assert_eq!(
            Table::New.tries(next + TimeDelta::hours(12), 27, not_after),
            2
        );
        assert_eq!(
            Table::New.tries(next + TimeDelta::hours(18), 28, not_after),
            1
        );
        assert_eq!(
            Table::New.tries(next + TimeDelta::hours(24), 29, not_after),
            0
        );
        assert_eq!(Table::New.tries(not_after, 1, not_after), 0);
    }

    #[test]
    fn a_wait_that_is_a_multiple_of_the_tick_costs_one_tick_more() {
        let start = LogTime::from_seconds(1_000_000);
        let tick = Tick::new(start, Tick::DEFAULT_INTERVAL);
        let minutes: Vec<i64> = (1..=24)
            .scan(start, |at, failures| {
                let failed = *at + TimeDelta::milliseconds(600);
                *at = tick.at_or_after(failed + Table::New.wait(failures));
                Some((*at - start).num_minutes())
            })
            .collect();
        // Measured on Caddy 2.11.7 up to minute 60, by its table from there.
        assert_eq!(
            minutes,
            [
                10, 20, 30, 40, 60, 80, 100, 130, 160, 190, 220, 260, 300, 340, 380, 420, 460, 530,
                600, 670, 800, 930, 1120, 1310
            ]
        );
    }
}
