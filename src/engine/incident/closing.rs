//! The end of an incident in words: how long it lasted, how many attempts it took, and why.

use crate::caddy::cause::Cause;
use crate::engine::alert::ClosedBy;
use crate::engine::incident::words::{View, certificates, failed_attempts, listed, silenced};
use crate::engine::incident::{Ended, Incident};
use crate::engine::message::{Message, Reason, Status};
use crate::time::spell;
use chrono::TimeDelta;

/// What a title ends with, unless something fails of which this does not tell.
fn all_well(view: &View<'_>) -> &'static str {
    if view.silenced == 0 && view.failing.is_empty() && !view.others {
        ", all is well again"
    } else {
        ""
    }
}

fn in_trouble(view: &View<'_>) -> String {
    let failing: Vec<&str> = view.failing.iter().map(String::as_str).collect();
    if failing.is_empty() {
        return String::new();
    }
    let names = listed(&failing, failing.len());
    format!(" In trouble again, in another incident: {names}.")
}

impl Incident {
    /// The message that says that it is over.
    pub(in crate::engine) fn closing(&self, view: &View<'_>) -> Message {
        let words = match self.ended.as_slice() {
            [one] if self.ended_count == 1 => self.one_closing(view, one),
            [] => (self.over_for_nobody(view), self.history().join("\n")),
            _ => self.many_closing(view),
        };
        let (title, body) = words;
        let body = format!("{body}{}{}", silenced(view.silenced), in_trouble(view));
        let mut message = self.message(view, Reason::Closed, (title, body));
        // Whoever was told hears it.
        message.severity = self.told.unwrap_or(message.severity);
        message.status = Status::Resolved;
        if !self.is_of_source() {
            let ended = self.ended.iter().map(|one| one.name.clone());
            message.certificates = ended.collect();
            message.certificates_total = self.ended_count;
        }
        message
    }

    fn one_closing(&self, view: &View<'_>, one: &Ended) -> (String, String) {
        let name = &one.name;
        let mut lines = Vec::new();
        let title = match (one.closed_by, one.not_after) {
            (Some(ClosedBy::Forgotten), _) => {
                lines.push(format!(
                    "{name} is no longer in the list of names that Caddy manages."
                ));
                format!("{name}: no longer managed")
            }
            (Some(ClosedBy::Condition), _) => self.over(name),
            (Some(ClosedBy::Renewed) | None, Some(not_after)) => {
                lines.push(format!(
                    "The certificate of {name} is valid until {}.",
                    not_after.utc()
                ));
                format!("{name}: renewed{}", all_well(view))
            }
            // A first issuance does not say how long its certificate is valid.
            (Some(ClosedBy::Renewed) | None, None) => {
                format!("{name}: the certificate was issued{}", all_well(view))
            }
        };
        lines.extend(self.history());
        (title, lines.join("\n"))
    }

    fn many_closing(&self, view: &View<'_>) -> (String, String) {
        let count = self.ended_count;
        let renewed = |one: &Ended| matches!(one.closed_by, Some(ClosedBy::Renewed) | None);
        let how = if self.ended.iter().all(renewed) {
            "renewed"
        } else {
            "over"
        };
        let title = format!("{}: {how}{}", certificates(count), all_well(view));
        let mut lines = Vec::new();
        let expiries = self.ended.iter().filter(|one| renewed(one));
        if let Some(first) = expiries.filter_map(|one| one.not_after).min() {
            lines.push(format!(
                "The first of the new certificates to expire is valid until {}.",
                first.utc()
            ));
        }
        lines.extend(self.history());
        let mut names: Vec<&str> = self.ended.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        lines.push(format!("It was about {}.", listed(&names, count)));
        (title, lines.join("\n"))
    }

    /// How long it lasted, what it cost and why.
    fn history(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let story = &self.story;
        let since = story.failing_since.or(story.open_since);
        if let (Some(since), Some(at)) = (since, self.last_change()) {
            let again = match story.interruptions {
                0 => String::new(),
                1 => ", once interrupted".to_owned(),
                times => format!(", {times} times interrupted"),
            };
            let span = format!(
                "{}, since {}{again}",
                spell((at - since).max(TimeDelta::zero())),
                since.utc()
            );
            lines.push(if story.failing_since.is_some() {
                format!("It had been failing for {span}{}.", self.cost())
            } else {
                format!("It had been open for {span}.")
            });
        }
        lines.push(format!("Closed: {}.", self.closed_rules()));
        lines
    }

    fn over(&self, name: &str) -> String {
        let are = if self.story.closed.len() == 1 {
            "is"
        } else {
            "are"
        };
        format!("{name}: {} {are} over", self.closed_rules())
    }

    /// The same where none of the names is well.
    fn over_for_nobody(&self, view: &View<'_>) -> String {
        match view.failing {
            [] => self.over(view.teller.name),
            [one] => format!("{}, but it is in trouble again", self.over(one)),
            many => {
                let names = certificates(many.len());
                format!("{}, but they are in trouble again", self.over(&names))
            }
        }
    }

    fn closed_rules(&self) -> String {
        let closed: Vec<&str> = self.story.closed.iter().map(String::as_str).collect();
        closed.join(", ")
    }

    /// How many attempts failed, and why; an issuer may fail in an attempt that succeeds.
    fn cost(&self) -> String {
        let attempts = match self.story.attempts {
            0 => String::new(),
            attempts => format!(": {}", failed_attempts(attempts)),
        };
        let causes: Vec<&str> = self.story.causes.iter().map(Cause::word).collect();
        match causes.as_slice() {
            [] => format!("{attempts}, cause unknown"),
            [cause] => format!("{attempts}, cause {cause}"),
            causes => format!("{attempts}, causes {}", causes.join(", ")),
        }
    }
}
