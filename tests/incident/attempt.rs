//! Renewal jobs: their attempts, the back-off between them, and the one that succeeds.

use crate::clock::{Moment, Sequence};
use crate::facts::{
    CONTACT, EXPIRATION, ISSUER, JOB_QUEUED, JOB_START, LAST_ATTEMPT, LAST_FAILURE, NAME,
    NEW_EXPIRATION, PRODUCTION, RELOAD, STAGING, wait_after,
};
use crate::json::{Json, Log};

const JOB: &str = "tls.renew";
const ACME: &str = "tls.issuance.acme";
const ATTEMPTS: usize = 29;

/// One attempt of a job.
struct Attempt {
    number: usize,
    job: Moment,
    begin: Moment,
    end: Moment,
}

impl Attempt {
    /// certmagic asks production first and the staging CA from the second attempt on.
    const fn ca(&self) -> &'static str {
        if self.number == 1 {
            PRODUCTION
        } else {
            STAGING
        }
    }

    /// The issuer's error, as certmagic wraps it.
    fn error(&self, order: u64) -> String {
        let ca = self.ca();
        let account = account_number(ca);
        format!(
            "[{NAME}] solving challenges: presenting for challenge: could not determine zone for \
             domain \"_acme-challenge.{NAME}\": unexpected response code 'SERVFAIL' for \
             takeonme.org. (order={ca}/acme/order/{account}/{order}) (ca={ca}/directory)"
        )
    }
}

/// The job of the first process's start: ten attempts, ended by a reload.
pub(crate) fn start_job(log: &mut Log, sequence: &mut Sequence, start: Moment) {
    take_lock(log, start);
    let mut begin = start + Moment::units(4_100);
    for number in 1.. {
        let end = begin + sequence.span(Moment::millis(4_120), Moment::millis(4_790));
        let attempt = Attempt {
            number,
            job: start,
            begin,
            end,
        };
        fail(log, sequence, &attempt);
        begin = end + wait_after(number) + Moment::units(3_700);
        if begin > RELOAD {
            break;
        }
    }
}

/// The job that the maintenance loop began, up to its 29th failure. Nothing ended it but time.
pub(crate) fn maintenance_job(log: &mut Log, sequence: &mut Sequence) {
    let attempting = JOB_START - Moment::units(96_000);
    let line = Json::line(
        "info",
        attempting,
        "tls.cache.maintenance",
        "attempting certificate renewal",
    )
    .list("identifiers", &[NAME])
    .seconds("remaining", EXPIRATION - JOB_QUEUED);
    log.add(attempting, line);
    take_lock(log, JOB_START);
    let mut begin = JOB_START + Moment::units(300);
    for (index, length) in lengths(sequence).into_iter().enumerate() {
        let number = index + 1;
        let end = begin + length;
        fail(
            log,
            sequence,
            &Attempt {
                number,
                job: JOB_START,
                begin,
                end,
            },
        );
        begin = end + wait_after(number);
    }
    let last = Attempt {
        number: ATTEMPTS,
        job: JOB_START,
        begin: LAST_ATTEMPT,
        end: LAST_FAILURE,
    };
    fail(log, sequence, &last);
}

/// How long attempts 1 to 28 took: about 4.4 s each, together what is left beside the waits.
fn lengths(sequence: &mut Sequence) -> Vec<Moment> {
    let mut left = LAST_ATTEMPT - JOB_START - Moment::units(300);
    let mut lengths = Vec::new();
    for number in 1..ATTEMPTS {
        left = left - wait_after(number);
        lengths.push(sequence.span(Moment::millis(4_250), Moment::millis(4_650)));
    }
    let sum = lengths
        .iter()
        .fold(Moment::units(0), |sum, length| sum.plus(*length));
    let count = i64::try_from(lengths.len()).unwrap_or(1);
    let share = Moment::units((left - sum).count() / count);
    let rest = Moment::units((left - sum).count() % count);
    for length in &mut lengths {
        *length = length.plus(share);
    }
    if let Some(length) = lengths.last_mut() {
        *length = length.plus(rest);
    }
    lengths
}

fn take_lock(log: &mut Log, start: Moment) {
    let asked = start - Moment::units(71_000);
    log.add(
        asked,
        Json::line("info", asked, JOB, "acquiring lock").text("identifier", NAME),
    );
    let taken = start - Moment::units(600);
    log.add(
        taken,
        Json::line("info", taken, JOB, "lock acquired").text("identifier", NAME),
    );
}

/// All lines of one failing attempt.
fn fail(log: &mut Log, sequence: &mut Sequence, attempt: &Attempt) {
    begin(log, attempt);
    ask(log, attempt.ca(), attempt.begin);
    clean_up(
        log,
        attempt.end - sequence.span(Moment::millis(140), Moment::millis(260)),
    );
    let order = 29_405_000_000 + sequence.below(99_999_999);
    let error = attempt.error(order);
    let refused = attempt.end - Moment::units(3_400);
    let line = Json::line(
        "error",
        refused,
        JOB,
        "could not get certificate from issuer",
    )
    .text("identifier", NAME)
    .text("issuer", ISSUER)
    .text("error", &error);
    log.add(refused, line);
    let said = attempt.end + Moment::units(140);
    let line = Json::line("error", said, JOB, "will retry")
        .text("error", &format!("[{NAME}] Renew: {error}"))
        .number("attempt", u64::try_from(attempt.number).unwrap_or(0))
        .seconds("retrying_in", wait_after(attempt.number))
        .seconds("elapsed", attempt.end - attempt.job)
        .seconds("max_duration", Moment::seconds(30 * 86_400));
    log.add(said, line);
}

fn begin(log: &mut Log, attempt: &Attempt) {
    let said = attempt.begin + Moment::units(90);
    let line = Json::line("info", said, JOB, "renewing certificate")
        .text("identifier", NAME)
        .seconds("remaining", EXPIRATION - attempt.begin);
    log.add(said, line);
}

/// From the account to the challenge; only production is rate limited by Caddy itself.
fn ask(log: &mut Log, ca: &str, begin: Moment) {
    let directory = format!("{ca}/directory");
    if ca == PRODUCTION {
        for (delay, msg) in [
            (14_000, "waiting on internal rate limiter"),
            (14_300, "done waiting on internal rate limiter"),
        ] {
            let at = begin + Moment::units(delay);
            let line = Json::line("info", at, ACME, msg)
                .list("identifiers", &[NAME])
                .text("ca", &directory)
                .text("account", CONTACT);
            log.add(at, line);
        }
    }
    let at = begin + Moment::units(15_100);
    let account = format!("{ca}/acme/acct/{}", account_number(ca));
    let line = Json::line("info", at, ACME, "using ACME account")
        .text("account_id", &account)
        .list("account_contact", &[&format!("mailto:{CONTACT}")]);
    log.add(at, line);
    let at = begin + Moment::units(8_412_000);
    let line = Json::line("info", at, "", "trying to solve challenge")
        .text("identifier", NAME)
        .text("challenge_type", "dns-01")
        .text("ca", &directory);
    log.add(at, line);
}

/// What follows a failed presentation: there is nothing to clean up, and Caddy says so at length.
fn clean_up(log: &mut Log, at: Moment) {
    let error = format!(
        "no memory of presenting a DNS record for \"_acme-challenge.{NAME}\" \
         (usually OK if presenting also failed)"
    );
    let stack = "github.com/mholt/acmez/v3.(*Client).solveChallenges.func1\n\
                 \tgithub.com/mholt/acmez/v3@v3.1.2/client.go\n\
                 github.com/mholt/acmez/v3.(*Client).solveChallenges\n\
                 \tgithub.com/mholt/acmez/v3@v3.1.2/client.go\n\
                 github.com/caddyserver/certmagic.(*ACMEIssuer).doIssue\n\
                 \tgithub.com/caddyserver/certmagic@v0.24.0/acmeissuer.go\n\
                 github.com/caddyserver/certmagic.(*Config).renewCert.func2\n\
                 \tgithub.com/caddyserver/certmagic@v0.24.0/config.go\n\
                 github.com/caddyserver/certmagic.doWithRetry\n\
                 \tgithub.com/caddyserver/certmagic@v0.24.0/async.go";
    let line = Json::line("error", at, "", "cleaning up solver")
        .text("identifier", NAME)
        .text("challenge_type", "dns-01")
        .text("error", &error)
        .text("stacktrace", stack);
    log.add(at, line);
}

/// The first attempt of the second process: production, and DNS answers again.
pub(crate) fn succeed(log: &mut Log, start: Moment) {
    take_lock(log, start);
    let begun = start + Moment::units(4_000);
    begin(
        log,
        &Attempt {
            number: 1,
            job: start,
            begin: begun,
            end: begun,
        },
    );
    ask(log, PRODUCTION, begun);
    let order = format!(
        "{PRODUCTION}/acme/order/{}/471900835522",
        account_number(PRODUCTION)
    );
    let chains = format!("{PRODUCTION}/acme/cert/05b7f20ce1d94a6fb3310e8c5d27a9f6641e");
    let line = |after, level, logger, msg| {
        let at = begun + Moment::millis(after);
        (at, Json::line(level, at, logger, msg))
    };
    let (at, told) = line(6_210, "info", "", "authorization finalized");
    log.add(
        at,
        told.text("identifier", NAME).text("authz_status", "valid"),
    );
    let (at, told) = line(6_211, "info", "", "validations succeeded; finalizing order");
    log.add(at, told.text("order", &order));
    let (at, told) = line(
        7_934,
        "info",
        "",
        "successfully downloaded available certificate chains",
    );
    log.add(at, told.number("count", 2).text("first_url", &chains));
    let (at, told) = line(7_941, "info", JOB, "certificate renewed successfully");
    log.add(at, told.text("identifier", NAME).text("issuer", ISSUER));
    let (at, told) = line(7_942, "info", JOB, "releasing lock");
    log.add(at, told.text("identifier", NAME));
    let (at, told) = line(7_944, "info", "tls", "reloading managed certificate");
    log.add(at, told.list("identifiers", &[NAME]));
    let (at, told) = line(7_946, "info", "tls.cache", "replaced certificate in cache");
    log.add(
        at,
        told.list("subjects", &[NAME])
            .seconds("new_expiration", NEW_EXPIRATION),
    );
}

fn account_number(ca: &str) -> u64 {
    if ca == PRODUCTION {
        2_417_390_665
    } else {
        203_551_934
    }
}
