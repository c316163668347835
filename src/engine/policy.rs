//! What people may choose about how they are told.

use chrono::TimeDelta;

/// Which names are told of together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Those that fail for the same cause, zone or CA.
    Cause,
    /// Each on its own.
    Name,
}

/// How alerts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which names are told of together.
    pub group: Group,
    /// How soon an open critical incident is told again; `None` never.
    pub repeat: Option<TimeDelta>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            group: Group::Cause,
            repeat: Some(TimeDelta::hours(6)),
        }
    }
}

impl Policy {
    /// How long to wait for the next reminder of what has been critical for so long, with so much time left
    /// until the first expiry: halved until two fit, but no less than a quarter of an hour; and
    /// longer once it has been open for days, so that however far a log jumps they are few.
    pub(super) fn repeat_after(self, age: TimeDelta, left: Option<TimeDelta>) -> Option<TimeDelta> {
        const FLOOR: TimeDelta = TimeDelta::minutes(15);
        let shortest = self.repeat?;
        let mut wait = shortest.max(age / 8);
        if let Some(left) = left.filter(|left| *left > TimeDelta::zero()) {
            let floor = FLOOR.min(shortest);
            while wait > floor && wait > left / 2 {
                wait = wait / 2;
            }
            wait = wait.max(floor);
        }
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_come_faster_as_the_end_nears_down_to_a_floor() {
        const NEW: TimeDelta = TimeDelta::zero();
        let policy = Policy::default();
        let after = |minutes: i64| policy.repeat_after(NEW, Some(TimeDelta::minutes(minutes)));
        for (left, wait) in [
            (6_000, 360),
            (700, 180),
            (93, 45),
            (40, 15),
            (3, 15),
            (-5, 360),
        ] {
            assert_eq!(after(left), Some(TimeDelta::minutes(wait)), "{left}");
        }
        assert_eq!(policy.repeat_after(NEW, None), Some(TimeDelta::hours(6)));
        let short = Policy {
            repeat: Some(TimeDelta::minutes(5)),
            ..policy
        };
        assert_eq!(
            short.repeat_after(NEW, Some(TimeDelta::minutes(1))),
            Some(TimeDelta::minutes(5))
        );
        let days = TimeDelta::days;
        assert_eq!(policy.repeat_after(days(80), None), Some(days(10)));
    }
}
