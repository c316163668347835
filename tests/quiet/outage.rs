//! The CA is down for three hours, and twenty of two thousand names are due.

use crate::server::{DAY, Line, Server, Style};
use crate::told::{Told, by_replay, values};
use notafter::engine::message::Reason;
use notafter::rules::Severity;

const NOON: f64 = DAY + 43_200.0;
const HOUR: f64 = 3_600.0;

/// Names in many zones; of every hundred one becomes due within the first hour of the outage.
fn outage(style: Style, lasts: f64) -> Vec<Line> {
    let due = (0..2_000_u32).map(|n| {
        let name = format!("www.zone{n}.org");
        let due = if n.is_multiple_of(100) {
            (NOON + 60.0 + f64::from(n) * 1.5) / DAY
        } else {
            10.0 + f64::from(n) * 0.01
        };
        (name, due)
    });
    let server = Server::new(style, 90.0, due);
    let mut server = server.without_ca(NOON..NOON + lasts);
    server.refresh(7.0 * HOUR);
    server.live(2, &[])
}

#[test]
fn an_outage_of_the_ca_is_one_incident_opened_and_closed_and_nothing_critical() {
    for style in Style::ALL {
        let lines = outage(style, 3.0 * HOUR);
        let told = Told::by_watch(&lines, HOUR);
        assert_eq!(told.incidents(Severity::Info).len(), 1, "{style:?}");
        let critical = told.incidents(Severity::Critical);
        assert!(critical.is_empty(), "{style:?}: {critical:?}");
        let loud = told.loud();
        let of = |wanted| loud.iter().filter(|one| one.reason == wanted).count();
        let titles: Vec<&str> = loud.iter().map(|one| one.title.as_str()).collect();
        let all = (of(Reason::Opened), of(Reason::Closed), loud.len());
        assert!(
            matches!(all, (1, 1, 2..=5)),
            "{style:?}: {all:?} {titles:#?}"
        );
        let closing = loud.last().unwrap();
        assert_eq!(closing.certificates_total, 20, "{}", closing.body);

        let rows = by_replay(&lines);
        assert_eq!(values(&rows, "incident").len(), 1);
        assert_eq!(values(&rows, "certificate").len(), 20);
        assert!(!values(&rows, "severity").contains("critical"));
        for name in values(&rows, "certificate") {
            let last = rows.iter().rfind(|row| row["certificate"] == name);
            assert_eq!(last.unwrap()["status"], "resolved", "{style:?} {name}");
        }
    }
}

/// Nobody mends it, and certificates of six days run out of tries.
#[test]
fn an_outage_that_outlives_the_certificates_is_one_incident_and_critical() {
    let due = (0..5_u32).map(|n| (format!("www.zone{n}.org"), (NOON + f64::from(n)) / DAY));
    let server = Server::new(Style::NewTable, 6.0, due).without_ca(NOON..NOON + 3.0 * DAY);
    let told = Told::by_watch(&server.live(2, &[]), HOUR);
    assert_eq!(told.incidents(Severity::Critical).len(), 1);
    let expired = told.rows.iter().filter(|row| row.rule == "expired");
    assert!(expired.count() > 0);
}
