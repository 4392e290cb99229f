//! Resolution by the kernel: openat2 with `RESOLVE_BENEATH` (Linux 5.6).

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use super::fd::Located;
use super::{Last, O_PATH, Root, Symlinks, escape};
use crate::constants::{
    RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};
use crate::error::{Error, Result};
use crate::files::names::openat2;

/// Whether the kernel has openat2, and no filter hides it: old container runtimes answer `EPERM`.
pub(super) fn is_available() -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::sync::OnceLock;
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| {
            let probe = openat2(None, c".", libc::O_PATH | libc::O_DIRECTORY, 0, 0);
            !matches!(probe, Err(error) if matches!(error.errno(), libc::ENOSYS | libc::EPERM))
        })
    }
    #[cfg(not(target_os = "linux"))]
    false
}

pub(super) fn open(root: &Root, path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
    let options = root.options;
    let mut resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if options.symlinks == Symlinks::Refuse {
        resolve |= RESOLVE_NO_SYMLINKS;
    }
    if !options.cross_device {
        resolve |= RESOLVE_NO_XDEV;
    }
    // Unlike openat, openat2 refuses other bits, such as the type in the mode of another file.
    let mode = mode & 0o7777;
    openat2(Some(root.fd.as_fd()), path, flags, mode, resolve)
        .map_err(|error| explain(root, path, flags, resolve, error))
}

// A link that may not be followed is ELOOP, as are too many of them and a final link that the caller
// itself forbids. The first is found out by looking once more with links allowed.
fn explain(root: &Root, path: &CStr, flags: i32, resolve: u64, error: Error) -> Error {
    if error.errno() != libc::ELOOP || resolve & RESOLVE_NO_SYMLINKS == 0 {
        return error;
    }
    if flags & libc::O_NOFOLLOW != 0 {
        let look = O_PATH | libc::O_NOFOLLOW;
        let is_last = openat2(Some(root.fd.as_fd()), path, look, 0, resolve).is_ok();
        if is_last {
            return error;
        }
    }
    escape()
}

/// `link/` with O_NOFOLLOW is followed by the kernel, beneath the root, as by lstat(2).
pub(super) fn locate(root: &Root, path: &CStr, last: Last) -> Result<Located> {
    let no_follow = if last == Last::NoFollow { libc::O_NOFOLLOW } else { 0 };
    open(root, path, O_PATH | no_follow, 0).map(Located::new)
}

pub(super) fn locate_directory(root: &Root, path: &CStr) -> Result<OwnedFd> {
    open(root, path, O_PATH | libc::O_DIRECTORY, 0)
}
