//! An error text into whose failure it is, at which CA, and why.

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::caddy::classify::classify;
use crate::caddy::name::Name;
use crate::time::LogTime;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// A first issuance (`tls.obtain`).
    Obtain,
    /// A renewal (`tls.renew`).
    Renew,
}

impl Job {
    /// The word for it in rules and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Obtain => "obtain",
            Self::Renew => "renew",
        }
    }
}

/// Who began a job: it decides when the next attempt comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The start of the process, or a load of the configuration.
    Start,
    /// The maintenance loop's tick.
    Maintenance,
}

/// An error text, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The certificate, where the text names it.
    pub name: Option<Name>,
    /// Obtain or renew, where the text says it.
    pub job: Option<Job>,
    /// Who began the job; only the text of `job failed` tells.
    pub origin: Option<Origin>,
    /// The job's attempts are over, and loading what they stored failed.
    pub uncached: bool,
    /// A reload or a stop ended the job; not a failure.
    pub canceled: bool,
    /// The CA that the failing call went to.
    pub ca: Option<Ca>,
    /// The URL of its directory, or of the request that failed; safe to show and to paste.
    pub ca_url: Option<String>,
    /// Why.
    pub cause: Cause,
    /// Who met it.
    pub seen_by: SeenBy,
    /// When the CA would take another request, where it says so.
    pub retry_after: Option<LogTime>,
}

impl Failure {
    /// Reads the `error` of any line. The shapes are those of certmagic v0.25.3 `config.go` and
    /// `async.go`: `[NAME] Renew: ...`, `[NAME] [NAME] Renew: ...` (a job of the maintenance loop),
    /// `NAME: renewing certificate: ...` (a job of process start), `[NAME] context canceled`.
    pub fn read(error: &str) -> Self {
        let (name, origin, rest) = prefix(error);
        let (inner_name, _, rest) = match prefix(rest) {
            (Some(inner), _, inner_rest) if Some(&inner) == name.as_ref() => {
                (Some(inner), None, inner_rest)
            }
            _ => (None, None::<Origin>, rest),
        };
        let origin = match (origin, &inner_name) {
            (None, Some(_)) => Some(Origin::Maintenance),
            (origin, _) => origin,
        };
        let job = match (origin, job_of_text(rest)) {
            // A renewal may go on as an obtain inside (certmagic v0.25.6), and stays a renewal.
            (Some(Origin::Maintenance), _) => Some(Job::Renew),
            (Some(Origin::Start), _) => job_of_text(error),
            (None, job) => job.or_else(|| job_of_text(error)),
        };
        let (cause, seen_by) = classify(error);
        Self {
            name: name
                .or_else(|| name_of_lock(error))
                .or_else(|| name_in_path(error)),
            job,
            origin,
            uncached: error.contains(UNCACHED),
            canceled: error.contains("context canceled") && !error.contains("urn:ietf:params"),
            ca: ca_url(error).map(Ca::of),
            ca_url: ca_url(error).filter(|url| is_plain(url)).map(str::to_owned),
            cause,
            seen_by,
            retry_after: retry_after(error),
        }
    }
}

/// What a job that process start began was at, behind `NAME: ` (certmagic v0.25.3 `config.go`, `manageOne`).
const PHASES: [&str; 4] = [
    "obtaining certificate: ",
    UNCACHED,
    "renewing certificate: ",
    "reloading renewed certificate into memory: ",
];

const UNCACHED: &str = "caching certificate after obtaining it: ";

/// Takes `[NAME] ` or `NAME: PHASE: ` off the front; the second shape is used at process start only.
fn prefix(error: &str) -> (Option<Name>, Option<Origin>, &str) {
    if let Some((inside, rest)) = error
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        if let Some(name) = Name::parse(inside) {
            return (Some(name), None, rest);
        }
    } else if let Some((first, rest)) = error.split_once(": ")
        && let Some(verbless) = PHASES.iter().find_map(|phase| rest.strip_prefix(phase))
        && let Some(name) = Name::parse(first)
    {
        return (Some(name), Some(Origin::Start), verbless);
    }
    (None, None, error)
}

/// The verb that stands first in a text.
fn job_of_text(error: &str) -> Option<Job> {
    const VERBS: [(&str, Job); 6] = [
        ("renewing certificate:", Job::Renew),
        ("obtaining certificate:", Job::Obtain),
        ("Renew:", Job::Renew),
        ("Obtain:", Job::Obtain),
        ("after obtaining it", Job::Obtain),
        ("reloading renewed certificate", Job::Renew),
    ];
    let places = VERBS
        .iter()
        .filter_map(|(verb, job)| Some((error.find(verb)?, *job)));
    places.min_by_key(|(place, _)| *place).map(|(_, job)| job)
}

/// The name in `issue_cert_NAME`, the lock of a job (certmagic v0.25.3 `config.go`).
fn name_of_lock(error: &str) -> Option<Name> {
    let (_, rest) = error.split_once("'issue_cert_")?;
    Name::parse(rest.split('\'').next()?)
}

/// The name in a storage path `.../certificates/ISSUER/NAME/NAME.key`: the only trace of it when a
/// stored resource cannot be loaded. `wildcard_` stands for `*` (certmagic v0.25.3 `storage.go`).
fn name_in_path(error: &str) -> Option<Name> {
    let (_, path) = error.split_once("/certificates/")?;
    let folder = path.split('/').nth(1)?;
    Name::parse(&folder.replace("wildcard_", "*"))
}

/// Its issuer names no directory; the URL of the request has an access key behind it.
pub const ZEROSSL_API: &str = "https://api.zerossl.com";

/// The URL of the last `(ca=URL)`, else the API of `zerossl`, else the URL a request went to.
fn ca_url(error: &str) -> Option<&str> {
    if let Some((_, rest)) = error.rsplit_once("(ca=") {
        return rest.split(')').next();
    }
    if error.contains(ZEROSSL_API) {
        return Some(ZEROSSL_API);
    }
    let start = error.find(" \"https://")? + 2;
    error.get(start..)?.split('"').next()
}

/// The end of a rate limit as Let's Encrypt words it: `retry after 2025-10-08 12:33:12 UTC`, or in
/// RFC 3339.
fn retry_after(error: &str) -> Option<LogTime> {
    let (_, rest) = error.split_once("retry after ")?;
    let moment = rest.get(..19)?.replace(' ', "T");
    LogTime::parse_rfc3339(&(moment + "Z")).filter(|moment| moment.is_plausible())
}

/// Whether a URL holds nothing that a shell or a terminal would take for more than text.
fn is_plain(url: &str) -> bool {
    const LONGEST: usize = 200;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '-' | '_');
    url.starts_with("https://") && url.len() <= LONGEST && url.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(error: &str) -> (Option<&'static str>, Option<Job>, Option<Origin>, bool) {
        let failure = Failure::read(error);
        let name = failure.name.map(|name| name.to_string());
        let known = ["a.example.com", "*.example.com"];
        let name = known
            .into_iter()
            .find(|known| Some(*known) == name.as_deref());
        (name, failure.job, failure.origin, failure.canceled)
    }

    #[test]
    fn the_shape_of_the_text_tells_name_job_and_origin() {
        let a = Some("a.example.com");
        for (text, expected) in [
            (
                "[a.example.com] Renew: x",
                (a, Some(Job::Renew), None, false),
            ),
            (
                "[*.example.com] Obtain: x",
                (Some("*.example.com"), Some(Job::Obtain), None, false),
            ),
            (
                "[a.example.com] [a.example.com] Renew: x",
                (a, Some(Job::Renew), Some(Origin::Maintenance), false),
            ),
            (
                "a.example.com: renewing certificate: [a.example.com] Renew: x",
                (a, Some(Job::Renew), Some(Origin::Start), false),
            ),
            (
                "a.example.com: obtaining certificate: [a.example.com] Obtain: x",
                (a, Some(Job::Obtain), Some(Origin::Start), false),
            ),
            (
                "a.example.com: caching certificate after obtaining it: no matching certificate files for a.example.com",
                (a, Some(Job::Obtain), Some(Origin::Start), false),
            ),
            (
                "a.example.com: reloading renewed certificate into memory: x",
                (a, Some(Job::Renew), Some(Origin::Start), false),
            ),
            (
                "a.example.com: renewing certificate: context canceled",
                (a, Some(Job::Renew), Some(Origin::Start), true),
            ),
            ("[a.example.com] context canceled", (a, None, None, true)),
            (
                "a.example.com: obtaining certificate: [a.example.com] Obtain: x: context canceled (ca=https://ca.example/dir)",
                (a, Some(Job::Obtain), Some(Origin::Start), true),
            ),
            (
                "[a.example.com] [a.example.com] Obtain: x",
                (a, Some(Job::Renew), Some(Origin::Maintenance), false),
            ),
            (
                "a.example.com: renewing certificate: [a.example.com] Obtain: x",
                (a, Some(Job::Renew), Some(Origin::Start), false),
            ),
            (
                "unable to renew lock lease 'issue_cert_a.example.com': x",
                (a, None, None, false),
            ),
            (
                "[a.example.com] Obtain: registering account [mailto:a@b.c] with server: x",
                (a, Some(Job::Obtain), None, false),
            ),
            (
                "open /data/certificates/ca-dir/wildcard_.example.com/wildcard_.example.com.key: no such file or directory",
                (Some("*.example.com"), None, None, false),
            ),
            ("nothing of the kind", (None, None, None, false)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_rate_limit_is_read_from_its_words() {
        let end = |text| Failure::read(text).retry_after.map(|at| at.to_string());
        let expected = Some("2026-05-08T12:33:12Z".to_owned());
        for text in [
            "[a] Renew: HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-05-08 12:33:12 UTC: see https://letsencrypt.org/docs/rate-limits/",
            "[a] Renew: rateLimited: retry after 2026-05-08T12:33:12Z: see",
        ] {
            assert_eq!(end(text), expected, "{text}");
        }
        assert_eq!(end("[a] Renew: retry after a while"), None);
        assert_eq!(end("[a] Renew: retry after 2026-05-08é12:33:12"), None);
    }

    #[test]
    fn a_rate_limit_does_not_end_before_there_was_a_ca() {
        let failure = Failure::read("[a] Renew: rateLimited: retry after 0262-11-23 12:00:00 UTC");
        assert_eq!(failure.retry_after, None);
    }

    #[test]
    fn the_ca_is_that_of_the_failing_call() {
        let text = "[a] Renew: x (order=https://acme-v02.api.letsencrypt.org/o) (ca=https://acme-staging-v02.api.letsencrypt.org/directory)";
        assert_eq!(Failure::read(text).ca, Some(Ca::Staging));
        let text = "[a] Renew: performing request: Get \"https://127.0.0.1:1/directory\": dial tcp";
        assert_eq!(Failure::read(text).ca, Some(Ca::Other));
        let url = Some("https://127.0.0.1:1/directory".to_owned());
        assert_eq!(Failure::read(text).ca_url, url);
        let hostile = "[a] Renew: x (ca=https://ca.example/$(reboot))";
        assert_eq!(Failure::read(hostile).ca_url, None);
        assert_eq!(Failure::read("[a] Renew: x").ca, None);
    }
}
