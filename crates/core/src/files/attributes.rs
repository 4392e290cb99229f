//! What may be done with a file, and the attributes that can be changed: permissions, owner,
//! times.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::fcntl::AtFlags;
use nix::sys::stat::{FchmodatFlags, Mode, UtimensatFlags};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid};

use crate::error::{Error, Result, retry};
use crate::files::descriptors::directory;
use crate::files::stat::Timestamp;

/// Whether the process may do with a file what `mode` says: `R_OK`, `W_OK`, `X_OK` or-ed, or
/// `F_OK`. By the real user and group, or by the effective ones with `effective_ids`.
///
/// # Errors
/// What access(2) says: `EACCES`: it may not; `ENOENT`, `EROFS`, `EINVAL` …
///
/// ```
/// use fdkit::files::attributes::faccessat;
/// assert!(faccessat(None, c"src", libc::R_OK | libc::X_OK, false, true).is_ok());
/// assert!(faccessat(None, c"no/such/file", libc::F_OK, false, true).is_err());
/// ```
pub fn faccessat(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    mode: i32,
    effective_ids: bool,
    follow_symlinks: bool,
) -> Result<()> {
    let mut flags = 0;
    if effective_ids {
        flags |= libc::AT_EACCESS;
    }
    if !follow_symlinks {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    sys::faccessat(directory(dir_fd), path, mode, flags)
}

/// Sets the permissions. A link itself (`follow_symlinks` false) has permissions on few systems.
///
/// # Errors
/// What chmod(2) says: `EPERM`: somebody else's; `ENOENT`, `EROFS` … Without `follow_symlinks`
/// also `ENOTSUP`: a link on Linux, or Linux before 6.6.
///
/// ```
/// # use std::os::fd::AsFd;
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// let mode = fdkit::files::stat::fstat(src.as_fd())?.mode & 0o7777;
/// fdkit::files::attributes::fchmodat(None, c"src", mode, true)?;
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn fchmodat(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    mode: u32,
    follow_symlinks: bool,
) -> Result<()> {
    let start = directory(dir_fd);
    if !follow_symlinks {
        return sys::fchmodat_nofollow(start, path, mode);
    }
    let mode = Mode::from_bits_retain(mode as libc::mode_t);
    let follow = FchmodatFlags::FollowSymlink;
    retry("fchmodat", || nix::sys::stat::fchmodat(start, path, mode, follow))
}

/// Sets the permissions of an open file.
///
/// # Errors
/// What chmod(2) says: `EPERM`, `EBADF`, `EROFS` …
pub fn fchmod(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    let mode = Mode::from_bits_retain(mode as libc::mode_t);
    retry("fchmod", || nix::sys::stat::fchmod(fd, mode))
}

/// Sets owner and group; `None` leaves one as it is.
///
/// # Errors
/// What chown(2) says: `EPERM`, `ENOENT`, `EROFS` …
pub fn fchownat(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    uid: Option<u32>,
    gid: Option<u32>,
    follow_symlinks: bool,
) -> Result<()> {
    let start = directory(dir_fd);
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    let flags = if follow_symlinks { AtFlags::empty() } else { AtFlags::AT_SYMLINK_NOFOLLOW };
    retry("fchownat", || nix::unistd::fchownat(start, path, uid, gid, flags))
}

/// Sets owner and group of an open file; `None` leaves one as it is.
///
/// # Errors
/// What chown(2) says: `EPERM`, `EBADF`, `EROFS` …
pub fn fchown(fd: BorrowedFd<'_>, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    retry("fchown", || nix::unistd::fchown(fd, uid, gid))
}

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    /// `UTIME_NOW`: the present, by the kernel's clock.
    Now,
    /// `UTIME_OMIT`: as it is.
    Omit,
    /// This time.
    At(Timestamp),
}

impl SetTime {
    pub(crate) fn to_timespec(self) -> Result<TimeSpec> {
        let (tv_sec, tv_nsec) = match self {
            Self::Now => (0, libc::UTIME_NOW),
            Self::Omit => (0, libc::UTIME_OMIT),
            Self::At(Timestamp { seconds, nanoseconds }) if nanoseconds < 1_000_000_000 => {
                (seconds, nanoseconds.into())
            }
            Self::At(_) => return Err(Error::new(libc::EINVAL, "utimensat")),
        };
        Ok(TimeSpec::from_timespec(libc::timespec { tv_sec, tv_nsec }))
    }
}

/// Sets the times of last access and last change.
///
/// # Errors
/// What utimensat(2) says: `EPERM` or `EACCES`: somebody else's; `ENOENT`, `EROFS`; `EINVAL`:
/// 1,000,000,000 nanoseconds or more …
pub fn utimensat(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    atime: SetTime,
    mtime: SetTime,
    follow_symlinks: bool,
) -> Result<()> {
    let start = directory(dir_fd);
    let (atime, mtime) = (atime.to_timespec()?, mtime.to_timespec()?);
    let flag = if follow_symlinks {
        UtimensatFlags::FollowSymlink
    } else {
        UtimensatFlags::NoFollowSymlink
    };
    retry("utimensat", || nix::sys::stat::utimensat(start, path, &atime, &mtime, flag))
}

/// Sets the times of an open file.
///
/// # Errors
/// As [`utimensat`], and `EBADF`.
pub fn futimens(fd: BorrowedFd<'_>, atime: SetTime, mtime: SetTime) -> Result<()> {
    let (atime, mtime) = (atime.to_timespec()?, mtime.to_timespec()?);
    retry("futimens", || nix::sys::stat::futimens(fd, &atime, &mtime))
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{AsRawFd, BorrowedFd, CStr, Error, Result};
    use crate::error::retry_libc;

    // libc has it for some of the platforms only; the number is the same on all.
    const SYS_FCHMODAT2: libc::c_long = 452;

    pub(super) fn faccessat(
        start: BorrowedFd<'_>,
        path: &CStr,
        mode: i32,
        flags: i32,
    ) -> Result<()> {
        let start = start.as_raw_fd();
        let allowed = retry_libc("faccessat2", || {
            // SAFETY: the path ends in NUL and outlives the call.
            unsafe { libc::syscall(libc::SYS_faccessat2, start, path.as_ptr(), mode, flags) }
        });
        match allowed {
            // Linux before 5.8, where the C library works the flags out by itself.
            Err(error) if error.errno() == libc::ENOSYS => retry_libc("faccessat", || {
                // SAFETY: as above.
                let allowed = unsafe { libc::faccessat(start, path.as_ptr(), mode, flags) };
                allowed.into()
            }),
            result => result,
        }
        .map(|_| ())
    }

    pub(super) fn fchmodat_nofollow(start: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
        let changed = retry_libc("fchmodat2", || {
            let (start, flags) = (start.as_raw_fd(), libc::AT_SYMLINK_NOFOLLOW);
            // SAFETY: the path ends in NUL and outlives the call.
            unsafe { libc::syscall(SYS_FCHMODAT2, start, path.as_ptr(), mode, flags) }
        });
        match changed {
            Err(error) if error.errno() == libc::ENOSYS => {
                Err(Error::new(libc::ENOTSUP, "fchmodat2"))
            }
            result => result.map(|_| ()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{AsRawFd, BorrowedFd, CStr, FchmodatFlags, Mode, Result, retry};
    use crate::error::retry_libc;

    pub(super) fn faccessat(
        start: BorrowedFd<'_>,
        path: &CStr,
        mode: i32,
        flags: i32,
    ) -> Result<()> {
        let allowed = retry_libc("faccessat", || {
            // SAFETY: the path ends in NUL and outlives the call.
            let allowed = unsafe { libc::faccessat(start.as_raw_fd(), path.as_ptr(), mode, flags) };
            allowed.into()
        });
        allowed.map(|_| ())
    }

    pub(super) fn fchmodat_nofollow(start: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
        let mode = Mode::from_bits_retain(mode as libc::mode_t);
        let flag = FchmodatFlags::NoFollowSymlink;
        retry("fchmodat", || nix::sys::stat::fchmodat(start, path, mode, flag))
    }
}
