//! What the lives have in them, so that nobody has to believe it.

use crate::caddy::world;
use crate::faults::FAULTS;
use crate::script::{DAY, Generation, News, Script, Truth};
use std::collections::BTreeSet;

/// The most that a seed may write.
const LINES_MAX: usize = 1_500;

/// What is looked for in a host.
fn found(script: &Script) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let generation = match script.generation {
        Generation::Old => "the old table",
        Generation::New => "the new table",
        Generation::Paced => "jobs that ticks pace",
    };
    all.insert(generation.to_owned());
    let lives = script.lives.iter();
    all.extend(lives.map(|life| format!("{} days", life.lifetime / DAY)));
    for line in &script.lines {
        all.insert(line.entry.msg.clone());
        let faults = FAULTS
            .iter()
            .filter(|fault| line.text.contains(&quoted(fault.text)));
        all.extend(faults.map(|fault| fault.text.to_owned()));
        let step = match line.at - line.order {
            ..0 => "a clock set back",
            0 => continue,
            _ => "a clock set ahead",
        };
        all.insert(step.to_owned());
    }
    for (_, truth) in script.truth.values().flatten() {
        match truth {
            Truth::Canceled { .. } => drop(all.insert("a reload that ends a job".to_owned())),
            Truth::Failed { failure, .. } if failure.staging => {
                all.insert("the test CA".to_owned());
            }
            _ => {}
        }
    }
    all.extend(script.news.iter().map(|(_, news)| match news {
        News::Guest { failed, .. } => format!("a stranger, in vain: {failed}"),
        other => format!("{other:?}"),
    }));
    all
}

fn quoted(text: &str) -> String {
    text.replace('"', "\\\"")
}

#[test]
fn the_lives_have_everything_in_them() {
    let worlds: Vec<Vec<Script>> = (0..400).map(world).collect();
    let found: BTreeSet<String> = worlds.iter().flatten().flat_map(found).collect();
    let mut wanted: Vec<&str> = FAULTS.iter().map(|fault| fault.text).collect();
    wanted.extend([
        "the old table",
        "the new table",
        "jobs that ticks pace",
        "6 days",
        "45 days",
        "90 days",
        "a clock set ahead",
        "a clock set back",
        "a reload that ends a job",
        "the test CA",
        "a stranger, in vain: true",
        "a stranger, in vain: false",
        "Lost",
        "Found",
        "Panicked { in_loop: true }",
        "Panicked { in_loop: false }",
        // Both origins of a renewal, and a first issuance.
        "attempting certificate renewal",
        "will retry",
        "job failed",
        "obtaining certificate",
        "updated and stored ACME renewal information",
        "final attempt; giving up",
        "shutting down apps, then terminating",
    ]);
    wanted.retain(|one| !found.contains(*one));
    assert!(wanted.is_empty(), "missing: {wanted:#?}");
    for (seed, world) in worlds.iter().enumerate() {
        let lines: usize = world.iter().map(|script| script.lines.len()).sum();
        assert!(lines <= LINES_MAX, "seed {seed} writes {lines} lines");
    }
    let shared = worlds.iter().filter(|world| match &world[..] {
        [one, other] => one.lives.iter().any(|life| {
            let twin = other.lives.iter().find(|twin| twin.name == life.name);
            twin.is_some_and(|twin| twin.not_after != life.not_after)
        }),
        _ => false,
    });
    assert!(shared.count() > 50, "names that two hosts share");
}
