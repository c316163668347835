//! Rule files into checked rules: what opens an alert, how loud, when it closes, what it says.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

mod account;
mod builtin;
mod case;
mod check;
mod condition;
mod fact;
mod fact_set;
mod index;
pub mod load;
mod matcher;
mod plain;
mod rule;
pub mod schema;
mod scope;
mod sentences;
mod set;
mod severity;
mod syntax;
mod template;

pub use account::{Account, Part};
pub use builtin::BUILT_IN;
pub use case::{Case, Check, TEST_FILE, cases};
pub use condition::{Clause, Condition, ConditionError, Moment, Truth};
pub use fact::{Fact, FactType, FactValue, Facts, Scope};
pub use fact_set::FactSet;
pub use load::RuleFile;
pub use matcher::{LineFields, Matcher};
pub use rule::{Closing, Example, Expectation, Level, Reads, Rule, Texts, Verdict};
pub use scope::{Captures, Names, Reading};
pub use sentences::SENTENCES;
pub use set::{Changes, Configured, RuleSet};
pub use severity::Severity;
pub use template::{CAUSE, Context, RenderError, Samples, TOP, Template};
