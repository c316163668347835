//! `notafter rules test`: the examples of rules and the test files of users, through the same code.

use crate::command::arguments::RulesTestArguments;
use crate::command::exit::{Exit, Failed, print, say};
use crate::command::loading::{WIDTH, load_settings, refused, text_file, toml_files};
use crate::config::Settings;
use crate::diagnostic::{Diagnostic, Level, Problems, Source, draw};
use crate::engine::case::{self, BadLine, Unmet};
use crate::report::explain;
use crate::report::junit::{Suite, Test, junit};
use crate::rules::{
    BUILT_IN, Case, Configured, Expectation, Rule, RuleSet, Scope, TEST_FILE, cases,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Certificates whose standing is told where a check names none.
const NAMES_TOLD: usize = 3;

/// Runs what was asked for, and tells what failed.
pub(super) fn run(arguments: &RulesTestArguments) -> Result<Exit, Failed> {
    let suites = match suites(arguments) {
        Ok(suites) => suites,
        Err(unread) => {
            // What could not be read is the first thing to tell.
            let report = write(arguments, &unread.suites());
            report.unwrap_or_else(|failed| say(&failed.message));
            return Err(unread.into_failed());
        }
    };
    for failure in suites
        .iter()
        .flat_map(|suite| &suite.tests)
        .flat_map(|test| &test.failures)
    {
        print(&format!("{failure}\n"))?;
    }
    write(arguments, &suites)?;
    let failed: usize = suites.iter().map(Suite::failed).sum();
    let all: usize = suites.iter().map(|suite| suite.tests.len()).sum();
    print(&format!("{} passed, {failed} failed\n", all - failed))?;
    Ok(if failed == 0 {
        Exit::Fine
    } else {
        Exit::Findings
    })
}

fn suites(arguments: &RulesTestArguments) -> Result<Vec<Suite>, Unread> {
    let settings = load_settings(arguments.rules.config.as_deref())?;
    let files = Files::gather(arguments, &settings)?;
    let (examples, tests) = files.run(&settings)?;
    Ok([examples, tests].concat())
}

/// Writes the report, where one was asked for.
fn write(arguments: &RulesTestArguments, suites: &[Suite]) -> Result<(), Failed> {
    let Some(path) = &arguments.junit else {
        return Ok(());
    };
    let written = junit(suites).and_then(|xml| fs::write(path, xml));
    written.map_err(|error| Failed::io(path.display(), &error))
}

/// Why nothing could be run.
enum Unread {
    /// A file cannot be opened, or the configuration is wrong.
    Failed(Failed),
    /// Rules or tests have mistakes.
    Mistakes(Problems),
}

impl From<Failed> for Unread {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl From<Problems> for Unread {
    fn from(problems: Problems) -> Self {
        Self::Mistakes(problems)
    }
}

impl Unread {
    fn into_failed(self) -> Failed {
        match self {
            Self::Failed(failed) => failed,
            Self::Mistakes(problems) => refused(&problems),
        }
    }

    /// The same as a report: for each file with mistakes one test that says them.
    fn suites(&self) -> Vec<Suite> {
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        match self {
            Self::Failed(failed) => {
                files.insert("notafter rules".to_owned(), vec![failed.message.clone()]);
            }
            Self::Mistakes(problems) => {
                let errors = problems.iter();
                for error in errors.filter(|one| one.level() == Level::Error) {
                    let file = files.entry(error.source().name().to_owned());
                    file.or_default().push(draw(error, WIDTH, false));
                }
            }
        }
        let suite = |(name, errors)| Suite {
            name,
            tests: vec![Test {
                name: "can be read".to_owned(),
                failures: Vec::new(),
                errors,
            }],
        };
        files.into_iter().map(suite).collect()
    }
}

/// A file: how messages call it, and its text.
type File = (String, String);

/// What there is to run.
struct Files {
    /// Rules that replace built-in ones or are added to them.
    rules: Vec<File>,
    /// The ids of the rules whose examples are run; `None` is all of them.
    wanted: Option<Vec<String>>,
    tests: Vec<File>,
}

impl Files {
    /// The files of the directory of rules, and those that were named; of two for one rule the named one.
    fn gather(arguments: &RulesTestArguments, settings: &Settings) -> Result<Self, Failed> {
        let named: Vec<File> = read(&arguments.files)?;
        let directory = read(&toml_files(arguments.rules.directory.as_deref(), settings)?)?;
        let is_test = |(name, _): &File| name.ends_with(TEST_FILE);
        let (tests, named_rules): (Vec<File>, Vec<File>) = named.into_iter().partition(is_test);
        let (lying_by, mut rules): (Vec<File>, Vec<File>) =
            directory.into_iter().partition(is_test);
        let ids: Vec<String> = named_rules.iter().map(|(name, _)| stem(name)).collect();
        rules.retain(|(name, _)| !ids.contains(&stem(name)));
        rules.extend(named_rules);
        let all = arguments.files.is_empty();
        Ok(Self {
            rules,
            wanted: (!all).then_some(ids),
            tests: if all { lying_by } else { tests },
        })
    }

    /// Examples are run as their file says, tests with what the configuration changes.
    fn run(self, settings: &Settings) -> Result<(Vec<Suite>, Vec<Suite>), Problems> {
        let mut texts: Vec<File> = self.rules.clone();
        let built_in = BUILT_IN.iter();
        texts.extend(built_in.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        let as_written = RuleSet::new(BUILT_IN, self.rules.clone(), &Configured::default())?;
        let in_force = RuleSet::new(BUILT_IN, self.rules, &settings.configured())?;
        let mut problems = Problems::default();
        let tests: Vec<(File, Vec<Case>)> = self
            .tests
            .into_iter()
            .map(|file| {
                let cases = cases(&file.0, &file.1, &in_force, &mut problems);
                (file, cases)
            })
            .collect();
        if problems.has_errors() {
            return Err(problems);
        }
        let wanted = |rule: &&Rule| {
            self.wanted
                .as_ref()
                .is_none_or(|ids| ids.contains(&rule.id))
        };
        let rules = as_written.all().iter().filter(wanted);
        let examples = rules.filter_map(|rule| {
            let (name, text) = texts.iter().find(|(name, _)| stem(name) == rule.id)?;
            let on = Arc::new(as_written.alone(&rule.id));
            let cases = rule.examples.iter().map(|example| example.case(&rule.id));
            Some(suite(name, text, &cases.collect::<Vec<_>>(), &on))
        });
        let examples = examples.collect();
        let in_force = Arc::new(in_force);
        let tests = tests
            .iter()
            .map(|((name, text), cases)| suite(name, text, cases, &in_force));
        Ok((examples, tests.collect()))
    }
}

fn read(paths: &[PathBuf]) -> Result<Vec<File>, Failed> {
    paths.iter().map(|path| text_file(path)).collect()
}

fn stem(name: &str) -> String {
    let stem = Path::new(name).file_stem();
    stem.unwrap_or_default().to_string_lossy().into_owned()
}

fn suite(name: &str, text: &str, cases: &[Case], rules: &Arc<RuleSet>) -> Suite {
    let source = Source::new(name, text);
    let tests = cases.iter().map(|case| Test {
        name: case.name.clone(),
        failures: failures(case, &source, rules)
            .into_iter()
            .map(|failure| draw(&failure, WIDTH, false))
            .collect(),
        errors: Vec::new(),
    });
    Suite {
        name: name.to_owned(),
        tests: tests.collect(),
    }
}

/// What went otherwise than the test says, each at its place in the file.
fn failures(case: &Case, source: &Source, rules: &Arc<RuleSet>) -> Vec<Diagnostic> {
    let mut failures = Vec::new();
    let read = case::run(rules, case, |unmet| {
        failures.push(failure(case, &unmet, source, rules));
    });
    if let Err(BadLine(place)) = read {
        let span = case.given.get(place).map_or(0..0, |line| line.span.clone());
        let error = Diagnostic::error(source, format!("{}: a line cannot be read", title(case)));
        let error = error.at(span, "neither JSON nor a line of Caddy's console");
        failures.push(error.help("paste lines of Caddy's log whole"));
    }
    failures
}

/// The name of a test, without the full stop that examples end in.
fn title(case: &Case) -> &str {
    case.name.trim().trim_end_matches('.')
}

fn failure(case: &Case, unmet: &Unmet<'_>, source: &Source, rules: &RuleSet) -> Diagnostic {
    let check = unmet.check;
    let at = check.at.map_or_else(
        || "after the last line".to_owned(),
        |at| format!("at {}", at.utc()),
    );
    let label = format!(
        "expected that `{}` {} {at}",
        check.rule,
        expected(check.expect)
    );
    let error = Diagnostic::error(source, format!("{}: {}", title(case), unmet.instead));
    let error = error.at(check.span.clone(), label);
    match rules.get(&check.rule).and_then(|rule| why(rule, unmet)) {
        Some(why) => error.help(why),
        None => error,
    }
}

/// What is expected, after the rule's id.
fn expected(expect: Expectation) -> String {
    match expect {
        Expectation::Opens(severity) => format!("opens ({severity})"),
        Expectation::Fires(None) => "fires".to_owned(),
        Expectation::Fires(Some(severity)) => format!("fires ({severity})"),
        Expectation::Silent => "is silent".to_owned(),
        Expectation::Closes => "has opened and closed".to_owned(),
    }
}

/// How the rule stands with the certificates that the check is about, or with the log.
fn why(rule: &Rule, unmet: &Unmet<'_>) -> Option<String> {
    let matched = rule.matcher.is_some();
    if rule.scope == Scope::Source {
        let told = explain::because_of_source(rule, unmet.source.as_ref()?, matched);
        return Some(format!("the log: {told}"));
    }
    let wanted = unmet.check.certificate.as_deref();
    let all = unmet.known.iter().map(|one| one.certificate.name.as_str());
    let about: Vec<_> = unmet
        .known
        .iter()
        .filter(|one| wanted.is_none_or(|name| name == one.certificate.name.as_str()))
        .take(NAMES_TOLD)
        .collect();
    if let (Some(wanted), []) = (wanted, about.as_slice()) {
        let all: Vec<&str> = all.take(NAMES_TOLD).collect();
        return Some(match all.as_slice() {
            [] => format!("no line is about {wanted}, nor about another certificate"),
            all => format!(
                "no line is about {wanted}; the lines are about {}",
                all.join(", ")
            ),
        });
    }
    let told = about.into_iter().map(|one| {
        format!(
            "{}: {}",
            one.certificate.name,
            explain::because(rule, one, matched)
        )
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}
