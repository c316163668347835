//! Archived logs into lines: the replay side.
//!
//! Paths become rotation sets, oldest member first; each member is read once, as a stream.

use crate::caddy::join::Text;
use crate::source::buffer::Buffer;
use crate::source::error::SourceError;
use crate::source::line::{Counts, Stamp};
use crate::source::rotation::{self, Age};
use crate::source::texts::Texts;
use crate::source::unpack::{self, Stream, Unpacked};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How much is read at once.
const READ_BYTES: usize = 256 << 10;
/// Endings of the files that a directory is taken to offer as logs.
const LOG_ENDINGS: [&str; 6] = ["log", "json", "jsonl", "ndjson", "out", "err"];

/// The members of one rotation set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSet {
    /// The instance it speaks for when nobody says otherwise: `caddy` of `caddy.log` and of
    /// `caddy-2026-11-23T00-46-46.686.log.gz`.
    pub stem: String,
    /// Its files, oldest first; `-` is standard input.
    pub files: Vec<PathBuf>,
}

/// The files of one set by age; of a plain and a compressed one of the same age, the plain first.
type Members = BTreeSet<(Age, bool, PathBuf)>;

/// Paths into rotation sets, in the order in which they were first named. A directory stands for the
/// logs in it, and for nothing else it may hold.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<LogSet>, SourceError> {
    let mut sets: Vec<(PathBuf, Members)> = Vec::new();
    for path in paths {
        for file in files_of(path)? {
            let (live, age, packed) = place(&file);
            let index = sets.iter().position(|(other, _)| *other == live);
            let key = (age, packed, file);
            match index.and_then(|index| sets.get_mut(index)) {
                Some((_, members)) => {
                    members.insert(key);
                }
                None => sets.push((live, Members::from([key]))),
            }
        }
    }
    let lives: Vec<PathBuf> = sets.iter().map(|(live, _)| live.clone()).collect();
    let sets = sets.into_iter().map(|(live, members)| LogSet {
        stem: distinct_stem(&live, &lives),
        files: members.into_iter().map(|(_, _, file)| file).collect(),
    });
    Ok(sets.collect())
}

/// The stem, with as many directories before it as tell it from those of the other sets: two hosts'
/// `caddy.log` are two instances.
fn distinct_stem(live: &Path, all: &[PathBuf]) -> String {
    let others = || all.iter().filter(|other| other.as_path() != live);
    let named = |path: &Path, depth: usize| {
        let parents = path.parent().into_iter().flat_map(Path::iter);
        let parents: Vec<_> = parents.map(|part| part.to_string_lossy()).collect();
        let from = parents.len().saturating_sub(depth);
        let mut parts: Vec<String> = parents.into_iter().skip(from).map(Into::into).collect();
        parts.push(stem(path));
        parts.join("/")
    };
    let depths = 0..live.iter().count();
    let distinct =
        |depth: &usize| others().all(|other| named(other, *depth) != named(live, *depth));
    named(live, depths.clone().find(distinct).unwrap_or(depths.end))
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    if is_stdin(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let failed = |reason| SourceError::from_io(path, reason);
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if is_log_name(&file) && file.is_file() && !is_binary(&file) {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(SourceError::NoLogs {
            path: path.to_path_buf(),
        });
    }
    files.sort();
    Ok(files)
}

fn is_log_name(file: &Path) -> bool {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let member = rotation::member(name);
    let ending = Path::new(&member.live).extension();
    let ending = ending.and_then(|ending| ending.to_str()).unwrap_or("");
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.')
        && match ending.to_ascii_lowercase().as_str() {
            "txt" => lower.contains("log") && !lower.contains("changelog"),
            // A stamp in the name is as good as an ending.
            "" => matches!(member.age, Age::Dated(_)),
            ending => LOG_ENDINGS.contains(&ending),
        }
}

fn is_binary(file: &Path) -> bool {
    let unpacked = File::open(file).and_then(|file| unpack::unpack(Box::new(file)));
    matches!(unpacked, Ok(Unpacked::Binary))
}

fn place(file: &Path) -> (PathBuf, Age, bool) {
    match file.file_name().and_then(|name| name.to_str()) {
        Some(name) if !is_stdin(file) => {
            let member = rotation::member(name);
            (file.with_file_name(member.live), member.age, member.packed)
        }
        _ => (file.to_path_buf(), Age::Live, false),
    }
}

fn stem(live: &Path) -> String {
    if is_stdin(live) {
        return "stdin".to_owned();
    }
    live.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// How much was read, and the stamp of the last rejected line if no text came after it.
pub type Outcome = (Counts, Stamp);

/// Reads one file to its end and hands over its texts; `-` is standard input.
pub fn read(path: &Path, on: &mut dyn FnMut(Text<'_>)) -> Result<Outcome, SourceError> {
    let failed = |reason| SourceError::from_io(path, reason);
    let raw: Stream = if is_stdin(path) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let (mut text, packed) = match unpack::unpack(raw).map_err(failed)? {
        Unpacked::Text(text) => (text, false),
        Unpacked::Packed(text) => (text, true),
        Unpacked::Binary => {
            return Err(SourceError::NotText {
                path: path.to_path_buf(),
            });
        }
    };
    let mut texts = Texts::new();
    let outcome = scan(&mut text, &mut texts, on);
    texts.finish(&mut |text| on(text));
    let (counts, rejected_until) = (texts.counts(), texts.rejected_until());
    match outcome {
        Ok(()) => Ok((counts, rejected_until)),
        Err(reason) if packed => Err(SourceError::BrokenArchive {
            path: path.to_path_buf(),
            counts,
            rejected_until,
            reason,
        }),
        Err(reason) => Err(failed(reason)),
    }
}

fn scan(text: &mut Stream, texts: &mut Texts, on: &mut dyn FnMut(Text<'_>)) -> io::Result<()> {
    let mut buffer = Buffer::new(READ_BYTES);
    loop {
        let length = match text.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if length == 0 {
            return Ok(());
        }
        let chunk = buffer.get(..length).unwrap_or_default();
        texts.feed(chunk, &mut |text| on(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn lines(path: &Path) -> (Vec<String>, Result<Outcome, SourceError>) {
        let mut lines = Vec::new();
        let outcome = read(path, &mut |line| {
            lines.push(String::from_utf8_lossy(line.bytes).into_owned());
        });
        (lines, outcome)
    }

    #[test]
    fn two_hosts_logs_of_one_name_are_two_instances() {
        let all = ["d1/caddy.log", "d2/caddy.log", "d1/other.log"].map(PathBuf::from);
        let stems = all.each_ref().map(|live| distinct_stem(live, &all));
        assert_eq!(stems, ["d1/caddy", "d2/caddy", "other"]);
    }

    #[test]
    fn a_directory_means_its_logs_in_sets() {
        let room = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("caddy.log", &b"x\n"[..]),
            ("caddy-2026-11-23T00-46-46.686.log", b"x\n"),
            ("caddy-2026-11-22T00-46-46.686.log.gz", &gzip(b"x\n")),
            ("admin.json", b"{}\n"),
            ("README.md", b"x"),
            ("README.txt", b"x"),
            ("state.db", b"x"),
            ("core.log", b"\x7fELF\0"),
            ("tree.log.gz", &gzip(b"tar\0\0")),
            (".hidden.log", b"x"),
        ] {
            std::fs::write(room.path().join(name), bytes).unwrap();
        }
        std::fs::create_dir(room.path().join("old.log")).unwrap();
        let sets = expand(&[room.path().to_path_buf()]).unwrap();
        let found: Vec<(&str, Vec<&str>)> = sets
            .iter()
            .map(|set| {
                let names = set
                    .files
                    .iter()
                    .map(|file| file.file_name().unwrap().to_str().unwrap());
                (set.stem.as_str(), names.collect())
            })
            .collect();
        assert_eq!(
            found,
            [
                ("admin", vec!["admin.json"]),
                (
                    "caddy",
                    vec![
                        "caddy-2026-11-22T00-46-46.686.log.gz",
                        "caddy-2026-11-23T00-46-46.686.log",
                        "caddy.log"
                    ]
                )
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let room = tempfile::tempdir().unwrap();
        let missing = expand(&[room.path().join("no.log")]);
        assert!(matches!(missing, Err(SourceError::NotFound { .. })));
        let empty = expand(&[room.path().to_path_buf()]);
        assert!(matches!(empty, Err(SourceError::NoLogs { .. })));
        let stdin = expand(&[PathBuf::from("-")]).unwrap();
        assert_eq!(stdin[0].stem, "stdin");
    }

    #[test]
    fn plain_gzip_and_zstd_read_alike_whatever_the_name() {
        let room = tempfile::tempdir().unwrap();
        let text = b"\xef\xbb\xbfone\r\ntwo\nthree";
        let zstd = zstd::encode_all(&text[..], 0).unwrap();
        let two_members = [gzip(&text[..6]), gzip(&text[6..])].concat();
        for bytes in [text.to_vec(), gzip(text), zstd, two_members] {
            let path = room.path().join("any.log");
            std::fs::write(&path, bytes).unwrap();
            let (lines, outcome) = lines(&path);
            assert_eq!(lines, ["one", "two", "three"]);
            let (counts, _) = outcome.unwrap();
            assert_eq!((counts.lines, counts.bytes), (3, text.len() as u64));
        }
    }

    #[test]
    fn a_broken_archive_counts_up_to_the_damage() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("caddy.log.gz");
        let noise = |line: u32| format!("{:x}\n", line.wrapping_mul(2_654_435_761));
        let text: String = (0..50_000).map(noise).collect();
        let whole = gzip(text.as_bytes());
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let (lines, outcome) = lines(&path);
        let Err(SourceError::BrokenArchive { counts, .. }) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(lines.len() > 10_000, "{}", lines.len());
        assert_eq!(counts.lines, lines.len() as u64);
    }

    #[test]
    fn a_binary_is_not_text() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("x.log");
        std::fs::write(&path, b"a\0b").unwrap();
        assert!(matches!(lines(&path).1, Err(SourceError::NotText { .. })));
    }
}
