//! Logs into lines, texts, entries, events and alerts.

#![no_main]

#[path = "../../tests/fuzz/harmless.rs"]
mod harmless;
#[path = "../../tests/fuzz/line.rs"]
mod line;

libfuzzer_sys::fuzz_target!(|data: &[u8]| line::check(data));
