//! For every cause: the command that proves it, and what mends it.

use crate::caddy::cause::{Cause, SeenBy};
use crate::caddy::failure::{Job, Origin, ZEROSSL_API};
use crate::caddy::name::Name;
use serde::{Deserialize, Serialize};

/// The command that proves a cause, and the remedy, with the certificate's own name filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A command to run on the host of Caddy.
    pub check: String,
    /// What to mend, as an order, without a full stop.
    pub remedy: String,
}

/// What to do about a cause. Who met it decides which side has to be mended: SERVFAIL at our own
/// resolver and SERVFAIL where the CA looks us up have opposite remedies.
pub fn advise(cause: Cause, seen_by: SeenBy, name: &Name, ca_url: Option<&str>) -> Advice {
    let (check, remedy) = match seen_by {
        SeenBy::Ca if cause == Cause::CaAccount && ca_url == Some(ZEROSSL_API) => Some(API_KEY),
        SeenBy::Ca => seen_by_ca(cause),
        SeenBy::Caddy => seen_by_caddy(cause),
        SeenBy::Provider => None,
    }
    .or_else(|| of_address(cause).filter(|_| name.is_address()))
    .unwrap_or_else(|| by_default(cause));
    let host = name.as_str().trim_start_matches("*.");
    let in_url = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let ca_url = ca_url.unwrap_or("https://acme-v02.api.letsencrypt.org/directory");
    let fill = |text: &str| {
        text.replace("//NAME", &format!("//{in_url}"))
            .replace("NAME", host)
            .replace("CA_URL", ca_url)
    };
    Advice {
        check: fill(check),
        remedy: fill(remedy),
    }
}

/// An account of the API has no folder in Caddy's storage, but a key in its configuration.
const API_KEY: (&str, &str) = (
    "curl -s 'https://api.zerossl.com/certificates?access_key=KEY' # KEY is in the configuration of Caddy",
    "Put an API key of an active ZeroSSL account, whose plan has the API, into the `zerossl` issuer of Caddy's configuration, or use its ACME directory instead",
);

const fn seen_by_ca(cause: Cause) -> Option<(&'static str, &'static str)> {
    Some(match cause {
        Cause::DnsServfail | Cause::DnsTimeout | Cause::DnsRefused => (
            "dig +trace A NAME; dig +dnssec SOA NAME @1.1.1.1",
            "Mend the public DNS of the zone (name servers, delegation, DNSSEC): the CA cannot look it up, this host's own resolver does not matter",
        ),
        Cause::DnsNxdomain => (
            "dig A NAME @1.1.1.1; dig AAAA NAME @1.1.1.1",
            "Create the public A or AAAA record of NAME, or take the name out of Caddy's configuration",
        ),
        Cause::DnsPropagation => (
            "dig TXT _acme-challenge.NAME @1.1.1.1; dig CNAME _acme-challenge.NAME @1.1.1.1",
            "See at the DNS provider whether Caddy's record is in the zone that the world sees, and raise `propagation_delay`",
        ),
        _ => return None,
    })
}

/// Where the usual remedy would send a person to the wrong side.
const fn seen_by_caddy(cause: Cause) -> Option<(&'static str, &'static str)> {
    Some(match cause {
        Cause::ChallengeUnreachable => (
            "ss -ltnp '( sport = :80 or sport = :443 )'",
            "Free the port of the challenge on this host, or let Caddy bind it (CAP_NET_BIND_SERVICE)",
        ),
        Cause::DnsProviderError => (
            "journalctl -u caddy | grep 'adding temporary record'",
            "Mend the way from this host to the API of the DNS provider: DNS, firewall, proxy",
        ),
        Cause::CaServerError => (
            "curl -s CA_URL",
            "Find out what answers in the place of the CA: a proxy, a captive portal, a wrong `acme_ca`",
        ),
        _ => return None,
    })
}

const FROM_OUTSIDE: &str = "curl -v http://NAME/.well-known/acme-challenge/test # from outside";

/// An address has no record that could lead elsewhere.
const fn of_address(cause: Cause) -> Option<(&'static str, &'static str)> {
    Some(match cause {
        Cause::ChallengeUnreachable => (
            FROM_OUTSIDE,
            "Open ports 80 and 443 of NAME from the internet to this server",
        ),
        Cause::ChallengeWrongAnswer => (
            FROM_OUTSIDE,
            "Make ports 80 and 443 of NAME lead to this Caddy, with no proxy answering in its place",
        ),
        _ => return None,
    })
}

/// Cause, check, remedy.
type Row = (Cause, &'static str, &'static str);

fn by_default(cause: Cause) -> (&'static str, &'static str) {
    let row = BY_DEFAULT.iter().find(|(other, _, _)| *other == cause);
    row.map_or(
        (
            "journalctl -u caddy | grep NAME",
            "Read the error text below",
        ),
        |row| (row.1, row.2),
    )
}

const LOCAL_CHECK: &str = "dig SOA _acme-challenge.NAME; dig SOA _acme-challenge.NAME @1.1.1.1";
const LOCAL_REMEDY: &str = "Mend the resolver that this host uses (/etc/resolv.conf, systemd-resolved, Docker's DNS), or set `resolvers 1.1.1.1` in the `tls` block";

const BY_DEFAULT: [Row; 26] = [
    (Cause::DnsServfail, LOCAL_CHECK, LOCAL_REMEDY),
    (Cause::DnsTimeout, LOCAL_CHECK, LOCAL_REMEDY),
    (Cause::DnsRefused, LOCAL_CHECK, LOCAL_REMEDY),
    (Cause::DnsNxdomain, LOCAL_CHECK, LOCAL_REMEDY),
    (
        Cause::DnsPropagation,
        "dig TXT _acme-challenge.NAME @1.1.1.1",
        "See whether the record appears at the DNS provider; then raise `propagation_timeout`, or open port 53 outbound",
    ),
    (
        Cause::DnsProviderAuth,
        "journalctl -u caddy | grep 'adding temporary record'",
        "Give Caddy a new API token of the DNS provider with the right to read the zone of NAME and edit its records",
    ),
    (
        Cause::DnsProviderError,
        "journalctl -u caddy | grep 'adding temporary record'",
        "See the status page of the DNS provider, and whether its API answers from this host",
    ),
    (
        Cause::ChallengeUnreachable,
        FROM_OUTSIDE,
        "Open ports 80 and 443 from the internet to this server, for every A and AAAA record of NAME",
    ),
    (
        Cause::ChallengeWrongAnswer,
        "dig A NAME @1.1.1.1; dig AAAA NAME @1.1.1.1; curl -v http://NAME/.well-known/acme-challenge/test",
        "Make every A and AAAA record of NAME lead to this Caddy, with no proxy or CDN answering in its place",
    ),
    (
        Cause::ChallengeNoneAvailable,
        "caddy adapt --config /etc/caddy/Caddyfile | grep -i challenge",
        "Enable a challenge that can work here: open port 80 or 443, or configure a DNS provider",
    ),
    (
        Cause::CaRateLimited,
        "journalctl -u caddy | grep rateLimited",
        "Do not restart Caddy: every attempt counts. Wait until the time that the CA names, open the page that it names, or use another CA meanwhile",
    ),
    (
        Cause::CaUnreachable,
        "curl -sv CA_URL -o /dev/null",
        "Mend the way from this host to the CA: DNS, firewall, proxy, clock",
    ),
    (
        Cause::CaServerError,
        "curl -sv CA_URL -o /dev/null",
        "See the status page of the CA; if it lasts, add a second issuer",
    ),
    (
        Cause::CaCaa,
        "dig CAA NAME @1.1.1.1",
        "Add the CA to the CAA record of NAME or of the domains above it",
    ),
    (
        Cause::CaRejectedName,
        "journalctl -u caddy | grep -i identifier",
        "Use a name that the CA issues for, or the internal issuer for a private one",
    ),
    (
        Cause::CaAccount,
        "journalctl -u caddy | grep -i account; ls -R /var/lib/caddy/.local/share/caddy/acme",
        "Set `email` in Caddy's global options, and move the account's folder (acme/CA/users/EMAIL in Caddy's storage) away, so that Caddy registers a new account",
    ),
    (
        Cause::CaEab,
        "journalctl -u caddy | grep -iE 'external|eab'",
        "Put new external account binding credentials of the CA into Caddy's configuration",
    ),
    (
        Cause::CaStagingBlocked,
        "curl -sv https://acme-staging-v02.api.letsencrypt.org/directory -o /dev/null",
        "Restart Caddy, whose first attempt goes to the production CA",
    ),
    (
        Cause::StoragePermission,
        "namei -l /var/lib/caddy/.local/share/caddy/certificates",
        "Give Caddy's storage directory back to the user that Caddy runs as",
    ),
    (
        Cause::StorageFull,
        "df -h /var/lib/caddy; df -i /var/lib/caddy",
        "Free space on the disk of Caddy's storage",
    ),
    (
        Cause::StorageLock,
        "ls -l /var/lib/caddy/.local/share/caddy/locks",
        "Find the other Caddy that uses this storage and holds the lock, and stop or mend it; never delete the lock itself",
    ),
    (
        Cause::StorageMissing,
        "ls -lR /var/lib/caddy/.local/share/caddy/certificates",
        "Restart Caddy, which then obtains a new certificate in place of the missing files",
    ),
    (
        Cause::PolicyDenied,
        "journalctl -u caddy | grep -iE 'aborted|permission'",
        "See why the event handler or the permission endpoint said no",
    ),
    (
        Cause::ConfigInvalid,
        "caddy validate --config /etc/caddy/Caddyfile",
        "Correct Caddy's configuration",
    ),
    (
        Cause::Crash,
        "journalctl -u caddy | grep -A20 panic",
        "Restart Caddy, which until then may not try this certificate again, and report the panic to its makers",
    ),
    (
        Cause::Unknown,
        "journalctl -u caddy | grep NAME",
        "Read the error text below",
    ),
];

/// What decides how a Caddy is made to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Obtain or renew.
    pub job: Job,
    /// Who began the job; `None` if that was not seen.
    pub origin: Option<Origin>,
    /// Whether Caddy sleeps in the job (`will retry`), rather than waiting for a tick without one.
    pub sleeps: bool,
    /// Which generation of Caddy it is, as far as the log has told.
    pub generation: Option<Generation>,
}

/// How Caddys treat a sleeping renewal when the configuration is loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// Up to 2.6.4: a load stops the maintenance loop and every job of it.
    LoopPerLoad,
    /// Since 2.7.0: the loop lives as long as the process, and so do its jobs.
    LoopPerProcess,
}

/// The one next thing that makes Caddy try again, once the cause is mended; measured on Caddy 2.6.2
/// to 2.11.7. The first attempt after it goes to the production CA.
pub const fn next_step(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting {
            job: Job::Obtain, ..
        } => {
            "run `caddy reload --force --config /etc/caddy/Caddyfile`, which tries at once (without --force an unchanged config does nothing)"
        }
        Waiting {
            sleeps: false,
            origin: Some(Origin::Maintenance),
            ..
        } => {
            "new settings are used by themselves at the next attempt; to try at once restart Caddy (`systemctl restart caddy` or `docker restart NAME`), since a reload does not bring it forward"
        }
        Waiting {
            generation: Some(Generation::LoopPerLoad),
            ..
        } => {
            "restart Caddy (`systemctl restart caddy` or `docker restart NAME`), which tries at once; `caddy reload --force` tries ten minutes after the reload"
        }
        Waiting {
            origin: Some(Origin::Maintenance),
            generation: Some(Generation::LoopPerProcess),
            ..
        } => {
            "restart Caddy (`systemctl restart caddy` or `docker restart NAME`), which tries at once; a reload does not help and keeps the old settings for this certificate"
        }
        Waiting {
            origin: Some(Origin::Start),
            ..
        } => {
            "restart Caddy (`systemctl restart caddy` or `docker restart NAME`), which tries at once; `caddy reload --force` tries at the next tick, within ten minutes, but not with another CA"
        }
        Waiting { .. } => {
            "restart Caddy (`systemctl restart caddy` or `docker restart NAME`), which tries at once; a reload may not help, and may keep the old settings for this certificate"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_name_is_filled_in_and_the_side_decides() {
        let name = Name::parse("*.example.com").unwrap();
        let here = advise(Cause::DnsServfail, SeenBy::Caddy, &name, None);
        assert!(
            here.check.contains("_acme-challenge.example.com"),
            "{}",
            here.check
        );
        let there = advise(Cause::DnsServfail, SeenBy::Ca, &name, None);
        assert!(there.remedy.contains("public DNS"), "{}", there.remedy);
    }

    #[test]
    fn of_an_address_no_record_is_asked_for() {
        for (address, url) in [
            ("192.0.2.7", "http://192.0.2.7/"),
            ("2001:db8::1", "http://[2001:db8::1]/"),
        ] {
            let name = Name::parse(address).unwrap();
            for cause in [Cause::ChallengeUnreachable, Cause::ChallengeWrongAnswer] {
                let advice = advise(cause, SeenBy::Ca, &name, None);
                assert!(advice.check.contains(url), "{}", advice.check);
                assert!(!advice.check.contains("dig"), "{}", advice.check);
                let remedy = &advice.remedy;
                assert!(
                    remedy.contains(address) && !remedy.contains("AAAA"),
                    "{remedy}"
                );
            }
        }
    }

    #[test]
    fn what_helps_depends_on_origin_and_generation() {
        let step = |job, origin, sleeps, generation| {
            next_step(Waiting {
                job,
                origin,
                sleeps,
                generation,
            })
        };
        let (start, tick) = (Some(Origin::Start), Some(Origin::Maintenance));
        let (old, new) = (
            Some(Generation::LoopPerLoad),
            Some(Generation::LoopPerProcess),
        );
        for (told, expected) in [
            (
                step(Job::Obtain, start, true, new),
                "caddy reload --force --config",
            ),
            (
                step(Job::Renew, tick, false, new),
                "new settings are used by themselves",
            ),
            (
                step(Job::Renew, tick, true, new),
                "a reload does not help and keeps the old settings",
            ),
            (
                step(Job::Renew, tick, true, old),
                "ten minutes after the reload",
            ),
            (
                step(Job::Renew, start, true, old),
                "ten minutes after the reload",
            ),
            (step(Job::Renew, start, true, new), "at the next tick"),
            (step(Job::Renew, tick, true, None), "a reload may not help"),
            (step(Job::Renew, None, true, new), "a reload may not help"),
        ] {
            assert!(told.contains(expected), "{told}: {expected}");
        }
    }

    #[test]
    fn nothing_that_makes_it_worse_is_advised() {
        let name = Name::parse("example.com").unwrap();
        for &cause in Cause::ALL {
            for seen_by in [SeenBy::Caddy, SeenBy::Ca, SeenBy::Provider] {
                let remedy = advise(cause, seen_by, &name, None).remedy.to_lowercase();
                let words = ["kill", "delete the cert", "remove the cert", "rm -"];
                assert!(words.iter().all(|word| !remedy.contains(word)), "{remedy}");
                let deletes_lock = remedy.contains("delete") && !remedy.contains("never delete");
                assert!(!deletes_lock, "{remedy}");
            }
        }
    }

    /// A shell would wait for the end of the text.
    #[test]
    fn every_quote_of_a_check_is_closed() {
        let name = Name::parse("example.com").unwrap();
        for &cause in Cause::ALL {
            for seen_by in [SeenBy::Caddy, SeenBy::Ca, SeenBy::Provider] {
                for url in [None, Some(ZEROSSL_API)] {
                    let check = advise(cause, seen_by, &name, url).check;
                    for quote in ['\'', '"'] {
                        assert_eq!(check.matches(quote).count() % 2, 0, "{check}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_cause_has_a_check_and_a_remedy() {
        let name = Name::parse("example.com").unwrap();
        for &cause in Cause::ALL {
            for seen_by in [SeenBy::Caddy, SeenBy::Ca, SeenBy::Provider] {
                let advice = advise(cause, seen_by, &name, None);
                assert!(!advice.check.contains("NAME") && !advice.remedy.contains("NAME"));
                assert!(!advice.remedy.ends_with('.'), "{}", advice.remedy);
            }
        }
    }
}
