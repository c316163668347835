//! A rule file of any content: refused with every mistake drawn, or in force without harm.

use crate::harmless::assert_harmless;
use notafter::diagnostic::{Problems, render};
use notafter::engine::example;
use notafter::rules::{Configured, RuleSet, load};
use std::sync::Arc;

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut problems = Problems::default();
    let rule = load::rule("fuzzed.toml", text, &mut problems);
    assert_eq!(rule.is_none(), problems.has_errors(), "{problems}");
    assert_harmless(&render(&problems, 80, false));
    let Some(rule) = rule else {
        return;
    };
    let files = vec![("fuzzed.toml".to_owned(), text.to_owned())];
    let rules = RuleSet::new(&[], files, &Configured::default());
    let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
    for own in &rule.examples {
        drop(example::run(&rules, &rule.id, own));
    }
}
