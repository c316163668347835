//! An incident in words: what a person reads, for one name and for many.

use crate::caddy::cause::Cause;
use crate::engine::alert::{AlertRow, Change, OpenAlert, stable_id};
use crate::engine::evidence::Quote;
use crate::engine::incident::fault::Place;
use crate::engine::incident::standing::{Standing, telling};
use crate::engine::incident::{Incident, is_deadline};
use crate::engine::message::{Message, Reason, Status};
use crate::engine::teller::Teller;
use crate::rules::Severity;
use crate::time::spell;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Names that the text lists.
pub(super) const LISTED: usize = 20;
/// Names that a message carries for programs.
const NAMED: usize = 1_000;

/// What the words are made of.
pub(in crate::engine) struct View<'a> {
    /// Who knows of which instance and moment it is, and how an alert reads then.
    pub teller: Teller<'a>,
    /// The names in trouble, the most pressing first.
    pub standing: &'a [Standing<'a>],
    /// How many others nobody is told of.
    pub silenced: usize,
    /// Names that were well and are in trouble again, in other incidents.
    pub failing: &'a [String],
    /// Whether another incident of this Caddy is loud, at the end of this one.
    pub others: bool,
}

impl Incident {
    /// The message that says how the incident stands.
    pub(in crate::engine) fn firing(&self, view: &View<'_>, reason: Reason) -> Option<Message> {
        let Some(first) = view.standing.first() else {
            return self.relief_alone(view, reason);
        };
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
        // Beside what people know to be worse, what is new leads.
        let told = match (view.standing, reason) {
            ([one], Reason::Worsened) if !self.reminder.repeat_due => one.news.unwrap_or(one.lead),
            _ => first.lead,
        };
        let lead = row(first, told);
        let (title, body) = if view.standing.len() == 1 {
            (lead.title.clone(), self.one_body(first, &lead))
        } else {
            (
                self.many_title(view, first, &lead),
                self.many_body(view, &rows, &lead),
            )
        };
        let title = match reason {
            Reason::Improved => self.relief_title(view, Some(&title)),
            _ => title,
        };
        let mut message = self.message(view, reason, (title, body));
        message.severity = match reason {
            Reason::Improved => self.relief_severity(),
            // What people know of does not ring again for what is quieter.
            Reason::Worsened if !self.reminder.repeat_due => {
                self.loudest_news().unwrap_or(told.1.severity)
            }
            _ => told.1.severity,
        };
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
        let is_for_another_cause = match view.standing {
            [only] => !only.is_news && only.news.is_none() && only.about.has_another_cause(),
            _ => false,
        };
        let again = match (reason, view.standing.first()) {
            (Reason::Repeated, _) => "still open: ",
            (Reason::Worsened, _) if is_for_another_cause => "another cause: ",
            (Reason::Opened, Some(first)) if self.comes_again(first) => "again: ",
            _ => "",
        };
        let standing = view.standing.iter().filter(|_| reason != Reason::Closed);
        let standing = standing.map(|one| one.about.called(view.teller.name));
        let ended = self.ended.iter().map(|one| one.name.as_str());
        let mut names = standing.chain(ended).filter(|_| !self.is_of_source());
        let first = names.next();
        let only = first.filter(|first| names.all(|name| name == *first));
        Message {
            id: stable_id(&["message", &self.id, &number.to_string()]),
            incident: self.id.to_string(),
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

    /// Whether what leads was over, and is the same trouble of the same name.
    fn comes_again(&self, first: &Standing<'_>) -> bool {
        let closed = [&self.story.closed, &self.closed_before];
        let (rule, _) = first.lead;
        let was_over = closed.iter().any(|rules| rules.contains(rule));
        self.reopened > 0 && first.about.link().again && was_over
    }

    fn many_title(&self, view: &View<'_>, first: &Standing<'_>, lead: &AlertRow) -> String {
        let count = view.standing.len();
        let (rule, alert) = first.lead;
        let worsens = alert.severity == Severity::Critical && self.told.is_some();
        if first.is_news && (worsens || is_deadline(rule, alert.severity)) {
            return format!("{}; {} in trouble in all", lead.title, certificates(count));
        }
        let many = certificates(count);
        let causes = causes(view.standing);
        let listed = causes
            .iter()
            .map(|(cause, names)| format!("{} ({names})", cause.word()));
        let listed = listed.collect::<Vec<_>>().join(", ");
        match causes.as_slice() {
            [] if view.standing.iter().all(|one| one.is_like(first)) => {
                format!("{many}: {}", first.said(&lead.title, view.teller.name))
            }
            [] => format!("{}; {many} in trouble in all", lead.title),
            [(cause, names)] if *names == count => {
                format!("{many} fail for one cause: {}", cause.word())
            }
            causes if failing(causes) == count => format!("{many} fail: {listed}"),
            _ => format!("{many} in trouble; of those that fail: {listed}"),
        }
    }

    /// What fails, since when, and what is new.
    fn news(&self, view: &View<'_>) -> String {
        let count = view.standing.len();
        let who = format!("{} of {}", certificates(count), view.teller.name);
        let explained = |cause: Cause| format!("{} ({})", cause.explanation(), cause.word());
        let causes = causes(view.standing);
        let listed = causes.iter();
        let listed = listed.map(|(cause, names)| format!("{names}: {}", explained(*cause)));
        let listed = listed.collect::<Vec<_>>().join("; ");
        let mut news = match causes.as_slice() {
            [] => format!("{who} are in trouble."),
            [(cause, names)] if *names == count => {
                format!("{who} fail for one cause: {}.", explained(*cause))
            }
            causes if failing(causes) == count => format!("{who} fail. {listed}."),
            _ => format!("{who} are in trouble. Of those that fail, {listed}."),
        };
        if let Some(since) = self.story.failing_since {
            let ago = view.teller.at.filter(|at| *at > since);
            let ago = ago.map(|at| format!(", {} ago", spell(at - since)));
            let ago = ago.unwrap_or_default();
            news.push_str(&format!(" The first failed at {}{ago}.", since.utc()));
        }
        // What is quieter reaches few channels, which would look for a message that never came.
        if self.was_loud() {
            let unknown = count.saturating_sub(self.known);
            if unknown > 0 {
                let are = if unknown == 1 { "is" } else { "are" };
                news.push_str(&format!(
                    " {unknown} of them {are} new since the last message."
                ));
            }
        }
        let named = |what: &str, which: &dyn Fn(&Standing<'_>) -> bool| {
            let names = view.standing.iter().filter(|one| which(one)).take(LISTED);
            let names: Vec<&str> = names
                .map(|one| one.about.called(view.teller.name))
                .collect();
            let text = format!(" {what}: {}.", names.join(", "));
            Some(text).filter(|_| !names.is_empty())
        };
        let worse = named("Worse since the last message", &|one| one.is_worse());
        let another = named("For another cause than before", &|one| {
            one.about.has_another_cause()
        });
        news.extend([worse, another].into_iter().flatten());
        news.push_str(&silenced(view.silenced));
        let quiet = self.members.len().saturating_sub(count + view.silenced);
        if quiet > 0 {
            news.push_str(&format!(
                " {quiet} more failed once or twice, which may be nothing."
            ));
        }
        news
    }

    /// What a person reads about many names, of which the first few have a row each; `lead` is the first.
    fn many_body(&self, view: &View<'_>, rows: &[AlertRow], lead: &AlertRow) -> String {
        let count = view.standing.len();
        let mut parts = vec![self.news(view)];
        let (mut pressing, mut others) = (Vec::new(), Vec::new());
        for (one, row) in view.standing.iter().zip(rows) {
            let list = if row.severity == Severity::Critical {
                &mut pressing
            } else {
                &mut others
            };
            list.push(one.listed(&view.teller, &row.title));
        }
        if count > LISTED {
            let more = count - LISTED;
            others.push(format!(
                "- and {more} more, none more pressing; `notafter status` lists them"
            ));
        }
        let name = lead.certificate.as_deref().unwrap_or(view.teller.name);
        let remedy = format!("What to do, for {name}: {}", lead.remedy);
        let lists = [pressing.join("\n"), remedy, others.join("\n")];
        parts.extend(lists.into_iter().filter(|part| !part.is_empty()));
        parts.extend(self.relief_body());
        parts.extend(lead.evidence.last().map(quoted));
        parts.join("\n\n")
    }

    /// What a person reads about one name.
    fn one_body(&self, one: &Standing<'_>, lead: &AlertRow) -> String {
        let mut parts = vec![lead.summary.clone(), format!("What to do: {}", lead.remedy)];
        let others = one.alerts.iter().filter(|(rule, _)| *rule != lead.rule);
        let others: Vec<String> = others
            .map(|(rule, alert)| format!("{rule} ({})", alert.severity))
            .collect();
        if !others.is_empty() {
            parts.push(format!("Also open: {}.", others.join(", ")));
        }
        let link = one.about.link();
        let over = link.critical_over(self.messages);
        let over: Vec<&str> = over.filter(|_| self.over.is_empty()).collect();
        if !over.is_empty() {
            let over = over.join(", ");
            parts.push(format!("Over since the last message: {over}."));
        }
        parts.extend(self.relief_body());
        parts.extend(lead.evidence.iter().map(quoted));
        parts.join("\n\n")
    }
}

pub(super) fn silenced(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " 1 more is silenced.".to_owned(),
        count => format!(" {count} more are silenced."),
    }
}

/// How many names fail for any of these.
fn failing(causes: &[(Cause, usize)]) -> usize {
    causes.iter().map(|(_, names)| names).sum()
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

/// The first few of so many names.
pub(super) fn listed(names: &[&str], count: usize) -> String {
    let first = names.get(..LISTED).unwrap_or(names);
    match count.saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
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

fn quoted(quote: &Quote) -> String {
    format!("{}, line {}:\n{}", quote.source, quote.line, quote.text)
}
