//! Settings files and the whole messages they give, exactly as a person sees them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that cannot be read fails the test, also in its helpers"
)]

use chrono::{FixedOffset, TimeDelta};
use notafter::caddy::layout::Keys;
use notafter::config::{KeysFrom, LogFrom, Settings, SourceSettings, TokenFrom};
use notafter::diagnostic::{Diagnostic, Problems, render};
use notafter::document::Scalar;
use notafter::rules::Severity;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

const WIDTH: usize = 100;

#[test]
fn every_mistake_has_its_message() {
    for (name, text) in fixtures("bad") {
        let file = format!("{name}.toml");
        let problems = Settings::parse(&file, &text).expect_err(&name);
        assert!(
            problems.iter().count() == 1 || name == "many-mistakes",
            "{name} holds one mistake, but:\n{problems}"
        );
        snapshot(&format!("bad-{name}"), &problems);
    }
}

#[test]
fn what_can_be_used_but_is_odd_is_warned_about() {
    for (name, text) in fixtures("warned") {
        let settings = Settings::parse(&format!("{name}.toml"), &text).expect(&name);
        snapshot(&format!("warned-{name}"), &settings.warnings);
    }
}

#[test]
fn good_settings_are_read_without_a_word() {
    for (name, text) in fixtures("good") {
        let settings = Settings::parse(&name, &text).unwrap_or_else(|problems| {
            panic!("{}", render(&problems, WIDTH, false));
        });
        assert!(settings.warnings.is_empty(), "{name}");
    }
}

#[test]
fn the_example_is_good_with_every_line_switched_on() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/notafter.toml");
    let text = fs::read_to_string(path).unwrap();
    let settings = Settings::parse("notafter.toml", &text).unwrap();
    assert!(settings.warnings.is_empty());
    assert_eq!(settings.sources.len(), 1);
    assert!(settings.channels.is_empty());

    // Prose has a space after the sign; of the three places for a token one can be on.
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with("token_file") => line,
        Some(setting) if setting.starts_with("token_env") => line,
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    let all = lines.collect::<Vec<_>>().join("\n");
    let settings = Settings::parse("notafter.toml", &all).unwrap_or_else(|problems| {
        panic!("{}", render(&problems, WIDTH, false));
    });
    assert!(settings.warnings.is_empty());
    assert_eq!(settings.channels.len(), 3);
    assert_eq!(settings.rules.len(), 2);
    assert!(settings.serve.is_some());
    let defaults = Settings::none();
    assert_eq!(settings.rules_directory, defaults.rules_directory);
    assert_eq!(settings.sources[0].lag, notafter::config::LAG);
}

#[test]
fn every_source_that_can_be_set_is_read() {
    let text = fixture("good", "everything");
    let settings = Settings::parse("everything.toml", &text).unwrap();
    assert_eq!(settings.state.as_deref(), Some(Path::new("/srv/notafter")));
    assert_eq!(settings.rules_directory, Path::new("/srv/notafter/rules"));

    let [edge, inner, service, container, labelled] = settings.sources.as_slice() else {
        panic!("five sources");
    };
    assert_eq!(
        (edge.name.as_str(), inner.name.as_str()),
        ("edge-1", "inner")
    );
    let file = |source: &SourceSettings| match &source.from {
        LogFrom::File(path) => path.value.clone(),
        LogFrom::Journal(other) | LogFrom::Docker(other) => panic!("{}", other.value),
    };
    assert_eq!(file(edge), Path::new("/var/log/caddy/edge.log"));
    let LogFrom::Journal(unit) = &service.from else {
        panic!("a unit");
    };
    assert_eq!(
        (service.name.as_str(), unit.value.as_str()),
        ("caddy-api", "caddy-api.service")
    );
    for (source, name, text) in [
        (container, "web-caddy-1", "web-caddy-1"),
        (labelled, "caddy", "label=com.docker.compose.service=caddy"),
    ] {
        let LogFrom::Docker(containers) = &source.from else {
            panic!("containers");
        };
        assert_eq!(
            (source.name.as_str(), containers.value.as_str()),
            (name, text)
        );
    }
    assert_eq!(edge.timezone, FixedOffset::east_opt(7_200).unwrap());
    let keys = Keys {
        message: Some("M".into()),
        logger: Some("N".into()),
        ..Keys::default()
    };
    assert_eq!(edge.keys, KeysFrom::Told(keys));
    let KeysFrom::Caddy(autosave) = &inner.keys else {
        panic!("a configuration of Caddy's");
    };
    assert_eq!(
        autosave.value,
        Path::new("/var/lib/caddy/.config/caddy/autosave.json")
    );
    assert_eq!(edge.lag, TimeDelta::seconds(30));
    assert_eq!(inner.timezone, FixedOffset::east_opt(0).unwrap());
    assert_eq!(inner.lag, TimeDelta::seconds(5));
}

#[test]
fn every_channel_and_rule_that_can_be_set_is_read() {
    let text = fixture("good", "everything");
    let settings = Settings::parse("everything.toml", &text).unwrap();
    let [phone, room, hook] = settings.channels.as_slice() else {
        panic!("three channels");
    };
    assert_eq!(phone.token, TokenFrom::Credential("ntfy-token".to_owned()));
    assert_eq!(phone.min_severity, Severity::Critical);
    assert_eq!(
        room.token,
        TokenFrom::File("/etc/notafter/matrix.token".into())
    );
    assert_eq!(room.min_severity, Severity::Warning);
    assert_eq!(hook.token, TokenFrom::Env("HOOK_TOKEN".to_owned()));
    assert_eq!(hook.min_severity, Severity::Info);

    let listen = settings.serve.unwrap().listen;
    assert_eq!(listen, "[::1]:9119".parse().unwrap());

    assert_eq!(settings.rules["renewal-overdue"].enabled, Some(false));
    let tries = &settings.rules["last-tries"];
    assert_eq!((tries.enabled, &tries.severity), (None, &None));
    assert_eq!(
        tries.parameters["warning_tries"].value.value,
        Scalar::Integer(6)
    );
    let hold = &settings.rules["renewal-failing"].parameters["hold"];
    assert_eq!(hold.value.value, Scalar::Text("1200s".to_owned()));
    assert_eq!(text.get(hold.name_span.clone()), Some("hold"));
}

#[test]
fn no_message_is_kept_of_a_file_that_is_gone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    for path in fs::read_dir(folder).unwrap() {
        let path = path.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if let Some((kind @ ("bad" | "warned"), rest)) = name.split_once('-') {
            fixture(kind, rest);
        }
    }
}

#[test]
fn no_secret_is_ever_shown() {
    for (name, text) in fixtures("bad") {
        let Err(problems) = Settings::parse(&name, &text) else {
            panic!("{name} is good");
        };
        let shown = render(&problems, WIDTH, true) + &problems.to_string();
        assert!(!shown.contains("hunter2"), "{name}:\n{shown}");
    }
}

proptest! {
    /// Whatever is cut out of or put into a file: no panic, and nothing that steers a terminal.
    #[test]
    fn any_damage_is_survived(
        at in 0..900_usize,
        length in 0..40_usize,
        put in "[a-z\"'=\\[\\]{}.,#\\\\0-9 \n\t\u{1}\u{202e}é]{0,12}",
        width in 0..120_usize,
    ) {
        let text = fixture("good", "everything");
        let start = text.floor_char_boundary(at);
        let end = text.floor_char_boundary(start + length);
        let (before, after) = (text.get(..start).unwrap(), text.get(end..).unwrap());
        let damaged = [before, &put, after].concat();
        let problems = match Settings::parse("f.toml", &damaged) {
            Ok(settings) => settings.warnings,
            Err(problems) => problems,
        };
        let shown = render(&problems, width, false);
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        prop_assert!(!shown.contains(steers), "{shown:?}");
        for (span, _) in problems.iter().flat_map(Diagnostic::labels) {
            prop_assert!(damaged.get(span.clone()).is_some(), "{span:?} of {damaged:?}");
        }
    }
}

fn snapshot(name: &str, problems: &Problems) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, render(problems, WIDTH, false)));
}

fn fixture(folder: &str, name: &str) -> String {
    let mut all = fixtures(folder).into_iter();
    let found = all.find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {folder}/{name}")).1
}

/// The name and text of every fixture of a folder, sorted by name.
fn fixtures(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config");
    let mut found: Vec<(String, String)> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (stem, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}
