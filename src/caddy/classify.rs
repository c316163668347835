//! The cause from an error text: the ACME problem type first, then whose text it is: the DNS
//! provider's, a resolver's, the storage's, Caddy's own, the network's.
//!
//! Texts: certmagic v0.25.3 `config.go`, `acmeissuer.go`, `solvers.go`, `dnsutil.go`,
//! `filestorage.go`; acmez v3.1.6 `client.go`, `acme/*.go`; Caddy v2.11.4 `zerosslissuer.go`,
//! `ondemand.go`; libdns providers; the details of problems are boulder's and pebble's.

use crate::caddy::cause::{Cause, SeenBy};

/// Tells the cause from an error text, and who met it.
pub fn classify(error: &str) -> (Cause, SeenBy) {
    let problem = problems(error).find_map(|(kind, detail)| of_problem(kind, detail));
    if let Some(cause) = problem {
        return (cause, SeenBy::Ca);
    }
    let has_problem = problems(error).next().is_some();
    of_provider(error)
        .or_else(|| of_resolver(error))
        .or_else(|| of_storage(error))
        .or_else(|| find(ZEROSSL, error))
        .or_else(|| find(TEXTS, error))
        .unwrap_or(if has_problem {
            (Cause::Unknown, SeenBy::Ca)
        } else {
            (Cause::Unknown, SeenBy::Caddy)
        })
}

fn any(needles: &[&str], text: &str) -> bool {
    needles.iter().any(|needle| text.contains(needle))
}

/// A cause, who met it, and the texts that tell it.
type Row = (Cause, SeenBy, &'static [&'static str]);

fn find(table: &[Row], text: &str) -> Option<(Cause, SeenBy)> {
    let found = table.iter().find(|(_, _, needles)| any(needles, text));
    found.map(|&(cause, seen_by, _)| (cause, seen_by))
}

/// The ACME problems in a text, each as its type and what follows; of a compound problem the
/// subproblems follow (RFC 8555, section 6.7.1).
fn problems(error: &str) -> impl Iterator<Item = (&str, &str)> {
    error
        .split("urn:ietf:params:acme:error:")
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
            rest.split_at_checked(end.unwrap_or(rest.len()))
        })
}

/// An ACME problem type and what it means, where its detail does not decide.
const PROBLEMS: [(Cause, &[&str]); 8] = [
    (Cause::CaRateLimited, &["rateLimited"]),
    (Cause::CaCaa, &["caa"]),
    (Cause::ChallengeUnreachable, &["connection"]),
    (
        Cause::ChallengeWrongAnswer,
        &["unauthorized", "tls", "incorrectResponse"],
    ),
    (
        Cause::CaRejectedName,
        &["rejectedIdentifier", "unsupportedIdentifier", "badCSR"],
    ),
    (
        Cause::CaAccount,
        &[
            "accountDoesNotExist",
            "userActionRequired",
            "invalidContact",
            "unsupportedContact",
            "badPublicKey",
        ],
    ),
    (Cause::CaEab, &["externalAccountRequired"]),
    (
        Cause::CaServerError,
        &[
            "serverInternal",
            "badNonce",
            "orderNotReady",
            "alreadyReplaced",
        ],
    ),
];

/// What pebble says of a name that it cannot look up, whatever the type (pebble v2.4.0 `va.go`).
fn of_lookup(detail: &str) -> Option<Cause> {
    if detail.contains("ould not resolve URL") {
        Some(Cause::DnsNxdomain)
    } else if detail.contains("rror occurred while resolving URL") {
        Some(Cause::DnsTimeout)
    } else {
        None
    }
}

fn of_problem(kind: &str, detail: &str) -> Option<Cause> {
    let of_account = || {
        any(&["ccount"], detail) && any(&["deactivated", "not valid", "invalid account"], detail)
    };
    match kind {
        "dns" => return Some(rcode(detail).unwrap_or(Cause::DnsServfail)),
        "malformed" | "connection" if of_lookup(detail).is_some() => return of_lookup(detail),
        "caa" if detail.contains("DNS problem") => return rcode(detail).or(Some(Cause::CaCaa)),
        "unauthorized" | "malformed" if of_account() => return Some(Cause::CaAccount),
        "unauthorized" if detail.contains("Failed to connect") => {
            return Some(Cause::ChallengeUnreachable);
        }
        "unauthorized" if detail.contains("TXT record") => return Some(Cause::DnsPropagation),
        "malformed" if any(&["dentifier", "omain name"], detail) => {
            return Some(Cause::CaRejectedName);
        }
        "malformed" | "unauthorized" if detail.contains("External Account Binding") => {
            return Some(Cause::CaEab);
        }
        "invalidProfile" => return Some(Cause::ConfigInvalid),
        _ => {}
    }
    let found = PROBLEMS.iter().find(|(_, kinds)| kinds.contains(&kind));
    found.map(|&(cause, _)| cause)
}

/// Words that a resolver's answer, or its silence, leaves in an error; most telling first.
const RCODES: [(Cause, &[&str]); 4] = [
    (Cause::DnsServfail, &["SERVFAIL", "DNSSEC"]),
    (Cause::DnsNxdomain, &["NXDOMAIN", "no valid A records"]),
    (Cause::DnsRefused, &["REFUSED", "NOTIMP"]),
    (
        Cause::DnsTimeout,
        &["query timed out", ":53: i/o timeout", "Timeout during"],
    ),
];

fn rcode(text: &str) -> Option<Cause> {
    let found = RCODES.iter().find(|(_, words)| any(words, text));
    found.map(|&(cause, _)| cause)
}

/// Network errors of Go, whoever was to be reached.
const NETWORK: &[&str] = &[
    "server misbehaving",
    "no such host",
    "context deadline exceeded",
    "Client.Timeout",
    "dial tcp",
    "i/o timeout",
    "connection refused",
    "connection reset",
    "network is unreachable",
    "no route to host",
    "TLS handshake timeout",
    "x509:",
    "tls: ",
    "EOF",
];

/// Words by which providers refuse credentials.
const CREDENTIALS: &[&str] = &[
    "HTTP 401",
    "HTTP 403",
    "status 401",
    "status 403",
    "401 Unauthorized",
    "403 Forbidden",
    "Invalid request headers",
    "expected 1 zone, got 0",
    "nvalid API",
    "nvalid api",
    "nvalid token",
    "nvalid access token",
    "nvalid credentials",
    "uthentication",
    "nauthorized",
    "AccessDenied",
    "SignatureDoesNotMatch",
    "InvalidClientTokenId",
];

/// What the API of a DNS provider answered, or did not.
fn of_provider(error: &str) -> Option<(Cause, SeenBy)> {
    const MARKS: [&str; 3] = [
        "adding temporary record",
        "deleting temporary record",
        "expected 1 zone, got",
    ];
    if !any(&MARKS, error) {
        None
    } else if any(CREDENTIALS, error) {
        Some((Cause::DnsProviderAuth, SeenBy::Provider))
    } else if any(NETWORK, error) {
        Some((Cause::DnsProviderError, SeenBy::Caddy))
    } else {
        Some((Cause::DnsProviderError, SeenBy::Provider))
    }
}

/// What Caddy's own resolver answered about the zone, or did not. A look-up of the CA's host is a
/// matter of reaching the CA.
fn of_resolver(error: &str) -> Option<(Cause, SeenBy)> {
    let of_zone = any(
        &["determine zone", "determine the zone", "start of authority"],
        error,
    );
    let cause = if error.contains("dial tcp: lookup ") {
        None
    } else if let Some(cause) = rcode(error) {
        Some(cause)
    } else if of_zone && any(&["timeout", "deadline"], error) {
        Some(Cause::DnsTimeout)
    } else if of_zone && error.contains(":53") && error.contains("connection refused") {
        Some(Cause::DnsRefused)
    } else if error.contains("could not find the start of authority") {
        Some(Cause::DnsNxdomain)
    } else {
        None
    };
    Some((cause?, SeenBy::Caddy))
}

/// What the storage said.
fn of_storage(error: &str) -> Option<(Cause, SeenBy)> {
    const FULL: [&str; 2] = ["no space left on device", "disk quota exceeded"];
    const CHECKS: [&str; 4] = [
        "failed storage check",
        "saving assets",
        "could not save account",
        "failed to rename",
    ];
    const LOCKS: [&str; 5] = [
        "unable to acquire lock",
        "unable to renew lock lease",
        "creating lock file",
        "locking account registration",
        "stale lockfile",
    ];
    const FILES: [&str; 5] = ["open /", "mkdir /", "rename /", "remove /", "stat /"];
    let refused = any(&["permission denied", "read-only file system"], error);
    let cause = if any(&FULL, error) {
        Cause::StorageFull
    } else if refused && (any(&CHECKS, error) || any(&LOCKS, error) || any(&FILES, error)) {
        Cause::StoragePermission
    } else if any(&LOCKS, error) {
        Cause::StorageLock
    } else if any(&CHECKS, error) {
        Cause::StoragePermission
    } else if error.contains("no such file or directory") {
        Cause::StorageMissing
    } else {
        return None;
    };
    Some((cause, SeenBy::Caddy))
}

/// What the API of `zerossl` answers, with HTTP 200, by the type of its error, or its interface for EAB
/// (`zerossl.com/documentation/api/error-codes`, `.../acme/error-codes`; caddyserver/zerossl `models.go`).
const ZEROSSL: &[Row] = &[
    (
        Cause::CaServerError,
        SeenBy::Ca,
        &[
            "failed_creating_eab_account",
            "failed_saving_eab_account",
            "internal_server_error",
        ],
    ),
    (
        Cause::CaRateLimited,
        SeenBy::Ca,
        &[
            "too_many_eab_credentials_created",
            "certificate_limit_reached",
        ],
    ),
    (
        Cause::CaAccount,
        SeenBy::Ca,
        &["invalid_access_key", "inactive_user", "permission_denied"],
    ),
    (Cause::CaRejectedName, SeenBy::Ca, &["csr_cn_is_invalid"]),
    (
        Cause::ChallengeWrongAnswer,
        SeenBy::Ca,
        &["domain_control_validation_failed"],
    ),
    (Cause::Unknown, SeenBy::Ca, &[": API error "]),
    // An answer that this Caddy is too old for.
    (
        Cause::CaServerError,
        SeenBy::Caddy,
        &["<missing error info>"],
    ),
    (
        Cause::CaServerError,
        SeenBy::Ca,
        &["unexpected certificate status: "],
    ),
];

/// Other texts, first match wins.
const TEXTS: &[Row] = &[
    (Cause::Crash, SeenBy::Caddy, &["panic: certificate worker"]),
    (
        Cause::CaEab,
        SeenBy::Ca,
        &[
            "caddy_legacy_user_removed",
            "failed getting EAB credentials",
        ],
    ),
    (
        Cause::CaRejectedName,
        SeenBy::Caddy,
        &[
            "does not qualify for a public certificate",
            "does not qualify for certificate",
            "cannot have public IP certificate",
        ],
    ),
    (
        Cause::PolicyDenied,
        SeenBy::Caddy,
        &[
            "aborted by event handler",
            "decision func",
            "is not allowed for server name",
            "not allowed by permission module",
        ],
    ),
    (
        Cause::ConfigInvalid,
        SeenBy::Caddy,
        &[
            "no issuers configured",
            "no DNS provider configured",
            "insecure CA URL",
            "unsupported key type",
            "unrecognized key type",
            "unknown profile name",
            "does not advertise support for profiles",
            "missing directory URL",
            "base64-decoding MAC key",
            "to ASCII: ",
            "must agree to CA terms",
            "email address is required",
        ],
    ),
    (
        Cause::CaAccount,
        SeenBy::Ca,
        &[
            "account status is not valid",
            "ACME account no longer exists",
        ],
    ),
    (
        Cause::ChallengeNoneAvailable,
        SeenBy::Caddy,
        &["no solvers available"],
    ),
    (
        Cause::ChallengeUnreachable,
        SeenBy::Caddy,
        &["could not start listener for challenge server"],
    ),
    (
        Cause::DnsPropagation,
        SeenBy::Caddy,
        &[
            "timed out waiting for record to fully propagate",
            "checking DNS propagation",
            "authoritative nameservers",
        ],
    ),
    (
        Cause::CaUnreachable,
        SeenBy::Caddy,
        &["authorization took too long", "order took too long"],
    ),
    (Cause::CaRateLimited, SeenBy::Ca, &["HTTP 429"]),
    (Cause::CaServerError, SeenBy::Ca, &["HTTP 5"]),
    // Something answers in the CA's place: a proxy, a captive portal.
    (
        Cause::CaServerError,
        SeenBy::Caddy,
        &[
            "response Content-Type is",
            "JSON-decoding",
            "invalid character",
            "unexpected end of JSON input",
            "directory fields are missing",
            "directory missing newNonce",
            "unrecognized Content-Type from server",
        ],
    ),
    (
        Cause::CaServerError,
        SeenBy::Ca,
        &[
            "final order is invalid",
            "unexpected status",
            "unrecognized order status",
        ],
    ),
    (Cause::CaUnreachable, SeenBy::Caddy, NETWORK),
    (Cause::CaEab, SeenBy::Ca, &["EAB"]),
];

#[cfg(test)]
mod tests;
