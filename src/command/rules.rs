//! `notafter rules`: list, show, explain and test.

use crate::command::arguments::{RulePlace, RulesArguments, RulesVerb};
use crate::command::exit::{Exit, Failed, print};
use crate::command::layout::Told;
use crate::command::loading::load;
use crate::command::{explain, rule_tests};
use crate::diagnostic::nearest;
use crate::engine::example;
use crate::report::rule;
use crate::rules::RuleSet;

/// Runs the verb.
pub(super) fn run(arguments: &RulesArguments) -> Result<Exit, Failed> {
    let rules_of = |place: &RulePlace| {
        let loaded = load(place.config.as_deref(), place.directory.as_deref())?;
        Ok::<RuleSet, Failed>(loaded.1)
    };
    match &arguments.verb {
        RulesVerb::List(rules) => print(&rule::list(&rules_of(rules)?))?,
        RulesVerb::Show { id, rules } => {
            let rules = rules_of(rules)?;
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
        RulesVerb::Explain {
            file,
            instance,
            layout,
            rules,
        } => {
            let (settings, rules) = load(rules.config.as_deref(), rules.directory.as_deref())?;
            let told = Told::new(layout, Some(&settings), instance.as_deref())?;
            let layout = told.of(instance.as_deref().unwrap_or_default());
            return explain::run(file.as_deref(), instance.as_deref(), rules, layout);
        }
        RulesVerb::Test(test) => return rule_tests::run(test),
    }
    Ok(Exit::Fine)
}
