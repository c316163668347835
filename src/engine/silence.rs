//! Silences: alerts that nobody is told of until a moment.

use crate::caddy::cause::Cause;
use crate::engine::alert::stable_id;
use crate::engine::certificate::Certificate;
use crate::engine::door::Engine;
use crate::engine::evidence::neutral;
use crate::engine::state::{RowChange, SILENCE, row};
use crate::engine::subject::About;
use crate::time::LogTime;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a silence is about: every matcher that is given has to match, and one has to be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matchers {
    /// The rule's id.
    pub rule: Option<String>,
    /// The certificate's name; `*` stands for any run of characters.
    pub certificate: Option<String>,
    /// The watched Caddy.
    pub instance: Option<String>,
    /// The cause's word, or the part of it before the dot.
    pub cause: Option<String>,
}

impl Matchers {
    /// Each matcher by its word, as it is given.
    pub fn by_word(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("rule", self.rule.as_deref()),
            ("certificate", self.certificate.as_deref()),
            ("instance", self.instance.as_deref()),
            ("cause", self.cause.as_deref()),
        ]
    }

    /// Whether a certificate of this name is meant, as far as names go.
    pub fn is_of(&self, name: &str) -> bool {
        self.certificate
            .as_deref()
            .is_none_or(|glob| fits(glob, name))
    }

    /// The word of a matcher that says nothing.
    fn empty(&self) -> Option<&'static str> {
        let is_empty = |value: &str| value.trim().is_empty();
        let mut given = self.by_word().into_iter();
        let empty = given.find(|(_, value)| value.is_some_and(is_empty))?;
        Some(empty.0)
    }
}

/// Alerts that nobody is told of until it ends. They open, close and show in `status` all the same;
/// what is still open at its end is told then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Stable.
    pub id: String,
    /// What it is about.
    pub matchers: Matchers,
    /// When it was made, on the clock of the logs.
    pub since: LogTime,
    /// When it ends, on the clock of the logs.
    pub until: LogTime,
    /// Why, in the words of whoever made it.
    pub comment: String,
}

/// Why a silence cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// It would silence everything.
    #[error("a silence needs at least one of rule, certificate, instance and cause")]
    MatchesAll,
    /// It would silence nothing.
    #[error("the {0} of a silence is empty")]
    Empty(&'static str),
    /// There is no such cause.
    #[error("no cause is called so")]
    NoSuchCause,
    /// Nothing would be silenced.
    #[error("the silence would be over before it begins")]
    Over,
    /// A silence that nobody will remember.
    #[error("a silence lasts at most 365 days")]
    TooLong,
    /// Nobody would know what it is for.
    #[error("a silence needs a comment that says why")]
    NoComment,
    /// There are enough.
    #[error(
        "there are {} silences, and that is the limit; expire some first",
        Silences::MAX
    )]
    TooMany,
}

impl Silence {
    /// Makes a silence.
    pub fn new(
        matchers: Matchers,
        (since, until): (LogTime, LogTime),
        comment: &str,
    ) -> Result<Self, SilenceError> {
        const LONGEST: TimeDelta = TimeDelta::days(365);
        let comment = neutral(comment.trim());
        if matchers == Matchers::default() {
            return Err(SilenceError::MatchesAll);
        }
        if let Some(word) = matchers.empty() {
            return Err(SilenceError::Empty(word));
        }
        if comment.is_empty() {
            return Err(SilenceError::NoComment);
        }
        if until <= since {
            return Err(SilenceError::Over);
        }
        if until - since > LONGEST {
            return Err(SilenceError::TooLong);
        }
        let matchers = Matchers {
            certificate: matchers.certificate.map(|glob| glob.to_lowercase()),
            ..matchers
        };
        if matchers
            .cause
            .as_deref()
            .is_some_and(|cause| !is_cause(cause))
        {
            return Err(SilenceError::NoSuchCause);
        }
        let [rule, certificate, instance, cause] = matchers
            .by_word()
            .map(|(_, value)| value.unwrap_or_default());
        let since_micros = since.micros().to_string();
        let id = stable_id(&["silence", rule, certificate, instance, cause, &since_micros]);
        Ok(Self {
            id,
            matchers,
            since,
            until,
            comment,
        })
    }

    /// Whether an alert of this rule about this is meant.
    fn matches(&self, instance: &str, about: About<'_>, rule: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let certificate = about.certificate();
        let is_meant = match certificate {
            Some(one) => self.matchers.is_of(one.name.as_str()),
            None => self.matchers.certificate.is_none(),
        };
        let cause = |word: &str| {
            let alert = about.alerts().get(rule);
            let cause = alert.and_then(|alert| about.cause_of(alert));
            cause.is_some_and(|cause| is_of(cause, word))
        };
        is(&self.matchers.rule, rule)
            && is(&self.matchers.instance, instance)
            && is_meant
            && self.matchers.cause.as_deref().is_none_or(cause)
    }
}

fn is_of(cause: Cause, word: &str) -> bool {
    let rest = cause.word().strip_prefix(word);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_cause(word: &str) -> bool {
    Cause::ALL.iter().any(|cause| is_of(*cause, word))
}

/// Whether a name fits a pattern in which `*` stands for any run of characters. Linear but for the
/// number of stars, which a line of a shell bounds.
fn fits(glob: &str, name: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

impl Engine {
    /// Tells nobody of what a silence is about, from now until it ends.
    pub fn silence(&mut self, silence: Silence) -> Result<(), SilenceError> {
        let id = silence.id.clone();
        self.silences.add(silence)?;
        self.silences_changed.insert(id);
        self.share_silences();
        Ok(())
    }

    /// Ends a silence now; `None` when there is none of this id.
    pub fn expire(&mut self, id: &str) -> Option<Silence> {
        let silence = self.silences.remove(id)?;
        self.silences_changed.insert(silence.id.clone());
        self.share_silences();
        Some(silence)
    }

    /// Every silence that has not ended on every clock.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.iter()
    }

    /// The rules whose alerts about a certificate are open and silenced.
    pub fn silenced(&self, instance: &str, certificate: &Certificate) -> Vec<String> {
        let at = (instance, self.log_time(instance));
        let about = About::Certificate(certificate);
        let open = certificate.alerts.keys();
        let silenced = open.filter(|rule| self.silences.cover(at, about, rule));
        silenced.map(ToString::to_string).collect()
    }

    /// What is open has to be weighed again, since other silences hold.
    fn share_silences(&mut self) {
        for watched in self.watched.values_mut() {
            watched.incidents.silences = self.silences.clone();
            watched.weigh_all();
        }
    }

    /// Drops silences that have ended on the clock of every log.
    pub(super) fn drop_silences(&mut self) {
        let clocks = self.watched.values().map(|one| one.incidents.heard);
        let Some(Some(slowest)) = clocks.min() else {
            return;
        };
        let over = self.silences.iter().filter(|one| one.until <= slowest);
        let over: Vec<String> = over.map(|one| one.id.clone()).collect();
        for id in over {
            self.expire(&id);
        }
    }

    /// The rows of silences that changed since the last call.
    pub(super) fn take_silences(&mut self, rows: &mut Vec<RowChange>) {
        for id in std::mem::take(&mut self.silences_changed) {
            rows.push(row(SILENCE, &id, self.silences.0.get(&id)));
        }
    }
}

/// The silences in force, shared by every watched Caddy.
#[derive(Clone, Debug, Default)]
pub(super) struct Silences(Arc<BTreeMap<String, Silence>>);

impl Silences {
    /// Nobody makes more by hand.
    pub(super) const MAX: usize = 1_000;

    /// Takes in a silence.
    pub(super) fn add(&mut self, silence: Silence) -> Result<(), SilenceError> {
        if self.0.len() >= Self::MAX && !self.0.contains_key(&silence.id) {
            return Err(SilenceError::TooMany);
        }
        self.put_back(silence);
        Ok(())
    }

    /// Puts a stored silence back.
    pub(super) fn put_back(&mut self, silence: Silence) {
        Arc::make_mut(&mut self.0).insert(silence.id.clone(), silence);
    }

    /// Ends a silence.
    pub(super) fn remove(&mut self, id: &str) -> Option<Silence> {
        Arc::make_mut(&mut self.0).remove(id)
    }

    /// All, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.0.values()
    }

    /// Whether nobody is to be told of an alert when a log stands at a moment.
    pub(super) fn cover(
        &self,
        (instance, now): (&str, Option<LogTime>),
        about: About<'_>,
        rule: &str,
    ) -> bool {
        let mut silences = self.0.values();
        silences
            .any(|one| now.is_none_or(|now| now < one.until) && one.matches(instance, about, rule))
    }

    /// When the next of them ends, after a moment.
    pub(super) fn next_end(&self, after: Option<LogTime>) -> Option<LogTime> {
        let ends = self.0.values().map(|one| one.until);
        ends.filter(|until| Some(*until) > after).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_run_of_characters() {
        for (glob, name, expected) in [
            ("a.example.com", "a.example.com", true),
            ("a.example.com", "b.example.com", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*", "anything", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(glob, name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn a_silence_says_what_why_and_how_long() {
        let at = LogTime::from_seconds;
        let new = |rule: Option<&str>, cause: Option<&str>, until, comment| {
            let matchers = Matchers {
                rule: rule.map(str::to_owned),
                cause: cause.map(str::to_owned),
                ..Matchers::default()
            };
            Silence::new(matchers, (at(0), at(until)), comment).map(|_| ())
        };
        let rule = Some("expiring");
        assert_eq!(new(rule, Some("dns"), 60, "moving"), Ok(()));
        assert_eq!(new(None, None, 60, "x"), Err(SilenceError::MatchesAll));
        assert_eq!(
            new(rule, Some(" "), 60, "x"),
            Err(SilenceError::Empty("cause"))
        );
        assert_eq!(
            new(Some(""), None, 60, "x"),
            Err(SilenceError::Empty("rule"))
        );
        assert_eq!(new(rule, None, 60, " "), Err(SilenceError::NoComment));
        assert_eq!(new(rule, None, 0, "x"), Err(SilenceError::Over));
        assert_eq!(
            new(rule, Some("dnss"), 60, "x"),
            Err(SilenceError::NoSuchCause)
        );
        assert_eq!(
            new(rule, None, 400 * 86_400, "x"),
            Err(SilenceError::TooLong)
        );
    }
}
