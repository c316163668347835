//! One input's walk through the state of one instance.

use crate::caddy::backoff::Table;
use crate::caddy::entry::Level;
use crate::caddy::event::Event;
use crate::caddy::name::Name;
use crate::caddy::remedy::Generation;
use crate::caddy::vocabulary::Means;
use crate::engine::alert::{AlertRow, ClosedBy, give_back_room};
use crate::engine::apply::{Outcome, apply, restarted};
use crate::engine::certificate::Certificate;
use crate::engine::evidence::Quote;
use crate::engine::facts::{facts, source_facts};
use crate::engine::instance::Instance;
use crate::engine::judge::{Case, Judge, Which};
use crate::engine::state::Watched;
use crate::engine::subject::{About, AboutMut, Subject};
use crate::rules::{Captures, Facts, Rule, RuleSet, Scope};
use crate::time::LogTime;
use std::collections::BTreeSet;

/// The moment used while no line of an instance had a time.
pub(super) const UNTIMED: LogTime = LogTime::from_micros(i64::MIN);

/// The input's rules, instance and moment, and where its rows go.
pub(super) struct Step<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) instance: &'a str,
    pub(super) at: LogTime,
    pub(super) out: &'a mut Vec<AlertRow>,
}

impl Step<'_> {
    /// The certificates an event is about: those it names; else, for the end of an attempt, the one
    /// whose attempt runs on that logger. Between several nobody is guessed.
    pub(super) fn names(watched: &Watched, event: &Event) -> Vec<Name> {
        if event.names.is_empty() {
            let ends = matches!(
                event.means,
                Means::WillRetry
                    | Means::GaveUp
                    | Means::JobFailed
                    | Means::WorkerPanicked
                    | Means::AccountLost
            );
            let fits = |one: &&Certificate| {
                let open = one.open_job.as_ref();
                open.is_some_and(|open| event.job.is_none_or(|job| job == open.job))
            };
            // A worker that panics lets its lock go first.
            let panicked = event.means == Means::WorkerPanicked;
            let let_go = |one: &&Certificate| {
                let open = one.open_job.as_ref();
                open.is_some_and(|open| open.released.is_some())
            };
            let one_let_go = panicked && watched.certificates.running().any(|one| let_go(&one));
            let running = watched.certificates.running();
            let running = running.filter(|one| !one_let_go || let_go(one));
            let mut running = running.filter(|one| ends && fits(one));
            let only = running.next().filter(|_| running.next().is_none());
            return only.map(|one| one.name.clone()).into_iter().collect();
        }
        let has_room = !watched.certificates.is_full();
        let known = |name: &&Name| {
            watched.certificates.contains(name) || has_room && makes_known(watched, event, name)
        };
        event.names.iter().filter(known).cloned().collect()
    }

    /// Applies an event to the instance, or to each certificate it is about.
    pub(super) fn event(
        &mut self,
        watched: &mut Watched,
        event: &Event,
        quote: &impl Fn() -> Quote,
    ) {
        if event.on_demand {
            for name in &event.names {
                let known = watched.certificates.get(name);
                if known.is_some_and(|one| one.listed) {
                    continue;
                }
                if known.is_some() {
                    self.forget(watched, name);
                }
                Instance::ignore(&mut watched.instance.strangers, name.clone());
            }
        }
        match event.means {
            Means::MaintenanceStarted => self.restart(watched),
            Means::Managing => self.manage(watched, event),
            _ => {
                let left_out =
                    |name| watched.certificates.is_full() && makes_known(watched, event, name);
                if event.names.iter().any(left_out) {
                    watched.instance.left_out += 1;
                }
                for name in Self::names(watched, event) {
                    self.apply(watched, &name, event, quote);
                }
            }
        }
        self.hear_of_source(watched, event, quote);
    }

    /// Judges the certificates that a line names by a rule whose matcher took the line.
    pub(super) fn matched(
        &mut self,
        watched: &mut Watched,
        (rule, captures): (&Rule, &Captures),
        names: &[Name],
        quote: &impl Fn() -> Quote,
    ) {
        if rule.scope == Scope::Source {
            self.hear_source(watched, (self.at, Some(&quote())), |judge, case| {
                judge.open(case, &Which::Matched(rule, captures));
            });
            return;
        }
        for name in names {
            if let Some(mut certificate) = watched.certificates.take(name) {
                certificate.evidence.last = Some(quote());
                self.hear(watched, &mut certificate, self.at, |judge, case| {
                    judge.open(case, &Which::Matched(rule, captures));
                });
                watched.certificates.put(certificate);
            }
        }
    }

    fn judge<'a>(
        &'a self,
        (about, generation): (About<'a>, Option<Generation>),
        facts: Facts,
        at: LogTime,
    ) -> Judge<'a> {
        Judge {
            rules: self.rules,
            instance: self.instance,
            at,
            shown_at: Some(at).filter(|at| *at != UNTIMED),
            facts,
            about,
            line: None,
            // Its lines, and what is missing of them, are judged in their order.
            read_to: None,
            certificates: None,
            generation,
        }
    }

    fn apply(
        &mut self,
        watched: &mut Watched,
        name: &Name,
        event: &Event,
        quote: &impl Fn() -> Quote,
    ) {
        let mut certificate = take(watched, name);
        let before = facts(self.instance, &watched.instance, &certificate, self.at);
        let cause = About::Certificate(&certificate).cause();
        let outcome = apply(
            &mut watched.instance,
            &mut certificate,
            event,
            self.at,
            quote,
        );
        self.look(watched, &mut certificate, outcome, &before);
        // What is to be done has changed, and which silences cover it.
        if About::Certificate(&certificate).cause() != cause {
            watched.untold.insert(Subject::Certificate(name.clone()));
        }
        watched.certificates.put(certificate);
    }

    /// Judges a certificate after a change of its state.
    fn look(
        &mut self,
        watched: &mut Watched,
        certificate: &mut Certificate,
        outcome: Outcome,
        before: &Facts,
    ) {
        self.hear(watched, certificate, self.at, |judge, case| {
            judge.close(outcome, case);
            let changed = judge.facts.changed_since(before);
            if !changed.is_empty() {
                judge.open(case, &Which::Reading(changed));
            }
        });
    }

    /// One hearing: what is open about the certificate is fetched, judged, and put back.
    pub(super) fn hear(
        &mut self,
        watched: &mut Watched,
        certificate: &mut Certificate,
        at: LogTime,
        hearing: impl FnOnce(&Judge<'_>, &mut Case),
    ) {
        let facts = facts(self.instance, &watched.instance, certificate, at);
        let generation = watched.instance.generation;
        let subject = Subject::Certificate(certificate.name.clone());
        let alerts = std::mem::take(&mut certificate.alerts);
        let wake = certificate.wake;
        let mut case = Case::open(alerts, wake);
        hearing(
            &self.judge((About::Certificate(certificate), generation), facts, at),
            &mut case,
        );
        certificate.alerts = std::mem::take(&mut case.alerts);
        if !case.rows.is_empty() {
            give_back_room(&mut certificate.alerts);
        }
        certificate.wake = case.wake;
        let about = AboutMut::Certificate(certificate);
        watched.incidents.enter(self.instance, about, &mut case);
        watched.incidents.unlink(certificate);
        if About::Certificate(certificate).has_another_cause() {
            watched.untold.insert(subject.clone());
        }
        certificate.forget_failed();
        self.conclude(watched, subject, wake, case);
    }

    /// The same for the source itself, at a moment and by a line, if one brought it.
    pub(super) fn hear_source(
        &mut self,
        watched: &mut Watched,
        (at, line): (LogTime, Option<&Quote>),
        hearing: impl FnOnce(&Judge<'_>, &mut Case),
    ) {
        let mut instance = std::mem::take(&mut watched.instance);
        // That it is lost is true by our clock, whatever its lines say.
        let now = instance.log_time.filter(|_| instance.lost.is_some());
        let at = now.map_or(at, |now| now.max(at));
        let facts = source_facts(self.instance, &instance, &watched.certificates);
        let alerts = std::mem::take(&mut instance.alerts);
        let wake = instance.wake;
        let mut case = Case::open(alerts, wake);
        let about = (About::Source(&instance), instance.generation);
        let judge = Judge {
            line,
            certificates: Some(&watched.certificates),
            ..self.judge(about, facts, at)
        };
        hearing(&judge, &mut case);
        instance.alerts = std::mem::take(&mut case.alerts);
        // What is not read tells of no calm.
        let calm_at = instance.on_demand.calm_at();
        let calm_at = calm_at.filter(|_| instance.lost.is_none());
        case.wake = case.wake.into_iter().chain(calm_at).min();
        instance.wake = case.wake;
        let about = AboutMut::Source(&mut instance);
        watched.incidents.enter(self.instance, about, &mut case);
        watched.instance = instance;
        watched.instance_changed = true;
        self.conclude(watched, Subject::Source, wake, case);
    }

    /// Puts back what a hearing changed.
    fn conclude(
        &mut self,
        watched: &mut Watched,
        subject: Subject,
        wake: Option<LogTime>,
        mut case: Case,
    ) {
        if wake != case.wake {
            let woken = case.wake.map(|at| (at, subject.clone()));
            watched.wakes.extend(woken);
            if let Some(at) = wake {
                watched.wakes.remove(&(at, subject.clone()));
            }
        }
        if let Some(row) = case.rows.last() {
            watched.untold.insert(subject.clone());
            if let Some(at) = case.critical_at {
                watched.put_off_reminder(&row.incident, at, row.not_after);
            }
        }
        if let Subject::Certificate(name) = subject {
            watched.changed.insert(name);
        }
        self.out.append(&mut case.rows);
    }

    /// Judges the source after a change of its state: what does not hold any more closes.
    pub(super) fn look_at_source(
        &mut self,
        watched: &mut Watched,
        (at, line): (LogTime, Option<&Quote>),
    ) {
        self.hear_source(watched, (at, line), judge_anew);
    }

    /// What a line about certificates says about the source itself.
    fn hear_of_source(&mut self, watched: &mut Watched, event: &Event, quote: &impl Fn() -> Quote) {
        let of_strangers =
            !event.names.is_empty() && event.names.iter().all(|name| watched.is_stranger(name));
        let instance = &mut watched.instance;
        let news = instance.rhythm.hear(event, self.at, instance.interval());
        if news {
            instance.beat = Some(quote());
        }
        let mut line = None;
        if of_strangers && instance.on_demand.hear(event, self.at) {
            line = Some(quote());
        }
        if matches!(event.means, Means::LoopPanicked | Means::WorkerPanicked) {
            instance.panicked(event.means == Means::LoopPanicked, self.at);
            line = Some(quote());
        }
        if news || line.is_some() || !instance.alerts.is_empty() {
            self.look_at_source(watched, (self.at, line.as_ref()));
        }
    }

    /// Judges the source and every certificate by every rule, and by no other one.
    pub(super) fn judge_all(&mut self, watched: &mut Watched) {
        self.hear_source(watched, (self.at, None), |judge, case| {
            judge.close_gone(case);
            judge_anew(judge, case);
        });
        let at = watched.instance.behind.unwrap_or(self.at);
        for name in watched.certificates.names() {
            if let Some(mut certificate) = watched.certificates.take(&name) {
                self.hear(watched, &mut certificate, at, |judge, case| {
                    judge.close_gone(case);
                    judge.open(case, &Which::All);
                });
                watched.certificates.put(certificate);
            }
        }
    }

    /// A new maintenance loop: every job and counter of the old one is gone.
    fn restart(&mut self, watched: &mut Watched) {
        if watched.instance.revives(self.at) {
            watched.instance.ticker.start(self.at);
            return;
        }
        let (begun, listed) = watched.instance.restart(self.at);
        // What a line opened about the source is over with the process that wrote it.
        self.hear_source(watched, (self.at, None), |judge, case| {
            judge.close_matched(case);
            judge.close(Outcome::default(), case);
        });
        for name in watched.certificates.names() {
            let Some(mut certificate) = watched.certificates.take(&name) else {
                continue;
            };
            let before = facts(self.instance, &watched.instance, &certificate, self.at);
            restarted(&mut certificate, self.at, begun);
            // Else the list of managed names follows at once, if there is one.
            certificate.listed &= listed;
            self.look(watched, &mut certificate, Outcome::default(), &before);
            watched.certificates.put(certificate);
        }
    }

    /// The latest list of managed names: what was listed before and is not any more is forgotten,
    /// not expired. Caddy cuts the list at 1,000 names since 2.11; a cut list forgets nobody.
    fn manage(&mut self, watched: &mut Watched, event: &Event) {
        const CUT_AT: usize = 1_000;
        let whole = event.names.len() < CUT_AT;
        watched.instance.lists = whole;
        watched.instance.listed_at = Some(self.at);
        for name in &event.names {
            watched.instance.dropped.remove(name);
            watched.instance.strangers.remove(name);
            if watched.certificates.is_full() && !watched.certificates.contains(name) {
                watched.instance.left_out += 1;
                continue;
            }
            let mut certificate = take(watched, name);
            let before = facts(self.instance, &watched.instance, &certificate, self.at);
            certificate.listed = true;
            self.look(watched, &mut certificate, Outcome::default(), &before);
            watched.certificates.put(certificate);
        }
        let named: BTreeSet<&Name> = event.names.iter().collect();
        let gone: Vec<Name> = watched
            .certificates
            .iter()
            .filter(|one| whole && one.listed && !named.contains(&one.name))
            .map(|one| one.name.clone())
            .collect();
        for name in gone {
            self.forget(watched, &name);
        }
    }

    fn forget(&mut self, watched: &mut Watched, name: &Name) {
        if let Some(mut certificate) = watched.certificates.take(name) {
            self.hear(watched, &mut certificate, self.at, |judge, case| {
                judge.close_where(ClosedBy::Forgotten, case, |_| true);
                case.wake = None;
            });
            Instance::ignore(&mut watched.instance.dropped, name.clone());
        }
    }
}

/// Closes what does not hold any more, and opens what does.
fn judge_anew(judge: &Judge<'_>, case: &mut Case) {
    judge.close(Outcome::default(), case);
    judge.open(case, &Which::All);
}

/// Whether a line makes a name one to watch.
fn makes_known(watched: &Watched, event: &Event, name: &Name) -> bool {
    let instance = &watched.instance;
    // A certificate that only handshakes keep is called due on the same logger as a managed one.
    let unlisted = instance.lists && matches!(event.means, Means::Due | Means::DueByAri);
    let creates = event.not_after.is_some() || concerns_management(event.means);
    let ignored = instance.dropped.contains(name) || watched.is_stranger(name);
    creates && !event.on_demand && !unlisted && !ignored && !watched.certificates.contains(name)
}

/// Takes a certificate out of the state, or a fresh one.
fn take(watched: &mut Watched, name: &Name) -> Box<Certificate> {
    watched.certificates.take(name).unwrap_or_else(|| {
        let mut fresh = Box::new(Certificate::new(name.clone()));
        fresh.paced_failures = watched.instance.started.map(|_| 0);
        fresh
    })
}

/// Whether a message makes a name one that Caddy manages, rather than one that a stranger asked for.
fn concerns_management(means: Means) -> bool {
    matches!(
        means,
        Means::Queued
            | Means::Due
            | Means::DueByAri
            | Means::MaintenanceJob
            | Means::LockWanted
            | Means::Began
            | Means::IssuerFailed
            | Means::WillRetry
            | Means::GaveUp
            | Means::JobFailed
            | Means::Succeeded
            | Means::RenewedElsewhere
            | Means::Replaced
    )
}

/// What an event says about the instance itself. Returns whether absence may be judged from here on.
pub(super) fn learn(watched: &mut Watched, event: &Event, level: Level, at: LogTime) -> bool {
    let instance = &mut watched.instance;
    let was_informed = instance.informed;
    instance.informed |= level == Level::Info || level == Level::Debug;
    match event.modern {
        Some(true) => instance.learn_table(Some(Table::New)),
        Some(false) => instance.learn_table(Some(Table::Old)),
        None => {}
    }
    instance.generation = event.generation.or(instance.generation);
    if let Some(interval) = event.check_interval {
        instance.ticker.hint(interval);
    }
    let of_a_tick = matches!(event.means, Means::Queued | Means::MaintenanceJob);
    if of_a_tick && !event.on_demand {
        instance.ticker.ticked(at);
    }
    watched.instance_changed = true;
    instance.informed && !was_informed
}
