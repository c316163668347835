//! Every condition of every simulated rule, turned into its opposite or with one comparison flipped:
//! the oracle must notice in a few lives.

#[path = "../kit/mutants.rs"]
mod kit;

use crate::caddy::{T, live};
use crate::drive::{Manner, rows_by};
use crate::oracle::{difference, expected};
use crate::random::Random;
use crate::script::HOUR;
use crate::simulation::ELSEWHERE;
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use std::sync::Arc;

/// Lives in which every mutant of every condition shows.
const SEEDS: u64 = 150;

#[test]
fn the_oracle_notices_every_mutant_of_a_simulated_condition() {
    let lives: Vec<_> = (0..SEEDS)
        .map(|seed| {
            let script = live(&mut Random::new(seed), T);
            let until = script.end + 10 * HOUR;
            let wanted = expected(&script, until);
            (script, until, wanted)
        })
        .collect();
    let mut unnoticed = Vec::new();
    for (file, text) in BUILT_IN {
        let id = file.trim_end_matches(".toml");
        if ELSEWHERE.contains(&id) {
            continue;
        }
        let mine = |rule: &str| rule == id;
        for mutant in kit::of_file(file, text) {
            let files = vec![((*file).to_owned(), mutant.text)];
            let rules = RuleSet::new(&[], files, &Configured::default());
            let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
            let noticed = lives.iter().any(|(script, until, wanted)| {
                let found = rows_by(&rules, script, *until, Manner::Plain);
                let wanted = wanted
                    .iter()
                    .filter(|due| mine(&due.rule))
                    .cloned()
                    .collect();
                difference(&wanted, &found).is_some()
            });
            if !noticed {
                unnoticed.push(mutant.shown);
            }
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}
