//! Printed times and lengths.

#![no_main]

#[path = "../../tests/fuzz/time.rs"]
mod time;

libfuzzer_sys::fuzz_target!(|data: &[u8]| time::check(data));
