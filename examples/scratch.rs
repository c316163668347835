//! scratch
use notafter::caddy::entry::Entry;
use notafter::engine::{
    Engine,
    evidence::{Origin, Quote},
};
use notafter::report::{Tally, json::CertificateRow, text};
use notafter::rules::{BUILT_IN, Configured, RuleSet};
use std::sync::Arc;
fn main() {
    let rules = Arc::new(RuleSet::new(BUILT_IN, Vec::new(), &Configured::default()).unwrap());
    let mut engine = Engine::new(rules);
    let mut rows = Vec::new();
    let mut tally = Tally::default();
    let path = std::env::args().nth(1).unwrap();
    for (n, line) in std::fs::read_to_string(path).unwrap().lines().enumerate() {
        tally.lines += 1;
        let Ok(entry) = Entry::decode(line.as_bytes()) else {
            continue;
        };
        entry.at.map(|at| tally.stamp(at));
        let o = Origin {
            source: "caddy.log".into(),
            line: n as u64 + 1,
        };
        if engine.entry(
            "caddy",
            &entry,
            || Quote::new(&o, line.as_bytes()),
            &mut rows,
        ) == notafter::engine::Seen::Certificate
        {
            tally.matched += 1;
        }
    }
    for r in &rows {
        tally.alert(&r.id, r.severity);
    }
    if std::env::args().nth(2).is_some() {
        for r in &rows {
            println!("{}", serde_json::to_string(r).unwrap());
        }
        return;
    }
    let certs: Vec<_> = engine
        .certificates()
        .map(|(i, at, c)| CertificateRow::new(i, c, at))
        .collect();
    println!("{}", text::tell(&tally, &rows, &certs, false));
    for m in engine.settle("caddy") {
        println!("{m:?}");
    }
}
