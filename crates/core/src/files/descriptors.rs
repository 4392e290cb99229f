//! Descriptors: from a number to a borrowed descriptor, copies, and what a child inherits.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use nix::fcntl::{AT_FDCWD, FcntlArg, FdFlag, fcntl};

use crate::error::{Error, Result, retry, retry_libc};

/// The directory that a relative path starts from: the one given, else the working directory.
pub(crate) fn directory(dir_fd: Option<BorrowedFd<'_>>) -> BorrowedFd<'_> {
    dir_fd.unwrap_or(AT_FDCWD)
}

/// Takes a number from outside Rust for a descriptor that stays open during the next call.
///
/// # Errors
/// `EBADF` for a negative number, under the name of the system call it was meant for. A number
/// that is not open is the kernel's to refuse, with the same error.
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
    // SAFETY: it is not -1. Whoever handed the number over owns the descriptor; should it be
    // closed, the system call says EBADF, and nothing here closes or keeps a borrowed one.
    Ok(unsafe { BorrowedFd::borrow_raw(number) })
}

/// `dup(fd)` with close-on-exec, as Python's `os.dup`: the copy is not inherited by children.
///
/// It shares offset and status flags with the original (dup(2)).
///
/// # Errors
/// `EBADF`: not open; `EMFILE`: no number is free.
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

/// Returns the path of an open file, if the system knows it: what `/proc/self/fd` shows on Linux,
/// `F_GETPATH` on macOS. For messages only, since the file may have been moved by the next
/// moment. Linux appends ` (deleted)` to the path of a file that has been removed.
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

/// `dup3(fd, number)`: closes what is open as `number`, and puts the open file of `fd` there, in one
/// step. Children inherit `number` if they inherit `fd`.
///
/// # Errors
/// `EBADF`: not open; `EINVAL`: `fd` and `number` are the same. What is open as `number` then stays.
///
/// ```
/// use fdkit::files::descriptors::{get_inheritable, replace};
/// use std::{fs::File, os::fd::AsFd};
///
/// let (from, to) = (File::open("/").unwrap(), File::open("/dev/null").unwrap());
/// replace(from.as_fd(), to.as_fd())?;
/// assert!(to.metadata().unwrap().is_dir());
/// assert!(!get_inheritable(to.as_fd())?);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn replace(fd: BorrowedFd<'_>, number: BorrowedFd<'_>) -> Result<()> {
    sys_replace(fd.as_raw_fd(), number.as_raw_fd(), get_inheritable(fd)?)
}

#[cfg(target_os = "linux")]
fn sys_replace(fd: i32, number: i32, inheritable: bool) -> Result<()> {
    let flags = if inheritable { 0 } else { libc::O_CLOEXEC };
    // SAFETY: both are open, and the caller has lent them for this.
    retry_libc("dup3", || libc::c_long::from(unsafe { libc::dup3(fd, number, flags) }))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn sys_replace(fd: i32, number: i32, inheritable: bool) -> Result<()> {
    if fd == number {
        return Err(Error::new(libc::EINVAL, "dup2"));
    }
    // SAFETY: both are open, and the caller has lent them for this.
    retry_libc("dup2", || libc::c_long::from(unsafe { libc::dup2(fd, number) }))?;
    set_inheritable(borrow(number, "fcntl")?, inheritable)
}

/// `close(fd)`, where dropping it would keep quiet about an error.
///
/// # Errors
/// `EBADF`: somebody else has closed it; `EIO`, `ENOSPC`, `EDQUOT`: something written before is
/// lost. It is closed in any case.
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
    // Linux has closed it even if a signal came.
    if result == 0 || error.errno() == libc::EINTR { Ok(()) } else { Err(error) }
}

/// Whether a child process gets the descriptor across `execve(2)`.
///
/// # Errors
/// `EBADF`: not open.
pub fn get_inheritable(fd: BorrowedFd<'_>) -> Result<bool> {
    let flags = retry("fcntl", || fcntl(fd, FcntlArg::F_GETFD))?;
    Ok(flags & libc::FD_CLOEXEC == 0)
}

/// Sets whether a child process gets the descriptor across `execve(2)`.
///
/// # Errors
/// `EBADF`: not open.
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

/// `getrlimit(RLIMIT_NOFILE)`: how many descriptors the process may have open at a time.
///
/// ```
/// assert!(fdkit::files::descriptors::limit() > 2);
/// ```
#[must_use]
pub fn limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: there is room for the answer. It fails for no resource that there is.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur
}

/// What tells one directory from every other: device and inode.
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

/// The number of an open descriptor, for error messages and maps.
#[must_use]
pub fn number(fd: BorrowedFd<'_>) -> i32 {
    fd.as_raw_fd()
}

#[cfg(target_os = "linux")]
mod sys {
    use std::os::fd::{AsRawFd, BorrowedFd};
    use std::os::unix::ffi::OsStringExt;

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
}
