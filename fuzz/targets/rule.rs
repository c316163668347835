//! Rule files.

#![no_main]

#[path = "../../tests/fuzz/harmless.rs"]
mod harmless;
#[path = "../../tests/fuzz/rule.rs"]
mod rule;

libfuzzer_sys::fuzz_target!(|data: &[u8]| rule::check(data));
