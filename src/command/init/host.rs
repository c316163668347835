//! What is on this host: processes, units, containers, the admin API, log files.

use super::admin;
use super::caddy::{Log, default_log, storage};
use super::saved;
use crate::command::loading::docker_address;
use crate::source::docker;
use crate::source::notice::NoticeKind;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Command;

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

impl Reader {
    /// Where the access token of a Matrix room is kept.
    pub(super) const fn matrix_token(self) -> &'static str {
        match self {
            Self::Service => "/etc/credstore/matrix-token",
            Self::Whoever => "/etc/notafter/matrix.token",
        }
    }
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
    let containers = containers(&mut found);
    let running = admin::config().map(|config| (config, "by the admin API".to_owned()));
    match running.or_else(|| saved_of(unit.as_deref()?, &mut found)) {
        Some((config, told)) => configured(&mut found, &config, &told, unit.as_deref(), containers),
        None if found.logs.is_empty() || unit.is_some() => {
            unit_without_api(&mut found, unit.as_deref());
        }
        None => {}
    }
    let files = found.logs.iter().filter_map(|log| match log {
        Log::File(path) => Some(path),
        Log::Journal(_) | Log::Docker(_) => None,
    });
    let mut sentences = Vec::new();
    for path in files {
        match end_of(path) {
            Ok(end) => sentences.extend(
                storage(&end)
                    .map(|storage| format!("found: it keeps its certificates in {storage}")),
            ),
            Err(_) => sentences.push(format!(
                "warning: {} cannot be read by this user",
                path.display()
            )),
        }
    }
    found.sentences.extend(sentences);
    found
}

/// What the unit's Caddy has saved, and how it is told.
fn saved_of(unit: &str, found: &mut Found) -> Option<(Value, String)> {
    let saved = saved::of_unit(unit)?;
    let path = saved.path.display();
    match saved.config {
        Ok(config) => Some((config, format!("as it saved it in {path}"))),
        Err(error) => {
            found.sentences.push(format!(
                "warning: the admin API does not answer, and {path}, where Caddy saved its configuration, cannot be read: {error}"
            ));
            None
        }
    }
}

/// What a configuration says; the Caddy that told it by the admin API may be the one in a container.
fn configured(
    found: &mut Found,
    config: &Value,
    told: &str,
    unit: Option<&str>,
    has_container: bool,
) {
    let log = default_log(config);
    if let Some(obstacle) = log.obstacle {
        found
            .sentences
            .push(format!("warning: Caddy can be watched, but {obstacle}"));
    }
    match (log.file, unit) {
        (Some(file), None) if has_container && !file.exists() => {
            found.sentences.push(format!(
                "warning: Caddy logs to {} inside its container; mount that directory from the host and watch the file there, or let it log to standard error",
                file.display()
            ));
        }
        (Some(file), _) => {
            found.sentences.push(format!(
                "found: its own configuration, {told}, names the log {}",
                file.display()
            ));
            found.logs.insert(Log::File(file));
        }
        (None, Some(unit)) => {
            found
                .sentences
                .push("found: it logs to the journal".to_owned());
            found.logs.insert(Log::Journal(unit.to_owned()));
        }
        (None, None) => {}
    }
}

/// Containers that run Caddy, the stopped ones only if none runs; whether there are any.
fn containers(found: &mut Found) -> bool {
    let address = match docker_address() {
        Ok(address) => address,
        Err(failed) => {
            found
                .sentences
                .push(failed.message.replace("error:", "warning:"));
            return false;
        }
    };
    let listed = match docker::list(address) {
        Ok(listed) => listed,
        // Most hosts have no Docker, and need not hear of it.
        Err(notice) if notice.kind == NoticeKind::Waiting => return false,
        Err(notice) => {
            let remedy = notice.remedy.map(|remedy| format!("\nhelp: {remedy}"));
            found.sentences.push(format!(
                "warning: whether a container runs Caddy is not known: {}{}",
                notice.text,
                remedy.unwrap_or_default()
            ));
            return false;
        }
    };
    let (running, stopped): (Vec<_>, Vec<_>) = listed
        .into_iter()
        .filter(|container| runs_caddy(&container.image, &container.command))
        .partition(|container| container.is_running);
    let is_running = !running.is_empty();
    for container in if is_running { running } else { stopped } {
        let state = if is_running { "runs" } else { "is stopped" };
        found.sentences.push(format!(
            "found: the container {} has Caddy and {state}; its log is read from Docker",
            container.name
        ));
        found.logs.insert(Log::Docker(container.name));
    }
    found.logs.iter().any(|log| matches!(log, Log::Docker(_)))
}

/// Whether a container has Caddy, by the last part of its image's name or the program it was started with.
fn runs_caddy(image: &str, command: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    let image = image.rsplit('/').next().unwrap_or_default();
    let name = image.split(':').next().unwrap_or_default();
    let is_caddy = |word: &str| word.rsplit('/').next() == Some("caddy");
    let of_image = name == "caddy" || name.starts_with("caddy-") || name.ends_with("-caddy");
    of_image || command.split_whitespace().any(is_caddy)
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
            "found: no admin API and no log in /var/log/caddy, so it is taken to log to the journal".to_owned(),
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

pub(super) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The end of a log, as much of it as a day may take.
fn end_of(path: &Path) -> io::Result<String> {
    const LONGEST: u64 = 32 << 20;
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(io::SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut end = Vec::new();
    file.take(LONGEST).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_caddy_by_its_image_or_its_program() {
        for (image, command) in [
            ("caddy", ""),
            ("caddy:2.11-alpine", ""),
            ("registry.example.org:5000/me/caddy@sha256:00", ""),
            ("ghcr.io/me/caddy-cloudflare:latest", ""),
            ("web", "/usr/bin/caddy run --config /etc/caddy/Caddyfile"),
        ] {
            assert!(runs_caddy(image, command), "{image} {command}");
        }
        for (image, command) in [
            ("caddy/exporter:1", "/bin/exporter"),
            ("nginx", "nginx -g daemon off;"),
            ("sha256:0f", "cat /caddyfile"),
        ] {
            assert!(!runs_caddy(image, command), "{image} {command}");
        }
    }

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
