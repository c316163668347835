//! Error texts into causes and remedies.

#![no_main]

#[path = "../../tests/fuzz/cause.rs"]
mod cause;

libfuzzer_sys::fuzz_target!(|data: &[u8]| cause::check(data));
