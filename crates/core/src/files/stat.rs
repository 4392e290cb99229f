//! The status of files.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use crate::error::Result;
use crate::files::descriptors::directory;

/// A timestamp relative to 1970-01-01 UTC. `nanoseconds` is 0 to 999,999,999, before 1970 as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp {
    /// Whole seconds, negative before 1970.
    pub seconds: i64,
    /// Nanoseconds to add to `seconds`.
    pub nanoseconds: u32,
}

/// The result of `stat(2)` and the birth time, in the widest types of any platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of struct stat, less the st_")]
pub struct Stat {
    pub dev: u64,
    pub mode: u32,
    pub nlink: u64,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
    pub blksize: u64,
    pub ino: u64,
    pub size: i64,
    /// In units of 512 bytes.
    pub blocks: i64,
    pub atime: Timestamp,
    pub mtime: Timestamp,
    pub ctime: Timestamp,
    /// If the file system does not know it, it is the same as in libuv: 1970 from statx(2), and
    /// otherwise the change time.
    pub birthtime: Timestamp,
}

/// Returns the status of a name relative to a directory.
///
/// # Errors
/// `ENOENT`, `EACCES`, `ELOOP`, `ENOTDIR`, `EBADF` and the other errors of stat(2). The failed call
/// is `statx` on Linux and `fstatat` elsewhere.
///
/// ```
/// let stat = fdkit::files::stat::fstatat(None, c"src", true)?;
/// assert_eq!(stat.mode & libc::S_IFMT, libc::S_IFDIR);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn fstatat(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, follow_symlinks: bool) -> Result<Stat> {
    let flags = if follow_symlinks { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    sys::stat(directory(dir_fd), path, flags)
}

/// Returns the status of many names relative to a directory. The results are in the order of the
/// names.
///
/// # Errors
/// The errors of [`fstatat`], for each name.
///
/// ```
/// let stats = fdkit::files::stat::stat_all(None, [c"src", c"missing"], true);
/// assert!(stats[0].is_ok());
/// assert_eq!(stats[1].unwrap_err().errno(), libc::ENOENT);
/// ```
pub fn stat_all<'n>(
    dir_fd: Option<BorrowedFd<'_>>,
    names: impl IntoIterator<Item = &'n CStr>,
    follow_symlinks: bool,
) -> Vec<Result<Stat>> {
    names.into_iter().map(|name| fstatat(dir_fd, name, follow_symlinks)).collect()
}

/// Returns the status of an open file.
///
/// # Errors
/// `EBADF`: `fd` is not open.
///
/// ```
/// use std::os::fd::AsFd;
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// assert_eq!(fdkit::files::stat::fstat(src.as_fd())?, fdkit::files::stat::fstatat(None, c"src", true)?);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn fstat(fd: BorrowedFd<'_>) -> Result<Stat> {
    sys::stat_fd(fd)
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{BorrowedFd, CStr, Result, Stat, Timestamp};
    use crate::error::{Error, may_be_missing, retry_libc};
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;

    pub(super) fn stat(start: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat> {
        match statx(start, path, flags) {
            // Kernels before 4.11 have no statx, and a seccomp filter can hide it. Some emulators
            // refuse the flags.
            Err(error) if may_be_missing(error) || error.is(libc::EINVAL) => {
                fstatat(start, path, flags)
            }
            result => result,
        }
    }

    pub(super) fn stat_fd(fd: BorrowedFd<'_>) -> Result<Stat> {
        stat(fd, c"", libc::AT_EMPTY_PATH)
    }

    fn statx(start: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat> {
        let mut buffer = MaybeUninit::<libc::statx>::zeroed();
        retry_libc("statx", || {
            // SAFETY: the path ends in NUL, and the kernel fills a struct of its own layout.
            unsafe {
                libc::syscall(
                    libc::SYS_statx,
                    start.as_raw_fd(),
                    path.as_ptr(),
                    flags,
                    libc::STATX_BASIC_STATS | libc::STATX_BTIME,
                    buffer.as_mut_ptr(),
                )
            }
        })?;
        // SAFETY: it is a struct of integers, which was zeroed and then filled.
        let found = unsafe { buffer.assume_init() };
        Ok(Stat {
            dev: libc::makedev(found.stx_dev_major, found.stx_dev_minor),
            mode: u32::from(found.stx_mode),
            nlink: u64::from(found.stx_nlink),
            uid: found.stx_uid,
            gid: found.stx_gid,
            rdev: libc::makedev(found.stx_rdev_major, found.stx_rdev_minor),
            blksize: u64::from(found.stx_blksize),
            ino: found.stx_ino,
            size: found.stx_size.cast_signed(),
            blocks: found.stx_blocks.cast_signed(),
            atime: timestamp(found.stx_atime),
            mtime: timestamp(found.stx_mtime),
            ctime: timestamp(found.stx_ctime),
            birthtime: timestamp(found.stx_btime),
        })
    }

    fn timestamp(found: libc::statx_timestamp) -> Timestamp {
        Timestamp { seconds: found.tv_sec, nanoseconds: found.tv_nsec }
    }

    fn fstatat(start: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat> {
        let mut buffer = MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: the path ends in NUL, and the C library fills a struct of its own layout.
        let done =
            unsafe { libc::fstatat(start.as_raw_fd(), path.as_ptr(), buffer.as_mut_ptr(), flags) };
        if done != 0 {
            return Err(Error::last("fstatat"));
        }
        // SAFETY: it is a struct of integers, which was zeroed and then filled.
        let found = unsafe { buffer.assume_init() };
        let time = |seconds: i64, nanoseconds: libc::c_long| Timestamp {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).unwrap_or(0),
        };
        let ctime = time(found.st_ctime, found.st_ctime_nsec);
        Ok(Stat {
            dev: found.st_dev,
            mode: found.st_mode,
            #[allow(clippy::useless_conversion, reason = "32 bits wide on arm64")]
            nlink: u64::from(found.st_nlink),
            uid: found.st_uid,
            gid: found.st_gid,
            rdev: found.st_rdev,
            blksize: found.st_blksize as u64,
            ino: found.st_ino,
            size: found.st_size,
            blocks: found.st_blocks,
            atime: time(found.st_atime, found.st_atime_nsec),
            mtime: time(found.st_mtime, found.st_mtime_nsec),
            ctime,
            birthtime: ctime,
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{BorrowedFd, CStr, Result, Stat, Timestamp};
    use crate::error::retry;
    use nix::fcntl::AtFlags;

    pub(super) fn stat(start: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat> {
        let flags = AtFlags::from_bits_retain(flags);
        let found = retry("fstatat", || nix::sys::stat::fstatat(start, path, flags))?;
        Ok(from(&found))
    }

    pub(super) fn stat_fd(fd: BorrowedFd<'_>) -> Result<Stat> {
        let found = retry("fstat", || nix::sys::stat::fstat(fd))?;
        Ok(from(&found))
    }

    fn from(found: &libc::stat) -> Stat {
        let time = |seconds: i64, nanoseconds: libc::c_long| Timestamp {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).unwrap_or(0),
        };
        Stat {
            dev: found.st_dev as u64,
            mode: u32::from(found.st_mode),
            nlink: u64::from(found.st_nlink),
            uid: found.st_uid,
            gid: found.st_gid,
            rdev: found.st_rdev as u64,
            blksize: found.st_blksize as u64,
            ino: found.st_ino,
            size: found.st_size,
            blocks: found.st_blocks,
            atime: time(found.st_atime, found.st_atime_nsec),
            mtime: time(found.st_mtime, found.st_mtime_nsec),
            ctime: time(found.st_ctime, found.st_ctime_nsec),
            birthtime: time(found.st_birthtime, found.st_birthtime_nsec),
        }
    }
}
