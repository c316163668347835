//! What an incident has to do with, as far as people are told of it.

use crate::engine::alert::{AlertRow, OpenAlert};
use crate::engine::causes::Causes;
use crate::engine::subject::About;
use crate::time::LogTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// From its first alert that people are told of until its end is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct Story {
    /// Since when something of it is open.
    pub open_since: Option<LogTime>,
    /// The earliest first failure.
    pub failing_since: Option<LogTime>,
    /// Why attempts failed.
    pub causes: Causes,
    /// Failed attempts of names that are well again.
    pub attempts: u32,
    /// Rules that have closed.
    pub closed: BTreeSet<String>,
    /// How often all of it was over, and something loud opened again.
    pub interruptions: u32,
}

impl Story {
    /// Takes in a change of an alert.
    pub(super) fn add(&mut self, row: &AlertRow) {
        self.begin(row.opened_at, row.failing_since);
        self.causes.extend(row.cause);
    }

    /// Takes in the alerts about a certificate or source of which people are told.
    pub(in crate::engine) fn add_open(&mut self, about: About<'_>, alerts: &[(&str, &OpenAlert)]) {
        let streak = about.certificate().and_then(|one| one.streak());
        let since = streak.map(|streak| streak.since);
        for (_, alert) in alerts {
            self.begin(alert.opened_at, since);
            self.causes.extend(about.cause_of(alert));
        }
    }

    /// Something of it is open, or has failed, since a moment.
    pub(super) fn begin(&mut self, open: Option<LogTime>, failing: Option<LogTime>) {
        self.open_since = self.open_since.into_iter().chain(open).min();
        self.failing_since = self.failing_since.into_iter().chain(failing).min();
    }
}
