//! The status of file systems.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::error::{Result, retry_libc};
use crate::files::names::openat;

/// The result of `statvfs(3)`, in the widest types of any platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatVfs {
    /// The block size that suits the file system best, in bytes.
    pub bsize: u64,
    /// The unit of `blocks`, `bfree` and `bavail`, in bytes.
    pub frsize: u64,
    /// The size of the file system, in units of `frsize`.
    pub blocks: u64,
    /// The free blocks.
    pub bfree: u64,
    /// The free blocks for processes without privileges.
    pub bavail: u64,
    /// The number of inodes.
    pub files: u64,
    /// The free inodes.
    pub ffree: u64,
    /// The free inodes for processes without privileges. On Linux, it is always equal to `ffree`.
    pub favail: u64,
    /// The options of the mount: the `ST_*` numbers of [`constants`](crate::constants).
    pub flag: u64,
    /// The greatest length of a name, in bytes.
    pub namemax: u64,
    /// The id of the file system. With musl, only 32 bits of it are known.
    pub fsid: u64,
}

/// Returns the status of the file system that a path leads to. Symbolic links are followed.
///
/// There is no system call that starts from a directory. If `dir_fd` is given, the file is opened
/// first: with `O_PATH` on Linux, which needs no permission and does not trigger an automount, and
/// for reading elsewhere.
///
/// # Errors
/// `ENOENT`, `EACCES`, `ELOOP`, `ENOTDIR`, `EIO` and the other errors of statvfs(3). If `dir_fd` is
/// given, also those of [`openat`].
///
/// ```
/// let stat = fdkit::files::statvfs::statvfs(None, c"src")?;
/// println!("{} bytes are free", stat.bavail * stat.frsize);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn statvfs(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<StatVfs> {
    if dir_fd.is_some() {
        return fstatvfs(openat(dir_fd, path, OPEN_FLAGS, 0)?.as_fd());
    }
    let mut buffer = MaybeUninit::zeroed();
    // SAFETY: the path ends in NUL, and the C library fills a struct of its own layout.
    retry_libc("statvfs", || unsafe { libc::statvfs(path.as_ptr(), buffer.as_mut_ptr()) }.into())?;
    // SAFETY: it is a struct of integers, which was zeroed and then filled.
    Ok(from(unsafe { buffer.assume_init_ref() }))
}

/// Returns the status of the file system that an open file is on.
///
/// # Errors
/// `EBADF`: `fd` is not open; `EIO` and the other errors of fstatvfs(3).
///
/// ```
/// use fdkit::files::statvfs::{fstatvfs, statvfs};
/// use std::os::fd::AsFd;
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// assert_eq!(fstatvfs(src.as_fd())?.namemax, statvfs(None, c"src")?.namemax);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn fstatvfs(fd: BorrowedFd<'_>) -> Result<StatVfs> {
    let mut buffer = MaybeUninit::zeroed();
    retry_libc("fstatvfs", || {
        // SAFETY: the C library fills a struct of its own layout.
        unsafe { libc::fstatvfs(fd.as_raw_fd(), buffer.as_mut_ptr()) }.into()
    })?;
    // SAFETY: it is a struct of integers, which was zeroed and then filled.
    Ok(from(unsafe { buffer.assume_init_ref() }))
}

#[cfg(target_os = "linux")]
const OPEN_FLAGS: i32 = libc::O_PATH;
// A FIFO must not block.
#[cfg(not(target_os = "linux"))]
const OPEN_FLAGS: i32 = libc::O_RDONLY | libc::O_NONBLOCK;

// The kernel sets it if it fills the flags in, as it does since Linux 2.6.36. musl passes it on.
const ST_VALID: u64 = 0x20;

#[allow(clippy::useless_conversion, reason = "some are 32 bits wide on macOS")]
fn from(found: &libc::statvfs) -> StatVfs {
    StatVfs {
        bsize: u64::from(found.f_bsize),
        frsize: u64::from(found.f_frsize),
        blocks: u64::from(found.f_blocks),
        bfree: u64::from(found.f_bfree),
        bavail: u64::from(found.f_bavail),
        files: u64::from(found.f_files),
        ffree: u64::from(found.f_ffree),
        favail: u64::from(found.f_favail),
        flag: u64::from(found.f_flag) & !ST_VALID,
        namemax: u64::from(found.f_namemax),
        fsid: u64::from(found.f_fsid),
    }
}
