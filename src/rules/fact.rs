//! The typed facts a rule may read: one table, from which names, types, checks and docs come.
//!
//! The engine fills [`Facts`] for a certificate; a fact that is not known is absent, never a guess.
//! [`FactSet`] says which facts a rule reads and which have changed, so that a rule is evaluated
//! only when something it reads moved.

use super::fact_set::FactSet;
use crate::time::{LogTime, spell};
use chrono::TimeDelta;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// What a rule's alerts are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// One certificate.
    #[default]
    Certificate,
    /// One watched source.
    Source,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Certificate, Self::Source];

    /// The word in rule files and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Source => "source",
        }
    }

    /// What a fact of this scope begins with in a condition.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Certificate => "cert",
            Self::Source => "source",
        }
    }

    /// The scope that a prefix stands for.
    pub fn of_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.prefix() == prefix)
    }

    /// Its facts, in the order of the table.
    pub fn facts(self) -> impl Iterator<Item = Fact> {
        Fact::ALL
            .into_iter()
            .filter(move |fact| fact.scope() == self)
    }
}

/// What kind of value a fact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactType {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Text,
    /// A moment on the log's clock.
    Time,
    /// A length of time.
    Length,
}

impl FactType {
    /// How a person calls it, with its article.
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::Bool => "a truth value",
            Self::Int => "a whole number",
            Self::Text => "a text",
            Self::Time => "a time",
            Self::Length => "a length of time",
        }
    }
}

impl fmt::Display for FactType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spoken())
    }
}

/// The classes of failure, `cert.cause`.
const CAUSES: &[&str] = &[
    "dns.servfail",
    "dns.nxdomain",
    "dns.timeout",
    "dns.refused",
    "dns.propagation",
    "dns-provider.auth",
    "dns-provider.error",
    "challenge.unreachable",
    "challenge.wrong-answer",
    "challenge.none-available",
    "ca.rate-limited",
    "ca.unreachable",
    "ca.server-error",
    "ca.caa",
    "ca.rejected-name",
    "ca.account",
    "ca.eab",
    "ca.staging-blocked",
    "storage.permission",
    "storage.full",
    "storage.lock",
    "storage.missing",
    "policy.denied",
    "config.invalid",
    "crash",
    "unknown",
];

/// The classes of certificate authority.
const AUTHORITIES: &[&str] = &["production", "staging", "internal", "other"];

/// What a certificate can be.
const STATES: &[&str] = &[
    "healthy",
    "due",
    "failing",
    "recovering",
    "ended",
    "expired",
    "wrong-issuer",
    "unmanaged",
    "unknown",
];

macro_rules! fact_table {
    ($($scope:ident { $($fact:ident, $name:literal, $kind:ident, $words:expr, $doc:literal;)+ })+) => {
        /// One fact about a certificate or a source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fact { $($(#[doc = $doc] $fact,)+)+ }

        impl Fact {
            /// Every fact, in the order of the table.
            pub const ALL: [Self; [$($($name),+),+].len()] = [$($(Self::$fact),+),+];

            /// What it is about.
            pub const fn scope(self) -> Scope {
                match self { $($(Self::$fact => Scope::$scope,)+)+ }
            }

            /// Its name without the prefix.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$fact => $name,)+)+ }
            }

            /// Its type.
            pub const fn kind(self) -> FactType {
                match self { $($(Self::$fact => FactType::$kind,)+)+ }
            }

            /// The only words a text fact can be; empty where any text is possible.
            pub const fn words(self) -> &'static [&'static str] {
                match self { $($(Self::$fact => $words,)+)+ }
            }

            /// What it says, in one sentence.
            pub const fn doc(self) -> &'static str {
                match self { $($(Self::$fact => $doc,)+)+ }
            }
        }
    };
}

fact_table! {
    Certificate {
        Name, "name", Text, &[], "The subject Caddy manages: a DNS name, a wildcard or an address.";
        Instance, "instance", Text, &[], "The watched Caddy: the name of its source.";
        Job, "job", Text, &["obtain", "renew"], "What the last job was for.";
        State, "state", Text, STATES, "What the certificate is, in one word.";
        Failing, "failing", Bool, &[], "An attempt has failed and none has succeeded since.";
        NotAfter, "not_after", Time, &[], "When it expires.";
        Lifetime, "lifetime", Length, &[], "From notBefore to notAfter.";
        LastTwentieth, "last_twentieth", Time, &[], "When 1/20 of the lifetime is left; 48 h before notAfter where the lifetime is not known.";
        Halfway, "halfway", Time, &[], "When half of the time from due to notAfter is over; while no line calls it due, by the CA's advice, but not within two ticks of hearing of that, else from the last third of the lifetime on.";
        LastTenth, "last_tenth", Time, &[], "When nine tenths of that time are over.";
        Due, "due", Bool, &[], "A line has called the renewal due, and no later expiry is known.";
        DueSince, "due_since", Time, &[], "When the renewal became due, by Caddy's own window.";
        DueSinceSource, "due_since_source", Text, &["ari", "ratio", "seen"], "Where `due_since` comes from: the CA's advice, the share of the lifetime, or the first line seen.";
        SelectedTime, "selected_time", Time, &[], "When the CA advises to renew it, by ACME renewal information.";
        FailingSince, "failing_since", Time, &[], "When the first attempt of this streak failed.";
        FailingFor, "failing_for", Length, &[], "At the last failure line: the larger of Caddy's elapsed and the time since the first failure.";
        Attempt, "attempt", Int, &[], "Caddy's counter of attempts, else ours since its start.";
        AttemptsTotal, "attempts_total", Int, &[], "Failed attempts since the last success, counted across restarts of Caddy.";
        TicksDue, "ticks_due", Int, &[], "Maintenance ticks that called it due without a success since.";
        NextRetry, "next_retry", Time, &[], "When Caddy will try again.";
        NextRetrySource, "next_retry_source", Text, &["announced", "predicted"], "Whether Caddy announced the next retry or we predicted it.";
        TriesLeft, "tries_left", Int, &[], "Attempts that still start strictly before notAfter.";
        RetryPending, "retry_pending", Bool, &[], "Another attempt is announced or predicted, and Caddy has not said that it stops.";
        Grace, "grace", Length, &[], "How late the next attempt may begin before it counts as missed.";
        Idle, "idle", Bool, &[], "Ticks find it due, and no attempt is under way or to come.";
        IdleSince, "idle_since", Time, &[], "Since when it is idle.";
        Working, "working", Bool, &[], "An attempt is under way, or waits for its lock.";
        WorkingSince, "working_since", Time, &[], "When that attempt gave its last sign of life.";
        Cause, "cause", Text, CAUSES, "The class of the failure.";
        FirstCause, "first_cause", Text, CAUSES, "The class of the first failure of the streak.";
        StagingFailures, "staging_failures", Int, &[], "Failed attempts in a row that the staging CA itself failed: unreachable, broken or rate limited.";
        RateLimitedUntil, "rate_limited_until", Time, &[], "When the CA's rate limit ends, where the CA said so.";
        SeenBy, "seen_by", Text, &["caddy", "ca", "provider"], "Who saw the failure.";
        Incurable, "incurable", Bool, &[], "No retry cures this cause, or the job has ended.";
        Ca, "ca", Text, AUTHORITIES, "The class of CA the failing attempt asked.";
        IssuedBy, "issued_by", Text, AUTHORITIES, "The class of CA of the certificate stored or installed last.";
        Downgraded, "downgraded", Bool, &[], "Another issuer than the first one issued it, or Caddy's own CA in place of a public one.";
        PublicBefore, "public_before", Bool, &[], "A public CA had issued it before.";
        Revoked, "revoked", Bool, &[], "The CA has revoked it, or moved its renewal window into the past.";
        RevokedSource, "revoked_source", Text, &["ocsp", "ari"], "What says that it is revoked.";
        Unmanaged, "unmanaged", Bool, &[], "It was loaded as it is, and nobody renews it.";
        Succeeded, "succeeded", Time, &[], "When the last success was logged.";
        Took, "took", Length, &[], "How long the attempt took that succeeded last.";
        Slowness, "slowness", Int, &[], "How many times the usual that was, rounded down; unknown before three successes.";
        GaveUp, "gave_up", Bool, &[], "Caddy logged its final attempt.";
        Ended, "ended", Bool, &[], "The job has ended and nobody will retry.";
        Armed, "armed", Bool, &[], "Absence may be judged: the lines would have been seen, and the name is still managed.";
        Recovering, "recovering", Bool, &[], "A success was logged and a later notAfter is not yet known.";
    }
    Source {
        SourceName, "name", Text, &[], "The watched Caddy: the name of its source.";
        Informed, "informed", Bool, &[], "It has shown info-level lines about certificates since its start.";
        LastLine, "last_line", Time, &[], "When the last line about certificates came.";
        NextLine, "next_line", Time, &[], "By when its rhythm brings the next line; unknown until the rhythm is learned, and while Caddy is stopped.";
        Rhythm, "rhythm", Text, &["tick", "cleaning"], "What brings the next line: the maintenance tick that names each renewal that is due, or the cleaning of the storage.";
        Lost, "lost", Bool, &[], "Its log cannot be read.";
        LostSince, "lost_since", Time, &[], "Since when its log cannot be read.";
        LostWhy, "lost_why", Text, &[], "Why its log cannot be read.";
        Panics, "panics", Int, &[], "Panics of the code that renews certificates since Caddy's start.";
        LastPanic, "last_panic", Time, &[], "When the last of those panics was.";
        OnDemandFailing, "on_demand_failing", Int, &[], "Names that handshakes asked for in vain within the last hour, 1,000 at most.";
        OnDemandSince, "on_demand_since", Time, &[], "When the first of them failed.";
        LoopDead, "loop_dead", Bool, &[], "The maintenance loop has panicked too often and does not begin anew.";
    }
}

impl Fact {
    /// How many facts there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The fact of this scope and name, without the prefix.
    pub fn from_name(scope: Scope, name: &str) -> Option<Self> {
        scope.facts().find(|fact| fact.name() == name)
    }
}

impl fmt::Display for Fact {
    /// As a condition spells it: `cert.not_after`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.scope().prefix(), self.name())
    }
}

/// The value of a known fact.
#[derive(Clone, Debug, PartialEq)]
pub enum FactValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Arc<str>),
    /// A moment on the log's clock.
    Time(LogTime),
    /// A length of time.
    Length(TimeDelta),
}

impl FactValue {
    /// Its type.
    pub const fn kind(&self) -> FactType {
        match self {
            Self::Bool(_) => FactType::Bool,
            Self::Int(_) => FactType::Int,
            Self::Text(_) => FactType::Text,
            Self::Time(_) => FactType::Time,
            Self::Length(_) => FactType::Length,
        }
    }

    /// How it lies to another of its type.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            (Self::Length(one), Self::Length(other)) => one.cmp(other),
            _ => return None,
        })
    }

    /// For templates: times and lengths are whole seconds.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => Json::from(*value),
            Self::Int(value) => Json::from(*value),
            Self::Text(value) => Json::from(&**value),
            Self::Time(value) => Json::from(value.seconds()),
            Self::Length(value) => Json::from(value.num_seconds()),
        }
    }
}

impl fmt::Display for FactValue {
    /// As a person reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::Time(value) => f.write_str(&value.utc()),
            Self::Length(value) => f.write_str(&spell(*value)),
        }
    }
}

macro_rules! fact_value_from {
    ($($from:ty => |$value:ident| $make:expr;)+) => {
        $(impl From<$from> for FactValue {
            fn from($value: $from) -> Self { $make }
        })+
    };
}

fact_value_from! {
    bool => |value| Self::Bool(value);
    i64 => |value| Self::Int(value);
    u32 => |value| Self::Int(i64::from(value));
    &str => |value| Self::Text(value.into());
    String => |value| Self::Text(value.into());
    Arc<str> => |value| Self::Text(value);
    LogTime => |value| Self::Time(value);
    TimeDelta => |value| Self::Length(value);
}

/// What is known of one certificate, or of one source, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts([Option<FactValue>; Fact::COUNT]);

impl Default for Facts {
    fn default() -> Self {
        Self([const { None }; Fact::COUNT])
    }
}

impl Facts {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, where it is known.
    pub fn get(&self, fact: Fact) -> Option<&FactValue> {
        self.0.get(fact as usize)?.as_ref()
    }

    /// Makes a fact known, or unknown with `None`. A value of the wrong type counts as unknown.
    pub fn set(&mut self, fact: Fact, value: Option<impl Into<FactValue>>) {
        let value: Option<FactValue> = value.map(Into::into);
        debug_assert!(
            value.as_ref().is_none_or(|one| one.kind() == fact.kind()),
            "{fact} is {}",
            fact.kind()
        );
        if let Some(slot) = self.0.get_mut(fact as usize) {
            *slot = value.filter(|one| one.kind() == fact.kind());
        }
    }

    /// The same with one fact more; for tests and literals.
    #[must_use]
    pub fn with(mut self, fact: Fact, value: impl Into<FactValue>) -> Self {
        self.set(fact, Some(value.into()));
        self
    }

    /// The facts whose value is known.
    pub fn known(&self) -> FactSet {
        let known = |fact: &Fact| self.get(*fact).is_some();
        Fact::ALL.into_iter().filter(known).collect()
    }

    /// The facts that are true.
    pub(super) fn true_ones(&self) -> FactSet {
        let holds = |fact: &Fact| self.get(*fact) == Some(&FactValue::Bool(true));
        Fact::ALL.into_iter().filter(holds).collect()
    }

    /// The facts that differ between two moments.
    pub fn changed_since(&self, before: &Self) -> FactSet {
        let changed = |fact: &Fact| self.get(*fact) != before.get(*fact);
        Fact::ALL.into_iter().filter(changed).collect()
    }

    /// For templates: every fact of the scope by name, `null` where unknown.
    pub fn to_json(&self, scope: Scope) -> Json {
        let value = |fact| self.get(fact).map_or(Json::Null, FactValue::to_json);
        let pairs = scope
            .facts()
            .map(|fact| (fact.name().to_owned(), value(fact)));
        Json::Object(pairs.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found_by_its_name_and_says_what_it_is() {
        for fact in Fact::ALL {
            assert_eq!(Fact::from_name(fact.scope(), fact.name()), Some(fact));
            assert!(fact.doc().ends_with('.'), "{fact}");
            assert!(fact.words().is_empty() || fact.kind() == FactType::Text);
        }
    }

    #[test]
    fn changes_are_seen_in_both_directions() {
        let before = Facts::new().with(Fact::Attempt, 3_i64);
        let after = Facts::new().with(Fact::Failing, true);
        let changed: Vec<Fact> = after.changed_since(&before).iter().collect();
        assert_eq!(changed, [Fact::Failing, Fact::Attempt]);
        assert!(after.changed_since(&after).is_empty());
    }

    #[test]
    fn json_has_every_fact_and_whole_seconds() {
        let facts = Facts::new()
            .with(Fact::NotAfter, LogTime::from_micros(1_999_999))
            .with(Fact::FailingFor, TimeDelta::milliseconds(1_500));
        let json = facts.to_json(Scope::Certificate);
        assert_eq!(json["not_after"], 1);
        assert_eq!(json["failing_for"], 1);
        assert!(json["cause"].is_null());
        assert_eq!(
            json.as_object().map(serde_json::Map::len),
            Some(Scope::Certificate.facts().count())
        );
    }
}
