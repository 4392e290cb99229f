//! Files that live in memory and have no name in any directory, and the seals on them.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use crate::error::Result;

/// `memfd_create(name, flags)`: an empty file in memory.
///
/// `name` is only for people: it stands as `/memfd:NAME (deleted)` in `/proc/self/fd`. `flags`
/// are the `MFD_*` numbers of [`constants`](crate::constants), all 32 bits of them; without
/// `MFD_CLOEXEC` children inherit the descriptor.
///
/// # Errors
/// `EINVAL`: a name of more than 249 bytes, or flags that this kernel does not know; `ENODEV`:
/// huge pages of a size that the machine lacks; `EMFILE`, `ENOMEM`; `ENOSYS` where the operating
/// system has no memory files.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::constants::{F_SEAL_WRITE, MFD_ALLOW_SEALING, MFD_CLOEXEC};
/// use fdkit::memory::memfd::{add_seals, get_seals, memfd_create};
/// use std::{fs::File, io::Write, os::fd::AsFd};
///
/// let mut file = File::from(memfd_create(c"report", MFD_CLOEXEC | MFD_ALLOW_SEALING)?);
/// file.write_all(b"final").unwrap();
/// add_seals(file.as_fd(), F_SEAL_WRITE)?;
/// assert_eq!(get_seals(file.as_fd())?, F_SEAL_WRITE);
/// assert!(file.write_all(b"!").is_err());
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn memfd_create(name: &CStr, flags: u32) -> Result<OwnedFd> {
    sys::memfd_create(name, flags)
}

/// `fcntl(fd, F_ADD_SEALS, seals)`: forbids, for good, what the `F_SEAL_*` numbers name.
///
/// # Errors
/// `EPERM`: the file takes no (more) seals, or the descriptor is read-only; `EBUSY`:
/// `F_SEAL_WRITE` while a writable shared mapping lives; `EINVAL`: not a file that can be
/// sealed, or a seal that this kernel does not know; `EBADF`; `ENOSYS` where the operating
/// system has no seals.
pub fn add_seals(fd: BorrowedFd<'_>, seals: u32) -> Result<()> {
    sys::add_seals(fd, seals)
}

/// `fcntl(fd, F_GET_SEALS)`: the seals on the file, those too that this crate has no name for.
///
/// # Errors
/// `EINVAL`: not a file that can be sealed; `EBADF`; `ENOSYS` where the operating system has no
/// seals.
pub fn get_seals(fd: BorrowedFd<'_>) -> Result<u32> {
    sys::get_seals(fd)
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{BorrowedFd, CStr, OwnedFd, Result};
    use crate::error::{retry, retry_libc};
    use nix::fcntl::{FcntlArg, SealFlag, fcntl};
    use std::os::fd::FromRawFd;

    pub(super) fn memfd_create(name: &CStr, flags: u32) -> Result<OwnedFd> {
        let number = retry_libc("memfd_create", || {
            // SAFETY: the name ends in NUL and outlives the call.
            unsafe { libc::syscall(libc::SYS_memfd_create, name.as_ptr(), flags) }
        })?;
        let number = number as i32;
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }

    pub(super) fn add_seals(fd: BorrowedFd<'_>, seals: u32) -> Result<()> {
        let seals = SealFlag::from_bits_retain(seals.cast_signed());
        retry("fcntl", || fcntl(fd, FcntlArg::F_ADD_SEALS(seals))).map(|_| ())
    }

    pub(super) fn get_seals(fd: BorrowedFd<'_>) -> Result<u32> {
        retry("fcntl", || fcntl(fd, FcntlArg::F_GET_SEALS)).map(i32::cast_unsigned)
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{BorrowedFd, CStr, OwnedFd, Result};
    use crate::error::Error;

    pub(super) fn memfd_create(_name: &CStr, _flags: u32) -> Result<OwnedFd> {
        Err(Error::new(libc::ENOSYS, "memfd_create"))
    }

    pub(super) fn add_seals(_fd: BorrowedFd<'_>, _seals: u32) -> Result<()> {
        Err(Error::new(libc::ENOSYS, "fcntl"))
    }

    pub(super) fn get_seals(_fd: BorrowedFd<'_>) -> Result<u32> {
        Err(Error::new(libc::ENOSYS, "fcntl"))
    }
}
