//! Tests the conversion of names between UTF-16 and bytes (PEP 383).

use fdkit::files::surrogate_escape::{fsdecode, fsencode};

/// Returns sequences of up to four bytes around every boundary of UTF-8.
fn byte_sequences() -> impl Iterator<Item = Vec<u8>> {
    const BYTES: [u8; 18] = [
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0,
        0xf4, 0xf5, 0xff,
    ];
    (0..=4_u32).flat_map(|length| {
        (0..BYTES.len().pow(length)).map(move |number| {
            let digit = |place| (number / BYTES.len().pow(place)) % BYTES.len();
            (0..length).filter_map(|place| BYTES.get(digit(place)).copied()).collect()
        })
    })
}

#[test]
fn every_sequence_of_bytes_round_trips() {
    let mut count = 0;
    for bytes in byte_sequences() {
        assert_eq!(fsencode(&fsdecode(&bytes)).as_ref(), Some(&bytes), "{bytes:x?}");
        count += 1;
    }
    assert_eq!(count, 1 + 18 + 18_usize.pow(2) + 18_usize.pow(3) + 18_usize.pow(4));
}

#[test]
fn valid_utf8_is_decoded_unchanged() {
    for text in ["", "name", "é", "\u{7ff}\u{800}", "\u{d7ff}\u{e000}\u{fffd}", "😀\u{10ffff}"] {
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(fsdecode(text.as_bytes()), units);
        assert_eq!(fsencode(&units).as_deref(), Some(text.as_bytes()));
    }
}

#[test]
fn each_byte_that_is_not_utf8_becomes_one_lone_surrogate() {
    // A lone continuation byte, a truncated sequence, and an encoded surrogate.
    assert_eq!(fsdecode(b"\x80"), [0xdc80]);
    assert_eq!(fsdecode(b"\xe2\x82A"), [0xdce2, 0xdc82, 0x41]);
    assert_eq!(fsdecode(b"\xed\xb2\x80"), [0xdced, 0xdcb2, 0xdc80]);
}

#[test]
fn only_lone_surrogates_that_stand_for_a_byte_are_encoded() {
    for unit in 0xd800..=0xdfff_u16 {
        let expected = (0xdc80..=0xdcff).contains(&unit).then(|| vec![unit.to_le_bytes()[0]]);
        assert_eq!(fsencode(&[unit]), expected, "{unit:x}");
        let expected = expected.map(|bytes| [b"a", &*bytes, b"b"].concat());
        assert_eq!(fsencode(&[0x61, unit, 0x62]), expected, "{unit:x}");
    }
}
