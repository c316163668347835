//! What handshakes and challenge requests say, which strangers can bring about: certmagic
//! `handshake.go`, `httphandlers.go`; Caddy `automation.go`, `ondemand.go`.

use super::Expiry::PlusOne;
use super::Means::{OnDemandFailed, OnDemandObtain};
use super::{EXPIRATION, Row, says};

/// The rows.
pub(super) const ROWS: &[Row] = &[
    // On-demand certificates.
    says("obtaining new certificate").means(OnDemandObtain),
    says("renewing certificate on-demand failed")
        .means(OnDemandFailed)
        .expiry(PlusOne("not_after")),
    says("renewing and reloading certificate")
        .means(OnDemandFailed)
        .expiry(EXPIRATION),
    says("certificate should not be obtained").expiry(EXPIRATION),
    says("loading newly-obtained certificate from storage"),
    says("maintaining newly-loaded certificate"),
    says("certificate not found on disk; obtaining new certificate"),
    says("did not load cert from storage"),
    says("loaded certificate from storage"),
    says(
        "new certificate is needed, but is already being obtained; waiting for that issuance to complete",
    ),
    says("certificate expires soon but is already being renewed; serving current certificate"),
    says("certificate has expired, but is already being renewed; waiting for renewal to complete"),
    says("renewing certificate based on updated ARI"),
    says("updated ARI"),
    says("on-demand certificate's OCSP status is REVOKED; will try to forcefully renew"),
    says("OCSP response needs refreshing"),
    says("successfully stapled new OCSP response"),
    // Whether a name is permitted.
    says("failed to get permission for on-demand certificate"),
    says("request to 'ask' endpoint failed"),
    says("asking for permission for on-demand certificate"),
    says("asking permission endpoint"),
    says("response from permission endpoint"),
    says("response from ask endpoint"),
    says("on-demand certificate issuance denied"),
    says("certificate issuance denied"),
    // Certificates of other managers.
    says("external certificate manager"),
    says("getting certificate from external certificate manager"),
    says("using externally-managed certificate"),
    says("all external certificate managers yielded no certificates and no errors"),
    says("could not get status; will try to get certificate anyway"),
    says("error getting tailscale status"),
    // Which certificate a handshake gets.
    says("TLS handshake aborted by event handler"),
    says("no matching certificates and no custom selection logic"),
    says("no matching certificate; will choose from all certificates"),
    says("choosing certificate"),
    says("default certificate selection results"),
    says("custom certificate selection results"),
    says("matched certificate in cache"),
    says("fell back to default certificate"),
    says("no certificate matching TLS ClientHello"),
    // Challenges, also those of other instances.
    says("served key authentication"),
    says("served key authentication certificate"),
    says("tls-alpn challenge"),
    says("looking up info for HTTP challenge"),
    says("solving http-01 challenge blindly"),
    says("looking up info for HTTP validation"),
    says("got invalid URL from CA"),
    says("served HTTP validation credential"),
];
