//! What is on this host: processes, units, containers, the admin API, log files.

use super::caddy::{Log, default_log};
use super::can_read;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What was found.
pub(super) struct Found {
    /// The logs to watch, none twice.
    pub(super) logs: BTreeSet<Log>,
    /// What was found and what could not be read, for people.
    pub(super) sentences: Vec<String>,
    /// Whether notafter's own unit is installed.
    pub(super) has_unit: bool,
}

/// Who will read the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// The unit, under a user of its own.
    Service,
    /// The person at the keyboard.
    Whoever,
}

/// Looks at the host; whatever cannot be seen is said and left out.
pub(super) fn look() -> Found {
    let mut found = Found {
        logs: BTreeSet::new(),
        sentences: Vec::new(),
        has_unit: Path::new("/lib/systemd/system/notafter.service").exists()
            || Path::new("/etc/systemd/system/notafter.service").exists(),
    };
    let unit = unit();
    if let Some(unit) = &unit {
        found
            .sentences
            .push(format!("found: Caddy runs as the unit {unit}"));
    }
    match admin_config() {
        Some(config) => {
            let log = default_log(&config);
            if let Some(obstacle) = log.obstacle {
                found
                    .sentences
                    .push(format!("warning: Caddy can be watched, but {obstacle}"));
            }
            match (log.file, &unit) {
                (Some(file), _) => {
                    found.sentences.push(format!(
                        "found: its own configuration, by the admin API, names the log {}",
                        file.display()
                    ));
                    found.logs.insert(Log::File(file));
                }
                (None, Some(unit)) => {
                    found
                        .sentences
                        .push("found: it logs to the journal".to_owned());
                    found.logs.insert(Log::Journal(unit.clone()));
                }
                (None, None) => {}
            }
        }
        None => unit_without_api(&mut found, unit.as_deref()),
    }
    for log in &found.logs {
        if !can_read(log)
            && let Log::File(path) = log
        {
            found.sentences.push(format!(
                "warning: {} cannot be read by this user",
                path.display()
            ));
        }
    }
    found
}

/// Without the admin API a log file is the better guess where there is one, else the journal.
fn unit_without_api(found: &mut Found, unit: Option<&str>) {
    let files = log_files(Path::new("/var/log/caddy"));
    for file in &files {
        found.sentences.push(format!("found: {}", file.display()));
    }
    found.logs.extend(files.into_iter().map(Log::File));
    if let (true, Some(unit)) = (found.logs.is_empty(), unit) {
        found.sentences.push(
            "found: no admin API on localhost:2019 and no log in /var/log/caddy, so it is taken to log to the journal".to_owned(),
        );
        found.logs.insert(Log::Journal(unit.to_owned()));
    }
}

/// The unit that runs Caddy, if systemd knows one.
fn unit() -> Option<String> {
    let list = [
        "list-units",
        "--type=service",
        "--no-legend",
        "--plain",
        "caddy*.service",
    ];
    let listed = output("systemctl", &list)?;
    let running = listed
        .lines()
        .find_map(|line| line.split_whitespace().next());
    if let Some(unit) = running {
        return Some(unit.to_owned());
    }
    let known = Path::new("/lib/systemd/system/caddy.service").exists();
    known.then(|| "caddy.service".to_owned())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Log files of a directory that are no rotated members.
fn log_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let paths = entries.map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .filter(|path| {
            !path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().contains("-20"))
        })
        .collect();
    files.sort();
    files
}

/// Caddy's running configuration, from the admin API at its usual place.
fn admin_config() -> Option<Value> {
    const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2019);
    const PATIENCE: Duration = Duration::from_secs(2);
    const LONGEST: u64 = 16 << 20;
    let mut stream = TcpStream::connect_timeout(&ADMIN, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream
        .write_all(b"GET /config/ HTTP/1.0\r\nHost: localhost:2019\r\n\r\n")
        .ok()?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).ok()?;
    let start = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    serde_json::from_slice(answer.get(start..)?).ok()
}

/// The drop-in that lets the unit read a log.
pub(super) fn grant(log: &Log, reader: Reader) -> Option<&'static str> {
    if reader == Reader::Whoever {
        return None;
    }
    match log {
        Log::File(_) => Some("10-caddy-group.conf"),
        Log::Journal(_) => Some("10-journal.conf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_members_are_no_logs_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "caddy.log",
            "caddy-2026-05-03T00-00-00.000.log",
            "caddy.log.1",
            "notes.txt",
        ] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(
            log_files(directory.path()),
            [directory.path().join("caddy.log")]
        );
    }
}
