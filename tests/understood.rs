//! What notafter understood of the recorded scenarios, against what the lab did: name, attempt,
//! cause, CA, expiry and next attempt of each failure, and every line about certificates.

#[cfg(test)]
#[path = "understood/recording.rs"]
mod recording;
#[cfg(test)]
#[path = "understood/table.rs"]
mod table;

#[cfg(test)]
mod understood {
    use crate::recording::{Failure, RECORDINGS, Recording};
    use crate::table::{CA, Table};
    use notafter::caddy::ca::Ca;
    use notafter::caddy::cause::{Cause, SeenBy};
    use notafter::engine::certificate::RetrySource;
    use std::collections::BTreeSet;

    fn is_right(recording: &Recording, failure: &Failure, not_after: Option<i64>) {
        let Failure { line, row, .. } = failure;
        let place = format!("{}, line {line}", recording.place(&row.name));
        let truth = |key: &str| recording.truth[key].as_str();
        assert_eq!(row.cause.map(Cause::word), truth("cause"), "{place}");
        assert_eq!(row.seen_by.map(SeenBy::word), truth("seen_by"), "{place}");
        assert_eq!(row.ca.map(Ca::word), Some(CA), "{place}");
        let known = row.not_after.map(notafter::time::LogTime::seconds);
        match (known, not_after) {
            (None, None) => {}
            (Some(known), Some(end)) => assert!((known - end).abs() <= 1, "{place}: {known}"),
            differing => panic!("{place}: {differing:?}"),
        }
    }

    #[test]
    fn every_failing_attempt_is_understood_as_the_lab_arranged_it() {
        assert!(RECORDINGS.len() >= 146, "{}", RECORDINGS.len());
        let mut table = Table::default();
        for recording in RECORDINGS.iter() {
            for (name, told) in recording.names() {
                let own: Vec<&Failure> = recording
                    .failures
                    .iter()
                    .filter(|one| &one.row.name == name)
                    .collect();
                let place = recording.place(name);
                assert_eq!(
                    own.len(),
                    recording.failed(name),
                    "{place}: failed attempts"
                );
                for failure in &own {
                    is_right(recording, failure, told["not_after"].as_i64());
                }
                table.add(recording, own.len());
            }
        }
        println!("{table}");
    }

    /// `the-other` is the second log of a recording.
    #[test]
    fn the_pages_tell_of_all_recordings() {
        if std::env::var_os("NOTAFTER_CAPTURES").is_some() {
            return;
        }
        let read = |page| std::fs::read_to_string(page).unwrap();
        let (readme, lab) = (read("README.md"), read("tests/lab/README.md"));
        let recordings = RECORDINGS.iter();
        let own: Vec<&Recording> = recordings
            .filter(|one| one.scenario != "the-other")
            .collect();
        let versions: BTreeSet<&str> = own.iter().map(|one| one.version.as_str()).collect();
        let scenarios: BTreeSet<&str> = own.iter().map(|one| one.scenario.as_str()).collect();
        let told = format!(
            "{} recordings of {} versions of Caddy in {} scenarios",
            own.len(),
            versions.len(),
            scenarios.len()
        );
        let words: Vec<&str> = readme.split_whitespace().collect();
        assert!(words.join(" ").contains(&told), "{told}");
        for scenario in scenarios {
            assert!(lab.contains(&format!("`{scenario}`")), "{scenario}");
        }
    }

    #[test]
    fn no_line_about_certificates_is_unknown_or_overlooked() {
        println!(
            "{:<8}{:<22}{:>8}{:>8}{:>8}{:>8}",
            "caddy", "scenario", "lines", "known", "noted", "unknown"
        );
        for recording in RECORDINGS.iter() {
            let (lines, place) = (&recording.lines, recording.place(""));
            println!(
                "{:<8}{:<22}{:>8}{:>8}{:>8}{:>8}",
                recording.version,
                recording.scenario,
                lines.all,
                lines.known,
                lines.noted,
                lines.unknown.len()
            );
            assert!(lines.known > 0, "{place}");
            assert!(lines.unknown.is_empty(), "{place}: {:?}", lines.unknown);
            assert!(
                lines.overlooked.is_empty(),
                "{place}: {:?}",
                lines.overlooked
            );
        }
    }

    /// A reload, a restart and a kill make Caddy change its mind.
    #[test]
    fn the_next_attempt_came_when_it_was_said_to() {
        #[expect(clippy::cast_precision_loss, reason = "times of this century")]
        let precise = |at: notafter::time::LogTime| at.micros() as f64 / 1e6;
        let mut checked = 0;
        for recording in RECORDINGS.iter() {
            if ["reload", "restart", "kill"].contains(&recording.scenario.as_str()) {
                continue;
            }
            for Failure { line, at, row } in &recording.failures {
                let place = format!("{}, line {line}", recording.place(&row.name));
                let Some(began) = recording.began(&row.name).find(|began| began > at) else {
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
        assert!(checked >= 120, "{checked}");
    }

    #[test]
    fn what_became_of_each_scenario_is_known() {
        for recording in RECORDINGS.iter() {
            let state = |name: &str| recording.last.get(name).map_or("", |row| row.state);
            let version = recording.version.as_str();
            let expected = match recording.scenario.as_str() {
                // 2.6.2 fails for ever, and the workers of those up to 2.10.2 die of it.
                "account-lost" if !version.starts_with("2.11.") => ["healthy", "expired"],
                "account-lost" | "test-ca-recovers" | "obtain" | "renew" | "internal"
                | "two-instances" | "the-other" | "dns01" | "dns01-recovers" => {
                    ["healthy", "healthy"]
                }
                // Of these the log ends before the certificates do.
                "encoders" => ["failing", "failing"],
                "on-demand" => ["expired", ""],
                "obtain-dead" => ["ended", "ended"],
                "fall-through" => ["wrong-issuer", "wrong-issuer"],
                _ => ["expired", "expired"],
            };
            let states = ["start.example.test", "later.example.test"].map(state);
            assert_eq!(states, expected, "{}", recording.place(""));
        }
    }

    /// A job of a handshake dies with it: after 90 s where the certificate has expired, after 3 min where
    /// there is none (certmagic v0.25.3 `handshake.go`).
    #[test]
    fn a_retry_beyond_the_handshake_never_came_and_nobody_waits_for_it() {
        let recordings = RECORDINGS.iter();
        for recording in recordings.filter(|one| one.scenario == "on-demand") {
            for guest in ["late.example.test", "stranger.example.test"] {
                let attempts = &recording.truth["guests"][guest]["attempts"];
                let announced = attempts[1]["announced"].as_f64().unwrap();
                let came = attempts[2]["started"].as_f64();
                let off = came.map(|came| (came - announced).abs());
                let place = recording.place(guest);
                assert!(off.is_none_or(|off| off > 2.0), "{place}: {off:?} s off");
            }
            let told = recording.alerts.iter();
            let mut names = told.filter_map(|alert| alert.certificate.as_deref());
            let only = names.all(|name| name == "start.example.test");
            assert!(only && recording.last.len() == 1, "{}", recording.place(""));
        }
    }
}
