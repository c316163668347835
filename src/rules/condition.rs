//! The text of a `when` into a checked [`Condition`], and of an `at` into a checked [`Moment`].
//!
//! A condition is evaluated with three values. It is cut at `&&`, `||` and `!` into [`Clause`]s; a
//! clause that reads something unknown is [`Truth::Unknown`], and so is one whose arithmetic leaves
//! the range of its type. The clauses are joined by Kleene's tables, so an unknown never opens an
//! alert by itself and never hides a clause that settles the matter without it.

use super::account::{Account, Part};
use super::check::{check, dotted, fact_of};
use super::fact::{Fact, FactType, FactValue, Facts};
use super::fact_set::FactSet;
use super::plain::Plain;
use super::scope::{Names, Reading};
use super::syntax::{Parsed, env};
use crate::document::Scalar;
use crate::time::LogTime;
use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Value};
use chrono::{DateTime, Utc};
use std::ops::Range;
use std::sync::Arc;

/// A mistake in a condition; the range counts bytes of the condition's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionError {
    /// Where in the text.
    pub range: Range<usize>,
    /// What is wrong: one lower-case sentence without a full stop.
    pub message: String,
    /// What to do or type.
    pub help: Option<String>,
}

impl ConditionError {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            range,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Whether something holds, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Something needed to say so is not known.
    Unknown,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Truth {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Unknown,
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// One part of a condition that holds, does not hold or is unknown as a whole.
#[derive(Clone, Debug)]
pub struct Clause {
    text: String,
    expr: IdedExpr,
    /// How it is computed without the interpreter, where it is plain enough.
    plain: Option<Plain>,
    facts: FactSet,
    /// The same, to be walked at each evaluation.
    reads: Vec<Fact>,
    line: Vec<String>,
    parameters: Vec<String>,
    names: Arc<Names>,
}

impl Clause {
    fn new(parsed: &Parsed<'_>, expr: &IdedExpr, names: &Arc<Names>) -> Self {
        let mut clause = Self {
            text: parsed.source(expr).to_owned(),
            expr: expr.clone(),
            plain: Plain::of(expr, names),
            facts: FactSet::EMPTY,
            reads: Vec::new(),
            line: Vec::new(),
            parameters: Vec::new(),
            names: Arc::clone(names),
        };
        clause.collect(expr);
        clause.reads = clause.facts.iter().collect();
        clause
    }

    /// Notes what an expression reads.
    fn collect(&mut self, expr: &IdedExpr) {
        match (&expr.expr, dotted(expr)) {
            (_, Some(("line", name))) => self.line.push(name.to_owned()),
            (_, Some(("param", name))) => self.parameters.push(name.to_owned()),
            (Expr::Call(call), _) => {
                let parts = call.target.as_deref().into_iter().chain(&call.args);
                parts.for_each(|part| self.collect(part));
            }
            (Expr::List(list), _) => list.elements.iter().for_each(|one| self.collect(one)),
            _ => self.facts = fact_of(expr).map_or(self.facts, |fact| self.facts.with(fact)),
        }
    }

    /// The clause as the rule's author wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The facts it reads.
    pub fn facts(&self) -> FactSet {
        self.facts
    }

    /// The parameters it reads, as it writes them, with their values for a person.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        self.parameters.iter().filter_map(|name| {
            let value = self.names.parameters.get(name)?;
            Some((format!("param.{name}"), value.to_string()))
        })
    }

    /// How it is computed without the interpreter, where it is plain enough.
    pub(super) fn plain(&self) -> Option<&Plain> {
        self.plain.as_ref()
    }

    /// What it reads and is not known, as written in it: `cert.not_after`, `line.host`.
    pub fn unknown<'a>(&self, reading: impl Into<Reading<'a>>) -> Vec<String> {
        let reading = reading.into();
        let facts = self.facts.without(reading.facts.known()).iter();
        let missing = |name: &&String| reading.line.and_then(|line| line.get(name)).is_none();
        let line = self.line.iter().filter(missing);
        let line = line.map(|name| format!("line.{name}"));
        facts.map(|fact| fact.to_string()).chain(line).collect()
    }

    /// Whether it holds.
    pub fn truth<'a>(&self, reading: impl Into<Reading<'a>>) -> Truth {
        let reading = reading.into();
        match &self.plain {
            Some(plain) => plain.truth(reading.facts),
            None => match self.interpreted(reading) {
                Some(Value::Bool(truth)) => Truth::from(truth),
                _ => Truth::Unknown,
            },
        }
    }

    /// Its value by the interpreter; `None` where something it reads is not known.
    pub(super) fn interpreted(&self, reading: Reading<'_>) -> Option<Value> {
        let known = |fact: &Fact| reading.facts.get(*fact).is_some();
        let given = |name: &String| reading.line.is_some_and(|line| line.get(name).is_some());
        if !self.reads.iter().all(known) || !self.line.iter().all(given) {
            return None;
        }
        let variables = Variables {
            names: &self.names,
            facts: &self.reads,
            reading: Some(reading),
        };
        variables.evaluate(&self.expr)
    }
}

/// A checked condition.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    root: Node,
    facts: FactSet,
}

#[derive(Clone, Debug)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Leaf(Box<Clause>),
}

impl Condition {
    /// Parses and checks a text that must give a truth value; every mistake is reported.
    pub fn parse(text: &str, names: &Arc<Names>) -> Result<Self, Vec<ConditionError>> {
        let parsed = checked(text, names, FactType::Bool)?;
        let root = Node::new(&parsed, &parsed.root, names);
        let mut clauses = Vec::new();
        root.leaves(&mut clauses);
        let facts = clauses.iter().map(|clause| clause.facts);
        let facts = facts.fold(FactSet::EMPTY, FactSet::union);
        let text = text.to_owned();
        Ok(Self { text, root, facts })
    }

    /// The condition as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds.
    pub fn truth<'a>(&self, reading: impl Into<Reading<'a>>) -> Truth {
        self.root.truth(reading.into())
    }

    /// The facts it reads.
    pub fn facts(&self) -> FactSet {
        self.facts
    }

    /// Its parts with what they read, to say why it did or did not hold.
    pub fn account<'a>(&self, reading: impl Into<Reading<'a>>) -> Account {
        self.root.account(reading.into(), false)
    }

    /// Parts without which it does not hold.
    pub(super) fn conjuncts(&self) -> Vec<&Clause> {
        let mut clauses = Vec::new();
        self.root.conjuncts(&mut clauses);
        clauses
    }

    /// Its parts, in the order they are written, to say why it did or did not hold.
    pub fn clauses(&self) -> Vec<&Clause> {
        let mut clauses = Vec::new();
        self.root.leaves(&mut clauses);
        clauses
    }
}

impl Node {
    fn new(parsed: &Parsed<'_>, expr: &IdedExpr, names: &Arc<Names>) -> Self {
        let parts = |args: &[IdedExpr]| {
            let parts = args.iter().map(|part| Self::new(parsed, part, names));
            parts.collect::<Vec<Self>>()
        };
        match &expr.expr {
            Expr::Call(CallExpr {
                func_name,
                target: None,
                args,
            }) => match (func_name.as_str(), args.as_slice()) {
                (operators::LOGICAL_AND, args) => Self::And(parts(args)),
                (operators::LOGICAL_OR, args) => Self::Or(parts(args)),
                (operators::LOGICAL_NOT, [one]) => {
                    Self::Not(Box::new(Self::new(parsed, one, names)))
                }
                _ => Self::Leaf(Box::new(Clause::new(parsed, expr, names))),
            },
            _ => Self::Leaf(Box::new(Clause::new(parsed, expr, names))),
        }
    }

    fn truth(&self, reading: Reading<'_>) -> Truth {
        match self {
            Self::And(parts) => all(parts, |part| part.truth(reading)),
            // Or is and, seen through not.
            Self::Or(parts) => all(parts, |part| part.truth(reading).not()).not(),
            Self::Not(part) => part.truth(reading).not(),
            Self::Leaf(clause) => clause.truth(reading),
        }
    }

    fn account(&self, reading: Reading<'_>, negated: bool) -> Account {
        let all = |parts: &[Self]| {
            parts
                .iter()
                .map(|part| part.account(reading, negated))
                .collect()
        };
        match (self, negated) {
            (Self::And(parts), false) | (Self::Or(parts), true) => Account::All(all(parts)),
            (Self::Or(parts), false) | (Self::And(parts), true) => Account::Any(all(parts)),
            (Self::Not(part), _) => part.account(reading, !negated),
            (Self::Leaf(clause), _) => Account::Part(Part::new(clause, reading, negated)),
        }
    }

    fn conjuncts<'n>(&'n self, found: &mut Vec<&'n Clause>) {
        match self {
            Self::And(parts) => parts.iter().for_each(|part| part.conjuncts(found)),
            Self::Leaf(clause) => found.push(clause),
            Self::Or(_) | Self::Not(_) => {}
        }
    }

    fn leaves<'n>(&'n self, found: &mut Vec<&'n Clause>) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.leaves(found);
                }
            }
            Self::Not(part) => part.leaves(found),
            Self::Leaf(clause) => found.push(clause),
        }
    }
}

/// Whether all hold; after one that does not, the rest is not looked at.
fn all(parts: &[Node], truth: impl Fn(&Node) -> Truth) -> Truth {
    let mut whole = Truth::True;
    for part in parts {
        whole = whole.and(truth(part));
        if whole == Truth::False {
            break;
        }
    }
    whole
}

/// A checked expression for a moment.
#[derive(Clone, Debug)]
pub struct Moment(Clause);

impl Moment {
    /// Parses and checks a text that must give a time; every mistake is reported.
    pub fn parse(text: &str, names: &Arc<Names>) -> Result<Self, Vec<ConditionError>> {
        let parsed = checked(text, names, FactType::Time)?;
        Ok(Self(Clause::new(&parsed, &parsed.root, names)))
    }

    /// When that is; `None` where something it needs is not known.
    pub fn at<'a>(&self, reading: impl Into<Reading<'a>>) -> Option<LogTime> {
        let reading = reading.into();
        if let Some(plain) = &self.0.plain {
            return plain.time(reading.facts);
        }
        match self.0.interpreted(reading)? {
            Value::Timestamp(time) => Some(LogTime::from_micros(time.timestamp_micros())),
            _ => None,
        }
    }

    /// What it reads, to say why it comes then; its truth says nothing.
    pub fn account<'a>(&self, reading: impl Into<Reading<'a>>) -> Part {
        Part::new(&self.0, reading.into(), false)
    }

    /// The expression as a clause, to say what it needs and what of it is unknown.
    pub fn clause(&self) -> &Clause {
        &self.0
    }

    /// The facts it reads.
    pub fn facts(&self) -> FactSet {
        self.0.facts
    }
}

fn checked<'t>(
    text: &'t str,
    names: &Names,
    wanted: FactType,
) -> Result<Parsed<'t>, Vec<ConditionError>> {
    let parsed = Parsed::new(text).map_err(|error| vec![error])?;
    let mut errors = check(&parsed, names, wanted);
    if errors.is_empty() {
        return Ok(parsed);
    }
    errors.sort_by_key(|error| (error.range.start, error.range.end));
    Err(errors)
}

/// The names an expression can be evaluated with: parameters always, facts and captures as read.
pub(super) struct Variables<'a> {
    pub(super) names: &'a Names,
    pub(super) facts: &'a [Fact],
    pub(super) reading: Option<Reading<'a>>,
}

impl Variables<'_> {
    /// The value of an expression; `None` where its arithmetic leaves the range of its type.
    pub(super) fn evaluate(&self, expr: &IdedExpr) -> Option<Value> {
        let mut context = Context::with_env(env());
        context.set_variable_resolver(self);
        Value::resolve(expr, &context).ok()
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let (root, name) = variable.split_once('.')?;
        let value = match (root, self.reading) {
            ("param", _) => scalar(self.names.parameters.get(name)?),
            ("line", Some(reading)) => Value::from(reading.line?.get(name)?),
            (_, Some(reading)) => {
                let named = |fact: &&Fact| fact.name() == name && fact.scope().prefix() == root;
                known(*self.facts.iter().find(named)?, reading.facts)?
            }
            (_, None) => return None,
        };
        value.try_into().ok().map(CowVal::Owned)
    }
}

fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Text(text) => Value::from(text.as_str()),
        Scalar::Integer(number) => Value::Int(*number),
        Scalar::Boolean(truth) => Value::Bool(*truth),
    }
}

fn known(fact: Fact, facts: &Facts) -> Option<Value> {
    Some(match facts.get(fact)? {
        FactValue::Bool(truth) => Value::Bool(*truth),
        FactValue::Int(number) => Value::Int(*number),
        FactValue::Text(text) => Value::from(&**text),
        FactValue::Length(length) => Value::Duration(*length),
        FactValue::Time(time) => {
            let time = DateTime::<Utc>::from_timestamp_micros(time.micros())?;
            Value::Timestamp(time.fixed_offset())
        }
    })
}

#[cfg(test)]
mod tests;
