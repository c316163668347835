//! Which seeds are judged, on all cores, and what becomes of those that fail.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// As many as a slow machine judges in half a minute; CI takes 2,000.
const SEEDS: u64 = 400;

/// Seeds that once failed, one a line; a failure adds its own.
pub(crate) fn kept_in() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/failed-seeds")
}

fn kept(path: &Path) -> BTreeSet<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// A number from the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().unwrap())
}

/// The one that `NOTAFTER_SEED` names; else those that once failed, and `NOTAFTER_SEEDS` more.
pub(crate) fn chosen() -> Vec<u64> {
    if let Some(seed) = number("NOTAFTER_SEED") {
        return vec![seed];
    }
    let count = number("NOTAFTER_SEEDS").unwrap_or(SEEDS);
    kept(&kept_in()).into_iter().chain(0..count).collect()
}

/// Judges each seed; the first that fails says how to see it again, and is kept.
pub(crate) fn each<T: Send>(
    seeds: &[u64],
    kept_in: &Path,
    judge: impl Fn(u64) -> Result<T, String> + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let judged = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    let work = || {
        while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            match judge(seed) {
                Ok(one) => judged.lock().unwrap().push(one),
                Err(why) => {
                    next.store(seeds.len(), Ordering::Relaxed);
                    failed.lock().unwrap().get_or_insert((seed, why));
                }
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    if let Some((seed, why)) = failed.into_inner().unwrap() {
        keep(seed, kept_in);
        panic!("{why}\nagain: NOTAFTER_SEED={seed} cargo test --test simulation");
    }
    judged.into_inner().unwrap()
}

fn keep(seed: u64, path: &Path) {
    let mut kept = kept(path);
    kept.insert(seed);
    let lines: Vec<String> = kept.iter().map(u64::to_string).collect();
    // A tree that cannot be written to still shows the failure.
    fs::write(path, lines.join("\n") + "\n").ok();
}

#[test]
fn a_seed_that_fails_prints_itself_and_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("failed-seeds");
    fs::write(&path, "12\n").unwrap();
    let judge = |seed| {
        if seed == 7 {
            Err("it differs".to_owned())
        } else {
            Ok(seed)
        }
    };
    let judged = std::panic::catch_unwind(|| each(&[3, 7], &path, judge));
    let told = judged.unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    assert!(told.starts_with("it differs"));
    assert!(told.ends_with("NOTAFTER_SEED=7 cargo test --test simulation"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "7\n12\n");
    assert_eq!(each(&[3], &path, judge), [3]);
}
