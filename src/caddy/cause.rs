//! Why an attempt failed: a closed list, and the tables that tell it from error text.

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($variant:ident $word:literal $explanation:literal,)*) => {
        /// The class of a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Cause {
            $(#[doc = $explanation] #[serde(rename = $word)] $variant,)*
        }

        impl Cause {
            /// Every cause, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The dotted word for it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// One sentence without a full stop that says what it means.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)* }
            }
        }
    };
}

causes! {
    DnsServfail "dns.servfail" "a DNS server answered SERVFAIL: it could not, or would not, look the zone up",
    DnsNxdomain "dns.nxdomain" "DNS says that the name does not exist",
    DnsTimeout "dns.timeout" "a DNS server did not answer in time",
    DnsRefused "dns.refused" "a DNS server refused to answer for the zone",
    DnsPropagation "dns.propagation" "the challenge record did not become visible in time",
    DnsProviderAuth "dns-provider.auth" "the DNS provider's API did not accept the credentials",
    DnsProviderError "dns-provider.error" "the DNS provider's API failed",
    ChallengeUnreachable "challenge.unreachable" "the CA could not connect to this server to check the challenge",
    ChallengeWrongAnswer "challenge.wrong-answer" "the CA reached something, but got the wrong answer to the challenge",
    ChallengeNoneAvailable "challenge.none-available" "no challenge type that the CA offers is left to try",
    CaRateLimited "ca.rate-limited" "the CA refuses because of a rate limit",
    CaUnreachable "ca.unreachable" "the CA cannot be reached from this server",
    CaServerError "ca.server-error" "the CA answered with an error of its own",
    CaCaa "ca.caa" "a CAA record forbids this CA to issue for the name",
    CaRejectedName "ca.rejected-name" "the CA will not issue for this name",
    CaAccount "ca.account" "the CA does not accept the ACME account",
    CaEab "ca.eab" "the CA wants external account binding, or rejects the one configured",
    CaStagingBlocked "ca.staging-blocked" "the staging CA fails, so retries never reach the production CA",
    StoragePermission "storage.permission" "Caddy may not write its certificate storage",
    StorageFull "storage.full" "the disk of Caddy's certificate storage is full",
    StorageLock "storage.lock" "Caddy cannot get the storage lock for this certificate",
    StorageMissing "storage.missing" "files that Caddy expects in its storage are gone",
    PolicyDenied "policy.denied" "an event handler or permission check vetoed it",
    ConfigInvalid "config.invalid" "Caddy's configuration makes it impossible",
    Crash "crash" "the code that renews certificates panicked",
    Unknown "unknown" "the error text is of no known kind",
}

/// Who met the failure: it decides which side has to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeenBy {
    /// Caddy itself, on this host.
    Caddy,
    /// The CA, from its own network.
    Ca,
    /// The DNS provider's API.
    Provider,
}

impl SeenBy {
    /// The word for it in rules and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::Ca => "ca",
            Self::Provider => "provider",
        }
    }
}

impl Cause {
    /// The cause a dotted word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.word() == word)
    }

    /// Whether the CA itself failed or refused to work, whatever the name and its challenge.
    pub fn is_of_ca(self) -> bool {
        matches!(
            self,
            Self::CaRateLimited | Self::CaUnreachable | Self::CaServerError | Self::CaAccount
        )
    }

    /// Whether waiting and retrying can never cure it, so that a person is told at once.
    pub fn is_incurable(self) -> bool {
        matches!(
            self,
            Self::DnsProviderAuth
                | Self::CaCaa
                | Self::CaRejectedName
                | Self::CaAccount
                | Self::CaEab
                | Self::CaRateLimited
                | Self::ChallengeNoneAvailable
                | Self::ConfigInvalid
                | Self::StoragePermission
                | Self::StorageFull
                | Self::StorageLock
                | Self::StorageMissing
                | Self::Crash
        )
    }
}

/// An ACME problem type (after `urn:ietf:params:acme:error:`) and what it means.
/// `dns`, `connection` and `unauthorized` are decided by the detail, see [`classify`].
const PROBLEMS: [(&str, Cause); 17] = [
    ("rateLimited", Cause::CaRateLimited),
    ("caa", Cause::CaCaa),
    ("connection", Cause::ChallengeUnreachable),
    ("unauthorized", Cause::ChallengeWrongAnswer),
    ("tls", Cause::ChallengeWrongAnswer),
    ("incorrectResponse", Cause::ChallengeWrongAnswer),
    ("rejectedIdentifier", Cause::CaRejectedName),
    ("unsupportedIdentifier", Cause::CaRejectedName),
    ("badCSR", Cause::CaRejectedName),
    ("accountDoesNotExist", Cause::CaAccount),
    ("userActionRequired", Cause::CaAccount),
    ("invalidContact", Cause::CaAccount),
    ("unsupportedContact", Cause::CaAccount),
    ("badPublicKey", Cause::CaAccount),
    ("externalAccountRequired", Cause::CaEab),
    ("serverInternal", Cause::CaServerError),
    ("badNonce", Cause::CaServerError),
];

/// Words a resolver's answer leaves in an error, most telling first.
const RCODES: [(&str, Cause); 8] = [
    ("SERVFAIL", Cause::DnsServfail),
    ("NXDOMAIN", Cause::DnsNxdomain),
    ("no valid A records", Cause::DnsNxdomain),
    ("REFUSED", Cause::DnsRefused),
    ("NOTIMP", Cause::DnsRefused),
    ("query timed out", Cause::DnsTimeout),
    (":53: i/o timeout", Cause::DnsTimeout),
    ("Timeout during", Cause::DnsTimeout),
];

/// Texts of Caddy, certmagic and acmez, first match wins (certmagic v0.25.3 `solvers.go`,
/// `config.go`; acmez v3.1.6 `client.go`; libdns providers).
const TEXTS: [(&str, Cause, SeenBy); 31] = [
    ("panic: certificate worker", Cause::Crash, SeenBy::Caddy),
    ("caddy_legacy_user_removed", Cause::CaEab, SeenBy::Ca),
    ("EAB", Cause::CaEab, SeenBy::Ca),
    (
        "does not qualify for a public certificate",
        Cause::CaRejectedName,
        SeenBy::Caddy,
    ),
    (
        "aborted by event handler",
        Cause::PolicyDenied,
        SeenBy::Caddy,
    ),
    (
        "no solvers available",
        Cause::ChallengeNoneAvailable,
        SeenBy::Caddy,
    ),
    ("no space left on device", Cause::StorageFull, SeenBy::Caddy),
    (
        "failed storage check",
        Cause::StoragePermission,
        SeenBy::Caddy,
    ),
    ("unable to acquire lock", Cause::StorageLock, SeenBy::Caddy),
    (
        "unable to renew lock lease",
        Cause::StorageLock,
        SeenBy::Caddy,
    ),
    ("saving assets", Cause::StoragePermission, SeenBy::Caddy),
    (
        "no such file or directory",
        Cause::StorageMissing,
        SeenBy::Caddy,
    ),
    (
        "timed out waiting for record to fully propagate",
        Cause::DnsPropagation,
        SeenBy::Caddy,
    ),
    (
        "checking DNS propagation",
        Cause::DnsPropagation,
        SeenBy::Caddy,
    ),
    (
        "authoritative nameservers",
        Cause::DnsPropagation,
        SeenBy::Caddy,
    ),
    ("HTTP 401", Cause::DnsProviderAuth, SeenBy::Provider),
    ("HTTP 403", Cause::DnsProviderAuth, SeenBy::Provider),
    (
        "Invalid request headers",
        Cause::DnsProviderAuth,
        SeenBy::Provider,
    ),
    (
        "expected 1 zone, got 0",
        Cause::DnsProviderAuth,
        SeenBy::Provider,
    ),
    (
        "adding temporary record for zone",
        Cause::DnsProviderError,
        SeenBy::Provider,
    ),
    (
        "authorization took too long",
        Cause::CaUnreachable,
        SeenBy::Caddy,
    ),
    ("order took too long", Cause::CaUnreachable, SeenBy::Caddy),
    ("HTTP 429", Cause::CaRateLimited, SeenBy::Ca),
    ("HTTP 5", Cause::CaServerError, SeenBy::Ca),
    ("server misbehaving", Cause::CaUnreachable, SeenBy::Caddy),
    ("no such host", Cause::CaUnreachable, SeenBy::Caddy),
    (
        "context deadline exceeded",
        Cause::CaUnreachable,
        SeenBy::Caddy,
    ),
    ("dial tcp", Cause::CaUnreachable, SeenBy::Caddy),
    ("i/o timeout", Cause::CaUnreachable, SeenBy::Caddy),
    ("connection re", Cause::CaUnreachable, SeenBy::Caddy),
    ("x509:", Cause::CaUnreachable, SeenBy::Caddy),
];

/// Tells the cause from an error text: the ACME problem type first, then the word of a DNS answer,
/// then Caddy's own texts and network errors.
pub fn classify(error: &str) -> (Cause, SeenBy) {
    if let Some((kind, detail)) = acme_problem(error) {
        return (of_problem(kind, detail), SeenBy::Ca);
    }
    let at_a_zone = error.contains("determine zone") || error.contains("start of authority");
    let provider = error.contains("adding temporary record");
    if !provider && let Some(cause) = rcode(error) {
        return (cause, SeenBy::Caddy);
    }
    if at_a_zone && error.contains("timeout") {
        return (Cause::DnsTimeout, SeenBy::Caddy);
    }
    TEXTS
        .iter()
        .find(|(needle, _, _)| error.contains(needle))
        .map_or((Cause::Unknown, SeenBy::Caddy), |&(_, cause, seen_by)| {
            (cause, seen_by)
        })
}

/// The type and the detail of the ACME problem in a text, if there is one.
fn acme_problem(error: &str) -> Option<(&str, &str)> {
    let (_, rest) = error.split_once("urn:ietf:params:acme:error:")?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    rest.split_at_checked(end)
}

fn of_problem(kind: &str, detail: &str) -> Cause {
    match kind {
        "dns" => rcode(detail).unwrap_or(Cause::DnsServfail),
        "unauthorized" if detail.contains("Failed to connect") => Cause::ChallengeUnreachable,
        _ => PROBLEMS
            .iter()
            .find(|(problem, _)| *problem == kind)
            .map_or(Cause::Unknown, |&(_, cause)| cause),
    }
}

fn rcode(text: &str) -> Option<Cause> {
    RCODES
        .iter()
        .find(|(word, _)| text.contains(word))
        .map(|&(_, cause)| cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    use SeenBy::{Ca, Caddy, Provider};

    const READ: &[(&str, Cause, SeenBy)] = &[
        (
            "presenting for challenge: could not determine zone for domain \"_acme-challenge.a\": unexpected response code 'SERVFAIL' for a.",
            Cause::DnsServfail,
            Caddy,
        ),
        (
            "could not determine zone for domain \"x\": read udp 127.0.0.1:4->127.0.0.53:53: i/o timeout",
            Cause::DnsTimeout,
            Caddy,
        ),
        (
            "HTTP 400 urn:ietf:params:acme:error:dns - DNS problem: SERVFAIL looking up A for a",
            Cause::DnsServfail,
            Ca,
        ),
        (
            "HTTP 400 urn:ietf:params:acme:error:dns - DNS problem: NXDOMAIN looking up TXT",
            Cause::DnsNxdomain,
            Ca,
        ),
        (
            "HTTP 400 urn:ietf:params:acme:error:connection - 1.2.3.4: Timeout during connect",
            Cause::ChallengeUnreachable,
            Ca,
        ),
        (
            "HTTP 403 urn:ietf:params:acme:error:caa - CAA record for a prevents issuance",
            Cause::CaCaa,
            Ca,
        ),
        (
            "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates",
            Cause::CaRateLimited,
            Ca,
        ),
        (
            "HTTP 429: JSON-decoding problem details: unexpected end of JSON input (raw='')",
            Cause::CaRateLimited,
            Ca,
        ),
        (
            "registering account [] with server: provisioning client: performing request: Get \"https://127.0.0.1:1/directory\": dial tcp 127.0.0.1:1: connect: connection refused",
            Cause::CaUnreachable,
            Caddy,
        ),
        (
            "Get \"https://acme\": dial tcp: lookup acme on 127.0.0.53:53: server misbehaving",
            Cause::CaUnreachable,
            Caddy,
        ),
        (
            "presenting for challenge: adding temporary record for zone \"a.\": got error status: HTTP 403: bad token",
            Cause::DnsProviderAuth,
            Provider,
        ),
        (
            "waiting for solver certmagic.solverWrapper to be ready: timed out waiting for record to fully propagate; last error: <nil>",
            Cause::DnsPropagation,
            Caddy,
        ),
        (
            "no solvers available for remaining challenges (configured=[http-01])",
            Cause::ChallengeNoneAvailable,
            Caddy,
        ),
        (
            "failed storage check: write: no space left on device - storage is probably misconfigured",
            Cause::StorageFull,
            Caddy,
        ),
        (
            "open /data/certificates/x/a/a.key: no such file or directory",
            Cause::StorageMissing,
            Caddy,
        ),
        (
            "HTTP 0 urn:ietf:params:acme:error:serverInternal",
            Cause::CaServerError,
            Ca,
        ),
        (
            "HTTP 400 urn:ietf:params:acme:error:accountDoesNotExist - gone",
            Cause::CaAccount,
            Ca,
        ),
        (
            "subject 'a.local' does not qualify for a public certificate",
            Cause::CaRejectedName,
            Caddy,
        ),
        ("authorization took too long", Cause::CaUnreachable, Caddy),
        ("something else", Cause::Unknown, Caddy),
    ];

    #[test]
    fn causes_are_told_from_error_texts() {
        for &(text, cause, seen_by) in READ {
            assert_eq!(classify(text), (cause, seen_by), "{text}");
        }
    }

    #[test]
    fn every_cause_has_its_own_word() {
        for &cause in Cause::ALL {
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
        }
    }
}
