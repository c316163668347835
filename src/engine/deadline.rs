//! Deadlines: each fires at its own moment, once the log is known to say nothing else up to there.
//!
//! While a log cannot be read, and until it is read to its end again, only its own lines move what they may
//! be about: what would have been seen in them is not missed. Our clock goes on for the source itself and for
//! what people are told.

use crate::engine::door::{Engine, LATE};
use crate::engine::judge::Which;
use crate::engine::state::Watched;
use crate::engine::step::Step;
use crate::engine::subject::Subject;
use crate::time::LogTime;

impl Step<'_> {
    /// Fires the deadlines up to a moment, in order, each at its own.
    pub(super) fn fire(&mut self, watched: &mut Watched, until: LogTime) {
        loop {
            match (watched.next_wake(), watched.incidents.next_wake()) {
                (Some((at, subject)), other)
                    if at <= until && other.is_none_or(|other| at <= other) =>
                {
                    let subject = subject.clone();
                    self.fire_subject(watched, at, subject);
                }
                (_, Some(at)) if at <= until => self.fire_incident(watched, at),
                _ => return,
            }
        }
    }

    /// Fires what falls due before a line of this stamp.
    pub(super) fn fire_before(&mut self, watched: &mut Watched, stamp: LogTime) {
        let reached = watched.instance.log_time.max(Some(stamp));
        if Some(stamp) == reached {
            self.catch_up(watched);
        }
        if watched.instance.behind.is_some() {
            self.follow(watched, stamp);
        }
        // Of what a line from long before brings, nothing is late that lies ahead of it.
        let reached = reached.filter(|reached| *reached - stamp <= LATE);
        self.fire(watched, reached.unwrap_or(stamp));
    }

    /// Fires the deadlines before a line that was written while the log could not be read.
    fn follow(&mut self, watched: &mut Watched, stamp: LogTime) {
        while let Some((at, subject)) = watched.wakes.first()
            && *at <= stamp
        {
            self.fire_subject(watched, *at, subject.clone());
        }
        watched.instance.behind = watched.instance.behind.max(Some(stamp));
    }

    /// Nothing that was written while the log could not be read is left to be read.
    pub(super) fn catch_up(&mut self, watched: &mut Watched) {
        let instance = &watched.instance;
        let (Some(at), Some(_), None) = (instance.log_time, instance.behind, &instance.lost) else {
            return;
        };
        self.follow(watched, at);
        watched.instance.behind = None;
        self.look_at_source(watched, (at, None));
    }

    /// The moment of a certificate or of the source: its rules are looked at.
    fn fire_subject(&mut self, watched: &mut Watched, at: LogTime, subject: Subject) {
        watched.wakes.remove(&(at, subject.clone()));
        let Subject::Certificate(name) = subject else {
            watched.instance.wake = None;
            if watched.instance.lost.is_none() {
                watched.instance.on_demand.forget(at);
            }
            self.look_at_source(watched, (at, None));
            return;
        };
        if let Some(mut certificate) = watched.certificates.take(&name) {
            certificate.wake = None;
            self.hear(watched, &mut certificate, at, |judge, case| {
                judge.open(case, &Which::All);
            });
            watched.certificates.put(certificate);
        }
    }

    /// An incident's moment: a reminder falls due, what waited has to be told, or a silence ends.
    fn fire_incident(&mut self, watched: &mut Watched, at: LogTime) {
        if watched.incidents.hear_end(at) {
            watched.weigh_all();
            return;
        }
        let Some(id) = watched.incidents.take_wake() else {
            return;
        };
        watched.remind((self.rules, self.instance), &id, at, self.out);
        watched.incidents.touch(&id);
        watched.incidents.drop_if_spent(&id, Some(at));
    }
}

impl Engine {
    /// The next moment at which something falls due by time alone.
    pub fn deadline(&self, instance: &str) -> Option<LogTime> {
        let watched = self.watched.get(instance)?;
        let subject = watched.next_wake().map(|(at, _)| at);
        let incident = watched.incidents.next_wake();
        subject.into_iter().chain(incident).min()
    }
}

impl Watched {
    /// What is to be looked at next by our clock alone, and when.
    fn next_wake(&self) -> Option<(LogTime, &Subject)> {
        if self.instance.behind.is_some() {
            // That it is lost is the one thing that our clock alone can tell.
            let wake = self.instance.wake.filter(|_| self.instance.lost.is_some());
            return wake.map(|at| (at, &Subject::Source));
        }
        self.wakes.first().map(|(at, subject)| (*at, subject))
    }
}
