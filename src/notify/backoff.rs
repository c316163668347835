//! Tries made and what the channel asked for into the wait before the next try.

use std::time::Duration;

/// How much of a server's wish to be left alone is granted.
const LONGEST_WISH: Duration = Duration::from_hours(1);

/// A doubling wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first try.
    pub first: Duration,
    /// Doubling stops here.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_mins(15),
        }
    }
}

impl Backoff {
    /// The wait after `attempts` failed tries: doubled each time, up to a fifth longer by the
    /// ticket, and never shorter than the channel asked for within the hour.
    pub fn delay(&self, attempts: u32, after: Option<Duration>, ticket: i64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        let plain = self.first.saturating_mul(1 << doublings).min(self.longest);
        let spread = plain.mul_f64(f64::from(scatter(ticket, attempts)) / 65_536.0 / 5.0);
        let wish = after.unwrap_or_default().min(LONGEST_WISH);
        plain.saturating_add(spread).max(wish)
    }
}

/// The same for the same try, but far apart for neighbours (the finalizer of splitmix64).
fn scatter(ticket: i64, attempts: u32) -> u16 {
    let mut bits = ticket
        .cast_unsigned()
        .wrapping_add(u64::from(attempts) << 48);
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [high, low, ..] = (bits ^ (bits >> 31)).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let backoff = Backoff::default();
        let expected = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900];
        for (attempts, seconds) in (1..).zip(expected) {
            for ticket in 1..200 {
                let delay = backoff.delay(attempts, None, ticket);
                let plain = Duration::from_secs(seconds);
                assert!(delay >= plain && delay < plain.mul_f64(1.2), "{delay:?}");
            }
        }
        assert!(backoff.delay(u32::MAX, None, i64::MIN) < Duration::from_mins(18));
    }

    #[test]
    fn the_same_try_waits_the_same_and_neighbours_do_not() {
        let backoff = Backoff::default();
        let delay = |ticket| backoff.delay(9, None, ticket);
        assert_eq!(delay(7), delay(7));
        assert_ne!(delay(7).as_secs(), delay(8).as_secs());
    }

    #[test]
    fn a_wish_is_granted_within_the_hour() {
        let backoff = Backoff::default();
        let wish = |seconds| backoff.delay(1, Some(Duration::from_secs(seconds)), 1);
        assert_eq!(wish(600), Duration::from_mins(10));
        assert_eq!(wish(u64::MAX), Duration::from_hours(1));
        assert!(wish(0) >= Duration::from_secs(5));
    }
}
