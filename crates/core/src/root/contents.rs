//! The contents of files beneath a root.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use super::fd::{Kind, look};
use super::{Parent, Root, c_string, stepwise};
use crate::constants::RENAME_NOREPLACE;
use crate::error::{Error, Result, retry, retry_libc};
use crate::files::attributes::{fchmod, fchown};
use crate::files::names::{linkat, openat, renameat2, unlink};
use crate::files::stat::{Stat, fstat, fstatat};

/// How [`Root::write_file`] writes.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// The `O_*` numbers of open(2), such as `O_WRONLY | O_CREAT | O_TRUNC`.
    pub flags: i32,
    /// The permissions of a file that is made, less the umask.
    pub mode: u32,
    /// Whether the data is on the disk when the call returns, and with `atomic` the name, too.
    pub flush: bool,
    /// Whether other processes, and a crash at any moment, see the old file or the whole new one.
    pub atomic: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
        Self { flags, mode: 0o666, flush: false, atomic: false }
    }
}

impl Root {
    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file); `EISDIR`, `EIO` …
    ///
    /// ```
    /// use fdkit::root::{Root, RootOptions};
    ///
    /// let root = Root::open(c"src", None, RootOptions::default())?;
    /// assert!(root.read_file(c"lib.rs", 0)?.starts_with(b"//!"));
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    pub fn read_file(&self, path: &CStr, flags: i32) -> Result<Vec<u8>> {
        let file = self.open_file(path, flags, 0o666)?;
        read_all(file.as_fd())
    }

    /// Writes a whole file. With `atomic` the file is replaced by a new one that has its
    /// permissions and, if the process may set them, its owner and group.
    ///
    /// A crash leaves at most one file, `.NAME.fdkit-new` beside the file, that the next atomic write
    /// of the same name removes.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file); `EISDIR`, `ENOSPC`, `EIO` …
    pub fn write_file(&self, path: &CStr, data: &[u8], options: WriteOptions) -> Result<()> {
        // SAFETY: the pointer and the length are those of a slice.
        unsafe { self.write_file_from(path, data.as_ptr(), data.len(), options) }
    }

    /// Writes a whole file from memory that others may be writing to; see
    /// [`write_file`](Self::write_file).
    ///
    /// # Safety
    /// `data` are `length` bytes that may be read.
    ///
    /// # Errors
    /// As [`write_file`](Self::write_file).
    pub unsafe fn write_file_from(
        &self,
        path: &CStr,
        data: *const u8,
        length: usize,
        options: WriteOptions,
    ) -> Result<()> {
        // SAFETY: the caller's promise.
        let write = |file: BorrowedFd<'_>| unsafe { write_all(file, data, length) };
        if options.atomic {
            return self.replace(path, write, options);
        }
        let file = self.open_file(path, options.flags, options.mode)?;
        write(file.as_fd())?;
        if options.flush { sync(file.as_fd()) } else { Ok(()) }
    }

    fn replace(
        &self,
        path: &CStr,
        write: impl Fn(BorrowedFd<'_>) -> Result<()>,
        options: WriteOptions,
    ) -> Result<()> {
        let (parent, old) = self.target(path)?;
        if options.flags & libc::O_EXCL != 0 && old.is_some() {
            return Err(Error::new(libc::EEXIST, "openat"));
        }
        let pending = Pending::create(&parent, options.mode)?;
        let file = pending.file.as_fd();
        let written = write(file).and_then(|()| {
            if let Some(old) = old {
                // Only root may give files away; the group may be one that the process is not in.
                let _ = fchown(file, Some(old.uid), Some(old.gid));
                fchmod(file, old.mode & 0o7777)?;
            }
            if options.flush { sync(file) } else { Ok(()) }
        });
        pending.finish(&parent, written, options.flags & libc::O_EXCL != 0)?;
        if !options.flush {
            return Ok(());
        }
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        sync(openat(parent.dir_fd(), c".", flags, 0)?.as_fd())
    }

    // The name to be replaced, which is no link, and what stands there.
    fn target<'path>(&self, path: &'path CStr) -> Result<(Parent<'_, 'path>, Option<Stat>)> {
        let mut parent = self.parent(path)?;
        if parent.has_slash() {
            return Err(Error::new(libc::EISDIR, "openat"));
        }
        let looked = match look(parent.fd.as_fd(), &parent.name) {
            Ok((_, Kind::Link)) => {
                let real = c_string(&stepwise::real_path(self, path, true)?)?;
                let Parent { fd, name } = self.parent(&real)?;
                parent = Parent { fd, name: Cow::Owned(name.into_owned()) };
                look(parent.fd.as_fd(), &parent.name)
            }
            looked => looked,
        };
        match looked {
            Ok((_, Kind::Directory)) => Err(Error::new(libc::EISDIR, "openat")),
            Ok((_, Kind::Link)) => Err(Error::new(libc::ELOOP, "openat")),
            Ok((located, Kind::Other)) => Ok((parent, Some(located.stat()?))),
            Err(error) if error.is(libc::ENOENT) => Ok((parent, None)),
            Err(error) => Err(error),
        }
    }
}

/// A file that is to take a name.
///
/// Until then it has none where the file system can do that (`O_TMPFILE`), or else the name
/// `temporary`. A process that uses that name holds a lock on the file. A file that is not locked was
/// left by a process that died, and is removed.
struct Pending {
    file: File,
    temporary: CString,
    is_named: bool,
}

// A second is long for renaming a file, and short for somebody who waits for a stuck one.
const ATTEMPTS: usize = 1_000;

impl Pending {
    fn create(parent: &Parent<'_, '_>, mode: u32) -> Result<Self> {
        let temporary = temporary_name(&parent.name)?;
        if let Some(file) = unnamed(parent, mode) {
            return Ok(Self { file, temporary, is_named: false });
        }
        for _ in 0..ATTEMPTS {
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
            match openat(parent.dir_fd(), &temporary, flags, mode) {
                Ok(fd) => {
                    // Somebody may have taken it for left before it was locked.
                    let is_ours = lock(fd.as_fd(), libc::LOCK_EX)
                        .and_then(|()| is_at(parent, &temporary, fd.as_fd()));
                    match is_ours {
                        Ok(true) => return Ok(Self { file: fd.into(), temporary, is_named: true }),
                        Ok(false) => {}
                        Err(error) => {
                            discard(parent, &temporary, fd.as_fd());
                            return Err(error);
                        }
                    }
                }
                Err(error) if error.is(libc::EEXIST) => remove_left(parent, &temporary)?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(libc::EAGAIN, "openat"))
    }

    /// Gives the file its name if it was `written`, or removes it.
    fn finish(&self, parent: &Parent<'_, '_>, written: Result<()>, is_new: bool) -> Result<()> {
        let committed = written.and_then(|()| self.try_commit(parent, is_new));
        if committed.is_err() {
            discard(parent, &self.temporary, self.file.as_fd());
        }
        committed
    }

    fn try_commit(&self, parent: &Parent<'_, '_>, is_new: bool) -> Result<()> {
        if !self.is_named {
            lock(self.file.as_fd(), libc::LOCK_EX)?;
            match link_unnamed(self.file.as_fd(), parent, &parent.name) {
                Err(error) if error.is(libc::EEXIST) && !is_new => {}
                result => return result,
            }
            let mut attempts = 0;
            while let Err(error) = link_unnamed(self.file.as_fd(), parent, &self.temporary) {
                if !error.is(libc::EEXIST) || attempts == ATTEMPTS {
                    return Err(error);
                }
                attempts += 1;
                remove_left(parent, &self.temporary)?;
            }
        }
        let flags = if is_new { RENAME_NOREPLACE } else { 0 };
        renameat2(parent.dir_fd(), &self.temporary, parent.dir_fd(), &parent.name, flags)
    }
}

fn temporary_name(name: &CStr) -> Result<CString> {
    const MOST: usize = 255;
    let suffix = b".fdkit-new";
    let name = name.to_bytes();
    // Two long names may share it: then one waits for the other.
    let kept = name.get(..MOST - 1 - suffix.len()).unwrap_or(name);
    c_string(&[b".", kept, suffix].concat())
}

#[cfg(target_os = "linux")]
fn unnamed(parent: &Parent<'_, '_>, mode: u32) -> Option<File> {
    let flags = libc::O_TMPFILE | libc::O_WRONLY;
    let file = openat(parent.dir_fd(), c".", flags, mode).ok()?;
    // It could not be given a name without /proc.
    let path = path_in_proc(file.as_fd()).ok()?;
    fstatat(None, &path, true).ok().map(|_| file.into())
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_parent: &Parent<'_, '_>, _mode: u32) -> Option<File> {
    None
}

// By the link in /proc, since doing so by the descriptor alone is root's before Linux 6.10.
fn link_unnamed(file: BorrowedFd<'_>, parent: &Parent<'_, '_>, name: &CStr) -> Result<()> {
    linkat(None, &path_in_proc(file)?, parent.dir_fd(), name, true)
}

fn path_in_proc(file: BorrowedFd<'_>) -> Result<CString> {
    let number = crate::files::descriptors::number(file);
    c_string(format!("/proc/self/fd/{number}").as_bytes())
}

/// Removes the temporary file of a process that died, or waits a millisecond for one in use.
fn remove_left(parent: &Parent<'_, '_>, temporary: &CStr) -> Result<()> {
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let left = match openat(parent.dir_fd(), temporary, flags, 0) {
        Err(error) if error.is(libc::ENOENT) => return Ok(()),
        opened => opened?,
    };
    match lock(left.as_fd(), libc::LOCK_EX | libc::LOCK_NB) {
        Err(error) if error.is(libc::EWOULDBLOCK) => {
            sleep(Duration::from_millis(1));
            Ok(())
        }
        Err(error) => Err(error),
        // While the lock is held, nobody else removes or renames it.
        Ok(()) if is_at(parent, temporary, left.as_fd())? => unlink(parent.dir_fd(), temporary),
        Ok(()) => Ok(()),
    }
}

/// Removes the temporary file after a failure, if it still has the name. If that fails, too, the next
/// atomic write of the same name removes it.
fn discard(parent: &Parent<'_, '_>, temporary: &CStr, fd: BorrowedFd<'_>) {
    if is_at(parent, temporary, fd) == Ok(true) {
        let _ = unlink(parent.dir_fd(), temporary);
    }
}

fn is_at(parent: &Parent<'_, '_>, name: &CStr, fd: BorrowedFd<'_>) -> Result<bool> {
    let own = fstat(fd)?;
    match fstatat(parent.dir_fd(), name, false) {
        Ok(stat) => Ok(stat.dev == own.dev && stat.ino == own.ino),
        Err(error) if error.is(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

fn lock(fd: BorrowedFd<'_>, operation: i32) -> Result<()> {
    let number = crate::files::descriptors::number(fd);
    let locked = crate::error::retry_libc("flock", || {
        // SAFETY: a borrowed descriptor is open.
        let locked = unsafe { libc::flock(number, operation) };
        locked.into()
    });
    locked.map(|_| ())
}

// The number of bytes that are reserved for a file that does not tell its size, such as one of /proc.
const UNKNOWN: usize = 8192;

/// Reads a file from the descriptor's offset to its end, or as much as its size says.
fn read_all(fd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let size = usize::try_from(fstat(fd)?.size).unwrap_or(0);
    let mut data: Vec<u8> = Vec::new();
    loop {
        if data.len() == data.capacity() {
            let more = if data.is_empty() && size > 0 { size } else { data.len().max(UNKNOWN) };
            let reserved = data.try_reserve_exact(more);
            reserved.map_err(|_| Error::new(libc::ENOMEM, "read"))?;
        }
        let room = data.spare_capacity_mut();
        let (start, length) = (room.as_mut_ptr(), room.len());
        let count = retry_libc("read", || {
            // SAFETY: there is room for so many bytes.
            let count = unsafe { libc::read(fd.as_raw_fd(), start.cast(), length) };
            count as libc::c_long
        })?;
        let filled = data.len() + count as usize;
        // SAFETY: the kernel has written so many bytes more.
        unsafe { data.set_len(filled) };
        // A file that has as much as it said needs no further call to find out that it ends.
        if count == 0 || filled == size {
            return Ok(data);
        }
    }
}

fn sync(fd: BorrowedFd<'_>) -> Result<()> {
    retry("fsync", || nix::unistd::fsync(fd))
}

/// Writes all bytes at the descriptor's offset.
///
/// # Safety
/// `data` are `length` bytes that may be read. Others may write to them at the same time.
unsafe fn write_all(file: BorrowedFd<'_>, data: *const u8, length: usize) -> Result<()> {
    let mut done = 0;
    while done < length {
        let count = retry_libc("write", || {
            let (rest, left) = (data.wrapping_add(done), length - done);
            // SAFETY: the caller's promise, for what is left of the bytes.
            let count = unsafe { libc::write(file.as_raw_fd(), rest.cast(), left) };
            count as libc::c_long
        })?;
        if count == 0 {
            return Err(Error::new(libc::EIO, "write"));
        }
        done += count as usize;
    }
    Ok(())
}

/// A root's own descriptor, for a call that outlives the [`Root`].
impl From<Root> for OwnedFd {
    fn from(root: Root) -> Self {
        root.fd
    }
}
