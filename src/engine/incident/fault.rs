//! What the certificates of one incident have in common.

use crate::caddy::ca::Ca;
use crate::caddy::cause::Cause;
use crate::engine::certificate::Failing;
use crate::engine::policy::Group;
use crate::engine::subject::About;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// The fault that an incident is about, as it was when the first alert of a name opened. A name
/// stays in its incident when its own cause changes later: so it is neither told twice nor lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::engine) struct Fault {
    /// The cause's word; the rule's id where nothing has failed.
    pub what: String,
    /// Where it lies.
    pub place: Place,
}

/// Where a fault lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::engine) enum Place {
    /// In the log itself, or in Caddy as a whole.
    Source,
    /// At the watched Caddy, its storage, its DNS provider.
    Instance,
    /// At a CA.
    Ca(String),
    /// In so many zones that it cannot be the zones' own.
    Zones,
    /// In one zone.
    Zone(String),
    /// Names are not grouped.
    Name(String),
}

impl Fault {
    /// The fault of a certificate or source whose first alert opens, by `rule`.
    pub(super) fn of(about: About<'_>, rule: &str, group: Group) -> Self {
        let About::Certificate(certificate) = about else {
            let (what, place) = (String::new(), Place::Source);
            return Self { what, place };
        };
        let name = &certificate.name;
        if group == Group::Name {
            let place = Place::Name(name.to_string());
            let what = String::new();
            return Self { what, place };
        }
        let Some(streak) = &certificate.failing else {
            let (what, place) = (rule.to_owned(), Place::Instance);
            return Self { what, place };
        };
        let what = kindred(streak.cause).word().to_owned();
        let place = match what.split('.').next().unwrap_or_default() {
            "ca" => Place::Ca(ca(streak)),
            "dns" | "challenge" | "unknown" => Place::Zone(zone(name.as_str())),
            _ => Place::Instance,
        };
        Self { what, place }
    }

    /// The same fault in many zones.
    pub(super) fn in_zones(&self) -> Self {
        Self {
            what: self.what.clone(),
            place: Place::Zones,
        }
    }
}

/// A CA that is down refuses some requests and answers others with errors; a resolver that is
/// broken answers SERVFAIL or not at all.
pub(in crate::engine) fn kindred(cause: Cause) -> Cause {
    match cause {
        Cause::CaServerError => Cause::CaUnreachable,
        Cause::DnsTimeout => Cause::DnsServfail,
        other => other,
    }
}

/// Whose CA it is. Retries alternate between a CA's production and staging directories by design,
/// so both are one.
fn ca(streak: &Failing) -> String {
    let host = streak
        .ca_url
        .as_deref()
        .and_then(|url| url.split("://").nth(1)?.split(['/', ':']).next());
    match (host, streak.ca) {
        (Some(host), _) => zone(host),
        (None, Some(Ca::Internal)) => Ca::Internal.word().to_owned(),
        (None, _) => String::new(),
    }
}

/// The zone that a name most likely lies in: its last two labels, or three below such as `co.uk`.
fn zone(name: &str) -> String {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let is_address = name.parse::<IpAddr>().is_ok();
    let labels: Vec<&str> = name.split('.').collect();
    let [.., second, top] = labels.as_slice() else {
        return name.to_owned();
    };
    let below_country = top.len() == 2 && second.len() <= 3;
    let kept = if below_country { 3 } else { 2 };
    if is_address || labels.len() <= kept {
        return name.to_owned();
    }
    labels
        .get(labels.len() - kept..)
        .unwrap_or_default()
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_what_a_registrar_sells() {
        for (name, expected) in [
            ("a.b.example.com", "example.com"),
            ("example.com", "example.com"),
            ("*.example.com", "example.com"),
            ("www.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("localhost", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(zone(name), expected);
        }
    }
}
