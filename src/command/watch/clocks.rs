//! How far what is known of a log trails our clock: its lines may be under way, and its host's clock may be
//! behind ours.

use crate::time::{LogTime, WallTime};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The clocks of all sources.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// How long lines may be under way, where that is configured.
    lag: BTreeMap<Arc<str>, TimeDelta>,
    /// How far a host's clock is behind ours, of logs that were set back: no tick of ours sets them ahead
    /// again.
    behind: BTreeMap<Arc<str>, TimeDelta>,
}

impl Clocks {
    pub(super) fn new(lag: BTreeMap<Arc<str>, TimeDelta>) -> Self {
        let behind = BTreeMap::new();
        Self { lag, behind }
    }

    /// Takes what is configured anew.
    pub(super) fn configure(&mut self, lag: BTreeMap<Arc<str>, TimeDelta>) {
        self.lag = lag;
    }

    /// How far a log trails our clock.
    pub(super) fn lag_of(&self, source: &str) -> TimeDelta {
        let lag = self.lag.get(source).copied();
        let behind = self.behind.get(source).copied().unwrap_or_default();
        lag.unwrap_or(crate::config::LAG) + behind
    }

    /// A log was set back to a moment, which is now if it is read as it is written. Returns whether it is the
    /// first time.
    pub(super) fn set_back(&mut self, source: &str, to: LogTime, now: Option<WallTime>) -> bool {
        let behind = now.map_or_else(TimeDelta::zero, |now| behind(to, now));
        self.behind.insert(source.into(), behind).is_none()
    }

    /// Lines that were written just now brought a log to a moment: its host's clock is no further behind than
    /// that.
    pub(super) fn reached(&mut self, source: &str, log_time: LogTime, now: WallTime) {
        if let Some(known) = self.behind.get_mut(source) {
            *known = behind(log_time, now).min(*known);
        }
    }
}

fn behind(log_time: LogTime, now: WallTime) -> TimeDelta {
    (now.trailing(TimeDelta::zero()) - log_time).max(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(seconds: i64) -> LogTime {
        LogTime::from_seconds(1_700_000_000 + seconds)
    }

    fn now(seconds: i64) -> WallTime {
        WallTime::from_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn ticks_stay_behind_by_as_much_as_the_clock_of_the_host() {
        let mut clocks = Clocks::new(BTreeMap::from([("a".into(), TimeDelta::seconds(2))]));
        assert_eq!(clocks.lag_of("a"), TimeDelta::seconds(2));
        assert_eq!(clocks.lag_of("b"), crate::config::LAG);
        clocks.reached("a", at(0), now(30 * MINUTE));
        assert_eq!(clocks.lag_of("a"), TimeDelta::seconds(2), "it may be old");
        assert!(clocks.set_back("a", at(0), Some(now(30 * MINUTE))));
        let half_an_hour = TimeDelta::minutes(30) + TimeDelta::seconds(2);
        assert_eq!(clocks.lag_of("a"), half_an_hour);
        clocks.reached("a", at(100), now(31 * MINUTE + 100));
        assert_eq!(clocks.lag_of("a"), half_an_hour, "a line that was late");
        clocks.reached("a", at(40 * MINUTE), now(40 * MINUTE + 1));
        assert_eq!(
            clocks.lag_of("a"),
            TimeDelta::seconds(3),
            "it was set right"
        );
        assert!(!clocks.set_back("a", at(0), Some(now(60 * MINUTE))));
        assert_eq!(clocks.lag_of("b"), crate::config::LAG);
    }

    #[test]
    fn of_what_was_written_long_ago_nobody_knows_how_late_it_is() {
        let mut clocks = Clocks::default();
        assert!(clocks.set_back("a", at(0), None));
        assert_eq!(clocks.lag_of("a"), crate::config::LAG);
    }
}
