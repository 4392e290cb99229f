//! Tests duplicates of descriptors that pending calls share.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Mutex;

use fdkit::files::descriptors::{borrow, get_inheritable};
use fdkit::files::shared_dup::SharedDup;
use fdkit::files::stat::fstat;
use nix::unistd::dup2;

// Runs one test at a time, since the tests reuse numbers and count open descriptors.
static ALONE: Mutex<()> = Mutex::new(());

fn open(path: &str) -> OwnedFd {
    File::open(path).unwrap().into()
}

fn raw(shared: &SharedDup) -> i32 {
    shared.as_fd().as_raw_fd()
}

#[cfg(target_os = "linux")]
fn count_open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn duplicates_of_one_directory_share_a_descriptor_that_the_last_closes() {
    let _alone = ALONE.lock();
    let directory = open("src");
    let first = SharedDup::new(directory.as_fd()).unwrap();
    let others: Vec<_> = (0..100).map(|_| SharedDup::new(directory.as_fd()).unwrap()).collect();
    assert_ne!(raw(&first), directory.as_raw_fd());
    assert!(others.iter().all(|other| raw(other) == raw(&first)));
    assert!(!get_inheritable(first.as_fd()).unwrap());
    let number = raw(&first);
    drop(first);
    assert!(fstat(borrow(number, "fstat").unwrap()).is_ok());
    drop(others);
    assert_eq!(fstat(borrow(number, "fstat").unwrap()).unwrap_err().errno(), libc::EBADF);
}

#[test]
fn a_reused_number_gets_a_duplicate_of_its_new_directory() {
    let _alone = ALONE.lock();
    let (mut src, tests) = (open("src"), open("tests"));
    let of_src = SharedDup::new(src.as_fd()).unwrap();
    dup2(tests.as_fd(), &mut src).unwrap();
    let of_tests = SharedDup::new(src.as_fd()).unwrap();
    let ino = |shared: &SharedDup| fstat(shared.as_fd()).unwrap().ino;
    assert_ne!(ino(&of_src), ino(&of_tests));
    // The later duplicate is shared, even after the first is dropped.
    drop(of_src);
    assert_eq!(raw(&SharedDup::new(src.as_fd()).unwrap()), raw(&of_tests));
}

#[cfg(target_os = "linux")]
#[test]
fn two_open_descriptions_of_one_file_are_not_shared() {
    let _alone = ALONE.lock();
    let (mut first, second) = (open("Cargo.toml"), open("Cargo.toml"));
    let of_first = SharedDup::new(first.as_fd()).unwrap();
    // The device and the inode are the same, but the offsets are separate.
    dup2(second.as_fd(), &mut first).unwrap();
    let of_second = SharedDup::new(first.as_fd()).unwrap();
    assert_ne!(raw(&of_first), raw(&of_second));
}

#[test]
fn a_number_that_is_not_open_is_refused() {
    let _alone = ALONE.lock();
    let error = SharedDup::new(borrow(999_999, "dup").unwrap()).unwrap_err();
    assert_eq!((error.errno(), error.syscall()), (libc::EBADF, "dup"));
    let file = open("src");
    let number = file.as_raw_fd();
    let kept = SharedDup::new(file.as_fd()).unwrap();
    drop(file);
    let error = SharedDup::new(borrow(number, "dup").unwrap()).unwrap_err();
    assert_eq!(error.errno(), libc::EBADF);
    assert!(fstat(kept.as_fd()).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn concurrent_duplicates_leave_nothing_open() {
    let _alone = ALONE.lock();
    let directory = open("src");
    let expected = fstat(directory.as_fd()).unwrap().ino;
    let before = count_open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for i in 0..20_000 {
                    let first = SharedDup::new(directory.as_fd()).unwrap();
                    let second = (i % 3 == 0).then(|| SharedDup::new(directory.as_fd()).unwrap());
                    assert_eq!(fstat(first.as_fd()).unwrap().ino, expected);
                    drop(first);
                    if let Some(second) = second {
                        assert_eq!(fstat(second.as_fd()).unwrap().ino, expected);
                    }
                }
            });
        }
    });
    assert_eq!(count_open(), before);
}
