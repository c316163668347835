//! What is known of the incident: names, addresses and the moments everything else follows from.

use crate::clock::Moment;

pub(crate) const NAME: &str = "matrix-fed.takeonme.org";
pub(crate) const HEALTHY: &str = "takeonme.org";
pub(crate) const CONTACT: &str = "hostmaster@takeonme.org";

pub(crate) const PRODUCTION: &str = "https://acme-v02.api.letsencrypt.org";
pub(crate) const STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org";
pub(crate) const ISSUER: &str = "acme-v02.api.letsencrypt.org-directory";

/// Midnight (UTC) at the start of 2026-05-02.
const MIDNIGHT: i64 = 1_777_680_000;

/// A moment by the day after 2026-05-02 (0 is that day itself) and the time of day.
pub(crate) const fn at(day: i64, hour: i64, minute: i64, millis: i64) -> Moment {
    let seconds = MIDNIGHT + day * 86_400 + hour * 3_600 + minute * 60;
    Moment::seconds(seconds).plus(Moment::millis(millis))
}

/// The first process: its maintenance loop starts here, and ticks every ten minutes.
pub(crate) const FIRST_START: Moment = at(0, 2, 31, 47_600);
pub(crate) const RELOAD: Moment = at(0, 3, 58, 12_308);
pub(crate) const SHUTDOWN: Moment = at(2, 1, 24, 31_112);
/// The second process, after the resolver was repaired.
pub(crate) const SECOND_START: Moment = at(2, 1, 24, 47_904);
pub(crate) const END: Moment = at(2, 8, 40, 0);

pub(crate) const TICK: Moment = Moment::seconds(600);

/// One second past the last second of the old certificate, as certmagic counts: 2026-05-03T23:38:00Z.
pub(crate) const EXPIRATION: Moment = Moment::seconds(1_777_851_480);
/// The same for the certificate that replaced it: 2026-08-02T00:24:55Z.
pub(crate) const NEW_EXPIRATION: Moment = Moment::seconds(1_785_630_295);
/// The same for the healthy name: 2026-07-09T11:02:18Z.
pub(crate) const HEALTHY_EXPIRATION: Moment = Moment::seconds(1_783_594_938);

/// The tick that begins the maintenance job is held up by a slow CA; the job starts here.
pub(crate) const JOB_START: Moment = at(0, 4, 1, 52_595);
/// The line at that tick which, for once, does queue something.
pub(crate) const JOB_QUEUED: Moment = JOB_START.plus(Moment::units(-115_000));
/// The 29th attempt of that job begins with 5642.66 s of life left ...
pub(crate) const LAST_ATTEMPT: Moment = at(1, 22, 3, 57_340);
/// ... and fails 151329.147 s after the job started.
pub(crate) const LAST_FAILURE: Moment = JOB_START.plus(Moment::millis(151_329_147));
/// A tick that is announced with exactly 5172.357 s of life left.
pub(crate) const TOLD_TICK: Moment = at(1, 22, 11, 47_643);

/// Minutes that certmagic 0.20 and later wait after the first, second, ... failed attempt.
const BACK_OFF: [i64; 24] = [
    1, 2, 2, 5, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30, 60, 60, 60, 120, 120, 180, 180,
];

/// How long certmagic sleeps after this failed attempt (the first is 1).
pub(crate) fn wait_after(attempt: usize) -> Moment {
    let minutes = BACK_OFF.get(attempt.saturating_sub(1));
    Moment::seconds(minutes.copied().unwrap_or(360) * 60)
}

/// A certificate as ACME renewal information describes it.
pub(crate) struct Renewal {
    pub(crate) name: &'static str,
    pub(crate) hash: &'static str,
    pub(crate) id: &'static str,
    pub(crate) expiration: Moment,
    pub(crate) window: (Moment, Moment),
    pub(crate) selected: Moment,
}

/// The certificate that expired.
pub(crate) const OLD: Renewal = Renewal {
    name: NAME,
    hash: "5f0b1ad3a94c40f0f6f7f2e1c7a6d20be2c1c9d6b3be24f0a1c8be77310f92d4",
    id: "kydGmAOpUWiOmNbEQkjbI79YlNI.BnRjQ2LaPpYxYVx0RkGpVq2E",
    expiration: EXPIRATION,
    window: (
        Moment::seconds(1_775_173_079),
        Moment::seconds(1_775_345_879),
    ),
    selected: Moment::seconds(1_775_227_713),
};

/// The certificate that replaced it.
pub(crate) const NEW: Renewal = Renewal {
    name: NAME,
    hash: "c3d98be7c41f7a5be3d0c2740d6f2ad1a7c04b0f1c9de65f3a8e9d5b20417e6a",
    id: "jw9TynxX5MEiYAy8kCBjbQ.BTnq7dZ0VhQKJ1mWc3o8yXbRrUAe",
    expiration: NEW_EXPIRATION,
    window: (
        Moment::seconds(1_782_951_894),
        Moment::seconds(1_783_124_694),
    ),
    selected: Moment::seconds(1_783_040_417),
};

/// The certificate nothing is wrong with.
pub(crate) const OTHER: Renewal = Renewal {
    name: HEALTHY,
    hash: "18e5c0a2b1f64d7791c8e5fbb02c4a6e97d3f2b86a1e0d9c5b47ffa803e2d61c",
    id: "kydGmAOpUWiOmNbEQkjbI79YlNI.BQm4rT1xkZsd8PhN5wYbC7uK",
    expiration: HEALTHY_EXPIRATION,
    window: (
        Moment::seconds(1_780_916_537),
        Moment::seconds(1_781_089_337),
    ),
    selected: Moment::seconds(1_781_002_266),
};
