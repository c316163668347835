//! One running `notafter watch`, with its own log, state and record.

use crate::row_schema::RowSchema;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The rule that a watch of these tests does without.
const OFF: &str = "expiring";

const PATIENCE: Duration = Duration::from_secs(9);

/// Waits until something holds; fails with `what` when it takes too long.
pub(crate) fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A place with a log to watch.
pub(crate) struct Place {
    room: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            room: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// Appends to the log, as Caddy does.
    pub(crate) fn log(&self, text: &str) {
        let mut log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("caddy.log"))
            .unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    /// `notafter` with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notafter"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", "/nonexistent")
            .current_dir(self.room.path());
        command
    }

    /// Starts a watch of the log. The recorded certificates live for a minute, and when which share
    /// of that has passed is a matter of seconds: the rule about it is off.
    pub(crate) fn watch(&self, hook: &str) -> Watch {
        let settings = format!("[rules.{OFF}]\nenabled = false\n");
        fs::write(self.path("watch.toml"), settings).unwrap();
        let mut arguments = vec!["watch", "caddy.log", "--state", "state"];
        arguments.extend(["--config", "watch.toml"]);
        arguments.extend(["--record", "record.jsonl", "--notify", hook]);
        Watch::start(&mut self.command(&arguments))
    }

    /// The alert rows that were recorded, as `rule name at reason severity attempts`.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("record.jsonl")).unwrap_or_default();
        essence(&text)
    }

    /// The same of a replay of the whole log.
    pub(crate) fn replayed(&self) -> Vec<String> {
        let output = self
            .command(&["replay", "caddy.log", "--format", "json"])
            .output()
            .unwrap();
        essence(&String::from_utf8(output.stdout).unwrap())
    }

    /// One row per certificate.
    pub(crate) fn status(&self) -> Vec<Value> {
        let output = self
            .command(&["status", "--json", "--state", "state"])
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        RowSchema::new().rows(&text)
    }
}

fn essence(rows: &str) -> Vec<String> {
    let rows = rows
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["type"] == "alert" && row["rule"] != OFF)
        .map(|row| {
            let words = ["rule", "certificate", "at", "reason", "severity"]
                .map(|field| row[field].as_str().unwrap().to_owned())
                .join(" ");
            // A line that is read twice counts an attempt twice.
            format!("{words} {}", row["attempts_total"])
        })
        .collect()
}

/// The process. Dropped, it is killed.
pub(crate) struct Watch {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Watch {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&said));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                *kept.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on standard error.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn wait_until_it_says(&self, words: &str) {
        wait_for(words, || self.said().contains(words));
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A signal by name, and the end.
    pub(crate) fn end_with(mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
        wait_for("the end of the process", || {
            fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
        });
        self.child.wait().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
