//! Configuration and rules, as people check them.

use crate::program::{Ran, fixture, run};
use std::fs;
use std::path::Path;

const GOOD: &str = r#"
[[source]]
name = "edge"
file = "/nonexistent/caddy.log"

[[channel]]
name = "phone"
url = "ntfy://ntfy.sh/my-topic"

[rules.last-tries]
severity = "critical"
"#;

fn check(config: &str) -> Ran {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("notafter.toml");
    fs::write(&path, config).unwrap();
    run(&["check", "--config", &path.display().to_string()])
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_good_configuration_is_told_part_by_part() {
    let ran = check(GOOD);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "configuration: fine, 1 source and 1 channel");
    assert!(lines[1].starts_with("rules: ") && lines[1].ends_with(" checked"));
    assert_eq!(
        lines[2],
        "source edge: /nonexistent/caddy.log: does not exist yet; watch waits for it"
    );
    assert!(lines[3].starts_with("channel phone: ntfy://ntfy.sh/"));
}

#[test]
fn a_broken_configuration_is_78_with_the_place_and_the_line() {
    let ran = check("[[source]]\nfile = \"/var/log/caddy/caddy.log\"\nfil = 1\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""));
    assert!(ran.stderr.contains("unknown key `fil`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("notafter.toml:3:1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("fil = 1"), "{}", ran.stderr);
}

/// `watch` would not start with it, or would wait for ever.
#[test]
fn what_a_channel_or_a_source_lacks_is_a_finding() {
    let room = tempfile::tempdir().unwrap();
    let here = room.path().display();
    let ran = check(&format!(
        "[[source]]\nname = \"edge\"\nfile = \"{here}\"\nkeys = \"{here}/autosave.json\"\n\n\
         [[channel]]\nname = \"phone\"\nurl = \"ntfy://ntfy.sh/topic\"\ntoken_file = \"{here}/token\"\n\n\
         [[channel]]\nname = \"hook\"\nurl = \"https://hook.example.com/secret\"\n"
    ));
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    for part in [
        "is a directory, not a log",
        "source edge: keys: ",
        "the token of channel `phone` cannot be read",
        "channel hook: https://hook.example.com/…",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("secret"), "{}", ran.stdout);
}

#[test]
fn every_good_settings_fixture_passes_the_check() {
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config/good");
    for file in fs::read_dir(good).unwrap() {
        let path = file.unwrap().path();
        let ran = run(&["check", "--config", &text(&path)]);
        assert_ne!(ran.code, 78, "{}: {}", path.display(), ran.stderr);
    }
}

#[test]
fn watch_refuses_what_check_refuses() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("notafter.toml");
    fs::write(&path, "[[source]]\nfile = 5\n").unwrap();
    let state = text(&room.path().join("state"));
    let ran = run(&["watch", "--config", &text(&path), "--state", &state]);
    assert_eq!(ran.code, 78);
    assert!(ran.stderr.contains("notafter.toml:2:8"), "{}", ran.stderr);
    assert!(!Path::new(&state).exists());
}

#[test]
fn a_configuration_that_is_not_there_is_66() {
    let ran = run(&["check", "--config", "/nonexistent/notafter.toml"]);
    assert_eq!(ran.code, 66);
    assert!(
        ran.stderr
            .starts_with("error: /nonexistent/notafter.toml: ")
    );
}

#[test]
fn a_rule_that_the_configuration_misspells_is_78() {
    let ran = check("[rules.last-trys]\nenabled = false\n");
    assert_eq!(ran.code, 78);
    assert!(ran.stderr.contains("no rule is called `last-trys`"));
    assert!(ran.stderr.contains("notafter.toml:1:8"), "{}", ran.stderr);
}

fn built_in(id: &str) -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    fs::read_to_string(rules.join(format!("{id}.toml"))).unwrap()
}

#[test]
fn a_broken_rule_is_78_with_its_place_whichever_verb_meets_it() {
    let room = tempfile::tempdir().unwrap();
    let rule = built_in("expired").replace("when = 'cert.armed'", "when = 'cert.amred'");
    let line = rule.lines().position(|line| line.contains("cert.amred"));
    let place = format!("expired.toml:{}:", line.unwrap() + 1);
    let file = room.path().join("expired.toml");
    fs::write(&file, rule).unwrap();
    let (room, file) = (text(room.path()), text(&file));
    let log = text(&fixture("captures/2.6.2/expiry/caddy.log"));
    for arguments in [
        vec!["rules", "list", "--rules", &room],
        vec!["rules", "test", &file],
        vec!["check", "--rules", &room],
        vec!["replay", &log, "--rules", &room],
    ] {
        let ran = run(&arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (78, ""), "{arguments:?}");
        assert!(ran.stderr.contains(&place), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("cert.armed"),
            "did you mean: {}",
            ran.stderr
        );
    }
}

#[test]
fn every_rule_file_is_listed_in_one_line() {
    let ran = run(&["rules", "list"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let rules = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).unwrap();
    let mut files: Vec<String> = rules
        .map(|entry| text(Path::new(entry.unwrap().path().file_stem().unwrap())))
        .filter(|stem| stem != "README")
        .collect();
    files.sort();
    let first = |line: &str| line.split(' ').next().unwrap().to_owned();
    let listed: Vec<String> = ran.stdout.lines().map(first).collect();
    assert_eq!(listed, files);
    let words = "last-tries                 warning, critical";
    assert!(ran.stdout.contains(words), "{}", ran.stdout);
}

#[test]
fn a_rule_that_the_configuration_makes_quieter_is_listed_with_each_severity_once() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("notafter.toml");
    fs::write(&path, "[rules.renewal-failing]\nseverity = \"warning\"\n").unwrap();
    let ran = run(&["rules", "list", "--config", &text(&path)]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut lines = ran.stdout.lines();
    let line = lines.find(|line| line.starts_with("renewal-failing "));
    let line = line.unwrap();
    assert!(line.contains("  info, warning   "), "{line}");
}

#[test]
fn a_rule_is_shown_whole() {
    let ran = run(&["rules", "show", "expired"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for part in [
        "expired: A certificate has expired\n",
        "\n  critical  when cert.armed\n            from cert.not_after on\n",
        "\nIt closes when a later expiry from an issuer that counts is known, or a first issuance succeeds.\n",
        "\nWhat it says, by its first example\n  a.example.com: the certificate has expired\n",
        "\n  -> ",
        "\n  opens (critical)  The renewal fails, and an hour later notAfter passes.\n",
        "\n  silent            A new certificate is installed before the old one ends.\n",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
}

#[test]
fn every_mistake_of_configuration_and_rules_is_told_in_one_run() {
    let room = tempfile::tempdir().unwrap();
    let rules = room.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let broken = built_in("expired").replace("closes = \"recovery\"", "closes = \"recovry\"");
    fs::write(rules.join("expired.toml"), broken).unwrap();
    let settings = room.path().join("notafter.toml");
    let text = "sauce = 1\n[rules.last-trys]\nenabled = false\n[rules.last-tries]\nwarning_tris = 3\n\
                critical_tries = \"one\"\n";
    fs::write(&settings, text).unwrap();
    let ran = run(&[
        "check",
        "--config",
        &settings.display().to_string(),
        "--rules",
        &rules.display().to_string(),
    ]);
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""));
    for part in [
        "error: unknown key `sauce`",
        "notafter.toml:1:1",
        "did you mean `source`?",
        "error: no rule is called `last-trys`",
        "notafter.toml:2:8",
        "did you mean `last-tries`?",
        "error: the rule `last-tries` has no parameter `warning_tris`",
        "notafter.toml:5:1",
        "did you mean `warning_tries`?",
        "`critical_tries` has a value of the wrong kind",
        "notafter.toml:6:18",
        "expired.toml:8:10",
        "did you mean `recovery`?",
        "5 errors in 2 files",
    ] {
        assert!(ran.stderr.contains(part), "{part:?} in {}", ran.stderr);
    }
}

#[test]
fn a_rule_shows_the_numbers_and_the_file_in_force() {
    let room = tempfile::tempdir().unwrap();
    fs::write(room.path().join("last-tries.toml"), built_in("last-tries")).unwrap();
    let settings = room.path().join("notafter.conf");
    let changes = "[rules.last-tries]\nwarning_tries = 6\nenabled = false\n";
    fs::write(&settings, changes).unwrap();
    let (room, settings) = (text(room.path()), text(&settings));
    let ran = run(&[
        "rules",
        "show",
        "last-tries",
        "--rules",
        &room,
        "--config",
        &settings,
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for part in [
        "  off, unless `enabled = true` stands under [rules.last-tries] in the configuration\n",
        "  in place of the built-in rule: ",
        "\n  warning_tries = 6\n",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
    let ran = run(&["rules", "show", "last-tries"]);
    assert!(ran.stdout.contains("\n  warning_tries = 4\n"));
    assert!(!ran.stdout.contains("in place of"));
}

#[test]
fn an_unknown_rule_is_a_usage_error() {
    let ran = run(&["rules", "show", "expierd"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let expected = "error: no rule is called `expierd`\nhelp: did you mean `expired`? `notafter rules list` names them all\n";
    assert_eq!(ran.stderr, expected);
}

#[test]
fn the_examples_of_all_rules_pass() {
    let ran = run(&["rules", "test"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let passed = ran.stdout.strip_suffix(" passed, 0 failed\n");
    let passed: usize = passed.unwrap().parse().unwrap();
    assert!(passed >= 40, "{passed}");
}

#[test]
fn an_example_that_fails_is_told_and_exits_with_1() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("expired.toml");
    let rule = built_in("expired");
    fs::write(
        &file,
        rule.replace("when = 'cert.armed'", "when = 'cert.gave_up'"),
    )
    .unwrap();
    let ran = run(&["rules", "test", &text(&file)]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let told = "error: The renewal fails, and an hour later notAfter passes: no alert opened\n";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(" failed\n"));
}

#[test]
fn a_rule_of_ones_own_replaces_the_built_in_one_of_its_name() {
    let room = tempfile::tempdir().unwrap();
    let rule = built_in("expired").replace("A certificate has expired", "Dead");
    fs::write(room.path().join("expired.toml"), rule).unwrap();
    fs::write(room.path().join("notes.txt"), "not a rule").unwrap();
    let ran = run(&["rules", "list", "--rules", &text(room.path())]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("Dead"));
    assert_eq!(
        ran.stdout
            .lines()
            .filter(|line| line.starts_with("expired "))
            .count(),
        1
    );
}
