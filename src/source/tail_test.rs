//! Real files under a real follower: rotation, truncation, restarts.

use crate::source::batch::{BATCH_LINES_MAX, FromSource, Reached, Stopped};
use crate::source::file::{FileSource, follow};
use crate::source::notice::NoticeKind;
use crate::source::position::Position;
use crate::source::tail::Tail;
use crate::source::wake::Stop;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A busy machine takes its time; a line that is lost never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a follower has handed over so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) lines: Vec<String>,
    pub(super) notices: Vec<NoticeKind>,
    pub(super) position: Option<Position>,
    pub(super) caught_up: Vec<bool>,
}

impl Seen {
    pub(super) fn take(&mut self, said: FromSource) {
        match said {
            FromSource::Said(notice) => self.notices.push(notice.kind),
            FromSource::Lines(batch) => {
                assert!(batch.lines.len() <= BATCH_LINES_MAX);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                self.lines
                    .extend(batch.lines.iter().map(|line| text(&line.bytes)));
                let Reached::File(position) = batch.position else {
                    panic!("not a file's position");
                };
                self.position = Some(position);
                self.caught_up.push(batch.caught_up);
            }
        }
    }
}

struct Room {
    directory: TempDir,
    tail: Tail,
    seen: Seen,
}

impl Room {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tail = tail_at(directory.path().join("caddy.log"), None);
        Self {
            directory,
            tail,
            seen: Seen::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        append(self.path(name), text);
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn gzip(&self, name: &str) {
        let text = fs::read(self.path(name)).unwrap();
        let file = File::create(self.path(&format!("{name}.gz"))).unwrap();
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packer.write_all(&text).unwrap();
        packer.finish().unwrap();
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Looks once and gives the new lines, joined.
    fn look(&mut self) -> String {
        self.seen.lines.clear();
        let seen = &mut self.seen;
        let looked = self.tail.look(&mut |said| {
            seen.take(said);
            Ok(())
        });
        looked.unwrap();
        self.seen.lines.join(" ")
    }

    /// Forgets everything but the last position, as after `kill -9`.
    fn restart(&mut self) {
        let position = self.seen.position.clone();
        self.tail = tail_at(self.path("caddy.log"), position);
    }

    fn notices(&mut self) -> Vec<NoticeKind> {
        std::mem::take(&mut self.seen.notices)
    }
}

fn tail_at(path: PathBuf, resume: Option<Position>) -> Tail {
    let name = "caddy".into();
    Tail::new(FileSource { name, path }, resume, Stop::new())
}

fn append(path: PathBuf, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_first_start_reads_the_set_oldest_first_and_is_then_caught_up() {
    let mut directory = Room::new();
    directory.append("caddy-2026-11-21T00-00-00.000.log", "a\nb\n");
    directory.gzip("caddy-2026-11-21T00-00-00.000.log");
    directory.append("caddy-2026-11-22T00-00-00.000.log", "c\n");
    directory.append("caddy.log", "d\n");
    assert_eq!(directory.look(), "a b c d");
    assert_eq!(directory.seen.caught_up, [false, false, true]);
    assert_eq!(directory.notices(), [NoticeKind::Opened]);
    assert_eq!(directory.look(), "");
    assert_eq!(directory.seen.caught_up.len(), 3, "nothing new is not said");
}

#[test]
fn a_partial_line_waits() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\nb");
    assert_eq!(directory.look(), "a");
    directory.append("caddy.log", "c");
    assert_eq!(directory.look(), "");
    directory.append("caddy.log", "d\n");
    assert_eq!(directory.look(), "bcd");
}

#[test]
fn late_writes_to_a_renamed_file_are_read_before_the_new_one() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    directory.rename("caddy.log", "caddy.log.1");
    assert_eq!(directory.look(), "");
    directory.append("caddy.log.1", "b\n");
    assert_eq!(directory.look(), "b");
    directory.append("caddy.log", "");
    directory.append("caddy.log.1", "c\nd");
    assert_eq!(directory.look(), "c", "an empty successor is not yet one");
    directory.append("caddy.log", "e\n");
    assert_eq!(directory.look(), "d e");
    assert_eq!(
        directory.notices(),
        [NoticeKind::Opened, NoticeKind::Rotated]
    );
}

#[test]
fn two_rotations_between_two_looks_lose_nothing() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    directory.append("caddy.log", "b\n");
    directory.rename("caddy.log", "caddy.log.2");
    directory.append("caddy.log", "c\n");
    directory.rename("caddy.log", "caddy.log.1");
    directory.gzip("caddy.log.2");
    directory.append("caddy.log", "d\n");
    assert_eq!(directory.look(), "b c d");
}

#[test]
fn a_rolled_off_file_is_still_read_to_its_end() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    directory.append("caddy.log", "b\n");
    fs::remove_file(directory.path("caddy.log")).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    directory.append("caddy.log.1", "c\n");
    directory.append("caddy.log", "d\n");
    assert_eq!(directory.look(), "b c d");
}

#[test]
fn after_copytruncate_the_rest_is_read_from_the_copy() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\nb");
    assert_eq!(directory.look(), "a");
    directory.append("caddy.log", "c\nd\n");
    fs::copy(directory.path("caddy.log"), directory.path("caddy.log.1")).unwrap();
    directory.gzip("caddy.log.1");
    fs::write(directory.path("caddy.log"), "").unwrap();
    assert_eq!(directory.look(), "bc d");
    assert_eq!(directory.look(), "");
    directory.append("caddy.log", "e\n");
    assert_eq!(directory.look(), "e");
    assert_eq!(
        directory.notices(),
        [NoticeKind::Opened, NoticeKind::Truncated]
    );
}

#[test]
fn a_cut_file_that_outgrew_its_old_size_is_noticed() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\nb\n");
    assert_eq!(directory.look(), "a b");
    fs::write(directory.path("caddy.log"), "c\nd\ne\n").unwrap();
    assert_eq!(directory.look(), "c d e");
    assert_eq!(
        directory.notices(),
        [NoticeKind::Opened, NoticeKind::Truncated]
    );
}

#[test]
fn a_restart_goes_on_in_a_compressed_member() {
    let mut directory = Room::new();
    directory.append("caddy-2026-11-20T00-00-00.000.log", "old\n");
    directory.append("caddy.log", "a\nb\n");
    assert_eq!(directory.look(), "old a b");
    directory.append("caddy.log", "c\n");
    directory.rename("caddy.log", "caddy-2026-11-21T00-00-00.000.log");
    directory.gzip("caddy-2026-11-21T00-00-00.000.log");
    directory.append("caddy-2026-11-22T00-00-00.000.log", "d\n");
    directory.append("caddy.log", "e\n");
    directory.restart();
    assert_eq!(directory.look(), "c d e");
    assert_eq!(
        directory.notices(),
        [NoticeKind::Opened, NoticeKind::Opened]
    );
    directory.restart();
    assert_eq!(directory.look(), "");
}

#[test]
fn a_reused_inode_fools_nobody() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\nb\n");
    assert_eq!(directory.look(), "a b");
    directory.append("caddy.log", "c\n");
    directory.rename("caddy.log", "caddy.log.1");
    directory.append("caddy.log", "new 1\nnew 2\n");
    let reused = Position {
        inode: std::os::unix::fs::MetadataExt::ino(
            &fs::metadata(directory.path("caddy.log")).unwrap(),
        ),
        ..directory.seen.position.clone().unwrap()
    };
    directory.seen.position = Some(reused);
    directory.restart();
    assert_eq!(directory.look(), "c new 1 new 2");
}

#[test]
fn a_position_whose_file_is_gone_goes_on_with_what_is_newer() {
    let mut directory = Room::new();
    directory.append("caddy.log.2", "old\n");
    std::thread::sleep(Duration::from_millis(20));
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "old a");
    fs::remove_file(directory.path("caddy.log")).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    directory.append("caddy.log.1", "b\n");
    directory.append("caddy.log", "c\n");
    directory.notices();
    directory.restart();
    assert_eq!(directory.look(), "b c");
    assert_eq!(directory.notices(), [NoticeKind::Lost, NoticeKind::Opened]);
}

#[test]
fn a_file_cut_while_nobody_looked_is_read_from_its_start() {
    let mut directory = Room::new();
    directory.append("caddy.log.1", "old\n");
    std::thread::sleep(Duration::from_millis(20));
    directory.append("caddy.log", "a\nb\nc\n");
    assert_eq!(directory.look(), "old a b c");
    fs::write(directory.path("caddy.log"), "d\n").unwrap();
    directory.notices();
    directory.restart();
    assert_eq!(directory.look(), "d");
    assert_eq!(
        directory.notices(),
        [NoticeKind::Truncated, NoticeKind::Opened]
    );
}

#[test]
fn a_restart_after_the_rotation_into_an_empty_file_reads_nothing_twice() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    directory.rename("caddy.log", "caddy.log.1");
    directory.append("caddy.log", "");
    assert_eq!(directory.look(), "");
    directory.gzip("caddy.log.1");
    directory.restart();
    assert_eq!(directory.look(), "");
    directory.append("caddy.log", "b\n");
    assert_eq!(directory.look(), "b");
}

#[test]
fn a_broken_member_is_said_and_passed() {
    let mut directory = Room::new();
    fs::write(directory.path("caddy.log.1.gz"), b"\x1f\x8b\x08 not gzip").unwrap();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    assert_eq!(directory.notices(), [NoticeKind::Lost, NoticeKind::Opened]);
}

#[test]
fn trouble_is_said_once_and_so_is_its_end() {
    let mut directory = Room::new();
    directory.look();
    directory.look();
    assert_eq!(directory.notices(), [NoticeKind::Waiting]);
    fs::create_dir(directory.path("caddy.log")).unwrap();
    directory.look();
    fs::remove_dir(directory.path("caddy.log")).unwrap();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    let notices = directory.notices();
    assert!(
        notices.ends_with(&[NoticeKind::Recovered, NoticeKind::Opened]),
        "{notices:?}"
    );
}

/// Else time would stand still until its next line.
#[test]
fn a_log_that_comes_back_unchanged_is_said_to_be_read_to_its_end() {
    let mut directory = Room::new();
    directory.append("caddy.log", "a\n");
    assert_eq!(directory.look(), "a");
    directory.look();
    directory.rename("caddy.log", "away");
    fs::create_dir(directory.path("caddy.log")).unwrap();
    directory.look();
    directory.seen.caught_up.clear();
    fs::remove_dir(directory.path("caddy.log")).unwrap();
    directory.rename("away", "caddy.log");
    while !directory.notices().contains(&NoticeKind::Recovered) {
        directory.look();
    }
    directory.look();
    assert_eq!(directory.seen.caught_up, [true]);
}

#[test]
fn a_line_of_64_mib_is_followed_in_little_memory() {
    let mut directory = Room::new();
    let long = "x".repeat(1 << 20);
    for _ in 0..64 {
        directory.append("caddy.log", &long);
        directory.look();
        assert!(directory.tail.buffer_bytes() < 1_300_000);
    }
    directory.append("caddy.log", "\nnext\n");
    directory.look();
    assert_eq!(directory.seen.lines[0].len(), 1 << 20);
    assert_eq!(directory.seen.lines[1], "next");
}

/// A follower on its own thread.
struct Follower {
    from: Receiver<FromSource>,
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Follower {
    fn start(path: PathBuf) -> Self {
        let name = "caddy".into();
        let (to, from) = channel();
        let stop = Stop::new();
        let handle = stop.clone();
        let thread = std::thread::spawn(move || {
            follow(FileSource { name, path }, None, &handle, |said| {
                to.send(said).map_err(|_| Stopped)
            });
        });
        Self { from, stop, thread }
    }
}

fn wait_for(from: &Receiver<FromSource>, seen: &mut Seen, done: impl Fn(&Seen) -> bool) {
    let start = Instant::now();
    while !done(seen) {
        let left = PATIENCE.saturating_sub(start.elapsed());
        let said = from.recv_timeout(left);
        seen.take(said.unwrap_or_else(|_| panic!("{:?} {:?}", seen.lines, seen.notices)));
    }
}

#[test]
fn a_thread_is_woken_by_the_file_system_and_stopped_by_hand() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caddy.log");
    let follower = Follower::start(path.clone());
    let mut seen = Seen::default();
    wait_for(&follower.from, &mut seen, |seen| {
        seen.notices == [NoticeKind::Waiting]
    });
    append(path.clone(), "a\n");
    wait_for(&follower.from, &mut seen, |seen| seen.lines == ["a"]);
    let mut old = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&path, directory.path().join("caddy.log.1")).unwrap();
    old.write_all(b"b\n").unwrap();
    wait_for(&follower.from, &mut seen, |seen| seen.lines == ["a", "b"]);
    append(path.clone(), "c\n");
    wait_for(&follower.from, &mut seen, |seen| {
        seen.lines == ["a", "b", "c"]
    });
    let start = Instant::now();
    append(path, "d\n");
    wait_for(&follower.from, &mut seen, |seen| seen.lines.len() == 4);
    assert!(
        start.elapsed() < Duration::from_millis(500),
        "polled: {:?}",
        start.elapsed()
    );
    follower.stop.stop();
    follower.thread.join().unwrap();
}

#[test]
fn a_busy_writer_that_rotates_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caddy.log");
    let follower = Follower::start(path.clone());
    let all: Vec<String> = (0..20_000).map(|line| format!("line {line}")).collect();
    let mut file = File::create(&path).unwrap();
    for (number, line) in all.iter().enumerate() {
        writeln!(file, "{line}").unwrap();
        if number % 1_000 == 999 {
            let stamp = format!("caddy-2026-11-23T00-00-00.{:03}.log", number / 1_000);
            fs::rename(&path, directory.path().join(stamp)).unwrap();
            file = File::create(&path).unwrap();
        }
    }
    let mut seen = Seen::default();
    wait_for(&follower.from, &mut seen, |seen| {
        seen.lines.len() >= all.len()
    });
    assert!(seen.lines == all, "other lines or another order");
    drop(follower.from);
    append(path, "one more\n");
    follower.thread.join().unwrap();
}
