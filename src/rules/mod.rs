//! Rule files into checked rules: what opens an alert, how loud, when it closes, what it says.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

mod check;
mod condition;
mod fact;
mod matcher;
mod scope;
mod severity;
mod syntax;
mod template;

pub use condition::{Clause, Condition, ConditionError, Moment, Truth};
pub use fact::{Fact, FactSet, FactType, FactValue, Facts};
pub use matcher::{LineFields, Matcher};
pub use scope::{Captures, Names, Reading};
pub use severity::Severity;
pub use template::{RenderError, Template};
