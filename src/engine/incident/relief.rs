//! What is better while an incident goes on: names that are well again, that Caddy manages no longer, and
//! that are critical no longer.

use crate::engine::incident::words::{View, certificates, listed, silenced};
use crate::engine::incident::{Ended, Incident};
use crate::engine::message::{Message, Reason};
use crate::engine::subject::Subject;
use crate::rules::Severity;

/// Names that are better in one way since the last message.
struct Relief<'a> {
    /// The first few of them.
    names: Vec<&'a str>,
    count: usize,
    /// In a title, and before their names in the text.
    title: &'static str,
    sentence: &'static str,
    /// They are rules, which are few, and not certificates.
    of_rules: bool,
}

impl Incident {
    /// The message that says that names are well again, where nobody is to be told of the others.
    pub(super) fn relief_alone(&self, view: &View<'_>, reason: Reason) -> Option<Message> {
        let relief = self.relief_body();
        let relief = relief.filter(|_| reason == Reason::Improved)?;
        let body = format!("{relief}{}", silenced(view.silenced));
        let mut message = self.message(view, reason, (self.relief_title(view, None), body));
        message.severity = self.relief_severity();
        Some(message)
    }

    /// Whether something is better since the last message.
    pub(in crate::engine) fn has_relief(&self) -> bool {
        !self.relief().is_empty()
    }

    /// What there is to tell where nothing is better after all.
    pub(in crate::engine) fn reason_without_relief(&self) -> Option<Reason> {
        let news = self.loudest_news().map(|_| Reason::Worsened);
        news.or_else(|| Some(Reason::Repeated).filter(|_| self.reminder.repeat_due))
    }

    /// As what those have to hear of it who were told of what is better; `None` where it can wait.
    pub(super) fn relief_owed(&self) -> Option<Severity> {
        let was_critical = self.was_critical() || !self.better.is_empty();
        let critical = Some(Severity::Critical).filter(|_| was_critical);
        critical.max(self.over.values().copied().max())
    }

    /// How loud it is told; with it the news that waited, and what would have been a reminder.
    pub(super) fn relief_severity(&self) -> Severity {
        let reminder = Some(Severity::Critical).filter(|_| self.reminder.repeat_due);
        let told = self
            .told
            .map_or(Severity::Warning, |told| told.min(Severity::Warning));
        let owed = self.relief_owed().unwrap_or(told);
        let with_it = self.loudest_news().max(reminder);
        with_it.map_or(owed, |with_it| with_it.max(owed))
    }

    /// What is better since the last message, and then what is not, in one line.
    pub(super) fn relief_title(&self, view: &View<'_>, rest: Option<&str>) -> String {
        let relief = self.relief();
        if let (Some(rest), [only], [one]) = (rest, view.standing, relief.as_slice())
            && !self.better.is_empty()
            && one.names == [only.about.called(view.teller.name)]
        {
            return format!("{}: {rest}", one.title);
        }
        let told = relief.iter().map(|one| {
            let who = match (one.names.as_slice(), one.count) {
                ([only], 1) => (*only).to_owned(),
                (rules, _) if one.of_rules => rules.join(", "),
                (_, count) => certificates(count),
            };
            format!("{who}: {}", one.title)
        });
        let parts = told.chain(rest.map(str::to_owned));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// What is better since the last message, a sentence for each kind.
    pub(super) fn relief_body(&self) -> Option<String> {
        let relief = self.relief();
        let told = relief.iter().map(|one| {
            let names = listed(&one.names, one.count);
            format!("{}: {names}.", one.sentence)
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }

    /// Each kind that there is.
    fn relief<'a>(&'a self) -> Vec<Relief<'a>> {
        let untold = self.ended.iter().filter(|one| one.untold);
        let (unmanaged, well): (Vec<_>, Vec<_>) = untold.partition(|one| one.is_unmanaged());
        let names = |ended: Vec<&'a Ended>| ended.into_iter().map(|one| one.name.as_str());
        let well = Relief {
            names: names(well).collect(),
            count: self.well_again,
            title: "well again",
            sentence: "Well again since the last message",
            of_rules: false,
        };
        let unmanaged = Relief {
            names: names(unmanaged).collect(),
            count: self.unmanaged,
            title: "no longer managed",
            sentence: "No longer managed by Caddy",
            of_rules: false,
        };
        let over = Relief {
            names: self.over.keys().map(|rule| &**rule).collect(),
            count: self.over.len(),
            title: "over",
            sentence: "Over since the last message",
            of_rules: true,
        };
        let better = self.better.iter().filter_map(|one| match one {
            Subject::Source => None,
            Subject::Certificate(name) => Some(name.as_str()),
        });
        let better = Relief {
            names: better.collect(),
            count: self.better.len(),
            title: "no longer critical",
            sentence: "No longer critical",
            of_rules: false,
        };
        let kinds = [well, unmanaged, over, better].into_iter();
        kinds.filter(|one| !one.names.is_empty()).collect()
    }
}
