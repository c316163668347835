//! What an entry means for certificates: the names, the expiry, the failure, the next attempt.

use crate::caddy::ca::Ca;
use crate::caddy::entry::{Entry, Level};
use crate::caddy::failure::{Failure, Job};
use crate::caddy::name::Name;
use crate::caddy::remedy::Generation;
use crate::caddy::vocabulary::{Expiry, Means, Row, look_up};
use crate::time::LogTime;
use chrono::TimeDelta;

/// An entry, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When Caddy says it happened.
    pub at: Option<LogTime>,
    /// What it means.
    pub means: Means,
    /// The certificates it is about; empty where the line names none.
    pub names: Vec<Name>,
    /// Obtain or renew, by the logger or the error text.
    pub job: Option<Job>,
    /// When the certificate expires, exactly.
    pub not_after: Option<LogTime>,
    /// The error, understood.
    pub failure: Option<Failure>,
    /// The CA that is being talked to, or that issued.
    pub ca: Option<Ca>,
    /// The class of the CA that the failing issuer is configured with; a retry may ask its test CA.
    pub issuer: Option<Ca>,
    /// Caddy's own attempt counter.
    pub attempt: Option<u32>,
    /// Time until the announced next attempt.
    pub retrying_in: Option<TimeDelta>,
    /// Time since Caddy's job began.
    pub elapsed: Option<TimeDelta>,
    /// When ARI wants the renewal.
    pub selected_time: Option<LogTime>,
    /// When ARI's window ended before a change, and when it ends now.
    pub window: Option<(LogTime, LogTime)>,
    /// The interval of the maintenance loop, as configured.
    pub check_interval: Option<TimeDelta>,
    /// Whether a handshake asked for it, so that a stranger may have chosen the name.
    pub on_demand: bool,
    /// Whether the line is of the kind that only an info-level log shows.
    pub informative: bool,
    /// Whether the fields are those of certmagic v0.20.0 or later (`true`), or earlier (`false`).
    pub modern: Option<bool>,
    /// Which generation of Caddy prints such a line, where only one does.
    pub generation: Option<Generation>,
}

/// Fields that hold names, by version and message; the first that is there counts.
const NAME_FIELDS: [&str; 9] = [
    "identifier",
    "identifiers",
    "subjects",
    "names",
    "domains",
    "subject",
    "domain",
    "sans",
    "server_name",
];

impl Event {
    /// Understands an entry; `None` when its message is not about certificates.
    pub fn of(entry: &Entry) -> Option<Self> {
        if is_of_a_request(entry) {
            return None;
        }
        let row = look_up(&entry.msg)?;
        // Such a short message has to come from where it is meant.
        if row.means == Means::LoopPanicked && !entry.logger.ends_with("maintenance") {
            return None;
        }
        let mut failure = failure_of(entry, row);
        let mut names = names_of(entry);
        if names.is_empty() {
            names.extend(failure.as_mut().and_then(|failure| failure.name.clone()));
        }
        let job = job_of_logger(entry)
            .or_else(|| failure.as_ref().and_then(|failure| failure.job))
            .or_else(|| job_of_message(row));
        Some(Self {
            at: entry.at,
            means: row.means,
            names,
            job,
            not_after: not_after(entry, row.expiry),
            ca: ca_of(entry, row).or_else(|| failure.as_ref().and_then(|failure| failure.ca)),
            failure,
            issuer: entry
                .text("issuer")
                .filter(|_| row.means == Means::IssuerFailed)
                .map(Ca::of),
            attempt: entry.count("attempt"),
            retrying_in: entry.length("retrying_in"),
            elapsed: entry.length("elapsed"),
            selected_time: entry
                .moment("next_selected_time")
                .or_else(|| entry.moment("selected_time")),
            window: entry
                .moment("prev_end")
                .zip(entry.moment("next_end"))
                .filter(|(before, now)| before.is_plausible() && now.is_plausible()),
            check_interval: entry.length("renew_check_interval"),
            on_demand: entry.logger.ends_with("on_demand"),
            informative: matches!(entry.level.word(), "info" | "debug"),
            modern: modern(entry, row),
            generation: generation(entry, row),
        })
    }
}

/// Whether the message was made while a request was served: a stranger or an upstream may have
/// chosen its text.
fn is_of_a_request(entry: &Entry) -> bool {
    let of_handler = ["http.log", "http.handlers"].into_iter().any(|prefix| {
        let rest = entry.logger.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    of_handler || entry.is_traffic()
}

/// Whether an entry is about certificates and its message is not in the table: Caddy may have
/// learned to say something that we have not. Debug lines change too freely to count.
pub fn is_unknown(entry: &Entry) -> bool {
    let logger = entry.logger.as_str();
    let of_tls = logger == "tls" || logger.starts_with("tls.");
    let of_identity = logger.starts_with("admin.identity");
    // The ACME client has no logger's name in Caddy 2.9.0 to 2.11.2.
    let of_client = logger.ends_with("acme_client")
        || logger.is_empty() && CLIENT_FIELDS.iter().any(|name| entry.field(name).is_some());
    (of_tls || of_identity || of_client)
        && !is_of_a_request(entry)
        && entry.level != Level::Debug
        && look_up(&entry.msg).is_none()
}

/// Fields that only the ACME client writes.
const CLIENT_FIELDS: [&str; 4] = ["challenge_type", "authz_url", "authz_status", "problem"];

fn failure_of(entry: &Entry, row: &Row) -> Option<Failure> {
    let text = match row.means {
        Means::AccountLost => entry.problem("problem"),
        Means::ChallengeFailed => entry.problem("problem").or_else(|| {
            let kind = entry.text("problem_type").unwrap_or_default();
            entry.error().map(|error| format!("{kind} - {error}"))
        }),
        Means::IssuerFailed
        | Means::WillRetry
        | Means::GaveUp
        | Means::JobFailed
        | Means::OnDemandFailed => entry.error(),
        Means::WorkerPanicked => Some(entry.msg.clone()),
        _ => None,
    }?;
    Some(Failure::read(&text))
}

/// The certificates that an entry names in a field. Beside the TLS app `server_name` is the key of
/// an HTTP server in Caddy's configuration.
pub fn names_of(entry: &Entry) -> Vec<Name> {
    let of_tls = entry.logger.starts_with("tls");
    NAME_FIELDS
        .iter()
        .filter(|field| of_tls || **field != "server_name")
        .map(|field| entry.texts(field))
        .find(|texts| !texts.is_empty())
        .map(|texts| texts.into_iter().filter_map(Name::parse).collect())
        .unwrap_or_default()
}

/// The logger says what the job is for, whatever the error inside speaks of.
fn job_of_logger(entry: &Entry) -> Option<Job> {
    if entry.logger.ends_with("tls.obtain") {
        Some(Job::Obtain)
    } else if entry.logger.ends_with("tls.renew") {
        Some(Job::Renew)
    } else {
        None
    }
}

fn job_of_message(row: &Row) -> Option<Job> {
    if row.msg.contains("obtain") {
        Some(Job::Obtain)
    } else if row.msg.contains("renew") {
        Some(Job::Renew)
    } else {
        None
    }
}

fn ca_of(entry: &Entry, row: &Row) -> Option<Ca> {
    match row.means {
        Means::TalksTo => entry.text("ca").or_else(|| entry.text("order")).map(Ca::of),
        Means::Succeeded => entry.text("issuer").map(Ca::of),
        _ => None,
    }
}

/// notAfter in whole seconds. A `ts` that was cut to whole seconds lies up to a second early, and
/// then only rounding up gives the right second.
fn not_after(entry: &Entry, expiry: Expiry) -> Option<LogTime> {
    const SECOND: TimeDelta = TimeDelta::seconds(1);
    let round = |time: LogTime, up: i64| {
        LogTime::from_seconds((time + TimeDelta::microseconds(up)).seconds())
    };
    match expiry {
        Expiry::No => None,
        Expiry::Exact(field) => entry.moment(field),
        Expiry::PlusOne(field) => Some(entry.moment(field)? - SECOND),
        Expiry::Remaining => {
            let at = entry.at?;
            let cut = at.micros() % 1_000_000 == 0;
            let sum = at + entry.length("remaining")?;
            Some(round(sum, if cut { 999_999 } else { 500_000 }) - SECOND)
        }
    }
}

/// certmagic v0.20.0 renamed the storage field, and v0.21.0 brought ARI and the decision lines.
fn modern(entry: &Entry, row: &Row) -> Option<bool> {
    let since_0_21 = matches!(
        row.expiry,
        Expiry::PlusOne("expiration") | Expiry::Exact("cert_expiry")
    );
    if since_0_21 && entry.logger == "tls" || row.msg == "updated ACME renewal information" {
        return Some(true);
    }
    if row.msg == "cleaning storage unit" {
        return Some(entry.field("storage").is_some());
    }
    None
}

/// Caddy 2.7 gave the notes of automatic HTTPS a logger of their own, and 2.8 renamed the line about
/// its configuration (Caddy v2.7.6 `autohttps.go`, v2.8.4 `cmd/main.go`).
fn generation(entry: &Entry, row: &Row) -> Option<Generation> {
    const NOTES: [&str; 3] = [
        "server is listening only on the HTTP",
        "enabling automatic HTTP->HTTPS redirects",
        "automatic HTTP->HTTPS redirects are disabled",
    ];
    let is_note = NOTES.contains(&row.msg);
    if is_note && entry.logger == "http" {
        return Some(Generation::LoopPerLoad);
    }
    let later = is_note && entry.logger == "http.auto_https"
        || row.msg == "using config from file"
        || modern(entry, row) == Some(true);
    later.then_some(Generation::LoopPerProcess)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caddy::cause::Cause;

    fn event(line: &str) -> Event {
        Event::of(&Entry::decode(line.as_bytes()).unwrap()).unwrap()
    }

    fn not_after_of(line: &str) -> Option<String> {
        event(line).not_after.map(|time| time.to_string())
    }

    #[test]
    fn will_retry_takes_its_name_from_the_error() {
        let event = event(
            r#"{"level":"error","ts":1777845841.489,"logger":"tls.renew","msg":"will retry","error":"[a.example.com] Renew: unexpected response code 'SERVFAIL' (ca=https://acme-staging-v02.api.letsencrypt.org/directory)","attempt":29,"retrying_in":21600,"elapsed":151329.147,"max_duration":2592000}"#,
        );
        assert_eq!(event.names, [Name::parse("a.example.com").unwrap()]);
        assert_eq!(
            (event.attempt, event.retrying_in),
            (Some(29), Some(TimeDelta::hours(6)))
        );
        assert_eq!(event.ca, Some(Ca::Staging));
        assert_eq!(
            event.failure.map(|failure| failure.cause),
            Some(Cause::DnsServfail)
        );
    }

    #[test]
    fn what_a_site_adds_to_a_request_is_no_message_of_caddy() {
        for line in [
            r#"{"severity":"INFO","time":1777845841,"name":"http.log.access","message":"handled request","request":{"method":"GET","uri":"/"},"msg":"will retry","logger":"tls.renew","error":"[a.example.com] Renew: x"}"#,
            r#"{"level":"error","ts":1777845841,"msg":"will retry","request":{"method":"GET","uri":"/"},"problem":"x"}"#,
            r#"{"level":"error","ts":1777845841,"logger":"tls","msg":"something new","request":{"method":"GET","uri":"/"}}"#,
        ] {
            let entry = Entry::decode(line.as_bytes()).unwrap();
            assert!(entry.is_traffic() && !is_unknown(&entry), "{line}");
            assert_eq!(Event::of(&entry), None, "{line}");
        }
    }

    #[test]
    fn every_spelling_of_the_expiry_gives_the_same_second() {
        let expected = Some("2026-05-03T23:37:59Z".to_owned());
        for line in [
            r#"{"ts":1777845837.34,"msg":"renewing certificate","identifier":"a.b","remaining":5642.66}"#,
            r#"{"ts":1777845837,"msg":"renewing certificate","identifier":"a.b","remaining":5642.1}"#,
            r#"{"ts":1777845837.34,"msg":"certificate needs renewal based on ARI window","subjects":["a.b"],"expiration":1777851480}"#,
            r#"{"ts":1777845837.34,"msg":"replaced certificate in cache","subjects":["a.b"],"new_expiration":1777851480}"#,
            r#"{"ts":1777845837.34,"msg":"updated and stored ACME renewal information","identifiers":["a.b"],"cert_expiry":1777851479}"#,
            r#"{"ts":"2026-05-03T22:03:57Z","msg":"renewing certificate","identifier":"a.b","remaining":"1h34m2.1s"}"#,
        ] {
            assert_eq!(not_after_of(line), expected, "{line}");
        }
    }

    #[test]
    fn names_stand_under_five_spellings() {
        for field in [
            "identifier\":\"A.b\"",
            "identifiers\":[\"a.b\"]",
            "subjects\":[\"a.b\"]",
            "names\":[\"a.b.\"]",
            "domains\":[\"a.b\"]",
        ] {
            let line = format!(r#"{{"msg":"got renewal info","{field}}}"#);
            assert_eq!(event(&line).names, [Name::parse("a.b").unwrap()], "{field}");
        }
    }

    #[test]
    fn a_challenge_failure_is_read_from_both_shapes() {
        for line in [
            r#"{"msg":"challenge failed","identifier":"a.b","problem":{"type":"urn:ietf:params:acme:error:caa","detail":"no"}}"#,
            r#"{"msg":"challenge failed","identifier":"a.b","status_code":403,"problem_type":"urn:ietf:params:acme:error:caa","error":"no"}"#,
        ] {
            assert_eq!(
                event(line).failure.map(|failure| failure.cause),
                Some(Cause::CaCaa),
                "{line}"
            );
        }
    }

    #[test]
    fn other_messages_are_no_events() {
        let entry = Entry::decode(br#"{"msg":"handled request","uri":"/will retry"}"#).unwrap();
        assert_eq!(Event::of(&entry), None);
    }
}
