//! The story of a replay, for people: per certificate what happened when, and how early each alarm
//! rang.

use crate::engine::alert::{Alerts, ClosedBy};
use crate::engine::certificate::{DueSource, RetrySource};
use crate::engine::message::Reason;
use crate::engine::{AlertRow, Unknowns, telling};
use crate::report::Tally;
use crate::report::json::CertificateRow;
use crate::rules::Severity;
use crate::time::{LogTime, spell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Tells a replay. `color` marks severities with ANSI colours.
pub fn tell(
    tally: &Tally,
    alerts: &[AlertRow],
    certificates: &[CertificateRow],
    color: bool,
) -> String {
    let mut story = Story {
        text: String::new(),
        color,
        remedy: String::new(),
    };
    story.heading(tally);
    let mut by_name: BTreeMap<(&str, &str), Vec<&AlertRow>> = BTreeMap::new();
    for row in alerts {
        let name = row.certificate.as_deref().unwrap_or("");
        by_name.entry((&row.instance, name)).or_default().push(row);
    }
    let of_alerts = alerts.iter().map(|row| row.instance.as_str());
    let of_certificates = certificates.iter().map(|row| row.instance.as_str());
    let called = Called::among(of_alerts.chain(of_certificates));
    for ((instance, name), rows) in &by_name {
        let name = if name.is_empty() {
            (*instance).to_owned()
        } else {
            called.name(name, instance)
        };
        story.certificate(&name, rows);
    }
    story.quiet(certificates, called, &by_name);
    story.totals(tally);
    story.text
}

/// How certificates are called: by their Caddy, too, where there are several, which may serve one name.
#[derive(Clone, Copy)]
struct Called {
    by_instance: bool,
}

impl Called {
    fn among<'a>(instances: impl Iterator<Item = &'a str>) -> Self {
        let instances: BTreeSet<&str> = instances.collect();
        Self {
            by_instance: instances.len() > 1,
        }
    }

    fn name(self, name: &str, instance: &str) -> String {
        if self.by_instance {
            format!("{name} at {instance}")
        } else {
            name.to_owned()
        }
    }
}

/// The table of `notafter status`: what needs a person first.
pub fn status(rows: &[CertificateRow], owed: usize) -> String {
    let mut text = String::new();
    let called = Called::among(rows.iter().map(|row| row.instance.as_str()));
    let names = rows.iter().map(|row| called.name(&row.name, &row.instance));
    let names: Vec<String> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0);
    for (row, name) in rows.iter().zip(&names) {
        let expiry = row.not_after.map_or_else(
            || "expiry not seen yet     ".to_owned(),
            |end| format!("until {}", end.utc()),
        );
        text.push_str(&format!("{name:<width$}  {:<12}  {expiry}", row.state));
        if let Some(next) = row.next_retry {
            let source = row.next_retry_source.map_or("", RetrySource::word);
            text.push_str(&format!("  next attempt {} ({source})", next.utc()));
        }
        if let Some(tries) = row.tries_left {
            let tries = match tries {
                1 => "1 try".to_owned(),
                _ => format!("{tries} tries"),
            };
            text.push_str(&format!(", {tries} left before expiry"));
        }
        if let (Some(since), Some(cause)) = (row.failing_since, row.cause) {
            text.push_str(&format!(
                "  failing since {} ({})",
                since.utc(),
                cause.word()
            ));
        }
        if !row.alerts.is_empty() {
            text.push_str(&format!("  open: {}", row.alerts.join(", ")));
        }
        if !row.silenced.is_empty() {
            text.push_str(&format!("  silenced: {}", row.silenced.join(", ")));
        }
        text.push('\n');
    }
    if rows.is_empty() {
        text.push_str("No certificate is known yet.\n");
    }
    if owed > 0 {
        let waiting = counted(owed as u64, "message");
        text.push_str(&format!("Still to be delivered: {waiting}.\n"));
    }
    text
}

/// The open alerts about the logs themselves; nothing where there is none.
pub fn of_sources<'a>(all: impl Iterator<Item = (&'a str, &'a Alerts)>) -> String {
    let said = all.map(|(instance, alerts)| {
        let rules: Vec<&str> = alerts.keys().map(|rule| &**rule).collect();
        format!("\n{instance} itself: open: {}\n", rules.join(", "))
    });
    said.collect()
}

/// How many silences are in force; nothing where there is none.
pub fn silences(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 silence is in force; `notafter silence list` shows it.\n".to_owned(),
        _ => format!("{count} silences are in force; `notafter silence list` shows them.\n"),
    }
}

/// That some names are not watched, because there are too many; nothing where all are.
pub fn left_out<'u>(all: impl Iterator<Item = (&'u str, u64)>) -> String {
    let said = all.map(|(instance, lines)| {
        let lines = counted(lines, "line");
        format!("\n{instance} has more names than are watched; left out: {lines} about others.\n")
    });
    said.collect()
}

/// What was said about certificates that nobody understood; nothing where all was.
pub fn unknown<'u>(unknowns: impl Iterator<Item = (&'u str, &'u Unknowns)>) -> String {
    let mut text = String::new();
    for (instance, unknown) in unknowns {
        let lines = counted(unknown.lines, "line");
        let say = if unknown.lines == 1 { "says" } else { "say" };
        text.push_str(&format!(
            "\n{lines} of {instance} about certificates {say} what this notafter does not know. Is a newer one out?\n"
        ));
        for (msg, times) in &unknown.messages {
            text.push_str(&format!("  {}x  {msg}\n", thousands(*times)));
        }
    }
    text
}

/// What is said of a log in which nothing had a message: it may be the log of anything.
pub fn none_understood(lines: u64) -> String {
    format!(
        "{}, none understood: are the keys renamed, or is it not Caddy's log?",
        counted(lines, "line")
    )
}

struct Story {
    text: String,
    color: bool,
    /// The remedy told last: it is not told twice in a row.
    remedy: String,
}

impl Story {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn heading(&mut self, tally: &Tally) {
        let span = match (tally.first, tally.last) {
            (Some(first), Some(last)) => {
                format!(
                    ", from {} to {} ({})",
                    first.utc(),
                    last.utc(),
                    spell(last - first)
                )
            }
            _ => String::new(),
        };
        self.line(format!(
            "Read {}{span}; {} of them about certificates.",
            counted(tally.lines, "line"),
            thousands(tally.matched)
        ));
        if let Some((source, line, why)) = &tally.unreadable.first {
            let count = counted(tally.unreadable.count, "line");
            self.line(format!(
                "{count} could not be read, the first at {source}:{line}: {why}."
            ));
        }
        if tally.untimed > 0 {
            let count = counted(tally.untimed, "line");
            let [have, were] = match tally.untimed {
                1 => ["has", "was"],
                _ => ["have", "were"],
            };
            self.line(format!("{count} about certificates {have} no time that can be read, and {were} not judged. Is `time_format` or `time_key` set in Caddy?"));
        }
        if tally.lines == 0 {
            self.line("There is nothing in it.");
        }
        for (log, lines) in &tally.foreign {
            self.line(format!("{log}: {}", none_understood(*lines)));
        }
        if tally.understood > 0 && tally.matched == 0 && tally.untimed == 0 {
            self.line("Nothing here is about certificates. Is it Caddy's own log, at level INFO?");
        }
    }

    fn certificate(&mut self, name: &str, rows: &[&AlertRow]) {
        self.line(format!("\n{name}"));
        let first = rows.first();
        if let Some(not_after) = first.and_then(|row| row.not_after) {
            self.line(format!("  expires {}", not_after.utc()));
        }
        if let Some(row) = first
            && let Some(since) = row.due_since
        {
            let how = match row.due_since_source {
                Some(DueSource::Ari) => " (the CA's own advice, ARI)",
                Some(DueSource::Ratio) => " (the last third of its life)",
                _ => " (first seen)",
            };
            self.line(format!("  renewal due since {}{how}", since.utc()));
        }
        for moment in rows.chunk_by(|a, b| a.at.map(LogTime::seconds) == b.at.map(LogTime::seconds))
        {
            self.moment(moment);
        }
        self.verdict(rows);
    }

    /// What changed at one moment: a line for each rule, and the words of the loudest.
    fn moment(&mut self, rows: &[&AlertRow]) {
        let Some(first) = rows.first() else { return };
        let when = first
            .at
            .map_or_else(|| "at an unknown time".to_owned(), LogTime::utc);
        self.line(format!("\n  {when}{}", early(first)));
        for row in rows {
            let word = match row.reason {
                Reason::Opened => self.paint(row.severity, row.severity.word()),
                Reason::Worsened => self.paint(row.severity, &format!("now {}", row.severity)),
                Reason::Repeated => self.paint(row.severity, "still open"),
                Reason::Improved => "improved".to_owned(),
                Reason::Closed => "closed".to_owned(),
            };
            self.line(format!("    {word}: {}", row.rule));
        }
        if let Some(how) = ended(rows) {
            self.line(format!("      {how}."));
        }
        let loud = |row: &&&AlertRow| {
            !matches!(row.reason, Reason::Closed | Reason::Repeated) && row.severity.is_loud()
        };
        let lead = rows.iter().filter(loud);
        let Some(lead) = lead.min_by_key(|row| (Reverse(row.severity), telling(&row.rule))) else {
            return;
        };
        self.line(format!("      {}", lead.title));
        self.indented(&lead.summary);
        if self.remedy != lead.remedy {
            self.remedy.clone_from(&lead.remedy);
            self.indented(&format!("What to do: {}", lead.remedy));
        }
        if let Some(quote) = lead.evidence.last() {
            self.line(format!("      Seen at {}:{}", quote.source, quote.line));
        }
    }

    fn indented(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.line(format!("      {}", line.trim()));
        }
    }

    /// How early the alarms rang, in one sentence.
    fn verdict(&mut self, rows: &[&AlertRow]) {
        let rang = |severity: Severity| {
            let mut told = rows.iter().filter(|row| row.reason != Reason::Closed);
            told.find(|row| row.severity >= severity).copied()
        };
        let spoken = |row: &AlertRow| match (row.at, row.not_after) {
            (Some(at), Some(end)) if at <= end => format!("{} before expiry", spell(end - at)),
            (Some(at), Some(end)) => format!("{} after expiry", spell(at - end)),
            (Some(at), None) => format!("at {}", at.utc()),
            (None, _) => "at an unknown time".to_owned(),
        };
        let loud = rang(Severity::Warning).map(spoken);
        let critical = rang(Severity::Critical).map(spoken);
        let sentence = match (loud, critical) {
            (Some(loud), Some(critical)) if loud != critical => {
                format!(
                    "A person would have been told {loud}, and told that it is critical {critical}."
                )
            }
            (Some(loud), _) => format!("A person would have been told {loud}."),
            (None, _) => "Nobody would have been woken: nothing loud.".to_owned(),
        };
        self.line(format!("\n  {sentence}"));
    }

    fn quiet(
        &mut self,
        certificates: &[CertificateRow],
        called: Called,
        told: &BTreeMap<(&str, &str), Vec<&AlertRow>>,
    ) {
        let quiet: Vec<&CertificateRow> = certificates
            .iter()
            .filter(|row| !told.contains_key(&(row.instance.as_str(), row.name.as_str())))
            .collect();
        if quiet.is_empty() {
            return;
        }
        self.line("\nNothing to tell about");
        for row in quiet {
            let until = row.not_after.map_or_else(
                || "its expiry is not in the log".to_owned(),
                |end| format!("expires {}", end.utc()),
            );
            let name = called.name(&row.name, &row.instance);
            self.line(format!("  {name} ({}, {until})", row.state));
        }
    }

    fn totals(&mut self, tally: &Tally) {
        let [info, warning, critical] = Severity::ALL.map(|severity| tally.alerts_of(severity));
        self.line(format!(
            "\nAlerts: {critical} critical, {warning} warning, {info} info."
        ));
    }

    fn paint(&self, severity: Severity, word: &str) -> String {
        let code = match severity {
            Severity::Critical => "1;31",
            Severity::Warning => "33",
            Severity::Info => "2",
        };
        if self.color {
            format!("\u{1b}[{code}m{word}\u{1b}[0m")
        } else {
            word.to_owned()
        }
    }
}

/// How long before or after expiry a change came.
fn early(row: &AlertRow) -> String {
    match (row.at, row.not_after) {
        (Some(_), Some(_)) if row.reason == Reason::Closed => String::new(),
        (Some(at), Some(end)) if at < end => format!(", {} before expiry", spell(end - at)),
        (Some(at), Some(end)) if at == end => ", the moment of expiry".to_owned(),
        (Some(at), Some(end)) => format!(", {} after expiry", spell(at - end)),
        _ => String::new(),
    }
}

/// How what closed at one moment came to its end: after how long, what it cost, and why.
fn ended(rows: &[&AlertRow]) -> Option<String> {
    let closed = rows.iter().filter(|row| row.reason == Reason::Closed);
    let renewed = |row: &&AlertRow| row.closed_by == Some(ClosedBy::Renewed);
    let row = closed.min_by_key(|row| (!renewed(row), row.opened_at))?;
    let by = row.closed_by?;
    if by == ClosedBy::Forgotten {
        return Some("Caddy does not manage it any more".to_owned());
    }
    let since = row.failing_since.filter(|_| renewed(row));
    let since = since.or(row.opened_at)?;
    let lasted = spell(row.at? - since);
    if by == ClosedBy::Condition {
        return Some(format!("Over after {lasted}"));
    }
    let attempts = match row.attempts_total {
        0 => String::new(),
        count => format!(" and {}", counted(u64::from(count), "failed attempt")),
    };
    // Of several, a row knows why the last one failed.
    let which = if row.attempts_total > 1 {
        "the last one: "
    } else {
        ""
    };
    let cause = row.cause.map(|cause| format!(" ({which}{})", cause.word()));
    let until = row.not_after.filter(|end| Some(*end) > row.at);
    let until = until.map(|end| format!("; valid until {}", end.utc()));
    let [cause, until] = [cause, until].map(Option::unwrap_or_default);
    Some(format!("Well again after {lasted}{attempts}{cause}{until}"))
}

/// A count of things: "1 line", "1,200 lines".
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(count))
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caddy::name::Name;
    use crate::engine::certificate::Certificate;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(12), "12");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn the_status_of_a_name_at_two_caddys_says_which_is_which() {
        let certificate = Certificate::new(Name::parse("a.example.com").unwrap());
        let row = |instance| CertificateRow::new(instance, &certificate, None);
        let told = status(&[row("east"), row("west")], 0);
        let names: Vec<_> = told
            .lines()
            .filter_map(|line| line.split("  ").next())
            .collect();
        assert_eq!(names, ["a.example.com at east", "a.example.com at west"]);
        assert!(status(&[row("east")], 0).starts_with("a.example.com  "));
    }
}
