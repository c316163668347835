//! When the maintenance loop ticks, from what its lines give away.

use crate::caddy::backoff::Tick;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// What is known of a maintenance loop's ticks. A ticker counts from the start of its loop and does
/// not drift; a reload does not change it (measured on Caddy 2.8 to 2.11). So the start and the
/// configured interval decide, and the lines of ticks only overrule them when they insist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticker {
    /// The ticks, once anything is known.
    pub tick: Option<Tick>,
    /// The loop's start was seen, so the phase is exact.
    started: bool,
    /// The interval that the first decision line since the start named.
    hinted: bool,
    /// The last tick that was seen, and how often the spacing before it was seen in a row.
    last: Option<LogTime>,
    spacing_micros: i64,
    seen: u32,
}

/// Lines of one tick come within this time, or belong to different ticks of a very short interval.
const SAME_TICK: TimeDelta = TimeDelta::milliseconds(2_500);

/// Lines of a tick may be this late: refreshes of renewal information come before them.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(15);

/// Equal spacings that overrule what was believed.
const INSISTENT: u32 = 3;

impl Ticker {
    /// The loop began.
    pub(super) fn start(&mut self, at: LogTime) {
        *self = Self {
            tick: Some(Tick::new(at, Tick::DEFAULT_INTERVAL)),
            started: true,
            ..Self::default()
        };
    }

    /// The clock was set back: how long ago the last tick was, nobody knows.
    pub(super) fn set_back(&mut self) {
        (self.last, self.seen) = (None, 0);
    }

    /// The configured interval, as decision lines print it. After a reload they print the new one
    /// while the ticker keeps the old, so only the first counts.
    pub(super) fn hint(&mut self, interval: TimeDelta) {
        if self.hinted || interval < TimeDelta::seconds(1) {
            return;
        }
        self.hinted = true;
        self.tick = self.tick.map(|tick| Tick::new(tick.anchor, interval));
    }

    /// A line that only a tick prints.
    pub(super) fn ticked(&mut self, at: LogTime) {
        let since = self.last.map(|last| at - last);
        if since.is_some_and(|since| since < SAME_TICK) {
            return;
        }
        self.last = Some(at);
        let spacing = since.unwrap_or_default();
        let known = TimeDelta::microseconds(self.spacing_micros);
        let equal = (spacing - known).abs() <= SAME_TICK.min(known / 10);
        self.seen = if equal {
            self.seen.saturating_add(1)
        } else {
            1
        };
        if !equal {
            self.spacing_micros = spacing.num_microseconds().unwrap_or(0);
        }
        let Some(tick) = self.tick else {
            self.tick = Some(Tick::new(at, Tick::DEFAULT_INTERVAL));
            return;
        };
        let ahead = tick.at_or_after(at) - at;
        let late = tick.interval() - ahead;
        let fits = ahead <= SAME_TICK || late <= LATE.min(tick.interval() / 4);
        if self.seen >= INSISTENT && !is_multiple(spacing, tick.interval()) {
            self.tick = Some(Tick::new(at, spacing));
            self.started = false;
        } else if !self.started && (!fits || (ahead > TimeDelta::zero() && ahead <= SAME_TICK)) {
            self.tick = Some(Tick::new(at, tick.interval()));
        }
    }
}

fn is_multiple(spacing: TimeDelta, interval: TimeDelta) -> bool {
    let (Some(spacing), Some(interval)) = (spacing.num_microseconds(), interval.num_microseconds())
    else {
        return true;
    };
    let rest = spacing.rem_euclid(interval.max(1));
    let off = rest.min(interval - rest);
    spacing >= interval / 2 && off <= SAME_TICK.num_microseconds().unwrap_or(0).min(interval / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> LogTime {
        LogTime::from_seconds(1_700_000_000 + seconds)
    }

    fn next(ticker: &Ticker, after: i64) -> Option<LogTime> {
        Some(ticker.tick?.at_or_after(at(after)))
    }

    #[test]
    fn the_start_and_the_first_hint_decide() {
        let mut ticker = Ticker::default();
        ticker.start(at(0));
        ticker.hint(TimeDelta::seconds(10));
        ticker.hint(TimeDelta::seconds(3));
        assert_eq!(
            next(&ticker, 11),
            Some(at(20)),
            "a reload does not change the ticker"
        );
    }

    #[test]
    fn late_lines_of_a_tick_do_not_shift_it() {
        let mut ticker = Ticker::default();
        ticker.start(at(0));
        for late in [600, 604, 1_205, 2_401] {
            ticker.ticked(at(late));
        }
        assert_eq!(next(&ticker, 2_500), Some(at(3_000)));
    }

    #[test]
    fn without_a_start_the_first_line_gives_the_phase() {
        let mut ticker = Ticker::default();
        ticker.ticked(at(7));
        assert_eq!(next(&ticker, 8), Some(at(607)));
        ticker.ticked(at(611));
        assert_eq!(
            next(&ticker, 612),
            Some(at(1_207)),
            "4 s late is the same phase"
        );
        ticker.ticked(at(1_500));
        assert_eq!(
            next(&ticker, 1_501),
            Some(at(2_100)),
            "another phase: an unseen restart"
        );
    }

    #[test]
    fn equal_spacings_overrule_the_default() {
        let mut ticker = Ticker::default();
        ticker.start(at(0));
        for tick in [10, 20, 30, 40] {
            ticker.ticked(at(tick));
        }
        assert_eq!(next(&ticker, 41), Some(at(50)));
    }
}
