//! The rule files of `rules/`, embedded in the binary.

macro_rules! embedded {
    ($($id:literal),+ $(,)?) => {
        /// Every built-in rule: its file's name and its text.
        pub const BUILT_IN: &[(&str, &str)] = &[$((
            concat!($id, ".toml"),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/", $id, ".toml")),
        )),+];
    };
}

embedded![
    "ca-refused",
    "caddy-crashed",
    "challenge-failing",
    "dns-broken",
    "dns-provider-refused",
    "expired",
    "expiring",
    "gave-up",
    "issuer-downgrade",
    "last-tries",
    "maintenance-dead",
    "obtain-dead",
    "obtain-failing",
    "on-demand-failing",
    "rate-limited",
    "recovered-unproven",
    "renewal-failing",
    "renewal-overdue",
    "renewal-slow",
    "renewal-stuck",
    "retry-after-expiry",
    "retry-missed",
    "revoked",
    "source-lost",
    "source-silent",
    "staging-blocks-production",
    "staging-issued",
    "storage-broken",
    "unknown-tls-error",
    "unmanaged-expiring",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Configured, Context, Expectation, Fact, Facts, RuleSet, Scope};
    use crate::time::LogTime;

    fn built_in() -> RuleSet {
        RuleSet::new(BUILT_IN, Vec::new(), &Configured::default())
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the list is compared with the directory it was made from"
    )]
    fn every_file_of_the_directory_is_embedded() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|file| file != "README.md")
            .collect();
        files.sort();
        let listed: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        assert_eq!(files, listed);
    }

    #[test]
    fn every_severity_of_every_rule_has_an_example_that_opens_it() {
        for rule in built_in().all() {
            for level in &rule.levels {
                let wanted = Expectation::Opens(level.severity);
                let shown = rule.examples.iter().any(|example| example.expect == wanted);
                assert!(shown, "{} {}", rule.id, level.severity);
            }
        }
    }

    #[test]
    fn every_line_of_every_example_is_json_in_order() {
        for rule in built_in().all() {
            for example in &rule.examples {
                let mut before = f64::MIN;
                for line in &example.lines {
                    let entry: serde_json::Value = serde_json::from_str(&line.value).unwrap();
                    let time = entry["ts"].as_f64().unwrap();
                    assert!(time >= before, "{}: {}", rule.id, example.why);
                    before = time;
                }
            }
        }
    }

    #[test]
    fn a_first_failure_reads_as_one_and_caddys_higher_count_is_told() {
        let set = built_in();
        let at = 1_777_845_841;
        let said = |attempt: i64, failing_since: i64, next_retry: i64| {
            let facts = Facts::new()
                .with(Fact::Job, "renew")
                .with(Fact::NotAfter, LogTime::from_seconds(at + 3_600))
                .with(Fact::NextRetry, LogTime::from_seconds(next_retry))
                .with(Fact::NextRetrySource, "announced")
                .with(Fact::TriesLeft, 2_i64)
                .with(Fact::FailingSince, LogTime::from_seconds(failing_since))
                .with(Fact::Attempt, attempt)
                .with(Fact::AttemptsTotal, 1_i64);
            let rule = set.get("renewal-failing").unwrap();
            let context = serde_json::json!({
                "name": "a", "instance": "edge", "severity": "info", "at": at, "advice": null,
                "cert": facts.to_json(Scope::Certificate), "cause": {"name": null},
                "param": rule.names.parameters_json(), "line": {},
            });
            let text = rule.texts.summary.render(&Context::new(&context)).unwrap();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let retry = "Caddy tries again at 2026-05-03 22:05:01 UTC, in 1 min (announced)";
        assert_eq!(
            said(1, at, at + 60),
            [
                "The renewal failed at 2026-05-03 22:04:01 UTC.".to_owned(),
                format!("{retry}; tries left before it expires: 2."),
            ]
        );
        assert_eq!(
            said(25, at - 600, at + 7_200),
            [
                "The renewal has been failing since 2026-05-03 21:54:01 UTC, for 10 min: \
                 1 failed attempt (attempt 25 by Caddy's count).",
                "Caddy tries again at 2026-05-04 00:04:01 UTC, in 2 h (announced), too late: \
                 it expires before that.",
            ]
        );
    }

    /// Whoever is told not to restart is not told to restart after that.
    #[test]
    fn nothing_is_advised_after_a_rate_limit() {
        let set = built_in();
        let remedy = |cause: &str| {
            let rule = set.get("renewal-failing").unwrap();
            let context = serde_json::json!({
                "name": "a", "instance": "edge", "severity": "info", "at": 1, "advice": "restart Caddy",
                "cert": Facts::new().to_json(Scope::Certificate),
                "cause": {"name": cause, "remedy": "Wait", "check": null},
                "param": rule.names.parameters_json(), "line": {},
            });
            rule.texts.remedy.render(&Context::new(&context)).unwrap()
        };
        assert_eq!(remedy("ca.rate-limited"), "Wait.");
        assert_eq!(remedy("dns.servfail"), "Wait.\nAfter that: restart Caddy.");
    }

    #[test]
    fn the_mission_reads_well_at_three_in_the_morning() {
        let set = built_in();
        let rule = set.get("retry-after-expiry").unwrap();
        let facts = Facts::new()
            .with(Fact::NotAfter, LogTime::from_seconds(1_777_851_479))
            .with(Fact::NextRetry, LogTime::from_seconds(1_777_867_441))
            .with(Fact::NextRetrySource, "announced")
            .with(Fact::FailingSince, LogTime::from_seconds(1_777_694_512))
            .with(Fact::AttemptsTotal, 29_i64)
            .with(Fact::SeenBy, "caddy");
        let context = serde_json::json!({
            "name": "a.example.com", "instance": "edge", "severity": "critical",
            "at": 1_777_845_841, "advice": "restart Caddy", "cert": facts.to_json(Scope::Certificate),
            "cause": {
                "name": "dns.servfail", "explanation": "the resolver answered SERVFAIL",
                "check": "dig SOA example.com", "remedy": "Repair the resolver",
            },
            "param": rule.names.parameters_json(), "line": {},
        });
        let texts = &rule.texts;
        let all = [&texts.title, &texts.summary, &texts.remedy];
        let all = all.map(|text| text.render(&Context::new(&context)).unwrap());
        assert_eq!(
            all.join("\n--\n"),
            "a.example.com: Caddy tries again only after the certificate has expired\n\
             --\n\
             It expires at 2026-05-03 23:37:59 UTC, in 1 h 33 min.\n\
             The next attempt is announced for 2026-05-04 04:04:01 UTC, 4 h 26 min too late.\n\
             Issuance has been failing since 2026-05-02 04:01:52 UTC, for 1 d 18 h: 29 failed attempts.\n\
             Cause: the resolver answered SERVFAIL (dns.servfail, seen by caddy).\n\
             --\n\
             Repair the resolver.\n\
             To prove the cause: dig SOA example.com\n\
             After that: restart Caddy."
        );
    }
}
