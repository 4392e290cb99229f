//! Tests memory files and their seals.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::{CStr, CString};
use std::fs::{File, read_link};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use fdkit::constants::*;
use fdkit::memory::memfd::{add_seals, get_seals, memfd_create};

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
