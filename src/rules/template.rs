//! The texts of a rule's message into checked templates, and a context into plain text.
//!
//! Templates are minijinja's. At load the names are checked against what the context will hold, and
//! each text is rendered once with everything known and once with nothing known, so that a filter
//! on the wrong kind of value is found before the night it matters. Times and lengths are whole
//! seconds in the context; whatever is not known is `null` and reads "unknown".
//!
//! Nothing is escaped here: a channel escapes for its own format, and log text in the context has
//! to be neutralised by whoever builds it.

use super::condition::ConditionError;
use super::fact::{Fact, FactType, Scope};
use super::scope::Names;
use super::sentences::SENTENCES;
use crate::diagnostic::nearest;
use crate::time::{LogTime, spell};
use chrono::TimeDelta;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The names at the top of the context that stand for a single value, and what that is.
pub const TOP: [(&str, &str); 8] = [
    ("name", "The certificate's name, or the source's."),
    ("instance", "The watched Caddy: the name of its source."),
    ("severity", "How loud the alert is."),
    ("at", "The moment that is told of."),
    (
        "read_to",
        "How far the log is read, while it is out of reach.",
    ),
    (
        "first_to_expire",
        "Of a source: the certificate that expires first.",
    ),
    ("first_expiry", "When that expires."),
    ("advice", "What makes Caddy try again."),
];

/// What is told about a cause, by its name after `cause.`.
pub const CAUSE: [(&str, &str); 4] = [
    ("name", "The class of the failure."),
    ("explanation", "The same in words."),
    (
        "check",
        "The command that proves it, with the certificate's own name.",
    ),
    ("remedy", "What cures it."),
];

/// A checked text with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// Parses and checks a text; every mistake is reported. `samples` are of the same names.
    pub fn parse(
        text: &str,
        names: &Names,
        samples: &Samples,
    ) -> Result<Self, Vec<ConditionError>> {
        // All that the language has begins with a brace.
        if !text.contains('{') {
            return Ok(Self(text.to_owned()));
        }
        let environment = environment();
        let template = environment
            .template_from_str(text)
            .map_err(|error| vec![mistake(text, &error)])?;
        // Sorted, because the crate gives them in no order.
        let used: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
        let unknown: Vec<ConditionError> = used
            .iter()
            .filter_map(|name| unknown_name(text, name, names))
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        for sample in &samples.0 {
            if let Err(error) = template.render(sample) {
                return Err(vec![mistake(text, &error)]);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The text with its places filled in. A line that came out empty is left out, so that a
    /// template can hold one optional sentence a line.
    pub fn render(&self, context: &Context) -> Result<String, RenderError> {
        let text = environment().render_str(&self.0, &context.0);
        let text = text.map_err(|error| RenderError(reason(&error)))?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        Ok(lines.collect::<Vec<&str>>().join("\n"))
    }
}

/// What the places of all texts of a message are filled from.
#[derive(Debug)]
pub struct Context(Value);

impl Context {
    /// From an object whose keys are the names that texts may use.
    pub fn new(names: &Json) -> Self {
        Self(Value::from_serialize(names))
    }
}

/// Why a text could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rule's text could not be filled in: {0}")]
pub struct RenderError(String);

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_formatter(written);
        environment.add_filter("utc", utc);
        environment.add_filter("span", span);
        environment.add_filter("after", after);
        for (name, text) in SENTENCES {
            let added = environment.add_template(name, text);
            debug_assert!(added.is_ok(), "{name}: {added:?}");
        }
        environment
    })
}

/// How a value without a filter is written.
fn written(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return out.write_str("unknown").map_err(Error::from);
    }
    minijinja::escape_formatter(out, state, value)
}

/// A time as people read it.
fn utc(value: &Value) -> Result<String, Error> {
    let Some(seconds) = seconds(value, "utc")? else {
        return Ok("unknown".to_owned());
    };
    Ok(LogTime::from_seconds(seconds).utc())
}

/// A length of time as people read it; which way it goes is for the sentence to say.
fn span(value: &Value) -> Result<String, Error> {
    let length = seconds(value, "span")?.map(|seconds| TimeDelta::seconds(seconds.abs()));
    Ok(length.map_or_else(|| "an unknown time".to_owned(), spell))
}

/// How long the first time is after the second.
fn after(value: &Value, other: &Value) -> Result<Value, Error> {
    let pair = (seconds(value, "after")?, seconds(other, "after")?);
    Ok(match pair {
        (Some(later), Some(earlier)) => Value::from(later.saturating_sub(earlier)),
        _ => Value::from(()),
    })
}

/// Whole seconds, or nothing where the value is unknown.
fn seconds(value: &Value, filter: &str) -> Result<Option<i64>, Error> {
    // TimeDelta ends at i64::MAX milliseconds.
    let fits = |seconds: &i64| TimeDelta::try_seconds(*seconds).is_some();
    if value.is_none() {
        return Ok(None);
    }
    let found = value.as_i64().filter(fits);
    found.map(Some).ok_or_else(|| {
        let message = format!("`{filter}` needs a time or a length of time");
        Error::new(ErrorKind::InvalidOperation, message)
    })
}

/// A mistake for a name the context will not have.
fn unknown_name(text: &str, name: &str, names: &Names) -> Option<ConditionError> {
    let (root, field) = name.split_once('.').unwrap_or((name, ""));
    let prefix = names.scope.prefix();
    let top = TOP.map(|(name, _)| name);
    let known: Vec<&str> = match root {
        _ if root == prefix => names.scope.facts().map(Fact::name).collect(),
        "cause" => CAUSE.map(|(name, _)| name).to_vec(),
        "param" => names.parameters.keys().map(String::as_str).collect(),
        "line" => names.line.iter().map(String::as_str).collect(),
        _ if top.contains(&root) => return None,
        _ => {
            let help = nearest(
                root,
                top.into_iter().chain([prefix, "cause", "param", "line"]),
            );
            let help = match help {
                Some(near) => format!("did you mean `{near}`?"),
                None if Fact::from_name(names.scope, root).is_some() => {
                    format!("write `{prefix}.{root}`")
                }
                None => format!(
                    "there are {}, and `{prefix}.`, `cause.`, `param.`",
                    top.join(", ")
                ),
            };
            let error =
                ConditionError::new(place(text, root), format!("nothing is called `{root}`"));
            return Some(error.help(help));
        }
    };
    let field = field.split('.').next().unwrap_or_default();
    if known.contains(&field) {
        return None;
    }
    let name = if field.is_empty() {
        root.to_owned()
    } else {
        format!("{root}.{field}")
    };
    let error = ConditionError::new(place(text, &name), format!("nothing is called `{name}`"));
    Some(match nearest(field, known.into_iter()) {
        Some(near) => error.help(format!("did you mean `{root}.{near}`?")),
        None if field.is_empty() => error.help(format!("write `{root}.NAME`")),
        None => error,
    })
}

/// Where a name stands in the text: inside braces, because the crate does not say.
fn place(text: &str, name: &str) -> std::ops::Range<usize> {
    let open = text.find(['{']).unwrap_or_default();
    let inside = text.get(open..).unwrap_or_default();
    match inside.find(name) {
        Some(at) => open + at..open + at + name.len(),
        None => 0..text.len(),
    }
}

/// The crate's error at the line it names.
fn mistake(text: &str, error: &Error) -> ConditionError {
    let line = error.line().unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find('\n').unwrap_or(rest.len());
    ConditionError::new(start..start + length, reason(error))
}

fn reason(error: &Error) -> String {
    let detail = error.detail().map(str::to_owned);
    detail.unwrap_or_else(|| error.kind().to_string())
}

/// Contexts as the engine would give them: with everything known, and with nothing known.
pub struct Samples([Value; 2]);

impl Samples {
    /// The contexts of one rule.
    pub fn of(names: &Names) -> Self {
        let parameters = Value::from_serialize(names.parameters_json());
        Self([true, false].map(|known| sample(names, &parameters, known)))
    }
}

fn sample(names: &Names, parameters: &Value, known: bool) -> Value {
    let text = |(name, _): (&'static str, _)| (name, given(known, "text"));
    let taken = |name: &String| (name.clone(), given(known, "text"));
    Value::from_iter([
        ("name", Value::from("a.example.com")),
        ("instance", Value::from("caddy")),
        ("severity", Value::from("critical")),
        ("at", given(known, 2)),
        ("read_to", given(known, 1)),
        ("first_to_expire", given(known, "a.example.com")),
        ("first_expiry", given(known, 3)),
        ("advice", given(known, "text")),
        (names.scope.prefix(), sample_facts(names.scope, known)),
        ("cause", CAUSE.map(text).into_iter().collect()),
        ("param", parameters.clone()),
        ("line", names.line.iter().map(taken).collect()),
    ])
}

fn given(known: bool, value: impl Into<Value>) -> Value {
    if known { value.into() } else { Value::from(()) }
}

/// Every fact of a scope; all rules share them.
fn sample_facts(scope: Scope, known: bool) -> Value {
    static FACTS: OnceLock<Vec<(Scope, bool, Value)>> = OnceLock::new();
    let all = FACTS.get_or_init(|| {
        let scopes = Scope::ALL.into_iter();
        let kinds = scopes.flat_map(|scope| [true, false].map(|known| (scope, known)));
        kinds
            .map(|(scope, known)| {
                let facts = scope
                    .facts()
                    .map(|fact| (fact.name(), sample_fact(fact, known)));
                (scope, known, facts.collect())
            })
            .collect()
    });
    let mut all = all.iter();
    let found = all.find(|(of, is_known, _)| (*of, *is_known) == (scope, known));
    found.map(|(_, _, facts)| facts.clone()).unwrap_or_default()
}

fn sample_fact(fact: Fact, known: bool) -> Value {
    match fact.kind() {
        FactType::Bool => given(known, true),
        FactType::Text => given(known, *fact.words().first().unwrap_or(&"a.example.com")),
        FactType::Int | FactType::Time | FactType::Length => given(known, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(text: &str, context: &Json) -> String {
        let template =
            Template::parse(text, &Names::default(), &Samples::of(&Names::default())).unwrap();
        template.render(&Context::new(context)).unwrap()
    }

    fn refused(text: &str) -> (String, String, Option<String>) {
        let names = Names {
            line: ["host".to_owned()].into(),
            ..Names::default()
        };
        let errors = Template::parse(text, &names, &Samples::of(&names)).unwrap_err();
        let first = errors.into_iter().next().unwrap();
        (
            text.get(first.range).unwrap().to_owned(),
            first.message,
            first.help,
        )
    }

    #[test]
    fn times_and_lengths_read_well_known_or_not() {
        let text = "{{ cert.not_after|utc }}, {{ cert.next_retry|after(cert.not_after)|span }} later, \
                    attempt {{ cert.attempt }}";
        let known = json!({"cert": {
            "not_after": 1_777_851_479, "next_retry": 1_777_867_441, "attempt": 29
        }});
        assert_eq!(
            rendered(text, &known),
            "2026-05-03 23:37:59 UTC, 4 h 26 min later, attempt 29"
        );
        let unknown = json!({"cert": {"not_after": 1, "next_retry": null, "attempt": null}});
        assert_eq!(
            rendered(text, &unknown),
            "1970-01-01 00:00:01 UTC, an unknown time later, attempt unknown"
        );
    }

    #[test]
    fn names_and_filters_are_checked_at_load() {
        let said = |place: &str, message: &str, help: Option<&str>| {
            (
                place.to_owned(),
                message.to_owned(),
                help.map(str::to_owned),
            )
        };
        assert_eq!(
            refused("cert.not_aftr is {{ cert.not_aftr|utc }}"),
            said(
                "cert.not_aftr",
                "nothing is called `cert.not_aftr`",
                Some("did you mean `cert.not_after`?")
            )
        );
        assert_eq!(
            refused("{% if serverity %}x{% endif %}"),
            said(
                "serverity",
                "nothing is called `serverity`",
                Some("did you mean `severity`?")
            )
        );
        assert_eq!(
            refused("{{ attempt }}"),
            said(
                "attempt",
                "nothing is called `attempt`",
                Some("write `cert.attempt`")
            )
        );
        assert_eq!(
            refused("{{ line.hots }}"),
            said(
                "line.hots",
                "nothing is called `line.hots`",
                Some("did you mean `line.host`?")
            )
        );
        assert_eq!(refused("a\n{{ cert.name|utc }}").0, "{{ cert.name|utc }}");
        assert_eq!(
            refused("a\n{{ cert.name|utc }}").1,
            "`utc` needs a time or a length of time"
        );
        assert_eq!(refused("a\n{{ cert.name|utcc }}").0, "{{ cert.name|utcc }}");
        assert_eq!(refused("a\n{% if %}\nb").0, "{% if %}");
    }

    #[test]
    fn a_name_set_in_the_text_is_known_and_nothing_is_escaped() {
        let text = "{% set left = cert.tries_left %}{{ left }} <{{ name }}>";
        let context = json!({"name": "<b>", "cert": {"tries_left": 1}});
        assert_eq!(rendered(text, &context), "1 <<b>>");
    }
}
