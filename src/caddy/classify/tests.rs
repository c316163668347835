//! Error texts of real runs and of the sources, and what they mean.

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
    (
        "HTTP 403 urn:ietf:params:acme:error:caa - While processing CAA for a: DNS problem: SERVFAIL looking up CAA for a",
        Cause::DnsServfail,
        Ca,
    ),
    (
        "HTTP 403 urn:ietf:params:acme:error:unauthorized - No TXT record found at _acme-challenge.a",
        Cause::DnsPropagation,
        Ca,
    ),
    (
        "HTTP 403 urn:ietf:params:acme:error:unauthorized - 192.0.2.1: Invalid response from http://a/.well-known/acme-challenge/x: 404",
        Cause::ChallengeWrongAnswer,
        Ca,
    ),
    (
        "HTTP 403 urn:ietf:params:acme:error:unauthorized - Account is not valid, has status \"deactivated\"",
        Cause::CaAccount,
        Ca,
    ),
    (
        "HTTP 403 urn:ietf:params:acme:error:userActionRequired - must agree to new terms",
        Cause::CaAccount,
        Ca,
    ),
    (
        "HTTP 400 urn:ietf:params:acme:error:compound - several, problem \"urn:ietf:params:acme:error:rejectedIdentifier\": policy forbids",
        Cause::CaRejectedName,
        Ca,
    ),
    (
        "HTTP 429 urn:ietf:params:acme:error:rateLimited - Your account is temporarily prevented from requesting certificates for a and possibly others. Please visit: https://portal.letsencrypt.org/x",
        Cause::CaRateLimited,
        Ca,
    ),
    (
        "HTTP 400 urn:ietf:params:acme:error:somethingNew - hm",
        Cause::Unknown,
        Ca,
    ),
    (
        "could not determine zone for domain \"_acme-challenge.a\": could not find the start of authority for _acme-challenge.a.",
        Cause::DnsNxdomain,
        Caddy,
    ),
    (
        "could not determine zone for domain \"a\": unexpected response code 'NOTIMP' for a.",
        Cause::DnsRefused,
        Caddy,
    ),
    (
        "could not determine zone for domain \"a\": read udp 127.0.0.1:4->127.0.0.1:53: read: connection refused",
        Cause::DnsRefused,
        Caddy,
    ),
    (
        "Get \"https://acme\": dial tcp: lookup acme on 127.0.0.53:53: read udp 127.0.0.1:4->127.0.0.53:53: i/o timeout",
        Cause::CaUnreachable,
        Caddy,
    ),
    (
        "adding temporary record for zone \"a.\": Get \"https://api.cloudflare.com/x\": dial tcp: lookup api.cloudflare.com: no such host",
        Cause::DnsProviderError,
        Caddy,
    ),
    (
        "adding temporary record for zone \"a.\": expected 1 zone, got 0 for a.",
        Cause::DnsProviderAuth,
        Provider,
    ),
    (
        "adding temporary record for zone \"a.\": got error status: HTTP 500: oops",
        Cause::DnsProviderError,
        Provider,
    ),
    (
        "presenting for challenge: presenting with embedded solver: could not start listener for challenge server at :80: listen tcp :80: bind: permission denied",
        Cause::ChallengeUnreachable,
        Caddy,
    ),
    (
        "failed storage check: open /data/caddy/rw_test: read-only file system - storage is probably misconfigured",
        Cause::StoragePermission,
        Caddy,
    ),
    (
        "[a] Obtain: saving assets: mkdir /data/caddy: permission denied",
        Cause::StoragePermission,
        Caddy,
    ),
    (
        "unable to acquire lock 'issue_cert_a': creating lock file: open /data/locks/x: no space left on device",
        Cause::StorageFull,
        Caddy,
    ),
    (
        "unable to renew lock lease 'issue_cert_a': gone",
        Cause::StorageLock,
        Caddy,
    ),
    (
        "obtaining certificate aborted by event handler: no",
        Cause::PolicyDenied,
        Caddy,
    ),
    (
        "no issuers configured; impossible to renew or check existing certificate in storage",
        Cause::ConfigInvalid,
        Caddy,
    ),
    (
        "failed getting EAB credentials: HTTP 400: caddy_legacy_user_removed (code 2977)",
        Cause::CaEab,
        Ca,
    ),
    (
        "performing EAB credentials request: Post \"https://api.zerossl.com\": dial tcp: lookup api.zerossl.com: server misbehaving",
        Cause::CaUnreachable,
        Caddy,
    ),
    (
        "performing request: Get \"https://ca/directory\": JSON-decoding response body: invalid character '<' looking for beginning of value",
        Cause::CaServerError,
        Caddy,
    ),
    (
        "registering account [] with server: provisioning client: response Content-Type is text/html but target container is not io.Writer: *acme.Directory",
        Cause::CaServerError,
        Caddy,
    ),
    (
        "HTTP 503: JSON-decoding problem details: invalid character '<'",
        Cause::CaServerError,
        Ca,
    ),
    (
        "HTTP 400 urn:ietf:params:acme:error:malformed - Could not resolve URL \"a.example.com\"",
        Cause::DnsNxdomain,
        Ca,
    ),
    (
        "HTTP 400 urn:ietf:params:acme:error:connection - Get \"http://a.example.com:80/.well-known/acme-challenge/x\": could not resolve URL \"http://a.example.com:80/.well-known/acme-challenge/x\"",
        Cause::DnsNxdomain,
        Ca,
    ),
    (
        "HTTP 400 urn:ietf:params:acme:error:malformed - Error occurred while resolving URL \"a.example.com\": \"read udp 127.0.0.1:40000->127.0.0.1:8053: i/o timeout\"",
        Cause::DnsTimeout,
        Ca,
    ),
    (
        "panic: certificate worker: runtime error",
        Cause::Crash,
        Caddy,
    ),
];

#[test]
fn causes_are_told_from_error_texts() {
    for &(text, cause, seen_by) in READ {
        assert_eq!(classify(text), (cause, seen_by), "{text}");
    }
}

#[test]
fn every_cause_but_one_is_told_by_some_text() {
    for &cause in Cause::ALL {
        let told = READ.iter().any(|(_, told, _)| *told == cause);
        // The engine sees it from several attempts; no text says it.
        assert_eq!(told, cause != Cause::CaStagingBlocked, "{cause:?}");
    }
}
