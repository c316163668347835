//! The incident of 2026-05-03 as a Caddy log, made here so that nobody has to trust a blob.
//!
//! `NOTAFTER_BLESS=1 cargo test --test incident` writes the file anew; without it the committed
//! file must be what this program makes, byte for byte.

#[cfg(test)]
mod attempt;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod json;
#[cfg(test)]
mod maintenance;
#[cfg(test)]
mod process;
#[cfg(test)]
mod story;
#[cfg(test)]
mod traffic;

use std::path::Path;

#[test]
fn the_committed_log_is_what_the_generator_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incident-2026-05-03/caddy.log");
    let made = story::tell();
    if std::env::var_os("NOTAFTER_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &made).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let difference = made
        .lines()
        .zip(committed.lines())
        .position(|(made, kept)| made != kept);
    assert_eq!(
        difference, None,
        "first line (from 0) that differs from the generator's"
    );
    assert!(
        made == committed,
        "the committed log is shorter or longer than the generator's"
    );
}
