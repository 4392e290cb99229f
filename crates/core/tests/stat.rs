//! Tests the metadata of files against the standard library.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::CString;
use std::fs::{self, File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fdkit::files::stat::{Stat, Timestamp, fstat, fstatat};

fn at(path: &Path, follow_symlinks: bool) -> fdkit::Result<Stat> {
    fstatat(None, &CString::new(path.as_os_str().as_bytes()).unwrap(), follow_symlinks)
}

fn timestamp(seconds: i64, nanoseconds: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: u32::try_from(nanoseconds).unwrap() }
}

fn assert_same(stat: Stat, expected: &Metadata) {
    let Stat { birthtime, .. } = stat;
    let expected = Stat {
        dev: expected.dev(),
        mode: expected.mode(),
        nlink: expected.nlink(),
        uid: expected.uid(),
        gid: expected.gid(),
        rdev: expected.rdev(),
        blksize: expected.blksize(),
        ino: expected.ino(),
        size: i64::try_from(expected.size()).unwrap(),
        blocks: i64::try_from(expected.blocks()).unwrap(),
        atime: timestamp(expected.atime(), expected.atime_nsec()),
        mtime: timestamp(expected.mtime(), expected.mtime_nsec()),
        ctime: timestamp(expected.ctime(), expected.ctime_nsec()),
        birthtime: expected.created().map_or(birthtime, |created| {
            let since = created.duration_since(UNIX_EPOCH).unwrap();
            let seconds = i64::try_from(since.as_secs()).unwrap();
            timestamp(seconds, i64::from(since.subsec_nanos()))
        }),
    };
    assert_eq!(stat, expected);
}

#[test]
fn every_field_is_equal_for_every_type_of_file() {
    for path in ["/", "src", "Cargo.toml", "/dev/null"].map(Path::new) {
        let Ok(expected) = fs::metadata(path) else { panic!("{} is missing", path.display()) };
        assert_same(at(path, true).unwrap(), &expected);
        assert_same(at(path, false).unwrap(), &fs::symlink_metadata(path).unwrap());
    }
}

#[test]
fn a_descriptor_and_a_name_give_the_same_result() {
    let src = File::open("src").unwrap();
    assert_same(fstat(src.as_fd()).unwrap(), &src.metadata().unwrap());
    let below = fstatat(Some(src.as_fd()), c"error.rs", true).unwrap();
    assert_same(below, &fs::metadata("src/error.rs").unwrap());
}

#[test]
fn links_are_followed_only_if_asked() {
    let link = std::env::temp_dir().join(format!("fdkit-stat-link-{}", std::process::id()));
    symlink("/dev/null", &link).unwrap();
    let (target, itself) = (at(&link, true), at(&link, false));
    fs::remove_file(&link).unwrap();
    assert_eq!(target.unwrap().rdev, fs::metadata("/dev/null").unwrap().rdev());
    assert_eq!(itself.unwrap().mode & 0o170_000, 0o120_000);
}

#[test]
fn times_before_1970_and_after_2038_are_exact() {
    let path = std::env::temp_dir().join(format!("fdkit-stat-times-{}", std::process::id()));
    let file = File::create(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let nanosecond = Duration::from_nanos(1);
    let set = |time: SystemTime| {
        file.set_modified(time).unwrap();
        fstat(file.as_fd()).unwrap().mtime
    };
    assert_eq!(set(UNIX_EPOCH - nanosecond), timestamp(-1, 999_999_999));
    assert_eq!(set(UNIX_EPOCH), timestamp(0, 0));
    let late = Duration::from_secs(1 << 33) + nanosecond;
    assert_eq!(set(UNIX_EPOCH + late), timestamp(1 << 33, 1));
}

#[test]
fn invalid_paths_and_descriptors_are_errors() {
    for (path, errno) in
        [("none", libc::ENOENT), ("", libc::ENOENT), ("Cargo.toml/", libc::ENOTDIR)]
    {
        assert_eq!(at(Path::new(path), true).unwrap_err().errno(), errno, "{path}");
    }
    let closed = fdkit::files::descriptors::borrow(999_999, "fstat").unwrap();
    assert_eq!(fstat(closed).unwrap_err().errno(), libc::EBADF);
    assert_eq!(fstatat(Some(closed), c"x", true).unwrap_err().errno(), libc::EBADF);
}
