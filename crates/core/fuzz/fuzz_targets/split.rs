//! The parent and the name of a path that is to be deleted.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let path = std::ffi::CString::new(bytes).expect("no NUL is left");
    fdkit::fuzzing::check_split(&path);
});
