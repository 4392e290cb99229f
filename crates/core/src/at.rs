//! Names relative to an open directory: opened and removed.
//!
//! `dir_fd` is where a relative `path` starts; `None` is the working directory. An absolute
//! path does not use it.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, openat as nix_openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::error::{Result, retry};
use crate::fd::directory;

/// `openat(dir_fd, path, flags | O_CLOEXEC, mode)`.
///
/// `flags` are the `O_*` numbers of open(2); `mode` is for a file that gets made. Unlike in
/// POSIX, the descriptor is not inherited by children (PEP 446).
///
/// # Errors
/// What open(2) says: `ENOENT`, `EACCES`, `EEXIST`, `ELOOP`, `EMFILE`, `ENOTDIR` where `dir_fd`
/// is no directory, `EBADF` where it is not open …
///
/// ```
/// use std::os::fd::AsFd;
/// let src = fdkit::at::openat(None, c"src", 0, 0)?;
/// let file = fdkit::at::openat(Some(src.as_fd()), c"at.rs", 0, 0)?;
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn openat(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    flags: i32,
    mode: u32,
) -> Result<OwnedFd> {
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_retain(mode as libc::mode_t);
    let start = directory(dir_fd);
    retry("openat", || nix_openat(start, path, flags, mode))
}

/// Removes a name that is not a directory: `unlinkat(dir_fd, path, 0)`.
///
/// # Errors
/// What unlink(2) says: `ENOENT`, `EACCES`, `EISDIR` for a directory (`EPERM` on macOS) …
///
/// ```
/// # use std::os::fd::AsFd;
/// let tmp = fdkit::at::openat(None, c"/tmp", 0, 0)?;
/// let name = c"fdkit-doc-unlink";
/// fdkit::at::openat(Some(tmp.as_fd()), name, libc::O_CREAT | libc::O_WRONLY, 0o600)?;
/// fdkit::at::unlink(Some(tmp.as_fd()), name)?;
/// assert!(fdkit::at::unlink(Some(tmp.as_fd()), name).is_err());
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn unlink(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<()> {
    remove(dir_fd, path, UnlinkatFlags::NoRemoveDir)
}

/// Removes an empty directory: `unlinkat(dir_fd, path, AT_REMOVEDIR)`.
///
/// # Errors
/// What rmdir(2) says: `ENOENT`, `ENOTDIR`, `ENOTEMPTY`, `EBUSY`, `EINVAL` for a path that ends
/// in `.` …
///
/// ```
/// assert_eq!(fdkit::at::rmdir(None, c"src").unwrap_err().errno(), libc::ENOTEMPTY);
/// ```
pub fn rmdir(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<()> {
    remove(dir_fd, path, UnlinkatFlags::RemoveDir)
}

fn remove(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, flag: UnlinkatFlags) -> Result<()> {
    let start = directory(dir_fd);
    retry("unlinkat", || unlinkat(start, path, flag))
}
