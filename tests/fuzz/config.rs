//! A configuration of any content: refused with every mistake drawn, or usable.

use crate::harmless::assert_harmless;
use notafter::config::Settings;
use notafter::diagnostic::render;

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let problems = match Settings::parse("notafter.toml", text) {
        Ok(settings) => {
            assert!(!settings.warnings.has_errors());
            settings.warnings
        }
        Err(problems) => {
            assert!(problems.has_errors());
            problems
        }
    };
    for width in [0, 80] {
        assert_harmless(&render(&problems, width, false));
    }
    for problem in problems.iter() {
        assert_harmless(&problem.one_line());
    }
}
