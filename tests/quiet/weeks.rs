//! Three weeks of a healthy server: fifty names, renewals, reloads, deploys, first attempts that fail.

use crate::server::{Server, Style};
use crate::told::Told;
use notafter::rules::Severity;

#[test]
fn three_weeks_of_a_healthy_server_wake_nobody() {
    for style in Style::ALL {
        // Every second name becomes due within the three weeks.
        let due = (0..50).map(|n| {
            let due = if n % 2 == 0 {
                f64::from(n) * 0.4 + 0.3
            } else {
                40.0
            };
            (format!("n{n}.example.com"), due)
        });
        let lines = Server::new(style, 90.0, due).live(21, &[1.0, 7.0, 13.0, 19.0]);
        let told = Told::by_watch(&lines, 0.0);
        let loud = told.incidents(Severity::Warning);
        assert!(loud.is_empty(), "{style:?}: {loud:#?}");
        assert!(told.loud().is_empty());
        let rows = told.rows.iter();
        let failed = rows.filter(|row| row.rule == "renewal-failing").count();
        assert_eq!(
            failed, 18,
            "{style:?}: nine first attempts failed, and were made up for"
        );
    }
}
