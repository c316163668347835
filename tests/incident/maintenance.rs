//! The maintenance loop: a tick every ten minutes, and ACME renewal information every six hours.

use crate::clock::{Moment, Sequence};
use crate::facts::{
    EXPIRATION, FIRST_START, JOB_QUEUED, JOB_START, NAME, NEW, OLD, OTHER, Renewal, TICK, TOLD_TICK,
};
use crate::json::{Json, Log};

const LOOP: &str = "tls.cache.maintenance";
const REFRESH: Moment = Moment::seconds(21_600);

/// The ticks of the first process: the certificate is due at each of them, expired or not.
pub(crate) fn failing(log: &mut Log, sequence: &mut Sequence, until: Moment) {
    let mut refresh = first_refresh();
    let mut tick = FIRST_START + TICK;
    while tick < until {
        let mut at = tick + sequence.span(Moment::millis(1), Moment::millis(44));
        if tick >= refresh {
            // The CA is slow at the tick that begins the long job, and quick at every other.
            let first = tick < JOB_START && JOB_START < tick + TICK;
            for renewal in [&OTHER, &OLD] {
                let answer = if first {
                    Moment::units((JOB_START - at).count() / 2 - 60_000)
                } else {
                    sequence.span(Moment::millis(180), Moment::millis(420))
                };
                at = at + answer;
                refresh = at + REFRESH;
                renewal_information(log, renewal, at, refresh);
            }
        }
        let queued = queued_at(tick, at);
        decide(log, queued - Moment::units(3_900), refresh);
        queue(log, queued);
        tick = tick + TICK;
    }
}

/// When the tick comes to its announcement; two of these moments are known.
fn queued_at(tick: Moment, at: Moment) -> Moment {
    let next = tick + TICK;
    [JOB_QUEUED, TOLD_TICK]
        .into_iter()
        .find(|known| (tick..next).contains(known))
        .unwrap_or(at + Moment::units(4_400))
}

/// The ticks of the second process: nothing is due.
pub(crate) fn healthy(log: &mut Log, sequence: &mut Sequence, start: Moment, until: Moment) {
    let mut due = [(&NEW, start), (&OTHER, start + Moment::seconds(13_600))];
    let mut tick = start + TICK;
    while tick < until {
        let mut at = tick + sequence.span(Moment::millis(1), Moment::millis(44));
        for (renewal, refresh) in &mut due {
            if tick >= *refresh {
                at = at + sequence.span(Moment::millis(180), Moment::millis(420));
                *refresh = at + REFRESH;
                renewal_information(log, renewal, at, *refresh);
            }
        }
        tick = tick + TICK;
    }
}

/// When the renewal information that the first process found in storage runs out.
pub(crate) const fn first_refresh() -> Moment {
    FIRST_START.plus(Moment::millis(5_111_342))
}

/// The line that says why the certificate is due; it carries the expiration, not the time left.
pub(crate) fn decide(log: &mut Log, at: Moment, next_update: Moment) {
    let msg = "certificate needs renewal based on ARI window";
    let line = Json::line("info", at, "tls", msg)
        .list("subjects", &[NAME])
        .seconds("expiration", EXPIRATION)
        .text("ari_cert_id", OLD.id)
        .seconds("next_ari_update", next_update)
        .seconds("renew_check_interval", TICK)
        .seconds("window_start", OLD.window.0)
        .seconds("window_end", OLD.window.1)
        .seconds("selected_time", OLD.selected)
        .seconds("renewal_cutoff", OLD.selected - TICK);
    log.add(at, line);
}

/// The line that does not mean that anything was queued.
fn queue(log: &mut Log, at: Moment) {
    let said = at + Moment::units(20);
    let line = Json::line(
        "info",
        said,
        LOOP,
        "certificate expires soon; queuing for renewal",
    )
    .list("identifiers", &[NAME])
    .seconds("remaining", EXPIRATION - at);
    log.add(said, line);
}

/// What the CA answered, and that it was stored.
fn renewal_information(log: &mut Log, renewal: &Renewal, at: Moment, next_update: Moment) {
    let got = at - Moment::units(31_000);
    let line = Json::line("info", got, "", "got renewal info")
        .list("names", &[renewal.name])
        .seconds("window_start", renewal.window.0)
        .seconds("window_end", renewal.window.1)
        .seconds("selected_time", renewal.selected)
        .seconds("recheck_after", next_update)
        .text("explanation_url", "");
    log.add(got, line);
    let line = Json::line(
        "info",
        at,
        LOOP,
        "updated and stored ACME renewal information",
    )
    .list("identifiers", &[renewal.name])
    .text("cert_hash", renewal.hash)
    .text("ari_unique_id", renewal.id)
    .seconds("cert_expiry", renewal.expiration - Moment::seconds(1))
    .seconds("selected_time", renewal.selected)
    .seconds("next_update", next_update)
    .text("explanation_url", "");
    log.add(at, line);
}
