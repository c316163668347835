//! The incident from the first start to the quiet morning after it, in the order it happened.

use crate::clock::{Moment, Sequence};
use crate::facts::{
    END, FIRST_START, JOB_START, LAST_FAILURE, RELOAD, SECOND_START, SHUTDOWN, TOLD_TICK, at,
};
use crate::json::Log;
use crate::{attempt, maintenance, process, traffic};

/// The whole log.
pub(crate) fn tell() -> String {
    let mut log = Log::default();
    let mut sequence = Sequence::new(20_260_503);
    failing_process(&mut log, &mut sequence);
    healthy_process(&mut log, &mut sequence);
    log.into_text()
}

/// The process that had been up for 45 hours when the certificate expired.
fn failing_process(log: &mut Log, sequence: &mut Sequence) {
    let jobs = process::start(log, FIRST_START);
    process::clean(log, jobs - Moment::units(61_000));
    let cleaned_again = at(1, 2, 31, 47_731);
    process::clean(log, cleaned_again);
    maintenance::decide(
        log,
        jobs - Moment::units(82_000),
        maintenance::first_refresh(),
    );
    attempt::start_job(log, sequence, jobs);
    process::reload(log, RELOAD);
    attempt::maintenance_job(log, sequence);
    maintenance::failing(log, sequence, SHUTDOWN);
    let open = (jobs + Moment::seconds(2), SHUTDOWN - Moment::seconds(1));
    traffic::requests(log, sequence, open, 2_700);
    // Scanners come in bursts, some of them just when something else is being said.
    for start in [
        at(0, 2, 31, 52_000),
        JOB_START,
        at(0, 19, 3, 39_200),
        LAST_FAILURE,
        TOLD_TICK,
    ] {
        let burst = (start - Moment::millis(150), start + Moment::millis(250));
        traffic::requests(log, sequence, burst, 60);
    }
    process::shutdown(log, SHUTDOWN);
}

/// The process that came after the resolver had been repaired.
fn healthy_process(log: &mut Log, sequence: &mut Sequence) {
    let jobs = process::start(log, SECOND_START);
    process::skip_cleaning(log, jobs - Moment::units(61_000), at(1, 2, 31, 47_731));
    maintenance::decide(log, jobs - Moment::units(82_000), at(2, 5, 11, 48_092));
    attempt::succeed(log, jobs);
    maintenance::healthy(log, sequence, SECOND_START, END);
    let open = (jobs + Moment::seconds(2), END);
    traffic::requests(log, sequence, open, 520);
}
