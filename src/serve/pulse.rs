//! Whether the loop still turns, told from one thread to another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A loop that has not turned for this long is taken to hang.
const STILL: Duration = Duration::from_secs(90);

/// When the loop last turned.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    began: Instant,
    /// Milliseconds from `began` to the last turn.
    last: Arc<AtomicU64>,
}

impl Pulse {
    /// A loop that turned just now.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            last: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The loop turned.
    pub(super) fn beat(&self, now: Instant) {
        let since = now.saturating_duration_since(self.began).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    /// Whether it turned lately.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.began)
            .saturating_sub(last)
            <= STILL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_seconds_without_a_turn_are_too_long() {
        let now = Instant::now();
        let pulse = Pulse::new(now);
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(pulse.is_alive(after(90)));
        assert!(!pulse.is_alive(after(91)));
        pulse.beat(after(91));
        assert!(pulse.is_alive(after(181)));
        assert!(!pulse.is_alive(after(182)));
    }
}
