//! `notafter rules test`: examples and test files, what is told of those that fail, and the report.

use crate::program::{fixture, run};
use std::fs;
use std::path::{Path, PathBuf};

const GIVEN: &str = r#"given = [
  '''{"level":"info","ts":1777799995.85,"logger":"tls.renew","msg":"renewing certificate","identifier":"a.example.com","remaining":75605.15}''',
  '''{"level":"error","ts":1777800000.25,"logger":"tls.renew","msg":"will retry","error":"[a.example.com] Renew: x","attempt":25,"retrying_in":21600,"elapsed":64911.3,"max_duration":2592000}''',
]
"#;

fn written(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// A test file with one check of an alert that is due at 06:20 on the next day.
fn of_expiry(directory: &Path, check: &str) -> PathBuf {
    let text = format!("[[test]]\nname = \"a < b\"\n{GIVEN}[[test.check]]\n{check}\n");
    written(directory, "mine.test.toml", &text)
}

fn test(arguments: &[&Path]) -> crate::program::Ran {
    let mut all = vec![Path::new("rules"), Path::new("test")];
    all.extend(arguments);
    run(&all)
}

#[test]
fn test_files_pass_beside_the_rules_of_their_directory() {
    let directory = fixture("rules");
    let ran = test(&[&directory.join("last-tries.test.toml")]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "1 passed, 0 failed\n"));
    // Two files with three tests and a rule with three examples are more than the built-in ones.
    let count = |ran: crate::program::Ran| {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        ran.stdout
            .split(' ')
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    let built_in = count(test(&[]));
    assert_eq!(
        count(test(&[Path::new("--rules"), &directory])),
        built_in + 6
    );
}

#[test]
fn what_is_not_met_is_shown_at_its_place_with_when_it_would_be() {
    let directory = tempfile::tempdir().unwrap();
    let at = "at = \"2026-05-04T06:19:59Z\"";
    let file = of_expiry(
        directory.path(),
        &format!("{at}\nrule = \"expired\"\nexpect = \"fires\""),
    );
    let report = directory.path().join("report.xml");
    let ran = test(&[&file, Path::new("--junit"), &report]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    for words in [
        "error: a < b: no alert opened\n",
        "mine.test.toml:10:10\n",
        "10 | expect = \"fires\"\n",
        "expected that `expired` fires at 2026-05-04 06:19:59 UTC\n",
        "help: a.example.com: waits critical at 2026-05-04 06:20:00 UTC, 1 s later",
        "\n0 passed, 1 failed\n",
    ] {
        assert!(ran.stdout.contains(words), "{words}\n{}", ran.stdout);
    }
    let report = fs::read_to_string(report).unwrap();
    assert!(report.contains("tests=\"1\" failures=\"1\""), "{report}");
    assert!(report.contains("a &lt; b: no alert opened"), "{report}");
}

#[test]
fn a_moment_later_the_same_test_passes() {
    let directory = tempfile::tempdir().unwrap();
    let check = "at = \"2026-05-04T06:20:00Z\"\nrule = \"expired\"\nexpect = \"fires\"";
    let ran = test(&[&of_expiry(directory.path(), check)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "1 passed, 0 failed\n"));
}

#[test]
fn tests_see_the_configuration_and_the_examples_of_a_rule_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let check = "rule = \"last-tries\"\nexpect = \"fires\"\nseverity = \"critical\"";
    let file = of_expiry(directory.path(), check);
    let settings = "[rules.last-tries]\ncritical_tries = 3\n";
    let settings = written(directory.path(), "notafter.toml", settings);
    let config = Path::new("--config");
    assert_eq!(test(&[&file]).code, 1);
    assert_eq!(test(&[&file, config, &settings]).code, 0);
    let built_in = Path::new("rules/last-tries.toml");
    assert_eq!(test(&[built_in, config, &settings]).code, 0);
}

#[test]
fn a_certificate_that_no_line_names_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let check = "rule = \"expired\"\nexpect = \"closes\"\ncertificate = \"b.example.com\"";
    let ran = test(&[&of_expiry(directory.path(), check)]);
    assert_eq!(ran.code, 1);
    let help = "help: no line is about b.example.com; the lines are about a.example.com";
    assert!(ran.stdout.contains(help), "{}", ran.stdout);
}

#[test]
fn silence_about_a_certificate_that_no_line_names_is_no_pass() {
    let directory = tempfile::tempdir().unwrap();
    let check = "rule = \"renewal-failing\"\nexpect = \"silent\"\ncertificate = \"aa.example.com\"";
    let ran = test(&[&of_expiry(directory.path(), check)]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("the lines name others, and never aa.example.com"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_rule_about_the_log_is_told_by_what_is_known_of_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let check = "rule = \"caddy-crashed\"\nexpect = \"fires\"";
    let ran = test(&[&of_expiry(directory.path(), check)]);
    assert_eq!(ran.code, 1);
    let help = "help: the log: no source.panics > 0 [source.panics = 0]\n";
    assert!(ran.stdout.contains(help), "{}", ran.stdout);
}

#[test]
fn a_mistake_in_a_test_file_is_one_of_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let check = "rule = \"expird\"\nexpect = \"opens\"";
    let ran = test(&[&of_expiry(directory.path(), check)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""));
    for words in [
        "did you mean `expired`?",
        "expected `fires`, `silent` or `closes`",
        "2 errors in",
    ] {
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
    }
}

/// What the report says where nothing can be run.
fn report_without_a_run(directory: &Path, file: &Path, exit: i32) -> String {
    let report = directory.join("report.xml");
    let ran = test(&[file, Path::new("--junit"), &report]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (exit, ""),
        "{}",
        ran.stderr
    );
    fs::read_to_string(report).unwrap()
}

#[test]
fn what_cannot_be_read_is_an_error_in_the_report() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let check = "rule = \"expird\"\nexpect = \"fires\"";
    let bad_test = report_without_a_run(here, &of_expiry(here, check), 78);
    assert!(
        bad_test.contains("mine.test.toml\" tests=\"1\" failures=\"0\" errors=\"1\">"),
        "{bad_test}"
    );
    assert!(bad_test.contains("<error message=\"error: "), "{bad_test}");
    assert!(bad_test.contains("did you mean `expired`?"), "{bad_test}");
    let rule = written(here, "mine.toml", "id = \"mine\"\n[severity.critical");
    let bad_rule = report_without_a_run(here, &rule, 78);
    assert!(
        bad_rule.contains("<testcase name=\"can be read\" classname=\""),
        "{bad_rule}"
    );
    assert!(bad_rule.contains("mine.toml:2:"), "{bad_rule}");
    let absent = report_without_a_run(here, &here.join("absent.test.toml"), 66);
    assert!(
        absent.contains("absent.test.toml: No such file"),
        "{absent}"
    );
}

#[test]
fn a_line_that_cannot_be_read_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[[test]]\nname = \"n\"\ngiven = [\n  'nonsense',\n]\n[[test.check]]\nrule = \"expired\"\nexpect = \"silent\"\n";
    let ran = test(&[&written(directory.path(), "odd.test.toml", text)]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("odd.test.toml:4:3"), "{}", ran.stdout);
}

#[test]
fn a_failing_example_is_shown_in_its_rule() {
    let directory = tempfile::tempdir().unwrap();
    let rule = fs::read_to_string("rules/last-tries.toml").unwrap();
    let rule = rule.replace("warning_tries = 4", "warning_tries = 2");
    let file = written(directory.path(), "last-tries.toml", &rule);
    let ran = test(&[&file]);
    assert_eq!(ran.code, 1);
    for words in [
        "last-tries.toml:",
        "expected that `last-tries` opens (warning)",
        "3 passed, 1 failed",
    ] {
        assert!(ran.stdout.contains(words), "{words}\n{}", ran.stdout);
    }
}

#[test]
fn what_a_rule_of_ones_own_opens_makes_no_difference_to_the_examples_of_others() {
    const MANAGED: &str = r#"id = "managed"
title = "Caddy manages a name"
scope = "certificate"
why = "Somebody wants to know."
false_positives = "None."
closes = "recovery"

[severity.warning]
when = 'cert.armed'

[message]
title = '''{{ name }}: managed'''
summary = '''Caddy manages it.'''
remedy = '''Nothing.'''

[[example]]
why = "Caddy lists it."
expect = "opens"
severity = "warning"
lines = [
  '''{"level":"info","ts":1777599996.025,"logger":"http","msg":"enabling automatic TLS certificate management","domains":["a.example.com"]}''',
]

[[example]]
why = "Caddy does not."
expect = "silent"
lines = [
  '''{"level":"info","ts":1777599996.025,"logger":"http","msg":"enabling automatic TLS certificate management","domains":[]}''',
]
"#;
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), "managed.toml", MANAGED);
    let ran = test(&[Path::new("--rules"), directory.path()]);
    assert!(
        ran.stdout.ends_with(" passed, 0 failed\n"),
        "{}",
        ran.stdout
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
