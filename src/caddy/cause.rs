//! Why an attempt failed: a closed list. [`classify`](super::classify) tells it from error text.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_word() {
        for &cause in Cause::ALL {
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
        }
    }
}
