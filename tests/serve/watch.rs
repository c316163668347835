//! The program itself: it serves where it is told to, and goes on when it cannot.

use crate::client::get;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

struct Watch {
    child: Child,
    said: Receiver<String>,
    home: TempDir,
}

impl Watch {
    fn start(serve: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        configure(home.path(), serve);
        let mut child = Command::new(env!("CARGO_BIN_EXE_notafter"))
            .arg("watch")
            .arg("--config")
            .arg(home.path().join("notafter.toml"))
            .arg("--state")
            .arg(home.path().join("state"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (to, said) = channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| to.send(line))
        });
        Self { child, said, home }
    }

    /// The next line on standard error that holds this.
    fn hears(&self, part: &str) -> String {
        let mut all = String::new();
        while let Ok(line) = self.said.recv_timeout(Duration::from_secs(20)) {
            if line.contains(part) {
                return line;
            }
            all = all + &line + "\n";
        }
        panic!("`{part}` was not said, but:\n{all}");
    }

    fn serving(&self) -> SocketAddr {
        let line = self.hears("serving http://");
        let rest = line.split_once("http://").unwrap().1;
        rest.split_once('/').unwrap().0.parse().unwrap()
    }

    fn reload(&self, serve: &str) {
        configure(self.home.path(), serve);
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn configure(home: &Path, serve: &str) {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incident-2026-05-03/caddy.log");
    let settings = format!(
        "rules_directory = \"{}\"\n\n[[source]]\nname = \"edge\"\nfile = \"{}\"\n\n{serve}",
        home.join("none").display(),
        log.display(),
    );
    fs::write(home.join("notafter.toml"), settings).unwrap();
}

#[test]
fn what_was_read_is_served_and_a_reload_moves_it() {
    let watch = Watch::start("[serve]\nlisten = \"127.0.0.1:0\"\n");
    let first = watch.serving();
    watch.hears("read to the end");
    // A page from before the end may be remembered for a second.
    thread::sleep(Duration::from_millis(1_100));
    let page = get(first, "/metrics").body;
    let lines = "\nnotafter_lines_total{instance=\"edge\"} 4573\n";
    assert!(page.contains(lines), "{page}");
    assert!(
        page.contains("\nnotafter_certificate_not_after_timestamp_seconds{instance=\"edge\",certificate=\"takeonme.org\",source=\"log\"} 1783594937\n"),
        "{page}"
    );
    assert_eq!(get(first, "/healthz").status(), 200);

    watch.reload("[serve]\nlisten = \"[::1]:0\"\n");
    watch.hears(&format!("no longer serving at http://{first}"));
    let second = watch.serving();
    assert!(get(second, "/metrics").body.contains(lines));
    assert!(std::net::TcpStream::connect(first).is_err());

    watch.reload("");
    watch.hears(&format!("no longer serving at http://{second}"));
    watch.hears("the configuration was read again");
    assert!(std::net::TcpStream::connect(second).is_err());
}

#[test]
fn a_port_that_is_taken_keeps_nobody_from_watching() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let watch = Watch::start(&format!("[serve]\nlisten = \"{taken}\"\n"));
    watch.hears(&format!("error: nothing can be served at {taken}"));
    watch.hears("read to the end");
}
