//! Certificates that only handshakes ask for. Strangers choose their names, so they are never judged
//! one by one: what fails of them is one matter of the source, and what is kept is bounded.

use crate::caddy::cause::Cause;
use crate::caddy::event::Event;
use crate::caddy::name::Name;
use crate::caddy::vocabulary::Means;
use crate::engine::host_clock::clamp;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The names that handshakes asked for in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OnDemand {
    /// Names whose last attempt failed, and when.
    failing: BTreeMap<Name, LogTime>,
    /// When those that are long ago were last looked for.
    swept: Option<LogTime>,
    /// The first failure since there was none.
    pub since: Option<LogTime>,
    /// The latest failure of those.
    latest: Option<LogTime>,
    /// Why that failed.
    cause: Option<Cause>,
}

/// A name of which nothing was heard for so long counts no more: nobody asks for it.
const MEMORY: TimeDelta = TimeDelta::hours(1);

/// Looking through all of them at each line would make a flood slow.
const SWEEP_EVERY: TimeDelta = TimeDelta::minutes(1);

impl OnDemand {
    /// Of more names only the first are counted.
    pub(super) const NAMES_MAX: usize = 1_000;

    /// The clock was set back to a moment.
    pub(super) fn set_back(&mut self, to: LogTime) {
        let own = [&mut self.swept, &mut self.since, &mut self.latest];
        let own = own.into_iter().filter_map(Option::as_mut);
        clamp(own.chain(self.failing.values_mut()), to);
    }

    /// Takes in a line about such names. Returns whether they failed, or one of them is well again.
    pub(super) fn hear(&mut self, event: &Event, at: LogTime) -> bool {
        if self.swept.is_none_or(|swept| at - swept >= SWEEP_EVERY) {
            self.forget(at);
        }
        if event.means == Means::Succeeded {
            let before = self.failing.len();
            self.failing.retain(|name, _| !event.names.contains(name));
            let is_news = self.failing.len() < before;
            if is_news {
                self.latest = self.failing.values().copied().max();
            }
            return is_news;
        }
        let failed = matches!(
            event.means,
            Means::IssuerFailed
                | Means::WillRetry
                | Means::GaveUp
                | Means::JobFailed
                | Means::OnDemandFailed
        );
        let Some(failure) = event.failure.as_ref().filter(|one| failed && !one.canceled) else {
            return false;
        };
        self.since = self.since.or(Some(at));
        self.latest = Some(at);
        self.cause = Some(failure.cause);
        for name in &event.names {
            if self.failing.contains_key(name) || self.failing.len() < Self::NAMES_MAX {
                self.failing.insert(name.clone(), at);
            }
        }
        true
    }

    /// Forgets what is long ago.
    pub(super) fn forget(&mut self, at: LogTime) {
        self.swept = Some(at);
        self.failing.retain(|_, heard| at - *heard < MEMORY);
        if self.failing.is_empty() {
            (self.since, self.latest, self.cause) = (None, None, None);
        }
    }

    /// Whether the last attempt for a name failed, not long ago.
    pub(super) fn is_failing(&self, name: &Name) -> bool {
        self.failing.contains_key(name)
    }

    /// How many names fail.
    pub(super) fn failing(&self) -> u32 {
        u32::try_from(self.failing.len()).unwrap_or(u32::MAX)
    }

    /// Why the last one failed.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// When all of it is forgotten, should nothing more be heard.
    pub(super) fn calm_at(&self) -> Option<LogTime> {
        self.latest.map(|latest| latest + MEMORY)
    }
}
