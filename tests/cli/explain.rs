//! `notafter rules explain`, as somebody uses it who pastes lines of a forum post.

use crate::program::{fixture, run, run_on};
use std::fs;

const PASTES: [&str; 12] = [
    "late-retry",
    "forum-post",
    "error-text",
    "compose-challenge",
    "journal-obtain",
    "on-demand",
    "maintenance",
    "hostile",
    "quoted-mail",
    "redacted-quote",
    "status-clipped",
    "wrapped-console",
];

fn paste(name: &str) -> Vec<u8> {
    fs::read(fixture(&format!("pastes/{name}.log"))).unwrap()
}

/// What does not change with a new rule, and what does.
fn halves(told: &str) -> (&str, &str) {
    told.split_once("\nRules about").unwrap_or((told, ""))
}

/// The lines about one rule, without the space at their ends.
fn rule<'t>(told: &'t str, id: &str) -> Vec<&'t str> {
    let (_, rules) = halves(told);
    let mut lines = rules.lines();
    let head = lines.find(|line| line.split_whitespace().nth(1) == Some(id));
    let parts = lines.take_while(|line| line.starts_with("          "));
    head.into_iter().chain(parts).map(str::trim).collect()
}

#[test]
fn each_rule_says_why_it_did_or_did_not_open() {
    let told = run_on(&["rules", "explain"], paste("late-retry")).stdout;
    let values =
        "[cert.not_after = 2026-05-03 23:37:59 UTC; cert.next_retry = 2026-05-04 04:04:01 UTC]";
    assert_eq!(
        rule(&told, "retry-after-expiry"),
        [
            "OPEN     retry-after-expiry         critical",
            &*format!("yes     cert.next_retry >= cert.not_after   {values}"),
        ]
    );
    assert_eq!(
        rule(&told, "expired").first(),
        Some(
            &"waits    expired                    critical at 2026-05-03 23:37:59 UTC, 1 h 33 min later"
        )
    );
    assert_eq!(
        rule(&told, "gave-up").first(),
        Some(&"no       gave-up                    cert.gave_up   [cert.gave_up = false]")
    );
    let tries = "[cert.tries_left = 0; param.critical_tries = 1]";
    assert_eq!(
        rule(&told, "last-tries").last(),
        Some(&&*format!(
            "yes     cert.tries_left <= param.critical_tries   {tries}"
        ))
    );
    let moment = "[cert.next_retry = 2026-05-04 04:04:01 UTC; cert.grace = 5 min]";
    assert_eq!(
        rule(&told, "retry-missed").last(),
        Some(&&*format!(
            "from    cert.next_retry + cert.grace   {moment}"
        ))
    );
    let unknown = rule(&told, "staging-issued");
    assert_eq!(
        unknown.first(),
        Some(&"unknown  staging-issued             critical, if this were known:")
    );
    assert_eq!(
        unknown.get(1),
        Some(&"unknown cert.issued_by == \"staging\"   [cert.issued_by is not known]")
    );
    assert!(
        unknown
            .get(2)
            .is_some_and(|line| line.starts_with("cert.issued_by: ")),
        "{unknown:?}"
    );
    let either = rule(&told, "renewal-failing");
    let incurable = "or no      cert.incurable   [cert.incurable = false]";
    assert!(either.contains(&incurable), "{either:?}");
    assert_eq!(
        rule(&told, "obtain-failing"),
        [
            "no       obtain-failing             cert.job == \"obtain\"   [cert.job = renew]",
            "yes     cert.failing   [cert.failing = true]",
        ]
    );
}

/// Half of the time from there to its end has passed.
const DUE: &str = r#"{"level":"info","ts":1777600000,"logger":"tls","msg":"certificate needs renewal based on ARI window","subjects":["a.example.com"],"expiration":1778809601,"renew_check_interval":600,"remaining":1209600,"selected_time":1776217600}"#;
const ADVISED: &str = r#"{"level":"info","ts":1777599401,"logger":"http","msg":"enabling automatic TLS certificate management","domains":["a.example.com"]}
{"level":"info","ts":1777599600,"logger":"tls.cache.maintenance","msg":"updated and stored ACME renewal information","identifiers":["a.example.com"],"cert_expiry":1780192000,"selected_time":1779328000}"#;
const FAILED: &str = r#"{"level":"error","ts":1777600010,"logger":"tls.renew","msg":"will retry","error":"[a.example.com] Renew: x","attempt":1,"retrying_in":60}"#;

#[test]
fn of_an_open_alert_is_told_when_it_becomes_louder_or_why_it_does_not() {
    let again = FAILED.replace("1777600010", "1777600610");
    let told = run_on(&["rules", "explain"], format!("{DUE}\n{FAILED}\n").into()).stdout;
    assert_eq!(
        rule(&told, "renewal-failing"),
        [
            "OPEN     renewal-failing            info",
            "yes     cert.failing   [cert.failing = true]",
            "yes     cert.job == \"renew\"   [cert.job = renew]",
            "warning, not yet:",
            "no      cert.failing_for >= duration(param.hold)   [cert.failing_for = 0 s; param.hold = 570s]",
            "or no      cert.incurable   [cert.incurable = false]",
        ]
    );
    let told = run_on(
        &["rules", "explain"],
        format!("{DUE}\n{FAILED}\n{again}\n").into(),
    )
    .stdout;
    let of_rule = rule(&told, "expiring");
    assert_eq!(
        of_rule.first(),
        Some(&"OPEN     expiring                   warning"),
        "{told}"
    );
    let louder = [
        "critical at 2026-05-12 01:46:40 UTC, 10 d 23 h later:",
        "from    cert.last_tenth   [cert.last_tenth = 2026-05-12 01:46:40 UTC]",
    ];
    assert_eq!(of_rule.get(of_rule.len() - 2..), Some(&louder[..]));
}

/// The configuration has made two levels alike; the one that is less far off explains the alert.
#[test]
fn an_alert_that_was_made_quieter_is_told_by_its_first_level() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("notafter.toml");
    fs::write(&path, "[rules.last-tries]\nseverity = \"warning\"\n").unwrap();
    let config = path.display().to_string();
    let told = run_on(
        &["rules", "explain", "--config", &config],
        paste("late-retry"),
    )
    .stdout;
    assert_eq!(
        rule(&told, "last-tries"),
        [
            "OPEN     last-tries                 warning",
            "yes     cert.failing   [cert.failing = true]",
            "yes     cert.tries_left <= param.warning_tries   [cert.tries_left = 0; param.warning_tries = 4]",
        ]
    );
}

/// Of two levels that wait, the one that opens first.
#[test]
fn what_waits_is_told_by_its_first_moment() {
    let told = run_on(&["rules", "explain"], format!("{ADVISED}\n").into()).stdout;
    let of_rule = rule(&told, "expiring");
    assert_eq!(
        of_rule.first(),
        Some(&"waits    expiring                   warning at 2026-05-26 01:46:40 UTC, 25 d later")
    );
    let louder = "critical at 2026-05-30 01:46:40 UTC, 29 d later:";
    assert!(of_rule.contains(&louder), "{of_rule:?}");
}

#[test]
fn rules_about_the_log_are_told_with_their_values() {
    let told = run_on(&["rules", "explain"], paste("late-retry")).stdout;
    let (_, of_log) = told
        .split_once("\nRules about the log of these lines\n")
        .unwrap();
    let panics = "  no       caddy-crashed              source.panics > 0   [source.panics = 0]\n";
    assert!(of_log.contains(panics), "{of_log}");
    let silent = "source-silent              warning, but from when on is not known\n             yes     source.informed   [source.informed = true]\n";
    assert!(of_log.contains(silent), "{of_log}");
    let needed =
        "[param.grace = 20m; source.next_line is not known]\n             source.next_line: ";
    assert!(of_log.contains(needed), "{of_log}");
    assert!(!of_log.contains("cert."), "{of_log}");
    let panic = r#"{"level":"error","ts":1777600600.125,"logger":"tls.cache.maintenance","msg":"panic","error":"x","stack":"y"}"#;
    let told = run_on(&["rules", "explain"], panic.into()).stdout;
    let open = "these lines\n  OPEN     caddy-crashed              critical\n             yes     source.panics > 0   [source.panics = 1]\n";
    assert!(told.contains(open), "{told}");
    let other = run_on(&["rules", "explain"], "hello\n".into()).stdout;
    assert!(!other.contains("Rules about"), "{other}");
}

#[test]
fn lines_without_a_time_are_said_to_be_unseen_by_rules() {
    let untimed = FAILED.replace(r#""ts":1777600010,"#, "");
    let told = run_on(
        &["rules", "explain"],
        format!("{untimed}\n{untimed}\n").into(),
    )
    .stdout;
    assert!(told.contains("so no rule sees"), "{told}");
    assert!(!told.contains("Rules about"), "{told}");
    let timed_before = run_on(&["rules", "explain"], format!("{DUE}\n{untimed}\n").into()).stdout;
    assert!(!timed_before.contains("so no rule sees"), "{timed_before}");
    assert!(
        timed_before.contains("OPEN     renewal-failing "),
        "{timed_before}"
    );
}

#[test]
fn each_paste_is_told_like_this() {
    for name in PASTES {
        let ran = run_on(&["rules", "explain"], paste(name));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        insta::with_settings!({prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true}, {
            let (told, _) = halves(&ran.stdout);
            insta::assert_snapshot!(format!("explain-{name}"), told);
        });
    }
}

/// What forums, mails and their users put around a line, and make of its quotes.
#[test]
fn a_line_is_understood_in_whatever_it_is_shown() {
    let paste = String::from_utf8(paste("late-retry")).unwrap();
    let line = paste.lines().last().unwrap();
    let in_quotes = |left: &str, right: &str| {
        let plain = line.replace("\\\"", "'");
        let parts: Vec<&str> = plain.split('"').collect();
        let texts = parts.chunks(2).map(|pair| pair.join(left));
        texts.collect::<Vec<_>>().join(right)
    };
    let console = "2026-05-03 22:04:01.489 ERROR tls.renew will retry {\"error\": \"[matrix-fed.example.org] Renew: x\", \"attempt\": 29, \"retrying_in\": 21600}";
    for shown in [
        format!("`{line}`"),
        format!("**{line}**"),
        format!("1. {line}"),
        format!("> - {line}"),
        format!("{line},"),
        format!("> > {line}"),
        format!("```json\n{line}\n```"),
        format!("    {line}"),
        format!("caddy.log:123:{line}"),
        in_quotes("\u{201c}", "\u{201d}"),
        in_quotes("&quot;", "&quot;"),
        in_quotes("\\\"", "\\\""),
        format!("> {console}"),
        format!("* {console}"),
    ] {
        let told = run_on(&["rules", "explain"], shown.clone().into()).stdout;
        let right = "next try  in 6 h, at 2026-05-04 04:04:01 UTC";
        assert!(told.contains(right), "{shown}\n{told}");
        assert!(told.contains("  attempt   29\n"), "{shown}\n{told}");
    }
}

#[test]
fn a_file_is_told_like_standard_input() {
    let path = fixture("pastes/late-retry.log").display().to_string();
    let from_file = run(&["rules", "explain", &path]);
    let from_input = run_on(&["rules", "explain", "-"], paste("late-retry"));
    assert_eq!(from_file.stdout, from_input.stdout);
    assert!(from_file.stdout.contains("OPEN     retry-after-expiry"));
}

#[test]
fn nothing_in_a_paste_steers_a_terminal() {
    let ran = run_on(&["rules", "explain"], paste("hostile"));
    let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!ran.stdout.contains(steers), "{}", ran.stdout);
    assert!(!ran.stdout.contains("$(reboot)"), "{}", ran.stdout);
}

#[test]
fn a_paste_of_something_else_says_what_to_paste() {
    for text in [
        "",
        "hello\n",
        "{\"level\":\"info\",\"ts\":1,\"msg\":\"handled request\"}\n",
    ] {
        let ran = run_on(&["rules", "explain"], text.into());
        assert!(
            ran.stdout.contains("Paste lines of Caddy's own log"),
            "{}",
            ran.stdout
        );
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    }
}

#[test]
fn a_whole_log_is_told_by_its_last_lines() {
    let path = fixture("captures/2.11.7/expiry/caddy.log");
    let ran = run(&["rules", "explain", &path.display().to_string()]);
    assert!(ran.stdout.contains("The last 20 lines:"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("\nLine ").count(), 20);
}

#[test]
fn a_paste_of_nine_mib_is_read_to_its_end() {
    let access =
        r#"{"level":"info","ts":1777845800.5,"logger":"http.log.access","msg":"handled request"}"#;
    let mut text = format!("{access}\n").repeat((9 << 20) / access.len());
    text += &String::from_utf8(paste("late-retry")).unwrap();
    let ran = run_on(&["rules", "explain"], text.into());
    assert!(
        ran.stdout.starts_with("3 lines about certificates, 1"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("OPEN     retry-after-expiry"));
}

#[test]
fn an_archive_and_a_file_of_powershell_are_explained_too() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("paste.log");
    let text = String::from_utf8(paste("late-retry")).unwrap();
    let marked = format!("\u{feff}{text}");
    let utf16 = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let plain = run_on(&["rules", "explain"], text.clone().into()).stdout;
    for bytes in [zstd::encode_all(text.as_bytes(), 0).unwrap(), utf16] {
        fs::write(&path, bytes).unwrap();
        let told = run(&["rules", "explain", &path.display().to_string()]).stdout;
        assert_eq!(told, plain);
    }
}

#[test]
fn a_failure_that_was_mended_is_no_diagnosis() {
    let line = |msg: &str, rest: &str| {
        format!(r#"{{"level":"info","ts":1,"logger":"tls.obtain","msg":"{msg}",{rest}}}"#) + "\n"
    };
    let text = line(
        "could not get certificate from issuer",
        r#""identifier":"a.example.com","error":"HTTP 403 urn:ietf:params:acme:error:caa - x""#,
    ) + &line(
        "certificate obtained successfully",
        r#""identifier":"a.example.com","issuer":"acme.zerossl.com-v2-DV90""#,
    );
    let told = run_on(&["rules", "explain"], text.into()).stdout;
    assert!(told.contains("2 lines about certificates."), "{told}");
    assert!(!told.contains("What to do"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_an_error_in_words() {
    let ran = run(&["rules", "explain", "/nonexistent/paste.log"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
    assert!(
        ran.stderr.contains("/nonexistent/paste.log"),
        "{}",
        ran.stderr
    );
}
