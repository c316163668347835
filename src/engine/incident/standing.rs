//! One name of an incident, as it stands: what is open about it, and how pressing that is.

use crate::engine::alert::OpenAlert;
use crate::engine::certificate::{Certificate, RetrySource};
use crate::engine::incident::words::failed_attempts;
use crate::engine::incident::{DEADLINES, is_news, knows_worse};
use crate::engine::subject::About;
use crate::engine::teller::Teller;
use crate::rules::Severity;
use crate::time::{LogTime, spell};
use std::cmp::{Ordering, Reverse};

/// What says most after the deadlines.
const TELLING: [&str; 6] = [
    "revoked",
    "issuer-downgrade",
    "renewal-stuck",
    "retry-missed",
    "rate-limited",
    "renewal-failing",
];

/// Rules whose critical alerts mean that visitors see an error already.
const HURTING: [&str; 5] = [
    "expired",
    "obtain-dead",
    "staging-issued",
    "revoked",
    "issuer-downgrade",
];

/// One name in trouble, as it stands.
pub(in crate::engine) struct Standing<'a> {
    pub about: About<'a>,
    /// Its open alerts that are not silenced, by rule.
    pub alerts: Vec<(&'a str, &'a OpenAlert)>,
    /// The rule and the alert that a person should read first.
    pub lead: (&'a str, &'a OpenAlert),
    /// Whether that alert has not been told.
    pub is_news: bool,
    /// The loud rule and alert that say most of those that have not been told.
    pub news: Option<(&'a str, &'a OpenAlert)>,
}

impl<'a> Standing<'a> {
    /// How a certificate or source stands; `None` when nothing is open that may be told. Of several
    /// alerts that are as loud, one that has not been told comes first, then one that still holds, then
    /// the one that says most.
    pub(in crate::engine) fn of(
        about: About<'a>,
        teller: &Teller<'_>,
        may_be_told: impl Fn(About<'_>, &str) -> bool,
    ) -> Option<Self> {
        let open = about.alerts().iter();
        let open = open.filter(|(rule, _)| may_be_told(about, rule));
        let alerts: Vec<(&str, &OpenAlert)> =
            open.map(|(rule, alert)| (&**rule, &**alert)).collect();
        let holds = teller.holds(about);
        let rank =
            |rule: &str, alert: &OpenAlert| (Reverse(alert.severity), !is_news(about, rule, alert));
        let lead = alerts
            .iter()
            .copied()
            .min_by(|(one, first), (two, second)| {
                let ranks = rank(one, first).cmp(&rank(two, second));
                ranks.then_with(|| by_telling(&holds, one, two))
            })?;
        let is_news = |rule: &str, alert: &OpenAlert| is_news(about, rule, alert);
        let news = alerts.iter().copied().filter(|_| !knows_worse(about));
        let news = news.filter(|(rule, alert)| alert.severity.is_loud() && is_news(rule, alert));
        let news = news.min_by(|(one, first), (two, second)| {
            let loudness = second.severity.cmp(&first.severity);
            loudness.then_with(|| by_telling(&holds, one, two))
        });
        Some(Self {
            about,
            news,
            alerts,
            lead,
            is_news: is_news(lead.0, lead.1),
        })
    }

    /// Whether what leads is the same of both.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let lead = |one: &Self| (one.lead.0, one.lead.1.severity);
        lead(self) == lead(other)
    }

    /// Whether it is more than info.
    pub(in crate::engine) fn is_loud(&self) -> bool {
        self.lead.1.severity.is_loud()
    }

    /// Whether it is critical.
    pub(in crate::engine) fn is_critical(&self) -> bool {
        self.lead.1.severity == Severity::Critical
    }

    /// Whether people were warned of it, and not that it is as bad.
    pub(super) fn is_worse(&self) -> bool {
        let told = self.alerts.iter().filter_map(|(_, alert)| alert.told).max();
        told.is_some_and(|told| told.is_loud() && told < self.lead.1.severity)
    }

    /// The most pressing first: what hurts visitors already, then what expires soonest.
    pub(in crate::engine) fn order(&self) -> impl Ord + use<> {
        let (rule, alert) = self.lead;
        let hurts = alert.severity == Severity::Critical && HURTING.contains(&rule);
        (
            Reverse(alert.severity),
            !(self.is_news || self.about.has_another_cause()),
            !hurts,
            self.about.not_after().is_none(),
            self.about.not_after(),
            telling(rule),
        )
    }

    /// What its alert says in a title, without the name in front.
    pub(super) fn said<'b>(&self, title: &'b str, instance: &str) -> &'b str {
        let rest = title.strip_prefix(self.about.called(instance));
        rest.map_or(title, |rest| rest.trim_start_matches([':', ' ']))
    }

    /// Its line in a list of many, with the title of the alert that leads as it reads now.
    pub(super) fn listed(&self, teller: &Teller<'_>, title: &str) -> String {
        let (_, alert) = self.lead;
        let at = teller.at;
        let name = self.about.called(teller.name);
        let said = self.said(title, teller.name);
        let said = format!("- {name} ({}): {said}", alert.severity);
        let end = self.about.not_after().map(|end| match at {
            Some(at) if end > at => format!("expires {}, in {}", end.utc(), spell(end - at)),
            Some(at) => {
                let is_unread = teller.instance.behind.is_some_and(|to| to < end);
                let unless = if is_unread {
                    "unless renewed meanwhile, "
                } else {
                    ""
                };
                format!("{unless}expired {}, {} ago", end.utc(), spell(at - end))
            }
            None => format!("expires {}", end.utc()),
        });
        let certificate = self.about.certificate();
        let trouble = certificate
            .map(|one| trouble(one, teller))
            .unwrap_or_default();
        let parts = [said].into_iter().chain(end).chain(trouble);
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// How often a certificate failed, what stands in its way, and when Caddy tries again.
fn trouble(certificate: &Certificate, teller: &Teller<'_>) -> Vec<String> {
    let is_ahead = |moment: LogTime| teller.at.is_none_or(|at| moment > at);
    let failing = certificate.failing.as_ref();
    let attempts = failing.map(|failing| failed_attempts(failing.attempts));
    let limit = failing.and_then(|failing| failing.rate_limited_until);
    let limit = limit.filter(|limit| is_ahead(*limit));
    let limit = limit.map(|limit| format!("rate limited until {}", limit.utc()));
    let next = certificate.next.map(|next| match next.source {
        source if !is_ahead(next.at) => {
            let (source, due) = (source.word(), next.at.utc());
            let known = match teller.instance.behind.filter(|to| *to < next.at) {
                Some(to) => format!(
                    "may have begun: the log could be read only up to {}",
                    to.utc()
                ),
                None => "has not begun".to_owned(),
            };
            format!("the attempt {source} for {due} {known}")
        }
        RetrySource::Announced => format!("next attempt {}", next.at.utc()),
        RetrySource::Predicted => format!("next attempt {} (predicted)", next.at.utc()),
    });
    let in_time = certificate.not_after.is_none_or(is_ahead);
    let ahead = certificate.next.filter(|next| in_time && is_ahead(next.at));
    let tries = ahead.and_then(|next| next.tries_left);
    let tries = tries.map(|tries| format!("tries left before it expires: {tries}"));
    [attempts, limit, next, tries]
        .into_iter()
        .flatten()
        .collect()
}

/// Of two rules open at one severity, which a person should read first: one that still holds, then the one that
/// says most.
pub(in crate::engine) fn by_telling(
    holds: &impl Fn(&str) -> bool,
    one: &str,
    two: &str,
) -> Ordering {
    let held = holds(two).cmp(&holds(one));
    held.then_with(|| telling(one).cmp(&telling(two)))
}

/// Of several rules open at one severity, which says most.
pub fn telling(rule: &str) -> usize {
    let place = DEADLINES
        .iter()
        .chain(&TELLING)
        .position(|one| *one == rule);
    place.unwrap_or(usize::MAX)
}
