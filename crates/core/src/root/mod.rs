//! A directory that nothing leads out of.
//!
//! Every path is resolved beneath one directory, by the kernel ([`openat2(2)`]) or, where that
//! system call is missing, component by component. Symbolic links are followed as long as they
//! stay beneath, or refused altogether.
//!
//! [`openat2(2)`]: https://man7.org/linux/man-pages/man2/openat2.2.html

mod contents;
mod fd;
mod kernel;
mod operations;
mod stepwise;

pub use contents::WriteOptions;

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use self::fd::Located;
use crate::error::{Error, Result};
use crate::files::names::openat;

/// How symbolic links in a path are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// They are followed as long as they stay beneath the directory.
    #[default]
    Beneath,
    /// Any link on the way fails.
    Refuse,
}

/// Which code resolves paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// `openat2` if the kernel has it and no filter hides it, else [`Stepwise`](Self::Stepwise).
    #[default]
    Automatic,
    /// Component by component, on every system.
    Stepwise,
}

/// How a [`Root`] resolves paths.
#[derive(Clone, Copy, Debug)]
pub struct RootOptions {
    /// How symbolic links are treated. By default, they are followed beneath the root.
    pub symlinks: Symlinks,
    /// Whether paths may cross into another mounted file system; true by default.
    pub cross_device: bool,
    /// Which code resolves paths; automatic by default.
    pub resolver: Resolver,
}

impl Default for RootOptions {
    fn default() -> Self {
        Self { symlinks: Symlinks::Beneath, cross_device: true, resolver: Resolver::Automatic }
    }
}

/// A directory that nothing leads out of, whatever is renamed, linked or swapped while it is used.
///
/// ```
/// use fdkit::root::{Root, RootOptions, is_escape};
///
/// let root = Root::open(c"src", None, RootOptions::default())?;
/// assert!(root.open_file(c"files/../lib.rs", libc::O_RDONLY, 0).is_ok());
/// assert!(is_escape(&root.open_file(c"../Cargo.toml", libc::O_RDONLY, 0).unwrap_err()));
/// # Ok::<(), fdkit::Error>(())
/// ```
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    options: RootOptions,
}

// Names the failure in `Error::syscall`, so that it cannot be taken for the `EXDEV` of a rename.
const RESOLVE: &str = "openat2";

pub(crate) fn escape() -> Error {
    Error::new(libc::EXDEV, RESOLVE)
}

/// Whether an operation of a [`Root`] failed because its path leads out of it, or because of a link
/// that [`Symlinks::Refuse`] forbids.
#[must_use]
pub fn is_escape(error: &Error) -> bool {
    error.errno() == libc::EXDEV && error.syscall() == RESOLVE
}

/// How the last component of a path is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// A symbolic link as the last component is followed.
    Follow,
    /// A symbolic link as the last component is the result, unless a slash follows it.
    NoFollow,
}

/// The directory that holds the last component of a path.
struct Parent {
    fd: OwnedFd,
    /// A single component, or `.` if the path ends in `.` or `..`; with the slash that followed it.
    name: CString,
}

impl Parent {
    fn dir_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }
}

impl Root {
    /// Opens a directory as a root. A link as `path` is followed: the caller chose it.
    ///
    /// # Errors
    /// `ENOTDIR`: not a directory; what open(2) says.
    pub fn open(path: &CStr, dir_fd: Option<BorrowedFd<'_>>, options: RootOptions) -> Result<Self> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        Ok(Self { fd: openat(dir_fd, path, flags, 0)?, options })
    }

    /// Makes a root of an open directory.
    #[must_use]
    pub fn from_fd(fd: OwnedFd, options: RootOptions) -> Self {
        Self { fd, options }
    }

    /// Opens a directory beneath this one as a narrower root with the same options.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file), and `ENOTDIR`.
    pub fn open_root(&self, path: &CStr) -> Result<Self> {
        let fd = self.open_file(path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
        Ok(Self { fd, options: self.options })
    }

    /// Opens a path beneath the root. `flags` are the `O_*` numbers of open(2), `O_CLOEXEC` is added.
    ///
    /// # Errors
    /// The errors of open(2); [`is_escape`]: the path leads out; `EAGAIN`: something on the way
    /// was renamed during each of 128 attempts.
    pub fn open_file(&self, path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
        if self.is_stepwise() {
            return stepwise::open(self, path, flags, mode);
        }
        kernel::open(self, path, flags, mode)
    }

    fn is_stepwise(&self) -> bool {
        self.options.resolver == Resolver::Stepwise || !kernel::is_available()
    }

    /// The file itself, which needs no permission to be read.
    fn locate(&self, path: &CStr, last: Last) -> Result<Located> {
        if self.is_stepwise() {
            return stepwise::locate(self, path, last);
        }
        kernel::locate(self, path, last)
    }

    fn parent(&self, path: &CStr) -> Result<Parent> {
        let (directory, name) = split_last(path.to_bytes());
        if path.is_empty() {
            return Err(Error::new(libc::ENOENT, RESOLVE));
        }
        let fd = self.locate_directory(directory)?;
        Ok(Parent { fd, name: c_string(name)? })
    }

    fn locate_directory(&self, path: &[u8]) -> Result<OwnedFd> {
        let path = if path.is_empty() { c".".to_owned() } else { c_string(path)? };
        if self.is_stepwise() {
            return stepwise::locate_directory(self, &path);
        }
        kernel::locate_directory(self, &path)
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Error::new(libc::EINVAL, RESOLVE))
}

/// Splits a path into the directory, which may be empty, and the last component with the slashes
/// behind it cut to one. A path that ends in `.` or `..` is all directory, and its last component `.`.
fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    let trimmed = path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    let (kept, slashes) = path.split_at(trimmed);
    let start = kept.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (directory, name) = kept.split_at(start);
    if matches!(name, b"" | b"." | b"..") {
        return (path, b".");
    }
    let end = trimmed + usize::from(!slashes.is_empty());
    (directory, path.get(start..end).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::split_last;

    #[test]
    fn a_path_is_split_before_its_last_component() {
        let cases: [(&str, &str, &str); 11] = [
            ("a", "", "a"),
            ("a/b", "a/", "b"),
            ("a/b/", "a/", "b/"),
            ("a//b//", "a//", "b/"),
            ("/a", "/", "a"),
            ("..", "..", "."),
            ("a/..", "a/..", "."),
            ("a/.", "a/.", "."),
            ("a/./", "a/./", "."),
            ("/", "/", "."),
            (".a", "", ".a"),
        ];
        for (path, directory, name) in cases {
            assert_eq!(
                split_last(path.as_bytes()),
                (directory.as_bytes(), name.as_bytes()),
                "{path}"
            );
        }
    }
}
