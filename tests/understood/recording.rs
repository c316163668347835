//! The recorded scenarios, and what the engine makes of each.

use flate2::read::GzDecoder;
use notafter::caddy::entry::Entry;
use notafter::caddy::event::Event;
use notafter::caddy::vocabulary::Means;
use notafter::engine::evidence::{Origin, Quote};
use notafter::engine::{AlertRow, Engine, Seen};
use notafter::report::json::CertificateRow;
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// A scenario as it was recorded, and understood.
pub(crate) struct Recording {
    pub(crate) version: String,
    pub(crate) scenario: String,
    /// What the lab did, and what Caddy then tried by the lab's own reader.
    pub(crate) truth: Value,
    /// Every failed attempt that the engine counted.
    pub(crate) failures: Vec<Failure>,
    /// What is known of each certificate at the end.
    pub(crate) last: BTreeMap<String, CertificateRow>,
    pub(crate) alerts: Vec<AlertRow>,
    pub(crate) lines: Lines,
}

/// What the engine held of a certificate after a failed attempt.
pub(crate) struct Failure {
    pub(crate) line: u64,
    /// Seconds since the epoch.
    pub(crate) at: f64,
    pub(crate) row: CertificateRow,
}

/// The lines of a log by what they were.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) all: u64,
    /// About certificates, and read.
    pub(crate) known: u64,
    /// Of these, those of which only the facts count.
    pub(crate) noted: u64,
    /// Messages about certificates that no table has.
    pub(crate) unknown: Vec<String>,
    /// Lines that name a certificate, and were taken to be about something else.
    pub(crate) overlooked: Vec<String>,
}

/// All of them, from the fixtures or from where the lab has just written.
pub(crate) static RECORDINGS: LazyLock<Vec<Recording>> = LazyLock::new(|| {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
    let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let captures = std::env::var_os("NOTAFTER_CAPTURES").map_or(fixtures, PathBuf::from);
    let directories = below(captures).into_iter().flat_map(below);
    let recordings = directories.flat_map(|directory| {
        let truth = fs::read_to_string(directory.join("timeline.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        // The recordings of the experiment are compared elsewhere.
        let own = truth
            .get("scenario")
            .map(|_| (log_of(&directory), truth.clone()));
        let other = truth.get("other").map(|names| {
            let mut truth = truth.clone();
            truth["names"] = names.clone();
            truth["scenario"] = "the-other".into();
            (text_of(&directory.join("other.log")), truth)
        });
        let both: Vec<(String, Value)> = own.into_iter().chain(other).collect();
        both
    });
    recordings
        .map(|(log, truth)| Recording::understood(&log, truth, &rules))
        .collect()
});

/// The log with what Caddy has rolled of it.
fn log_of(directory: &Path) -> String {
    let found = fs::read_dir(directory).unwrap();
    let mut rolled: Vec<PathBuf> = found
        .map(|one| one.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "gz"))
        .collect();
    rolled.sort();
    rolled.push(directory.join("caddy.log"));
    rolled.iter().map(|path| text_of(path)).collect()
}

fn text_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|end| end == "gz") {
        GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
    } else {
        (&bytes[..]).read_to_string(&mut text).unwrap();
    }
    text
}

fn below(path: PathBuf) -> Vec<PathBuf> {
    let found = fs::read_dir(path).unwrap().map(|one| one.unwrap().path());
    let mut found: Vec<PathBuf> = found.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

impl Recording {
    fn understood(log: &str, truth: Value, rules: &Arc<RuleSet>) -> Self {
        let word = |key: &str| truth[key].as_str().unwrap().to_owned();
        let mut recording = Self {
            version: word("caddy"),
            scenario: word("scenario"),
            truth,
            failures: Vec::new(),
            last: BTreeMap::new(),
            alerts: Vec::new(),
            lines: Lines::default(),
        };
        let mut engine = Engine::new(Arc::clone(rules));
        for (number, line) in (1..).zip(log.lines()) {
            recording.take(&mut engine, number, line);
        }
        recording.look(&engine);
        recording
    }

    fn take(&mut self, engine: &mut Engine, number: u64, line: &str) {
        let entry = Entry::decode(line.as_bytes()).unwrap();
        let origin = Origin {
            source: "caddy.log".into(),
            line: number,
        };
        let quote = || Quote::new(&origin, line.as_bytes());
        let seen = engine.entry("caddy", &entry, quote, &mut self.alerts);
        let event = Event::of(&entry);
        self.lines.all += 1;
        match seen {
            Seen::Certificate | Seen::Untimed => self.lines.known += 1,
            Seen::Unknown => self.lines.unknown.push(entry.msg.clone()),
            Seen::Other => {
                let names = self.truth["names"].as_object().unwrap();
                let names_one = names.keys().any(|name| line.contains(name.as_str()));
                if names_one && !entry.is_traffic() {
                    self.lines.overlooked.push(entry.msg.clone());
                }
            }
        }
        match event.map(|event| event.means) {
            Some(Means::Noted) => self.lines.noted += 1,
            // The lines that end a failed attempt; a tick finds that a worker died.
            Some(Means::WillRetry | Means::JobFailed | Means::WorkerPanicked | Means::Queued) => {
                let at = entry.field("ts").and_then(Value::as_f64).unwrap();
                for row in self.look(engine) {
                    let line = number;
                    self.failures.push(Failure { line, at, row });
                }
            }
            // A success ends a streak.
            Some(Means::Succeeded | Means::Replaced) => drop(self.look(engine)),
            _ => {}
        }
    }

    /// Takes over what is known now; returns the certificates with one more failed attempt.
    fn look(&mut self, engine: &Engine) -> Vec<CertificateRow> {
        let mut failed = Vec::new();
        for (instance, at, certificate) in engine.certificates() {
            let row = CertificateRow::new(instance, certificate, at);
            let before = self.last.insert(row.name.clone(), row.clone());
            if row.attempts_total > before.map_or(0, |before| before.attempts_total) {
                failed.push(row);
            }
        }
        failed
    }

    /// The recording, and a name in it, for people.
    pub(crate) fn place(&self, name: &str) -> String {
        format!("{} {} {name}", self.version, self.scenario)
    }

    /// The names with what the lab's own reader found.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.truth["names"].as_object().unwrap().iter()
    }

    /// When attempts of a name began, in seconds since the epoch.
    pub(crate) fn began(&self, name: &str) -> impl Iterator<Item = f64> {
        let zero = self.truth["zero"].as_f64().unwrap();
        let attempts = self.truth["names"][name]["attempts"].as_array().unwrap();
        attempts
            .iter()
            .filter_map(move |one| Some(zero + one["started"].as_f64()?))
    }

    /// Attempts of a name that ended and did not succeed.
    pub(crate) fn failed(&self, name: &str) -> usize {
        let attempts = self.truth["names"][name]["attempts"].as_array().unwrap();
        let failed = attempts
            .iter()
            .filter(|attempt| attempt["succeeded"] == false && !attempt["ended"].is_null());
        failed.count()
    }
}
