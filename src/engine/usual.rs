//! How long a successful attempt usually takes.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The last successes of an instance, in microseconds each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Usual(VecDeque<i64>);

impl Usual {
    const KEPT: usize = 9;
    /// With fewer nothing is usual.
    const NEEDED: usize = 3;

    /// How many times the usual a success took, rounded down; `None` while nothing is usual.
    pub(super) fn times(&self, took: TimeDelta) -> Option<u32> {
        let mut sorted: Vec<i64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let median = *sorted.get(sorted.len() / 2)?;
        let enough = sorted.len() >= Self::NEEDED;
        let times = took.num_microseconds()? / median.max(1);
        u32::try_from(times).ok().filter(|_| enough)
    }

    /// Takes in a success.
    pub(super) fn note(&mut self, took: TimeDelta) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.extend(took.num_microseconds());
    }
}
