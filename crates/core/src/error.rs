//! The error type of this crate: a system call that failed, its error number, and the reason if it
//! is known.

use std::{fmt, io};

use nix::errno::Errno;

/// A failed system call.
///
/// It keeps the raw number, since `nix::Errno` turns numbers that it does not know into 0.
///
/// ```
/// let error = fdkit::files::names::openat(None, c"no/such/file", 0, 0).unwrap_err();
/// assert_eq!(error.syscall(), "openat");
/// assert_eq!(error.to_string(), "openat: No such file or directory (os error 2)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    errno: i32,
    syscall: &'static str,
    reason: Option<Reason>,
}

/// Why a system call failed, if more is known than its error number says.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::Reason;
/// use fdkit::memory::mapping::{MapOptions, Mapping};
/// use fdkit::memory::memfd::{Memfd, MemfdOptions};
/// use std::os::fd::AsFd;
///
/// let memfd = Memfd::create(c"empty", &MemfdOptions::default())?;
/// let error = Mapping::mmap(memfd.as_fd(), &MapOptions::default()).unwrap_err();
/// assert!(error.is(libc::EINVAL));
/// assert_eq!(error.reason(), Some(Reason::Empty));
/// assert_eq!(error.to_string(), "mmap: Invalid argument (os error 22): the file is empty");
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `ENODEV`: the machine has no huge pages of this size in bytes.
    NoHugePages(u64),
    /// `ENOSPC` and `ENOMEM`: the machine has huge pages of the size, but too few are free.
    TooFewHugePages,
    /// `EINVAL`: the descriptor is not of a memory file, or of another file that has seals.
    NotMemoryFile,
    /// `EBUSY`: a writable shared mapping of the file exists, in this or another process.
    WritableMapping,
    /// `EINVAL`, `EPERM` and `ENOSYS`: the file can shrink, and `F_SEAL_SHRINK` cannot be added.
    MayShrink,
    /// `EACCES`: the descriptor is not open for reading, or not for writing.
    AccessMode,
    /// `ENODEV`: a file of this type cannot be mapped.
    NotMappable,
    /// `EPERM`: the file is sealed against writing.
    WriteSealed,
    /// `EINVAL`: the file is empty, so there is nothing to map.
    Empty,
    /// `EINVAL` and `EFBIG`: the range ends beyond the end of a file of this size in bytes.
    BeyondEnd(u64),
    /// `EINVAL`: the file is in huge pages, and the offset is not a multiple of their size.
    HugePageOffset,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHugePages(size) => write!(f, "the machine has no huge pages of {size} bytes"),
            Self::TooFewHugePages => f.write_str("too few huge pages of this size are free"),
            Self::NotMemoryFile => f.write_str("this is not a memory file"),
            Self::WritableMapping => f.write_str("a writable mapping exists"),
            Self::MayShrink => {
                f.write_str("the file can shrink, and F_SEAL_SHRINK cannot be added")
            }
            Self::AccessMode => f.write_str("the descriptor is not open for reading, or writing"),
            Self::NotMappable => f.write_str("this file cannot be mapped"),
            Self::WriteSealed => f.write_str("the file is sealed against writing"),
            Self::Empty => f.write_str("the file is empty"),
            Self::BeyondEnd(size) => {
                write!(f, "the range ends beyond the {size} bytes of the file")
            }
            Self::HugePageOffset => f.write_str("the offset is not a multiple of the huge pages"),
        }
    }
}

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error for a failure that did not come from the operating system.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(fdkit::Error::new(2, "openat").to_string(), "openat: No such file or directory (os error 2)");
    /// ```
    #[must_use]
    pub const fn new(errno: i32, syscall: &'static str) -> Self {
        Self { errno, syscall, reason: None }
    }

    /// Returns the current value of `errno` as a failure of `syscall`.
    pub(crate) fn last(syscall: &'static str) -> Self {
        Self::new(io::Error::last_os_error().raw_os_error().unwrap_or(0), syscall)
    }

    /// Adds the reason.
    pub(crate) const fn because(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Returns the error number: positive, as the operating system returned it (`errno(3)`).
    #[must_use]
    pub const fn errno(&self) -> i32 {
        self.errno
    }

    /// Returns whether the error number is this one.
    ///
    /// ```
    /// let error = fdkit::files::names::openat(None, c"no/such/file", 0, 0).unwrap_err();
    /// assert!(error.is(libc::ENOENT));
    /// ```
    #[must_use]
    pub const fn is(&self, errno: i32) -> bool {
        self.errno == errno
    }

    /// Returns the name of the system call that failed, as its manual page spells it.
    #[must_use]
    pub const fn syscall(&self) -> &'static str {
        self.syscall
    }

    /// Returns why the system call failed, if more is known than the error number says.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = io::Error::from_raw_os_error(self.errno);
        write!(f, "{}: {text}", self.syscall)?;
        self.reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::from_raw_os_error(error.errno)
    }
}

/// Makes a system call through nix, and repeats it if a signal interrupts it (PEP 475).
pub(crate) fn retry<T>(
    syscall: &'static str,
    mut call: impl FnMut() -> nix::Result<T>,
) -> Result<T> {
    loop {
        match call() {
            Ok(value) => return Ok(value),
            Err(Errno::EINTR) => {}
            Err(Errno::UnknownErrno) => return Err(Error::last(syscall)),
            Err(errno) => return Err(Error::new(errno as i32, syscall)),
        }
    }
}

/// Returns whether a system call failed because it is not available: the kernel does not have it
/// (`ENOSYS`), or a seccomp filter answers in its place. Filters of old container runtimes answer
/// `EPERM`, and some network file systems `EOPNOTSUPP`. A kernel that has the call can also return
/// the last two as its real answer; the caller then gets the same answer from the older call.
#[cfg(target_os = "linux")]
pub(crate) fn may_be_missing(error: Error) -> bool {
    matches!(error.errno, libc::ENOSYS | libc::EPERM | libc::EOPNOTSUPP)
}

/// Makes a system call through libc, where -1 means failure. Otherwise, it does the same as
/// [`retry`].
pub(crate) fn retry_libc(
    syscall: &'static str,
    mut call: impl FnMut() -> libc::c_long,
) -> Result<libc::c_long> {
    loop {
        let value = call();
        if value != -1 {
            return Ok(value);
        }
        let error = Error::last(syscall);
        if error.errno != libc::EINTR {
            return Err(error);
        }
    }
}
