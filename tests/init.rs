//! `notafter init` on hosts that a test makes up: systemd is what lies in the PATH, the admin API is where
//! `CADDY_ADMIN` says, Docker where `DOCKER_HOST` says, as these variables mean everywhere.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test"
)]

#[expect(dead_code, reason = "the tests of the source use all of it")]
#[path = "support/engine.rs"]
mod engine;

use engine::Engine;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use tempfile::TempDir;

/// A host with a unit `caddy.service`, nobody at the admin API, and no Docker.
struct Host {
    room: TempDir,
    admin: String,
    docker: String,
}

impl Host {
    fn new() -> Self {
        let host = Self {
            admin: "127.0.0.1:1".to_owned(),
            docker: "unix:///nonexistent/docker.sock".to_owned(),
            room: tempfile::tempdir().unwrap(),
        };
        host.program(
            "systemctl",
            "echo 'caddy.service loaded active running Caddy'",
        );
        host
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The unit's user has this room for a home, with what Caddy saved there.
    fn saved(&self, config: &str) {
        let units = "echo 'caddy.service loaded active running Caddy'";
        self.program(
            "systemctl",
            &format!("[ $1 = show ] && echo web || {units}"),
        );
        let home = self.room.path().display();
        self.program(
            "getent",
            &format!("[ $2 = web ] && echo web:x:9:9::{home}:/bin/false"),
        );
        let directory = self.path(".config/caddy");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("autosave.json"), config).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// Nobody knows of a unit.
    fn without_unit(self) -> Self {
        fs::write(self.path("systemctl"), "#!/bin/sh\nexit 1\n").unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_notafter"))
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                format!("{}:/bin:/usr/bin", self.room.path().display()),
            )
            .env("CADDY_ADMIN", &self.admin)
            .env("DOCKER_HOST", &self.docker)
            .current_dir(self.room.path())
            .output()
            .unwrap()
    }

    /// Runs `init`, and gives what was written and what was said.
    fn init(&self) -> (String, String) {
        let output = self.run(&["init", "--config", "notafter.toml"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let written = fs::read_to_string(self.path("notafter.toml")).unwrap();
        let lines = written
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        assert!(lines.count() <= 10, "{written}");
        (written, said)
    }
}

/// Answers one request with a configuration of Caddy.
fn serve(mut to: impl Write, from: impl Read, config: &str) {
    let mut head = String::new();
    let mut from = BufReader::new(from);
    while from.read_line(&mut head).unwrap() > 2 {}
    assert!(head.starts_with("GET /config/ "), "{head}");
    write!(to, "HTTP/1.0 200 OK\r\n\r\n{config}").unwrap();
}

fn admin(config: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let stream: TcpStream = listener.accept().unwrap().0;
        serve(stream.try_clone().unwrap(), stream, &config);
    });
    address
}

fn logging_to(file: &str) -> String {
    format!(
        r#"{{"logging":{{"logs":{{"default":{{"writer":{{"output":"file","filename":"{file}"}}}}}}}}}}"#
    )
}

#[test]
fn the_log_that_caddy_names_is_written_and_its_storage_is_found() {
    let mut host = Host::new();
    let log = host.path("access and more.log");
    let line = r#"{"level":"info","ts":1.5,"logger":"tls","msg":"cleaning storage unit","storage":"FileStorage:/srv/caddy"}"#;
    fs::write(&log, format!("{line}\n")).unwrap();
    host.admin = admin(logging_to(&log.display().to_string()));
    let (written, said) = host.init();
    assert!(
        written.contains(&format!("file = \"{}\"", log.display())),
        "{written}"
    );
    assert!(
        said.contains("found: Caddy runs as the unit caddy.service"),
        "{said}"
    );
    assert!(
        said.contains("found: it keeps its certificates in /srv/caddy"),
        "{said}"
    );
    assert!(
        said.contains("next: notafter notify test --config notafter.toml"),
        "{said}"
    );
    let checked = host.run(&["check", "--config", "notafter.toml"]);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn without_a_log_file_it_is_the_journal_also_by_an_admin_socket() {
    let mut host = Host::new();
    let socket = host.path("admin.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        serve(stream.try_clone().unwrap(), stream, r#"{"apps":{}}"#);
    });
    host.admin = format!("unix/{}|0222", socket.display());
    let (written, said) = host.init();
    assert!(written.contains("journal = \"caddy.service\""), "{written}");
    assert!(said.contains("found: it logs to the journal"), "{said}");
}

/// With `admin off`, and with a socket that `CADDY_ADMIN` does not name.
#[test]
fn without_an_admin_api_the_log_is_the_one_of_the_saved_configuration() {
    let host = Host::new();
    let log = host.path("elsewhere.log");
    fs::write(&log, "").unwrap();
    host.saved(&logging_to(&log.display().to_string()));
    let (written, said) = host.init();
    let named = format!("file = \"{}\"", log.display());
    assert!(written.contains(&named), "{written}");
    assert!(!written.contains("journal"), "{written}");
    let told = "found: its own configuration, as it saved it in ";
    assert!(said.contains(told), "{said}");
}

#[test]
fn a_saved_configuration_that_cannot_be_read_is_said() {
    let host = Host::new();
    host.saved("{");
    let (written, said) = host.init();
    assert!(written.contains("journal = \"caddy.service\""), "{written}");
    let told = "where Caddy saved its configuration, cannot be read: ";
    assert!(said.contains(told), "{said}");
}

#[test]
fn a_running_container_with_caddy_is_found() {
    let mut host = Host::new().without_unit();
    let engine = Engine::new();
    engine.add("two", "web-caddy-1");
    engine.add("three", "nginx");
    engine.change("one", |container| container.running = false);
    engine.change("three", |container| container.image = "nginx:1".to_owned());
    host.docker = format!("unix://{}", engine.socket().display());
    let (written, said) = host.init();
    assert!(written.contains("docker = \"web-caddy-1\"\n"), "{written}");
    assert!(
        !written.contains("\"caddy\"") && !written.contains("nginx"),
        "{written}"
    );
    assert!(
        said.contains("found: the container web-caddy-1 has Caddy and runs"),
        "{said}"
    );
    let checked = host.run(&["check", "--config", "notafter.toml"]);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn a_log_inside_a_container_is_not_taken_for_one_of_the_host() {
    let mut host = Host::new().without_unit();
    let engine = Engine::new();
    host.docker = format!("unix://{}", engine.socket().display());
    host.admin = admin(logging_to("/data/inside.log"));
    let (written, said) = host.init();
    assert!(!written.contains("/data/inside.log"), "{written}");
    assert!(
        said.contains("/data/inside.log inside its container"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_asked_is_said() {
    let mut host = Host::new();
    // A proxy that lets nothing through.
    let listener = UnixListener::bind(host.path("docker.sock")).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // Whoever closes with something unread breaks the connection before the answer is read.
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    host.docker = format!("unix://{}", host.path("docker.sock").display());
    host.admin = admin(r#"{"apps":{}}"#.to_owned());
    let (_, said) = host.init();
    let words = "warning: whether a container runs Caddy is not known: ";
    assert!(said.contains(words) && said.contains("403"), "{said}");
}

#[test]
fn a_configuration_that_is_there_stays() {
    let host = Host::new();
    fs::write(host.path("notafter.toml"), "mine").unwrap();
    let output = host.run(&["init", "--config", "notafter.toml"]);
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    assert_eq!(
        fs::read_to_string(host.path("notafter.toml")).unwrap(),
        "mine"
    );
    let mut host = host;
    host.admin = admin(r#"{"apps":{}}"#.to_owned());
    let output = host.run(&["init", "--config", "notafter.toml", "--force"]);
    assert!(output.status.success(), "{output:?}");
    let written = fs::read_to_string(host.path("notafter.toml")).unwrap();
    assert!(written.contains("[[channel]]"), "{written}");
}
