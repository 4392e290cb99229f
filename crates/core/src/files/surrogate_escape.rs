//! Conversion of names between UTF-16 and bytes without loss (PEP 383).
//!
//! A file name is a sequence of bytes; a string of JavaScript or Python is a sequence of code
//! units or code points. Bytes that are not part of valid UTF-8 become lone surrogates, U+DC80 for
//! the byte 80 up to U+DCFF for the byte FF, and become the same bytes again on the way back.
//! Python calls this error handler `surrogateescape`.

/// Converts the bytes of a name to UTF-16, as Python's `os.fsdecode` does.
///
/// Each byte that is not part of valid UTF-8 becomes one lone surrogate.
///
/// ```
/// use fdkit::files::surrogate_escape::fsdecode;
///
/// assert_eq!(fsdecode(b"caf\xc3\xa9"), "café".encode_utf16().collect::<Vec<_>>());
/// assert_eq!(fsdecode(b"caf\xe9"), [0x63, 0x61, 0x66, 0xdce9]);
/// ```
#[must_use]
pub fn fsdecode(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().encode_utf16());
        units.extend(chunk.invalid().iter().map(|&byte| 0xdc00 | u16::from(byte)));
    }
    units
}

/// Converts UTF-16 to the bytes of a name, as Python's `os.fsencode` does.
///
/// Returns `None` if there is a lone surrogate outside of U+DC80 to U+DCFF, which stands for no
/// byte.
///
/// ```
/// use fdkit::files::surrogate_escape::fsencode;
///
/// assert_eq!(fsencode(&[0x63, 0x61, 0x66, 0xdce9]).as_deref(), Some(&b"caf\xe9"[..]));
/// assert_eq!(fsencode(&[0xd83d, 0xde00]).as_deref(), Some("😀".as_bytes()));
/// assert_eq!(fsencode(&[0xd83d]), None);
/// ```
#[must_use]
pub fn fsencode(units: &[u16]) -> Option<Vec<u8>> {
    // A code unit takes 1 to 3 bytes.
    let mut bytes = Vec::with_capacity(units.len() + units.len() / 2);
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => match lone.unpaired_surrogate().to_be_bytes() {
                [0xdc, byte @ 0x80..=0xff] => bytes.push(byte),
                _ => return None,
            },
        }
    }
    Some(bytes)
}
