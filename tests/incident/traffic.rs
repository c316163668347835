//! What strangers ask for: the bulk of any Caddy log, and none of it about certificates.

use crate::clock::{Moment, Sequence};
use crate::hostile;
use crate::json::{Json, Log};

/// One request as Caddy describes it.
pub(crate) struct Request<'a> {
    pub(crate) host: &'a str,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) header: Option<(&'a str, &'a str)>,
    pub(crate) status: u64,
}

const HOSTS: [&str; 5] = [
    "takeonme.org",
    "matrix-fed.takeonme.org:8448",
    "matrix-fed.takeonme.org",
    "takeonme.org",
    "203.0.113.77",
];

const PLAIN: [(&str, &str, u64); 16] = [
    ("GET", "/", 200),
    ("GET", "/feed.xml", 304),
    ("GET", "/robots.txt", 200),
    ("GET", "/favicon.ico", 404),
    ("GET", "/assets/site.css?v=41", 200),
    ("GET", "/posts/a-resolver-of-my-own/", 200),
    ("HEAD", "/", 200),
    ("GET", "/.well-known/matrix/server", 200),
    ("PUT", "/_matrix/federation/v1/send/1777702934118", 200),
    ("GET", "/_matrix/federation/v1/version", 200),
    ("GET", "/_matrix/key/v2/server", 200),
    ("POST", "/_matrix/client/v3/keys/query", 401),
    ("GET", "/wp-login.php", 404),
    ("GET", "/.env", 404),
    ("GET", "/.git/config", 404),
    ("POST", "/cgi-bin/luci/;stok=/locale", 404),
];

const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Gecko/20100101 Firefox/138.0",
    "Synapse/1.129.0",
    "Dendrite/0.14.1",
    "feedreader/3.2 (+https://feeds.example/bot; 12 subscribers)",
    "curl/8.13.0",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/about)",
];

const REFUSALS: [&str; 3] = [
    "dial tcp: lookup synapse on 127.0.0.53:53: server misbehaving",
    "dial tcp 172.20.0.4:8008: connect: connection refused",
    "dial tcp: lookup synapse on 127.0.0.53:53: read udp 127.0.0.1:41822->127.0.0.53:53: i/o timeout",
];

/// Requests from `from` to `until`: `count` of them, one in a few hostile or unlucky.
pub(crate) fn requests(
    log: &mut Log,
    sequence: &mut Sequence,
    (from, until): (Moment, Moment),
    count: u64,
) {
    for _ in 0..count {
        let at = sequence.span(from, until);
        match sequence.below(100) {
            0..4 => hostile::request(log, sequence, at),
            4..7 => unlucky(log, sequence, at),
            7 => cut_short(log, sequence, at),
            _ => ordinary(log, sequence, at),
        }
    }
}

fn ordinary(log: &mut Log, sequence: &mut Sequence, at: Moment) {
    let (method, uri, status) = *sequence.pick(&PLAIN.each_ref());
    let request = Request {
        host: sequence.pick(&HOSTS),
        method,
        uri,
        agent: sequence.pick(&AGENTS),
        header: None,
        status,
    };
    handled(log, sequence, at, &request);
}

/// The upstream is not there: an error line, then the access line at error level.
fn unlucky(log: &mut Log, sequence: &mut Sequence, at: Moment) {
    let request = Request {
        host: "matrix-fed.takeonme.org:8448",
        method: "PUT",
        uri: "/_matrix/federation/v1/send/1777702934119",
        agent: sequence.pick(&AGENTS),
        header: None,
        status: 502,
    };
    let remote = remote(sequence);
    let described = describe(&request, &remote);
    let took = sequence.span(Moment::units(4_000), Moment::millis(60));
    let refusal = sequence.pick(&REFUSALS);
    let error = Json::line("error", at, "http.log.error", refusal)
        .raw("request", &described)
        .seconds("duration", took)
        .number("status", 502)
        .text("err_id", &format!("{:09x}", sequence.below(0xf_ffff_ffff)))
        .text(
            "err_trace",
            "reverseproxy.statusError (reverseproxy.go:1390)",
        );
    log.add(at, error);
    access(
        log,
        sequence,
        (at + Moment::units(310), took),
        &request,
        &described,
    );
}

/// The client went away before the answer was through.
fn cut_short(log: &mut Log, sequence: &mut Sequence, at: Moment) {
    let request = Request {
        host: "takeonme.org",
        method: "GET",
        uri: "/_matrix/client/v3/sync?timeout=30000",
        agent: sequence.pick(&AGENTS),
        header: None,
        status: 200,
    };
    let remote = remote(sequence);
    let described = describe(&request, &remote);
    let took = sequence.span(Moment::millis(900), Moment::seconds(30));
    let line = Json::line(
        "warn",
        at,
        "http.handlers.reverse_proxy",
        "aborting with incomplete response",
    )
    .text("upstream", "synapse:8008")
    .seconds("duration", took)
    .raw("request", &described)
    .text("error", "writing: http2: stream closed");
    log.add(at, line);
    access(
        log,
        sequence,
        (at + Moment::units(500), took),
        &request,
        &described,
    );
}

/// The access line of one request.
pub(crate) fn handled(log: &mut Log, sequence: &mut Sequence, at: Moment, request: &Request<'_>) {
    let remote = remote(sequence);
    let described = describe(request, &remote);
    let took = sequence.span(Moment::units(300), Moment::millis(80));
    access(log, sequence, (at, took), request, &described);
}

fn access(
    log: &mut Log,
    sequence: &mut Sequence,
    (at, took): (Moment, Moment),
    request: &Request<'_>,
    described: &str,
) {
    let level = if request.status >= 500 {
        "error"
    } else {
        "info"
    };
    let answer = Json::object()
        .list("Server", &["Caddy"])
        .list("Alt-Svc", &["h3=\":443\"; ma=2592000"]);
    let line = Json::line(level, at, "http.log.access.log0", "handled request")
        .raw("request", described)
        .number("bytes_read", 0)
        .text("user_id", "")
        .seconds("duration", took)
        .number(
            "size",
            if request.status == 200 {
                sequence.below(48_000)
            } else {
                0
            },
        )
        .number("status", request.status)
        .raw("resp_headers", &answer.close());
    // Another goroutine: such a line may reach the file after one that is up to 3 ms younger.
    log.add_late(
        at + sequence.span(Moment::units(20), Moment::millis(3)),
        line,
    );
}

fn remote(sequence: &mut Sequence) -> (String, String) {
    let network = *sequence.pick(&[&"192.0.2", &"198.51.100", &"203.0.113"]);
    let address = format!("{network}.{}", 1 + sequence.below(253));
    (address, (1_024 + sequence.below(64_000)).to_string())
}

fn describe(request: &Request<'_>, (address, port): &(String, String)) -> String {
    let headers = Json::object()
        .list("User-Agent", &[request.agent])
        .list("Accept", &["*/*"])
        .list("Accept-Encoding", &["gzip, br"]);
    let headers = match request.header {
        Some((name, value)) => headers.list(name, &[value]),
        None => headers,
    };
    let server = request.host.split(':').next().unwrap_or_default();
    let tls = Json::object()
        .truth("resumed", false)
        .number("version", 772)
        .number("cipher_suite", 4_865)
        .text("proto", "h2")
        .text("server_name", server);
    Json::object()
        .text("remote_ip", address)
        .text("remote_port", port)
        .text("client_ip", address)
        .text("proto", "HTTP/2.0")
        .text("method", request.method)
        .text("host", request.host)
        .text("uri", request.uri)
        .raw("headers", &headers.close())
        .raw("tls", &tls.close())
        .close()
}
