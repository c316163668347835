//! What was understood of pasted lines, and which rules they opened or did not, for people.

mod parts;
mod rules;

pub use rules::{because, because_of_source, rules, rules_on_source};

use crate::caddy::ca::Ca;
use crate::caddy::cause::{Cause, SeenBy};
use crate::caddy::entry::Entry;
use crate::caddy::event::{Event, is_unknown};
use crate::caddy::failure::{Failure, Job};
use crate::caddy::name::Name;
use crate::caddy::remedy::{Advice, advise};
use crate::caddy::vocabulary::Means;
use crate::engine::evidence::neutral;
use crate::engine::message::Reason;
use crate::engine::{AlertRow, Explained};
use crate::time::{LogTime, spell};

/// One pasted line.
#[derive(Debug)]
pub struct PastedLine<'a> {
    /// Its number in the paste, from 1.
    pub number: u64,
    /// In which shape it came.
    pub format: &'static str,
    /// The entry in it.
    pub entry: &'a Entry,
    /// The rows it brought about.
    pub rows: &'a [AlertRow],
    /// Rules about lines whose matcher took it.
    pub matched: Vec<&'a str>,
}

/// Tells what was understood of one line.
pub fn line(pasted: &PastedLine<'_>) -> String {
    let entry = pasted.entry;
    let at = entry.at.map_or_else(|| "no time".to_owned(), LogTime::utc);
    let logger = if entry.logger.is_empty() {
        "(no logger)".to_owned()
    } else {
        neutral(&entry.logger)
    };
    let mut text = format!(
        "Line {}: {at}, {}, {logger}, {}\n  \"{}\"\n",
        pasted.number,
        level(entry),
        pasted.format,
        neutral(&entry.msg)
    );
    let mut tell = |label: &str, what: String| text.push_str(&labelled(label, &what));
    match Event::of(entry) {
        Some(event) => {
            for (label, what) in understood(entry, &event) {
                tell(label, what);
            }
        }
        None if is_unknown(entry) => tell(
            "means",
            "unknown: it is about certificates, but notafter has no such message in its table"
                .to_owned(),
        ),
        None => tell("means", "nothing about certificates".to_owned()),
    }
    for id in &pasted.matched {
        tell("rule", format!("{id} looks at such lines"));
    }
    for row in pasted.rows {
        tell(
            "alert",
            format!("{} {} ({})", verb(row.reason), row.rule, row.severity),
        );
    }
    text
}

fn labelled(label: &str, what: &str) -> String {
    format!("  {label:<10}{what}\n")
}

const fn verb(reason: Reason) -> &'static str {
    match reason {
        Reason::Opened => "opens",
        Reason::Worsened => "worsens",
        Reason::Repeated => "reminds of",
        Reason::Improved => "improves",
        Reason::Closed => "closes",
    }
}

fn level(entry: &Entry) -> &'static str {
    match entry.level.word() {
        "" => "no level",
        word => word,
    }
}

/// What an event tells, each with its label.
fn understood(entry: &Entry, event: &Event) -> Vec<(&'static str, String)> {
    let mut told = vec![("means", event.means.explanation().to_owned())];
    if !event.names.is_empty() {
        const SHOWN: usize = 5;
        let names: Vec<&str> = event.names.iter().map(Name::as_str).collect();
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let names = names.get(..SHOWN.min(names.len())).unwrap_or_default();
        told.push(("name", names.join(", ") + &more));
    }
    if let (Some(job), true) = (event.job, speaks_of_job(event.means)) {
        told.push(("job", spoken_job(job).to_owned()));
    }
    if let Some(not_after) = event.not_after {
        told.push(("expires", until(not_after, entry.at)));
    }
    if let Some(attempt) = event
        .attempt
        .filter(|_| event.means != Means::ChallengeFailed)
    {
        told.push(("attempt", attempt.to_string()));
    }
    if let Some(wait) = event.retrying_in {
        let next = entry.at.map(|at| format!(", at {}", (at + wait).utc()));
        told.push((
            "next try",
            format!("in {}{}", spell(wait), next.unwrap_or_default()),
        ));
    }
    if let Some(failure) = &event.failure {
        told.extend(cause(failure));
        if failure.cause == Cause::Unknown && !failure.canceled {
            told.extend(entry.error().map(|error| ("error", neutral(&error))));
        }
    }
    if let Some(ca) = event.ca {
        let url = event
            .failure
            .as_ref()
            .and_then(|failure| failure.ca_url.as_deref());
        let url = url.map(|url| format!(", {url}")).unwrap_or_default();
        told.push(("CA", format!("{}{url}", spoken_ca(ca))));
    }
    if event.on_demand {
        told.push(("on demand", "a handshake asked for the name; such jobs end with it, after 90 s to 5 min, and a later retry never comes".to_owned()));
    }
    told
}

fn cause(failure: &Failure) -> Vec<(&'static str, String)> {
    if failure.canceled {
        let none = "none: a reload or a stop ended the job";
        return vec![("cause", none.to_owned())];
    }
    let (cause, seen_by) = (failure.cause, failure.seen_by.word());
    let what = format!(
        "{} (seen by {seen_by}): {}",
        cause.word(),
        cause.explanation()
    );
    let limit = failure
        .retry_after
        .map(|end| ("limit", format!("the CA says: not before {}", end.utc())));
    [("cause", what)].into_iter().chain(limit).collect()
}

const fn spoken_job(job: Job) -> &'static str {
    match job {
        Job::Obtain => "a first certificate",
        Job::Renew => "a renewal",
    }
}

const fn speaks_of_job(means: Means) -> bool {
    !matches!(means, Means::Noted | Means::Managing | Means::Unmanaged)
}

const fn spoken_ca(ca: Ca) -> &'static str {
    match ca {
        Ca::Production => "a public CA",
        Ca::Staging => "the staging CA, which Caddy asks from the second attempt on",
        Ca::Internal => "Caddy's own CA",
        Ca::Other => "a CA that is none of the well-known ones",
    }
}

fn until(not_after: LogTime, at: Option<LogTime>) -> String {
    let left = match at {
        Some(at) if at < not_after => format!(", {} later", spell(not_after - at)),
        Some(at) => format!(", {} ago", spell(at - not_after)),
        None => String::new(),
    };
    not_after.utc() + &left
}

/// Tells what is known of a certificate after the last line, and what to do; `failure` is what a line
/// tells of a failure that is no failed attempt yet.
pub fn certificate(explained: &Explained<'_>, failure: Option<&Failure>) -> String {
    let certificate = explained.certificate;
    let state = certificate.state(explained.at);
    let expiry = certificate.not_after.map_or_else(
        || "its expiry is not in these lines".to_owned(),
        |end| format!("expires {}", until(end, Some(explained.at))),
    );
    let mut text = format!("{}\n  {state}; {expiry}\n", certificate.name);
    if let Some(next) = certificate.next {
        let is_late = certificate.not_after.is_some_and(|end| next.at >= end);
        let late = if is_late {
            ", too late: it expires before that"
        } else {
            ""
        };
        text.push_str(&format!(
            "  Caddy tries again at {} ({}){late}\n",
            next.at.utc(),
            next.source.word()
        ));
    }
    if let (Some(streak), Some(mend)) = (certificate.streak(), &explained.mend) {
        text.push_str(&diagnosis((streak.cause, streak.seen_by), mend));
        text.push_str(&format!("  After that: {}.\n", explained.next_step));
    } else if let Some(failure) = failure {
        text.push_str(&diagnosis_of(&certificate.name, failure));
    }
    text
}

/// Tells what a line says of a failure of which no more is known.
pub fn failure(name: Option<&Name>, failure: &Failure) -> String {
    let stand_in = Name::parse("your-name.example");
    let Some(name) = name.or(stand_in.as_ref()) else {
        return String::new();
    };
    format!("{name}\n{}", diagnosis_of(name, failure))
}

fn diagnosis_of(name: &Name, failure: &Failure) -> String {
    let url = failure.ca_url.as_deref();
    let mend = advise(failure.cause, failure.seen_by, name, url);
    diagnosis((failure.cause, failure.seen_by), &mend)
}

/// Tells what was understood of an error text that stands alone.
pub fn error_text(number: u64, failure: &Failure) -> String {
    let mut text = format!("Line {number}: an error text without its line\n");
    let name = failure.name.as_ref().map(Name::to_string);
    let named = name.map(|name| ("name", name));
    let job = failure.job.map(|job| ("job", spoken_job(job).to_owned()));
    let ca = failure.ca.map(|ca| ("CA", spoken_ca(ca).to_owned()));
    for (label, what) in named.into_iter().chain(job).chain(cause(failure)).chain(ca) {
        text.push_str(&labelled(label, &what));
    }
    text
}

fn diagnosis((cause, seen_by): (Cause, SeenBy), mend: &Advice) -> String {
    format!(
        "  Cause: {} ({}, seen by {}).\n  What to do: {}.\n  To prove the cause: {}\n",
        cause.explanation(),
        cause.word(),
        seen_by.word(),
        mend.remedy,
        mend.check
    )
}

/// What came in.
#[derive(Debug, Default)]
pub struct Heading {
    /// Lines about certificates.
    pub about: usize,
    /// Lines about other things.
    pub other: u64,
    /// Lines about certificates without a time, before any that has one.
    pub untimed: usize,
    unreadable: usize,
    /// The numbers of the first few of these.
    first: Vec<String>,
}

impl Heading {
    /// Takes in a line that is none of Caddy's, by its number.
    pub fn unreadable(&mut self, number: u64) {
        const NUMBERS_TOLD: usize = 5;
        self.unreadable += 1;
        if self.first.len() < NUMBERS_TOLD {
            self.first.push(number.to_string());
        }
    }

    /// Tells it.
    pub fn told(&self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let mut text = format!(
            "{} line{} about certificates",
            self.about,
            plural(self.about)
        );
        if self.other > 0 {
            text.push_str(&format!(", {} about other things", self.other));
        }
        if self.unreadable > 0 {
            let more = if self.unreadable > self.first.len() {
                ", ..."
            } else {
                ""
            };
            text.push_str(&format!(
                ", {} that could not be read (line{} {}{more})",
                self.unreadable,
                plural(self.unreadable),
                self.first.join(", ")
            ));
        }
        text.push_str(".\n");
        if self.untimed > 0 {
            let (have, them) = match self.untimed {
                1 => ("1 line has".to_owned(), "it"),
                count => (format!("{count} lines have"), "them"),
            };
            text.push_str(&format!(
                "{have} no time, and no line before has one, so no rule sees {them}.\nPaste {them} whole: the time is the field `ts`, or comes first on Caddy's console.\n"
            ));
        }
        if self.about == 0 {
            text.push_str(
                "Paste lines of Caddy's own log, whole, as JSON or as Caddy's console prints them.\n",
            );
        }
        text
    }
}
