//! Access checks, and the attributes of a file that can be changed: permissions, owner, times.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::fcntl::AtFlags;
use nix::sys::stat::{FchmodatFlags, Mode, UtimensatFlags};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid};

use crate::error::{Error, Result, retry};
use crate::files::descriptors::directory;
use crate::files::stat::Timestamp;

/// Checks whether the process may access a file as `mode` says: `R_OK`, `W_OK`, `X_OK` or-ed, or
/// `F_OK`. It uses the real user and group ids, or the effective ones with `effective_ids`.
///
/// # Errors
/// `EACCES`: access is denied; `ENOENT`, `EROFS`, `EINVAL` and the other errors of access(2).
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

/// Sets the permissions of a file. Few systems support it for a symbolic link itself
/// (`follow_symlinks` is false).
///
/// # Errors
/// `EPERM`: the file belongs to another user; `ENOENT`, `EROFS` and the other errors of chmod(2).
/// If `follow_symlinks` is false, also `ENOTSUP`: the path is a symbolic link on Linux, or Linux is
/// older than 6.6.
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
/// `EPERM`, `EBADF`, `EROFS` and the other errors of chmod(2).
pub fn fchmod(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    let mode = Mode::from_bits_retain(mode as libc::mode_t);
    retry("fchmod", || nix::sys::stat::fchmod(fd, mode))
}

/// Sets the owner and the group of a file; `None` leaves either of them unchanged.
///
/// # Errors
/// `EPERM`, `ENOENT`, `EROFS` and the other errors of chown(2).
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

/// Sets the owner and the group of an open file; `None` leaves either of them unchanged.
///
/// # Errors
/// `EPERM`, `EBADF`, `EROFS` and the other errors of chown(2).
pub fn fchown(fd: BorrowedFd<'_>, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    retry("fchown", || nix::unistd::fchown(fd, uid, gid))
}

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    /// `UTIME_NOW`: the current time of the kernel's clock.
    Now,
    /// `UTIME_OMIT`: the time stays unchanged.
    Omit,
    /// The given time.
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

/// Sets the times of last access and last modification.
///
/// # Errors
/// `EPERM` or `EACCES`: the file belongs to another user; `EINVAL`: a time has 1,000,000,000
/// nanoseconds or more; `ENOENT`, `EROFS` and the other errors of utimensat(2).
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
/// The errors of [`utimensat`], and `EBADF`.
pub fn futimens(fd: BorrowedFd<'_>, atime: SetTime, mtime: SetTime) -> Result<()> {
    let (atime, mtime) = (atime.to_timespec()?, mtime.to_timespec()?);
    retry("futimens", || nix::sys::stat::futimens(fd, &atime, &mtime))
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{AsRawFd, BorrowedFd, CStr, Error, Gid, Result, Uid};
    use crate::error::{may_be_missing, retry_libc};
    use crate::files::stat::{Stat, fstatat};

    // libc defines it for some platforms only. The number is the same on all of them.
    const SYS_FCHMODAT2: libc::c_long = 452;

    pub(super) fn faccessat(
        start: BorrowedFd<'_>,
        path: &CStr,
        mode: i32,
        flags: i32,
    ) -> Result<()> {
        match faccessat2(start, path, mode, flags) {
            Err(error) if may_be_missing(error) => {
                // Only faccessat2 takes flags. If it works, its EPERM is real (the file is
                // immutable), and the permission bits would not show that.
                if flags != 0 && faccessat2(start, c"/", libc::F_OK, 0).is_ok() {
                    return Err(error);
                }
                without_faccessat2(start, path, mode, flags)
            }
            result => result,
        }
    }

    fn faccessat2(start: BorrowedFd<'_>, path: &CStr, mode: i32, flags: i32) -> Result<()> {
        let start = start.as_raw_fd();
        let allowed = retry_libc("faccessat2", || {
            // SAFETY: the path ends in NUL and outlives the call.
            unsafe { libc::syscall(libc::SYS_faccessat2, start, path.as_ptr(), mode, flags) }
        });
        allowed.map(|_| ())
    }

    /// Answers on Linux before 5.8, and if a seccomp filter hides `faccessat2`. The C library is
    /// not called, since it tries the hidden call again and returns the filter's answer.
    fn without_faccessat2(start: BorrowedFd<'_>, path: &CStr, mode: i32, flags: i32) -> Result<()> {
        let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
        if !follow {
            let is_link = fstatat(Some(start), path, false)?.mode & libc::S_IFMT == libc::S_IFLNK;
            // A symbolic link itself has all permissions.
            if is_link {
                return Ok(());
            }
        }
        let ids = Ids::effective();
        if flags & libc::AT_EACCESS != 0 && !ids.are_real() {
            return ids.check(&fstatat(Some(start), path, follow)?, mode);
        }
        let allowed = retry_libc("faccessat", || {
            let start = start.as_raw_fd();
            // SAFETY: the path ends in NUL and outlives the call.
            unsafe { libc::syscall(libc::SYS_faccessat, start, path.as_ptr(), mode) }
        });
        allowed.map(|_| ())
    }

    /// The user and group ids that permission bits are checked for.
    struct Ids {
        uid: Uid,
        gid: Gid,
    }

    impl Ids {
        fn effective() -> Self {
            Self { uid: Uid::effective(), gid: Gid::effective() }
        }

        fn are_real(&self) -> bool {
            self.uid == Uid::current() && self.gid == Gid::current()
        }

        /// Checks the permission bits in the way of C libraries. It ignores access control lists.
        fn check(&self, stat: &Stat, mode: i32) -> Result<()> {
            let wanted = mode.cast_unsigned() & 7;
            if self.uid.is_root() {
                let is_directory = stat.mode & libc::S_IFMT == libc::S_IFDIR;
                if wanted & 1 == 0 || is_directory || stat.mode & 0o111 != 0 {
                    return Ok(());
                }
            }
            let shift = if stat.uid == self.uid.as_raw() {
                6
            } else if self.is_member(stat.gid) {
                3
            } else {
                0
            };
            if (stat.mode >> shift) & wanted == wanted {
                return Ok(());
            }
            Err(Error::new(libc::EACCES, "faccessat"))
        }

        fn is_member(&self, gid: u32) -> bool {
            let is = |each: &Gid| each.as_raw() == gid;
            is(&self.gid) || nix::unistd::getgroups().is_ok_and(|groups| groups.iter().any(is))
        }
    }

    pub(super) fn fchmodat_nofollow(start: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
        let changed = retry_libc("fchmodat2", || {
            let (start, flags) = (start.as_raw_fd(), libc::AT_SYMLINK_NOFOLLOW);
            // SAFETY: the path ends in NUL and outlives the call.
            unsafe { libc::syscall(SYS_FCHMODAT2, start, path.as_ptr(), mode, flags) }
        });
        match changed {
            Err(error) if error.is(libc::ENOSYS) => Err(Error::new(libc::ENOTSUP, "fchmodat2")),
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
