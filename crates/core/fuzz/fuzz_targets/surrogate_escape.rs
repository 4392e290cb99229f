//! The conversion of names between bytes and UTF-16.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fdkit::fuzzing::check_surrogate_escape(bytes);
    let units: Vec<u16> =
        bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect();
    fdkit::fuzzing::check_code_units(&units);
});
