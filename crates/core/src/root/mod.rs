//! A directory that nothing leads out of.
//!
//! Every path is resolved beneath one directory. The kernel does it with [`openat2(2)`]. If that
//! system call is missing, each component is opened by itself. Symbolic links are followed as long as
//! they stay beneath, or refused altogether.
//!
//! [`openat2(2)`]: https://man7.org/linux/man-pages/man2/openat2.2.html

mod contents;
mod fd;
mod kernel;
mod listing;
mod operations;
mod stepwise;

pub use contents::WriteOptions;

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use self::fd::Located;
use self::stepwise::{Rules, Scope};
use crate::error::{Error, Result};
use crate::files::descriptors::{directory, dup};
use crate::files::names::{openat, openat2};
use crate::files::stat::fstat;

/// The treatment of symbolic links on the way.
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
    /// The treatment of symbolic links; they are followed beneath the root by default.
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

// Elsewhere, a directory is opened to be read.
#[cfg(target_os = "linux")]
const O_PATH: i32 = libc::O_PATH;
#[cfg(not(target_os = "linux"))]
const O_PATH: i32 = 0;

// The longest path, with its NUL.
const PATH_MAX: usize = 4096;

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

/// The meaning of a path's last component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// A symbolic link as the last component is followed.
    Follow,
    /// A symbolic link as the last component is the result, unless a slash follows it.
    NoFollow,
}

/// A directory that a path led to.
enum Directory<'root> {
    /// The root itself, which needs no descriptor of its own.
    Root(BorrowedFd<'root>),
    Other(OwnedFd),
}

impl AsFd for Directory<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(fd) => *fd,
            Self::Other(fd) => fd.as_fd(),
        }
    }
}

/// The directory that holds the last component of a path.
struct Parent<'root, 'path> {
    fd: Directory<'root>,
    /// A single component, or `.` if the path ends in `.` or `..`; with the slash that followed it.
    name: Cow<'path, CStr>,
}

impl Parent<'_, '_> {
    fn dir_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }
}

impl Root {
    /// Opens a directory as a root. A link as `path` is followed: the caller chose it.
    ///
    /// # Errors
    /// `ENOTDIR`: not a directory; the errors of open(2).
    pub fn open(path: &CStr, dir_fd: Option<BorrowedFd<'_>>, options: RootOptions) -> Result<Self> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        Ok(Self { fd: openat(dir_fd, path, flags, 0)?, options })
    }

    /// Makes a root of a duplicate of an open directory.
    ///
    /// # Errors
    /// `ENOTDIR`: not a directory; `EBADF`, `EMFILE`.
    pub fn of_fd(fd: BorrowedFd<'_>, options: RootOptions) -> Result<Self> {
        let kind = fd::Kind::of(fstat(fd)?.mode);
        if kind != fd::Kind::Directory {
            return Err(Error::new(libc::ENOTDIR, "openat"));
        }
        Ok(Self { fd: dup(fd)?, options })
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
    /// The errors of open(2); [`is_escape`]: the path leads out; `EAGAIN`: the file was replaced
    /// during each of 128 attempts, or some directory was renamed and the path may not cross into
    /// another file system.
    pub fn open_file(&self, path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
        self.resolve(
            || kernel::open(self, path, flags, mode),
            || stepwise::open(self, path, flags, mode),
        )
    }

    /// Calls the code that resolves paths. If the kernel has given up because directories were renamed
    /// during each attempt, they are resolved component by component, which no rename disturbs.
    fn resolve<T>(
        &self,
        by_kernel: impl Fn() -> Result<T>,
        stepwise: impl Fn() -> Result<T>,
    ) -> Result<T> {
        if self.options.resolver == Resolver::Stepwise || !kernel::is_available() {
            return stepwise();
        }
        match by_kernel() {
            Err(error) if error.is(libc::EAGAIN) && self.options.cross_device => stepwise(),
            // Only the kernel sees every mount.
            Err(error) if error.is(libc::EAGAIN) => by_kernel(),
            resolved => resolved,
        }
    }

    /// The file itself, which needs no permission to be read.
    fn locate(&self, path: &CStr, last: Last) -> Result<Located> {
        self.resolve(|| kernel::locate(self, path, last), || stepwise::locate(self, path, last))
    }

    fn parent<'path>(&self, path: &'path CStr) -> Result<Parent<'_, 'path>> {
        let (directory, name) = split_last(path.to_bytes());
        if path.is_empty() {
            return Err(Error::new(libc::ENOENT, RESOLVE));
        }
        if path.count_bytes() >= PATH_MAX {
            return Err(Error::new(libc::ENAMETOOLONG, RESOLVE));
        }
        let fd = match directory {
            b"" => Directory::Root(self.fd.as_fd()),
            directory => Directory::Other(self.locate_directory(&c_string(directory)?)?),
        };
        // The name is the end of the path, unless several slashes follow it.
        let tail = path.to_bytes_with_nul().get(directory.len()..).unwrap_or_default();
        let name = match CStr::from_bytes_with_nul(tail) {
            Ok(tail) if tail.to_bytes() == name => Cow::Borrowed(tail),
            _ => Cow::Owned(c_string(name)?),
        };
        Ok(Parent { fd, name })
    }

    /// Returns whether a path is a single name, which can be looked up in the root without leading
    /// anywhere, as long as it is not followed.
    fn is_plain(&self, path: &CStr) -> bool {
        let name = path.to_bytes();
        self.options.cross_device && !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
    }

    fn locate_directory(&self, path: &CStr) -> Result<OwnedFd> {
        self.resolve(
            || kernel::locate_directory(self, path),
            || stepwise::locate_directory(self, path),
        )
    }
}

/// Calls [`openat2`]. If that system call is missing, or if a filter hides it, the path is resolved
/// component by component. This works if `resolve` has `RESOLVE_BENEATH`, `RESOLVE_IN_ROOT` or
/// `RESOLVE_NO_SYMLINKS`, and nothing else except `RESOLVE_NO_MAGICLINKS`.
///
/// # Errors
/// Those of [`openat2`]; `ENOSYS` or `EPERM` only for other numbers of `resolve`.
///
/// ```
/// use std::os::fd::AsFd;
/// use fdkit::constants::RESOLVE_BENEATH;
///
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// let open = |path| fdkit::root::open_restricted(Some(src.as_fd()), path, 0, 0, RESOLVE_BENEATH);
/// assert!(open(c"lib.rs").is_ok());
/// assert_eq!(open(c"../Cargo.toml").unwrap_err().errno(), libc::EXDEV);
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn open_restricted(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    flags: i32,
    mode: u32,
    resolve: u64,
) -> Result<OwnedFd> {
    match openat2(dir_fd, path, flags, mode, resolve) {
        Err(error) if error.is(libc::ENOSYS) || error.is(libc::EPERM) => {
            match rules(resolve).filter(|_| !kernel::is_available()) {
                Some(rules) => stepwise::open_by_rules(directory(dir_fd), path, flags, mode, rules),
                None => Err(error),
            }
        }
        opened => opened,
    }
}

/// Returns what these numbers mean for the resolution by component, if it can do that.
fn rules(resolve: u64) -> Option<Rules> {
    use crate::constants::{
        RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS,
    };
    let has = |bits| resolve & bits == bits;
    let known = RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    let scope = match (has(RESOLVE_BENEATH), has(RESOLVE_IN_ROOT), has(RESOLVE_NO_SYMLINKS)) {
        (true, true, _) => return None,
        (true, ..) => Scope::Beneath,
        (_, true, _) => Scope::InRoot,
        (.., true) => Scope::Free,
        _ => return None,
    };
    let refused = Error::new(libc::ELOOP, RESOLVE);
    (resolve & !known == 0).then_some(Rules {
        scope,
        links: has(RESOLVE_NO_SYMLINKS).then_some(refused),
        cross_device: true,
        magic: if has(RESOLVE_NO_MAGICLINKS) { refused } else { escape() },
    })
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
