//! Every condition of every rule, turned into its opposite or with one comparison flipped, and every
//! moment a minute late: the oracle must notice it in a life.

#[path = "../kit/mutants.rs"]
mod kit;

use crate::caddy::world;
use crate::drive::{Manner, configured, rows_by};
use crate::oracle::{Due, difference, expected};
use crate::script::Script;
use notafter::rules::{BUILT_IN, RuleSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lives in which every mutant of every condition shows.
const SEEDS: u64 = 400;

struct Lived {
    seed: u64,
    world: Vec<Script>,
    wanted: BTreeSet<Due>,
}

impl Lived {
    fn new(seed: u64) -> Self {
        let world = world(seed);
        let wanted = expected(&world);
        Self {
            seed,
            world,
            wanted,
        }
    }

    fn of(&self, id: &str) -> BTreeSet<Due> {
        let mine = self.wanted.iter().filter(|due| due.rule == id);
        mine.cloned().collect()
    }

    fn notices(&self, id: &str, rules: &Arc<RuleSet>) -> bool {
        let found = rows_by(rules, &self.world, Manner::Plain);
        difference(&self.of(id), &found).is_some()
    }
}

#[test]
fn the_oracle_notices_every_mutant_of_every_condition_and_moment() {
    let mut lives: Vec<Lived> = (0..SEEDS).map(Lived::new).collect();
    let mut unnoticed = Vec::new();
    let mut rules_with_mutants = 0;
    for (file, text) in BUILT_IN {
        let id = file.trim_end_matches(".toml");
        // Those in which the rule is due notice soonest.
        let lines = |life: &Lived| {
            life.world
                .iter()
                .map(|host| host.lines.len())
                .sum::<usize>()
        };
        lives.sort_by_key(|life| (life.of(id).is_empty(), lines(life)));
        let mutants = kit::of_file(file, text);
        rules_with_mutants += usize::from(!mutants.is_empty());
        for mutant in mutants.into_iter().chain(kit::later(file, text)) {
            let files = vec![((*file).to_owned(), mutant.text)];
            let rules = RuleSet::new(&[], files, &configured(id));
            let rules = Arc::new(rules.unwrap_or_else(|problems| panic!("{problems}")));
            let noticed = lives.iter().find(|life| life.notices(id, &rules));
            match noticed {
                Some(life) => println!("{}: noticed by life {}", mutant.shown, life.seed),
                None => unnoticed.push(mutant.shown),
            }
        }
    }
    assert_eq!(rules_with_mutants, BUILT_IN.len());
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}
