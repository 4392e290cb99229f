//! Tests memory files and their seals.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::{CStr, CString};
use std::fs::{File, read_link};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use fdkit::constants::*;
use fdkit::files::descriptors::get_inheritable;
use fdkit::memory::memfd::{Memfd, MemfdOptions, add_seals, get_seals, memfd_create, write};
use fdkit::{Reason, Result};
use proptest::prelude::*;

fn sealable() -> File {
    File::from(memfd_create(c"test", MFD_CLOEXEC | MFD_ALLOW_SEALING).unwrap())
}

fn shown(fd: BorrowedFd<'_>) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    let link = read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
    link.into_os_string().into_vec()
}

fn creation_errno(name: &CStr, flags: u32) -> i32 {
    let error = memfd_create(name, flags).unwrap_err();
    assert_eq!(error.syscall(), "memfd_create");
    error.errno()
}

#[test]
fn reads_back_what_was_written() {
    let mut file = File::from(memfd_create(c"", MFD_CLOEXEC).unwrap());
    file.write_all(b"contents").unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "contents");
}

#[test]
fn a_name_has_at_most_249_bytes_of_any_value() {
    for name in [c"".to_owned(), c"a/../b".to_owned(), c"\xff\xfe".to_owned()] {
        let fd = memfd_create(&name, MFD_CLOEXEC).unwrap();
        let expected = [b"/memfd:", name.to_bytes(), b" (deleted)"].concat();
        assert_eq!(shown(fd.as_fd()), expected);
    }
    memfd_create(&CString::new(vec![b'n'; 249]).unwrap(), MFD_CLOEXEC).unwrap();
    let too_long = CString::new(vec![b'n'; 250]).unwrap();
    assert_eq!(creation_errno(&too_long, MFD_CLOEXEC), libc::EINVAL);
}

#[test]
fn all_32_bits_of_the_flags_reach_the_kernel() {
    for flags in [0x20, 0x8000, u32::MAX, MFD_HUGE_2MB, MFD_HUGE_16GB] {
        assert_eq!(creation_errno(c"", flags), libc::EINVAL, "{flags:#x}");
    }
}

#[test]
fn children_inherit_a_file_only_without_cloexec() {
    for (flags, inheritable) in [(MFD_CLOEXEC, false), (0, true)] {
        let fd = memfd_create(c"", flags).unwrap();
        assert_eq!(fdkit::files::descriptors::get_inheritable(fd.as_fd()).unwrap(), inheritable);
    }
}

#[test]
fn seals_accumulate() {
    let file = sealable();
    assert_eq!(get_seals(file.as_fd()).unwrap(), 0);
    add_seals(file.as_fd(), F_SEAL_GROW).unwrap();
    add_seals(file.as_fd(), F_SEAL_SHRINK).unwrap();
    assert_eq!(get_seals(file.as_fd()).unwrap(), F_SEAL_GROW | F_SEAL_SHRINK);
    assert_eq!(file.set_len(1).unwrap_err().raw_os_error(), Some(libc::EPERM));
}

#[test]
fn no_seal_can_be_added_after_the_seal_seal() {
    let unsealable = memfd_create(c"", MFD_CLOEXEC).unwrap();
    assert_eq!(get_seals(unsealable.as_fd()).unwrap(), F_SEAL_SEAL);
    assert_eq!(add_seals(unsealable.as_fd(), F_SEAL_GROW).unwrap_err().errno(), libc::EPERM);
    let file = sealable();
    add_seals(file.as_fd(), F_SEAL_SEAL).unwrap();
    assert_eq!(add_seals(file.as_fd(), F_SEAL_GROW).unwrap_err().errno(), libc::EPERM);
}

#[test]
fn an_unknown_seal_is_an_error_and_adds_none() {
    let file = sealable();
    for seals in [0x40, F_SEAL_GROW | 0x100, 1 << 31, u32::MAX] {
        let error = add_seals(file.as_fd(), seals).unwrap_err();
        assert_eq!((error.errno(), error.syscall()), (libc::EINVAL, "fcntl"), "{seals:#x}");
    }
    assert_eq!(get_seals(file.as_fd()).unwrap(), 0);
}

#[test]
fn other_files_have_no_seals() {
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    assert_eq!(get_seals(null.as_fd()).unwrap_err().errno(), libc::EINVAL);
    assert_eq!(add_seals(null.as_fd(), F_SEAL_SEAL).unwrap_err().errno(), libc::EINVAL);
}

#[test]
fn adding_no_seal_is_allowed_until_the_seal_seal() {
    let file = sealable();
    add_seals(file.as_fd(), 0).unwrap();
    add_seals(file.as_fd(), F_SEAL_SEAL).unwrap();
    assert_eq!(add_seals(file.as_fd(), 0).unwrap_err().errno(), libc::EPERM);
}

#[test]
fn get_seals_returns_every_combination_that_was_added() {
    // Not every kernel has the sixth, F_SEAL_EXEC.
    for seals in 0..32 {
        let file = sealable();
        add_seals(file.as_fd(), seals).unwrap();
        assert_eq!(get_seals(file.as_fd()).unwrap(), seals);
        let more = add_seals(file.as_fd(), F_SEAL_GROW).map_err(|error| error.errno());
        let is_final = seals & F_SEAL_SEAL != 0;
        assert_eq!(more, if is_final { Err(libc::EPERM) } else { Ok(()) });
    }
}

#[test]
fn a_read_only_descriptor_cannot_add_seals() {
    let file = sealable();
    let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    assert_eq!(add_seals(reader.as_fd(), F_SEAL_GROW).unwrap_err().errno(), libc::EPERM);
    assert_eq!(get_seals(reader.as_fd()).unwrap(), 0);
}

const DEFAULT: MemfdOptions =
    MemfdOptions { size: 0, sealing: true, exec: false, inheritable: false, huge_page_size: None };

fn append(memfd: &mut Memfd, bytes: &[u8]) -> Result<()> {
    // SAFETY: pointer and length are those of the slice.
    unsafe { memfd.append(bytes.as_ptr(), bytes.len()) }
}

/// Returns the contents, read through a descriptor of its own.
fn contents(fd: BorrowedFd<'_>) -> Vec<u8> {
    std::fs::read(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap()
}

#[test]
fn a_memfd_has_the_properties_of_its_options() {
    for (sealing, inheritable) in [(true, false), (false, true)] {
        let options = MemfdOptions { sealing, inheritable, size: 5, ..MemfdOptions::default() };
        let memfd = Memfd::create(c"options", &options).unwrap();
        let seals = get_seals(memfd.as_fd()).unwrap();
        assert_eq!(seals & F_SEAL_SEAL == 0, sealing);
        assert_eq!(get_inheritable(memfd.as_fd()).unwrap(), inheritable);
        assert_eq!(contents(memfd.as_fd()), [0; 5]);
        memfd.close().unwrap();
    }
    let executable = Memfd::create(c"", &MemfdOptions { exec: true, ..DEFAULT }).unwrap();
    let plain = Memfd::create(c"", &DEFAULT).unwrap();
    assert_eq!(get_seals(executable.as_fd()).unwrap() & F_SEAL_EXEC, 0);
    // The kernel has had both flags since Linux 6.3.
    let has_flag = memfd_create(c"", MFD_NOEXEC_SEAL).is_ok();
    assert_eq!(get_seals(plain.as_fd()).unwrap() & F_SEAL_EXEC != 0, has_flag);
}

#[test]
fn more_memory_than_there_is_cannot_be_reserved() {
    for size in [1 << 50, i64::MAX.cast_unsigned()] {
        let error = Memfd::create(c"", &MemfdOptions { size, ..DEFAULT }).unwrap_err();
        assert_eq!((error.errno(), error.syscall()), (libc::ENOSPC, "fallocate"));
        let mut memfd = Memfd::create(c"", &DEFAULT).unwrap();
        assert_eq!(memfd.reserve(size).unwrap_err(), error);
        append(&mut memfd, b"still usable").unwrap();
        assert_eq!(contents(memfd.as_fd()), b"still usable");
    }
}

#[test]
fn a_size_of_huge_pages_that_the_machine_lacks_is_the_reason() {
    let lacking = 1 << 45;
    let options = MemfdOptions { huge_page_size: Some(lacking), ..DEFAULT };
    let error = Memfd::create(c"", &options).unwrap_err();
    assert!(error.is(libc::ENODEV), "{error}");
    assert_eq!(error.reason(), Some(Reason::NoHugePages(lacking)));
    let too_long = CString::new(vec![b'n'; 250]).unwrap();
    assert_eq!(Memfd::create(&too_long, &DEFAULT).unwrap_err().reason(), None);
}

#[test]
fn a_duplicate_shares_the_file_and_other_files_are_refused() {
    let mut memfd = Memfd::create(c"", &DEFAULT).unwrap();
    append(&mut memfd, b"shared").unwrap();
    let duplicate = Memfd::duplicate(memfd.as_fd()).unwrap();
    assert_ne!(duplicate.as_fd().as_raw_fd(), memfd.as_fd().as_raw_fd());
    drop(memfd);
    assert_eq!(contents(duplicate.as_fd()), b"shared");
    let null = File::open("/dev/null").unwrap();
    let error = Memfd::duplicate(null.as_fd()).unwrap_err();
    assert!(error.is(libc::EINVAL));
    assert_eq!(error.reason(), Some(Reason::NotMemoryFile));
}

#[test]
fn write_extends_a_file_and_obeys_its_seals() {
    let memfd = Memfd::create(c"", &DEFAULT).unwrap();
    let put = |bytes: &[u8], position| {
        // SAFETY: pointer and length are those of the slice.
        unsafe { write(memfd.as_fd(), bytes.as_ptr(), bytes.len(), position) }
    };
    put(b"text", 2).unwrap();
    put(b"", 100).unwrap();
    assert_eq!(contents(memfd.as_fd()), b"\0\0text");
    add_seals(memfd.as_fd(), F_SEAL_WRITE).unwrap();
    assert_eq!(put(b"!", 0).unwrap_err().errno(), libc::EPERM);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn appended_pieces_follow_each_other_in_the_reserved_memory(
        size in 0..200_000_u64,
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40_000), 0..8),
    ) {
        let mut memfd = Memfd::create(c"pieces", &MemfdOptions { size, ..DEFAULT }).unwrap();
        for piece in &pieces {
            append(&mut memfd, piece).unwrap();
        }
        let mut expected = pieces.concat();
        expected.resize(expected.len().max(size as usize), 0);
        prop_assert_eq!(contents(memfd.as_fd()), expected);
        // All of it has memory already: blocks count 512 bytes each.
        use std::os::unix::fs::MetadataExt;
        let file = File::open(format!("/proc/self/fd/{}", memfd.as_fd().as_raw_fd())).unwrap();
        let metadata = file.metadata().unwrap();
        prop_assert!(metadata.blocks() * 512 >= metadata.len());
    }
}
