//! Opening directories: to read them, or only to look up names in them.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::error::{Result, retry};

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);

/// Opens a directory to read it. A name that ends in a slash is followed even without
/// `follow_symlinks`.
pub(crate) fn open_directory(
    start: BorrowedFd<'_>,
    path: &CStr,
    follow_symlinks: bool,
) -> Result<OwnedFd> {
    let mut flags = DIRECTORY | OFlag::O_RDONLY | OFlag::O_NONBLOCK;
    flags.set(OFlag::O_NOFOLLOW, !follow_symlinks);
    open(start, path, flags)
}

/// Opens a directory to look up names in it. On Linux, it need not be readable.
pub(crate) fn open_parent(start: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let access = OFlag::O_PATH;
    #[cfg(not(target_os = "linux"))]
    let access = OFlag::O_RDONLY;
    open(start, path, DIRECTORY | access)
}

fn open(start: BorrowedFd<'_>, path: &CStr, flags: OFlag) -> Result<OwnedFd> {
    retry("openat", || openat(start, path, flags, Mode::empty()))
}
