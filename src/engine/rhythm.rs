//! Lines that come by the clock: their absence means that the log, or what writes it, is dead.
//!
//! While a renewal is due, each maintenance tick names it. And once a day, whatever is due, the
//! storage is cleaned (Caddy v2.11.7 `modules/caddytls/tls.go`); how often is learned. A configuration
//! that is loaded begins that interval anew, and has it done at once only where half of it has passed.

use crate::caddy::event::Event;
use crate::caddy::vocabulary::Means;
use crate::engine::host_clock::clamp;
use crate::engine::instance::{RACE, begun};
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The rhythm of one watched Caddy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rhythm {
    /// The last line about certificates.
    pub heard: Option<LogTime>,
    /// The last tick that named a certificate, and how many came in a row.
    pub tick: Option<LogTime>,
    ticks: u32,
    /// The last cleaning of the storage, the last time a configuration was loaded, and the longest time
    /// between a cleaning and what of the two was before it in one process.
    cleaned: Option<LogTime>,
    loaded: Option<LogTime>,
    spacing_micros: i64,
    /// When it said that it stops.
    stopped_at: Option<LogTime>,
}

/// What brings the next line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// The maintenance loop.
    Tick,
    /// The cleaning of the storage.
    Cleaning,
}

impl Beat {
    /// The word for it in rules.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::Cleaning => "cleaning",
        }
    }
}

/// Lines of one tick, or of one cleaning, come within this time.
const TOGETHER: TimeDelta = TimeDelta::seconds(60);

/// A shorter time between cleanings is that of configurations being loaded, not a rhythm.
const SHORTEST_CLEANING: TimeDelta = TimeDelta::hours(1);

impl Rhythm {
    /// Takes in a line about certificates; `interval` is that of the maintenance loop. Returns
    /// whether the next line is expected at another time.
    pub(super) fn hear(&mut self, event: &Event, at: LogTime, interval: TimeDelta) -> bool {
        let before = *self;
        self.beat(event, at, interval);
        self.heard = Some(self.heard.map_or(at, |heard| heard.max(at)));
        // A configuration of Caddy up to 2.6.4 says so, too, when another takes its place.
        let stops = Some(at).filter(|_| event.means == Means::Stopping);
        // Other goroutines may write what they stamped before.
        let is_old = |stopped: &LogTime| (TimeDelta::zero()..=RACE).contains(&(*stopped - at));
        self.stopped_at = stops.or(self.stopped_at.filter(is_old));
        let silent = |rhythm: &Self| Self {
            heard: None,
            ..*rhythm
        };
        silent(self) != silent(&before)
    }

    /// The clock was set back to a moment.
    pub(super) fn set_back(&mut self, to: LogTime) {
        let past = [
            &mut self.heard,
            &mut self.tick,
            &mut self.cleaned,
            &mut self.loaded,
            &mut self.stopped_at,
        ];
        clamp(past.into_iter().filter_map(Option::as_mut), to);
    }

    fn beat(&mut self, event: &Event, at: LogTime, interval: TimeDelta) {
        let since_tick = self.tick.map(|tick| at - tick);
        let in_row = since_tick.is_some_and(|since| since <= interval + interval / 2);
        let another = since_tick.is_none_or(|since| since > TOGETHER.min(interval / 4));
        if !in_row {
            self.ticks = 0;
        }
        match event.means {
            // A job that begins is told, too, but behind these.
            Means::Queued | Means::Due | Means::DueByAri if !event.on_demand => {
                self.ticks = self.ticks.saturating_add(u32::from(another));
                // Lines of one tick may come in another order than their stamps.
                let first = self.tick.filter(|_| !another);
                self.tick = Some(first.map_or(at, |first| first.min(at)));
            }
            Means::Cleaned => self.clean(at),
            Means::Managing => self.loaded = Some(at),
            Means::MaintenanceStarted => self.begin(at),
            _ => {}
        }
    }

    /// A new maintenance loop: only what came since its process began goes on.
    fn begin(&mut self, at: LogTime) {
        let begun = begun(self.loaded, at);
        let own = |moment: Option<LogTime>| moment.filter(|moment| *moment >= begun);
        let tick = own(self.tick);
        *self = Self {
            heard: self.heard,
            tick,
            ticks: u32::from(tick.is_some()),
            cleaned: own(self.cleaned),
            loaded: own(self.loaded),
            spacing_micros: self.spacing_micros,
            stopped_at: None,
        };
    }

    fn clean(&mut self, at: LogTime) {
        let since = self.cleaning_counts_from().map(|from| at - from);
        if let Some(since) = since.filter(|since| *since >= SHORTEST_CLEANING) {
            let micros = since.num_microseconds().unwrap_or(0);
            self.spacing_micros = self.spacing_micros.max(micros);
        }
        self.cleaned = Some(at);
    }

    fn cleaning_counts_from(&self) -> Option<LogTime> {
        self.cleaned.max(self.loaded)
    }

    /// Whether it has said that it stops, and nothing since.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped_at.is_some()
    }

    /// The moment by which the next line should come, and what brings it. `waiting`: a renewal is
    /// due, so that each tick names it.
    pub(super) fn next(&self, waiting: bool, interval: TimeDelta) -> Option<(LogTime, Beat)> {
        const IN_A_ROW: u32 = 2;
        let tick = self.tick.filter(|_| waiting && self.ticks >= IN_A_ROW);
        let tick = tick.map(|tick| (tick + interval, Beat::Tick));
        let is_learned = self.cleaned.is_some() && self.spacing_micros > 0;
        let from = self.cleaning_counts_from().filter(|_| is_learned);
        let spacing = TimeDelta::microseconds(self.spacing_micros);
        let cleaned = from.map(|from| (from + spacing, Beat::Cleaning));
        let next = tick.into_iter().chain(cleaned).min_by_key(|(at, _)| *at);
        next.filter(|_| !self.is_stopped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caddy::entry::Entry;

    fn event(msg: &str) -> Event {
        let line = format!(
            r#"{{"level":"info","ts":1,"logger":"tls.cache.maintenance","msg":"{msg}","identifiers":["a.example.com"],"remaining":500}}"#
        );
        Event::of(&Entry::decode(line.as_bytes()).unwrap()).unwrap()
    }

    /// The worker may write before the loop does, though it was told after.
    #[test]
    fn a_job_that_is_told_before_its_name_is_called_due_is_no_tick() {
        let interval = TimeDelta::minutes(10);
        let mut rhythm = Rhythm::default();
        for tick in [600, 1_200] {
            let due = LogTime::from_seconds(tick);
            let job = event("attempting certificate renewal");
            rhythm.hear(&job, due + TimeDelta::milliseconds(1), interval);
            let queued = event("certificate expires soon; queuing for renewal");
            rhythm.hear(&queued, due, interval);
            assert_eq!(rhythm.tick, Some(due));
        }
        let next = LogTime::from_seconds(1_800);
        assert_eq!(rhythm.next(true, interval), Some((next, Beat::Tick)));
    }

    #[test]
    fn a_tick_is_at_the_first_stamp_of_its_lines_in_whatever_order_they_come() {
        let interval = TimeDelta::minutes(10);
        let queued = event("certificate expires soon; queuing for renewal");
        let mut rhythm = Rhythm::default();
        for tick in [600, 1_200] {
            let due = LogTime::from_seconds(tick);
            rhythm.hear(&queued, due + TimeDelta::milliseconds(30), interval);
            rhythm.hear(&queued, due, interval);
            rhythm.hear(&queued, due + TimeDelta::milliseconds(50), interval);
        }
        let next = LogTime::from_seconds(1_800);
        assert_eq!(rhythm.next(true, interval), Some((next, Beat::Tick)));
    }

    #[test]
    fn a_tick_that_is_told_before_the_loop_says_that_it_began_counts() {
        let interval = TimeDelta::minutes(10);
        let managing = event("enabling automatic TLS certificate management");
        let due = event("certificate needs renewal based on ARI window");
        let queued = event("certificate expires soon; queuing for renewal");
        let started = event("started background certificate maintenance");
        for [at_list, at_due, at_start] in [[0, 5, 9], [1, 5, 0]] {
            let at = |millis: i64| LogTime::from_seconds(600) + TimeDelta::milliseconds(millis);
            let mut rhythm = Rhythm::default();
            rhythm.hear(&managing, at(at_list), interval);
            rhythm.hear(&due, at(at_due), interval);
            rhythm.hear(&started, at(at_start), interval);
            rhythm.hear(&queued, LogTime::from_seconds(1_200), interval);
            let next = LogTime::from_seconds(1_800);
            assert_eq!(rhythm.next(true, interval), Some((next, Beat::Tick)));
        }
    }

    #[test]
    fn a_line_stamped_before_the_stop_and_written_after_it_is_no_new_life() {
        let interval = TimeDelta::minutes(10);
        let mut rhythm = Rhythm::default();
        let queued = event("certificate expires soon; queuing for renewal");
        let at = |millis: i64| LogTime::from_seconds(1_200) + TimeDelta::milliseconds(millis);
        rhythm.hear(&queued, LogTime::from_seconds(600), interval);
        rhythm.hear(
            &event("shutting down apps, then terminating"),
            at(20),
            interval,
        );
        rhythm.hear(&queued, at(0), interval);
        assert_eq!(rhythm.next(true, interval), None);
        // A configuration of Caddy up to 2.6.4 says so, too, when another takes its place.
        rhythm.hear(&queued, LogTime::from_seconds(1_800), interval);
        assert!(rhythm.next(true, interval).is_some());
    }

    /// Whatever is written after a silence ends it.
    #[test]
    fn a_configuration_that_is_loaded_is_heard_after_a_silence() {
        let interval = TimeDelta::minutes(10);
        let mut rhythm = Rhythm::default();
        let queued = event("certificate expires soon; queuing for renewal");
        rhythm.hear(&queued, LogTime::from_seconds(600), interval);
        rhythm.hear(&queued, LogTime::from_seconds(1_200), interval);
        assert!(rhythm.next(true, interval).is_some());
        let managing = event("enabling automatic TLS certificate management");
        assert!(rhythm.hear(&managing, LogTime::from_seconds(9_000), interval));
        assert_eq!(rhythm.next(true, interval), None);
    }
}
