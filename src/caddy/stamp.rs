//! The time of an entry, as Caddy's encoders print it.

use crate::caddy::duration::exact_micros;
use crate::caddy::printed;
use crate::time::LogTime;
use chrono::{FixedOffset, Offset, Utc};

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

/// Reads a time printed as text, in UTC where it names no zone: Caddy's own choice unless `time_local`
/// is set.
pub fn text(text: &str) -> Option<LogTime> {
    text_in(text, Utc.fix())
}

/// Reads a time printed as text, in any layout; one that names no zone is in `zone`.
pub fn text_in(text: &str, zone: FixedOffset) -> Option<LogTime> {
    printed::read(text, zone).moment()
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
}
