//! What a Caddy process says about itself: start, reload, the daily cleaning, shutdown.

use crate::clock::Moment;
use crate::facts::{HEALTHY, NAME};
use crate::json::{Json, Log};

/// A line that still lacks its moment.
type Stamped<'a> = &'a dyn Fn(Moment) -> Json;

/// A process whose maintenance loop starts at `start`; gives the moment its jobs begin.
pub(crate) fn start(log: &mut Log, start: Moment) -> Moment {
    let mut at = start - Moment::units(52_400);
    let mut say = |step: i64, line: Stamped<'_>| {
        at = at + Moment::units(step);
        log.add(at, line(at));
    };
    say(0, &|at| {
        Json::line(
            "info",
            at,
            "",
            "maxprocs: Leaving GOMAXPROCS=4: CPU quota undefined",
        )
    });
    say(2_100, &|at| {
        Json::line("info", at, "", "GOMEMLIMIT is updated")
            .text("package", "github.com/KimMachineGun/automemlimit/memlimit")
            .number("GOMEMLIMIT", 7_508_189_184)
            .number("previous", 9_223_372_036_854_775_807)
    });
    say(300, &|at| {
        Json::line("info", at, "", "using config from file").text("file", "/etc/caddy/Caddyfile")
    });
    say(18_000, &|at| {
        Json::line("info", at, "", "adapted config to JSON").text("adapter", "caddyfile")
    });
    say(28_000, &admin_started);
    say(4_000, &|at| {
        let msg = "started background certificate maintenance";
        Json::line("info", at, "tls.cache.maintenance", msg).text("cache", "0xc000616f80")
    });
    say(31_000, &redirects("srv0"));
    say(200, &redirects("srv1"));
    serve(&mut say);
    say(21_000, &|at| {
        let msg = "autosaved config (load with --resume flag)";
        Json::line("info", at, "", msg).text("file", "/config/caddy/autosave.json")
    });
    say(90, &|at| {
        Json::line("info", at, "", "serving initial configuration")
    });
    at + Moment::units(98_000)
}

/// The listeners, and the names that must have certificates.
fn serve(say: &mut dyn FnMut(i64, Stamped<'_>)) {
    for (server, address, pause) in [("srv0", ":443", 9_000), ("srv1", ":8448", 2_100)] {
        say(pause, &|at| {
            Json::line("info", at, "http", "enabling HTTP/3 listener").text("addr", address)
        });
        say(2_600, &running(server));
    }
    for (pause, msg) in [
        (2_000, "HTTP/2 skipped because it requires TLS"),
        (70, "HTTP/3 skipped because it requires TLS"),
    ] {
        say(pause, &|at| {
            Json::line("warn", at, "http", msg)
                .text("network", "tcp")
                .text("addr", ":80")
        });
    }
    say(90, &running("remaining_auto_https_redirects"));
    say(60, &|at| {
        Json::line(
            "info",
            at,
            "http",
            "enabling automatic TLS certificate management",
        )
        .list("domains", &[NAME, HEALTHY])
    });
}

fn running(server: &str) -> impl Fn(Moment) -> Json {
    move |at| {
        Json::line("info", at, "http.log", "server running")
            .text("name", server)
            .list("protocols", &["h1", "h2", "h3"])
    }
}

fn redirects(server: &str) -> impl Fn(Moment) -> Json {
    move |at| {
        Json::line(
            "info",
            at,
            "http.auto_https",
            "enabling automatic HTTP->HTTPS redirects",
        )
        .text("server_name", server)
    }
}

fn admin_started(at: Moment) -> Json {
    Json::line("info", at, "admin", "admin endpoint started")
        .text("address", "localhost:2019")
        .truth("enforce_origin", false)
        .list(
            "origins",
            &["//localhost:2019", "//[::1]:2019", "//127.0.0.1:2019"],
        )
}

fn admin_stopped(at: Moment) -> Json {
    Json::line("info", at, "admin", "stopped previous server").text("address", "localhost:2019")
}

/// The storage is cleaned at the start, and once a day.
pub(crate) fn clean(log: &mut Log, at: Moment) {
    let line = Json::line("info", at, "tls", "cleaning storage unit");
    log.add(at, line.text("storage", "FileStorage:/data/caddy"));
    let done = at + Moment::units(29_600);
    log.add(
        done,
        Json::line("info", done, "tls", "finished cleaning storage units"),
    );
}

/// A process that comes within a day of the last cleaning leaves it at that.
pub(crate) fn skip_cleaning(log: &mut Log, at: Moment, last: Moment) {
    let again = last + Moment::seconds(86_400);
    let msg = "storage cleaning happened too recently; skipping for now";
    let line = Json::line("info", at, "tls", msg)
        .text("storage", "FileStorage:/data/caddy")
        .text("instance", "8c5d0f27-6b0e-4c0a-9d84-1f2ab3a7e6d9")
        .seconds("try_again", again)
        .seconds("try_again_in", again - at);
    log.add(at, line);
    let done = at + Moment::units(600);
    log.add(
        done,
        Json::line("info", done, "tls", "finished cleaning storage units"),
    );
}

/// A configuration that really changed is loaded; the job of the process's start ends with it.
pub(crate) fn reload(log: &mut Log, start: Moment) {
    let mut at = start;
    let mut say = |step: i64, line: Stamped<'_>| {
        at = at + Moment::units(step);
        log.add(at, line(at));
    };
    say(0, &load_request);
    say(11_000, &admin_started);
    say(9_000, &redirects("srv0"));
    say(200, &redirects("srv1"));
    serve(&mut say);
    say(500, &|at| {
        Json::line(
            "info",
            at,
            "http",
            "servers shutting down with eternal grace period",
        )
    });
    say(1_900, &|at| {
        Json::line("info", at, "tls.renew", "releasing lock").text("identifier", NAME)
    });
    say(400, &|at| {
        let error = format!("{NAME}: renewing certificate: context canceled");
        Json::line("error", at, "tls", "job failed").text("error", &error)
    });
    say(800, &|at| {
        let msg = "autosaved config (load with --resume flag)";
        Json::line("info", at, "", msg).text("file", "/config/caddy/autosave.json")
    });
    say(70, &|at| {
        Json::line("info", at, "admin.api", "load complete")
    });
    say(4_100_000, &admin_stopped);
}

fn load_request(at: Moment) -> Json {
    let headers = Json::object()
        .list("Accept-Encoding", &["gzip"])
        .list("Content-Length", &["2981"])
        .list("Content-Type", &["application/json"])
        .list("Origin", &["http://localhost:2019"])
        .list("User-Agent", &["Go-http-client/1.1"]);
    Json::line("info", at, "admin.api", "received request")
        .text("method", "POST")
        .text("host", "localhost:2019")
        .text("uri", "/load")
        .text("remote_ip", "127.0.0.1")
        .text("remote_port", "41934")
        .raw("headers", &headers.close())
}

/// The container is stopped; a sleeping renewal says nothing about it.
pub(crate) fn shutdown(log: &mut Log, start: Moment) {
    let mut at = start;
    let mut say = |step: i64, line: Stamped<'_>| {
        at = at + Moment::units(step);
        log.add(at, line(at));
    };
    say(0, &|at| {
        Json::line("info", at, "", "shutting down apps, then terminating").text("signal", "SIGTERM")
    });
    say(500, &|at| {
        Json::line("warn", at, "", "exiting; byeee!! 👋").text("signal", "SIGTERM")
    });
    say(700, &|at| {
        Json::line(
            "info",
            at,
            "http",
            "servers shutting down with eternal grace period",
        )
    });
    say(3_118_000, &admin_stopped);
    say(200, &|at| {
        Json::line("info", at, "", "shutdown complete")
            .text("signal", "SIGTERM")
            .number("exit_code", 0)
    });
}
