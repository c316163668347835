//! What the loop hands over for one page: plain values, taken in one go.

use crate::engine::Engine;
use crate::report::json::CertificateRow;
use crate::rules::Severity;
use crate::time::LogTime;
use std::collections::{BTreeMap, BTreeSet};

/// On-demand names are chosen by strangers and each costs Prometheus several series, so no more
/// certificates than this are exported.
pub const CERTIFICATES_MAX: usize = 10_000;

/// What was read of one watched Caddy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRow {
    /// Its name.
    pub name: String,
    /// Lines read since the start.
    pub lines: u64,
    /// Entries of Caddy among them.
    pub understood: u64,
    /// Lines among them that are no entries.
    pub unreadable: u64,
    /// How far its log has come.
    pub log_time: Option<LogTime>,
}

/// The watcher at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The watched Caddys.
    pub instances: Vec<InstanceRow>,
    /// Their certificates, at most [`CERTIFICATES_MAX`].
    pub certificates: Vec<CertificateRow>,
    /// How many certificates found no room.
    pub left_out: usize,
    /// Open alerts by severity.
    pub alerts: BTreeMap<Severity, u64>,
    /// Messages still owed, by channel; `None` when that could not be read.
    pub outbox: Option<BTreeMap<String, u64>>,
}

impl Snapshot {
    /// What the engine knows of these instances. Of others it may still remember certificates,
    /// but nobody reads their logs any more, so their values would stand still for ever.
    pub fn new(
        engine: &Engine,
        instances: Vec<InstanceRow>,
        outbox: Option<BTreeMap<String, u64>>,
    ) -> Self {
        let mut shown = Self {
            alerts: Severity::ALL.map(|severity| (severity, 0)).into(),
            outbox,
            ..Self::default()
        };
        let names: BTreeSet<&str> = instances.iter().map(|row| row.name.as_str()).collect();
        let watched = engine.certificates();
        let watched = watched.filter(|(instance, ..)| names.contains(instance));
        // Where not all fit, those in trouble are the ones that matter.
        let (troubled, fine): (Vec<_>, Vec<_>) =
            watched.partition(|(_, _, one)| !one.alerts.is_empty() || one.is_failing());
        for (count, (instance, at, one)) in troubled.into_iter().chain(fine).enumerate() {
            for alert in one.alerts.values() {
                *shown.alerts.entry(alert.severity).or_default() += 1;
            }
            if count < CERTIFICATES_MAX {
                let row = CertificateRow::new(instance, one, at);
                shown.certificates.push(row);
            } else {
                shown.left_out += 1;
            }
        }
        let of_sources = engine.source_alerts();
        let of_sources = of_sources.filter(|(instance, _)| names.contains(instance));
        for alert in of_sources.flat_map(|(_, alerts)| alerts.values()) {
            *shown.alerts.entry(alert.severity).or_default() += 1;
        }
        Self { instances, ..shown }
    }
}
