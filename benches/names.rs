//! What an event costs where many names are known: the same lines about a few of them, given in turns
//! to engines that know 1,000, 10,000 and 100,000.

#![expect(clippy::print_stdout, reason = "what is measured is printed")]

use notafter::caddy::entry::Entry;
use notafter::engine::Engine;
use notafter::engine::evidence::{Origin, Quote};
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const ROUNDS: usize = 31;
/// So many names are spoken of in a round.
const SPOKEN_OF: usize = 50;
const START_SECONDS: f64 = 1_777_600_000.0;

struct Watch {
    engine: Engine,
    names: usize,
    /// Seconds since the start.
    at: f64,
    times: Vec<Duration>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let rules = RuleSet::new(BUILT_IN, Vec::new(), &Configured::default());
    let rules = Arc::new(rules.map_err(|problems| problems.to_string())?);
    let mut watches = Vec::new();
    for names in SIZES {
        let engine = Engine::new(Arc::clone(&rules));
        let mut watch = Watch {
            engine,
            names,
            at: 0.0,
            times: Vec::new(),
        };
        for name in 0..names {
            watch.renewed(name);
        }
        drop(watch.engine.settle("caddy"));
        drop(watch.engine.take_rows());
        watches.push(watch);
    }
    for round in 0..ROUNDS {
        for watch in &mut watches {
            watch.measure(round);
        }
    }
    let mut first = None;
    for watch in &mut watches {
        watch.times.sort();
        let median = watch.times.get(ROUNDS / 2).copied().unwrap_or_default();
        let events = f64::from(u32::try_from(SPOKEN_OF * 5)?);
        let micros = median.as_secs_f64() * 1e6 / events;
        let ratio = micros / *first.get_or_insert(micros);
        println!(
            "{:>7} names: {micros:>6.1} us per event, {ratio:.2}x",
            watch.names
        );
    }
    Ok(())
}

impl Watch {
    /// A name becomes due and fails, another is renewed; then what changed is taken, as for the store.
    fn measure(&mut self, round: usize) {
        let start = Instant::now();
        for step in 0..SPOKEN_OF {
            let name = (round * SPOKEN_OF + step) * 7_919 % self.names;
            if step % 5 == 0 {
                self.fails(name);
            } else {
                self.renewed(name);
            }
        }
        drop(self.engine.settle("caddy"));
        drop(self.engine.take_rows());
        self.times.push(start.elapsed());
    }

    fn renewed(&mut self, name: usize) {
        let name = format!("host{name:06}.customers.example.com");
        self.say("tls.renew", "acquiring lock", json!({"identifier": name}));
        let about = json!({"identifier": name, "remaining": 2_592_000.5});
        self.say("tls.renew", "renewing certificate", about);
        self.say(
            "tls.renew",
            "certificate renewed successfully",
            json!({"identifier": name}),
        );
        let expires = (START_SECONDS + self.at + 7_776_000.0).floor();
        let told = json!({"subjects": [name], "new_expiration": expires});
        self.say("tls.cache", "replaced certificate in cache", told);
        self.say("tls.renew", "releasing lock", json!({"identifier": name}));
    }

    fn fails(&mut self, name: usize) {
        let name = format!("host{name:06}.customers.example.com");
        let due = json!({"identifiers": [name], "remaining": 2_592_000.5});
        let msg = "certificate expires soon; queuing for renewal";
        self.say("tls.cache.maintenance", msg, due);
        self.say("tls.renew", "acquiring lock", json!({"identifier": name}));
        let about = json!({"identifier": name, "remaining": 2_592_000.5});
        self.say("tls.renew", "renewing certificate", about);
        let why = format!(
            "[{name}] Renew: [{name}] solving challenge: {name}: [{name}] authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 198.51.100.7: Timeout during connect (likely firewall problem) (order=https://acme-v02.api.letsencrypt.org/acme/order/1001/2002) (ca=https://acme-v02.api.letsencrypt.org/directory)"
        );
        let told = json!({"error": why, "attempt": 1, "retrying_in": 60, "elapsed": 4.1, "max_duration": 2_592_000});
        self.say("tls.renew", "will retry", told);
        self.say("tls.renew", "releasing lock", json!({"identifier": name}));
    }

    fn say(&mut self, logger: &str, msg: &str, fields: Value) {
        self.at += 0.01;
        let level = if fields.get("error").is_some() {
            "error"
        } else {
            "info"
        };
        let mut line =
            json!({"level": level, "ts": START_SECONDS + self.at, "logger": logger, "msg": msg});
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
        let text = line.to_string();
        let Ok(entry) = Entry::decode(text.as_bytes()) else {
            return;
        };
        let origin = Origin {
            source: "caddy.log".into(),
            line: 1,
        };
        let quote = || Quote::new(&origin, text.as_bytes());
        self.engine.entry("caddy", &entry, quote, &mut Vec::new());
    }
}
