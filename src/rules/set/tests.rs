//! Overriding by file name, and what the configuration may change.

use super::super::load::GOOD;
use super::*;
use crate::rules::Fact;

fn text(value: &str) -> (Range<usize>, Spanned<Scalar>) {
    (2..6, Spanned::new(Scalar::Text(value.to_owned()), 9..14))
}

fn set(overrides: Vec<(String, String)>, changes: Changes) -> Result<RuleSet, String> {
    let configured = Configured {
        source: Source::new("n.toml", "[rules.few-tries]\nhold = \"6 hous\"\n"),
        rules: [("few-tries".to_owned(), changes)].into(),
    };
    let set = RuleSet::new(&[("few-tries.toml", GOOD)], overrides, &configured);
    set.map_err(|problems| problems.to_string())
}

#[test]
fn a_file_overrides_by_its_name_and_another_adds() {
    let quiet = GOOD.replace("tries = 4", "tries = 2");
    let other = GOOD.replace("id = \"few-tries\"", "id = \"other\"");
    let overrides = vec![
        ("/etc/notafter/rules.d/few-tries.toml".to_owned(), quiet),
        ("/etc/notafter/rules.d/other.toml".to_owned(), other),
    ];
    let set = set(overrides, Changes::default()).unwrap();
    assert_eq!(set.all().len(), 2);
    let tries = set.get("few-tries").unwrap().names.parameters.get("tries");
    assert_eq!(tries, Some(&Scalar::Integer(2)));
    let failing = Facts::new()
        .with(Fact::Failing, true)
        .with(Fact::TriesLeft, 2_i64);
    assert_eq!(
        set.rules_on(Scope::Certificate, &failing, |_| true).count(),
        2
    );
    assert_eq!(set.rules_on(Scope::Source, &failing, |_| true).count(), 0);
}

#[test]
fn the_configuration_changes_parameters_loudness_and_whether_it_runs() {
    let changes = Changes {
        severity: Some(Severity::Info),
        enabled: Some(false),
        parameters: [("hold".to_owned(), text("6h"))].into(),
        ..Changes::default()
    };
    let set = set(Vec::new(), changes).unwrap();
    let rule = set.get("few-tries").unwrap();
    assert!(
        rule.levels
            .iter()
            .all(|level| level.severity == Severity::Info)
    );
    let failing = Facts::new()
        .with(Fact::Failing, true)
        .with(Fact::TriesLeft, 2_i64);
    assert_eq!(
        set.rules_on(Scope::Certificate, &failing, |_| true).count(),
        0
    );
    let hold = rule.names.parameters.get("hold");
    assert_eq!(hold, Some(&Scalar::Text("6h".to_owned())));
}

#[test]
fn the_configuration_is_checked_against_the_rules() {
    let told = |name: &str, value| {
        let changes = Changes {
            parameters: [(name.to_owned(), value)].into(),
            ..Changes::default()
        };
        set(Vec::new(), changes).map(|_| ()).unwrap_err()
    };
    assert_eq!(
        told("hold", text("6 hous")),
        "n.toml:1:10: error: `6 hous` is not a length of time"
    );
    assert_eq!(
        told("hold", text("-6h")),
        "n.toml:1:10: error: `hold` is less than nothing"
    );
    // It might be a regex, were it another parameter.
    assert_eq!(
        told("hold", text("-6[hd]")),
        "n.toml:1:10: error: `-6[hd]` is not a length of time"
    );
    assert_eq!(
        told("tries", text("6")),
        "n.toml:1:10: error: `tries` has a value of the wrong kind"
    );
    assert_eq!(
        told("hodl", text("6")),
        "n.toml:1:3: error: the rule `few-tries` has no parameter `hodl`"
    );
    let configured = Configured {
        rules: [("few-trise".to_owned(), Changes::default())].into(),
        ..Configured::default()
    };
    let problems = RuleSet::new(&[("few-tries.toml", GOOD)], Vec::new(), &configured).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "the configuration:1:1: error: no rule is called `few-trise`"
    );
}
