//! The types of a condition: every name, operator and function against the fact table.
//!
//! `cel` checks no types, so a misspelled fact or a time compared with a number would be an error
//! only on the day the rule matters. Here it is one at load. Where a text fact has a closed list of
//! words, the words it is compared with are checked as well.

use super::condition::{ConditionError, Variables};
use super::fact::{Fact, FactType, Scope};
use super::scope::{Names, scalar_kind};
use super::syntax::Parsed;
use crate::diagnostic::nearest;
use crate::document::Scalar;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

const METHODS: [&str; 4] = ["startsWith", "endsWith", "contains", "matches"];
const FUNCTIONS: [&str; 2] = ["duration", "timestamp"];

/// Everything that is wrong with the types of a condition that should give `wanted`.
pub(super) fn check(parsed: &Parsed<'_>, names: &Names, wanted: FactType) -> Vec<ConditionError> {
    let mut check = Check {
        parsed,
        names,
        errors: Vec::new(),
    };
    let kind = check.kind(&parsed.root);
    if let Some(kind) = kind
        && kind != wanted
    {
        let message = format!("this gives {kind}, and {wanted} is needed");
        check.error(&parsed.root, message, None);
    }
    check.errors
}

/// The name that an expression such as `cert.not_after` spells.
pub(super) fn dotted(expr: &IdedExpr) -> Option<(&str, &str)> {
    match &expr.expr {
        Expr::Select(SelectExpr { operand, field, .. }) => match &operand.expr {
            Expr::Ident(root) => Some((root, field)),
            _ => None,
        },
        _ => None,
    }
}

/// The fact an expression reads, when it is nothing but that.
pub(super) fn fact_of(expr: &IdedExpr) -> Option<Fact> {
    let (root, field) = dotted(expr)?;
    Fact::from_name(Scope::of_prefix(root)?, field)
}

struct Check<'a> {
    parsed: &'a Parsed<'a>,
    names: &'a Names,
    errors: Vec<ConditionError>,
}

impl Check<'_> {
    /// The type of an expression; `None` once something in it has been reported.
    fn kind(&mut self, expr: &IdedExpr) -> Option<FactType> {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.bare_name(expr, name),
            Expr::Select(_) => self.name(expr),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(_) => self.error(expr, "a list stands only after `in`", None),
            _ => self.error(expr, "maps and loops are not part of conditions", None),
        }
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Option<FactType> {
        match literal {
            LiteralValue::Boolean(_) => Some(FactType::Bool),
            LiteralValue::Int(_) => Some(FactType::Int),
            LiteralValue::String(_) => Some(FactType::Text),
            LiteralValue::Null => {
                let help = "a fact that is not known makes its clause unknown, without a test";
                self.error(expr, "`null` is not part of conditions", Some(help))
            }
            _ => {
                let message = format!("`{}` is not a whole number", self.parsed.source(expr));
                self.error(expr, message, None)
            }
        }
    }

    fn bare_name(&mut self, expr: &IdedExpr, name: &str) -> Option<FactType> {
        if name == "now" {
            let help = "`at = 'cert.due_since + duration(\"24h\")'` opens the alert at that moment";
            return self.error(expr, "`now` does not exist: use `at`", Some(help));
        }
        let prefix = self.names.scope.prefix();
        let help = if Fact::from_name(self.names.scope, name).is_some() {
            format!("write `{prefix}.{name}`")
        } else if self.names.parameters.contains_key(name) {
            format!("write `param.{name}`")
        } else {
            format!("facts are written `{prefix}.NAME`")
        };
        self.error(expr, format!("nothing is called `{name}`"), Some(&help))
    }

    fn name(&mut self, expr: &IdedExpr) -> Option<FactType> {
        let Some((root, field)) = dotted(expr) else {
            let message = format!("nothing is called `{}`", self.parsed.source(expr));
            return self.error(expr, message, None);
        };
        let scope = self.names.scope;
        let (what, known): (&str, Vec<&str>) = match root {
            _ if root == scope.prefix() => match Fact::from_name(scope, field) {
                Some(fact) => return Some(fact.kind()),
                None => ("fact", scope.facts().map(Fact::name).collect()),
            },
            _ if Scope::of_prefix(root).is_some() => {
                let message = format!("`{root}.` is not known in a rule of scope {}", scope.word());
                let help = format!("its facts are written `{}.NAME`", scope.prefix());
                return self.error(expr, message, Some(&help));
            }
            "param" => match self.names.parameters.get(field) {
                Some(value) => return Some(scalar_kind(value)),
                None => ("parameter of this rule", keys(self.names.parameters.keys())),
            },
            "line" if self.names.line.contains(field) => return Some(FactType::Text),
            "line" if self.names.line.is_empty() => {
                let help = "add a `[match]` table, or read facts of the certificate";
                let message = format!("`line.{field}` needs a rule that matches lines");
                return self.error(expr, message, Some(help));
            }
            "line" => ("capture of this rule", keys(self.names.line.iter())),
            _ => ("fact", Vec::new()),
        };
        let near = nearest(field, known.into_iter());
        let help = near.map(|near| format!("did you mean `{root}.{near}`?"));
        let message = format!("no {what} is called `{root}.{field}`");
        self.error(expr, message, help.as_deref())
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<FactType> {
        let name = call.func_name.as_str();
        match (&call.target, call.args.as_slice()) {
            (Some(target), args) => self.method(expr, name, target, args),
            (None, [one]) => match name {
                operators::LOGICAL_NOT => self.expect(one, FactType::Bool),
                operators::NEGATE => self.expect(one, FactType::Int),
                "duration" => self.constant(expr, one, FactType::Length),
                "timestamp" => self.constant(expr, one, FactType::Time),
                _ => self.no_function(expr, name, &FUNCTIONS),
            },
            (None, [left, right]) => match name {
                operators::LOGICAL_AND | operators::LOGICAL_OR => {
                    let left = self.expect(left, FactType::Bool);
                    let right = self.expect(right, FactType::Bool);
                    left.and(right)
                }
                operators::EQUALS | operators::NOT_EQUALS => self.equality(expr, left, right),
                operators::IN => self.membership(left, right),
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS => self.order(expr, left, right),
                _ => self.arithmetic(expr, name, left, right),
            },
            (None, [test, yes, no]) if name == operators::CONDITIONAL => {
                let test = self.expect(test, FactType::Bool);
                let (yes, no) = (self.kind(yes)?, self.kind(no)?);
                if yes == no {
                    return test.and(Some(yes));
                }
                let message = format!("the two ends of `?:` give {yes} and {no}");
                self.error(expr, message, None)
            }
            _ => self.no_function(expr, name, &FUNCTIONS),
        }
    }

    fn method(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        target: &IdedExpr,
        args: &[IdedExpr],
    ) -> Option<FactType> {
        if !METHODS.contains(&name) {
            return self.no_function(expr, name, &METHODS);
        }
        let [argument] = args else {
            let message = format!("`{name}` takes one text in its brackets");
            return self.error(expr, message, None);
        };
        let target = self.expect(target, FactType::Text);
        let given = self.expect(argument, FactType::Text);
        target.and(given)?;
        if name == "matches" {
            let pattern = self.known_text(argument)?;
            if let Err(mistake) = regex::Regex::new(&pattern) {
                let help = reason_of(&mistake);
                return self.error(argument, "this is not a regular expression", Some(&help));
            }
        }
        Some(FactType::Bool)
    }

    /// `duration("24h")` and `timestamp("...")`, evaluated once to see that the text is one.
    fn constant(&mut self, expr: &IdedExpr, one: &IdedExpr, gives: FactType) -> Option<FactType> {
        self.expect(one, FactType::Text)?;
        let text = self.known_text(one)?;
        let variables = Variables {
            names: self.names,
            facts: &[],
            reading: None,
        };
        if variables.evaluate(expr).is_some() {
            return Some(gives);
        }
        let help = match gives {
            FactType::Length => "write \"90s\", \"10m\", \"36h\" or \"1h30m\"",
            _ => "write \"2026-05-03T23:37:59Z\"",
        };
        self.error(one, format!("`{text}` is not {gives}"), Some(help))
    }

    /// A text that is known at load: a literal or a parameter.
    fn known_text(&mut self, expr: &IdedExpr) -> Option<String> {
        let known = match &expr.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
            _ => match dotted(expr) {
                Some(("param", name)) => match self.names.parameters.get(name) {
                    Some(Scalar::Text(text)) => Some(text.clone()),
                    _ => None,
                },
                _ => None,
            },
        };
        if known.is_none() {
            self.error(expr, "this must be a text in quotes or a parameter", None);
        }
        known
    }

    fn equality(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) -> Option<FactType> {
        let (a, b) = (self.kind(left), self.kind(right));
        let (a, b) = (a?, b?);
        if a != b {
            return self.mismatch(expr, a, b);
        }
        self.possible_word(left, right)?;
        self.possible_word(right, left)?;
        Some(FactType::Bool)
    }

    fn order(&mut self, expr: &IdedExpr, left: &IdedExpr, right: &IdedExpr) -> Option<FactType> {
        let (a, b) = (self.kind(left), self.kind(right));
        match (a?, b?) {
            (a, b) if a != b => self.mismatch(expr, a, b),
            (a @ (FactType::Bool | FactType::Text), _) => self.error(
                expr,
                format!("{a} is neither before nor after another"),
                None,
            ),
            _ => Some(FactType::Bool),
        }
    }

    fn membership(&mut self, left: &IdedExpr, right: &IdedExpr) -> Option<FactType> {
        let wanted = self.kind(left);
        let Expr::List(list) = &right.expr else {
            return self.error(right, "`in` needs a list such as [\"a\", \"b\"]", None);
        };
        if list.elements.is_empty() {
            return self.error(right, "this list is empty, so nothing is in it", None);
        }
        let mut sound = wanted;
        for element in &list.elements {
            let given = wanted.and_then(|wanted| self.expect(element, wanted));
            let word = given.and_then(|_| self.possible_word(left, element));
            sound = sound.and(word).and(wanted);
        }
        sound.and(Some(FactType::Bool))
    }

    fn arithmetic(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Option<FactType> {
        use FactType::{Int, Length, Time};
        let sign = name.trim_matches('_');
        if !["+", "-", "*", "/", "%"].contains(&sign) {
            return self.no_function(expr, name, &FUNCTIONS);
        }
        let (a, b) = (self.kind(left), self.kind(right));
        let (a, b) = (a?, b?);
        match (sign, a, b) {
            (_, Int, Int) => Some(Int),
            ("+" | "-", Time, Length) | ("+", Length, Time) => Some(Time),
            ("-", Time, Time) | ("+" | "-", Length, Length) => Some(Length),
            _ => {
                let help = match (a, b) {
                    (Time | Length, Int) => Some("write lengths as `duration(\"24h\")`"),
                    _ => None,
                };
                let message = format!("`{sign}` does not join {a} and {b}");
                self.error(expr, message, help)
            }
        }
    }

    /// Whether a fact with a closed list of words can ever be this literal.
    fn possible_word(&mut self, fact: &IdedExpr, word: &IdedExpr) -> Option<()> {
        let (Some(fact), Expr::Literal(LiteralValue::String(text))) = (fact_of(fact), &word.expr)
        else {
            return Some(());
        };
        let (words, text) = (fact.words(), text.inner());
        if words.is_empty() || words.contains(&text) {
            return Some(());
        }
        let help = match nearest(text, words.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("it is one of {}", words.join(", ")),
        };
        let message = format!("`{fact}` is never \"{text}\"");
        self.error(word, message, Some(&help)).map(|_| ())
    }

    fn expect(&mut self, expr: &IdedExpr, wanted: FactType) -> Option<FactType> {
        let kind = self.kind(expr)?;
        if kind == wanted {
            return Some(kind);
        }
        let message = format!(
            "`{}` is {kind}, and {wanted} is needed",
            self.parsed.source(expr)
        );
        self.error(expr, message, None)
    }

    fn mismatch(&mut self, expr: &IdedExpr, a: FactType, b: FactType) -> Option<FactType> {
        let sign = self.parsed.text.get(self.parsed.token(expr));
        let message = format!("`{}` compares {a} with {b}", sign.unwrap_or("=="));
        self.error(expr, message, None)
    }

    fn no_function(&mut self, expr: &IdedExpr, name: &str, known: &[&str]) -> Option<FactType> {
        let name = match name {
            operators::INDEX => "[]",
            other => other,
        };
        let help = match nearest(name, known.iter().copied()) {
            Some(near) if near == name => format!("`{name}` takes one text in its brackets"),
            Some(near) => format!("did you mean `{near}`?"),
            None if name == "has" => "a fact that is not known makes its clause unknown".to_owned(),
            None => format!("there are {}, {}", FUNCTIONS.join(", "), METHODS.join(", ")),
        };
        let message = format!("`{name}` is not part of conditions");
        self.error(expr, message, Some(&help))
    }

    /// Notes a mistake; always `None`, so that callers can return it.
    fn error(
        &mut self,
        expr: &IdedExpr,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> Option<FactType> {
        let error = ConditionError::new(self.parsed.span(expr), message);
        self.errors.push(match help {
            Some(help) => error.help(help),
            None => error,
        });
        None
    }
}

fn keys<'n>(names: impl Iterator<Item = &'n String>) -> Vec<&'n str> {
    names.map(String::as_str).collect()
}

/// What the regex crate says at the end of its drawing of the pattern.
pub(super) fn reason_of(mistake: &regex::Error) -> String {
    let text = mistake.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
