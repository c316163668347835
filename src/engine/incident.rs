//! The open alerts of one name, and what a person has been told about them.

use crate::caddy::cause::Cause;
use crate::engine::alert::{AlertRow, ClosedBy, stable_id};
use crate::engine::message::{Message, Reason, Status};
use crate::engine::subject::Subject;
use crate::rules::Severity;
use crate::time::{LogTime, spell};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An incident, from its first alert until the last has closed and that was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Incident {
    /// Stable for its life.
    pub id: String,
    /// The watched Caddy.
    pub instance: String,
    /// The certificate; `None` for the source itself.
    pub name: Option<String>,
    /// Rules that are open, with the severity each has reached.
    pub open: BTreeMap<String, Severity>,
    /// The highest severity it has had.
    pub worst: Severity,
    /// Rules that were told, each with the severity told; empty before the first telling.
    pub told: BTreeMap<String, Severity>,
    /// Messages sent so far; makes the id of the next.
    pub messages: u32,
    /// Log time of the last change.
    pub changed_at: Option<LogTime>,
    /// Rules that have closed.
    pub closed: Vec<String>,
    /// Title and body of the closing message, once everything has closed.
    pub closing: Option<(String, String)>,
}

impl Incident {
    /// An incident that begins.
    pub(super) fn new(instance: &str, subject: &Subject, at: Option<LogTime>) -> Self {
        let name = subject.name().map(ToString::to_string);
        let opened = at.map_or_else(String::new, |at| at.micros().to_string());
        Self {
            id: stable_id(&[
                "incident",
                instance,
                name.as_deref().unwrap_or_default(),
                &opened,
            ]),
            instance: instance.to_owned(),
            name,
            open: BTreeMap::new(),
            worst: Severity::Info,
            told: BTreeMap::new(),
            messages: 0,
            changed_at: at,
            closed: Vec::new(),
            closing: None,
        }
    }

    /// Takes in one change.
    pub(super) fn note(&mut self, row: &AlertRow) {
        self.changed_at = row.at;
        if row.reason == Reason::Closed {
            self.open.remove(&row.rule);
            self.closed.push(row.rule.clone());
            self.closing = self.open.is_empty().then(|| self.closing_words(row));
        } else {
            self.open.insert(row.rule.clone(), row.severity);
            self.worst = self.worst.max(row.severity);
            self.closing = None;
        }
    }

    /// Whether everything has closed.
    pub(super) fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// What has to be told now; `None` when a person knows enough. `rows` are the open alerts as
    /// they stand, most telling first. News quieter than what was told waits for the next message,
    /// so that six rules open on one name are one message.
    pub(super) fn tell(&mut self, rows: &[AlertRow]) -> Option<Message> {
        let told = self.told.values().copied().max();
        if let Some((title, body)) = self.closing.take() {
            told?;
            self.told.clear();
            return Some(self.message(Reason::Closed, self.worst, (title, body), Vec::new()));
        }
        let is_news = |row: &&AlertRow| {
            self.told
                .get(&row.rule)
                .is_none_or(|severity| *severity < row.severity)
        };
        let loudest = rows.iter().filter(is_news).map(|row| row.severity).max()?;
        if told.is_some_and(|told| loudest < told) {
            return None;
        }
        let lead = rows
            .iter()
            .find(|row| is_news(row) && row.severity == loudest)?;
        let was_told = told.is_some_and(|told| told.is_loud() || told == loudest);
        let reason = if was_told {
            Reason::Worsened
        } else {
            Reason::Opened
        };
        let words = (lead.title.clone(), firing_body(lead, &self.open));
        self.told.clone_from(&self.open);
        let alerts = rows
            .iter()
            .filter_map(|row| serde_json::to_value(row).ok())
            .collect();
        Some(self.message(reason, loudest, words, alerts))
    }

    fn message(
        &mut self,
        reason: Reason,
        severity: Severity,
        (title, body): (String, String),
        alerts: Vec<serde_json::Value>,
    ) -> Message {
        self.messages += 1;
        Message {
            id: stable_id(&["message", &self.id, &self.messages.to_string()]),
            incident: self.id.clone(),
            instance: self.instance.clone(),
            certificate: self.name.clone(),
            severity,
            status: if reason == Reason::Closed {
                Status::Resolved
            } else {
                Status::Firing
            },
            reason,
            at: self.changed_at,
            title,
            body,
            alerts,
        }
    }

    fn closing_words(&self, row: &AlertRow) -> (String, String) {
        let name = self.name.as_ref().unwrap_or(&self.instance);
        let mut lines = Vec::new();
        let title = match row.closed_by {
            Some(ClosedBy::Forgotten) => {
                lines.push(format!(
                    "{name} is no longer in the list of names that Caddy manages."
                ));
                format!("{name}: no longer managed")
            }
            Some(ClosedBy::Condition) => format!("{name}: over"),
            Some(ClosedBy::Renewed) | None => {
                if let Some(not_after) = row.not_after {
                    lines.push(format!(
                        "The certificate of {name} is valid until {not_after}."
                    ));
                }
                format!("{name}: renewed, all is well again")
            }
        };
        if let (Some(since), Some(at)) = (row.failing_since, row.at) {
            let plural = if row.attempts_total == 1 {
                "attempt"
            } else {
                "attempts"
            };
            lines.push(format!(
                "It had been failing for {}, since {}: {} failed {plural}, cause {}.",
                spell(at - since),
                since.utc(),
                row.attempts_total,
                row.cause.map_or("unknown", Cause::word),
            ));
        }
        lines.push(format!("Closed: {}.", self.closed.join(", ")));
        (title, lines.join("\n"))
    }
}

fn firing_body(lead: &AlertRow, open: &BTreeMap<String, Severity>) -> String {
    let mut parts = vec![lead.summary.clone(), format!("What to do: {}", lead.remedy)];
    let others: Vec<String> = open
        .iter()
        .filter(|(rule, _)| **rule != lead.rule)
        .map(|(rule, severity)| format!("{rule} ({severity})"))
        .collect();
    if !others.is_empty() {
        parts.push(format!("Also open: {}.", others.join(", ")));
    }
    if let Some(quote) = lead.evidence.last() {
        parts.push(format!(
            "{}, line {}:\n{}",
            quote.source, quote.line, quote.text
        ));
    }
    parts.join("\n\n")
}
