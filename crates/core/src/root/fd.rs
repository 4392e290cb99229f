//! The file that a component of a path, or a whole path, has led to.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use crate::error::Result;

/// The type of a file, as far as resolution is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    Link,
    Other,
}

impl Kind {
    fn of(mode: u32) -> Self {
        match mode as libc::mode_t & libc::S_IFMT {
            libc::S_IFDIR => Self::Directory,
            libc::S_IFLNK => Self::Link,
            _ => Self::Other,
        }
    }
}

pub(super) use sys::Located;

/// Looks at one component without following it.
pub(super) fn look(parent: BorrowedFd<'_>, name: &CStr) -> Result<(Located, Kind)> {
    sys::look(parent, name)
}

#[cfg(target_os = "linux")]
mod sys {
    use std::ffi::{CStr, CString};
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

    use super::Kind;
    use crate::error::{Error, Result, retry_libc};
    use crate::files::attributes::{SetTime, faccessat, fchmodat, utimensat};
    use crate::files::names::{openat, readlinkat};
    use crate::files::stat::{Stat, fstat};

    const SYS_FCHMODAT2: libc::c_long = 452;

    /// A descriptor of the file itself, be it a link, that allows nothing but naming it.
    #[derive(Debug)]
    pub(crate) struct Located(OwnedFd);

    pub(super) fn look(parent: BorrowedFd<'_>, name: &CStr) -> Result<(Located, Kind)> {
        let fd = openat(Some(parent), name, libc::O_PATH | libc::O_NOFOLLOW, 0)?;
        let kind = Kind::of(fstat(fd.as_fd())?.mode);
        Ok((Located(fd), kind))
    }

    impl Located {
        pub(crate) fn new(fd: OwnedFd) -> Self {
            Self(fd)
        }

        /// The descriptor of a directory.
        pub(crate) fn into_directory(self) -> Result<OwnedFd> {
            Ok(self.0)
        }

        /// Whether an open descriptor is of the same file.
        pub(crate) fn is_same(&self, fd: BorrowedFd<'_>) -> Result<bool> {
            let (own, other) = (self.stat()?, fstat(fd)?);
            Ok(own.dev == other.dev && own.ino == other.ino)
        }

        pub(crate) fn stat(&self) -> Result<Stat> {
            fstat(self.0.as_fd())
        }

        /// The text of a link.
        pub(crate) fn read_link(&self) -> Result<Vec<u8>> {
            readlinkat(Some(self.0.as_fd()), c"").map_err(|error| {
                // With an empty path that is what the kernel says of anything but a link.
                let errno = if error.is(libc::ENOENT) { libc::EINVAL } else { error.errno() };
                Error::new(errno, error.syscall())
            })
        }

        /// Whether it is a link of /proc that leads to an object, and not to what its text says.
        pub(crate) fn is_magic(&self, text: &[u8]) -> bool {
            let looks_magic = text.starts_with(b"/") || text.windows(2).any(|pair| pair == b":[");
            looks_magic && self.is_in_proc()
        }

        fn is_in_proc(&self) -> bool {
            let system = nix::sys::statfs::fstatfs(self.0.as_fd());
            system
                .is_ok_and(|system| system.filesystem_type() == nix::sys::statfs::PROC_SUPER_MAGIC)
        }

        pub(crate) fn access(&self, mode: i32) -> Result<()> {
            let fd = self.0.as_raw_fd();
            let allowed = retry_libc("faccessat2", || {
                let (path, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
                // SAFETY: the path ends in NUL.
                unsafe { libc::syscall(libc::SYS_faccessat2, fd, path, mode, flags) }
            });
            match allowed {
                Err(error) if is_missing(&error) => {
                    self.by_proc("faccessat2", |path| faccessat(None, path, mode, false, true))
                }
                result => result.map(|_| ()),
            }
        }

        pub(crate) fn chmod(&self, mode: u32) -> Result<()> {
            let fd = self.0.as_raw_fd();
            let changed = retry_libc("fchmodat2", || {
                let (path, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
                // SAFETY: the path ends in NUL.
                unsafe { libc::syscall(SYS_FCHMODAT2, fd, path, mode, flags) }
            });
            match changed {
                Err(error) if is_missing(&error) => {
                    self.by_proc("fchmodat2", |path| fchmodat(None, path, mode, true))
                }
                result => result.map(|_| ()),
            }
        }

        pub(crate) fn chown(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
            let fd = self.0.as_raw_fd();
            let (uid, gid) = (uid.unwrap_or(u32::MAX), gid.unwrap_or(u32::MAX));
            let changed = retry_libc("fchownat", || {
                // SAFETY: the path ends in NUL.
                let changed =
                    unsafe { libc::fchownat(fd, c"".as_ptr(), uid, gid, libc::AT_EMPTY_PATH) };
                changed.into()
            });
            changed.map(|_| ())
        }

        pub(crate) fn set_times(&self, atime: SetTime, mtime: SetTime) -> Result<()> {
            let times = [atime.to_timespec()?, mtime.to_timespec()?].map(|time| *time.as_ref());
            let fd = self.0.as_raw_fd();
            let changed = retry_libc("utimensat", || {
                let (path, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
                // SAFETY: the path ends in NUL, and there are two times.
                unsafe { libc::syscall(libc::SYS_utimensat, fd, path, times.as_ptr(), flags) }
            });
            match changed {
                // Before Linux 5.8.
                Err(error) if error.is(libc::EINVAL) => {
                    self.by_proc("utimensat", |path| utimensat(None, path, atime, mtime, true))
                }
                result => result.map(|_| ()),
            }
        }

        // The link in /proc leads to the very file, wherever it is by now.
        fn by_proc<T>(
            &self,
            syscall: &'static str,
            call: impl Fn(&CStr) -> Result<T>,
        ) -> Result<T> {
            let path = CString::new(format!("/proc/self/fd/{}", self.0.as_raw_fd()));
            let path = path.map_err(|_| Error::new(libc::EINVAL, syscall))?;
            call(&path).map_err(|error| {
                let is_without_proc = error.is(libc::ENOENT);
                if is_without_proc { Error::new(libc::ENOSYS, syscall) } else { error }
            })
        }
    }

    // Filters of old container runtimes answer EPERM to what they do not know.
    fn is_missing(error: &Error) -> bool {
        error.is(libc::ENOSYS) || error.is(libc::EPERM)
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use std::ffi::{CStr, CString};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use super::Kind;
    use crate::error::Result;
    use crate::files::attributes::{SetTime, faccessat, fchmodat, fchownat, utimensat};
    use crate::files::descriptors::dup;
    use crate::files::names::{openat, readlinkat};
    use crate::files::stat::{Stat, fstat, fstatat};

    /// A name in a directory that was reached without following links. Every call on it leaves a link
    /// unfollowed, so that one which is swapped in leads nowhere.
    #[derive(Debug)]
    pub(crate) struct Located {
        parent: OwnedFd,
        name: CString,
    }

    pub(super) fn look(parent: BorrowedFd<'_>, name: &CStr) -> Result<(Located, Kind)> {
        let kind = Kind::of(fstatat(Some(parent), name, false)?.mode);
        Ok((Located { parent: dup(parent)?, name: name.to_owned() }, kind))
    }

    impl Located {
        pub(crate) fn new(fd: OwnedFd) -> Self {
            Self { parent: fd, name: c".".to_owned() }
        }

        fn start(&self) -> Option<BorrowedFd<'_>> {
            Some(self.parent.as_fd())
        }

        /// A descriptor of a directory, for looking things up in it.
        pub(crate) fn into_directory(self) -> Result<OwnedFd> {
            let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
            openat(self.start(), &self.name, flags, 0)
        }

        /// Whether an open descriptor is of the same file.
        pub(crate) fn is_same(&self, fd: BorrowedFd<'_>) -> Result<bool> {
            let (own, other) = (self.stat()?, fstat(fd)?);
            Ok(own.dev == other.dev && own.ino == other.ino)
        }

        pub(crate) fn stat(&self) -> Result<Stat> {
            fstatat(self.start(), &self.name, false)
        }

        pub(crate) fn read_link(&self) -> Result<Vec<u8>> {
            readlinkat(self.start(), &self.name)
        }

        pub(crate) fn is_magic(&self, _text: &[u8]) -> bool {
            false
        }

        pub(crate) fn access(&self, mode: i32) -> Result<()> {
            faccessat(self.start(), &self.name, mode, false, false)
        }

        pub(crate) fn chmod(&self, mode: u32) -> Result<()> {
            fchmodat(self.start(), &self.name, mode, false)
        }

        pub(crate) fn chown(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
            fchownat(self.start(), &self.name, uid, gid, false)
        }

        pub(crate) fn set_times(&self, atime: SetTime, mtime: SetTime) -> Result<()> {
            utimensat(self.start(), &self.name, atime, mtime, false)
        }
    }
}
