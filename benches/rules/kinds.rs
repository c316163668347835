//! Rules as users write them by the hundred, in several kinds.

use crate::corpus::NAMES;
use std::fs;
use std::io::Result;
use std::path::Path;

/// A kind of rule: its name, and the rule of a number.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    rule: fn(usize) -> String,
}

/// Every kind, and all of them together.
pub(crate) const KINDS: [Kind; 7] = [
    Kind {
        name: "one per name",
        rule: of_name,
    },
    Kind {
        name: "thresholds",
        rule: threshold,
    },
    Kind {
        name: "moments to come",
        rule: moment,
    },
    Kind {
        name: "moments that come",
        rule: passing_moment,
    },
    Kind {
        name: "exact message",
        rule: exact,
    },
    Kind {
        name: "regex on the message",
        rule: regex,
    },
    Kind {
        name: "a fifth of each",
        rule: any,
    },
];

impl Kind {
    /// Writes so many rules into a directory of their own.
    pub(crate) fn write(&self, directory: &Path, count: usize) -> Result<()> {
        fs::create_dir_all(directory)?;
        for number in 0..count {
            let text = format!("{}{MESSAGE}", (self.rule)(number));
            fs::write(directory.join(format!("user-{number:04}.toml")), text)?;
        }
        Ok(())
    }
}

const MESSAGE: &str = r#"
[message]
title = '''{{ name }}: a rule of our own'''
summary = '''
It holds since {{ at }}.
'''
remedy = '''
Look at it.
'''

[[example]]
why = "Every rule has one."
expect = "opens"
severity = "info"
lines = ['''{"level":"error","ts":1777600000.5,"logger":"tls.ours","msg":"our plugin says 1"}''']

[[example]]
why = "Every rule has one of these as well."
expect = "silent"
lines = ['''{"level":"info","ts":1777600000.5,"logger":"tls.ours","msg":"nothing"}''']
"#;

fn head(number: usize, scope: &str, closes: &str) -> String {
    format!(
        "id = \"user-{number:04}\"\ntitle = \"A rule of our own\"\nscope = \"{scope}\"\nwhy = \"Why not.\"\ncloses = \"{closes}\"\n"
    )
}

fn of_name(number: usize) -> String {
    let (name, tries) = (number % (5 * NAMES), number % 9);
    let head = head(number, "certificate", "recovery");
    format!(
        "{head}[severity.info]\nwhen = 'cert.name == \"n{name}.example.test\" && cert.failing && cert.tries_left <= {tries}'\n"
    )
}

fn threshold(number: usize) -> String {
    let (attempts, hours) = (number % 40 + 3, number / 40 + 1);
    let head = head(number, "certificate", "recovery");
    format!(
        "{head}[severity.info]\nwhen = 'cert.failing && cert.attempts_total >= {attempts} && cert.failing_for > duration(\"{hours}h\")'\n"
    )
}

/// Twice a day for 500 days, of which a failing name lives to see a few.
fn moment(number: usize) -> String {
    moment_after(number, 12 * (number + 1))
}

/// Every hour, so that a name that fails for days opens an alert each hour: what alerts cost, more
/// than rules.
fn passing_moment(number: usize) -> String {
    moment_after(number, number + 1)
}

fn moment_after(number: usize, hours: usize) -> String {
    let head = head(number, "certificate", "recovery");
    format!(
        "{head}[severity.info]\nwhen = 'cert.due && cert.failing'\nat = 'cert.due_since + duration(\"{hours}h\")'\n"
    )
}

fn exact(number: usize) -> String {
    let head = head(number, "source", "untrue");
    format!(
        "{head}[match]\nmsg = \"our plugin says {number}\"\nlogger = \"tls.ours\"\n[severity.info]\nwhen = 'line.level == \"error\"'\n"
    )
}

fn regex(number: usize) -> String {
    let head = head(number, "source", "untrue");
    format!(
        "{head}[match]\nmsg = {{ regex = 'plugin {number} (?<what>failed|gave up)' }}\nlogger = {{ prefix = \"tls\" }}\n[severity.info]\nwhen = 'line.what == \"failed\"'\n"
    )
}

fn any(number: usize) -> String {
    let kinds = [of_name, threshold, moment, exact, regex];
    kinds
        .get(number % kinds.len())
        .map_or_else(String::new, |kind| kind(number))
}
