//! Opening directories: to read them, or only to look up names in them.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::error::{Error, Result, retry};
use crate::files::nofollow;

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);

/// Opens a directory to read it. A name that ends in a slash is followed even without
/// `follow_symlinks`.
pub(crate) fn open_directory(
    start: BorrowedFd<'_>,
    path: &CStr,
    follow_symlinks: bool,
) -> Result<OwnedFd> {
    let mut flags = DIRECTORY | OFlag::O_RDONLY | OFlag::O_NONBLOCK;
    let follows_anyway = !follow_symlinks && nofollow::is_ignored();
    flags.set(OFlag::O_NOFOLLOW, !follow_symlinks && !nofollow::is_emulated());
    let fd = open(start, path, flags)?;
    if follows_anyway {
        nofollow::check(start, path, fd.as_fd())?;
    }
    Ok(fd)
}

/// Returns true for the errors of `O_NOFOLLOW | O_DIRECTORY` that mean that the file is a link, or
/// anything else but a directory.
pub(crate) fn is_not_a_directory(error: &Error) -> bool {
    matches!(error.errno(), libc::ENOTDIR | libc::ELOOP)
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
