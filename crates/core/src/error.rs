//! The one error of this crate: which system call failed, and with what number.

use std::{fmt, io};

use nix::errno::Errno;

/// A failed system call.
///
/// The raw number is kept: `nix::Errno` turns numbers it does not know into 0.
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
}

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure that did not come from the operating system.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(fdkit::Error::new(2, "openat").to_string(), "openat: No such file or directory (os error 2)");
    /// ```
    #[must_use]
    pub const fn new(errno: i32, syscall: &'static str) -> Self {
        Self { errno, syscall }
    }

    /// What `errno` says now, as the failure of `syscall`.
    pub(crate) fn last(syscall: &'static str) -> Self {
        let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
        Self { errno, syscall }
    }

    /// The error number, positive, as the operating system gave it (`errno(3)`).
    #[must_use]
    pub const fn errno(&self) -> i32 {
        self.errno
    }

    /// Whether the error number is this one.
    ///
    /// ```
    /// let error = fdkit::files::names::openat(None, c"no/such/file", 0, 0).unwrap_err();
    /// assert!(error.is(libc::ENOENT));
    /// ```
    #[must_use]
    pub const fn is(&self, errno: i32) -> bool {
        self.errno == errno
    }

    /// The name of the system call that failed, as its manual page spells it.
    #[must_use]
    pub const fn syscall(&self) -> &'static str {
        self.syscall
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = io::Error::from_raw_os_error(self.errno);
        write!(f, "{}: {text}", self.syscall)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::from_raw_os_error(error.errno)
    }
}

/// Makes a system call through nix, again for as long as a signal interrupts it (PEP 475).
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

/// Makes a system call through libc, where -1 means failure; otherwise as [`retry`].
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
