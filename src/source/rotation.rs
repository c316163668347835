//! File names into rotation sets: which files are the past of a live log, in which order.
//!
//! lumberjack writes `NAME-2006-01-02T15-04-05.000.EXT[.gz]`, timberjack
//! `NAME-STAMP-REASON.EXT[.gz|.zst]`, logrotate `NAME.EXT.1`, `NAME.EXT.2.gz` or, with `dateext`,
//! `NAME.EXT-20260503[.gz]`.

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};

/// Where a member stands in its set; sorts oldest first. Within one set of one rotator this is the
/// order of writing; a set of two rotators has its dated members first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// The digits of the stamp in the name.
    Dated(String),
    /// The number logrotate gave it; the highest is the oldest.
    Numbered(Reverse<u64>),
    /// Not rotated.
    Live,
}

/// A file name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The name of the live log of its set.
    pub(super) live: String,
    pub(super) age: Age,
    pub(super) packed: bool,
}

/// Takes a file name apart. Every name is a member of some set, if only of its own.
pub(super) fn member(name: &str) -> Member {
    let (plain, packed) = match name.strip_suffix(".gz").or(name.strip_suffix(".zst")) {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let (live, age) = dated(plain)
        .or_else(|| numbered(plain))
        .unwrap_or_else(|| (plain.to_owned(), Age::Live));
    Member { live, age, packed }
}

fn numbered(name: &str) -> Option<(String, Age)> {
    let (live, number) = name.rsplit_once('.')?;
    let short = number.len() <= 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    if !short || live.is_empty() {
        return None;
    }
    Some((
        live.to_owned(),
        Age::Numbered(Reverse(number.parse().ok()?)),
    ))
}

/// `caddy-2026-05-03T22-04-01.000-size.log` or `caddy.log-20260503`
fn dated(name: &str) -> Option<(String, Age)> {
    for (at, _) in name.match_indices('-') {
        let (stem, rest) = name.split_at_checked(at)?;
        let (stamp, extension) = match rest.rsplit_once('.') {
            // The milliseconds of a log without an extension.
            Some((_, last)) if last.starts_with(|c: char| c.is_ascii_digit()) => (rest, ""),
            Some((stamp, _)) => rest.split_at_checked(stamp.len())?,
            None => (rest, ""),
        };
        if let Some(digits) = stamp_digits(stamp) {
            return Some((format!("{stem}{extension}"), Age::Dated(digits)));
        }
    }
    None
}

/// The digits of `-20260503`, `-2026-05-03T22-04-01.000` or either with `-reason` behind.
fn stamp_digits(stamp: &str) -> Option<String> {
    let stamp = stamp.strip_prefix('-')?;
    let stamp = match stamp.rsplit_once('-') {
        Some((before, reason))
            if !reason.is_empty() && reason.bytes().all(|byte| byte.is_ascii_alphabetic()) =>
        {
            before
        }
        _ => stamp,
    };
    let spelled = stamp.starts_with(|c: char| c.is_ascii_digit())
        && stamp
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-T_.:Z+".contains(&byte));
    let digits: String = stamp.chars().filter(char::is_ascii_digit).collect();
    (spelled && digits.len() >= 8).then_some(digits)
}

/// The rotated members of the set of a live log, oldest first, without the live file itself. Of a
/// member that is there both plain and compressed only the plain one counts: the other is being made.
pub fn rotated_set(live: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = match live.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(live_name) = live.file_name().and_then(|name| name.to_str()) else {
        return Ok(Vec::new());
    };
    let mut members = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let member = member(name);
        if member.live == live_name && member.age != Age::Live {
            members.push((member.age, member.packed, entry.path()));
        }
    }
    members.sort();
    members.dedup_by(|later, earlier| later.0 == earlier.0 && later.1 && !earlier.1);
    Ok(members.into_iter().map(|(_, _, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rotator_is_known_by_its_names() {
        for (name, live, age) in [
            ("caddy.log", "caddy.log", "live"),
            ("caddy.log.gz", "caddy.log", "live"),
            (
                "caddy-2026-11-23T00-46-46.686.log",
                "caddy.log",
                "20261123004646686",
            ),
            (
                "caddy-2026-11-23T00-46-46.686.log.gz",
                "caddy.log",
                "20261123004646686",
            ),
            (
                "caddy-2026-11-23T00-46-46.686-size.log.zst",
                "caddy.log",
                "20261123004646686",
            ),
            (
                "my-site-2026-11-23T00-46-46.686.log",
                "my-site.log",
                "20261123004646686",
            ),
            (
                "caddy-2026-11-23T00-46-46.686",
                "caddy",
                "20261123004646686",
            ),
            ("caddy.log.1", "caddy.log", "1"),
            ("caddy.log.12.gz", "caddy.log", "12"),
            ("caddy.log-20260503", "caddy.log", "20260503"),
            ("caddy.log-20260503.gz", "caddy.log", "20260503"),
            ("a.b.log-20260503.gz", "a.b.log", "20260503"),
            ("my-site.log-20260503", "my-site.log", "20260503"),
            ("caddy-2.log", "caddy-2.log", "live"),
            ("caddy-size.log", "caddy-size.log", "live"),
            ("caddy-admin.log", "caddy-admin.log", "live"),
            ("-", "-", "live"),
        ] {
            let member = member(name);
            let found = match member.age {
                Age::Live => "live".to_owned(),
                Age::Dated(digits) => digits,
                Age::Numbered(Reverse(number)) => number.to_string(),
            };
            assert_eq!(
                (member.live.as_str(), found.as_str()),
                (live, age),
                "{name}"
            );
        }
    }

    #[test]
    fn a_set_is_listed_oldest_first() {
        let room = tempfile::tempdir().unwrap();
        let order = [
            "caddy-2026-11-22T00-46-46.686.log.gz",
            "caddy-2026-11-23T00-46-46.686.log",
            "caddy.log.10.gz",
            "caddy.log.2.gz",
            "caddy.log.1",
        ];
        let others = [
            "caddy.log",
            "caddy-2026-11-23T00-46-46.686.log.gz",
            "caddy-admin-2026-11-23T00-46-46.686.log",
            "other.log.1",
        ];
        for name in order.iter().chain(&others) {
            std::fs::write(room.path().join(name), "").unwrap();
        }
        let found = rotated_set(&room.path().join("caddy.log")).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(found, order);
    }
}
