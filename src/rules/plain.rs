//! The shapes most clauses have, computed without the interpreter: a fact alone, a fact beside a
//! constant, a fact moved by a constant. They mean what `cel` makes of them, which a test holds.

use super::check::fact_of;
use super::condition::{Truth, Variables};
use super::fact::{Fact, FactValue, Facts};
use super::scope::Names;
use crate::time::LogTime;
use cel::Value;
use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};
use chrono::{DateTime, TimeDelta};
use std::cmp::Ordering;

/// A clause that reads one fact and nothing else that changes.
#[derive(Clone, Debug)]
pub(super) enum Plain {
    /// `cert.failing`
    Fact(Fact),
    /// `cert.name == "a.example.com"`, `cert.cause in ["crash"]`
    OneOf(Fact, Vec<FactValue>),
    /// `cert.tries_left <= 4`: the orders that hold.
    Ordered(Fact, &'static [Ordering], FactValue),
    /// `cert.due_since + duration("24h")`
    Moved(Fact, TimeDelta),
}

impl Plain {
    /// The shape of a checked expression, where it has one of these.
    pub(super) fn of(expr: &IdedExpr, names: &Names) -> Option<Self> {
        if let Some(fact) = fact_of(expr) {
            return Some(Self::Fact(fact));
        }
        let Expr::Call(CallExpr {
            func_name,
            target: None,
            args,
        }) = &expr.expr
        else {
            return None;
        };
        let [left, right] = args.as_slice() else {
            return None;
        };
        let constant = |expr: &IdedExpr| constant(expr, names);
        let name = func_name.as_str();
        if name == operators::IN {
            let Expr::List(list) = &right.expr else {
                return None;
            };
            let values: Option<Vec<FactValue>> = list.elements.iter().map(constant).collect();
            return Some(Self::OneOf(fact_of(left)?, values?));
        }
        let (fact, value, flipped) = match (fact_of(left), fact_of(right)) {
            (Some(fact), None) => (fact, constant(right)?, false),
            (None, Some(fact)) => (fact, constant(left)?, true),
            _ => return None,
        };
        match (name, value) {
            (operators::EQUALS, value) => Some(Self::OneOf(fact, vec![value])),
            (operators::ADD, FactValue::Length(by)) => Some(Self::Moved(fact, by)),
            (operators::SUBSTRACT, FactValue::Length(by)) if !flipped => {
                Some(Self::Moved(fact, -by))
            }
            (_, value) => Some(Self::Ordered(fact, orders(name, flipped)?, value)),
        }
    }

    /// Whether it holds; unknown, too, for what gives no truth value.
    pub(super) fn truth(&self, facts: &Facts) -> Truth {
        let holds = match self {
            Self::Fact(fact) => match facts.get(*fact) {
                Some(FactValue::Bool(truth)) => Some(*truth),
                _ => None,
            },
            Self::OneOf(fact, values) => get(*fact, facts).map(|value| values.contains(value)),
            Self::Ordered(fact, orders, value) => get(*fact, facts)
                .and_then(|one| one.order(value))
                .map(|order| orders.contains(&order)),
            Self::Moved(..) => None,
        };
        holds.map_or(Truth::Unknown, Truth::from)
    }

    /// The time it gives; `None` where the fact is not known or the sum leaves the range of its type.
    pub(super) fn time(&self, facts: &Facts) -> Option<LogTime> {
        let (fact, by) = match self {
            Self::Fact(fact) => (*fact, TimeDelta::zero()),
            Self::Moved(fact, by) => (*fact, *by),
            Self::OneOf(..) | Self::Ordered(..) => return None,
        };
        let FactValue::Time(time) = facts.get(fact)? else {
            return None;
        };
        let moved = DateTime::from_timestamp_micros(time.micros())?.checked_add_signed(by)?;
        Some(LogTime::from_micros(moved.timestamp_micros()))
    }
}

/// A known fact; a time that the interpreter cannot hold is not known.
fn get(fact: Fact, facts: &Facts) -> Option<&FactValue> {
    let held = |value: &&FactValue| match value {
        FactValue::Time(time) => DateTime::from_timestamp_micros(time.micros()).is_some(),
        _ => true,
    };
    facts.get(fact).filter(held)
}

/// How a fact has to lie to a constant for a comparison to hold.
fn orders(operator: &str, flipped: bool) -> Option<&'static [Ordering]> {
    use Ordering::{Equal, Greater, Less};
    let less: [&'static [Ordering]; 2] = [&[Less], &[Less, Equal]];
    let greater: [&'static [Ordering]; 2] = [&[Greater], &[Greater, Equal]];
    let [(below, up_to), (above, from)] = [less, greater].map(|[strict, wide]| (strict, wide));
    Some(match (operator, flipped) {
        (operators::NOT_EQUALS, _) => &[Less, Greater],
        (operators::LESS, false) | (operators::GREATER, true) => below,
        (operators::LESS_EQUALS, false) | (operators::GREATER_EQUALS, true) => up_to,
        (operators::GREATER, false) | (operators::LESS, true) => above,
        (operators::GREATER_EQUALS, false) | (operators::LESS_EQUALS, true) => from,
        _ => return None,
    })
}

/// The value of an expression that reads neither facts nor lines.
fn constant(expr: &IdedExpr, names: &Names) -> Option<FactValue> {
    let variables = Variables {
        names,
        facts: &[],
        reading: None,
    };
    Some(match variables.evaluate(expr)? {
        Value::Bool(truth) => FactValue::Bool(truth),
        Value::Int(number) => FactValue::Int(number),
        Value::String(text) => FactValue::from(text.as_str()),
        Value::Duration(length) => FactValue::Length(length),
        // Facts count microseconds; a finer constant is for the interpreter.
        Value::Timestamp(time) if time.timestamp_subsec_nanos() % 1_000 == 0 => {
            FactValue::Time(LogTime::from_micros(time.timestamp_micros()))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::condition::Condition;
    use crate::rules::{Reading, Scope, Truth};
    use proptest::prelude::*;
    use std::sync::Arc;

    const SHAPES: [&str; 16] = [
        "cert.failing",
        "cert.failing == true",
        "cert.failing != false",
        "cert.tries_left == 4",
        "cert.tries_left <= 4",
        "4 < cert.tries_left",
        "cert.tries_left != 2 + 2",
        "cert.tries_left in [1, 3, 5]",
        "cert.name == \"b\"",
        "cert.name != \"b\"",
        "cert.name in [\"a\", \"c\"]",
        "cert.failing_for >= duration(\"4s\")",
        "duration(\"4s\") > cert.failing_for",
        "cert.not_after < timestamp(\"1970-01-01T00:00:04Z\")",
        "cert.not_after - duration(\"1s\") != cert.due_since",
        "timestamp(\"1970-01-01T00:00:04Z\") == cert.not_after",
    ];

    fn facts(number: i64, text: &str) -> Facts {
        Facts::new()
            .with(Fact::Failing, number % 2 == 0)
            .with(Fact::TriesLeft, number)
            .with(Fact::Name, text)
            .with(Fact::FailingFor, TimeDelta::seconds(number % (1 << 40)))
            .with(Fact::NotAfter, LogTime::from_seconds(number))
    }

    proptest! {
        #[test]
        fn a_plain_clause_means_what_cel_makes_of_it(
            shape in 0..SHAPES.len(),
            number in prop_oneof![-1..8_i64, any::<i64>()],
            text in "[a-d]",
            empty in any::<bool>(),
        ) {
            let names = Arc::new(Names { scope: Scope::Certificate, ..Names::default() });
            let facts = if empty { Facts::new() } else { facts(number, &text) };
            let condition = Condition::parse(SHAPES[shape], &names).unwrap();
            for clause in condition.clauses() {
                let interpreted = clause.interpreted(Reading::from(&facts));
                let interpreted = interpreted.map_or(Truth::Unknown, |value| {
                    if value == Value::Bool(true) { Truth::True } else { Truth::False }
                });
                prop_assert_eq!(clause.truth(&facts), interpreted);
            }
        }

        #[test]
        fn a_moved_fact_is_where_cel_puts_it(
            moved in 0..4_usize,
            seconds in any::<i64>(),
        ) {
            let moved = [
                "cert.not_after + duration(\"36h\")",
                "duration(\"1500ms\") + cert.not_after",
                "cert.not_after - duration(\"90s\")",
                "cert.not_after",
            ][moved];
            let names = Arc::new(Names { scope: Scope::Certificate, ..Names::default() });
            let moment = crate::rules::Moment::parse(moved, &names).unwrap();
            let facts = facts(seconds, "a");
            let clause = moment.clause();
            prop_assert!(clause.plain().is_some());
            let plain = clause.plain().and_then(|plain| plain.time(&facts));
            let interpreted = clause.interpreted(Reading::from(&facts)).map(|value| match value {
                Value::Timestamp(time) => LogTime::from_micros(time.timestamp_micros()),
                other => panic!("{other:?} is no time"),
            });
            prop_assert_eq!(plain, interpreted);
        }
    }

    #[test]
    fn the_shapes_are_plain() {
        let names = Arc::new(Names {
            scope: Scope::Certificate,
            ..Names::default()
        });
        let odd = "cert.not_after - duration(\"1s\") != cert.due_since";
        for shape in SHAPES {
            let condition = Condition::parse(shape, &names).unwrap();
            let plain = condition
                .clauses()
                .iter()
                .all(|clause| clause.plain().is_some());
            assert_eq!(plain, shape != odd, "{shape}");
        }
    }
}
