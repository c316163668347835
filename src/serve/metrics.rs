//! A snapshot as a page in Prometheus' text format 0.0.4.

use crate::engine::certificate::RetrySource;
use crate::report::json::CertificateRow;
use crate::serve::snapshot::{InstanceRow, Snapshot};
use crate::time::LogTime;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// Labels of one sample, in order.
type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// Writes the page.
pub fn page(snapshot: Snapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("notafter");
    registry.register_collector(Box::new(Shown(snapshot)));
    let mut page = String::new();
    // Without the end mark, which only the other format has.
    encode_registry(&mut page, &registry)?;
    Ok(page)
}

#[derive(Debug)]
struct Shown(Snapshot);

impl Collector for Shown {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page { encoder };
        page.expiry(&self.0.certificates)?;
        page.renewal(&self.0.certificates)?;
        page.instances(&self.0.instances)?;
        page.watcher(&self.0)
    }
}

struct Page<'e> {
    encoder: DescriptorEncoder<'e>,
}

impl Page<'_> {
    fn gauge<'a, const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl Iterator<Item = (Labels<'a, N>, V)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, samples)
    }

    /// One metric with its samples. A counter is encoded as a gauge is, under its whole name: the
    /// crate's own way adds `_total` to the samples alone, which is right in `OpenMetrics` only.
    fn family<'a, const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        samples: impl Iterator<Item = (Labels<'a, N>, V)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in samples {
            if N == 0 {
                metric.encode_gauge(&value)?;
            } else {
                metric.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn expiry(&mut self, rows: &[CertificateRow]) -> fmt::Result {
        self.gauge(
            "certificate_not_after_timestamp_seconds",
            "When the certificate expires; source: where that is known from.",
            rows.iter().filter_map(|row| {
                let source = ("source", row.not_after_source?);
                Some((with(row, source), seconds(row.not_after?)))
            }),
        )?;
        self.gauge(
            "certificate_due_since_timestamp_seconds",
            "When the renewal became due; source: the CA's wish (ari), the last third of the lifetime (ratio), or the first line that called it due (seen).",
            rows.iter().filter_map(|row| {
                let source = ("source", row.due_since_source?.word());
                Some((with(row, source), seconds(row.due_since?)))
            }),
        )?;
        self.gauge(
            "certificate_failing_since_timestamp_seconds",
            "The first failure of the current streak; absent when nothing fails.",
            rows.iter()
                .filter_map(|row| Some((of(row), seconds(row.failing_since?)))),
        )?;
        self.gauge(
            "certificate_state",
            "What the certificate is, in one word: always 1, and only for the state it is in.",
            rows.iter()
                .map(|row| (with(row, ("state", row.state)), 1_u32)),
        )
    }

    fn renewal(&mut self, rows: &[CertificateRow]) -> fmt::Result {
        self.gauge(
            "renewal_next_retry_timestamp_seconds",
            "When Caddy tries again; source: announced by Caddy or predicted from its back-off.",
            rows.iter().filter_map(|row| {
                let source = row.next_retry_source.map(RetrySource::word)?;
                Some((with(row, ("source", source)), seconds(row.next_retry?)))
            }),
        )?;
        self.gauge(
            "renewal_tries_left",
            "Attempts that still start before the certificate expires.",
            rows.iter()
                .filter_map(|row| Some((of(row), row.tries_left?))),
        )?;
        self.gauge(
            "renewal_failed_attempts",
            "Failed attempts of the current streak, across restarts of Caddy; absent when nothing fails.",
            rows.iter()
                .filter(|row| row.failing_since.is_some())
                .map(|row| (of(row), row.attempts_total)),
        )
    }

    fn instances(&mut self, rows: &[InstanceRow]) -> fmt::Result {
        self.family(
            "lines_total",
            "Log lines read.",
            MetricType::Counter,
            rows.iter()
                .map(|row| ([("instance", row.name.as_str())], row.lines)),
        )?;
        self.family(
            "understood_lines_total",
            "Entries of Caddy among the log lines; none of many means that its keys are renamed, or that it is another log.",
            MetricType::Counter,
            rows.iter()
                .map(|row| ([("instance", row.name.as_str())], row.understood)),
        )?;
        self.family(
            "unreadable_lines_total",
            "Log lines that are no entries of Caddy.",
            MetricType::Counter,
            rows.iter()
                .map(|row| ([("instance", row.name.as_str())], row.unreadable)),
        )?;
        self.gauge(
            "source_log_time_timestamp_seconds",
            "How far the log has come, by its own clock.",
            rows.iter().filter_map(|row| {
                let labels = [("instance", row.name.as_str())];
                Some((labels, seconds(row.log_time?)))
            }),
        )
    }

    fn watcher(&mut self, snapshot: &Snapshot) -> fmt::Result {
        self.gauge(
            "alerts",
            "Open alerts.",
            snapshot
                .alerts
                .iter()
                .map(|(severity, count)| ([("severity", severity.word())], *count)),
        )?;
        self.gauge(
            "outbox_entries",
            "Messages that a channel has not taken yet.",
            snapshot
                .outbox
                .iter()
                .flatten()
                .map(|(channel, count)| ([("channel", channel.as_str())], *count)),
        )?;
        self.gauge(
            "certificates_left_out",
            "Certificates that are known but not exported here, because they are too many.",
            [([], snapshot.left_out)].into_iter(),
        )?;
        self.gauge(
            "build_info",
            "The running version.",
            [([("version", env!("CARGO_PKG_VERSION"))], 1_u32)].into_iter(),
        )
    }
}

/// The labels that every sample of a certificate has.
fn of(row: &CertificateRow) -> Labels<'_, 2> {
    [("instance", &row.instance), ("certificate", &row.name)]
}

fn with<'a>(row: &'a CertificateRow, last: (&'static str, &'a str)) -> Labels<'a, 3> {
    let [instance, certificate] = of(row);
    [instance, certificate, last]
}

/// Whole seconds, rounded down, as everywhere else.
fn seconds(moment: LogTime) -> i64 {
    moment.seconds()
}
