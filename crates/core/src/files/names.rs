//! Opening, creating, renaming and removing names relative to an open directory.
//!
//! `dir_fd` is the directory that a relative `path` starts from; `None` is the working directory.
//! An absolute path does not use it.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::fcntl::{AtFlags, OFlag, openat as nix_openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::error::{Result, retry, retry_libc};
use crate::files::descriptors::directory;

/// Calls `openat(dir_fd, path, flags | O_CLOEXEC, mode)`.
///
/// `flags` are the `O_*` numbers of open(2); `mode` is for a new file. Unlike in POSIX, child
/// processes do not inherit the descriptor (PEP 446).
///
/// # Errors
/// `ENOTDIR`: `dir_fd` is not a directory; `EBADF`: `dir_fd` is not open; `ENOENT`, `EACCES`,
/// `EEXIST`, `ELOOP`, `EMFILE` and the other errors of open(2).
///
/// ```
/// use std::os::fd::AsFd;
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// let file = fdkit::files::names::openat(Some(src.as_fd()), c"lib.rs", 0, 0)?;
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn openat(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    flags: i32,
    mode: u32,
) -> Result<OwnedFd> {
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_retain(mode as libc::mode_t);
    let start = directory(dir_fd);
    retry("openat", || nix_openat(start, path, flags, mode))
}

/// Calls `openat2(dir_fd, path, {flags | O_CLOEXEC, mode, resolve})`, which restricts where the
/// path may lead. It never falls back to a less restricted open.
///
/// `resolve` are the `RESOLVE_*` numbers of [`constants`](crate::constants). If a component is
/// renamed during the call, the kernel cannot check the path and gives up. The call is then
/// repeated up to 64 times.
///
/// # Errors
/// The errors of [`openat`], and `EXDEV`: the path leaves what `resolve` confines it to; `ELOOP`:
/// the path contains a link that `resolve` forbids; `EAGAIN`: a component was renamed during every
/// attempt, or is not in the cache with `RESOLVE_CACHED`; `EINVAL`: this kernel does not know some
/// of the bits; `ENOSYS`: Linux is older than 5.6, a seccomp filter hides the call, or the
/// operating system is another one.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::constants::RESOLVE_BENEATH;
/// use std::os::fd::AsFd;
/// let src = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// let beneath = |path| fdkit::files::names::openat2(Some(src.as_fd()), path, 0, 0, RESOLVE_BENEATH);
/// assert!(beneath(c"lib.rs").is_ok());
/// assert_eq!(beneath(c"../Cargo.toml").unwrap_err().errno(), libc::EXDEV);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn openat2(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    flags: i32,
    mode: u32,
    resolve: u64,
) -> Result<OwnedFd> {
    sys::openat2(directory(dir_fd), path, flags | libc::O_CLOEXEC, mode, resolve)
}

/// Creates a directory. Its permissions are `mode` without the bits of the umask.
///
/// # Errors
/// `EEXIST`, `ENOENT`, `EACCES`, `ENOTDIR`, `EROFS` and the other errors of mkdir(2).
///
/// ```
/// assert_eq!(fdkit::files::names::mkdirat(None, c"src", 0o777).unwrap_err().errno(), libc::EEXIST);
/// ```
pub fn mkdirat(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, mode: u32) -> Result<()> {
    let (start, mode) = (directory(dir_fd), Mode::from_bits_retain(mode as libc::mode_t));
    retry("mkdirat", || nix::sys::stat::mkdirat(start, path, mode))
}

/// Creates a FIFO. Its permissions are `mode` without the bits of the umask.
///
/// # Errors
/// `EEXIST`, `ENOENT`, `EACCES` and the other errors of mkfifo(3).
pub fn mkfifoat(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, mode: u32) -> Result<()> {
    let start = directory(dir_fd).as_raw_fd();
    let made = retry_libc("mkfifoat", || {
        // SAFETY: the path ends in NUL and outlives the call.
        let made = unsafe { libc::mkfifoat(start, path.as_ptr(), mode as libc::mode_t) };
        made.into()
    });
    made.map(|_| ())
}

/// Creates a file of the type in `mode` (`S_IFREG`, `S_IFIFO`, `S_IFSOCK`, `S_IFCHR` or `S_IFBLK`,
/// or-ed with permissions). The bits of the umask are removed from the permissions. `device` is for
/// the last two types.
///
/// # Errors
/// `EPERM`: only root may create devices; `EEXIST`, `ENOENT`, `EINVAL` and the other errors of
/// mknod(2).
pub fn mknodat(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, mode: u32, device: u64) -> Result<()> {
    let start = directory(dir_fd).as_raw_fd();
    let made = retry_libc("mknodat", || {
        // SAFETY: the path ends in NUL and outlives the call.
        let made = unsafe {
            libc::mknodat(start, path.as_ptr(), mode as libc::mode_t, device as libc::dev_t)
        };
        made.into()
    });
    made.map(|_| ())
}

/// Creates a hard link: a second name for a file. With `follow_symlinks`, it links to the target if
/// `src` is a symbolic link.
///
/// # Errors
/// `EXDEV`: the paths are on different file systems; `EPERM`: `src` is a directory; `EEXIST`,
/// `ENOENT` and the other errors of link(2).
pub fn linkat(
    src_dir_fd: Option<BorrowedFd<'_>>,
    src: &CStr,
    dst_dir_fd: Option<BorrowedFd<'_>>,
    dst: &CStr,
    follow_symlinks: bool,
) -> Result<()> {
    let (from, to) = (directory(src_dir_fd), directory(dst_dir_fd));
    let flags = if follow_symlinks { AtFlags::AT_SYMLINK_FOLLOW } else { AtFlags::empty() };
    retry("linkat", || nix::unistd::linkat(from, src, to, dst, flags))
}

/// Creates a symbolic link at `path` that points to `target`.
///
/// # Errors
/// `ENOENT`: `target` is empty, or a directory in `path` does not exist; `EEXIST`, `EACCES` and the
/// other errors of symlink(2).
pub fn symlinkat(target: &CStr, dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<()> {
    let start = directory(dir_fd);
    retry("symlinkat", || nix::unistd::symlinkat(target, start, path))
}

/// Returns the target of a symbolic link, of any length.
///
/// # Errors
/// `EINVAL`: the path is not a symbolic link; `ENOENT`, `EACCES` and the other errors of
/// readlink(2).
///
/// ```
/// assert_eq!(fdkit::files::names::readlinkat(None, c"src").unwrap_err().errno(), libc::EINVAL);
/// ```
pub fn readlinkat(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<Vec<u8>> {
    let start = directory(dir_fd);
    retry("readlinkat", || nix::fcntl::readlinkat(start, path)).map(OsStringExt::into_vec)
}

/// Renames a file or a directory. `flags` are 0 or the `RENAME_*` numbers of
/// [`constants`](crate::constants). Without flags, a file at `dst` is replaced.
///
/// # Errors
/// `EXDEV`: the paths are on different file systems; `EEXIST`: `dst` exists, with
/// `RENAME_NOREPLACE`; `EINVAL` (`ENOTSUP` for flags on macOS): `dst` is below `src`, or the kernel
/// or the file system does not support the flags; `ENOENT`, `ENOTEMPTY`, `EISDIR`, `ENOTDIR` and
/// the other errors of rename(2).
pub fn renameat2(
    src_dir_fd: Option<BorrowedFd<'_>>,
    src: &CStr,
    dst_dir_fd: Option<BorrowedFd<'_>>,
    dst: &CStr,
    flags: u32,
) -> Result<()> {
    let (from, to) = (directory(src_dir_fd), directory(dst_dir_fd));
    if flags == 0 {
        return retry("renameat", || nix::fcntl::renameat(from, src, to, dst));
    }
    sys::renameat2(from, src, to, dst, flags)
}

/// Removes a name that is not a directory: `unlinkat(dir_fd, path, 0)`.
///
/// # Errors
/// `EISDIR` (`EPERM` on macOS): the path is a directory; `ENOENT`, `EACCES` and the other errors of
/// unlink(2).
///
/// ```
/// # use std::os::fd::AsFd;
/// let tmp = fdkit::files::names::openat(None, c"/tmp", 0, 0)?;
/// let name = c"fdkit-doc-unlink";
/// fdkit::files::names::openat(Some(tmp.as_fd()), name, libc::O_CREAT | libc::O_WRONLY, 0o600)?;
/// fdkit::files::names::unlink(Some(tmp.as_fd()), name)?;
/// assert!(fdkit::files::names::unlink(Some(tmp.as_fd()), name).is_err());
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn unlink(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<()> {
    remove(dir_fd, path, UnlinkatFlags::NoRemoveDir)
}

/// Removes an empty directory: `unlinkat(dir_fd, path, AT_REMOVEDIR)`.
///
/// # Errors
/// `EINVAL`: the path ends in `.`; `ENOENT`, `ENOTDIR`, `ENOTEMPTY`, `EBUSY` and the other errors
/// of rmdir(2).
///
/// ```
/// assert_eq!(fdkit::files::names::rmdir(None, c"src").unwrap_err().errno(), libc::ENOTEMPTY);
/// ```
pub fn rmdir(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<()> {
    remove(dir_fd, path, UnlinkatFlags::RemoveDir)
}

fn remove(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, flag: UnlinkatFlags) -> Result<()> {
    let start = directory(dir_fd);
    retry("unlinkat", || unlinkat(start, path, flag))
}

#[cfg(target_os = "linux")]
mod sys {
    use super::{AsRawFd, BorrowedFd, CStr, OwnedFd, Result, retry_libc};
    use std::os::fd::FromRawFd;

    // The number of attempts if a component is renamed during the call.
    const RACES: usize = 64;

    pub(super) fn openat2(
        start: BorrowedFd<'_>,
        path: &CStr,
        flags: i32,
        mode: u32,
        resolve: u64,
    ) -> Result<OwnedFd> {
        // SAFETY: it is a struct of integers.
        let mut how: libc::open_how = unsafe { std::mem::zeroed() };
        how.flags = u64::from(flags.cast_unsigned());
        // Unlike openat, openat2 refuses a mode that it would not use.
        let makes_file = flags & (libc::O_CREAT | (libc::O_TMPFILE & !libc::O_DIRECTORY)) != 0;
        how.mode = if makes_file { u64::from(mode) } else { 0 };
        how.resolve = resolve;
        let mut races = if resolve & libc::RESOLVE_CACHED == 0 { RACES } else { 0 };
        loop {
            let opened = retry_libc("openat2", || {
                // SAFETY: the path ends in NUL, and the given length is that of the struct.
                unsafe {
                    libc::syscall(
                        libc::SYS_openat2,
                        start.as_raw_fd(),
                        path.as_ptr(),
                        &raw const how,
                        size_of::<libc::open_how>(),
                    )
                }
            });
            match opened {
                Err(error) if error.is(libc::EAGAIN) && races > 0 => races -= 1,
                Err(error) => return Err(error),
                // SAFETY: the kernel has just created this descriptor, and nobody else knows it.
                Ok(number) => return Ok(unsafe { OwnedFd::from_raw_fd(number as i32) }),
            }
        }
    }

    pub(super) fn renameat2(
        from: BorrowedFd<'_>,
        src: &CStr,
        to: BorrowedFd<'_>,
        dst: &CStr,
        flags: u32,
    ) -> Result<()> {
        let renamed = retry_libc("renameat2", || {
            // It calls the kernel directly, since musl has no function for it.
            // SAFETY: both paths end in NUL and outlive the call.
            unsafe {
                libc::syscall(
                    libc::SYS_renameat2,
                    from.as_raw_fd(),
                    src.as_ptr(),
                    to.as_raw_fd(),
                    dst.as_ptr(),
                    flags,
                )
            }
        });
        renamed.map(|_| ())
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{BorrowedFd, CStr, OwnedFd, Result};
    use crate::error::Error;

    pub(super) fn openat2(
        _start: BorrowedFd<'_>,
        _path: &CStr,
        _flags: i32,
        _mode: u32,
        _resolve: u64,
    ) -> Result<OwnedFd> {
        Err(Error::new(libc::ENOSYS, "openat2"))
    }

    #[cfg(target_vendor = "apple")]
    pub(super) fn renameat2(
        from: BorrowedFd<'_>,
        src: &CStr,
        to: BorrowedFd<'_>,
        dst: &CStr,
        flags: u32,
    ) -> Result<()> {
        use super::{AsRawFd, retry_libc};
        use crate::constants::{RENAME_EXCHANGE, RENAME_NOREPLACE};

        let own = match flags {
            RENAME_NOREPLACE => libc::RENAME_EXCL,
            RENAME_EXCHANGE => libc::RENAME_SWAP,
            _ => return Err(Error::new(libc::EINVAL, "renameatx_np")),
        };
        let renamed = retry_libc("renameatx_np", || {
            // SAFETY: both paths end in NUL and outlive the call.
            let renamed = unsafe {
                libc::renameatx_np(
                    from.as_raw_fd(),
                    src.as_ptr(),
                    to.as_raw_fd(),
                    dst.as_ptr(),
                    own,
                )
            };
            renamed.into()
        });
        renamed.map(|_| ())
    }

    #[cfg(not(target_vendor = "apple"))]
    pub(super) fn renameat2(
        _from: BorrowedFd<'_>,
        _src: &CStr,
        _to: BorrowedFd<'_>,
        _dst: &CStr,
        _flags: u32,
    ) -> Result<()> {
        Err(Error::new(libc::ENOSYS, "renameat2"))
    }
}
