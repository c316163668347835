//! Moments and spans in tenths of microseconds, printed the way Caddy's logger prints them.

use std::ops::{Add, Sub};

/// How many units there are in a second.
const SECOND: i64 = 10_000_000;

/// A length of time, or (from the epoch) a moment: the log needs no finer distinction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) const fn seconds(seconds: i64) -> Self {
        Self(seconds * SECOND)
    }

    pub(crate) const fn millis(millis: i64) -> Self {
        Self(millis * (SECOND / 1_000))
    }

    pub(crate) const fn units(units: i64) -> Self {
        Self(units)
    }

    pub(crate) const fn count(self) -> i64 {
        self.0
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The shortest decimal text that names the same double, without a point when it is whole.
    pub(crate) fn text(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.abs();
        let exact = format!("{sign}{}.{:07}", units / SECOND, units % SECOND);
        exact.parse::<f64>().unwrap_or_default().to_string()
    }
}

impl Add for Moment {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.plus(other)
    }
}

impl Sub for Moment {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// A fixed sequence of numbers that look picked at random: the same log every time.
pub(crate) struct Sequence(u64);

impl Sequence {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 16) % limit.max(1)
    }

    /// A span of at least `from` and less than `to`.
    pub(crate) fn span(&mut self, from: Moment, to: Moment) -> Moment {
        let room = u64::try_from(to.count() - from.count()).unwrap_or(1);
        let extra = i64::try_from(self.below(room)).unwrap_or(0);
        Moment(from.count() + extra)
    }

    /// One of `choices`, which has at least one.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        let count = u64::try_from(choices.len()).unwrap_or(1);
        let index = usize::try_from(self.below(count)).unwrap_or(0);
        choices[index]
    }
}
