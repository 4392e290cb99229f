//! Tests operations on names relative to an open directory.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use fdkit::constants::{RENAME_EXCHANGE, RENAME_NOREPLACE};
use fdkit::files::descriptors::{borrow, get_inheritable};
use fdkit::files::names::{
    linkat, mkdirat, mkfifoat, mknodat, openat, readlinkat, renameat2, rmdir, symlinkat, unlink,
};

/// A directory of the test. It is removed with its contents.
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
fn a_path_starts_at_the_directory_even_after_a_rename() {
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
fn opened_descriptors_are_not_inherited() {
    for flags in [libc::O_RDONLY, libc::O_DIRECTORY, libc::O_CLOEXEC] {
        let fd = openat(None, c".", flags, 0).unwrap();
        assert!(!get_inheritable(fd.as_fd()).unwrap());
    }
}

#[test]
fn names_are_any_bytes() {
    let top = Scratch::new("bytes");
    let dir = top.open();
    // Not every file system accepts names that are not UTF-8.
    let names: &[&CStr] = if cfg!(target_os = "linux") {
        &[c"\xff", c"\xed\xa0\x80", c"a\nb", c"\xc3\xa9"]
    } else {
        &[c"a\nb", c"\xc3\xa9"]
    };
    for name in names {
        openat(Some(dir.as_fd()), name, libc::O_CREAT | libc::O_EXCL, 0o600).unwrap();
        let listed = fdkit::files::listing::listdir_fd(dir.as_fd()).unwrap();
        assert_eq!(listed.iter().map(|(name, _)| name).collect::<Vec<_>>(), [*name]);
        unlink(Some(dir.as_fd()), name).unwrap();
    }
}

#[test]
fn unlink_removes_a_link_and_not_its_target() {
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
fn errors_have_the_number_and_the_call() {
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
fn an_invalid_start_is_an_error_for_relative_paths_only() {
    let file: OwnedFd = File::open(std::env::current_exe().unwrap()).unwrap().into();
    let closed = borrow(999_999, "openat").unwrap();
    assert_eq!(errno(openat(Some(file.as_fd()), c"x", 0, 0)).0, libc::ENOTDIR);
    assert_eq!(errno(openat(Some(closed), c"x", 0, 0)).0, libc::EBADF);
    openat(Some(closed), c"/", 0, 0).unwrap();
}

#[test]
fn names_are_created_linked_and_renamed() {
    let top = Scratch::new("family");
    let dir = top.open();
    let start = Some(dir.as_fd());
    mkdirat(start, c"dir", 0o700).unwrap();
    mkfifoat(start, c"fifo", 0o600).unwrap();
    // The constant of libc has 16 bits on macOS.
    const S_IFREG: u32 = 0o100_000;
    mknodat(start, c"file", S_IFREG | 0o600, 0).unwrap();
    symlinkat(c"file", start, c"alias").unwrap();
    linkat(start, c"alias", start, c"second", true).unwrap();
    linkat(start, c"alias", start, c"link", false).unwrap();
    assert_eq!(fs::metadata(top.join("file")).unwrap().nlink(), 2);
    assert_eq!(readlinkat(start, c"link").unwrap(), b"file");
    assert_eq!(errno(mkdirat(start, c"file", 0o700)), (libc::EEXIST, "mkdirat"));
    assert_eq!(errno(mkfifoat(start, c"file", 0o700)), (libc::EEXIST, "mkfifoat"));
    assert_eq!(errno(symlinkat(c"", start, c"x")), (libc::ENOENT, "symlinkat"));
    assert_eq!(errno(readlinkat(start, c"file")), (libc::EINVAL, "readlinkat"));
    renameat2(start, c"file", start, c"moved", 0).unwrap();
    let taken = renameat2(start, c"moved", start, c"dir", RENAME_NOREPLACE);
    assert_eq!(errno(taken).0, libc::EEXIST);
    renameat2(start, c"moved", start, c"dir", RENAME_EXCHANGE).unwrap();
    assert!(fs::metadata(top.join("moved")).unwrap().is_dir());
    assert!(fs::metadata(top.join("dir")).unwrap().is_file());
    assert_eq!(errno(renameat2(start, c"none", start, c"x", 0)), (libc::ENOENT, "renameat"));
}

#[cfg(target_os = "linux")]
#[test]
fn resolve_restricts_where_a_path_may_lead() {
    use fdkit::constants::{RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS};
    use fdkit::files::names::openat2;
    let top = Scratch::new("openat2");
    let dir = top.open();
    fs::write(top.join("file"), "").unwrap();
    symlink("file", top.join("alias")).unwrap();
    let open = |path, resolve| openat2(Some(dir.as_fd()), path, libc::O_RDONLY, 0o777, resolve);
    assert!(get_inheritable(open(c"alias", RESOLVE_BENEATH).unwrap().as_fd()).is_ok_and(|is| !is));
    assert_eq!(errno(open(c"alias", RESOLVE_NO_SYMLINKS)), (libc::ELOOP, "openat2"));
    assert_eq!(errno(open(c"..", RESOLVE_BENEATH)), (libc::EXDEV, "openat2"));
    assert_eq!(errno(open(c"file", 1 << 40)), (libc::EINVAL, "openat2"));
}
