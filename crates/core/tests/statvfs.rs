//! Tests the status of file systems.
#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in test functions, not in their helpers"
)]

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use fdkit::files::names::{mkfifoat, openat};
use fdkit::files::statvfs::{StatVfs, fstatvfs, statvfs};

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("fdkit-statvfs-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Leaves out the fields that change while others use the file system.
fn fixed(stat: StatVfs) -> StatVfs {
    StatVfs { bfree: 0, bavail: 0, files: 0, ffree: 0, favail: 0, ..stat }
}

#[allow(clippy::useless_conversion, reason = "32 bits wide on macOS")]
#[test]
fn fields_are_those_of_the_c_library() {
    for path in [c"/", c"src", c"/dev", c"/dev/null"] {
        let stat = statvfs(None, path).unwrap();
        let expected = nix::sys::statvfs::statvfs(path).unwrap();
        assert_eq!(stat.bsize, expected.block_size(), "{path:?}");
        assert_eq!(stat.frsize, expected.fragment_size(), "{path:?}");
        assert_eq!(stat.blocks, u64::from(expected.blocks()), "{path:?}");
        assert_eq!(stat.namemax, expected.name_max(), "{path:?}");
        assert_eq!(stat.fsid, expected.filesystem_id(), "{path:?}");
        assert_eq!(stat.flag & 0xf, expected.flags().bits() & 0xf, "{path:?}");
        assert!(stat.bavail <= stat.bfree && stat.bfree <= stat.blocks, "{stat:?}");
        assert!(stat.favail <= stat.ffree && stat.ffree <= stat.files, "{stat:?}");
    }
}

#[test]
fn a_path_a_name_and_a_descriptor_give_the_same_result() {
    let src = File::open("src").unwrap();
    let expected = fixed(statvfs(None, c"src").unwrap());
    assert_eq!(fixed(fstatvfs(src.as_fd()).unwrap()), expected);
    assert_eq!(fixed(statvfs(Some(src.as_fd()), c"lib.rs").unwrap()), expected);
    assert_eq!(fixed(statvfs(Some(src.as_fd()), c".").unwrap()), expected);
    let absolute = statvfs(Some(src.as_fd()), c"/dev").unwrap();
    assert_eq!(fixed(absolute), fixed(statvfs(None, c"/dev").unwrap()));
}

#[test]
fn links_are_followed_and_a_fifo_does_not_block() {
    let directory = Directory::new("kinds");
    symlink("/dev", directory.0.join("link")).unwrap();
    let path = CString::new(directory.0.as_os_str().as_bytes()).unwrap();
    let dir_fd = openat(None, &path, libc::O_DIRECTORY, 0).unwrap();
    let target = fixed(statvfs(None, c"/dev").unwrap());
    assert_eq!(fixed(statvfs(Some(dir_fd.as_fd()), c"link").unwrap()), target);
    mkfifoat(Some(dir_fd.as_fd()), c"fifo", 0o600).unwrap();
    let around = fixed(fstatvfs(dir_fd.as_fd()).unwrap());
    assert_eq!(fixed(statvfs(Some(dir_fd.as_fd()), c"fifo").unwrap()), around);
}

#[test]
fn invalid_paths_and_descriptors_are_errors() {
    let src = File::open("src").unwrap();
    let closed = fdkit::files::descriptors::borrow(999_999, "fstatvfs").unwrap();
    let errors = [
        (statvfs(None, c"none"), libc::ENOENT, "statvfs"),
        (statvfs(None, c""), libc::ENOENT, "statvfs"),
        (statvfs(None, c"Cargo.toml/"), libc::ENOTDIR, "statvfs"),
        (statvfs(Some(src.as_fd()), c"none"), libc::ENOENT, "openat"),
        (statvfs(Some(closed), c"none"), libc::EBADF, "openat"),
        (fstatvfs(closed), libc::EBADF, "fstatvfs"),
    ];
    for (result, errno, syscall) in errors {
        let error = result.unwrap_err();
        assert_eq!((error.errno(), error.syscall()), (errno, syscall));
    }
}
