//! An incident in words: what a person reads, for one name and for many.

use crate::caddy::cause::Cause;
use crate::engine::alert::{AlertRow, Change, ClosedBy, OpenAlert, stable_id};
use crate::engine::incident::fault::Place;
use crate::engine::incident::{DEADLINES, Ended, Incident, is_deadline, is_news};
use crate::engine::message::{Message, Reason, Status};
use crate::engine::subject::About;
use crate::engine::teller::Teller;
use crate::rules::Severity;
use crate::time::{LogTime, spell};
use std::cmp::Reverse;

/// Names that the text lists.
const LISTED: usize = 20;
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
        let mut line = format!("- {name} ({}): {}", alert.severity, self.said(instance));
        if let Some(end) = self.about.not_after() {
            line.push_str(&match at {
                Some(at) if end > at => {
                    format!("; expires {}, in {}", end.utc(), spell(end - at))
                }
                Some(at) => format!("; expired {}, {} ago", end.utc(), spell(at - end)),
                None => format!("; expires {}", end.utc()),
            });
        }
        if let Some(next) = self.about.certificate().and_then(|one| one.next) {
            line.push_str(&if at.is_none_or(|at| next.at > at) {
                format!("; next attempt {}", next.at.utc())
            } else {
                let source = next.source.word();
                format!("; the attempt {source} for {} has not begun", next.at.utc())
            });
        }
        line
    }
}

/// Of several rules open at one severity, which a person should read first.
pub(in crate::engine) fn telling(rule: &str) -> usize {
    let mut first = DEADLINES.iter().chain(&["renewal-failing"]);
    let place = first.position(|first| *first == rule);
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

    /// The message that says that it is over.
    pub(in crate::engine) fn closing(&self, view: &View<'_>) -> Message {
        let words = match self.ended.as_slice() {
            [one] if self.ended_count == 1 => self.one_closing(one),
            _ => self.many_closing(),
        };
        let mut message = self.message(view, Reason::Closed, words);
        message.severity = self.worst;
        message.status = Status::Resolved;
        if !self.is_of_source() {
            let ended = self.ended.iter().map(|one| one.name.clone());
            message.certificates = ended.collect();
            message.certificates_total = usize::try_from(self.ended_count).unwrap_or(usize::MAX);
        }
        message
    }

    fn is_of_source(&self) -> bool {
        self.fault.place == Place::Source
    }

    fn message(&self, view: &View<'_>, reason: Reason, (title, body): (String, String)) -> Message {
        let number = self.messages + 1;
        let again = match (reason, self.reopened) {
            (Reason::Repeated, _) => "still open: ",
            (Reason::Opened, 1..) => "again: ",
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
        if first.is_news && is_deadline(rule, alert.severity) {
            return format!("{}; {} in trouble in all", alert.title, certificates(count));
        }
        match self.cause {
            Some(cause) => format!(
                "{} fail for one cause: {}",
                certificates(count),
                cause.word()
            ),
            None => format!("{}: {}", certificates(count), first.said(view.teller.name)),
        }
    }

    fn many_body(&self, view: &View<'_>, first: &Standing<'_>, lead: &AlertRow) -> String {
        let count = view.standing.len();
        let mut parts = Vec::new();
        let cause = self.cause.map_or_else(
            || {
                format!(
                    "{} of {} are in trouble.",
                    certificates(count),
                    view.teller.name
                )
            },
            |cause| {
                format!(
                    "{} of {} fail for one cause: {} ({}).",
                    certificates(count),
                    view.teller.name,
                    cause.explanation(),
                    cause.word()
                )
            },
        );
        let mut news = cause;
        if let Some(since) = self.failing_since {
            news.push_str(&format!(" The first failed at {}.", since.utc()));
        }
        if self.told.is_some() {
            let unknown = count.saturating_sub(self.known);
            if unknown > 0 {
                news.push_str(&format!(
                    " {unknown} of them are new since the last message."
                ));
            }
        }
        if view.silenced > 0 {
            news.push_str(&format!(" {} more are silenced.", view.silenced));
        }
        let quiet = self.members.len().saturating_sub(count + view.silenced);
        if quiet > 0 {
            news.push_str(&format!(
                " {quiet} more failed once or twice, which may be nothing."
            ));
        }
        parts.push(news);
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
        parts.extend(quoted(lead));
        parts.join("\n\n")
    }

    fn one_closing(&self, one: &Ended) -> (String, String) {
        let name = &one.name;
        let mut lines = Vec::new();
        let title = match one.closed_by {
            Some(ClosedBy::Forgotten) => {
                lines.push(format!(
                    "{name} is no longer in the list of names that Caddy manages."
                ));
                format!("{name}: no longer managed")
            }
            Some(ClosedBy::Condition) => format!("{name}: over"),
            Some(ClosedBy::Renewed) | None => {
                if let Some(not_after) = one.not_after {
                    lines.push(format!(
                        "The certificate of {name} is valid until {not_after}."
                    ));
                }
                format!("{name}: renewed, all is well again")
            }
        };
        lines.extend(self.history());
        (title, lines.join("\n"))
    }

    fn many_closing(&self) -> (String, String) {
        let count = usize::try_from(self.ended_count).unwrap_or(usize::MAX);
        let by = |closed_by| {
            self.ended
                .iter()
                .any(|one| one.closed_by == Some(closed_by))
        };
        let all = !by(ClosedBy::Forgotten) && !by(ClosedBy::Condition);
        let title = if all {
            format!("{}: renewed, all is well again", certificates(count))
        } else {
            format!("{}: over, all is well again", certificates(count))
        };
        let mut lines = self.history();
        let listed = self.ended.iter().take(LISTED);
        let mut names: Vec<&str> = listed.map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        let more = count.saturating_sub(names.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        lines.push(format!("It was about {}{more}.", names.join(", ")));
        (title, lines.join("\n"))
    }

    /// Names that are well again since the last message.
    fn well_again(&self) -> Option<String> {
        let well = self.ended.iter().filter(|one| one.untold);
        let well: Vec<&str> = well.map(|one| one.name.as_str()).collect();
        (!well.is_empty())
            .then(|| format!("Well again since the last message: {}.", well.join(", ")))
    }

    /// How long it lasted, what it cost and why.
    fn history(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let (Some(since), Some(at)) = (self.failing_since.or(self.opened_at), self.changed_at) {
            let plural = if self.attempts == 1 {
                "attempt"
            } else {
                "attempts"
            };
            let again = match self.reopened {
                0 => String::new(),
                1 => ", once interrupted".to_owned(),
                times => format!(", {times} times interrupted"),
            };
            lines.push(format!(
                "It had been failing for {}, since {}{again}: {} failed {plural}, cause {}.",
                spell(at - since),
                since.utc(),
                self.attempts,
                self.cause.map_or("unknown", Cause::word),
            ));
        }
        let closed: Vec<&str> = self.closed.iter().map(String::as_str).collect();
        lines.push(format!("Closed: {}.", closed.join(", ")));
        lines
    }
}

fn certificates(count: usize) -> String {
    if count == 1 {
        "1 certificate".to_owned()
    } else {
        format!("{count} certificates")
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
    parts.extend(quoted(lead));
    parts.join("\n\n")
}

fn quoted(lead: &AlertRow) -> Option<String> {
    let quote = lead.evidence.last()?;
    Some(format!(
        "{}, line {}:\n{}",
        quote.source, quote.line, quote.text
    ))
}
