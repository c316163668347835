//! Lives of many certificates, each written by one seed, judged by the engine and by an oracle that
//! sees the whole script. `NOTAFTER_SEED=17` judges one life, `NOTAFTER_SEEDS=20000` so many.

#[cfg(test)]
mod account;
#[cfg(test)]
mod attempt;
#[cfg(test)]
mod caddy;
#[cfg(test)]
mod drive;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod life;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod process;
#[cfg(test)]
#[path = "../kit/random.rs"]
mod random;
#[cfg(test)]
mod script;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tale;
#[cfg(test)]
mod tapes;

#[cfg(test)]
mod simulation {
    use crate::caddy::world;
    use crate::drive::{Manner, lasting, rows};
    use crate::oracle::{Due, difference, expected};
    use crate::script::Script;
    use crate::seeds;
    use crate::source::lost;
    use notafter::rules::BUILT_IN;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    /// Rules with how often each of their changes was due.
    type Exercised = BTreeMap<String, usize>;

    /// What a seed wrote, and where its logs are.
    fn told(seed: u64, world: &[Script]) -> String {
        let mut told = String::new();
        for script in world {
            let log = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let log = log.join(format!("seed-{seed}-{}.log", script.host));
            let lines: Vec<&str> = script.lines.iter().map(|line| line.text.as_str()).collect();
            fs::write(&log, lines.join("\n")).unwrap();
            let (host, generation) = (&script.host, script.generation);
            let (lives, tales) = (&script.lives, &script.tales);
            let (log, lost) = (log.display(), lost(script));
            told += &format!("{host} {generation:?} {lives:#?} {tales:?}\n");
            told += &format!("its log: {log}, lost {lost:?}\n");
        }
        told
    }

    /// Judges the life that a seed writes: what was due, or what is wrong.
    fn judge(seed: u64) -> Result<Exercised, String> {
        let world = world(seed);
        let mut plain = rows(&world, Manner::Plain);
        let wanted = expected(&world);
        if let Some(difference) = difference(&wanted, &plain) {
            return Err(told(seed, &world) + &difference);
        }
        let other = if seed.is_multiple_of(2) {
            Manner::Rough(seed)
        } else {
            Manner::Live(seed)
        };
        let mut found = rows(&world, other);
        if matches!(other, Manner::Rough(_)) {
            (plain, found) = (lasting(plain), lasting(found));
        }
        if let Some(difference) = difference(&plain, &found) {
            return Err(format!("{}{other:?}: {difference}", told(seed, &world)));
        }
        // A slow renewal is judged again by the next one, weeks later; and at the end all is silent.
        let stays = ["renewal-slow", "source-silent"];
        let ended = |due: &&Due| due.reason == "closed" && !stays.contains(&&*due.rule);
        let begun = |due: &&Due| due.reason == "opened" && !stays.contains(&&*due.rule);
        if wanted.iter().filter(begun).count() != wanted.iter().filter(ended).count() {
            return Err(format!("something stays open: {wanted:#?}"));
        }
        let mut exercised = Exercised::new();
        for due in wanted {
            let change = format!("{} {} {}", due.rule, due.severity, due.reason);
            *exercised.entry(change).or_default() += 1;
        }
        Ok(exercised)
    }

    #[test]
    fn the_engine_agrees_with_the_oracle_about_every_seed() {
        let mut exercised = Exercised::new();
        let chosen = seeds::chosen();
        for due in seeds::each(&chosen, &seeds::kept_in(), judge) {
            for (change, count) in due {
                *exercised.entry(change).or_default() += count;
            }
        }
        if chosen.len() > 1 {
            let due = |id: &&str| {
                exercised
                    .keys()
                    .any(|key| key.starts_with(&format!("{id} ")))
            };
            let files = BUILT_IN
                .iter()
                .map(|(file, _)| file.trim_end_matches(".toml"));
            let idle: Vec<&str> = files.filter(|id| !due(id)).collect();
            assert!(idle.is_empty(), "never due: {idle:?} of {exercised:#?}");
        }
    }
}
