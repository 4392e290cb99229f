//! Descriptors: borrowing them by number, duplicating them, and inheritance by child processes.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use nix::fcntl::{AT_FDCWD, FcntlArg, FdFlag, fcntl};

use crate::error::{Error, Result, retry, retry_libc};

/// Returns the directory that a relative path starts from: the given one, or the working directory.
pub(crate) fn directory(dir_fd: Option<BorrowedFd<'_>>) -> BorrowedFd<'_> {
    dir_fd.unwrap_or(AT_FDCWD)
}

/// Borrows a descriptor by its number. The number comes from outside Rust and must stay open during
/// the next call.
///
/// # Errors
/// `EBADF`, with `syscall` as the failed call, if the number is negative. A number that is not open
/// is refused by the kernel with the same error.
///
/// ```
/// use std::os::fd::AsRawFd;
/// let stdin = fdkit::files::descriptors::borrow(0, "fstat")?;
/// assert_eq!(stdin.as_raw_fd(), 0);
/// assert_eq!(fdkit::files::descriptors::borrow(-1, "fstat").unwrap_err().syscall(), "fstat");
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn borrow(number: i32, syscall: &'static str) -> Result<BorrowedFd<'static>> {
    if number < 0 {
        return Err(Error::new(libc::EBADF, syscall));
    }
    // SAFETY: it is not -1. The caller owns the descriptor. If the descriptor is closed, the system
    // call fails with EBADF, and nothing here closes or keeps a borrowed descriptor.
    Ok(unsafe { BorrowedFd::borrow_raw(number) })
}

/// Calls `dup(fd)` with close-on-exec, like Python's `os.dup`: child processes do not inherit the
/// duplicate.
///
/// The duplicate shares the offset and the status flags with the original (dup(2)).
///
/// # Errors
/// `EBADF`: `fd` is not open; `EMFILE`: no number is free.
///
/// ```
/// use std::os::fd::AsFd;
/// let copy = fdkit::files::descriptors::dup(std::io::stdin().as_fd())?;
/// assert!(!fdkit::files::descriptors::get_inheritable(copy.as_fd())?);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn dup(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let number = retry("dup", || fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(0)))?;
    // SAFETY: F_DUPFD_CLOEXEC has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Returns the path of an open file, if the system knows it: the target of `/proc/self/fd` on
/// Linux, `F_GETPATH` on macOS. It is for messages only, since the file can be moved at any moment.
/// Linux appends ` (deleted)` to the path of a file that has been removed.
///
/// ```
/// use std::os::fd::AsFd;
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// let path = fdkit::files::descriptors::path(src.as_fd());
/// # #[cfg(target_os = "linux")]
/// assert!(path.is_some_and(|path| path.ends_with(b"/src")));
/// # Ok::<(), fdkit::Error>(())
/// ```
#[must_use]
pub fn path(fd: BorrowedFd<'_>) -> Option<Vec<u8>> {
    sys::path(fd)
}

/// Calls `dup3(fd, number)`: closes the root directory, which is open as `number`, and atomically puts
/// the open file of `fd` there. Child processes inherit `number` if they inherit `fd`.
///
/// # Errors
/// `EBADF`: a descriptor is not open; `EINVAL`: `number` is not the root directory, or the same as
/// `fd`. On an error, `number` stays as it is.
///
/// ```
/// use fdkit::files::descriptors::{get_inheritable, replace_root};
/// use std::{fs::File, os::fd::AsFd};
///
/// let (from, to) = (File::open("/dev/null").unwrap(), File::open("/").unwrap());
/// replace_root(from.as_fd(), to.as_fd())?;
/// assert!(!to.metadata().unwrap().is_dir());
/// assert!(!get_inheritable(to.as_fd())?);
/// assert!(replace_root(from.as_fd(), to.as_fd()).unwrap_err().is(libc::EINVAL));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn replace_root(fd: BorrowedFd<'_>, number: BorrowedFd<'_>) -> Result<()> {
    let root = retry("stat", || nix::sys::stat::stat(c"/"))?;
    if Identity::of(number)? != Identity::from(&root) {
        return Err(Error::new(libc::EINVAL, "dup3"));
    }
    sys_replace(fd.as_raw_fd(), number.as_raw_fd(), get_inheritable(fd)?)
}

#[cfg(target_os = "linux")]
fn sys_replace(fd: i32, number: i32, inheritable: bool) -> Result<()> {
    let flags = if inheritable { 0 } else { libc::O_CLOEXEC };
    // SAFETY: both are open, and the caller has lent them for this call.
    retry_libc("dup3", || libc::c_long::from(unsafe { libc::dup3(fd, number, flags) }))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn sys_replace(fd: i32, number: i32, inheritable: bool) -> Result<()> {
    if fd == number {
        return Err(Error::new(libc::EINVAL, "dup2"));
    }
    // SAFETY: both are open, and the caller has lent them for this call.
    retry_libc("dup2", || libc::c_long::from(unsafe { libc::dup2(fd, number) }))?;
    set_inheritable(borrow(number, "fcntl")?, inheritable)
}

/// Closes a descriptor and reports errors, which dropping it would hide.
///
/// # Errors
/// `EBADF`: somebody else has closed it; `EIO`, `ENOSPC`, `EDQUOT`: data that was written earlier
/// is lost. The descriptor is closed in any case.
///
/// ```
/// let copy = fdkit::files::descriptors::dup(std::os::fd::AsFd::as_fd(&std::io::stdin()))?;
/// fdkit::files::descriptors::close(copy)?;
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn close(fd: OwnedFd) -> Result<()> {
    // SAFETY: it was owned, and nobody has it any more.
    let result = unsafe { libc::close(fd.into_raw_fd()) };
    let error = Error::last("close");
    // Linux has closed it even if a signal interrupted the call.
    if result == 0 || error.is(libc::EINTR) { Ok(()) } else { Err(error) }
}

/// Returns whether a child process inherits the descriptor across `execve(2)`.
///
/// # Errors
/// `EBADF`: `fd` is not open.
pub fn get_inheritable(fd: BorrowedFd<'_>) -> Result<bool> {
    let flags = retry("fcntl", || fcntl(fd, FcntlArg::F_GETFD))?;
    Ok(flags & libc::FD_CLOEXEC == 0)
}

/// Sets whether a child process inherits the descriptor across `execve(2)`.
///
/// # Errors
/// `EBADF`: `fd` is not open.
///
/// ```
/// use std::os::fd::AsFd;
/// let copy = fdkit::files::descriptors::dup(std::io::stdin().as_fd())?;
/// fdkit::files::descriptors::set_inheritable(copy.as_fd(), true)?;
/// assert!(fdkit::files::descriptors::get_inheritable(copy.as_fd())?);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn set_inheritable(fd: BorrowedFd<'_>, inheritable: bool) -> Result<()> {
    let before = retry("fcntl", || fcntl(fd, FcntlArg::F_GETFD))?;
    let mut flags = FdFlag::from_bits_retain(before);
    flags.set(FdFlag::FD_CLOEXEC, !inheritable);
    if flags.bits() != before {
        retry("fcntl", || fcntl(fd, FcntlArg::F_SETFD(flags)))?;
    }
    Ok(())
}

/// Returns how many descriptors the process may have open: `getrlimit(RLIMIT_NOFILE)`.
///
/// ```
/// assert!(fdkit::files::descriptors::limit() > 2);
/// ```
#[must_use]
#[allow(clippy::useless_conversion, reason = "rlim_t is signed on FreeBSD")]
pub fn limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: there is room for the answer. The call only fails for unknown resources.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    u64::try_from(limit.rlim_cur).unwrap_or(u64::MAX)
}

/// The identity of a directory: device and inode. No other directory has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity(libc::dev_t, libc::ino_t);

impl Identity {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Self> {
        Ok(Self::from(&retry("fstat", || nix::sys::stat::fstat(fd))?))
    }

    pub(crate) fn device(&self) -> libc::dev_t {
        self.0
    }
}

impl From<&libc::stat> for Identity {
    fn from(stat: &libc::stat) -> Self {
        Self(stat.st_dev, stat.st_ino)
    }
}

/// A mounted file system: its number since Linux 5.8, and otherwise its device, which bind mounts of
/// the same device share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount(u64);

impl Mount {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Self> {
        match sys::mount_number(fd) {
            Some(number) => Ok(Self(number)),
            #[allow(clippy::unnecessary_cast, reason = "32 bits wide on some platforms")]
            None => Ok(Self(Identity::of(fd)?.0 as u64)),
        }
    }
}

/// Returns the number of an open descriptor, for error messages and maps.
#[must_use]
pub fn number(fd: BorrowedFd<'_>) -> i32 {
    fd.as_raw_fd()
}

#[cfg(target_os = "linux")]
mod sys {
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, BorrowedFd};
    use std::os::unix::ffi::OsStringExt;

    const STATX_MNT_ID: u32 = 0x1000;

    pub(super) fn mount_number(fd: BorrowedFd<'_>) -> Option<u64> {
        let mut buffer = MaybeUninit::<libc::statx>::zeroed();
        // SAFETY: the path ends in NUL, and the kernel fills a struct of its own layout.
        let done = unsafe {
            libc::syscall(
                libc::SYS_statx,
                fd.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_EMPTY_PATH,
                STATX_MNT_ID,
                buffer.as_mut_ptr(),
            )
        };
        // SAFETY: it is a struct of integers, which was zeroed.
        let found = unsafe { buffer.assume_init() };
        (done == 0 && found.stx_mask & STATX_MNT_ID != 0).then_some(found.stx_mnt_id)
    }

    pub(super) fn path(fd: BorrowedFd<'_>) -> Option<Vec<u8>> {
        let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
        std::fs::read_link(link).ok().map(|path| path.into_os_string().into_vec())
    }
}

#[cfg(target_os = "macos")]
mod sys {
    use super::{FcntlArg, fcntl};
    use std::os::fd::BorrowedFd;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    pub(super) fn mount_number(_fd: BorrowedFd<'_>) -> Option<u64> {
        None
    }

    pub(super) fn path(fd: BorrowedFd<'_>) -> Option<Vec<u8>> {
        let mut path = PathBuf::new();
        fcntl(fd, FcntlArg::F_GETPATH(&mut path)).ok()?;
        Some(path.into_os_string().into_vec())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod sys {
    use std::os::fd::BorrowedFd;

    pub(super) fn path(_fd: BorrowedFd<'_>) -> Option<Vec<u8>> {
        None
    }

    pub(super) fn mount_number(_fd: BorrowedFd<'_>) -> Option<u64> {
        None
    }
}
