//! Files that live in memory and have no name in any directory, and the seals on them.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;

use crate::constants::{
    F_SEAL_SEAL, MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC, MFD_HUGE_SHIFT, MFD_HUGETLB,
    MFD_NOEXEC_SEAL,
};
use crate::error::{Error, Reason, Result};
use crate::files::descriptors;
use crate::memory::available::{available_memory, is_in_huge_pages};
use crate::memory::io::{fallocate, pwrite};
use crate::memory::mapping::{MapOptions, Mapping, size_and_page};

/// Options of [`Memfd::create`].
#[derive(Clone, Copy, Debug)]
pub struct MemfdOptions {
    /// The size in bytes; 0 by default. All of it is reserved.
    pub size: u64,
    /// Whether seals may be added; `true` by default.
    pub sealing: bool,
    /// Whether the file may be executed. By default it may not, and it can never become executable
    /// (from Linux 6.3).
    pub exec: bool,
    /// Whether child processes inherit the descriptor; `false` by default.
    pub inheritable: bool,
    /// The size in bytes of the huge pages for the file, a power of 2. By default, the file is not
    /// in huge pages.
    pub huge_page_size: Option<u64>,
}

impl Default for MemfdOptions {
    fn default() -> Self {
        Self { size: 0, sealing: true, exec: false, inheritable: false, huge_page_size: None }
    }
}

/// A memory file, whose descriptor is closed when it is dropped.
///
/// Nothing else may have the file while it is filled: [`Memfd::append`] and [`Memfd::reserve`] rely
/// on its size.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::constants::{F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE};
/// use fdkit::memory::memfd::{Memfd, MemfdOptions, add_seals};
/// use std::os::fd::AsFd;
///
/// let mut memfd = Memfd::create(c"report", &MemfdOptions::default())?;
/// for part in ["final ", "numbers"] {
///     // SAFETY: the string is as long as its length says.
///     unsafe { memfd.append(part.as_ptr(), part.len())? };
/// }
/// add_seals(memfd.as_fd(), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)?;
/// # use std::os::fd::AsRawFd;
/// # let path = format!("/proc/self/fd/{}", memfd.as_fd().as_raw_fd());
/// # assert_eq!(std::fs::read_to_string(path).unwrap(), "final numbers");
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
#[derive(Debug)]
pub struct Memfd {
    fd: OwnedFd,
    /// The size of its huge pages, or 1 byte if it is not in huge pages.
    unit: u64,
    reserved: u64,
    /// The number of bytes that were reserved since the available memory was last looked up.
    unchecked: u64,
    appended: u64,
}

// For fewer bytes, looking up the available memory takes longer than reserving them.
const MUCH: u64 = 1 << 24;

impl Memfd {
    /// Creates a memory file, and reserves its size.
    ///
    /// Before Linux 6.3, the kernel does not know `MFD_NOEXEC_SEAL`. The file is then created
    /// without it, and can be made executable.
    ///
    /// # Errors
    /// `ENOSPC`: there is no memory for the size, or too few huge pages
    /// ([`Reason::TooFewHugePages`]); `ENODEV` with [`Reason::NoHugePages`]: the machine has no huge
    /// pages of this size; `EINVAL`: the name has more than 249 bytes; `EACCES`: `exec` is set, and
    /// `vm.memfd_noexec` is 2; `EMFILE`, `ENOMEM`; `ENOSYS` if the operating system has no memory
    /// files.
    pub fn create(name: &CStr, options: &MemfdOptions) -> Result<Self> {
        let fd = create(name, options)?;
        let unit = options.huge_page_size.unwrap_or(1).max(1);
        let mut memfd = Self { fd, unit, reserved: 0, unchecked: 0, appended: 0 };
        memfd.reserve(options.size)?;
        // MFD_NOEXEC_SEAL implies that seals may be added.
        if !options.sealing && get_seals(memfd.as_fd())? & F_SEAL_SEAL == 0 {
            add_seals(memfd.as_fd(), F_SEAL_SEAL)?;
        }
        Ok(memfd)
    }

    /// Returns a Memfd for the file of a descriptor, which it duplicates.
    ///
    /// # Errors
    /// `EINVAL` with [`Reason::NotMemoryFile`]: the file has no seals; `EBADF`: the descriptor is not
    /// open; `EMFILE`.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use fdkit::memory::memfd::{Memfd, memfd_create};
    /// use std::os::fd::AsFd;
    ///
    /// let fd = memfd_create(c"mine", 0)?;
    /// Memfd::duplicate(fd.as_fd())?;
    /// assert!(Memfd::duplicate(std::fs::File::open("src").unwrap().as_fd()).is_err());
    /// # }
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    pub fn duplicate(fd: BorrowedFd<'_>) -> Result<Self> {
        get_seals(fd).map_err(|error| match error.is(libc::EINVAL) {
            true => error.because(Reason::NotMemoryFile),
            false => error,
        })?;
        let fd = descriptors::dup(fd)?;
        Ok(Self { fd, unit: 1, reserved: 0, unchecked: 0, appended: 0 })
    }

    /// Reserves memory for the first `size` bytes of the file, which grows if it has fewer. A size in
    /// huge pages is rounded up to whole ones.
    ///
    /// The kernel would not refuse more memory than there is: it would kill processes, possibly
    /// this one. So the available memory is looked up before each 16 MiB.
    ///
    /// # Errors
    /// `ENOSPC`: there is not enough memory, or too few huge pages ([`Reason::TooFewHugePages`]);
    /// `EFBIG`: the size is too large.
    pub fn reserve(&mut self, size: u64) -> Result<()> {
        let too_large = Error::new(libc::EFBIG, "fallocate");
        let needed = size.checked_next_multiple_of(self.unit).ok_or(too_large)?;
        let length = needed.saturating_sub(self.reserved);
        if length == 0 {
            return Ok(());
        }
        let is_huge = self.unit > 1;
        self.unchecked = self.unchecked.saturating_add(length);
        if !is_huge && self.unchecked >= MUCH {
            if length > available_memory() {
                return Err(Error::new(libc::ENOSPC, "fallocate"));
            }
            self.unchecked = 0;
        }
        fallocate(self.as_fd(), self.reserved, length).map_err(|error| {
            if is_huge && error.is(libc::ENOSPC) {
                error.because(Reason::TooFewHugePages)
            } else {
                error
            }
        })?;
        self.reserved = needed;
        Ok(())
    }

    /// Writes bytes after those that were appended before, and reserves memory for them first.
    ///
    /// # Safety
    /// The bytes are `length` of them, and may be read. Others may write there at the same time.
    ///
    /// # Errors
    /// Those of [`Memfd::reserve`] and [`write`](fn@write).
    pub unsafe fn append(&mut self, bytes: *const u8, length: usize) -> Result<()> {
        let end = self.appended.saturating_add(length as u64);
        self.reserve(end)?;
        // Nobody else has the file, so nobody can shrink it.
        // SAFETY: the caller's promise.
        unsafe { write_anyhow(self.as_fd(), bytes, length, self.appended, true)? };
        self.appended = end;
        Ok(())
    }

    /// Closes the descriptor.
    ///
    /// # Errors
    /// `EBADF`: somebody else has closed it.
    pub fn close(self) -> Result<()> {
        descriptors::close(self.fd)
    }
}

impl AsFd for Memfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn create(name: &CStr, options: &MemfdOptions) -> Result<OwnedFd> {
    let mut flags = if options.inheritable { 0 } else { MFD_CLOEXEC };
    if options.sealing {
        flags |= MFD_ALLOW_SEALING;
    }
    if let Some(size) = options.huge_page_size {
        flags |= MFD_HUGETLB | size.trailing_zeros() << MFD_HUGE_SHIFT;
    }
    let exec = if options.exec { MFD_EXEC } else { MFD_NOEXEC_SEAL };
    let created = memfd_create(name, flags | exec).or_else(|error| match error.is(libc::EINVAL) {
        // Before Linux 6.3, the kernel knows neither flag, and every memory file may be executed.
        true => memfd_create(name, flags),
        false => Err(error),
    });
    created.map_err(|error| match options.huge_page_size {
        Some(size) if error.is(libc::ENODEV) => error.because(Reason::NoHugePages(size)),
        _ => error,
    })
}

/// Writes all bytes at a position, like [`pwrite`]. It also works for files in huge pages, which do
/// not support pwrite(2) and do not grow: such a file is mapped for the write, and gets
/// `F_SEAL_SHRINK` first.
///
/// # Safety
/// The bytes are `length` of them, and may be read. Others may write there at the same time.
///
/// # Errors
/// Those of [`pwrite`]; for a file in huge pages, those of [`Mapping::mmap`], and `EFBIG` with
/// [`Reason::BeyondEnd`].
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::memory::memfd::{memfd_create, write};
/// use std::{fs::File, os::fd::AsFd};
///
/// let file = File::from(memfd_create(c"notes", 0)?);
/// let text = "some text";
/// // SAFETY: the string is as long as its length says.
/// unsafe { write(file.as_fd(), text.as_ptr(), text.len(), 5)? };
/// assert_eq!(file.metadata().unwrap().len(), 14);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub unsafe fn write(
    fd: BorrowedFd<'_>,
    bytes: *const u8,
    length: usize,
    position: u64,
) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { write_anyhow(fd, bytes, length, position, false) }
}

/// # Safety
/// As for [`write`].
unsafe fn write_anyhow(
    fd: BorrowedFd<'_>,
    bytes: *const u8,
    length: usize,
    position: u64,
    may_shrink: bool,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let written = unsafe { pwrite(fd, bytes, length, position) };
    let is_refused = written.is_err_and(|error| error.is(libc::EINVAL));
    if !is_refused || !is_in_huge_pages(fd).unwrap_or(false) {
        return written;
    }
    let (size, page) = size_and_page(fd)?;
    if position.checked_add(length as u64).is_none_or(|end| end > size) {
        return Err(Error::new(libc::EFBIG, "pwrite").because(Reason::BeyondEnd(size)));
    }
    let start = position % page as u64;
    let options = MapOptions {
        offset: position - start,
        length: Some(start + length as u64),
        writable: Some(true),
        may_shrink,
        ..MapOptions::default()
    };
    let mapping = Mapping::mmap(fd, &options)?;
    let target = mapping.as_ptr().wrapping_add(start as usize);
    // SAFETY: the caller's promise, and the mapping has `length` bytes from there on. Both may
    // overlap, and others may write to either at the same time, so no reference is made.
    unsafe { ptr::copy(bytes, target, length) };
    mapping.munmap()
}

/// Calls `memfd_create(name, flags)`, which creates an empty memory file.
///
/// `name` is a label, shown as `/memfd:NAME (deleted)` in `/proc/self/fd`. `flags` are the `MFD_*`
/// numbers of [`constants`](crate::constants), with all 32 bits. Without `MFD_CLOEXEC`, child
/// processes inherit the descriptor.
///
/// # Errors
/// `EINVAL`: the name has more than 249 bytes, or this kernel does not know the flags; `ENODEV`: the
/// machine has no huge pages of this size; `EMFILE`, `ENOMEM`; `ENOSYS` if the operating system has
/// no memory files.
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

/// Calls `fcntl(fd, F_ADD_SEALS, seals)`, which forbids operations on the file for good. `seals` are
/// the `F_SEAL_*` numbers of [`constants`](crate::constants).
///
/// # Errors
/// `EPERM`: the file takes no more seals, or the descriptor is not open for writing; `EBUSY` with
/// [`Reason::WritableMapping`]: `F_SEAL_WRITE`, while a writable shared mapping exists; `EINVAL`: the
/// file does not support seals, or this kernel does not know the seal; `EBADF`: the descriptor is
/// not open; `ENOSYS` if the operating system has no seals.
pub fn add_seals(fd: BorrowedFd<'_>, seals: u32) -> Result<()> {
    sys::add_seals(fd, seals).map_err(|error| match error.is(libc::EBUSY) {
        true => error.because(Reason::WritableMapping),
        false => error,
    })
}

/// Calls `fcntl(fd, F_GET_SEALS)`, which returns the seals of the file, including those that this
/// crate has no name for.
///
/// # Errors
/// `EINVAL`: the file does not support seals; `EBADF`: the descriptor is not open; `ENOSYS` if the
/// operating system has no seals.
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
