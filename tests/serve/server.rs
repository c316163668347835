//! The server against clients of every sort, with a loop that answers or does not.

use crate::client::{connect, get, send};
use notafter::serve::{Server, Snapshot};
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A loop that answers every question and counts them, for as long as `visit` takes.
fn with_loop(visit: impl FnOnce(SocketAddr) + Send + 'static) -> usize {
    let mut server = Server::start("127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, asked) = (server.address(), Arc::new(AtomicUsize::new(0)));
    let visitor = thread::spawn(move || visit(address));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        while !visitor.is_finished() {
            let pause = tokio::time::sleep(Duration::from_millis(20));
            tokio::select! {
                Some(question) = server.next() => question.answer(|| {
                    asked.fetch_add(1, Ordering::Relaxed);
                    Snapshot::default()
                }),
                () = pause => server.beat(),
            }
        }
    });
    visitor.join().unwrap();
    asked.load(Ordering::Relaxed)
}

#[test]
fn two_pages_are_served_and_nothing_else() {
    with_loop(|address| {
        let metrics = get(address, "/metrics?x=y");
        assert_eq!(metrics.status(), 200, "{}", metrics.head);
        let head = metrics.head.to_lowercase();
        assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"));
        assert!(metrics.body.contains("\nnotafter_build_info{version="));

        let health = get(address, "/healthz");
        assert_eq!((health.status(), health.body.as_str()), (200, "ok\n"));

        let head = send(address, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        let length = format!("content-length: {}", metrics.body.len());
        assert_eq!((head.status(), head.body.as_str()), (200, ""));
        assert!(head.head.to_lowercase().contains(&length), "{}", head.head);

        for path in ["/", "/metrics/", "/../metrics", "//metrics", "/healthz%00"] {
            assert_eq!(get(address, path).status(), 404, "{path}");
        }
        for path in ["/metrics", "/healthz"] {
            let post = "HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
            let reply = send(address, &format!("POST {path} {post}"));
            assert_eq!(reply.status(), 405, "{path}");
            assert!(reply.head.to_lowercase().contains("allow: get, head"));
        }
    });
}

#[test]
fn what_is_no_decent_request_is_refused() {
    with_loop(|address| {
        let long = "x".repeat(40_000);
        for request in [
            "nonsense\r\n\r\n".to_owned(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
            format!("GET /metrics HTTP/1.1\r\nA: {long}\r\n\r\n"),
            format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65)),
        ] {
            let reply = send(address, &request);
            // 0: closed so early that the answer was lost.
            let refused = [0, 400, 414, 431].contains(&reply.status());
            assert!(refused && reply.body.is_empty(), "{}", reply.head);
        }
        assert_eq!(get(address, "/metrics").status(), 200);
    });
}

#[test]
fn the_loop_is_asked_at_most_once_a_second() {
    let began = Instant::now();
    let asked = with_loop(|address| {
        let scrapers: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(move || (0..10).all(|_| get(address, "/metrics").status() == 200))
            })
            .collect();
        for scraper in scrapers {
            assert!(scraper.join().unwrap());
        }
    });
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((1..=seconds + 1).contains(&asked), "asked {asked} times");
}

#[test]
fn a_loop_that_does_not_answer_is_told_after_five_seconds() {
    let server = Server::start("127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, began) = (server.address(), Instant::now());
    let waiting: Vec<_> = (0..3)
        .map(|_| thread::spawn(move || get(address, "/metrics").status()))
        .collect();
    assert_eq!(get(address, "/healthz").status(), 200, "served meanwhile");
    for one in waiting {
        assert_eq!(one.join().unwrap(), 503);
    }
    assert!((5..9).contains(&began.elapsed().as_secs()));
}

#[test]
fn clients_that_say_nothing_are_closed_and_make_room() {
    with_loop(|address| {
        let began = Instant::now();
        let mut idle: Vec<_> = (0..32).map(|_| connect(address)).collect();
        assert_eq!(get(address, "/healthz").status(), 200);
        let waited = began.elapsed();
        assert!((4..9).contains(&waited.as_secs()), "{waited:?}");
        for stream in &mut idle {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
        }
    });
}

#[test]
fn a_port_is_free_again_as_soon_as_the_server_is_gone() {
    let first = Server::start("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = first.address();
    assert!(Server::start(address).is_err(), "one at a time");
    assert_eq!(get(address, "/healthz").status(), 200);
    let _half_sent = connect(address);
    drop(first);
    let second = Server::start(address).unwrap();
    assert_eq!(get(second.address(), "/healthz").status(), 200);
}
