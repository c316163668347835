//! A certificate and what becomes of it, by chance.

use crate::faults::FAULTS;
use crate::random::Random;
use crate::script::{DAY, HOUR, Life, MINUTE, S};

/// Of a certificate that Caddy manages from a moment on.
pub(crate) fn life(random: &mut Random, name: &str, start: i64) -> Life {
    let lifetime = random.one(&[6, 45, 90]) * DAY;
    // Whole seconds, as in certificates.
    let second = |at: i64| at - at.rem_euclid(S);
    let left = if random.chance(60) {
        // Due when Caddy starts.
        random.between(20 * MINUTE, (lifetime / 3).min(60 * HOUR))
    } else {
        lifetime / 3 + random.between(HOUR, 10 * HOUR)
    };
    let not_after = second(start + left);
    let due = second(not_after - lifetime / 3);
    let fixed = if random.chance(15) {
        start
    } else {
        due.max(start) + random.between(MINUTE, 70 * HOUR)
    };
    let (first, second) = (random.one(&FAULTS), random.one(&FAULTS));
    let hangs = (due.max(start), random.between(HOUR, 6 * HOUR));
    Life {
        name: name.to_owned(),
        not_after: (!random.chance(20)).then_some(not_after),
        due,
        lifetime,
        faults: [first, random.one(&[first, second])],
        turns: due.max(start) + random.between(MINUTE, 3 * HOUR),
        fixed,
        refused: random.chance(15).then(|| random.one(&[2, 3, 5])),
        hangs: random.chance(10).then_some(hangs),
        panics: random.chance(6),
        overlooked: random.chance(6),
        proof_after: random.one(&[50_000, 50_000, 50_000, 30 * MINUTE]),
    }
}
