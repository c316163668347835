//! Random writers, rotators and crashes against one model: every line once, in order.

use crate::source::batch::{FromSource, Stopped};
use crate::source::file::FileSource;
use crate::source::position::Position;
use crate::source::tail::Tail;
use crate::source::tail_test::Seen;
use crate::source::wake::Stop;
use proptest::prelude::*;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug)]
enum Action {
    /// A whole line.
    Write,
    /// The first half of a line; whatever is written next completes it.
    WriteHalf,
    /// Rename, as logrotate or lumberjack does, and a new file at the next write.
    Rotate,
    /// Rename, then one more line through the old descriptor.
    RotateLate,
    /// Copy and cut.
    CopyTruncate,
    /// Compress the newest or the second newest member.
    Compress(usize),
    /// Remove the oldest member, if it was read.
    RollOff,
    /// An empty file where the next line will go.
    Touch,
    Look,
    /// Nothing is kept but the last position handed over.
    Restart,
    /// The same in the middle of a look, after so many batches.
    Crash(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        6 => Just(Action::Write),
        2 => Just(Action::WriteHalf),
        2 => Just(Action::Rotate),
        1 => Just(Action::RotateLate),
        1 => Just(Action::CopyTruncate),
        2 => (0_usize..2).prop_map(Action::Compress),
        1 => Just(Action::RollOff),
        1 => Just(Action::Touch),
        4 => Just(Action::Look),
        2 => Just(Action::Restart),
        2 => (0_usize..4).prop_map(Action::Crash),
    ];
    prop::collection::vec(action, 1..60)
}

/// The world outside: what a Caddy and a log rotator do.
struct World {
    room: TempDir,
    numbered: bool,
    written: Vec<String>,
    half: bool,
    /// Members, oldest first.
    members: Vec<PathBuf>,
    rotations: u32,
    /// The clock of the file system; its own is too coarse for a test.
    now: SystemTime,
}

impl World {
    fn live(&self) -> PathBuf {
        self.room.path().join("caddy.log")
    }

    fn stamp(&mut self, path: &Path) {
        self.now += Duration::from_millis(1);
        let file = OpenOptions::new().append(true).open(path).unwrap();
        file.set_modified(self.now).unwrap();
    }

    fn write(&mut self, path: &Path, half: bool) {
        let mut text = String::new();
        if !self.half {
            // Some lines alone are longer than a fingerprint.
            let padding = if self.written.len() % 7 == 3 {
                1_500
            } else {
                3
            };
            text = format!("{}{}", self.written.len(), "x".repeat(padding));
            self.written.push(text.clone());
        }
        if !half {
            text.push('\n');
        }
        self.half = half;
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.stamp(path);
    }

    /// Makes room for the newest member and names it.
    fn newest(&mut self) -> PathBuf {
        self.rotations += 1;
        if !self.numbered {
            let name = format!("caddy-2026-11-23T00-00-00.{:03}.log", self.rotations);
            let path = self.room.path().join(name);
            self.members.push(path.clone());
            return path;
        }
        let count = self.members.len();
        for (index, member) in self.members.iter_mut().enumerate() {
            let packed = if member.extension().is_some_and(|end| end == "gz") {
                ".gz"
            } else {
                ""
            };
            let name = format!("caddy.log.{}{packed}", count - index + 1);
            let renamed = member.with_file_name(name);
            fs::rename(&*member, &renamed).unwrap();
            *member = renamed;
        }
        let path = self.room.path().join("caddy.log.1");
        self.members.push(path.clone());
        path
    }

    fn rotate(&mut self, late: bool) {
        if !self.live().exists() {
            return;
        }
        let live = self.live();
        let newest = self.newest();
        fs::rename(live, &newest).unwrap();
        if late {
            self.write(&newest, false);
        }
        // A line cut by a rotation stays cut: it is a line of its own.
        self.half = false;
    }

    fn copy_truncate(&mut self) {
        let live = self.live();
        if !live.exists() || self.half {
            return;
        }
        let newest = self.newest();
        fs::copy(&live, &newest).unwrap();
        self.stamp(&newest);
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&live)
            .unwrap();
        self.stamp(&live);
    }

    fn compress(&mut self, back: usize) {
        let index = self.members.len().checked_sub(back + 1);
        let Some(member) = index.and_then(|index| self.members.get_mut(index)) else {
            return;
        };
        if member.extension().is_some_and(|end| end == "gz") {
            return;
        }
        let mut name = member.file_name().unwrap().to_owned();
        name.push(".gz");
        let packed = member.with_file_name(name);
        let modified = fs::metadata(&*member).unwrap().modified().unwrap();
        let file = File::create(&packed).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(&fs::read(&*member).unwrap()).unwrap();
        encoder.finish().unwrap().set_modified(modified).unwrap();
        fs::remove_file(&*member).unwrap();
        *member = packed;
    }
}

struct Watcher {
    tail: Tail,
    seen: Seen,
}

impl Watcher {
    fn start(path: PathBuf, resume: Option<Position>, seen: Seen) -> Self {
        let name = "caddy".into();
        let tail = Tail::new(FileSource { name, path }, resume, Stop::new());
        Self { tail, seen }
    }

    fn look(&mut self) {
        self.look_until(usize::MAX);
    }

    /// Looks, but takes no more than so many batches.
    fn look_until(&mut self, batches: usize) {
        let seen = &mut self.seen;
        let end = seen.caught_up.len().saturating_add(batches);
        let mut to = |said: FromSource| {
            if matches!(said, FromSource::Lines(_)) && seen.caught_up.len() >= end {
                return Err(Stopped);
            }
            seen.take(said);
            Ok(())
        };
        let ended = self.tail.look(&mut to);
        assert!(ended.is_ok() || batches < usize::MAX);
    }
}

fn run(actions: &[Action], numbered: bool) -> Result<(), TestCaseError> {
    let mut world = World {
        room: tempfile::tempdir().unwrap(),
        numbered,
        written: Vec::new(),
        half: false,
        members: Vec::new(),
        rotations: 0,
        now: SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
    };
    let mut watcher = Watcher::start(world.live(), None, Seen::default());
    for action in actions {
        let live = world.live();
        match action {
            Action::Write => world.write(&live, false),
            Action::WriteHalf => world.write(&live, true),
            Action::Rotate => world.rotate(false),
            Action::RotateLate => world.rotate(true),
            Action::CopyTruncate => world.copy_truncate(),
            Action::Compress(back) => world.compress(*back),
            Action::RollOff => {
                watcher.look();
                if world.members.len() > 1 {
                    fs::remove_file(world.members.remove(0)).unwrap();
                }
            }
            Action::Touch => drop(
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(live)
                    .unwrap(),
            ),
            Action::Look => watcher.look(),
            Action::Restart | Action::Crash(_) => {
                if let Action::Crash(batches) = action {
                    watcher.look_until(*batches);
                }
                let position = watcher.seen.position.clone();
                watcher = Watcher::start(live, position, watcher.seen);
            }
        }
    }
    let live = world.live();
    world.write(&live, false);
    watcher.look();
    let short = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .map(|line| line.trim_end_matches('x').to_owned())
            .collect()
    };
    prop_assert_eq!(short(&watcher.seen.lines), short(&world.written));
    prop_assert_eq!(&watcher.seen.lines, &world.written);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(actions in actions(), numbered: bool) {
        run(&actions, numbered)?;
    }
}
