//! A time printed in any layout that Go can be given (`time_format`): its parts are found by their
//! shape, since the layout is not in the log.
//!
//! A day and a month that could be either way round are not guessed, and a time without a date is no
//! moment; such an entry has its place in the log and no time of its own.

use crate::caddy::entry::Level;
use crate::time::LogTime;
use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

/// What a text is as a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    /// A moment.
    At(LogTime),
    /// A time, but not which: without a date, or with one that reads two ways.
    Vague,
    /// No time.
    Other,
}

impl Printed {
    /// The moment, where it is known.
    pub fn moment(self) -> Option<LogTime> {
        match self {
            Self::At(time) => Some(time),
            Self::Vague | Self::Other => None,
        }
    }
}

/// Longer texts are no times.
const BYTES_MAX: usize = 64;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads a text; a time that names no zone, or one by letters only its authors know, is in `zone`.
pub fn read(text: &str, zone: FixedOffset) -> Printed {
    let text = text.trim();
    if text.len() > BYTES_MAX {
        return Printed::Other;
    }
    let known = LogTime::parse_rfc3339(text).or_else(|| common(text, zone));
    if let Some(time) = known {
        return plausible(time);
    }
    let Some(parts) = Parts::of(text) else {
        return Printed::Other;
    };
    if !parts.is_time() {
        return Printed::Other;
    }
    parts.moment(zone).map_or(Printed::Vague, plausible)
}

fn plausible(time: LogTime) -> Printed {
    if time.is_plausible() {
        Printed::At(time)
    } else {
        Printed::Vague
    }
}

/// The layouts that Caddy has names for.
fn common(text: &str, zone: FixedOffset) -> Option<LogTime> {
    const ZONED: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%z", "%d/%b/%Y:%H:%M:%S %z"];
    for layout in ZONED {
        if let Ok(time) = chrono::DateTime::parse_from_str(text, layout) {
            return Some(LogTime::from_micros(time.timestamp_micros()));
        }
    }
    let wall = NaiveDateTime::parse_from_str(text, "%Y/%m/%d %H:%M:%S%.f").ok()?;
    in_zone(wall, zone)
}

fn in_zone(wall: NaiveDateTime, zone: FixedOffset) -> Option<LogTime> {
    let time = zone.from_local_datetime(&wall).single()?;
    Some(LogTime::from_micros(time.timestamp_micros()))
}

/// What was found in a text.
#[derive(Default)]
struct Parts {
    time: Option<NaiveTime>,
    offset: Option<FixedOffset>,
    month: Option<u32>,
    /// The other numbers, as written, and what stands between them.
    numbers: Vec<(u32, usize)>,
    separator: Option<char>,
}

impl Parts {
    /// Takes a text apart; `None` when it holds anything that no time has.
    fn of(text: &str) -> Option<Self> {
        let mut parts = Self::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = if first.is_ascii_digit() {
                parts.digits(rest)?
            } else if first.is_alphabetic() {
                parts.word(rest)?
            } else if matches!(first, '+' | '-') && parts.time.is_some() {
                parts.offset(rest)?
            } else if " ,/.-:'()".contains(first) {
                if parts.numbers.len() == 1 && "/.-".contains(first) {
                    parts.separator = Some(first);
                }
                rest.get(first.len_utf8()..)?
            } else {
                return None;
            };
        }
        Some(parts)
    }

    fn is_time(&self) -> bool {
        self.time.is_some() && self.numbers.len() <= 3
    }

    /// A time of day, a compact date, or a number of a date.
    fn digits<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, rest) = text.split_at_checked(end)?;
        if end <= 2 && rest.starts_with(':') && self.time.is_none() {
            return self.time_of_day(text);
        }
        match end {
            14 => {
                self.compact_date(digits.get(..8)?)?;
                self.compact_time(digits.get(8..)?)?;
            }
            8 => self.compact_date(digits)?,
            6 if !self.numbers.is_empty() => self.compact_time(digits)?,
            1..=4 if self.numbers.len() < 3 => self.numbers.push((digits.parse().ok()?, end)),
            _ => return None,
        }
        Some(rest)
    }

    fn compact_date(&mut self, digits: &str) -> Option<()> {
        for (from, to) in [(0, 4), (4, 6), (6, 8)] {
            let part = digits.get(from..to)?;
            self.numbers.push((part.parse().ok()?, to - from));
        }
        Some(())
    }

    fn compact_time(&mut self, digits: &str) -> Option<()> {
        self.time = Some(NaiveTime::parse_from_str(digits, "%H%M%S").ok()?);
        Some(())
    }

    /// `15:04`, `15:04:05.999`, `3:04:05 PM`.
    fn time_of_day<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let end = text
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','))
            .unwrap_or(text.len());
        let (clock, rest) = text.split_at_checked(end)?;
        let clock = clock.trim_end_matches([':', '.', ',']).replace(',', ".");
        let spaced = rest.trim_start();
        let half = spaced.get(..2).map(str::to_ascii_lowercase);
        let (layouts, used, clock) = match half.as_deref() {
            Some(half @ ("am" | "pm")) => {
                let clock = format!("{clock} {half}");
                (
                    ["%I:%M:%S%.f %p", "%I:%M %p"],
                    rest.len() - spaced.len() + 2,
                    clock,
                )
            }
            _ => (["%H:%M:%S%.f", "%H:%M"], 0, clock),
        };
        let time = layouts
            .iter()
            .find_map(|layout| NaiveTime::parse_from_str(&clock, layout).ok())?;
        self.time = Some(time);
        rest.get(used..)
    }

    /// A month, a weekday, a zone, or a letter between date and time.
    fn word<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let end = text
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        let lower = word.to_lowercase();
        let named = |names: &[&str]| {
            names
                .iter()
                .position(|name| lower.len() >= 3 && name.starts_with(&lower))
        };
        if let Some(month) = named(&MONTHS) {
            self.month = u32::try_from(month + 1).ok();
        } else if matches!(lower.as_str(), "z" | "utc" | "gmt") {
            self.offset = FixedOffset::east_opt(0);
        } else if named(&WEEKDAYS).is_none() && lower != "t" {
            let is_zone = self.time.is_some()
                && (2..=5).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_uppercase())
                // A console line goes on with its level.
                && Level::from_word(word) == Level::Unknown;
            return is_zone.then_some(rest);
        }
        Some(rest)
    }

    /// `+0200`, `+02:00`, `+02`; else a separator.
    fn offset<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let signed = text.get(1..)?;
        let end = signed
            .find(|c: char| !c.is_ascii_digit() && c != ':')
            .unwrap_or(signed.len());
        let (written, rest) = signed.split_at_checked(end)?;
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        if !matches!(digits.len(), 2 | 4) {
            return text.get(1..);
        }
        let hours: i32 = digits.get(..2)?.parse().ok()?;
        let minutes: i32 = digits
            .get(2..)
            .filter(|text| !text.is_empty())
            .map_or(Some(0), |text| text.parse().ok())?;
        let seconds = hours * 3_600 + minutes * 60;
        self.offset = Some(FixedOffset::east_opt(if text.starts_with('-') {
            -seconds
        } else {
            seconds
        })?);
        Some(rest)
    }

    fn moment(&self, zone: FixedOffset) -> Option<LogTime> {
        let wall = self.date()?.and_time(self.time?);
        in_zone(wall, self.offset.unwrap_or(zone))
    }

    fn date(&self) -> Option<NaiveDate> {
        let number = |index: usize| self.numbers.get(index).copied();
        let year = |(value, width): (u32, usize)| match width {
            4 => Some(value),
            2 => Some(2000 + value),
            _ => None,
        };
        let (year, month, day) = match (self.month, number(0)?, number(1)?, number(2)) {
            (Some(month), first, (day, _), None) if first.1 == 4 => (first.0, month, day),
            (Some(month), (day, _), second, None) => (year(second)?, month, day),
            (None, first, (month, _), Some((day, _))) if first.1 == 4 => (first.0, month, day),
            (None, (first, _), (second, _), Some(last)) => {
                let (day, month) = match (first, second) {
                    (13.., _) => (first, second),
                    (_, 13..) => (second, first),
                    _ if self.separator == Some('.') || first == second => (first, second),
                    _ => return None,
                };
                (year(last)?, month, day)
            }
            _ => return None,
        };
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset, Utc};

    const SECOND: i64 = 1_777_845_841;

    fn seconds(text: &str, zone: FixedOffset) -> Option<i64> {
        match read(text, zone) {
            Printed::At(time) => Some(time.seconds()),
            _ => None,
        }
    }

    #[test]
    fn every_layout_of_go_and_caddy_is_read() {
        for time in [
            "2026-05-03T22:04:01Z",
            "2026-05-03T22:04:01.250+0000",
            "2026-05-04T00:04:01+02:00",
            "2026/05/03 22:04:01",
            "2026/05/03 22:04:01.999999999",
            "03/May/2026:22:04:01 +0000",
            "Sun May  3 22:04:01 2026",
            "Sun May  3 22:04:01 UTC 2026",
            "Sun May 03 22:04:01 +0000 2026",
            "Sunday, 03-May-26 22:04:01 UTC",
            "Sun, 03 May 2026 22:04:01 GMT",
            "Sun, 03 May 2026 22:04:01 +0000",
            "2026-05-03 22:04:01",
            "2026-05-03 22:04:01.123 -0000",
            "2026-05-03 10:04:01 PM",
            "20260503220401",
            "20260503T220401Z",
            "03.05.2026 22:04:01",
        ] {
            assert_eq!(seconds(time, Utc.fix()), Some(SECOND), "{time}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_in_that_of_the_source() {
        let zone: FixedOffset = "+02:00".parse().unwrap();
        assert_eq!(seconds("2026/05/04 00:04:01", zone), Some(SECOND));
        assert_eq!(seconds("2026/05/03 22:04:01 UTC", zone), Some(SECOND));
        assert_eq!(seconds("2026-05-04T00:04:01 CEST", zone), Some(SECOND));
        assert_eq!(seconds("2026-05-03T22:04:01Z", zone), Some(SECOND));
    }

    #[test]
    fn what_reads_two_ways_is_not_guessed() {
        for time in [
            "22:04:01",
            "10:04PM",
            "May  3 22:04:01",
            "03/05/2026 22:04:01",
        ] {
            assert_eq!(read(time, Utc.fix()), Printed::Vague, "{time}");
        }
        assert_eq!(
            seconds("05/13/2026 22:04:01", Utc.fix()),
            seconds("13/05/2026 22:04:01", Utc.fix())
        );
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "yesterday",
            "will retry",
            "ERROR",
            "1.2.3.4",
            "203.0.113.9 - - 22:04:01 GET",
            "2026-13-45T99:99:99Z",
            "12",
            "tls.renew",
            "2026-05-03",
        ] {
            assert!(!matches!(read(text, Utc.fix()), Printed::At(_)), "{text}");
        }
        assert_eq!(read("1.2.3.4 - x 22:04:01", Utc.fix()), Printed::Other);
        assert_eq!(read("will retry", Utc.fix()), Printed::Other);
    }
}
