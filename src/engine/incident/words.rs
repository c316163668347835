//! An incident in words: what a person reads, for one name and for many.

use crate::caddy::cause::Cause;
use crate::engine::alert::{AlertRow, Change, OpenAlert, stable_id};
use crate::engine::certificate::{Certificate, RetrySource};
use crate::engine::evidence::Quote;
use crate::engine::incident::fault::Place;
use crate::engine::incident::{DEADLINES, Incident, TELLING, is_deadline, is_news};
use crate::engine::message::{Message, Reason, Status};
use crate::engine::subject::About;
use crate::engine::teller::Teller;
use crate::rules::Severity;
use crate::time::{LogTime, spell};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Names that the text lists.
pub(super) const LISTED: usize = 20;
/// Names that a message carries for programs.
const NAMED: usize = 1_000;

/// One name in trouble, as it stands.
pub(in crate::engine) struct Standing<'a> {
    pub about: About<'a>,
    /// Its open alerts that are not silenced, by rule.
    pub alerts: Vec<(&'a str, &'a OpenAlert)>,
    /// The rule and the alert that a person should read first.
    pub lead: (&'a str, &'a OpenAlert),
    /// Whether that alert has not been told.
    pub is_news: bool,
}

impl<'a> Standing<'a> {
    /// How a certificate or source stands; `None` when nothing is open that may be told. Of several
    /// alerts that are as loud, one that has not been told comes first, then the one that says most.
    pub(in crate::engine) fn of(
        about: About<'a>,
        may_be_told: impl Fn(About<'_>, &str) -> bool,
    ) -> Option<Self> {
        let open = about.alerts().iter();
        let open = open.filter(|(rule, _)| may_be_told(about, rule));
        let alerts: Vec<(&str, &OpenAlert)> = open
            .map(|(rule, alert)| (rule.as_str(), &**alert))
            .collect();
        let lead = alerts.iter().copied().min_by_key(|(rule, alert)| {
            (
                Reverse(alert.severity),
                !is_news(about, rule, alert),
                telling(rule),
            )
        })?;
        Some(Self {
            about,
            alerts,
            lead,
            is_news: is_news(about, lead.0, lead.1),
        })
    }

    /// Whether it is more than info.
    pub(in crate::engine) fn is_loud(&self) -> bool {
        self.lead.1.severity.is_loud()
    }

    /// Whether people were warned of it, and not that it is as bad.
    fn is_worse(&self) -> bool {
        let told = self.alerts.iter().filter_map(|(_, alert)| alert.told).max();
        told.is_some_and(|told| told.is_loud() && told < self.lead.1.severity)
    }

    /// The most pressing first.
    pub(in crate::engine) fn order(&self) -> impl Ord + use<> {
        let (rule, alert) = self.lead;
        (
            Reverse(alert.severity),
            !self.is_news,
            telling(rule),
            self.about.not_after().is_none(),
            self.about.not_after(),
        )
    }

    /// What its alert says, without the name in front.
    fn said(&self, instance: &str) -> &'a str {
        let (_, alert) = self.lead;
        let rest = alert.title.strip_prefix(self.about.called(instance));
        rest.map_or(&*alert.title, |rest| rest.trim_start_matches([':', ' ']))
    }

    fn listed(&self, instance: &str, at: Option<LogTime>) -> String {
        let (_, alert) = self.lead;
        let name = self.about.called(instance);
        let said = format!("- {name} ({}): {}", alert.severity, self.said(instance));
        let end = self.about.not_after().map(|end| match at {
            Some(at) if end > at => format!("expires {}, in {}", end.utc(), spell(end - at)),
            Some(at) => format!("expired {}, {} ago", end.utc(), spell(at - end)),
            None => format!("expires {}", end.utc()),
        });
        let certificate = self.about.certificate();
        let trouble = certificate.map(|one| trouble(one, at)).unwrap_or_default();
        let parts = [said].into_iter().chain(end).chain(trouble);
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// How often a certificate failed, what stands in its way, and when Caddy tries again.
fn trouble(certificate: &Certificate, at: Option<LogTime>) -> Vec<String> {
    let is_ahead = |moment: LogTime| at.is_none_or(|at| moment > at);
    let failing = certificate.failing.as_ref();
    let attempts = failing.map(|failing| failed_attempts(failing.attempts));
    let limit = failing.and_then(|failing| failing.rate_limited_until);
    let limit = limit.filter(|limit| is_ahead(*limit));
    let limit = limit.map(|limit| format!("rate limited until {}", limit.utc()));
    let next = certificate.next.map(|next| match next.source {
        source if !is_ahead(next.at) => {
            let (source, due) = (source.word(), next.at.utc());
            format!("the attempt {source} for {due} has not begun")
        }
        RetrySource::Announced => format!("next attempt {}", next.at.utc()),
        RetrySource::Predicted => format!("next attempt {} (predicted)", next.at.utc()),
    });
    let tries = certificate.next.and_then(|next| next.tries_left);
    let tries = tries.map(|tries| format!("tries left before it expires: {tries}"));
    [attempts, limit, next, tries]
        .into_iter()
        .flatten()
        .collect()
}

/// Of several rules open at one severity, which a person should read first.
pub fn telling(rule: &str) -> usize {
    let place = DEADLINES
        .iter()
        .chain(&TELLING)
        .position(|one| *one == rule);
    place.unwrap_or(usize::MAX)
}

/// What the words are made of.
pub(in crate::engine) struct View<'a> {
    /// Who knows of which instance and moment it is, and how an alert reads then.
    pub teller: Teller<'a>,
    /// The names in trouble, the most pressing first.
    pub standing: &'a [Standing<'a>],
    /// How many others nobody is told of.
    pub silenced: usize,
}

impl Incident {
    /// The message that says how the incident stands.
    pub(in crate::engine) fn firing(&self, view: &View<'_>, reason: Reason) -> Option<Message> {
        let first = view.standing.first()?;
        let row = |one: &Standing<'_>, (rule, alert): (&str, &OpenAlert)| {
            let change = Change {
                instance: view.teller.name,
                incident: &self.id,
                rule,
                reason: match alert.told {
                    None => Reason::Opened,
                    Some(told) if told < alert.severity => Reason::Worsened,
                    Some(_) => Reason::Repeated,
                },
                closed_by: None,
                at: alert.opened_at,
            };
            view.teller.row(&change, alert, one.about)
        };
        let rows: Vec<AlertRow> = if let [one] = view.standing {
            let mut alerts = one.alerts.clone();
            alerts.sort_by_key(|(rule, alert)| (Reverse(alert.severity), telling(rule)));
            let rows = alerts
                .into_iter()
                .map(|(rule, alert)| row(one, (rule, alert)));
            rows.collect()
        } else {
            let listed = view.standing.iter().take(LISTED);
            listed.map(|one| row(one, one.lead)).collect()
        };
        let lead = row(first, first.lead);
        let (title, body) = if view.standing.len() == 1 {
            (
                lead.title.clone(),
                one_body(first, &lead, self.well_again()),
            )
        } else {
            (
                self.many_title(view, first),
                self.many_body(view, first, &lead),
            )
        };
        let mut message = self.message(view, reason, (title, body));
        message.severity = first.lead.1.severity;
        let named = view
            .standing
            .iter()
            .filter_map(|one| one.about.certificate());
        message.certificates_total = named.clone().count();
        let named = named.take(NAMED).map(|one| one.name.to_string());
        message.certificates = named.collect();
        let alerts = rows.iter().filter_map(|row| serde_json::to_value(row).ok());
        message.alerts = alerts.collect();
        Some(message)
    }

    pub(super) fn is_of_source(&self) -> bool {
        self.fault.place == Place::Source
    }

    pub(super) fn message(
        &self,
        view: &View<'_>,
        reason: Reason,
        (title, body): (String, String),
    ) -> Message {
        let number = self.messages + 1;
        let lead = view.standing.first().map(|first| first.lead.0);
        let again = match (reason, lead) {
            (Reason::Repeated, _) => "still open: ",
            (Reason::Opened, Some(lead)) if self.reopened > 0 && self.closed.contains(lead) => {
                "again: "
            }
            _ => "",
        };
        let standing = view
            .standing
            .iter()
            .map(|one| one.about.called(view.teller.name));
        let ended = self.ended.iter().map(|one| one.name.as_str());
        let only = standing.chain(ended).next();
        let only = only.filter(|_| self.names == 1 && !self.is_of_source());
        Message {
            id: stable_id(&["message", &self.id, &number.to_string()]),
            incident: self.id.clone(),
            instance: view.teller.name.to_owned(),
            certificate: only.map(str::to_owned),
            certificates: Vec::new(),
            certificates_total: 0,
            severity: Severity::Info,
            status: Status::Firing,
            reason,
            at: self.changed_at,
            title: format!("{again}{title}"),
            // The same name may be watched at several Caddys.
            body: format!("{body}\n\nFrom the log of {}.", view.teller.name),
            alerts: Vec::new(),
        }
    }

    fn many_title(&self, view: &View<'_>, first: &Standing<'_>) -> String {
        let count = view.standing.len();
        let (rule, alert) = first.lead;
        let worsens = alert.severity == Severity::Critical && self.told.is_some();
        if first.is_news && (worsens || is_deadline(rule, alert.severity)) {
            return format!("{}; {} in trouble in all", alert.title, certificates(count));
        }
        match causes(view.standing).as_slice() {
            [] => format!("{}: {}", certificates(count), first.said(view.teller.name)),
            [(cause, _)] => format!(
                "{} fail for one cause: {}",
                certificates(count),
                cause.word()
            ),
            causes => {
                let causes = causes
                    .iter()
                    .map(|(cause, names)| format!("{} ({names})", cause.word()));
                format!(
                    "{} fail: {}",
                    certificates(count),
                    causes.collect::<Vec<_>>().join(", ")
                )
            }
        }
    }

    /// What fails, since when, and what is new.
    fn news(&self, view: &View<'_>) -> String {
        let count = view.standing.len();
        let who = format!("{} of {}", certificates(count), view.teller.name);
        let explained = |cause: Cause| format!("{} ({})", cause.explanation(), cause.word());
        let mut news = match causes(view.standing).as_slice() {
            [] => format!("{who} are in trouble."),
            [(cause, _)] => format!("{who} fail for one cause: {}.", explained(*cause)),
            causes => {
                let causes = causes.iter();
                let causes = causes.map(|(cause, names)| format!("{names}: {}", explained(*cause)));
                let causes: Vec<String> = causes.collect();
                format!("{who} fail. {}.", causes.join("; "))
            }
        };
        if let Some(since) = self.failing_since {
            let ago = view.teller.at.filter(|at| *at > since);
            let ago = ago.map(|at| format!(", {} ago", spell(at - since)));
            let ago = ago.unwrap_or_default();
            news.push_str(&format!(" The first failed at {}{ago}.", since.utc()));
        }
        // What is quieter reaches few channels, which would look for a message that never came.
        if self.told.is_some_and(Severity::is_loud) {
            let unknown = count.saturating_sub(self.known);
            if unknown > 0 {
                let are = if unknown == 1 { "is" } else { "are" };
                news.push_str(&format!(
                    " {unknown} of them {are} new since the last message."
                ));
            }
        }
        let worse = view.standing.iter().filter(|one| one.is_worse());
        let worse: Vec<&str> = worse
            .take(LISTED)
            .map(|one| one.about.called(view.teller.name))
            .collect();
        if !worse.is_empty() {
            news.push_str(&format!(
                " Worse since the last message: {}.",
                worse.join(", ")
            ));
        }
        if view.silenced > 0 {
            let are = if view.silenced == 1 { "is" } else { "are" };
            news.push_str(&format!(" {} more {are} silenced.", view.silenced));
        }
        let quiet = self.members.len().saturating_sub(count + view.silenced);
        if quiet > 0 {
            news.push_str(&format!(
                " {quiet} more failed once or twice, which may be nothing."
            ));
        }
        news
    }

    fn many_body(&self, view: &View<'_>, first: &Standing<'_>, lead: &AlertRow) -> String {
        let count = view.standing.len();
        let mut parts = vec![self.news(view)];
        let listed = view.standing.iter().take(LISTED);
        let (pressing, others): (Vec<_>, Vec<_>) =
            listed.partition(|one| one.lead.1.severity == Severity::Critical);
        let list = |standing: &[&Standing<'_>]| -> Vec<String> {
            let lines = standing.iter();
            lines
                .map(|one| one.listed(view.teller.name, view.teller.at))
                .collect()
        };
        let mut others = list(&others);
        if count > LISTED {
            let more = count - LISTED;
            others.push(format!(
                "- and {more} more, none more pressing; `notafter status` lists them"
            ));
        }
        let name = first.about.called(view.teller.name);
        let remedy = format!("What to do, for {name}: {}", lead.remedy);
        let lists = [list(&pressing).join("\n"), remedy, others.join("\n")];
        parts.extend(lists.into_iter().filter(|part| !part.is_empty()));
        parts.extend(self.well_again());
        parts.extend(lead.evidence.last().map(quoted));
        parts.join("\n\n")
    }

    /// Names that are well again since the last message.
    fn well_again(&self) -> Option<String> {
        let well = self.ended.iter().filter(|one| one.untold);
        let well: Vec<&str> = well.map(|one| one.name.as_str()).collect();
        (!well.is_empty())
            .then(|| format!("Well again since the last message: {}.", well.join(", ")))
    }
}

/// Why these fail, each cause with how many; the most frequent first.
fn causes(standing: &[Standing<'_>]) -> Vec<(Cause, usize)> {
    let mut counts: BTreeMap<Cause, usize> = BTreeMap::new();
    for cause in standing.iter().filter_map(|one| one.about.cause()) {
        *counts.entry(cause).or_default() += 1;
    }
    let mut causes: Vec<(Cause, usize)> = counts.into_iter().collect();
    causes.sort_by_key(|(_, names)| Reverse(*names));
    causes
}

pub(super) fn certificates(count: usize) -> String {
    if count == 1 {
        "1 certificate".to_owned()
    } else {
        format!("{count} certificates")
    }
}

pub(super) fn failed_attempts(count: u32) -> String {
    if count == 1 {
        "1 failed attempt".to_owned()
    } else {
        format!("{count} failed attempts")
    }
}

fn one_body(one: &Standing<'_>, lead: &AlertRow, well_again: Option<String>) -> String {
    let mut parts = vec![lead.summary.clone(), format!("What to do: {}", lead.remedy)];
    let others: Vec<String> = one
        .alerts
        .iter()
        .filter(|(rule, _)| *rule != lead.rule)
        .map(|(rule, alert)| format!("{rule} ({})", alert.severity))
        .collect();
    if !others.is_empty() {
        parts.push(format!("Also open: {}.", others.join(", ")));
    }
    parts.extend(well_again);
    parts.extend(lead.evidence.iter().map(quoted));
    parts.join("\n\n")
}

fn quoted(quote: &Quote) -> String {
    format!("{}, line {}:\n{}", quote.source, quote.line, quote.text)
}
