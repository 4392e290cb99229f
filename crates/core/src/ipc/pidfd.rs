//! Other processes by descriptor, and their descriptors (Linux 5.3 and 5.6).

use std::os::fd::{BorrowedFd, OwnedFd};

use crate::error::Result;

/// Opens a process. The descriptor is not inherited by child processes and stays that process's,
/// whatever becomes of its number.
///
/// # Errors
/// `ESRCH`: no such process; `EINVAL`: not a process but a thread; `ENOSYS`: before Linux 5.3, or
/// not Linux.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// let own = fdkit::ipc::pidfd_open(std::process::id())?;
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn pidfd_open(pid: u32) -> Result<OwnedFd> {
    sys::pidfd_open(pid)
}

/// Copies a descriptor of another process into this one. The copy is not inherited by child
/// processes.
///
/// # Errors
/// `EPERM`: the right to trace that process is missing (ptrace(2), `PTRACE_MODE_ATTACH_REALCREDS`);
/// `EBADF`: it has no such descriptor; `ESRCH`: it is over; `ENOSYS`: before Linux 5.6, or not Linux.
pub fn pidfd_getfd(pidfd: BorrowedFd<'_>, fd: u32) -> Result<OwnedFd> {
    sys::pidfd_getfd(pidfd, fd)
}

#[cfg(target_os = "linux")]
mod sys {
    use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

    use crate::error::{Result, retry_libc};

    pub(super) fn pidfd_open(pid: u32) -> Result<OwnedFd> {
        // SAFETY: it takes numbers.
        let opened =
            retry_libc("pidfd_open", || unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) });
        opened.map(own)
    }

    pub(super) fn pidfd_getfd(pidfd: BorrowedFd<'_>, fd: u32) -> Result<OwnedFd> {
        let number = pidfd.as_raw_fd();
        let copied = retry_libc("pidfd_getfd", || {
            // SAFETY: it takes numbers.
            unsafe { libc::syscall(libc::SYS_pidfd_getfd, number, fd, 0) }
        });
        copied.map(own)
    }

    fn own(number: libc::c_long) -> OwnedFd {
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        unsafe { OwnedFd::from_raw_fd(number as i32) }
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use std::os::fd::{BorrowedFd, OwnedFd};

    use crate::error::{Error, Result};

    pub(super) fn pidfd_open(_pid: u32) -> Result<OwnedFd> {
        Err(Error::new(libc::ENOSYS, "pidfd_open"))
    }

    pub(super) fn pidfd_getfd(_pidfd: BorrowedFd<'_>, _fd: u32) -> Result<OwnedFd> {
        Err(Error::new(libc::ENOSYS, "pidfd_getfd"))
    }
}
