//! The schemas for editors and the readers of the files agree: on every example, and on every
//! example with one thing changed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a file that cannot be read fails the test, also in its helpers"
)]

#[cfg(test)]
#[path = "schema/rows.rs"]
mod of_rows;
#[cfg(test)]
#[path = "kit/program.rs"]
mod program;
#[cfg(test)]
#[path = "kit/row_schema.rs"]
mod row_schema;

use boon::{Compiler, SchemaIndex, Schemas};
use notafter::config::{self, Settings};
use notafter::diagnostic::Problems;
use notafter::rules::{BUILT_IN, Configured, RuleSet, cases, load, schema};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A rule file with every key that there is.
const EVERY_KEY: &str = include_str!("../fixtures/rules/door-left-open.toml");
/// A test file with every key that there is.
const EVERY_KEY_OF_TESTS: &str = include_str!("../fixtures/rules/lost-log.test.toml");

/// A schema that can be asked.
struct Schema {
    text: Value,
    all: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn new(text: Value) -> Self {
        let (mut all, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("s.json", text.clone()).unwrap();
        let index = compiler.compile("s.json", &mut all);
        let index = index.unwrap_or_else(|error| panic!("{error:#}"));
        Self { text, all, index }
    }

    fn takes(&self, value: &Value) -> bool {
        self.all.validate(value, self.index).is_ok()
    }

    fn config() -> Self {
        Self::new(config::schema::schema(
            &rules(&Configured::default()).unwrap(),
        ))
    }

    fn rule() -> Self {
        Self::new(schema::schema())
    }
}

/// The built-in rules that the fixtures speak of: all of them would take a while a thousand times.
fn rules(configured: &Configured) -> Result<RuleSet, Problems> {
    const SPOKEN_OF: [&str; 4] = [
        "last-tries.toml",
        "renewal-failing.toml",
        "renewal-overdue.toml",
        "retry-after-expiry.toml",
    ];
    let spoken_of = BUILT_IN.iter().copied();
    let spoken_of = spoken_of.filter(|(file, _)| SPOKEN_OF.contains(file));
    RuleSet::new(&spoken_of.collect::<Vec<_>>(), Vec::new(), configured)
}

fn read_config(text: &str) -> Result<(), Problems> {
    let settings = Settings::parse("f.toml", text)?;
    if settings.rules.is_empty() {
        return Ok(());
    }
    rules(&settings.configured()).map(|_| ())
}

/// A rule file is called after its rule.
fn read_rule(text: &str, id: &str) -> Result<(), Problems> {
    let mut problems = Problems::default();
    load::rule(&format!("{id}.toml"), text, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(())
}

fn of_toml(text: &str) -> Option<Value> {
    let value: toml::Table = toml::from_str(text).ok()?;
    Some(serde_json::to_value(value).unwrap())
}

fn to_toml(value: &Value) -> String {
    toml::to_string(value).unwrap()
}

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let toml = paths.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let mut files: Vec<(String, String)> = toml
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (stem, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// A document with one thing changed, and what was changed.
struct Changed {
    what: String,
    value: Value,
    /// A text has become another text: what is in a text, only the reader knows.
    only_text: bool,
}

/// Every key renamed, left out, doubled as a list, and given a value of each kind.
fn changed(whole: &Value) -> Vec<Changed> {
    let mut all = Vec::new();
    for pointer in pointers(whole, "") {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let change = |what: &str, act: &dyn Fn(&mut Value)| {
            let mut value = whole.clone();
            act(value.pointer_mut(parent).unwrap());
            Changed {
                what: format!("{pointer} {what}"),
                only_text: false,
                value,
            }
        };
        let was_text = whole.pointer(&pointer).unwrap().is_string();
        let others = [
            json!("%"),
            json!(""),
            json!(7),
            json!(true),
            json!([]),
            json!({}),
            json!(1.5),
        ];
        for other in others {
            let mut one = change(&format!("= {other}"), &|parent| match parent {
                Value::Object(object) => drop(object.insert(key.to_owned(), other.clone())),
                Value::Array(array) => {
                    *array.get_mut(key.parse::<usize>().unwrap()).unwrap() = other.clone();
                }
                _ => {}
            });
            one.only_text = was_text && other.is_string();
            all.push(one);
        }
        if whole.pointer(parent).unwrap().is_object() {
            all.push(change("left out", &|parent| {
                parent.as_object_mut().unwrap().remove(key);
            }));
            all.push(change("renamed", &|parent| {
                let parent = parent.as_object_mut().unwrap();
                let value = parent.remove(key).unwrap();
                parent.insert(format!("{key}x"), value);
            }));
        }
    }
    all
}

/// Where every value inside stands.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(array) => (0..)
            .zip(array)
            .map(|(place, value): (u32, _)| (place.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (key, value) in inside {
        let here = format!("{at}/{key}");
        all.extend(pointers(value, &here));
        all.push(here);
    }
    all
}

/// What schema and reader say differently of a document with one thing changed. The schema never
/// refuses what the reader takes; it takes what the reader refuses only where `is_beyond` says so.
fn disagreements(
    schema: &Schema,
    whole: &Value,
    read: impl Fn(&str) -> Result<(), Problems>,
    is_beyond: impl Fn(&Changed) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for one in changed(whole) {
        let (takes, reads) = (schema.takes(&one.value), read(&to_toml(&one.value)));
        match (takes, reads) {
            (false, Ok(())) => found.push(format!("{}: only the schema refuses it", one.what)),
            (true, Err(problems)) if !is_beyond(&one) => {
                found.push(format!(
                    "{}: only the reader refuses it: {problems}",
                    one.what
                ));
            }
            _ => {}
        }
    }
    found
}

/// Every property that the schema offers, as `key` under the path of its table.
fn offered(schema: &Value, at: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (key, inside) in schema["properties"].as_object().into_iter().flatten() {
        let here = format!("{at}/{key}");
        all.extend(offered(inside, &here));
        all.extend(offered(&inside["items"], &here));
        all.insert(here);
    }
    all
}

fn used(value: &Value) -> BTreeSet<String> {
    let without_places = |pointer: String| {
        let parts = pointer
            .split('/')
            .filter(|part| part.parse::<usize>().is_err());
        parts.collect::<Vec<_>>().join("/")
    };
    pointers(value, "")
        .into_iter()
        .map(without_places)
        .collect()
}

#[test]
fn good_settings_are_taken_and_wrong_ones_refused_by_both() {
    /// What two tables say together, what is inside of a text, and what follows from another key.
    const BEYOND: [&str; 16] = [
        "container-cannot-name-a-source",
        "file-stem-cannot-name-a-source",
        "matrix-alias-without-server",
        "matrix-room-without-sigil",
        "matrix-url-with-token",
        "matrix-with-a-user",
        "matrix-without-room",
        "repeat-too-short",
        "same-channel-name",
        "same-container",
        "same-source-file",
        "same-source-name",
        "same-source-name-by-default",
        "same-source-unit",
        "unit-cannot-name-a-source",
        "url-with-bad-port",
    ];
    let schema = Schema::config();
    for folder in ["good", "warned"] {
        for (name, text) in files(&format!("fixtures/config/{folder}")) {
            assert!(schema.takes(&of_toml(&text).unwrap()), "{name}");
        }
    }
    let taken: Vec<String> = files("fixtures/config/bad")
        .into_iter()
        .filter(|(_, text)| of_toml(text).is_some_and(|value| schema.takes(&value)))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(taken, BEYOND);
}

#[test]
fn settings_with_one_thing_changed_are_judged_alike() {
    let schema = Schema::config();
    let mut found = Vec::new();
    for (name, text) in files("fixtures/config/good") {
        let told = disagreements(&schema, &of_toml(&text).unwrap(), read_config, |one| {
            one.only_text
        });
        found.extend(told.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_rule_with_one_thing_changed_is_judged_alike() {
    /// A condition and an example speak of them.
    const NAMED_ELSEWHERE: [&str; 4] = [
        "/match left out",
        "/parameters = {}",
        "/parameters left out",
        "/severity/info left out",
    ];
    let (schema, whole) = (Schema::rule(), of_toml(EVERY_KEY).unwrap());
    let of_parameter = |what: &str| what.starts_with("/parameters/patience ");
    let is_beyond = |one: &Changed| {
        let what = one.what.as_str();
        one.only_text || of_parameter(what) || NAMED_ELSEWHERE.contains(&what)
    };
    let found = disagreements(
        &schema,
        &whole,
        |text| read_rule(text, "door-left-open"),
        is_beyond,
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_test_file_with_one_thing_changed_is_judged_alike() {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default()).unwrap();
    let read = |text: &str| {
        let mut problems = Problems::default();
        cases("a.test.toml", text, &rules, &mut problems);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    };
    let (schema, whole) = (
        Schema::new(schema::tests()),
        of_toml(EVERY_KEY_OF_TESTS).unwrap(),
    );
    assert!(schema.takes(&whole));
    let found = disagreements(&schema, &whole, read, |one| one.only_text);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let unused: Vec<String> = offered(&schema.text, "")
        .difference(&used(&whole))
        .cloned()
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn the_schema_takes_every_built_in_rule() {
    let schema = Schema::rule();
    for (name, text) in BUILT_IN {
        assert!(schema.takes(&of_toml(text).unwrap()), "{name}");
    }
}

#[test]
fn the_examples_use_every_key_that_the_schemas_offer() {
    let settings = files("fixtures/config/good");
    let settings: BTreeSet<String> = settings
        .iter()
        .flat_map(|(_, text)| used(&of_toml(text).unwrap()))
        .collect();
    let keys = offered(&Schema::config().text, "");
    let unused: Vec<&String> = keys
        .difference(&settings)
        .filter(|key| !key.starts_with("/rules/"))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");

    let keys = offered(&Schema::rule().text, "");
    let rule = used(&of_toml(EVERY_KEY).unwrap());
    let unused: Vec<&String> = keys.difference(&rule).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
