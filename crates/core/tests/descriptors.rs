//! Tests borrowing and duplicating descriptors, and their inheritance.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use fdkit::files::descriptors::{borrow, dup, get_inheritable, number, set_inheritable};

fn directory() -> File {
    File::open(".").unwrap()
}

#[test]
fn borrow_accepts_every_number_of_a_descriptor() {
    for candidate in [0, 1, 999_999, i32::MAX] {
        assert_eq!(number(borrow(candidate, "fstat").unwrap()), candidate);
    }
}

#[test]
fn borrow_refuses_negative_numbers_and_names_the_call() {
    for candidate in [-1, -100, i32::MIN] {
        let error = borrow(candidate, "fsync").unwrap_err();
        assert_eq!((error.errno(), error.syscall()), (libc::EBADF, "fsync"));
    }
}

#[test]
fn the_kernel_refuses_a_borrowed_descriptor_that_is_not_open() {
    let closed = borrow(999_999, "dup").unwrap();
    assert_eq!(dup(closed).unwrap_err().errno(), libc::EBADF);
    assert_eq!(dup(closed).unwrap_err().syscall(), "dup");
    assert_eq!(get_inheritable(closed).unwrap_err().syscall(), "fcntl");
    assert_eq!(set_inheritable(closed, true).unwrap_err().errno(), libc::EBADF);
}

#[test]
fn a_duplicate_has_another_number_and_outlives_the_original() {
    let first = directory();
    let before = fdkit::files::stat::fstat(first.as_fd()).unwrap();
    let copy = dup(first.as_fd()).unwrap();
    assert_ne!(copy.as_raw_fd(), first.as_raw_fd());
    drop(first);
    assert_eq!(fdkit::files::stat::fstat(copy.as_fd()).unwrap().ino, before.ino);
}

#[test]
fn a_duplicate_is_never_inheritable() {
    let first = directory();
    for inheritable in [false, true] {
        set_inheritable(first.as_fd(), inheritable).unwrap();
        let copy = dup(first.as_fd()).unwrap();
        assert!(!get_inheritable(copy.as_fd()).unwrap());
    }
}

#[test]
fn get_inheritable_returns_what_set_inheritable_has_set() {
    let file = directory();
    for inheritable in [true, true, false, false, true] {
        set_inheritable(file.as_fd(), inheritable).unwrap();
        assert_eq!(get_inheritable(file.as_fd()).unwrap(), inheritable);
    }
}
