//! The parser of what getdents64 fills a buffer with.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fdkit::fuzzing::check_records(bytes));
