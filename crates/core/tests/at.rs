//! Names relative to an open directory.
#![allow(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use fdkit::at::{openat, rmdir, unlink};
use fdkit::fd::{borrow, get_inheritable};

/// A directory of the test's own, removed with all that is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fdkit-at-{test}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn open(&self) -> OwnedFd {
        File::open(&self.0).unwrap().into()
    }
}

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn errno<T: std::fmt::Debug>(result: fdkit::Result<T>) -> (i32, &'static str) {
    let error = result.unwrap_err();
    (error.errno(), error.syscall())
}

#[test]
fn a_path_starts_at_the_directory_wherever_that_goes() {
    let top = Scratch::new("moves");
    fs::create_dir(top.join("dir")).unwrap();
    let dir: OwnedFd = File::open(top.join("dir")).unwrap().into();
    fs::rename(top.join("dir"), top.join("moved")).unwrap();
    openat(Some(dir.as_fd()), c"made", libc::O_CREAT | libc::O_WRONLY, 0o600).unwrap();
    assert_eq!(fs::metadata(top.join("moved/made")).unwrap().mode() & 0o777, 0o600);
    unlink(Some(dir.as_fd()), c"made").unwrap();
    assert!(!top.join("moved/made").exists());
}

#[test]
fn what_is_opened_is_not_inherited() {
    for flags in [libc::O_RDONLY, libc::O_DIRECTORY, libc::O_CLOEXEC] {
        let fd = openat(None, c".", flags, 0).unwrap();
        assert!(!get_inheritable(fd.as_fd()).unwrap());
    }
}

#[test]
fn names_are_any_bytes() {
    let top = Scratch::new("bytes");
    let dir = top.open();
    // Not every file system takes what is not UTF-8.
    let names: &[&CStr] = if cfg!(target_os = "linux") {
        &[c"\xff", c"\xed\xa0\x80", c"a\nb", c"\xc3\xa9"]
    } else {
        &[c"a\nb", c"\xc3\xa9"]
    };
    for name in names {
        openat(Some(dir.as_fd()), name, libc::O_CREAT | libc::O_EXCL, 0o600).unwrap();
        let listed = fdkit::listing::listdir_fd(dir.as_fd()).unwrap();
        assert_eq!(listed.iter().map(|(name, _)| name).collect::<Vec<_>>(), [*name]);
        unlink(Some(dir.as_fd()), name).unwrap();
    }
}

#[test]
fn unlink_takes_a_link_and_not_its_target() {
    let top = Scratch::new("link");
    let dir = top.open();
    fs::create_dir(top.join("target")).unwrap();
    symlink("target", top.join("link")).unwrap();
    assert_eq!(errno(rmdir(Some(dir.as_fd()), c"link")), (libc::ENOTDIR, "unlinkat"));
    unlink(Some(dir.as_fd()), c"link").unwrap();
    assert!(top.join("target").is_dir());
    rmdir(Some(dir.as_fd()), c"target").unwrap();
    assert!(!top.join("target").exists());
}

#[test]
fn refusals_carry_number_and_call() {
    let top = Scratch::new("refusals");
    let dir = top.open();
    fs::create_dir_all(top.join("full/sub")).unwrap();
    File::create(top.join("file")).unwrap();
    let start = Some(dir.as_fd());
    let of_directory = if cfg!(target_os = "linux") { libc::EISDIR } else { libc::EPERM };
    assert_eq!(errno(openat(start, c"none", 0, 0)), (libc::ENOENT, "openat"));
    assert_eq!(errno(openat(start, c"", 0, 0)), (libc::ENOENT, "openat"));
    assert_eq!(errno(openat(start, c"file/x", 0, 0)), (libc::ENOTDIR, "openat"));
    assert_eq!(errno(unlink(start, c"none")), (libc::ENOENT, "unlinkat"));
    assert_eq!(errno(unlink(start, c"full")), (of_directory, "unlinkat"));
    assert_eq!(errno(rmdir(start, c"full")), (libc::ENOTEMPTY, "unlinkat"));
    assert_eq!(errno(rmdir(start, c"full/sub/.")), (libc::EINVAL, "unlinkat"));
    assert_eq!(errno(rmdir(start, c"file")), (libc::ENOTDIR, "unlinkat"));
}

#[test]
fn a_start_that_is_none() {
    let file: OwnedFd = File::open(std::env::current_exe().unwrap()).unwrap().into();
    let closed = borrow(999_999, "openat").unwrap();
    assert_eq!(errno(openat(Some(file.as_fd()), c"x", 0, 0)).0, libc::ENOTDIR);
    assert_eq!(errno(openat(Some(closed), c"x", 0, 0)).0, libc::EBADF);
    openat(Some(closed), c"/", 0, 0).unwrap();
}
