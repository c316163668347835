//! The time of an entry, as Caddy's encoders print it.

use crate::time::LogTime;
use chrono::{NaiveDateTime, TimeDelta};

/// Reads a JSON number of seconds (Caddy's `unix_seconds_float`), milliseconds or nanoseconds; the
/// magnitude tells the unit, since no log is older than 1973 or younger than 5138.
pub fn number(text: &str) -> Option<LogTime> {
    let value: f64 = text.parse().ok()?;
    from_f64(value, text)
}

fn from_f64(value: f64, text: &str) -> Option<LogTime> {
    let magnitude = value.abs();
    if !magnitude.is_finite() {
        return None;
    }
    if magnitude < 1e11 {
        exact_micros(text).map(LogTime::from_micros)
    } else if magnitude < 1e14 {
        #[expect(clippy::cast_possible_truncation, reason = "below 1e17 microseconds")]
        let micros = (value * 1e3).round() as i64;
        Some(LogTime::from_micros(micros))
    } else if magnitude < 1e19 {
        let nanos: i64 = text.parse().ok()?;
        Some(LogTime::from_micros(nanos.div_euclid(1_000)))
    } else {
        None
    }
}

/// Reads a JSON number of seconds as a length.
pub fn seconds(text: &str) -> Option<TimeDelta> {
    exact_micros(text).map(TimeDelta::microseconds)
}

/// Decimal seconds to exact microseconds: a double would do, but only just.
fn exact_micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) || whole.parse::<i64>().is_err() {
        let value: f64 = text.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        return value.is_finite().then_some((value * 1e6).round() as i64);
    }
    let negative = whole.starts_with('-');
    let whole: i64 = whole.parse().ok()?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = digits.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let signed = if negative { -micros } else { micros };
    whole.checked_mul(1_000_000)?.checked_add(signed)
}

/// Reads a time printed as text: RFC 3339, ISO 8601 with a numeric zone, or Caddy's `wall` layouts
/// (UTC, which is Caddy's own choice unless `time_local` is set).
pub fn text(text: &str) -> Option<LogTime> {
    layouts(text).filter(|time| time.is_plausible())
}

fn layouts(text: &str) -> Option<LogTime> {
    const ZONED: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%z", "%d/%b/%Y:%H:%M:%S %z"];
    if let Some(time) = LogTime::parse_rfc3339(text) {
        return Some(time);
    }
    for layout in ZONED {
        if let Ok(time) = chrono::DateTime::parse_from_str(text, layout) {
            return Some(LogTime::from_micros(time.timestamp_micros()));
        }
    }
    let wall = NaiveDateTime::parse_from_str(text, "%Y/%m/%d %H:%M:%S%.f").ok()?;
    Some(LogTime::from_micros(wall.and_utc().timestamp_micros()))
}

/// Reads a Go duration such as `1m0s`, `12h3m4.5s`, `-90s` or `150ms`.
pub fn go_duration(text: &str) -> Option<TimeDelta> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, after) = rest.split_at_checked(digits)?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let factor = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "\u{b5}s" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += value.parse::<f64>().ok()? * factor;
        rest = after;
    }
    if !(0.0..9e12).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 9e18 microseconds")]
    let micros = (seconds * 1e6).round() as i64;
    Some(TimeDelta::microseconds(if negative {
        -micros
    } else {
        micros
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_every_microsecond() {
        assert_eq!(
            number("1777845841.123456").map(LogTime::micros),
            Some(1_777_845_841_123_456)
        );
        assert_eq!(
            number("1777845841").map(LogTime::micros),
            Some(1_777_845_841_000_000)
        );
        assert_eq!(
            number("-6795364578.8713455").map(LogTime::micros),
            Some(-6_795_364_578_871_345)
        );
        assert_eq!(
            number("1.777845841e9").map(LogTime::seconds),
            Some(1_777_845_841)
        );
    }

    #[test]
    fn the_magnitude_tells_the_unit() {
        assert_eq!(
            number("1777845841123.5").map(LogTime::micros),
            Some(1_777_845_841_123_500)
        );
        assert_eq!(
            number("1777845841123456789").map(LogTime::micros),
            Some(1_777_845_841_123_456)
        );
        assert_eq!(number("1e300"), None);
        assert_eq!(number("x"), None);
    }

    #[test]
    fn every_text_layout_of_caddy_is_read() {
        let expected = Some(1_777_845_841);
        for time in [
            "2026-05-03T22:04:01Z",
            "2026-05-03T22:04:01.250+0000",
            "2026-05-04T00:04:01+02:00",
            "2026/05/03 22:04:01",
            "2026/05/03 22:04:01.999",
            "03/May/2026:22:04:01 +0000",
        ] {
            assert_eq!(text(time).map(LogTime::seconds), expected, "{time}");
        }
        assert_eq!(text("yesterday"), None);
    }

    #[test]
    fn go_durations_are_read() {
        assert_eq!(go_duration("1m0s"), Some(TimeDelta::seconds(60)));
        assert_eq!(
            go_duration("12h3m4.5s"),
            Some(TimeDelta::milliseconds(43_384_500))
        );
        assert_eq!(go_duration("-90s"), Some(TimeDelta::seconds(-90)));
        assert_eq!(go_duration("720h0m0s"), Some(TimeDelta::days(30)));
        for broken in ["", "-", "5", "5x", "s", "1..2s"] {
            assert_eq!(go_duration(broken), None, "{broken}");
        }
    }
}
