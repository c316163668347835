//! Printed times and lengths: what is read as one can be reckoned with and printed, and what Caddy's
//! layouts print is read back.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use notafter::caddy::duration::{Unit, go_duration};
use notafter::caddy::printed::{self, Printed};
use notafter::caddy::stamp;
use notafter::time::{LogTime, spell};

/// Caddy's names for layouts that tell the zone, as chrono spells them, and how many microseconds each
/// drops (Caddy v2.11.7 `modules/logging/encoders.go`).
const LAYOUTS: [(&str, i64); 7] = [
    ("%Y-%m-%dT%H:%M:%S%.3f%z", 1_000),
    ("%Y-%m-%dT%H:%M:%S%:z", 1_000_000),
    ("%Y-%m-%dT%H:%M:%S%.6f%:z", 1),
    ("%d/%b/%Y:%H:%M:%S %z", 1_000_000),
    ("%a, %d %b %Y %H:%M:%S %z", 1_000_000),
    ("%Y-%m-%d %H:%M:%S%.6f %z", 1),
    ("%B %d, %Y %H:%M:%S%.3f %z", 1_000),
];

pub(crate) fn check(data: &[u8]) {
    if let Some((number, _)) = data.split_first_chunk::<8>() {
        what_is_printed_is_read(i64::from_le_bytes(*number));
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for minutes in [0, 345, -720] {
        let zone = FixedOffset::east_opt(minutes * 60).unwrap();
        if let Printed::At(time) = printed::read(text, zone) {
            assert!(time.is_plausible(), "{text:?}");
            reckoned(time);
        }
    }
    stamp::number(text).into_iter().for_each(reckoned);
    lengths(text);
}

fn reckoned(time: LogTime) {
    let printed = time.to_string();
    let read = LogTime::parse_rfc3339(&printed);
    if time.is_plausible() {
        assert_eq!(
            read.map(LogTime::seconds),
            Some(time.seconds()),
            "{printed}"
        );
    }
    let _far = (time + TimeDelta::MAX, time - TimeDelta::MAX, time.utc());
}

fn lengths(text: &str) {
    let units = [Unit::Seconds, Unit::Millis, Unit::Nanos];
    let numbers = units.into_iter().filter_map(|unit| unit.read(text));
    for length in numbers.chain(go_duration(text)) {
        let _spelled = spell(length);
        reckoned(LogTime::from_seconds(1_777_845_841) + length);
    }
    if let Some(length) = go_duration(text) {
        let micros = length.num_microseconds().unwrap();
        let again = go_duration(&format!("{micros}us")).unwrap();
        // A double holds the microseconds of 285 years.
        assert!(
            (again - length).abs() <= TimeDelta::microseconds(1),
            "{text:?}"
        );
    }
    if let Ok(number) = text.parse::<f64>() {
        let _units = (Unit::of_magnitude(number), Unit::of_whole(number));
    }
}

/// Every layout that tells the zone, in any zone, as far as it tells.
fn what_is_printed_is_read(bits: i64) {
    const SECONDS_MAX: i64 = 4_102_444_800;
    let micros = bits.rem_euclid(SECONDS_MAX * 1_000_000);
    let minutes = i32::try_from(bits.rem_euclid(113)).unwrap() * 15 - 14 * 60;
    let zone = FixedOffset::east_opt(minutes * 60).unwrap();
    let time: DateTime<Utc> = DateTime::from_timestamp_micros(micros).unwrap();
    for (layout, dropped) in LAYOUTS {
        let text = time.with_timezone(&zone).format(layout).to_string();
        let expected = LogTime::from_micros(micros.div_euclid(dropped) * dropped);
        let read = printed::read(&text, FixedOffset::east_opt(0).unwrap());
        assert_eq!(read, Printed::At(expected), "{text}");
    }
}
