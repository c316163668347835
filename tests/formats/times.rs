//! Caddy's `time_format` and `duration_format`.

use chrono::{DateTime, FixedOffset, TimeZone};
use serde_json::{Value, json};

/// A layout of times, and whether it prints a zone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Times {
    Seconds,
    Millis,
    Nanos,
    Layout(&'static str),
}

/// All that Caddy has names for, and some that Go's users write.
pub(crate) const TIMES: [Times; 13] = [
    Times::Seconds,
    Times::Millis,
    Times::Nanos,
    Times::Layout("%Y-%m-%dT%H:%M:%S%.3f%z"),
    Times::Layout("%Y-%m-%dT%H:%M:%S%:z"),
    Times::Layout("%Y-%m-%dT%H:%M:%S%.9f%:z"),
    Times::Layout("%Y/%m/%d %H:%M:%S"),
    Times::Layout("%Y/%m/%d %H:%M:%S%.3f"),
    Times::Layout("%Y/%m/%d %H:%M:%S%.9f"),
    Times::Layout("%d/%b/%Y:%H:%M:%S %z"),
    Times::Layout("%a, %d %b %Y %H:%M:%S %z"),
    Times::Layout("%a %b %e %H:%M:%S %Y"),
    Times::Layout("%d.%m.%Y %H:%M:%S"),
];

/// Fields that hold times.
const FIELDS: [&str; 13] = [
    "ts",
    "expiration",
    "new_expiration",
    "cert_expiry",
    "window_start",
    "window_end",
    "selected_time",
    "next_ari_update",
    "next_update",
    "recheck_after",
    "renewal_cutoff",
    "try_again",
    "not_after",
];
/// Fields that hold lengths.
const LENGTHS: [&str; 7] = [
    "remaining",
    "elapsed",
    "retrying_in",
    "max_duration",
    "renew_check_interval",
    "try_again_in",
    "duration",
];

impl Times {
    /// A recorded time in this layout. Go prints its zero time, which is year 1, like any other.
    pub(crate) fn print(self, seconds: f64, zone: FixedOffset) -> Value {
        let nanos = nanos(seconds);
        match self {
            Self::Seconds => json!(seconds),
            Self::Millis => json!(seconds * 1e3),
            Self::Nanos => json!(nanos),
            Self::Layout(layout) => {
                let time = if seconds < 0.0 {
                    zone.from_utc_datetime(
                        &DateTime::from_timestamp(-62_135_596_800, 0)
                            .unwrap()
                            .naive_utc(),
                    )
                } else {
                    zone.from_utc_datetime(&DateTime::from_timestamp_nanos(nanos).naive_utc())
                };
                json!(time.format(layout).to_string())
            }
        }
    }
}

/// `duration_format`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lengths {
    Seconds,
    Millis,
    Nanos,
    Words,
}

pub(crate) const ALL_LENGTHS: [Lengths; 4] = [
    Lengths::Seconds,
    Lengths::Millis,
    Lengths::Nanos,
    Lengths::Words,
];

impl Lengths {
    pub(crate) fn print(self, seconds: f64) -> Value {
        let nanos = nanos(seconds);
        match self {
            Self::Seconds => json!(seconds),
            Self::Millis => json!(nanos / 1_000_000),
            Self::Nanos => json!(nanos),
            Self::Words => json!(words(nanos)),
        }
    }
}

/// As Go's `Duration.String` prints it.
fn words(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let all = nanos.unsigned_abs();
    let fraction = |all: u64, unit: u64, name: &str| {
        let text = format!(
            "{}.{:09}",
            all / unit,
            (all % unit) * (1_000_000_000 / unit)
        );
        let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
        format!("{text}{name}")
    };
    match all {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{all}ns"),
        1_000..1_000_000 => sign.to_owned() + &fraction(all, 1_000, "\u{b5}s"),
        1_000_000..1_000_000_000 => sign.to_owned() + &fraction(all, 1_000_000, "ms"),
        _ => {
            let minutes = all / 60_000_000_000;
            let seconds = fraction(all % 60_000_000_000, 1_000_000_000, "s");
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "recorded times are far below 2^63 ns"
)]
fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

/// Prints every time and length of a line anew.
pub(crate) fn reprint(
    fields: &mut [(String, Value)],
    (times, lengths): (Times, Lengths),
    zone: FixedOffset,
) {
    for (key, value) in fields {
        let Some(seconds) = value.as_f64() else {
            continue;
        };
        if FIELDS.contains(&key.as_str()) {
            *value = times.print(seconds, zone);
        } else if LENGTHS.contains(&key.as_str()) {
            *value = lengths.print(seconds);
        }
    }
}
