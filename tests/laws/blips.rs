//! A renewal that fails once and succeeds on the second attempt wakes nobody: whichever table, and
//! whoever began it.

use crate::drive::Watcher;
use notafter::engine::message::Reason;
use notafter::rules::Severity;
use proptest::prelude::*;
use serde_json::{Value, json};

const NAME: &str = "a.example.com";
const START: f64 = 1_777_600_000.0;

/// How a Caddy tries again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    /// certmagic up to 0.19.2: the job sleeps.
    OldTable,
    /// certmagic from 0.20: the job sleeps, and staging is asked from the second attempt on.
    NewTable,
    /// 2.11.7, begun by the maintenance loop: a job per attempt, nothing announced.
    Paced,
}

#[derive(Clone, Copy, Debug)]
struct Blip {
    style: Style,
    /// The renewal falls due while Caddy runs, rather than being due at its start.
    maintenance: bool,
    /// Life left at the first attempt, in seconds.
    left: f64,
    /// How long the failing attempt takes.
    takes: f64,
    cause: &'static str,
    /// The maintenance loop's interval.
    tick: f64,
}

const CAUSES: [&str; 4] = [
    r#"solving challenges: presenting for challenge: could not determine zone for domain "_acme-challenge.a.example.com": unexpected response code 'SERVFAIL' for _acme-challenge.a.example.com."#,
    r#"registering account [] with server: provisioning client: performing request: Get "https://acme-v02.api.letsencrypt.org/directory": dial tcp 203.0.113.5:443: connect: connection refused"#,
    "solving challenge: a.example.com: [a.example.com] authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem)",
    "attempt 1: performing request: HTTP 503 urn:ietf:params:acme:error:serverInternal - The service is down for maintenance",
];

/// Writes the log of a blip.
struct Scribe {
    lines: Vec<String>,
    now: f64,
    end: f64,
}

impl Scribe {
    fn line(&mut self, level: &str, logger: &str, msg: &str, fields: Value) {
        self.now += 0.001;
        let mut line = json!({"level": level, "ts": self.now, "logger": logger, "msg": msg});
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
        self.lines.push(line.to_string());
    }

    fn info(&mut self, logger: &str, msg: &str, fields: Value) {
        self.line("info", logger, msg, fields);
    }

    fn remaining(&self) -> f64 {
        self.end - self.now
    }

    fn tick(&mut self, blip: Blip) {
        let fields = json!({"identifiers": [NAME], "remaining": self.remaining()});
        if blip.style == Style::Paced {
            let due = json!({"subjects": [NAME], "expiration": self.end + 1.0, "renew_check_interval": blip.tick});
            let msg = "certificate is in configured renewal window based on expiration date";
            self.info("tls", msg, due);
        } else {
            let msg = "certificate expires soon; queuing for renewal";
            self.info("tls.cache.maintenance", msg, fields);
        }
    }

    fn attempting(&mut self) {
        let fields = json!({"identifiers": [NAME], "remaining": self.remaining()});
        let msg = "attempting certificate renewal";
        self.info("tls.cache.maintenance", msg, fields);
    }

    fn job(&mut self) {
        self.info("tls.renew", "acquiring lock", json!({"identifier": NAME}));
        self.info("tls.renew", "lock acquired", json!({"identifier": NAME}));
    }

    fn attempt(&mut self) {
        let fields = json!({"identifier": NAME, "remaining": self.remaining()});
        self.info("tls.renew", "renewing certificate", fields);
    }

    fn success(&mut self) {
        self.attempt();
        self.now += 8.0;
        let fields =
            json!({"identifier": NAME, "issuer": "acme-v02.api.letsencrypt.org-directory"});
        self.info("tls.renew", "certificate renewed successfully", fields);
        self.info("tls.renew", "releasing lock", json!({"identifier": NAME}));
        let expiration = (self.now + 7_776_000.0).floor();
        let fields = json!({"subjects": [NAME], "new_expiration": expiration});
        self.info("tls.cache", "replaced certificate in cache", fields);
    }
}

fn log(blip: Blip) -> Vec<String> {
    let end = (START + blip.left).floor();
    let mut scribe = Scribe {
        lines: Vec::new(),
        now: START,
        end,
    };
    let msg = "started background certificate maintenance";
    scribe.info("tls.cache.maintenance", msg, json!({"cache": "0xc000"}));
    let msg = "enabling automatic TLS certificate management";
    scribe.info("http", msg, json!({"domains": [NAME]}));
    match blip.style {
        Style::OldTable => scribe.info(
            "tls",
            "cleaning storage unit",
            json!({"description": "FileStorage:/x"}),
        ),
        _ => scribe.info(
            "tls",
            "cleaning storage unit",
            json!({"storage": "FileStorage:/x"}),
        ),
    }
    if blip.maintenance {
        scribe.now = START + blip.tick;
        scribe.tick(blip);
        scribe.attempting();
    }
    scribe.job();
    scribe.attempt();
    let began = scribe.now;
    scribe.now += blip.takes;
    let error = format!("[{NAME}] Renew: {}", blip.cause);
    if blip.style == Style::Paced {
        scribe.info("tls.renew", "releasing lock", json!({"identifier": NAME}));
        scribe.line(
            "error",
            "tls",
            "job failed",
            json!({"error": format!("[{NAME}] {error}")}),
        );
        let failed = scribe.now;
        let mut tick = START + blip.tick;
        while tick < failed + 60.0 {
            tick += blip.tick;
            scribe.now = scribe.now.max(tick);
            scribe.tick(blip);
        }
        scribe.attempting();
        scribe.job();
    } else {
        let elapsed = scribe.now - began;
        scribe.line(
            "error",
            "tls.renew",
            "will retry",
            json!({"error": error, "attempt": 1, "retrying_in": 60, "elapsed": elapsed, "max_duration": 2_592_000}),
        );
        scribe.now += 60.0;
    }
    scribe.success();
    scribe.lines
}

fn loudest(blip: Blip) -> (Severity, usize, usize) {
    let mut watcher = Watcher::new();
    for line in log(blip) {
        watcher.line(line.as_bytes());
    }
    let count = |reason| {
        let rows = watcher.rows.iter();
        rows.filter(|row| row.reason == reason).count()
    };
    let loudest = watcher.rows.iter().map(|row| row.severity).max();
    (
        loudest.unwrap_or_else(|| panic!("nothing was noticed")),
        count(Reason::Opened),
        count(Reason::Closed),
    )
}

fn styles() -> impl Strategy<Value = (Style, bool)> {
    prop::sample::select(vec![
        (Style::OldTable, false),
        (Style::OldTable, true),
        (Style::NewTable, false),
        (Style::NewTable, true),
        (Style::Paced, true),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_failure_that_the_second_attempt_cures_is_never_louder_than_info(
        (style, maintenance) in styles(),
        left in 86_400.0..2_592_000.0_f64,
        takes in 0.1..200.0_f64,
        cause in prop::sample::select(CAUSES.to_vec()),
        tick in prop::sample::select(vec![10.0, 60.0, 600.0]),
    ) {
        let blip = Blip { style, maintenance, left, takes, cause, tick };
        prop_assert_eq!(loudest(blip), (Severity::Info, 1, 1));
    }
}

#[test]
fn a_cause_that_no_retry_cures_is_loud_at_once() {
    let blip = Blip {
        style: Style::NewTable,
        maintenance: true,
        left: 2_000_000.0,
        takes: 3.0,
        cause: "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates already issued",
        tick: 600.0,
    };
    assert!(loudest(blip).0.is_loud());
}
