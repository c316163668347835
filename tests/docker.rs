//! Containers as a source: every fault that a stand-in for the engine can have. `tests/lab/docker.py`
//! has the real one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on fails the test"
)]

#[path = "support/containers.rs"]
mod containers;
#[path = "support/engine.rs"]
mod engine;

use containers::{Following, source};
use engine::{Engine, Fault};
use notafter::source::docker::DockerPosition;
use notafter::source::notice::NoticeKind;

#[test]
fn what_is_there_and_what_comes_is_read_once() {
    for terminal in [false, true] {
        let engine = Engine::new();
        let long = format!("long {}", "x".repeat(40_000));
        engine.change("one", |container| container.terminal = terminal);
        engine.write("one", &["one", &long, "three"]);
        let mut following = Following::start(&engine, "caddy", None);
        let seen = following.until(|seen| seen.caught_up);
        assert_eq!(seen.lines, ["one", &long, "three"]);
        assert_eq!(seen.files[0], "docker:caddy");
        engine.write("one", &["four"]);
        following.until(|seen| seen.lines.len() == 4);
        let seen = following.stop();
        assert_eq!(seen.kinds(), []);
        assert_eq!(seen.position.as_ref().unwrap().containers["one"].line, 4);

        engine.write("one", &["five"]);
        let mut following = Following::start(&engine, "caddy", seen.position);
        assert_eq!(following.until(|seen| seen.caught_up).lines, ["five"]);
        assert_eq!(following.stop().kinds(), []);
    }
}

#[test]
fn a_stop_and_a_start_lose_nothing() {
    let engine = Engine::new();
    engine.write("one", &["one"]);
    let mut following = Following::start(&engine, "caddy", None);
    following.until(|seen| seen.caught_up);
    engine.change("one", |container| container.running = false);
    // Its last words come after its end, as far as the stream is concerned.
    engine.write("one", &["last"]);
    following.until(|seen| seen.said().contains("the container caddy is stopped"));
    engine.write("one", &["first"]);
    engine.change("one", |container| {
        container.running = true;
        container.starts += 1;
    });
    following.until(|seen| seen.lines.len() == 3);
    let seen = following.stop();
    assert_eq!(seen.lines, ["one", "last", "first"]);
    assert_eq!(seen.kinds(), [NoticeKind::Waiting, NoticeKind::Recovered]);
}

#[test]
fn a_container_made_anew_is_read_from_its_start_after_the_old_one() {
    let engine = Engine::new();
    engine.write("one", &["one"]);
    let mut following = Following::start(&engine, "caddy", None);
    following.until(|seen| seen.caught_up);
    // As docker compose does it.
    engine.write("one", &["last"]);
    engine.change("one", |container| {
        container.name = "one_caddy".to_owned();
        container.running = false;
    });
    engine.add("two", "caddy");
    engine.write("two", &["new"]);
    let position = following
        .until(|seen| seen.lines.len() == 3)
        .position
        .clone()
        .unwrap();
    assert_eq!(position.containers.keys().collect::<Vec<_>>(), ["two"]);
    assert_eq!(following.stop().lines, ["one", "last", "new"]);

    engine.remove("two");
    engine.add("three", "caddy");
    engine.write("three", &["newest"]);
    let mut following = Following::start(&engine, "caddy", Some(position));
    following.until(|seen| seen.lines == ["newest"]);
    let seen = following.stop();
    assert_eq!(seen.kinds(), [NoticeKind::Lost], "{}", seen.said());
}

#[test]
fn every_fault_of_a_stream_is_survived() {
    let faults = [
        Fault::Refusal,
        Fault::Cut(0),
        Fault::Cut(5),
        Fault::Cut(60),
        Fault::Cut(17_000),
        Fault::Garbage(0),
        Fault::Garbage(60),
        Fault::Again,
    ];
    let threads = faults.map(|fault| std::thread::spawn(move || survive(fault)));
    for thread in threads {
        thread.join().unwrap();
    }
}

fn survive(fault: Fault) {
    let engine = Engine::new();
    let long = "y".repeat(20_000);
    engine.write("one", &["one", &long, "three"]);
    // The first two passes, and the two that come after that.
    engine.fail_with(&[fault, Fault::Again, fault, fault]);
    let mut following = Following::start(&engine, "caddy", None);
    following.until(|seen| seen.lines.len() >= 3);
    engine.write("one", &["four"]);
    following.until(|seen| seen.lines.len() >= 4);
    let seen = following.stop();
    assert_eq!(seen.lines, ["one", &long, "three", "four"], "{fault:?}");
    assert!(!seen.kinds().contains(&NoticeKind::Lost), "{fault:?}");
}

#[test]
fn killed_at_any_moment_it_goes_on_where_it_was() {
    let engine = Engine::new();
    let mut position = None;
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    for number in 0..30 {
        let texts = [
            format!("a{number}"),
            "same".to_owned(),
            format!("b{number}"),
        ];
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        engine.write("one", &texts);
        expected.extend(texts.iter().map(|text| (*text).to_owned()));
        let mut following = Following::start(&engine, "caddy", position.clone());
        if number % 3 == 0 {
            following.until(|seen| !seen.lines.is_empty());
        } else {
            std::thread::sleep(std::time::Duration::from_millis(number % 7));
        }
        let seen = following.stop();
        lines.extend(seen.lines);
        position = seen.position.or(position);
    }
    let mut following = Following::start(&engine, "caddy", position);
    following.until(|seen| seen.caught_up);
    lines.extend(following.stop().lines);
    assert_eq!(lines, expected);
}

#[test]
fn all_containers_with_a_label_are_read_each_in_order() {
    let engine = Engine::new();
    engine.add("two", "other");
    engine.write("one", &["a1", "a2"]);
    engine.write("two", &["b1", "b2"]);
    let mut following = Following::start(&engine, "label=role=edge", None);
    following.until(|seen| seen.caught_up);
    engine.write("one", &["a3"]);
    engine.write("two", &["b3"]);
    following.until(|seen| seen.lines.len() == 6);
    let seen = following.stop();
    let of = |letter| {
        seen.lines
            .iter()
            .filter(move |line| line.starts_with(letter))
    };
    assert_eq!(of('a').collect::<Vec<_>>(), ["a1", "a2", "a3"]);
    assert_eq!(of('b').collect::<Vec<_>>(), ["b1", "b2", "b3"]);

    let mut following = Following::start(&engine, "label=role=edge", seen.position);
    following.until(|seen| seen.caught_up);
    assert!(following.stop().lines.is_empty());
}

#[test]
fn what_is_missing_is_said_once_and_waited_for() {
    let engine = Engine::new();
    engine.change("one", |container| container.name = "caddy-2".to_owned());
    let mut following = Following::start(&engine, "caddy", None);
    let seen = following.until(|seen| !seen.notices.is_empty());
    assert!(
        seen.notices[0]
            .remedy
            .as_ref()
            .unwrap()
            .contains("docker ps")
    );
    engine.write("one", &["one"]);
    engine.change("one", |container| container.name = "caddy".to_owned());
    following.until(|seen| seen.lines == ["one"]);
    let seen = following.stop();
    assert_eq!(seen.kinds(), [NoticeKind::Waiting, NoticeKind::Recovered]);
    assert!(
        seen.said().starts_with("there is no container caddy;"),
        "{}",
        seen.said()
    );

    engine.change("one", |container| container.driver = "none");
    let mut following = Following::start(&engine, "caddy", None);
    let seen = following.until(|seen| !seen.notices.is_empty());
    assert!(
        seen.said().contains("does not support reading"),
        "{}",
        seen.said()
    );
    let remedy = seen.notices[0].remedy.as_ref().unwrap();
    assert!(remedy.contains("json-file"), "{remedy}");
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(following.stop().notices.len(), 1);
    let tried = source(&engine, "caddy").try_once();
    assert!(tried.is_err_and(|notice| notice.text.contains("does not support reading")));
}

#[test]
fn an_engine_that_is_not_there_is_waited_for() {
    let engine = Engine::new();
    std::fs::remove_file(engine.socket()).unwrap();
    engine.write("one", &["one"]);
    let mut following = Following::start(&engine, "caddy", Some(DockerPosition::default()));
    let seen = following.until(|seen| !seen.notices.is_empty());
    assert!(
        seen.said().starts_with("no Docker Engine listens at "),
        "{}",
        seen.said()
    );
    engine.listen();
    following.until(|seen| seen.lines == ["one"]);
    let seen = following.stop();
    assert_eq!(seen.kinds(), [NoticeKind::Waiting, NoticeKind::Recovered]);
}

#[test]
fn an_engine_that_does_not_answer_is_said() {
    let engine = Engine::new();
    engine.world.lock().unwrap().hangs = true;
    let mut following = Following::start(&engine, "caddy", None);
    let seen = following.until(|seen| !seen.notices.is_empty());
    assert!(seen.said().contains("does not answer"), "{}", seen.said());
    engine.write("one", &["one"]);
    engine.world.lock().unwrap().hangs = false;
    following.until(|seen| seen.lines == ["one"]);
    let seen = following.stop();
    assert_eq!(
        seen.kinds(),
        [NoticeKind::Unreadable, NoticeKind::Recovered]
    );
}
