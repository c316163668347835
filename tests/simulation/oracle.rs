//! Which alerts are due and when, told from the script alone, one rule after the other.
//!
//! Nothing of the engine is used here. A rule's moments are found by looking at the whole life.

use crate::process::UNMANAGED;
use crate::script::{DAY, Failure, Generation, HOUR, Life, MINUTE, S, Script, TICK, Truth};
use crate::script::{tick_after, wait};
use crate::source::{of_source, of_tale};
use std::collections::BTreeSet;

/// One change of an alert: host, rule, name, severity, reason, moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) host: String,
    pub(crate) rule: String,
    pub(crate) name: String,
    pub(crate) at: i64,
    pub(crate) severity: &'static str,
    pub(crate) reason: &'static str,
}

/// A line and its oracle may differ by this: Caddy prints seconds with seven digits.
const TOLERANCE: i64 = S;

/// What is in one and has no like in the other.
fn missing<'a>(one: &'a BTreeSet<Due>, other: &BTreeSet<Due>) -> Vec<&'a Due> {
    let alike = |a: &Due, b: &Due| {
        (&a.host, &a.rule, &a.name) == (&b.host, &b.rule, &b.name)
            && (a.severity, a.reason) == (b.severity, b.reason)
            && (a.at - b.at).abs() <= TOLERANCE
    };
    one.iter()
        .filter(|due| !other.iter().any(|like| alike(due, like)))
        .collect()
}

/// How two sets of changes differ, if they do.
pub(crate) fn difference(wanted: &BTreeSet<Due>, found: &BTreeSet<Due>) -> Option<String> {
    let (lost, undue) = (missing(wanted, found), missing(found, wanted));
    let alike = lost.is_empty() && undue.is_empty();
    (!alike).then(|| format!("missing {lost:#?}\nundue {undue:#?}"))
}

/// Severities, each with the moment from which it is due.
type Levels<'a> = &'a [(&'static str, Option<i64>)];

/// A failed attempt, when its last line came, and when the next one should come.
#[derive(Clone, Copy, Debug)]
struct Failed {
    at: i64,
    what: Failure,
    next: Option<i64>,
    /// The larger of Caddy's elapsed and the time since the first failure.
    span: i64,
    /// Failures of the test CA itself in a row.
    staging: usize,
}

/// What the rules look at in one life.
struct View<'a> {
    script: &'a Script,
    life: &'a Life,
    truths: &'a [(i64, Truth)],
    failures: Vec<Failed>,
    /// The first line that told when the CA wants it renewed.
    advised: Option<i64>,
    /// Ticks and starts that called it due.
    due_lines: Vec<i64>,
    last_due: Option<i64>,
    /// The first line that told the expiry.
    told: Option<i64>,
    succeeded: Option<i64>,
    renewed: Option<i64>,
    gave_up: Option<i64>,
    /// Time is watched up to here.
    until: i64,
    all: BTreeSet<Due>,
}

/// Everything that is due on each host, which knows nothing of another one.
pub(crate) fn expected(world: &[Script]) -> BTreeSet<Due> {
    world.iter().flat_map(of_host).collect()
}

fn of_host(script: &Script) -> BTreeSet<Due> {
    let until = script.until();
    let mut all = BTreeSet::new();
    let slow = slow(script);
    for life in &script.lives {
        let mut view = View::new(script, life, until);
        view.judge();
        if slow.contains(&life.name) {
            // It stays open: the next attempt that could close it is weeks away.
            let at = view.succeeded.unwrap_or_default();
            view.row("renewal-slow", at, "info", "opened");
        }
        all.append(&mut view.all);
    }
    for (name, _) in &script.tales {
        all.append(&mut of_tale(script, name));
    }
    all.append(&mut of_tale(script, UNMANAGED));
    all.append(&mut of_source(script, until));
    all
}

/// Names whose attempt succeeded, but took ten times as long as the middle one of those before.
fn slow(script: &Script) -> BTreeSet<String> {
    let mut successes: Vec<(i64, i64, &String)> = Vec::new();
    for (name, truths) in &script.truth {
        let mut began = 0;
        for &(at, truth) in truths {
            match truth {
                Truth::Began => began = at,
                Truth::Succeeded => successes.push((at, at - began, name)),
                _ => {}
            }
        }
    }
    successes.sort_unstable();
    let is_slow = |index: &usize| {
        let mut before: Vec<i64> = successes[..*index].iter().map(|one| one.1).collect();
        before.sort_unstable();
        let middle = before.get(before.len() / 2).filter(|_| before.len() >= 3);
        let took = successes[*index].1;
        middle.is_some_and(|middle| took >= 10 * middle && took >= 30 * S)
    };
    let found = (0..successes.len()).filter(is_slow);
    found.map(|index| successes[index].2.clone()).collect()
}

impl Failed {
    /// No retry cures it: the cause, or because there is none to come.
    fn is_incurable(&self) -> bool {
        self.what.fault.incurable || self.next.is_none()
    }

    fn is_loud(&self) -> bool {
        self.span >= 570 * S || self.is_incurable()
    }
}

impl<'a> View<'a> {
    fn new(script: &'a Script, life: &'a Life, until: i64) -> Self {
        let truths = script.truth.get(&life.name);
        let mut view = Self {
            script,
            life,
            truths: truths.map_or(&[], Vec::as_slice),
            failures: Vec::new(),
            advised: None,
            due_lines: Vec::new(),
            last_due: None,
            told: None,
            succeeded: None,
            renewed: None,
            gave_up: None,
            until,
            all: BTreeSet::new(),
        };
        for &(at, truth) in view.truths {
            match truth {
                Truth::Advised => view.advised = view.advised.or(Some(at)),
                Truth::Due => view.called_due(at),
                Truth::Began => {}
                Truth::Failed { failure, next } => view.failed(at, failure, next),
                Truth::Succeeded => view.succeeded = Some(at),
                Truth::Renewed => view.renewed = Some(at),
                Truth::GaveUp => view.gave_up = Some(at),
                _ => continue,
            }
            view.told = view.told.or(Some(at));
        }
        view
    }

    fn failed(&mut self, at: i64, what: Failure, next: Option<i64>) {
        let first = self
            .failures
            .first()
            .map_or(what.since, |first| first.what.since);
        let before = self.failures.last().map_or(0, |failed| failed.staging);
        let blocks = what.staging && what.fault.of_ca;
        self.failures.push(Failed {
            at,
            what,
            next,
            span: what.elapsed.max(at - first),
            staging: if blocks { before + 1 } else { 0 },
        });
    }

    /// Lines of one tick count once, and so do starts that follow each other closely.
    fn called_due(&mut self, at: i64) {
        if self.last_due.is_none_or(|last| at - last > TICK / 2) {
            self.due_lines.push(at);
        }
        self.last_due = Some(at);
    }

    fn judge(&mut self) {
        let renews = self.life.not_after.is_some();
        let rule = if renews {
            "renewal-failing"
        } else {
            "obtain-failing"
        };
        self.until_renewed(rule, &self.failing());
        for rule in [
            "dns-broken",
            "challenge-failing",
            "dns-provider-refused",
            "ca-refused",
            "storage-broken",
        ] {
            self.while_so(rule, |_, one| one.is_loud().then_some("warning"));
        }
        self.while_so("rate-limited", |view, one| Some(view.limit(one)));
        self.while_so("staging-blocks-production", |view, one| {
            let another = view.failures[0].what.fault.text != one.what.fault.text;
            (one.staging >= 2 && another).then_some("warning")
        });
        self.until_renewed("obtain-dead", &[("critical", self.dead())]);
        self.until_renewed("gave-up", &[("critical", self.gave_up)]);
        self.until_renewed("retry-after-expiry", &[("critical", self.too_late())]);
        self.until_renewed("last-tries", &self.last_tries());
        let expired = self.life.not_after.zip(self.told);
        let expired = expired.map(|(end, told)| end.max(told));
        self.until_renewed("expired", &[("critical", expired)]);
        self.until_renewed("expiring", &self.expiring());
        self.until_renewed("renewal-overdue", &[("warning", self.overdue())]);
        self.until_renewed("recovered-unproven", &[("info", self.unproven())]);
        self.until_an_end("retry-missed", "critical", Self::missed);
        let stuck = self.stuck();
        self.until_an_end("renewal-stuck", "warning", |truth, at| {
            // What is open says so already, and louder.
            let told = |moment: &i64| {
                stuck
                    .iter()
                    .any(|(from, over)| (*from..*over).contains(moment))
            };
            Self::hanging(truth, at).filter(|moment| !told(moment))
        });
    }

    fn row(&mut self, rule: &str, at: i64, severity: &'static str, reason: &'static str) {
        self.all.insert(Due {
            host: self.script.host.clone(),
            rule: rule.to_owned(),
            name: self.life.name.clone(),
            at,
            severity,
            reason,
        });
    }

    /// Each louder severity from its moment on, and the end with the renewal.
    fn until_renewed(&mut self, rule: &str, levels: Levels<'_>) {
        let over = self.renewed.unwrap_or(i64::MAX);
        let mut reached: Vec<(i64, &'static str)> = Vec::new();
        for &(severity, at) in levels {
            if let Some(at) = at.filter(|at| *at < over && *at <= self.until) {
                // Of two levels at one moment only the louder one shows.
                reached.retain(|(before, _)| *before < at);
                reached.push((at, severity));
            }
        }
        for (index, &(at, severity)) in reached.iter().enumerate() {
            let reason = if index == 0 { "opened" } else { "worsened" };
            self.row(rule, at, severity, reason);
        }
        if let (Some(over), Some(&(_, severity))) = (self.renewed, reached.last()) {
            self.row(rule, over, severity, "closed");
        }
    }

    /// Judged at each failure; over with the end of an attempt of which it is not so.
    fn while_so(&mut self, rule: &str, so: impl Fn(&Self, &Failed) -> Option<&'static str>) {
        let mut open: Option<&'static str> = None;
        for one in self.failures.clone() {
            let named = one.what.fault.rule == rule || rule == "staging-blocks-production";
            let found = so(self, &one).filter(|_| named);
            match (open, found) {
                (None, Some(severity)) => self.row(rule, one.at, severity, "opened"),
                (Some("warning"), Some("critical")) => {
                    self.row(rule, one.at, "critical", "worsened");
                }
                (Some(severity), None) => self.row(rule, one.at, severity, "closed"),
                _ => {}
            }
            open = match (open, found) {
                (Some("critical"), Some(_)) => Some("critical"),
                _ => found,
            };
        }
        if let (Some(severity), Some(at)) = (open, self.succeeded) {
            self.row(rule, at, severity, "closed");
        }
    }

    /// What did not come in time: each truth may say from when on that is so. Over with the end of
    /// the next attempt.
    fn until_an_end(
        &mut self,
        rule: &str,
        severity: &'static str,
        late: impl Fn(&Truth, i64) -> Option<i64>,
    ) {
        let mut over = i64::MIN;
        for (index, (at, truth)) in self.truths.iter().enumerate() {
            let rest = &self.truths[index + 1..];
            let told = |(_, truth): &&(i64, Truth)| !matches!(truth, Truth::Due);
            let goes_on = rest.iter().find(told).map_or(i64::MAX, |(at, _)| *at);
            let Some(opens) = late(truth, *at).filter(|at| *at < goes_on && *at > over) else {
                continue;
            };
            let end = |(at, truth): &&(i64, Truth)| {
                matches!(truth, Truth::Failed { .. } | Truth::Succeeded) && *at > opens
            };
            self.row(rule, opens, severity, "opened");
            over = rest.iter().find(end).map_or(i64::MAX, |(at, _)| *at);
            if over < i64::MAX {
                self.row(rule, over, severity, "closed");
            }
        }
    }

    /// A worker is gone, and ticks go on to call it due. Gives out from when to when.
    fn stuck(&mut self) -> Vec<(i64, i64)> {
        let mut spans = Vec::new();
        for (index, (_, truth)) in self.truths.iter().enumerate() {
            if !matches!(truth, Truth::Failed { next: None, .. }) {
                continue;
            }
            let rest = &self.truths[index + 1..];
            let is_due = |truth: &Truth| matches!(truth, Truth::Due);
            let goes_on = rest.iter().find(|(_, truth)| !is_due(truth));
            let Some(opens) = rest.iter().find(|(_, truth)| is_due(truth)) else {
                continue;
            };
            let opens = opens.0 + 25 * MINUTE;
            if goes_on.is_some_and(|(at, _)| *at <= opens) {
                continue;
            }
            self.row("renewal-stuck", opens, "critical", "opened");
            let end = |(at, truth): &&(i64, Truth)| {
                matches!(truth, Truth::Failed { .. } | Truth::Succeeded) && *at > opens
            };
            let over = rest.iter().find(end).map_or(i64::MAX, |(at, _)| *at);
            if over < i64::MAX {
                self.row("renewal-stuck", over, "critical", "closed");
            }
            spans.push((opens, over));
        }
        spans
    }

    /// Since when it is due, as the log lets one know.
    fn due(&self) -> Option<i64> {
        let first = *self.due_lines.first()?;
        Some(if self.script.generation == Generation::Old {
            first
        } else {
            self.life.due
        })
    }

    fn first(&self, so: impl Fn(&Failed) -> bool) -> Option<i64> {
        self.failures.iter().find(|one| so(one)).map(|one| one.at)
    }

    fn loud(&self) -> Option<i64> {
        self.first(Failed::is_loud)
    }

    /// The first moment from this one on at which its latest failure is loud, or a second tick has
    /// called it due and no attempt has succeeded since.
    fn loud_from(&self, moment: i64, ticks: bool) -> Option<i64> {
        let success = self.succeeded.unwrap_or(i64::MAX);
        let second_tick = self.due_lines.get(1).copied();
        let second_tick = second_tick.map(|tick| tick.max(moment));
        let second_tick = second_tick.filter(|tick| ticks && *tick < success);
        let latest = self.failures.iter().rfind(|one| one.at <= moment);
        let is_loud = latest.is_some_and(Failed::is_loud);
        let loud = self.first(|one| one.at > moment && one.is_loud());
        let loud = if is_loud { Some(moment) } else { loud };
        loud.into_iter().chain(second_tick).min()
    }

    fn limit(&self, one: &Failed) -> &'static str {
        let outlasts = one.what.fault.limit > self.life.not_after;
        if self.life.not_after.is_some() && outlasts {
            "critical"
        } else {
            "warning"
        }
    }

    fn failing(&self) -> [(&'static str, Option<i64>); 3] {
        let loud = self.loud();
        let last = self.life.not_after.map(|not_after| {
            let known = self.script.generation != Generation::Old;
            let lifetime = (not_after - self.life.due) * 3;
            not_after - if known { lifetime / 20 } else { 48 * HOUR }
        });
        let last = last.and_then(|last| self.loud_from(last, false));
        // A success is no recovery yet, but nothing fails any more.
        let success = self.succeeded.unwrap_or(i64::MAX);
        [
            ("info", self.first(|_| true)),
            ("warning", loud),
            ("critical", last.filter(|last| *last < success)),
        ]
    }

    fn dead(&self) -> Option<i64> {
        let first = self.life.not_after.is_none();
        self.first(|one| one.next.is_none()).filter(|_| first)
    }

    /// The first announcement of an attempt that comes after the end.
    fn too_late(&self) -> Option<i64> {
        let not_after = self.life.not_after?;
        let late = self.truths.iter().find(|(_, truth)| match truth {
            Truth::Failed { next, .. } | Truth::Canceled { next } => {
                next.is_some_and(|next| next >= not_after)
            }
            _ => false,
        });
        late.map(|(at, _)| *at)
    }

    fn tries(&self, one: &Failed) -> Option<usize> {
        let (not_after, failures) = (self.life.not_after?, one.what.failures?);
        let (mut tries, mut start) = (0, one.next?);
        while start < not_after {
            tries += 1;
            let wait = wait(self.script.generation, failures + tries);
            start = match one.what.phase {
                Some(phase) => tick_after(phase, start + S / 2 + wait),
                None => start + wait,
            };
        }
        Some(tries)
    }

    fn last_tries(&self) -> [(&'static str, Option<i64>); 2] {
        let few = |most: usize| self.first(|one| self.tries(one).is_some_and(|left| left <= most));
        [("warning", few(4)), ("critical", few(1))]
    }

    fn expiring(&self) -> [(&'static str, Option<i64>); 2] {
        let share = |percent: i64| {
            let not_after = self.life.not_after?;
            let advised = self.advised.map(|_| self.life.due);
            let due = self.due().or(advised).filter(|due| *due < not_after)?;
            let moment = due + (not_after - due) / 100 * percent;
            // Nobody calls it due: that is enough, once there was time for it.
            let unnoticed = self.advised.map(|advised| moment.max(advised + 2 * TICK));
            let noticed = self.due_lines.first().copied().unwrap_or(i64::MAX);
            let unnoticed = unnoticed.filter(|moment| *moment < noticed);
            unnoticed.or_else(|| self.loud_from(moment, true))
        };
        [("warning", share(50)), ("critical", share(90))]
    }

    fn overdue(&self) -> Option<i64> {
        let worth = [self.first(|_| true), self.due_lines.get(1).copied()];
        let worth = worth.into_iter().flatten().min()?;
        let has_ari = self.script.generation != Generation::Old;
        Some((self.due()? + DAY).max(worth)).filter(|_| has_ari)
    }

    fn unproven(&self) -> Option<i64> {
        self.life.not_after?;
        self.first(|_| true)?;
        Some(self.succeeded? + 10 * MINUTE)
    }

    fn missed(truth: &Truth, _: i64) -> Option<i64> {
        let (next, predicted) = match truth {
            Truth::Failed { next, failure } => ((*next)?, failure.phase.is_some()),
            Truth::Canceled { next } => ((*next)?, true),
            _ => return None,
        };
        Some(next + 5 * MINUTE + if predicted { TICK } else { 0 })
    }

    fn hanging(truth: &Truth, at: i64) -> Option<i64> {
        matches!(truth, Truth::Began).then_some(at + 2 * HOUR)
    }
}
