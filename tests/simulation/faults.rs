//! Why attempts fail, as Caddy prints it.

use crate::script::{Fault, S};

const PLAIN: Fault = Fault {
    text: "",
    rule: "",
    incurable: false,
    of_ca: false,
    limit: None,
};

/// What may go wrong with a renewal or a first issuance.
pub(crate) const FAULTS: [Fault; 9] = [
    Fault {
        text: "solving challenges: presenting for challenge: could not determine zone for domain \"_acme-challenge\": unexpected response code 'SERVFAIL' for x.",
        rule: "dns-broken",
        ..PLAIN
    },
    Fault {
        text: "authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem)",
        rule: "challenge-failing",
        ..PLAIN
    },
    Fault {
        text: "authorization failed: HTTP 403 urn:ietf:params:acme:error:caa - CAA record prevents issuance",
        rule: "ca-refused",
        incurable: true,
        ..PLAIN
    },
    Fault {
        text: "presenting for challenge: adding temporary record for zone \"x.\": got error status: HTTP 403: bad token",
        rule: "dns-provider-refused",
        incurable: true,
        ..PLAIN
    },
    Fault {
        text: "creating new order: attempt 1: HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-05-04 12:33:12 UTC: see https://letsencrypt.org/docs/rate-limits/",
        rule: "rate-limited",
        incurable: true,
        of_ca: true,
        limit: Some(1_777_897_992 * S),
    },
    Fault {
        text: "saving assets: open /data/caddy/certificates/x.key: no space left on device",
        rule: "storage-broken",
        incurable: true,
        ..PLAIN
    },
    Fault {
        text: "presenting for challenge: adding temporary record for zone \"x.\": got error status: HTTP 500: internal error",
        rule: "dns-provider-refused",
        ..PLAIN
    },
    // No rule of its own.
    Fault {
        text: "creating new order: attempt 1: HTTP 500 urn:ietf:params:acme:error:serverInternal - the server had an internal error",
        of_ca: true,
        ..PLAIN
    },
    Fault {
        text: "registering account [] with server: provisioning client: performing request: Get \"https://acme-v02.api.letsencrypt.org/directory\": dial tcp 203.0.113.1:443: connect: connection refused",
        of_ca: true,
        ..PLAIN
    },
];
