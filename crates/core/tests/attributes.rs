//! Tests permissions, owners, times, and access to files.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;

use fdkit::files::attributes::{
    SetTime, faccessat, fchmod, fchmodat, fchown, fchownat, futimens, utimensat,
};
use fdkit::files::stat::Timestamp;

/// A directory with a file, a link to it and a dangling link. It is removed when the test ends.
struct Scratch(PathBuf, OwnedFd);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fdkit-attr-{test}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::write(path.join("file"), "").unwrap();
        symlink("file", path.join("alias")).unwrap();
        symlink("nothing", path.join("dangling")).unwrap();
        let dir = File::open(&path).unwrap().into();
        Self(path, dir)
    }

    fn metadata(&self, name: &str) -> fs::Metadata {
        fs::symlink_metadata(self.0.join(name)).unwrap()
    }

    fn file(&self) -> OwnedFd {
        File::open(self.0.join("file")).unwrap().into()
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

fn at(seconds: i64, nanoseconds: u32) -> SetTime {
    SetTime::At(Timestamp { seconds, nanoseconds })
}

#[test]
fn access_follows_links_only_if_asked() {
    let top = Scratch::new("access");
    let may = |name: &CStr, follow| faccessat(Some(top.1.as_fd()), name, libc::F_OK, true, follow);
    may(c"alias", true).unwrap();
    may(c"dangling", false).unwrap();
    assert_eq!(errno(may(c"dangling", true)).0, libc::ENOENT);
    assert_eq!(errno(may(c"file/x", true)).0, libc::ENOTDIR);
}

#[test]
fn chmod_changes_permissions_and_follows_links() {
    let top = Scratch::new("chmod");
    let dir = Some(top.1.as_fd());
    fchmodat(dir, c"alias", 0o4711, true).unwrap();
    assert_eq!(top.metadata("file").mode() & 0o7777, 0o4711);
    fchmod(top.file().as_fd(), 0o640).unwrap();
    assert_eq!(top.metadata("file").mode() & 0o7777, 0o640);
    assert_eq!(errno(fchmodat(dir, c"dangling", 0o600, true)), (libc::ENOENT, "fchmodat"));
}

#[cfg(target_os = "linux")]
#[test]
fn chmod_of_a_link_itself_is_not_supported() {
    let top = Scratch::new("nofollow");
    let refused = fchmodat(Some(top.1.as_fd()), c"alias", 0o600, false);
    assert_eq!(errno(refused), (libc::ENOTSUP, "fchmodat2"));
}

#[test]
fn chown_leaves_an_owner_that_is_not_given() {
    let top = Scratch::new("chown");
    let dir = Some(top.1.as_fd());
    let (uid, gid) = (top.metadata("file").uid(), top.metadata("file").gid());
    fchownat(dir, c"file", None, None, true).unwrap();
    fchownat(dir, c"dangling", Some(uid), None, false).unwrap();
    fchown(top.file().as_fd(), None, Some(gid)).unwrap();
    assert_eq!((top.metadata("file").uid(), top.metadata("file").gid()), (uid, gid));
    assert_eq!(errno(fchownat(dir, c"dangling", None, None, true)), (libc::ENOENT, "fchownat"));
}

#[test]
fn times_are_set_to_the_nanosecond() {
    let top = Scratch::new("utime");
    let dir = Some(top.1.as_fd());
    let times = |name: &str| {
        let found = top.metadata(name);
        (found.atime(), found.atime_nsec(), found.mtime(), found.mtime_nsec())
    };
    utimensat(dir, c"alias", at(-1, 999_999_999), at(1 << 32, 1), true).unwrap();
    assert_eq!(times("file"), (-1, 999_999_999, 1 << 32, 1));
    futimens(top.file().as_fd(), SetTime::Omit, at(5, 6)).unwrap();
    assert_eq!(times("file"), (-1, 999_999_999, 5, 6));
    utimensat(dir, c"dangling", at(7, 8), at(9, 10), false).unwrap();
    assert_eq!(times("dangling"), (7, 8, 9, 10));
    utimensat(dir, c"file", SetTime::Now, SetTime::Omit, true).unwrap();
    assert!(times("file").0 > 1_600_000_000);
    assert_eq!(times("file").2, 5);
}

#[test]
fn nanoseconds_beyond_a_second_are_refused() {
    let top = Scratch::new("billion");
    for nanoseconds in [1_000_000_000, libc::UTIME_NOW as u32, libc::UTIME_OMIT as u32] {
        let refused = utimensat(Some(top.1.as_fd()), c"file", at(0, nanoseconds), at(0, 0), true);
        assert_eq!(errno(refused), (libc::EINVAL, "utimensat"));
    }
}
