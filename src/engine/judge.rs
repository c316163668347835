//! Rules over one certificate or source: alerts opened, worsened and closed.

use crate::caddy::cause::Cause;
use crate::caddy::remedy::{Generation, advise, next_step};
use crate::engine::alert::{
    AlertRow, Alerts, Change, ClosedBy, OpenAlert, share_remedies, stable_id,
};
use crate::engine::apply::Outcome;
use crate::engine::certificate::Certificate;
use crate::engine::certificates::Certificates;
use crate::engine::evidence::{Quote, neutral};
use crate::engine::message::Reason;
use crate::engine::subject::About;
use crate::rules::{
    Captures, Closing, Context, Fact, FactSet, Facts, Reading, Reads, Rule, RuleSet, Severity,
    Template, Truth, Verdict,
};
use crate::time::LogTime;
use serde_json::{Value, json};

/// One look at one certificate or source.
pub(super) struct Judge<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) instance: &'a str,
    /// The moment of the log.
    pub(super) at: LogTime,
    /// The same as it is shown: `None` while no line had a time.
    pub(super) shown_at: Option<LogTime>,
    pub(super) facts: Facts,
    pub(super) about: About<'a>,
    /// The line that is judged, where alerts keep theirs.
    pub(super) line: Option<&'a Quote>,
    /// How far the log is read, while that is not as far as the moment.
    pub(super) read_to: Option<LogTime>,
    /// All of its certificates, where the source itself is judged.
    pub(super) certificates: Option<&'a Certificates>,
    /// Which Caddy it is, as far as it decides what helps.
    pub(super) generation: Option<Generation>,
}

/// Facts that may change by time alone, from one hearing to the next.
const BY_TIME: FactSet = FactSet::EMPTY.with(Fact::State).with(Fact::Armed);

/// Which rules to look at.
pub(super) enum Which<'a> {
    /// Those that read a fact that changed.
    Reading(FactSet),
    /// All: a deadline has come.
    All,
    /// One, whose matcher took a line.
    Matched(&'a Rule, &'a Captures),
}

/// What is open about the one on trial, and the rows that come of the trial.
#[derive(Debug, Default)]
pub(super) struct Case {
    /// Open alerts by rule.
    pub(super) alerts: Alerts,
    /// The next moment at which a rule has to be looked at.
    pub(super) wake: Option<LogTime>,
    pub(super) rows: Vec<AlertRow>,
    /// What people were told of those that closed, by rule.
    pub(super) closed: Vec<(Box<str>, Severity)>,
    /// When something became critical of which people are told: the next reminder counts from there.
    pub(super) critical_at: Option<LogTime>,
}

impl Case {
    /// A case with what is open, and no row yet.
    pub(super) fn open(alerts: Alerts, wake: Option<LogTime>) -> Self {
        Self {
            alerts,
            wake,
            rows: Vec::new(),
            closed: Vec::new(),
            critical_at: None,
        }
    }
}

impl Judge<'_> {
    /// Closes what was opened by a line.
    pub(super) fn close_matched(&self, case: &mut Case) {
        let matched = |id: &str| {
            self.rules
                .get(id)
                .is_some_and(|rule| rule.matcher.is_some())
        };
        self.close_where(ClosedBy::Condition, case, matched);
    }

    /// Opens and worsens alerts, and sets the moment of the next look.
    pub(super) fn open(&self, case: &mut Case, which: &Which<'_>) {
        if let Which::Matched(rule, captures) = which {
            let verdicts = rule.verdicts(Reading {
                facts: &self.facts,
                line: Some(captures),
            });
            if let (Some(severity), _) = self.reached(verdicts) {
                self.raise((rule, severity, Some(captures)), case);
            }
            return;
        }
        let (changed, known) = match which {
            Which::Reading(changed) => (Some(*changed), case.wake.filter(|at| *at > self.at)),
            _ => (None, None),
        };
        let concerns = |reads: Reads| changed.is_none_or(|changed| reads.facts.intersects(changed));
        // The moments of rules that read nothing new are not before the one that is known.
        let is_known =
            |reads: Reads| !reads.is_timed || known.is_some() && !reads.facts.intersects(BY_TIME);
        let wanted = |reads| concerns(reads) || !is_known(reads);
        // Of the rules that are already true, the earliest moment to come.
        let mut next = known;
        let scope = self.about.scope();
        for rule in self.rules.rules_on(scope, &self.facts, wanted) {
            let (reached, ahead) = self.reached(rule.verdicts(&self.facts));
            next = next.into_iter().chain(ahead).min();
            if let Some(severity) = reached.filter(|_| concerns(rule.reads())) {
                self.raise((rule, severity, None), case);
            }
        }
        case.wake = next;
    }

    /// The loudest level whose moment has come, and the earliest moment to come.
    fn reached(
        &self,
        verdicts: impl Iterator<Item = Verdict>,
    ) -> (Option<Severity>, Option<LogTime>) {
        let (mut loudest, mut next) = (None, None);
        for verdict in verdicts {
            match verdict.at.filter(|at| *at > self.at) {
                Some(ahead) => next = next.into_iter().chain([ahead]).min(),
                None => loudest = loudest.or(Some(verdict.severity)),
            }
        }
        (loudest, next)
    }

    fn raise(&self, (rule, severity, line): (&Rule, Severity, Option<&Captures>), case: &mut Case) {
        let known = case.alerts.get(&*rule.id);
        if known.is_some_and(|alert| alert.severity >= severity) {
            return;
        }
        let reason = if known.is_some() {
            Reason::Worsened
        } else {
            Reason::Opened
        };
        let [title, summary, remedy] = self.words(rule, severity, line);
        let opened_at = known.map_or(self.shown_at, |alert| alert.opened_at);
        let id = known.map_or_else(|| self.id(rule).into(), |alert| alert.id.clone());
        let mut evidence = known.and_then(|alert| alert.evidence.clone());
        if let Some(line) = self.line.or(self.about.last_of_rhythm(rule)) {
            evidence.get_or_insert_default().failure(line.clone());
        }
        let alert = Box::new(OpenAlert {
            id,
            severity,
            opened_at,
            title: title.into(),
            summary: summary.into(),
            remedy: remedy.into(),
            worded_at_seconds: self.shown_at.map_or(0, LogTime::epoch_seconds),
            told: known.and_then(|alert| alert.told),
            cause: self.about.cause_of_strangers(rule),
            evidence,
        });
        self.change((reason, None), (&rule.id, &alert), case);
        case.alerts.insert(rule.id.as_str().into(), alert);
        share_remedies(&mut case.alerts);
    }

    fn id(&self, rule: &Rule) -> String {
        let opened = self
            .shown_at
            .map_or_else(String::new, |at| at.micros().to_string());
        let certificate = self.about.certificate();
        let name = certificate.map_or("", |certificate| certificate.name.as_str());
        stable_id(&[&rule.id, self.instance, name, &opened])
    }

    /// Closes what the outcome of an event closes, and what closes as soon as it is untrue.
    pub(super) fn close(&self, outcome: Outcome, case: &mut Case) {
        if outcome.recovered {
            let over = |id: &str| {
                self.rules
                    .get(id)
                    .is_none_or(|rule| !self.still_holds(rule))
            };
            self.close_where(ClosedBy::Renewed, case, over);
        }
        self.close_where(ClosedBy::Condition, case, |id| {
            self.rules.get(id).is_some_and(|rule| match rule.closes {
                Closing::Recovery => false,
                Closing::Attempt => outcome.attempt_ended && self.is_untrue(rule),
                Closing::Untrue => rule.matcher.is_none() && !self.still_holds(rule),
            })
        });
    }

    /// Closes alerts of rules that are gone or switched off.
    pub(super) fn close_gone(&self, case: &mut Case) {
        let is_gone = |id: &str| self.rules.get(id).is_none_or(|rule| !rule.enabled);
        self.close_where(ClosedBy::Condition, case, is_gone);
    }

    /// Whether a rule would open at this very moment, without a line.
    pub(super) fn still_holds(&self, rule: &Rule) -> bool {
        let (reached, _) = self.reached(rule.verdicts(&self.facts));
        rule.enabled && rule.matcher.is_none() && reached.is_some()
    }

    /// Whether each level of a rule is known not to hold, or lies in the future.
    fn is_untrue(&self, rule: &Rule) -> bool {
        rule.levels.iter().all(|level| {
            let ahead = || {
                let at = level.at.as_ref().and_then(|moment| moment.at(&self.facts));
                at.is_some_and(|at| at > self.at)
            };
            level.when.truth(&self.facts) == Truth::False || ahead()
        })
    }

    /// Closes the alerts of a certificate whose rule passes the test.
    pub(super) fn close_where(
        &self,
        closed_by: ClosedBy,
        case: &mut Case,
        test: impl Fn(&str) -> bool,
    ) {
        let open = case.alerts.keys();
        let closing: Vec<Box<str>> = open.filter(|rule| test(rule)).cloned().collect();
        for rule in closing {
            if let Some(alert) = case.alerts.remove(&rule) {
                self.change((Reason::Closed, Some(closed_by)), (&rule, &alert), case);
                case.closed.extend(alert.told.map(|told| (rule, told)));
            }
        }
    }

    fn change(
        &self,
        (reason, closed_by): (Reason, Option<ClosedBy>),
        (rule, alert): (&str, &OpenAlert),
        case: &mut Case,
    ) {
        let change = Change {
            instance: self.instance,
            // Known once the hearing is over.
            incident: "",
            rule,
            reason,
            closed_by,
            at: self.shown_at,
        };
        case.rows.push(AlertRow::new(&change, alert, self.about));
    }

    /// The title, summary and remedy of a rule as they read now.
    pub(super) fn words(
        &self,
        rule: &Rule,
        severity: Severity,
        line: Option<&Captures>,
    ) -> [String; 3] {
        let context = Context::new(&self.context(rule, severity, line));
        let texts = &rule.texts;
        [&texts.title, &texts.summary, &texts.remedy].map(|template: &Template| {
            template
                .render(&context)
                .unwrap_or_else(|error| format!("{} ({error})", rule.title))
        })
    }

    /// What the templates of a rule may name.
    fn context(&self, rule: &Rule, severity: Severity, line: Option<&Captures>) -> Value {
        let certificate = self.about.certificate();
        let streak = certificate.and_then(Certificate::streak);
        let mend = certificate.zip(streak).map(|(certificate, one)| {
            let name = &certificate.name;
            advise(one.cause, one.seen_by, name, one.ca_url.as_deref())
        });
        let cause = self.about.cause();
        let cause = json!({
            "name": cause.map(Cause::word),
            "explanation": cause.map(Cause::explanation),
            "check": mend.as_ref().map(|mend| &mend.check),
            "remedy": mend.as_ref().map(|mend| &mend.remedy),
        });
        let scope = self.about.scope();
        let first = self
            .certificates
            .and_then(|all| all.first_to_expire(self.at));
        json!({
            "name": certificate.map_or(self.instance, |one| one.name.as_str()),
            "instance": self.instance,
            "severity": severity.word(),
            "at": self.shown_at.map(LogTime::seconds),
            "read_to": self.read_to.map(LogTime::seconds),
            scope.prefix(): self.facts.to_json(scope),
            "cause": cause,
            "first_to_expire": first.map(|(name, _)| name.as_str()),
            "first_expiry": first.map(|(_, end)| end.seconds()),
            "advice": certificate.map(|one| next_step(one.waiting(self.generation))),
            "param": rule.names.parameters_json(),
            "line": line.map(|captures| captures.to_json(neutral)),
        })
    }
}
