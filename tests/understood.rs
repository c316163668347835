//! What notafter understood of each failing attempt in the recorded scenarios, against what the lab
//! did: name, attempt, cause, CA and expiry.

#[cfg(test)]
mod understood {
    use notafter::caddy::ca::Ca;
    use notafter::caddy::cause::{Cause, SeenBy};
    use notafter::caddy::entry::Entry;
    use notafter::engine::Engine;
    use notafter::engine::certificate::RetrySource;
    use notafter::engine::evidence::{Origin, Quote};
    use notafter::report::json::CertificateRow;
    use notafter::rules::{BUILT_IN, Configured, RuleSet};
    use serde_json::Value;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    /// The lines that end a failed attempt.
    const ENDS: [&str; 2] = ["will retry", "job failed"];
    /// The authorities of the lab are none of the well-known ones.
    const CA: &str = "other";

    /// A scenario as it was recorded.
    struct Recording {
        log: PathBuf,
        version: String,
        scenario: String,
        truth: Value,
    }

    /// What the engine held of a certificate after a failed attempt.
    struct Failure {
        line: usize,
        /// Seconds since the epoch.
        at: f64,
        row: CertificateRow,
    }

    fn recordings() -> Vec<Recording> {
        let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
        let below = |path: PathBuf| -> Vec<PathBuf> {
            let found = fs::read_dir(path).unwrap().map(|one| one.unwrap().path());
            let mut found: Vec<PathBuf> = found.filter(|path| path.is_dir()).collect();
            found.sort();
            found
        };
        let directories = below(captures).into_iter().flat_map(below);
        let recording = |directory: PathBuf| {
            let truth = fs::read_to_string(directory.join("timeline.json")).ok()?;
            let truth: Value = serde_json::from_str(&truth).unwrap();
            Some(Recording {
                log: directory.join("caddy.log"),
                version: truth["caddy"].as_str()?.to_owned(),
                scenario: truth["scenario"].as_str()?.to_owned(),
                truth,
            })
        };
        directories.filter_map(recording).collect()
    }

    /// Every failed attempt that the engine counted, by name; and the last row of each name.
    fn understood(recording: &Recording) -> (Vec<Failure>, BTreeMap<String, CertificateRow>) {
        let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
        let rules = rules.unwrap_or_else(|problems| panic!("{problems}"));
        let mut engine = Engine::new(Arc::new(rules));
        let (mut failures, mut last) = (Vec::new(), BTreeMap::new());
        let text = fs::read_to_string(&recording.log).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let entry = Entry::decode(line.as_bytes()).unwrap();
            let origin = Origin {
                source: "caddy.log".into(),
                line: number,
            };
            let quote = || Quote::new(&origin, line.as_bytes());
            engine.entry("caddy", &entry, quote, &mut Vec::new());
            for (instance, at, certificate) in engine.certificates() {
                let row = CertificateRow::new(instance, certificate, at);
                let before = last.insert(row.name.clone(), row.clone());
                let counted = before.map_or(0, |before: CertificateRow| before.attempts_total);
                if ENDS.contains(&entry.msg.as_str()) && row.attempts_total > counted {
                    let line = usize::try_from(number).unwrap();
                    let at = entry.field("ts").and_then(Value::as_f64).unwrap();
                    failures.push(Failure { line, at, row });
                }
            }
        }
        (failures, last)
    }

    fn seconds(value: &Value) -> i64 {
        value.as_i64().unwrap()
    }

    /// Attempts of a name that ended and did not succeed, by the lab's own reader.
    fn failed(truth: &Value, name: &str) -> usize {
        let attempts = truth["names"][name]["attempts"].as_array().unwrap();
        let failed = attempts
            .iter()
            .filter(|attempt| attempt["succeeded"] == false && !attempt["ended"].is_null());
        failed.count()
    }

    #[test]
    fn every_failing_attempt_is_understood_as_the_lab_arranged_it() {
        let recordings = recordings();
        assert!(recordings.len() >= 20, "{}", recordings.len());
        println!(
            "{:<8}{:<18}{:<22}{:>8}  {:<24}{:<8}{:<8}",
            "caddy", "scenario", "name", "attempts", "cause", "seen by", "CA"
        );
        for recording in recordings {
            let Recording {
                version,
                scenario,
                truth,
                ..
            } = &recording;
            let (failures, _) = understood(&recording);
            let names = truth["names"].as_object().unwrap();
            for (name, told) in names {
                let own: Vec<&Failure> = failures
                    .iter()
                    .filter(|one| &one.row.name == name)
                    .collect();
                let place = format!("{version} {scenario} {name}");
                assert_eq!(own.len(), failed(truth, name), "{place}: failed attempts");
                for Failure { line, row, .. } in &own {
                    let place = format!("{place}, line {line}");
                    assert_eq!(
                        row.cause.map(Cause::word),
                        truth["cause"].as_str(),
                        "{place}"
                    );
                    assert_eq!(
                        row.seen_by.map(SeenBy::word),
                        truth["seen_by"].as_str(),
                        "{place}"
                    );
                    assert_eq!(row.ca.map(Ca::word), Some(CA), "{place}");
                    let off = row
                        .not_after
                        .map(|at| at.seconds() - seconds(&told["not_after"]));
                    assert!(
                        off.is_some_and(|off| off.abs() <= 1),
                        "{place}: {off:?} s off"
                    );
                }
                let (cause, seen_by) = (&truth["cause"], &truth["seen_by"]);
                let word = |value: &Value| {
                    value
                        .as_str()
                        .filter(|_| !own.is_empty())
                        .unwrap_or("-")
                        .to_owned()
                };
                println!(
                    "{version:<8}{scenario:<18}{name:<22}{:>8}  {:<24}{:<8}{:<8}",
                    own.len(),
                    word(cause),
                    word(seen_by),
                    if own.is_empty() { "-" } else { CA }
                );
            }
        }
    }

    /// The next attempt of a name after a moment, in seconds since the epoch.
    fn next_attempt(truth: &Value, name: &str, after: f64) -> Option<f64> {
        let attempts = truth["names"][name]["attempts"].as_array().unwrap();
        let zero = truth["zero"].as_f64().unwrap();
        let began = attempts
            .iter()
            .filter_map(|one| Some(zero + one["started"].as_f64()?));
        began.into_iter().find(|began| *began > after)
    }

    /// A reload and a restart make Caddy change its mind.
    #[test]
    fn the_next_attempt_came_when_it_was_said_to() {
        #[expect(clippy::cast_precision_loss, reason = "times of this century")]
        let precise = |at: notafter::time::LogTime| at.micros() as f64 / 1e6;
        let mut checked = 0;
        for recording in recordings() {
            let Recording {
                version,
                scenario,
                truth,
                ..
            } = &recording;
            if ["reload", "restart"].contains(&scenario.as_str()) {
                continue;
            }
            let (failures, _) = understood(&recording);
            for Failure { line, at, row } in failures {
                let place = format!("{version} {scenario} {}, line {line}", row.name);
                let Some(began) = next_attempt(truth, &row.name, at) else {
                    continue;
                };
                let said = row
                    .next_retry
                    .unwrap_or_else(|| panic!("{place}: nothing was said"));
                let predicted = row.next_retry_source == Some(RetrySource::Predicted);
                let tolerance = if predicted { 10.1 } else { 1.5 };
                let off = began - precise(said);
                assert!(off.abs() <= tolerance, "{place}: {off} s off");
                checked += 1;
            }
        }
        assert!(checked >= 20, "{checked}");
    }

    #[test]
    fn what_became_of_each_scenario_is_known() {
        for recording in recordings() {
            let (_, last) = understood(&recording);
            let state = |name: &str| last.get(name).map_or("", |row| row.state);
            let expected = match recording.scenario.as_str() {
                "account-lost" if recording.version == "2.6.2" => ["healthy", "expired"],
                "account-lost" | "test-ca-recovers" => ["healthy", "healthy"],
                "fall-through" => ["wrong-issuer", "wrong-issuer"],
                _ => ["expired", "expired"],
            };
            let states = ["start.example.test", "later.example.test"].map(state);
            assert_eq!(
                states, expected,
                "{} {}",
                recording.version, recording.scenario
            );
        }
    }
}
