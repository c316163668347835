//! What Caddy itself says: `autohttps.go`, `tls.go`, `ech.go`, `connpolicy.go`, `caddy.go`, `sigtrap.go`,
//! `cmd`, `caddypki`.

use super::Means::{Managing, Stopping};
use super::{Row, says};

/// The rows.
pub(super) const ROWS: &[Row] = &[
    // Which names need a certificate.
    says("enabling automatic TLS certificate management").means(Managing),
    says(
        "skipping automatic certificate management because one or more matching certificates are already loaded",
    ),
    says("re-managing unloaded certificates with new config"),
    says("server is listening only on the HTTP").prefix(),
    says("enabling automatic HTTP->HTTPS redirects"),
    says("automatic HTTP->HTTPS redirects are disabled"),
    // Start, stop and change of configuration.
    says("using provided configuration"),
    says("using config from file"),
    says("serving initial configuration"),
    says("autosaved config (load with --resume flag)"),
    says("load complete"),
    says("config is unchanged"),
    says("reloading config from last-known source"),
    says("successfully reloaded config from file"),
    says("failed to reload config from file"),
    says("last config unknown, ignored SIGUSR1"),
    says("no reload helper available, ignored SIGUSR1"),
    says("reload from source unavailable in this process; ignored SIGUSR1"),
    says("not implemented"),
    says("shutting down apps, then terminating").means(Stopping),
    says("shutdown complete").means(Stopping),
    // The internal CA.
    says("intermediate expires soon; renewing"),
    says("renewed intermediate"),
    says("renewing intermediate certificates"),
    says("root certificate expiring soon (FIXME: ROOT RENEWAL NOT YET IMPLEMENTED)"),
    says("cert lifetime would exceed issuer NotAfter, clamping lifetime"),
    // The TLS app.
    says(
        "YOUR SERVER MAY BE VULNERABLE TO ABUSE: on-demand TLS is enabled, but no protections are in place",
    ),
    says(
        "on-demand TLS can only get certificates from the configured external manager(s) because no ask endpoint / permission module is specified",
    ),
    says(
        "DEPRECATED: on_demand.rate_limit will be removed in a future release; use permission modules or external certificate managers instead",
    ),
    says("TLS SECURITY COMPROMISED: secrets logging is enabled!"),
    says("trusted_leaf_certs is deprecated; use leaf verifier module instead"),
    says("The 'trusted_ca_cert").prefix(),
    says("invalid client IP address").prefix(),
    says("invalid local IP address"),
    // Encrypted ClientHello, since Caddy 2.10.
    says("unable to unlock ECH ").prefix(),
    says("loaded ECH config"),
    says("generated new ECH config"),
    says(
        "ECH config list already published by publisher for associated domains (or no domains to publish for)",
    ),
    says("publishing ECH config list"),
    says("failed to publish ECH configuration list"),
    says("failed publishing ECH configuration list"),
    says("successfully published ECH configuration list for ").prefix(),
    says("all domains failed to publish ECH configuration list (see earlier errors)"),
    says("could not load ECH ").prefix(),
    says("could not JSON-decode ECH metadata; deleted its config folder"),
    says("ECH config metadata file missing; will recreate at next publication"),
    says("domain has CNAME record, so unable to publish ECH data to HTTPS record"),
    says("domain does not have any existing records, so skipping publication of HTTPS record"),
    says("publication(s) failed"),
    says("ECH config is due for rotation"),
    says("rotated ECH key"),
    says("deleted expired ECH key"),
    says("rotating ECH configs failed"),
];
