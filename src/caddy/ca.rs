//! Which kind of certificate authority a directory URL or a storage issuer key belongs to.

use serde::{Deserialize, Serialize};

/// The class of a certificate authority, as far as trust is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ca {
    /// A public CA whose certificates browsers trust.
    Production,
    /// A public CA's test directory; nobody trusts what it issues.
    Staging,
    /// Caddy's own internal CA.
    Internal,
    /// Any other directory: a company's step-ca, a test CA of unknown standing.
    Other,
}

/// Host parts of test directories; certmagic's default test CA is the first (v0.25.3,
/// `acmeissuer.go`, `LetsEncryptStagingCA`).
const STAGING: [&str; 3] = ["acme-staging", "dv.acme-v02.test-api.pki.goog", "staging."];

/// Hosts of the public CAs, and `zerossl`, the issuer key of its API (certmagic v0.25.3
/// `zerosslissuer.go`).
const PRODUCTION: [&str; 7] = [
    "acme-v02.api.letsencrypt.org",
    "acme.zerossl.com",
    "api.zerossl.com",
    "dv.acme-v02.api.pki.goog",
    "api.buypass.com",
    "acme.ssl.com",
    "zerossl",
];

impl Ca {
    /// Classifies a directory URL (`https://acme-v02.api.letsencrypt.org/directory`), an order URL
    /// on the same host, or an issuer key (`acme-v02.api.letsencrypt.org-directory`, `local`).
    pub fn of(url_or_key: &str) -> Self {
        let host = url_or_key
            .split_once("://")
            .map_or(url_or_key, |(_, rest)| rest);
        let host = host.to_ascii_lowercase();
        if STAGING.iter().any(|part| host.starts_with(part)) {
            Self::Staging
        } else if PRODUCTION.iter().any(|part| host.starts_with(part)) {
            Self::Production
        } else if host == "local" {
            Self::Internal
        } else {
            Self::Other
        }
    }

    /// The word for it in rules and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }

    /// Whether it is a CA that others may trust: not a test directory, not Caddy's own.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Production | Self::Other)
    }

    /// Whether a certificate of this CA proves a recovery: not staging, and not internal where a
    /// public issuer was before.
    pub fn proves_recovery(self, public_before: bool) -> bool {
        match self {
            Self::Production | Self::Other => true,
            Self::Staging => false,
            Self::Internal => !public_before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_issuer_keys_are_classified_alike() {
        for (text, ca) in [
            (
                "https://acme-v02.api.letsencrypt.org/directory",
                Ca::Production,
            ),
            ("acme-v02.api.letsencrypt.org-directory", Ca::Production),
            (
                "https://acme-staging-v02.api.letsencrypt.org/directory",
                Ca::Staging,
            ),
            (
                "acme-staging-v02.api.letsencrypt.org-directory",
                Ca::Staging,
            ),
            ("acme.zerossl.com-v2-DV90", Ca::Production),
            ("zerossl", Ca::Production),
            ("https://api.zerossl.com", Ca::Production),
            ("local", Ca::Internal),
            ("127.0.0.1:20081-dir", Ca::Other),
            ("https://ca.example.com/acme/acme/directory", Ca::Other),
        ] {
            assert_eq!(Ca::of(text), ca, "{text}");
        }
    }

    #[test]
    fn an_internal_certificate_is_no_recovery_of_a_public_one() {
        assert!(!Ca::Internal.proves_recovery(true));
        assert!(Ca::Internal.proves_recovery(false));
        assert!(!Ca::Staging.proves_recovery(false));
    }
}
