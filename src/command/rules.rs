//! `notafter rules`: list, show, explain and test.

use crate::command::arguments::{RulePlace, RulesArguments, RulesVerb};
use crate::command::exit::{Exit, Failed, print};
use crate::command::loading::{load_rules, load_settings};
use crate::command::{explain, rule_tests};
use crate::diagnostic::nearest;
use crate::engine::example;
use crate::report::rule;

/// Runs the verb.
pub(super) fn run(arguments: &RulesArguments) -> Result<Exit, Failed> {
    let load = |place: &RulePlace| {
        let settings = load_settings(place.config.as_deref())?;
        load_rules(place.directory.as_deref(), &settings)
    };
    match &arguments.verb {
        RulesVerb::List(rules) => print(&rule::list(&load(rules)?))?,
        RulesVerb::Show { id, rules } => {
            let rules = load(rules)?;
            let Some(rule) = rules.get(id) else {
                let near = nearest(id, rules.all().iter().map(|rule| rule.id.as_str()));
                let near = near.map(|near| format!("did you mean `{near}`? "));
                let message = format!(
                    "error: no rule is called `{id}`\nhelp: {}`notafter rules list` names them all",
                    near.unwrap_or_default()
                );
                return Err(Failed::new(Exit::Usage, message));
            };
            print(&rule::show(rule, example::told(&rules, rule).as_ref()))?;
        }
        RulesVerb::Explain { file, rules } => {
            return explain::run(file.as_deref(), load(rules)?);
        }
        RulesVerb::Test(test) => return rule_tests::run(test),
    }
    Ok(Exit::Fine)
}
