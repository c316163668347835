//! The two clocks, as two types that do not mix.
//!
//! [`LogTime`] is when Caddy says something happened: certificates, rules and alerts run on it.
//! [`WallTime`] is when we are: deliveries run on it. Both count microseconds since the Unix epoch.
//! Nothing here reads a clock.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};

/// A moment on the clock of the watched Caddy, in microseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct LogTime(NonZeroU64);

/// A moment on our own clock, in microseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct WallTime(NonZeroU64);

/// Where the epoch lies on a scale that begins at one, keeps the order, and leaves zero to `None`: a
/// moment that may be unknown then takes no more room than one that is known.
const EPOCH: u64 = 1 << 63;

macro_rules! moment {
    ($moment:ident) => {
        impl $moment {
            /// The moment so many microseconds after the Unix epoch; the least one is `i64::MIN + 1`.
            pub const fn from_micros(micros: i64) -> Self {
                match NonZeroU64::new(micros.cast_unsigned() ^ EPOCH) {
                    Some(place) => Self(place),
                    None => Self(NonZeroU64::MIN),
                }
            }

            /// The moment so many whole seconds after the Unix epoch.
            pub const fn from_seconds(seconds: i64) -> Self {
                Self::from_micros(seconds.saturating_mul(1_000_000))
            }

            /// Microseconds since the Unix epoch.
            pub const fn micros(self) -> i64 {
                (self.0.get() ^ EPOCH).cast_signed()
            }

            /// Whole seconds since the Unix epoch, rounded down.
            pub const fn seconds(self) -> i64 {
                self.micros().div_euclid(1_000_000)
            }

            /// The same in half the space; 0 before 1970 and after 2106.
            pub fn epoch_seconds(self) -> u32 {
                u32::try_from(self.seconds()).unwrap_or_default()
            }

            /// Whether it lies between 1970 and 9999, so that arithmetic with lengths is safe.
            pub const fn is_plausible(self) -> bool {
                const YEAR_10000: i64 = 253_402_300_800_000_000;
                0 <= self.micros() && self.micros() < YEAR_10000
            }

            /// As people read it: `2026-05-03 23:37:59 UTC`.
            pub fn utc(self) -> String {
                self.to_string().replace('T', " ").replace('Z', " UTC")
            }

            /// Reads an RFC 3339 time; `None` when the text is not one.
            pub fn parse_rfc3339(text: &str) -> Option<Self> {
                let time = DateTime::parse_from_rfc3339(text).ok()?;
                Some(Self::from_micros(time.timestamp_micros()))
            }
        }

        impl From<i64> for $moment {
            fn from(micros: i64) -> Self {
                Self::from_micros(micros)
            }
        }

        impl From<$moment> for i64 {
            fn from(moment: $moment) -> Self {
                moment.micros()
            }
        }

        impl fmt::Debug for $moment {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($moment), self.micros())
            }
        }

        impl Add<TimeDelta> for $moment {
            type Output = Self;
            fn add(self, length: TimeDelta) -> Self {
                let micros = length.num_microseconds().unwrap_or(i64::MAX);
                Self::from_micros(self.micros().saturating_add(micros))
            }
        }

        impl Sub<TimeDelta> for $moment {
            type Output = Self;
            fn sub(self, length: TimeDelta) -> Self {
                let micros = length.num_microseconds().unwrap_or(i64::MAX);
                Self::from_micros(self.micros().saturating_sub(micros))
            }
        }

        impl Sub for $moment {
            type Output = TimeDelta;
            fn sub(self, earlier: Self) -> TimeDelta {
                TimeDelta::microseconds(self.micros().saturating_sub(earlier.micros()))
            }
        }

        impl fmt::Display for $moment {
            /// RFC 3339 in UTC, whole seconds, rounded down.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match DateTime::<Utc>::from_timestamp(self.seconds(), 0) {
                    Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true)),
                    None => write!(f, "@{}", self.seconds()),
                }
            }
        }
    };
}

moment!(LogTime);
moment!(WallTime);

impl WallTime {
    /// The log time a source has surely reached by now, when its lines may lag by `allowance`.
    pub fn trailing(self, allowance: TimeDelta) -> LogTime {
        LogTime::from_micros((self - allowance).micros())
    }
}

/// A length of time for people, in its two largest units: `1 h 34 min`.
pub fn spell(length: TimeDelta) -> String {
    let seconds = length.num_seconds().abs();
    let sign = if length < TimeDelta::zero() { "-" } else { "" };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let pair = |a: i64, unit_a: &str, b: i64, unit_b: &str| {
        if b == 0 {
            format!("{sign}{a} {unit_a}")
        } else {
            format!("{sign}{a} {unit_a} {b} {unit_b}")
        }
    };
    match seconds {
        0..60 => format!("{sign}{seconds} s"),
        60..3_600 => pair(minutes, "min", seconds % 60, "s"),
        3_600..86_400 => pair(hours, "h", minutes, "min"),
        _ => pair(days, "d", hours, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_whole_seconds_rounded_down() {
        assert_eq!(
            LogTime::from_micros(1_777_845_841_999_999).to_string(),
            "2026-05-03T22:04:01Z"
        );
        assert_eq!(LogTime::from_micros(-1).to_string(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn an_unknown_moment_takes_no_more_room_and_order_is_kept() {
        assert_eq!(size_of::<Option<LogTime>>(), size_of::<i64>());
        let micros = [i64::MIN + 1, -1, 0, 1, i64::MAX];
        let moments = micros.map(LogTime::from_micros);
        assert!(moments.is_sorted());
        assert_eq!(moments.map(LogTime::micros), micros);
        assert_eq!(LogTime::from_micros(i64::MIN), moments[0]);
    }

    #[test]
    fn arithmetic_saturates() {
        let end = LogTime::from_micros(i64::MAX);
        assert_eq!(end + TimeDelta::days(1), end);
    }

    #[test]
    fn lengths_are_spelled_with_two_units() {
        assert_eq!(spell(TimeDelta::seconds(5_638)), "1 h 33 min");
        assert_eq!(spell(TimeDelta::seconds(151_329)), "1 d 18 h");
        assert_eq!(spell(TimeDelta::seconds(-90)), "-1 min 30 s");
        assert_eq!(spell(TimeDelta::seconds(21_600)), "6 h");
    }
}
