//! Properties of the functions that parse bytes. The property tests below check them with any
//! compiler. The targets in `fuzz/` check them under libFuzzer, which needs a nightly compiler.

use std::ffi::{CStr, CString};
use std::path::{Component, Path};

#[cfg(target_os = "linux")]
pub use self::records::{Record, check_records, read_records};
use crate::files::surrogate_escape::{fsdecode, fsencode};
use crate::tree::rmtree;

/// Returns the components of a path, except those that stand for the directory itself.
fn parts(path: &CStr) -> Vec<Component<'_>> {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// Splits a path, and checks that parent and name together lead to the same file as the path.
///
/// # Panics
///
/// If they do not.
pub fn check_split(path: &CStr) {
    let (parent, name) = rmtree::split(path);
    assert!(!name.to_bytes().contains(&b'/'), "{name:?} has a slash");
    assert_eq!(name.is_empty(), path.is_empty(), "only an empty path has no name");
    assert!(!parent.is_empty(), "a parent can be opened");
    let joined = [parent.to_bytes(), b"/", name.to_bytes()].concat();
    let joined = CString::new(joined).unwrap_or_default();
    assert_eq!(parts(&joined), parts(path), "{path:?} is split into {parent:?} and {name:?}");
}

/// Converts a name to UTF-16 and back, and checks that nothing is lost or changed.
///
/// # Panics
///
/// If the name is lost or changed.
pub fn check_surrogate_escape(name: &[u8]) {
    let units = fsdecode(name);
    assert_eq!(fsencode(&units).as_deref(), Some(name), "by way of {units:x?}");
    match std::str::from_utf8(name) {
        Ok(text) => assert!(text.encode_utf16().eq(units), "UTF-8 stays text"),
        Err(_) => assert!(String::from_utf16(&units).is_err(), "other bytes are lone surrogates"),
    }
}

/// Converts any UTF-16, and checks that it is refused only for a surrogate that stands for no byte.
///
/// # Panics
///
/// If it is refused for another reason, or not refused.
pub fn check_code_units(units: &[u16]) {
    let is_byte = |unit: u16| (0xdc80..=0xdcff).contains(&unit);
    let foreign = char::decode_utf16(units.iter().copied())
        .filter_map(Result::err)
        .any(|lone| !is_byte(lone.unpaired_surrogate()));
    assert_eq!(fsencode(units).is_none(), foreign, "{units:x?}");
}

#[cfg(target_os = "linux")]
mod records {
    use std::ops::ControlFlow;

    use crate::FileType;
    use crate::files::listing::each;

    /// An entry, as it was written into the buffer of `getdents64`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Record {
        /// The name, without its NUL.
        pub name: Vec<u8>,
        /// The type of the entry.
        pub file_type: FileType,
        /// The inode number.
        pub ino: u64,
    }

    /// Parses a buffer in the format of `getdents64`. Returns the entries before the first
    /// malformed record, and whether all records were well-formed.
    pub fn read_records(buffer: &[u8]) -> (Vec<Record>, bool) {
        let mut found = Vec::new();
        let end = each(buffer, &mut |entry| {
            let name = entry.name.to_bytes().to_vec();
            found.push(Record { name, file_type: entry.file_type, ino: entry.ino });
            ControlFlow::Continue(())
        });
        (found, end.is_some())
    }

    /// Parses any bytes, and checks that no entry comes from outside of them.
    ///
    /// # Panics
    ///
    /// If an entry does.
    pub fn check_records(buffer: &[u8]) {
        let (found, _) = read_records(buffer);
        // A record takes 19 bytes, the name and a NUL.
        let needed: usize = found.iter().map(|record| record.name.len() + 20).sum();
        assert!(needed <= buffer.len(), "{} entries from {} bytes", found.len(), buffer.len());
        assert!(found.iter().all(|record| !matches!(record.name.as_slice(), b"." | b"..")));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn path() -> impl Strategy<Value = CString> {
        // Slashes and dots are more frequent than other bytes.
        let byte = prop_oneof![3 => Just(b'/'), 3 => Just(b'.'), 4 => 1..=255_u8];
        vec(byte, 0..40).prop_map(|bytes| CString::new(bytes).unwrap())
    }

    proptest! {
        #[test]
        fn parent_and_name_lead_where_the_path_leads(path in path()) {
            check_split(&path);
        }

        #[test]
        fn any_name_survives_utf_16(name in vec(any::<u8>(), 0..60)) {
            check_surrogate_escape(&name);
        }

        #[test]
        fn text_with_odd_bytes_survives_utf_16(text: String, odd in vec(0x80..=0xff_u8, 0..4), at in any::<prop::sample::Index>()) {
            let mut name = text.into_bytes();
            let index = at.index(name.len() + 1);
            name.splice(index..index, odd);
            check_surrogate_escape(&name);
        }

        #[test]
        fn only_surrogates_that_are_no_bytes_are_refused(
            units in vec(prop_oneof![any::<u16>(), 0xd800..=0xdfff_u16], 0..12),
        ) {
            check_code_units(&units);
        }
    }

    #[cfg(target_os = "linux")]
    mod records {
        use super::*;
        use crate::FileType;

        const TYPES: [(u8, FileType); 5] = [
            (libc::DT_UNKNOWN, FileType::Unknown),
            (libc::DT_DIR, FileType::Directory),
            (libc::DT_LNK, FileType::SymbolicLink),
            (libc::DT_REG, FileType::File),
            (libc::DT_FIFO, FileType::Fifo),
        ];

        type Given = (Vec<u8>, u8, FileType, u64, i64);

        fn given() -> impl Strategy<Value = Vec<Given>> {
            let name = prop_oneof![
                1 => Just(b".".to_vec()),
                1 => Just(b"..".to_vec()),
                8 => vec(1..=255_u8, 1..=255),
            ];
            let entry = (name, 0..TYPES.len(), any::<u64>(), any::<i64>());
            let entry =
                entry.prop_map(|(name, at, ino, off)| (name, TYPES[at].0, TYPES[at].1, ino, off));
            vec(entry, 0..20)
        }

        /// Writes entries as the kernel does, padded to a multiple of 8 bytes.
        fn write(entries: &[Given]) -> Vec<u8> {
            let mut buffer = Vec::new();
            for (name, d_type, _, ino, off) in entries {
                let length = (19 + name.len() + 1).next_multiple_of(8);
                let end = buffer.len() + length;
                buffer.extend(ino.to_ne_bytes());
                buffer.extend(off.to_ne_bytes());
                buffer.extend(u16::try_from(length).unwrap().to_ne_bytes());
                buffer.push(*d_type);
                buffer.extend(name);
                buffer.resize(end, 0);
            }
            buffer
        }

        fn expected(entries: &[Given]) -> Vec<Record> {
            let named = entries.iter().filter(|entry| !matches!(entry.0.as_slice(), b"." | b".."));
            named
                .map(|(name, _, file_type, ino, _)| Record {
                    name: name.clone(),
                    file_type: *file_type,
                    ino: *ino,
                })
                .collect()
        }

        proptest! {
            #[test]
            fn what_the_kernel_writes_is_read(entries in given()) {
                prop_assert_eq!(read_records(&write(&entries)), (expected(&entries), true));
            }

            #[test]
            fn a_buffer_that_is_cut_ends_in_a_broken_record(entries in given(), cut in 1..=19_usize) {
                let whole = write(&entries);
                prop_assume!(!whole.is_empty());
                let (found, is_whole) = read_records(&whole[..whole.len() - cut]);
                prop_assert!(!is_whole);
                prop_assert!(expected(&entries).starts_with(&found));
            }

            #[test]
            fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
                check_records(&bytes);
            }

            #[test]
            fn a_changed_byte_is_read_without_a_panic(entries in given(), at in any::<prop::sample::Index>(), byte: u8) {
                let mut buffer = write(&entries);
                prop_assume!(!buffer.is_empty());
                let index = at.index(buffer.len());
                buffer[index] = byte;
                check_records(&buffer);
            }
        }
    }
}
