//! What was understood of pasted lines, and which rules they opened or did not, for people.

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
use crate::rules::{Account, Level, Part, Rule, RuleSet, Scope, Truth};
use crate::time::{LogTime, spell};
use std::collections::BTreeSet;

/// One pasted line.
#[derive(Debug)]
pub struct PastedLine<'a> {
    /// Its number in the paste, from 1.
    pub number: usize,
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
    let mut tell = |label: &str, what: String| {
        text.push_str(&format!("  {label:<10}{what}\n"));
    };
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

const fn verb(reason: Reason) -> &'static str {
    match reason {
        Reason::Opened => "opens",
        Reason::Worsened => "worsens",
        Reason::Repeated => "reminds of",
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
        let job = match job {
            Job::Obtain => "a first certificate",
            Job::Renew => "a renewal",
        };
        told.push(("job", job.to_owned()));
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
        if failure.canceled {
            told.push(("cause", "none: a reload or a stop ended the job".to_owned()));
        } else {
            let (cause, seen_by) = (failure.cause, failure.seen_by.word());
            told.push((
                "cause",
                format!(
                    "{} (seen by {seen_by}): {}",
                    cause.word(),
                    cause.explanation()
                ),
            ));
        }
        if let Some(end) = failure.retry_after {
            told.push(("limit", format!("the CA says: not before {}", end.utc())));
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

/// Tells what is known of a certificate after the last line, and what to do.
pub fn certificate(explained: &Explained<'_>) -> String {
    let certificate = explained.certificate;
    let state = certificate.state(explained.at);
    let expiry = certificate.not_after.map_or_else(
        || "its expiry is not in these lines".to_owned(),
        |end| format!("expires {}", until(end, Some(explained.at))),
    );
    let mut text = format!("{}\n  {state}; {expiry}\n", certificate.name);
    if let Some(next) = certificate.next {
        text.push_str(&format!(
            "  Caddy tries again at {} ({})\n",
            next.at.utc(),
            next.source.word()
        ));
    }
    if let (Some(streak), Some(mend)) = (certificate.streak(), &explained.mend) {
        text.push_str(&diagnosis((streak.cause, streak.seen_by), mend));
        text.push_str(&format!("  After that: {}.\n", explained.next_step));
    }
    text
}

/// Tells what a line says of a failure of which no more is known.
pub fn failure(name: &Name, failure: &Failure) -> String {
    let mend = advise(
        failure.cause,
        failure.seen_by,
        name,
        failure.ca_url.as_deref(),
    );
    format!(
        "{name}\n{}",
        diagnosis((failure.cause, failure.seen_by), &mend)
    )
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

/// Tells what every rule about certificates makes of one.
pub fn rules(explained: &Explained<'_>, rules: &RuleSet, matched: &BTreeSet<String>) -> String {
    let of_certificates = rules
        .all()
        .iter()
        .filter(|rule| rule.scope == Scope::Certificate);
    let mut told: Vec<(u8, String)> = of_certificates
        .map(|rule| self::rule(rule, explained, matched.contains(&rule.id)))
        .collect();
    told.sort_by_key(|(order, _)| *order);
    let told: String = told.into_iter().map(|(_, rule)| rule).collect();
    format!("Rules about {}\n{told}", explained.certificate.name)
}

/// What one rule makes of a certificate, and where in the list it is told.
fn rule(rule: &Rule, explained: &Explained<'_>, matched: bool) -> (u8, String) {
    let open = explained.certificate.alerts.get(&rule.id);
    let head = |word: &str, what: String| format!("  {word:<8} {:<26} {what}\n", rule.id);
    if !rule.enabled {
        return (5, head("off", String::new()));
    }
    if rule.matcher.is_some() && !matched {
        return (
            4,
            head(
                "no",
                "none of these lines is one that it looks at".to_owned(),
            ),
        );
    }
    let accounts: Vec<(&Level, Account)> = rule
        .levels
        .iter()
        .map(|level| (level, level.when.account(&explained.facts)))
        .collect();
    let moment = |level: &Level| level.at.as_ref().map(|moment| moment.at(&explained.facts));
    if let Some(alert) = open {
        let held = accounts
            .iter()
            .find(|(level, _)| level.severity == alert.severity);
        let parts = held.map(|(_, account)| parts(account)).unwrap_or_default();
        return (0, head("OPEN", alert.severity.word().to_owned()) + &parts);
    }
    let waiting = accounts.iter().find_map(|(level, account)| {
        let at = moment(level)??;
        (account.truth() == Truth::True && at > explained.at).then_some((level, account, at))
    });
    if let Some((level, account, at)) = waiting {
        let when = format!(
            "{} at {}, {} after the last line",
            level.severity,
            at.utc(),
            spell(at - explained.at)
        );
        return (1, head("waits", when) + &parts(account));
    }
    let unknown = accounts
        .iter()
        .rev()
        .find(|(_, account)| account.truth() == Truth::Unknown);
    if let Some((level, account)) = unknown {
        let what = format!("{}, if this were known:", level.severity);
        return (2, head("unknown", what) + &needs(account));
    }
    let without_moment = accounts.iter().rev().find(|(level, account)| {
        account.truth() == Truth::True && matches!(moment(level), Some(None))
    });
    if let Some((level, account)) = without_moment {
        let what = format!("{}, but from when on is not known", level.severity);
        return (2, head("unknown", what) + &parts(account));
    }
    let quietest = accounts.last();
    let why = quietest
        .map(|(_, account)| why_not(account))
        .unwrap_or_default();
    (3, head("no", why))
}

const PART: &str = "             ";

/// Every part with its values.
fn parts(account: &Account) -> String {
    match account {
        Account::All(all) => all.iter().map(parts).collect(),
        Account::Any(any) => {
            let any = any.iter().enumerate();
            any.map(|(place, one)| {
                let told = parts(one);
                if place == 0 {
                    told
                } else {
                    format!("{PART}or\n{told}")
                }
            })
            .collect()
        }
        Account::Part(part) => {
            let mark = match part.truth {
                Truth::True => "yes",
                Truth::False => "no",
                Truth::Unknown => "unknown",
            };
            format!("{PART}{mark:<8}{}{}\n", plain(&part.text), values(part))
        }
    }
}

fn needs(account: &Account) -> String {
    let mut told = BTreeSet::new();
    for part in account.blockers() {
        for fact in &part.unknown {
            told.insert(format!("{PART}{fact}: {}\n", fact.doc()));
        }
        for name in &part.missing {
            told.insert(format!("{PART}{name}\n"));
        }
    }
    told.into_iter().collect()
}

fn why_not(account: &Account) -> String {
    let Some(part) = account.blockers().into_iter().next() else {
        return String::new();
    };
    format!("{}{}", plain(&part.text), values(part))
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn values(part: &Part) -> String {
    let known = part
        .values
        .iter()
        .map(|(name, value)| format!("{name} = {}", neutral(value)));
    let unknown = part
        .unknown
        .iter()
        .map(|fact| format!("{fact} is not known"));
    let all: Vec<String> = known.chain(unknown).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("   [{}]", all.join("; "))
    }
}

/// Tells what came in.
pub fn heading(about: usize, other: usize, unreadable: usize) -> String {
    let lines = |count: usize| if count == 1 { "line" } else { "lines" };
    let mut text = format!("{about} {} about certificates", lines(about));
    if other > 0 {
        text.push_str(&format!(", {other} about other things"));
    }
    if unreadable > 0 {
        text.push_str(&format!(", {unreadable} that could not be read"));
    }
    text.push_str(".\n");
    if about == 0 {
        text.push_str(
            "Paste lines of Caddy's own log, whole, as JSON or as Caddy's console prints them.\n",
        );
    }
    text
}
