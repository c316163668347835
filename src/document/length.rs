//! `30s`, `5 min`, `6h`, `1 d 12 h` into lengths of time: the words that `time::spell` prints.

use chrono::TimeDelta;

/// The length of time a text stands for; `None` when it is none, is negative or too long.
pub fn parse_length(text: &str) -> Option<TimeDelta> {
    let mut rest = text.trim();
    let mut seconds: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let part = number
            .parse::<i64>()
            .ok()?
            .checked_mul(unit_seconds(unit)?)?;
        seconds = seconds.checked_add(part)?;
        rest = after.trim_start();
    }
    TimeDelta::try_seconds(seconds).filter(|length| length.num_microseconds().is_some())
}

fn unit_seconds(unit: &str) -> Option<i64> {
    match unit {
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::spell;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_numbers_with_units() {
        let seconds = |text| parse_length(text).map(|length| length.num_seconds());
        assert_eq!(seconds("30s"), Some(30));
        assert_eq!(seconds("5 min"), Some(300));
        assert_eq!(seconds("6h"), Some(21_600));
        assert_eq!(seconds("1 d 12 h"), Some(129_600));
        for wrong in [
            "",
            "6",
            "6 hous",
            "h",
            "-5s",
            "1.5h",
            "99999999999999999999s",
            "9999999999999d",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spelled_can_be_read(days in 0..4_000_i64, hours in 0..24_i64) {
            let length = TimeDelta::hours(days * 24 + hours);
            prop_assert_eq!(parse_length(&spell(length)), Some(length));
        }
    }
}
