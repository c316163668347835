//! The table of versions and scenarios.

use crate::recording::Recording;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The authorities of the lab are none of the well-known ones.
pub(crate) const CA: &str = "other";

/// How many failed attempts of each name were understood.
#[derive(Default)]
pub(crate) struct Table {
    versions: BTreeSet<Version>,
    scenarios: BTreeMap<String, Row>,
}

/// Ordered as numbers.
type Version = Vec<u32>;

#[derive(Default)]
struct Row {
    cause: String,
    seen_by: String,
    cells: BTreeMap<Version, Vec<String>>,
}

impl Table {
    pub(crate) fn add(&mut self, recording: &Recording, failed: usize) {
        let version: Version = recording
            .version
            .split('.')
            .map(|number| number.parse().unwrap())
            .collect();
        let word = |key: &str| recording.truth[key].as_str().unwrap_or("-").to_owned();
        let scenario = self.scenarios.entry(recording.scenario.clone());
        let row = scenario.or_insert_with(|| Row {
            cause: word("cause"),
            seen_by: word("seen_by"),
            cells: BTreeMap::new(),
        });
        let cell = row.cells.entry(version.clone()).or_default();
        cell.push(failed.to_string());
        self.versions.insert(version);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            to,
            "{:<22}{:<24}{:<10}{:<8}",
            "scenario", "cause", "seen by", "CA"
        )?;
        for version in &self.versions {
            let parts: Vec<String> = version.iter().map(u32::to_string).collect();
            write!(to, "{:>8}", parts.join("."))?;
        }
        for (scenario, row) in &self.scenarios {
            let ca = if row.cause == "-" { "-" } else { CA };
            let Row { cause, seen_by, .. } = row;
            write!(to, "\n{scenario:<22}{cause:<24}{seen_by:<10}{ca:<8}")?;
            for version in &self.versions {
                let cell = row.cells.get(version).map(|names| names.join("+"));
                write!(to, "{:>8}", cell.as_deref().unwrap_or(""))?;
            }
        }
        writeln!(
            to,
            "\n(failed attempts of each name, all with the cause, authority and expiry of the time line)"
        )
    }
}
