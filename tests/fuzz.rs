//! What the fuzz targets check (`just fuzz`), on every seed; so no target rots, and what a target once
//! found stays found. With `NOTAFTER_CORPUS` set the seeds are written there, for cargo-fuzz.

#[cfg(test)]
#[path = "fuzz/cause.rs"]
mod cause;
#[cfg(test)]
#[path = "fuzz/config.rs"]
mod config;
#[cfg(test)]
#[path = "fuzz/harmless.rs"]
mod harmless;
#[cfg(test)]
#[path = "fuzz/line.rs"]
mod line;
#[cfg(test)]
#[path = "fuzz/rule.rs"]
mod rule;
#[cfg(test)]
#[path = "fuzz/seeds.rs"]
mod seeds;
#[cfg(test)]
#[path = "fuzz/time.rs"]
mod time;

#[cfg(test)]
mod targets {
    use crate::{cause, config, line, rule, seeds, time};
    use std::fs;
    use std::path::Path;

    /// Checks every seed of a target, and writes them down where that is wanted.
    fn run(target: &str, check: fn(&[u8])) {
        let seeds = seeds::of(target);
        assert!(seeds.len() > 20, "{target}: {}", seeds.len());
        for seed in &seeds {
            check(seed);
        }
        let Some(corpus) = std::env::var_os("NOTAFTER_CORPUS") else {
            return;
        };
        let directory = Path::new(&corpus).join(target);
        fs::create_dir_all(&directory).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:04}")), seed).unwrap();
        }
    }

    #[test]
    fn any_log_is_read_or_refused() {
        run("line", line::check);
    }

    #[test]
    fn any_error_has_a_cause_and_a_safe_remedy() {
        run("cause", cause::check);
    }

    #[test]
    fn any_time_can_be_reckoned_with() {
        run("time", time::check);
    }

    #[test]
    fn any_rule_file_is_checked_or_refused() {
        run("rule", rule::check);
    }

    #[test]
    fn any_configuration_is_used_or_refused() {
        run("config", config::check);
    }
}
