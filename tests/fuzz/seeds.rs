//! Where each fuzz target starts from: the fixtures, cut into pieces of a size that can be explored.

use notafter::caddy::entry::Entry;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a log that one seed holds; what depends on each other is near.
const LINES: usize = 12;

/// The seeds of a target.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "line" => logs(),
        "cause" => errors(),
        "time" => times(),
        "rule" => files("rules", "toml"),
        "config" => [files("fixtures/config", "toml"), files("systemd", "toml")].concat(),
        other => panic!("no target is called {other}"),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The contents of every file with this ending, however deep below a directory.
fn files(below: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    collect(&root().join(below), ending, &mut paths);
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn collect(directory: &Path, ending: &str, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, paths);
        } else if path.extension().is_some_and(|found| found == ending) {
            paths.push(path);
        }
    }
}

/// Recordings and pastes in runs of lines, each line that says something new alone, and the lines of
/// the list of messages.
fn logs() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for log in files("fixtures/captures", "log") {
        let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
        seeds.extend(lines.chunks(LINES).map(<[&[u8]]>::concat));
    }
    seeds.extend(files("fixtures/pastes", "log"));
    seeds.extend(
        files("fixtures/messages", "tsv")
            .iter()
            .flat_map(|list| console(list)),
    );
    seeds
}

/// A console line for each message of the list.
fn console(list: &[u8]) -> Vec<Vec<u8>> {
    let list = String::from_utf8_lossy(list);
    let rows = list.lines().filter(|line| !line.starts_with('#'));
    let line = |row: &str| {
        let columns: Vec<&str> = row.split('\t').collect();
        let (level, logger, msg) = (columns[2].to_uppercase(), columns[3], columns[4]);
        format!(
            "2026/05/03 22:04:01.489\t{level}\t{logger}\t{msg}\t{{\"identifier\": \"a.example.com\"}}\n"
        )
    };
    rows.map(|row| line(row).into_bytes()).collect()
}

/// Every error and every problem of a CA in the recordings, the pastes and the examples of the rules.
fn errors() -> Vec<Vec<u8>> {
    let files = [files("fixtures", "log"), files("rules", "toml")].concat();
    let mut found = BTreeSet::new();
    for line in files
        .iter()
        .flat_map(|file| file.split(|byte| *byte == b'\n'))
    {
        let from = line.iter().position(|byte| *byte == b'{');
        let to = line.iter().rposition(|byte| *byte == b'}');
        let object = from.zip(to).and_then(|(from, to)| line.get(from..=to));
        if let Some(Ok(entry)) = object.map(Entry::decode) {
            found.extend(entry.error());
            found.extend(entry.problem("problem"));
        }
    }
    found.into_iter().map(String::into_bytes).collect()
}

/// Every layout that is named in the tests of times, and lengths.
fn times() -> Vec<Vec<u8>> {
    let texts = [
        "1777845841.489",
        "1777845841123",
        "1777845841123456789",
        "-6795364578.8713455",
        "1.777845841e9",
        "2026-05-03T22:04:01Z",
        "2026-05-03T22:04:01.250+0000",
        "2026-05-04T00:04:01.123456789+02:00",
        "2026/05/03 22:04:01",
        "2026/05/03 22:04:01.999",
        "03/May/2026:22:04:01 +0000",
        "Sun, 03 May 2026 22:04:01 GMT",
        "Sunday, 03-May-26 22:04:01 UTC",
        "Sun May  3 22:04:01 2026",
        "May  3 22:04:01.000000",
        "3:04PM",
        "20260503220401",
        "3 May 2026 10:04:01 PM",
        "03.05.2026 22:04:01,250",
        "21600",
        "151329.147",
        "2592000000000000",
        "720h0m0s",
        "12h3m4.5s",
        "-1m30s",
        "150ms",
        "1.5\u{b5}s",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
