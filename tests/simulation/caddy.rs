//! A Caddy that lives through a seed: starts, ticks, reloads, deaths.

use crate::life::life;
use crate::random::Random;
use crate::script::{DAY, Generation, HOUR, MINUTE, News, S, Script, TICK, Truth, tick_after};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// When lives begin: 2026-05-01T01:46:40Z.
const T: i64 = 1_777_600_000 * S;
/// Where our own clock must not overtake the log's: 2100-01-01T00:00:00Z.
pub(crate) const TAPED: i64 = 4_102_444_800 * S;
/// Most lives are short, so that there are many of them.
const LINES_MAX: [usize; 10] = [60, 80, 100, 120, 150, 200, 300, 100, 120, 1_400];
/// What is begun has to be ended in no more than another hundred.
pub(crate) const LINES_AT_MOST: usize = 1_350;
/// A renewed certificate of six days is not due again before all is over.
const LASTS: i64 = 48 * HOUR;
const NAMES: [&str; 4] = [
    "a.example.com",
    "b.example.com",
    "*.c.example.com",
    "d.example.org",
];

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Tick,
    Attempt(usize),
    End(usize),
    /// The new expiry is told.
    Proof(usize),
    Reload,
    /// The host's clock is set.
    Clock,
    /// The process hangs, or is stopped, for a while.
    Death,
    Start,
    /// A message that no version prints.
    Unknown,
    /// The maintenance loop panics at its next ticks, so many times.
    Panics(u32),
    /// Strangers begin to come, one after the other.
    Strangers,
    Guest(usize),
    GuestAgain(usize),
    /// A tale begins, or ends.
    Tale(usize),
    TaleEnd(usize),
    /// The configuration that is loaded has its storage cleaned every day.
    Clean,
}

impl Step {
    /// Whether it does not depend on the process that runs.
    fn is_of_the_world(self) -> bool {
        matches!(
            self,
            Self::Proof(_)
                | Self::Reload
                | Self::Clock
                | Self::Death
                | Self::Start
                | Self::Unknown
                | Self::Panics(_)
                | Self::Strangers
                | Self::Tale(_)
                | Self::TaleEnd(_)
        )
    }
}

/// Who began a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Start,
    Maintenance,
}

/// A job of one certificate in the running process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// Under way or asleep.
    pub(crate) open: bool,
    pub(crate) origin: Origin,
    pub(crate) began: i64,
    pub(crate) failures: usize,
    /// Where ticks pace it: no attempt before.
    pub(crate) not_before: i64,
    /// When the job began.
    pub(crate) since: i64,
    /// Its worker panicked: it counts as open for ever, and does nothing.
    pub(crate) dead: bool,
}

pub(crate) struct Caddy<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) script: Script,
    /// What comes, in order.
    pub(crate) agenda: BTreeSet<(i64, Step)>,
    pub(crate) phase: i64,
    pub(crate) jobs: BTreeMap<usize, Job>,
    pub(crate) done: BTreeSet<usize>,
    /// Names with a failed attempt.
    pub(crate) failed: BTreeSet<usize>,
    /// Everything is mended, and all comes to an end.
    pub(crate) last_act: bool,
    /// Only a new process ends what is wrong.
    pub(crate) has_to_restart: bool,
    /// Lines up to here are written already, by the process that runs.
    pub(crate) busy: i64,
    /// Tales that wait for a tick.
    pub(crate) ready: BTreeSet<usize>,
    /// Tales that have begun and not ended.
    pub(crate) told: BTreeSet<usize>,
    /// When the certificates of tales expire.
    pub(crate) ends: BTreeMap<usize, i64>,
    /// Panics of the loop that are to come, and that were.
    pub(crate) panics: (u32, u32),
    /// When the process last had its storage cleaned.
    pub(crate) cleaned: Option<i64>,
    /// What a stamp in the storage says of that.
    pub(crate) stamped: Option<i64>,
    /// A certificate that somebody gave to Caddy, when it expires, and from when on Caddy is given
    /// another one.
    pub(crate) unmanaged: Option<(i64, i64)>,
}

/// The hosts of a seed. Two of them have the same names, and nothing else in common.
pub(crate) fn world(seed: u64) -> Vec<Script> {
    let mut random = Random::new(seed);
    let hosts = if random.chance(25) { 2 } else { 1 };
    let host = |number: usize| Script {
        host: format!("host{number}"),
        ..live(&mut random, (T, LINES_AT_MOST / hosts))
    };
    (0..hosts).map(host).collect()
}

/// What one Caddy lives through from a moment on; it writes little more than so many lines.
pub(crate) fn live(random: &mut Random, (begins, lines_at_most): (i64, usize)) -> Script {
    let generation = random.one(&[Generation::Old, Generation::New, Generation::Paced]);
    let start = begins + random.between(0, DAY);
    let count = usize::try_from(random.between(1, 5)).unwrap();
    let lives = NAMES
        .iter()
        .take(count)
        .map(|name| life(random, name, start))
        .collect();
    let script = Script {
        host: String::new(),
        generation,
        lives,
        lines: Vec::new(),
        truth: BTreeMap::new(),
        news: Vec::new(),
        tales: Vec::new(),
        offset: 0,
        end: start,
    };
    let mut caddy = Caddy {
        random,
        script,
        agenda: BTreeSet::new(),
        phase: start,
        jobs: BTreeMap::new(),
        done: BTreeSet::new(),
        failed: BTreeSet::new(),
        last_act: false,
        has_to_restart: false,
        busy: start,
        ready: BTreeSet::new(),
        told: BTreeSet::new(),
        ends: BTreeMap::new(),
        panics: (0, 0),
        cleaned: None,
        stamped: None,
        unmanaged: None,
    };
    if caddy.random.chance(8) {
        caddy.begin_late(start);
    } else {
        caddy.plan(start);
        caddy.plan_more(start);
        caddy.start(start);
    }
    caddy.run(start, lines_at_most)
}

impl Caddy<'_> {
    /// What the world does to it.
    pub(crate) fn plan(&mut self, start: i64) {
        for step in [Step::Start, Step::Reload, Step::Death, Step::Clock] {
            for _ in 0..self.random.one(&[0, 0, 1, 2]) {
                // Most of it early, while most lives still go on.
                let longest = self.random.one(&[2, 10, 60]) * HOUR;
                let at = start + self.random.between(MINUTE, longest);
                self.agenda.insert((at, step));
            }
        }
    }

    fn run(mut self, start: i64, at_most: usize) -> Script {
        let lines_max = self.random.one(&LINES_MAX).min(at_most);
        while let Some((at, step)) = self.agenda.pop_first() {
            if !self.last_act && (self.script.lines.len() > lines_max || at > start + LASTS) {
                self.agenda.insert((at, step));
                self.begin_last_act(at);
                continue;
            }
            let cuts = matches!(step, Step::Start | Step::Reload | Step::Death | Step::Clock);
            if cuts && at < self.busy {
                self.agenda.insert((self.busy + S, step));
                continue;
            }
            self.step(at, step);
            if self.is_over() {
                break;
            }
        }
        self.script.lines.sort_by_key(|line| line.order);
        if self.random.chance(20) {
            self.lose_log();
        }
        self.script.news.sort_by_key(|(at, _)| *at);
        let stamps = self.script.lines.iter().map(|line| line.at);
        self.script.end = stamps.max().unwrap_or_default();
        self.script
    }

    fn is_over(&self) -> bool {
        let last_act = self.last_act;
        let waits = |(_, step): &(i64, Step)| {
            matches!(step, Step::Proof(_) | Step::TaleEnd(_)) || last_act && *step == Step::Start
        };
        let is_quiet = !self.agenda.iter().any(waits) && !self.works() && self.ready.is_empty();
        let all = self.done.len() == self.script.lives.len() && !self.has_to_restart;
        is_quiet && (last_act || all)
    }

    /// Whether an attempt is under way or to come.
    pub(crate) fn works(&self) -> bool {
        self.jobs.values().any(|job| job.open && !job.dead)
    }

    fn step(&mut self, at: i64, step: Step) {
        match step {
            Step::Tick => self.tick(at),
            Step::Attempt(who) => self.attempt(at, who),
            Step::End(who) => self.finish(at, who),
            Step::Proof(who) => self.prove(at, who),
            Step::Reload => self.reload(at),
            Step::Clock => self.set_clock(),
            Step::Death => self.die(at),
            Step::Start => {
                self.stop(at);
                self.start(at);
            }
            Step::Unknown => self.say_unknown(at),
            Step::Panics(times) => self.panics.0 += times,
            Step::Strangers => self.open_door(at),
            Step::Guest(number) => self.guest(at, number, 1),
            Step::GuestAgain(number) => self.guest(at, number, 2),
            Step::Tale(who) => self.begin_tale(at, who),
            Step::TaleEnd(who) => self.end_tale(at, who),
            Step::Clean => self.clean(at),
        }
    }

    /// All causes are removed and Caddy is restarted, so that everything can close.
    fn begin_last_act(&mut self, at: i64) {
        self.last_act = true;
        self.agenda
            .retain(|(_, step)| matches!(step, Step::Proof(_) | Step::TaleEnd(_)));
        self.ready.retain(|who| self.told.contains(who));
        self.panics.0 = 0;
        self.unmanaged = None;
        for life in &mut self.script.lives {
            life.fixed = life.fixed.min(at);
            life.hangs = None;
            life.panics = false;
            life.overlooked = false;
        }
        self.agenda.insert((at, Step::Start));
    }

    fn set_clock(&mut self) {
        // Ticks are known by their phase, which a step of whole ticks keeps.
        let ticks = self.random.between(1, 36) * TICK;
        // Two of them are not noticed, either.
        let back = self.random.between(S / 10, S / 2);
        let ahead = self.random.chance(60);
        self.script.offset += if ahead { ticks } else { -back };
    }

    /// Everything that the process had under way is gone.
    fn stop(&mut self, at: i64) {
        self.agenda.retain(|(_, step)| step.is_of_the_world());
        self.jobs.clear();
        self.note_stop(at);
    }

    fn note_stop(&mut self, at: i64) {
        for life in self.script.lives.clone() {
            self.script.is(&life.name, at, Truth::Stopped);
        }
    }

    /// Silence for a while, then a new process.
    fn die(&mut self, at: i64) {
        if self.random.chance(40) {
            let msg = "shutting down apps, then terminating";
            self.script.line(at, "", msg, json!({"signal": "SIGTERM"}));
            self.stop(at);
        }
        let back = at + self.random.between(MINUTE, 20 * HOUR);
        if self.random.chance(30) && back - at > 10 * MINUTE {
            let lost = at + self.random.between(MINUTE, 3 * MINUTE);
            self.script.tell(lost, News::Lost);
            let found = lost + self.random.between(MINUTE, back - lost - MINUTE);
            self.script.tell(found, News::Found);
        }
        // Nothing happens meanwhile, and one thing after the other then.
        let mut later = back;
        let agenda = std::mem::take(&mut self.agenda).into_iter();
        let kept = agenda.filter(|(_, step)| step.is_of_the_world());
        let late = kept.map(|(at, step)| {
            later += MINUTE;
            (at.max(later), step)
        });
        self.agenda = late.collect();
        self.agenda.insert((back, Step::Start));
    }

    /// A new maintenance loop, and the names that it manages.
    fn begin_loop(&mut self, at: i64) {
        self.script.tell(at, News::LoopBegan);
        self.panics.1 = 0;
        self.begin_ticks(at);
        self.load(at);
    }

    pub(crate) fn begin_ticks(&mut self, at: i64) {
        self.phase = at;
        let msg = "started background certificate maintenance";
        self.script
            .line(at, "tls.cache.maintenance", msg, json!({"cache": "0xc0"}));
        self.agenda.retain(|(_, step)| *step != Step::Tick);
        self.agenda.insert((at + TICK, Step::Tick));
    }

    fn load(&mut self, at: i64) {
        let lives = self.script.lives.iter().map(|life| &life.name);
        let tales = self.script.tales.iter().map(|(name, _)| name);
        let names: Vec<&String> = lives.chain(tales).collect();
        let managed = json!({"domains": names});
        let msg = "enabling automatic TLS certificate management";
        self.script.line(at + 1_000, "http", msg, managed);
        // Not again where it was done in the last half of its interval (Caddy v2.6.2 `tls.go`).
        if self.cleaned.is_none_or(|cleaned| at - cleaned >= DAY / 2) {
            self.clean(at + 2_000);
        } else {
            self.clean_daily(at);
        }
        self.load_unmanaged(at + 3_000);
    }

    fn start(&mut self, at: i64) {
        self.cleaned = None;
        self.begin_loop(at);
        for who in 0..self.script.lives.len() {
            let moment = at + 5_000 + self.random.between(0, 40_000);
            let life = self.script.lives[who].clone();
            if self.done.contains(&who) {
                continue;
            }
            if life.not_after.is_some() {
                self.advise(moment, who);
            }
            if life.not_after.is_some() && (life.overlooked || !self.is_due(who, at)) {
                continue;
            }
            if life.not_after.is_some() {
                self.decide(moment, who);
            }
            self.begin(moment + 5_000, who, Origin::Start);
        }
    }

    /// Another configuration. What it does depends on the generation, and on who began the job.
    pub(crate) fn reload(&mut self, at: i64) {
        let old = self.script.generation == Generation::Old;
        if old {
            self.note_stop(at);
            self.begin_loop(at);
        } else {
            self.load(at);
        }
        for who in 0..self.script.lives.len() {
            let moment = at + 5_000 + self.random.between(0, 40_000);
            let life = self.script.lives[who].clone();
            let job = self.jobs.get(&who).copied().filter(|job| job.open);
            let first = life.not_after.is_none();
            let ends = |job: &Job| !job.dead && (old || first || job.origin == Origin::Start);
            if job.as_ref().is_some_and(ends) {
                self.agenda
                    .retain(|(_, step)| *step != Step::Attempt(who) && *step != Step::End(who));
                self.jobs.remove(&who);
                self.cancel(moment, who, first, old);
            }
            if first && !self.done.contains(&who) {
                self.begin(moment + 5_000, who, Origin::Start);
            }
        }
    }

    fn cancel(&mut self, at: i64, who: usize, first: bool, old: bool) {
        let name = self.script.lives[who].name.clone();
        let error = if old && !first {
            format!("[{name}] context canceled")
        } else {
            let verb = if first { "obtaining" } else { "renewing" };
            format!("{name}: {verb} certificate: context canceled")
        };
        self.script
            .line(at, "tls", "job failed", json!({"error": error}));
        let next = (!old && !first).then(|| tick_after(self.phase, at) + self.script.offset);
        self.script.is(&name, at, Truth::Canceled { next });
    }

    pub(crate) fn is_due(&self, who: usize, at: i64) -> bool {
        self.script.lives[who].due <= at + self.script.offset
    }

    fn tick(&mut self, tick: i64) {
        self.agenda.insert((tick + TICK, Step::Tick));
        if self.panics.0 > 0 {
            self.panic(tick);
            return;
        }
        let mut at = tick;
        for who in 0..self.script.lives.len() {
            let life = &self.script.lives[who];
            let ignored = life.not_after.is_none() || life.overlooked;
            if ignored || self.done.contains(&who) || !self.is_due(who, tick) {
                continue;
            }
            at += self.random.between(1_000, 20_000);
            self.decide(at, who);
            let job = self.jobs.get(&who).copied();
            let open = job.is_some_and(|job| job.open);
            if job.is_some_and(|job| !job.open && at < job.not_before) {
                continue;
            }
            self.queue(at + 100, who);
            if !open {
                self.begin(at + 1_000, who, Origin::Maintenance);
            }
        }
        for who in std::mem::take(&mut self.ready) {
            at += 30_000;
            self.renew_of_tale(at, who);
        }
    }
}
