//! Lives of many certificates, each written by one seed, judged by the engine and by an oracle that
//! sees the whole script. `NOTAFTER_SEED=17` judges one life, `NOTAFTER_SEEDS=20000` so many.

#[cfg(test)]
mod attempt;
#[cfg(test)]
mod caddy;
#[cfg(test)]
mod drive;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod oracle;
#[cfg(test)]
#[path = "../kit/random.rs"]
mod random;
#[cfg(test)]
mod script;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tapes;

#[cfg(test)]
mod simulation {
    use crate::caddy::{T, live};
    use crate::drive::{Manner, rows};
    use crate::oracle::{Due, difference, expected};
    use crate::random::Random;
    use crate::script::HOUR;
    use crate::seeds;
    use notafter::rules::BUILT_IN;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    /// Rules that no life of these is about; each has its own examples.
    pub(crate) const ELSEWHERE: [&str; 12] = [
        "caddy-crashed",
        "gave-up",
        "issuer-downgrade",
        "maintenance-dead",
        "on-demand-failing",
        "renewal-slow",
        "revoked",
        "source-lost",
        "source-silent",
        "staging-issued",
        "unknown-tls-error",
        "unmanaged-expiring",
    ];

    /// Rules with how often each of their changes was due.
    type Exercised = BTreeMap<String, usize>;

    /// Judges the life that a seed writes: what was due, or what is wrong.
    fn judge(seed: u64) -> Result<Exercised, String> {
        let script = live(&mut Random::new(seed), T);
        let until = script.end + 10 * HOUR;
        let plain = rows(&script, until, Manner::Plain);
        let wanted = expected(&script, until);
        if let Some(difference) = difference(&wanted, &plain) {
            let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seed-{seed}.log"));
            let lines: Vec<&str> = script.lines.iter().map(|line| line.text.as_str()).collect();
            fs::write(&log, lines.join("\n")).unwrap();
            let (generation, lives) = (script.generation, &script.lives);
            let log = log.display();
            return Err(format!(
                "{generation:?} {lives:#?}\n{difference}\nits log: {log}"
            ));
        }
        let other = if seed.is_multiple_of(2) {
            Manner::Rough(seed)
        } else {
            Manner::Live(seed)
        };
        if let Some(difference) = difference(&plain, &rows(&script, until, other)) {
            return Err(format!("{other:?}: {difference}"));
        }
        let ended = |due: &&Due| due.reason == "closed";
        let begun = |due: &&Due| due.reason == "opened" && due.rule != "renewal-slow";
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
        for due in seeds::each(&chosen, judge) {
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
            let idle: Vec<&str> = files
                .filter(|id| !due(id) && !ELSEWHERE.contains(id))
                .collect();
            assert!(idle.is_empty(), "never due: {idle:?} of {exercised:#?}");
        }
    }
}
