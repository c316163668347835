//! A length of time, as Caddy's encoders print it: a number of seconds, milliseconds or nanoseconds,
//! or Go's own spelling.

use chrono::TimeDelta;

/// What a bare number counts (Caddy v2.11.7 `modules/logging/encoders.go`, `duration_format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Caddy's default, printed with a fraction.
    Seconds,
    /// Whole ones.
    Millis,
    /// Whole ones.
    Nanos,
}

/// Beyond ten years in seconds, a whole number counts something smaller.
const SECONDS_MAX: f64 = 3.2e8;
/// From here on a whole number counts nanoseconds (20 s) rather than milliseconds (231 days, when no
/// certificate of a public CA is due any more).
const NANOS_MIN: f64 = 2e10;

impl Unit {
    /// Reads a JSON number as a length.
    pub fn read(self, text: &str) -> Option<TimeDelta> {
        match self {
            Self::Seconds => exact_micros(text).map(TimeDelta::microseconds),
            Self::Millis => scaled(text, 1e3),
            Self::Nanos => scaled(text, 1e-3),
        }
    }

    /// The unit of a whole number that stands alone.
    pub fn of_magnitude(number: f64) -> Self {
        let magnitude = number.abs();
        if magnitude < SECONDS_MAX {
            Self::Seconds
        } else {
            Self::of_whole(number)
        }
    }

    /// The unit of a whole number that is known not to count seconds.
    pub fn of_whole(number: f64) -> Self {
        if number.abs() < NANOS_MIN {
            Self::Millis
        } else {
            Self::Nanos
        }
    }

    /// The unit of the interval of the maintenance loop, which lies between a second and a day.
    pub fn of_interval(number: f64) -> Self {
        match number {
            ..1e5 => Self::Seconds,
            1e5..1e9 => Self::Millis,
            _ => Self::Nanos,
        }
    }

    /// The unit in which `max_duration` is the thirty days that certmagic has always had (certmagic
    /// v0.25.6 `async.go`, `maxRetryDuration`).
    pub fn of_max_duration(number: f64) -> Option<Self> {
        const SECONDS: f64 = 2_592_000.0;
        let is = |unit: f64| (number - SECONDS * unit).abs() < 1.0;
        match number {
            _ if is(1.0) => Some(Self::Seconds),
            _ if is(1e3) => Some(Self::Millis),
            _ if is(1e9) => Some(Self::Nanos),
            _ => None,
        }
    }
}

/// Milliseconds or nanoseconds into microseconds.
fn scaled(text: &str, factor: f64) -> Option<TimeDelta> {
    let micros = text.parse::<f64>().ok()? * factor;
    #[expect(clippy::cast_possible_truncation, reason = "below 9e18")]
    let whole = micros.round() as i64;
    (micros.abs() < 9e18).then(|| TimeDelta::microseconds(whole))
}

/// Decimal seconds to exact microseconds: a double would do, but only just.
pub(super) fn exact_micros(text: &str) -> Option<i64> {
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

/// Go counts nanoseconds in 64 bits: it knows no length of 292 years.
const GO_SECONDS_MAX: f64 = 9_223_372_037.0;

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
    if !(0.0..GO_SECONDS_MAX).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 1e16 microseconds")]
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
    fn the_thirty_days_of_certmagic_tell_the_unit() {
        for (number, unit) in [
            (2_592_000.0, Some(Unit::Seconds)),
            (2_592_000_000.0, Some(Unit::Millis)),
            (2_592_000_000_000_000.0, Some(Unit::Nanos)),
            (30.0, None),
        ] {
            assert_eq!(Unit::of_max_duration(number), unit, "{number}");
        }
    }

    #[test]
    fn a_unit_scales_its_numbers() {
        let hour = Some(TimeDelta::hours(1));
        assert_eq!(Unit::Seconds.read("3600"), hour);
        assert_eq!(Unit::Millis.read("3600000"), hour);
        assert_eq!(Unit::Nanos.read("3600000000000"), hour);
        assert_eq!(Unit::Nanos.read("-1500"), Some(TimeDelta::microseconds(-2)));
        assert_eq!(Unit::Millis.read("1e300"), None);
        assert_eq!(Unit::of_magnitude(7_776_000_000.0), Unit::Millis);
        assert_eq!(Unit::of_magnitude(7.776e15), Unit::Nanos);
    }

    #[test]
    fn the_last_minute_of_a_certificate_in_nanoseconds_is_no_year() {
        assert_eq!(Unit::of_whole(44_936_123_456.0), Unit::Nanos);
        assert_eq!(Unit::of_whole(7_776_000_000.0), Unit::Millis);
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
        for broken in ["", "-", "5", "5x", "s", "1..2s", "5848420210420s"] {
            assert_eq!(go_duration(broken), None, "{broken}");
        }
    }
}
