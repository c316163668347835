//! What is known of one watched Caddy: its log clock, its tick, its table, its open jobs.

use crate::caddy::backoff::{Table, Tick};
use crate::caddy::name::Name;
use crate::caddy::remedy::Generation;
use crate::engine::alert::Alerts;
use crate::engine::certificate::{NextRetry, RetrySource};
use crate::engine::door;
use crate::engine::evidence::Quote;
use crate::engine::link::Link;
use crate::engine::on_demand::OnDemand;
use crate::engine::rhythm::{Beat, Rhythm};
use crate::engine::tick::{LATE, Ticker};
use crate::engine::unknown::Unknowns;
use crate::engine::usual::Usual;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A jump ahead of more than this counts only when a second line confirms it.
pub(super) const JUMP: TimeDelta = TimeDelta::days(7);

/// A step back of more than this counts once a second line confirms it.
const STEP_BACK: TimeDelta = TimeDelta::minutes(10);

/// A maintenance loop may say this late that it began: it waits for its turn while its process goes on.
pub(super) const RACE: TimeDelta = TimeDelta::seconds(1);

/// When the process began, or the configuration was loaded, whose maintenance loop says at a moment that it
/// begins. Its list of managed names, and all that follows from it, may have been printed before: goroutines
/// of one start race (Caddy 2.8.4, 2.11.4).
pub(super) fn begun(listed: Option<LogTime>, at: LogTime) -> LogTime {
    let own = listed.filter(|listed| at - *listed <= RACE);
    own.map_or(at, |listed| listed.min(at))
}

/// One watched Caddy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Instance {
    /// How far its log has come, or our clock for it.
    pub log_time: Option<LogTime>,
    /// How far it is read, from when it is lost until it is read to its end again.
    pub behind: Option<LogTime>,
    /// Where the CA is that an attempt went to last.
    #[serde(skip)]
    pub ca_url: Option<Arc<str>>,
    /// A jump ahead that waits for a second line.
    pub jump: Option<LogTime>,
    /// The last line, where it is from long before: a clock set back is so once a second one says it.
    pub set_back: Option<LogTime>,
    /// How far its host's clock is behind ours, where its log was set back.
    pub behind_micros: i64,
    /// When its maintenance loop last began; `None` if that was before we looked.
    pub started: Option<LogTime>,
    /// When its maintenance loop ticks.
    pub ticker: Ticker,
    /// The back-off table, once something gave it away.
    pub table: Option<Table>,
    /// Whether it has shown info-level certificate lines since its start.
    pub informed: bool,
    /// Names that were managed and are not any more: Caddy up to 2.11.4 may go on retrying them.
    pub dropped: BTreeSet<Name>,
    /// Names that handshakes asked for: strangers choose them.
    pub strangers: BTreeSet<Name>,
    /// What became of them.
    pub on_demand: OnDemand,
    /// Lines about names for which there was no room, since its start.
    pub left_out: u64,
    /// Whether it has printed a whole list of its managed names since its start.
    pub lists: bool,
    /// When it last printed a list of its managed names.
    #[serde(default)]
    pub listed_at: Option<LogTime>,
    /// Which generation of Caddy it is, once something gave it away.
    pub generation: Option<Generation>,
    /// What it said about certificates that nobody understood.
    pub unknown: Unknowns,
    /// How long a success usually takes.
    pub usual: Usual,
    /// Lines that come by the clock, and the last of them.
    pub rhythm: Rhythm,
    pub beat: Option<Quote>,
    /// Since when its log cannot be read, and why.
    pub lost: Option<(LogTime, String)>,
    /// Panics of the code that renews certificates since its start.
    pub panics: u32,
    /// When the last one was.
    pub panicked_at: Option<LogTime>,
    /// Those of the maintenance loop, and when the last one was.
    pub loop_panics: u32,
    pub last_panic: Option<LogTime>,
    /// When the maintenance loop was last begun anew after one.
    pub revived: Option<LogTime>,
    /// Open alerts about the source itself, by rule.
    pub alerts: Alerts,
    /// The incident of those.
    #[serde(default)]
    pub link: Link,
    /// The next moment at which a rule about it has to be looked at.
    pub wake: Option<LogTime>,
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
    /// A second line confirmed that the clock was set back.
    SetBack,
}

impl Instance {
    /// Names remembered because their lines are not judged.
    const NAMES_MAX: usize = 10_000;

    /// Keeps the address of a CA once for all names that fail there.
    pub(super) fn share_ca_url(&mut self, url: &mut Option<Arc<str>>) {
        if *url == self.ca_url {
            url.clone_from(&self.ca_url);
        } else if url.is_some() {
            self.ca_url.clone_from(url);
        }
    }

    /// What a line of this stamp does to the log clock; does not move it.
    pub(super) fn reach(&mut self, stamp: LogTime) -> Moved {
        let Some(log_time) = self.log_time else {
            return Moved::Fine;
        };
        let before = self.set_back.take();
        if stamp <= log_time {
            // What was written while the log could not be read is old for us, and no clock was set.
            if log_time - stamp <= STEP_BACK || self.behind.is_some() {
                return Moved::Fine;
            }
            let goes_on = before.is_some_and(|before| before - stamp <= door::LATE);
            self.set_back = Some(stamp).filter(|_| !goes_on);
            return if goes_on { Moved::SetBack } else { Moved::Fine };
        }
        if stamp - log_time <= JUMP {
            self.jump = None;
            return Moved::Fine;
        }
        match self.jump {
            Some(first) if (stamp - first).abs() <= JUMP => {
                self.jump = None;
                Moved::Jumped
            }
            _ => {
                self.jump = Some(stamp);
                Moved::Held
            }
        }
    }

    /// The moment by which its rhythm brings the next line. Of what is not read yet nobody can know whether
    /// that is among it.
    pub(super) fn next_line(&self, waiting: bool) -> Option<(LogTime, Beat)> {
        let next = self.rhythm.next(waiting, self.interval());
        next.filter(|(at, _)| self.behind.is_none_or(|behind| *at + LATE <= behind))
    }

    /// Up to where everything is known that its log says.
    pub(super) fn read_to(&self) -> Option<LogTime> {
        self.behind.or(self.log_time)
    }

    /// A new maintenance loop: its ticks count from here, and nothing else of the old one holds.
    /// Returns when its process began, and whether the list is of that.
    pub(super) fn restart(&mut self, at: LogTime) -> (LogTime, bool) {
        let begun = begun(self.listed_at, at);
        let listed = self.listed_at.is_some_and(|listed| listed >= begun);
        self.started = Some(at);
        self.informed = true;
        (self.panics, self.panicked_at) = (0, None);
        (self.loop_panics, self.last_panic) = (0, None);
        self.ticker.start(at);
        self.dropped.clear();
        // What a handshake began outlives a reload of Caddy up to 2.6.4, which looks like a start
        // (certmagic v0.17.2 `handshake.go`).
        let on_demand = &self.on_demand;
        self.strangers.retain(|name| on_demand.is_failing(name));
        self.left_out = 0;
        self.lists &= listed;
        (begun, listed)
    }

    /// The maintenance loop panicked, or a worker did.
    /// A line that is in the log twice counts once.
    pub(super) fn panicked(&mut self, in_loop: bool, at: LogTime) {
        if in_loop && self.last_panic == Some(at) {
            return;
        }
        self.panics = self.panics.saturating_add(1);
        self.panicked_at = self.panicked_at.max(Some(at));
        if in_loop {
            self.last_panic = Some(at);
            self.loop_panics = self.loop_panics.saturating_add(1);
        }
    }

    /// Notes that the maintenance loop begins, and tells whether because it has just panicked: the process, and
    /// what it has under way, go on. That happens once; whatever begins next is another process.
    pub(super) fn revives(&mut self, at: LogTime) -> bool {
        const AT_ONCE: TimeDelta = TimeDelta::seconds(2);
        let is_first = self.revived < self.last_panic || self.revived == Some(at);
        let revived = is_first && self.last_panic.is_some_and(|last| at - last <= AT_ONCE);
        if revived {
            self.revived = Some(at);
        }
        revived
    }

    /// The loop is begun anew after each of ten panics (certmagic v0.25.3 `maintain.go`).
    pub(super) fn is_loop_dead(&self) -> bool {
        const REVIVALS: u32 = 10;
        self.loop_panics > REVIVALS
    }

    /// Remembers a name whose lines are not judged; of too many the first are kept.
    pub(super) fn ignore(names: &mut BTreeSet<Name>, name: Name) {
        if names.len() < Self::NAMES_MAX {
            names.insert(name);
        }
    }

    /// Whether so many strangers came that they cannot be told from managed names any more; then
    /// only a list of managed names brings new ones.
    pub(super) fn is_crowded(&self) -> bool {
        self.strangers.len() >= Self::NAMES_MAX
    }

    /// The next tick at or after a moment.
    pub(super) fn next_tick(&self, at: LogTime) -> Option<LogTime> {
        Some(self.ticker.tick?.at_or_after(at))
    }

    /// How late an attempt may begin before it counts as missed. The timer of a sleeping job is
    /// exact; the tick of a predicted one may be another than we believe.
    pub(super) fn grace(&self, source: RetrySource) -> TimeDelta {
        const PATIENCE: TimeDelta = TimeDelta::minutes(5);
        match source {
            RetrySource::Announced => PATIENCE,
            RetrySource::Predicted => self.interval() + PATIENCE,
        }
    }

    /// The interval of the maintenance loop, as far as known.
    pub(super) fn interval(&self) -> TimeDelta {
        self.ticker
            .tick
            .map_or(Tick::DEFAULT_INTERVAL, Tick::interval)
    }

    /// Notes what gives the table away.
    pub(super) fn learn_table(&mut self, table: Option<Table>) {
        if table.is_some() {
            self.table = table;
        }
    }

    /// The announced next attempt of a sleeping job.
    pub(super) fn announced(at: LogTime, failures: u32) -> NextRetry {
        NextRetry {
            at,
            source: RetrySource::Announced,
            failures: Some(failures),
            tries_left: None,
        }
    }

    /// The next attempt of a renewal that the maintenance loop paces (certmagic v0.25.6): the first
    /// tick at or after the failure plus the wait.
    pub(super) fn paced(&self, failed: LogTime, failures: u32) -> Option<NextRetry> {
        Some(NextRetry {
            at: self.next_tick(failed + Table::New.wait(failures))?,
            source: RetrySource::Predicted,
            failures: Some(failures),
            tries_left: None,
        })
    }

    /// A renewal that the next tick takes up anew; how many tries follow is not known.
    pub(super) fn at_next_tick(&self, after: LogTime) -> Option<NextRetry> {
        Some(NextRetry {
            at: self.next_tick(after)?,
            source: RetrySource::Predicted,
            failures: None,
            tries_left: None,
        })
    }

    /// Attempts that start before `not_after`. Where the table is not known yet, the one with fewer
    /// tries left counts.
    pub(super) fn tries(&self, next: NextRetry, not_after: LogTime) -> Option<u32> {
        let failures = next.failures?;
        if next.source == RetrySource::Predicted {
            return Some(
                self.ticker
                    .tick?
                    .tries(Table::New, next.at, failures, not_after),
            );
        }
        let tries = |table: Table| table.tries(next.at, failures, not_after);
        Some(match self.table {
            Some(table) => tries(table),
            None => tries(Table::Old).min(tries(Table::New)),
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
        assert_eq!(instance.reach(ahead), Moved::Held);
        assert_eq!(instance.reach(at(1)), Moved::Fine);
        assert_eq!(instance.reach(ahead), Moved::Held);
        assert_eq!(instance.reach(ahead + SOON), Moved::Jumped);
    }
}
