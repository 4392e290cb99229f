//! Reading a directory, with getdents64 on Linux and readdir(3) elsewhere.

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, PoisonError};

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use crate::error::{Error, Result, retry};
use crate::files::descriptors::{Identity, directory};
use crate::files::directory::open_directory;
use crate::files::name_list::{FileType, Names};

/// An entry of a directory, as the directory stores it.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a CStr,
    pub(crate) file_type: FileType,
    pub(crate) ino: u64,
}

impl Entry<'_> {
    /// Returns the type of the entry itself. If the directory does not store it, the type is looked
    /// up; `None` means that the entry is gone.
    pub(crate) fn resolve_unknown(&self, fd: BorrowedFd<'_>) -> Option<FileType> {
        if self.file_type != FileType::Unknown {
            return Some(self.file_type);
        }
        match type_of(fd, self.name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => Some(found),
            Err(error) if error.is(libc::ENOENT) => None,
            Err(_) => Some(FileType::Other),
        }
    }
}

pub(crate) fn type_of(fd: BorrowedFd<'_>, name: &CStr, flags: AtFlags) -> Result<FileType> {
    let stat = retry("fstatat", || fstatat(fd, name, flags))?;
    Ok(FileType::from_mode(stat.st_mode))
}

/// Returns the names in a directory, without `.` and `..`, in the file system's order, like
/// `os.listdir`.
///
/// The offset of a descriptor is neither used nor moved: the directory is opened again through it,
/// so two listings at the same time do not take names from each other. There is one exception: if
/// the directory cannot be opened again (it is not searchable, and there is no /proc or the
/// directory is no longer readable), the descriptor itself is rewound and read. Within this
/// process, such listings of one directory run one after another. Another process that has
/// inherited the descriptor must not read it at the same time.
///
/// # Errors
/// `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE` and others from `openat`; `EBADF` for a descriptor that
/// is not open for reading; `EIO` and others from `getdents64`.
///
/// ```
/// let names = fdkit::files::listing::listdir(None, c"src")?;
/// assert!(names.iter().any(|(name, _)| name == c"lib.rs"));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn listdir(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<Names> {
    let fd = open(dir_fd, path)?;
    read_all(fd.as_fd())
}

/// Returns the names in an open directory, like [`listdir`].
///
/// # Errors
/// The errors of [`listdir`].
///
/// ```
/// use std::os::fd::AsFd;
/// let directory = fdkit::files::names::openat(None, c"src", 0, 0)?;
/// let names = fdkit::files::listing::listdir_fd(directory.as_fd())?;
/// assert_eq!(names.len(), fdkit::files::listing::listdir_fd(directory.as_fd())?.len());
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn listdir_fd(fd: BorrowedFd<'_>) -> Result<Names> {
    reopen(fd, read_all)
}

/// An entry of a directory, as returned by [`scandir`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name.
    pub name: CString,
    /// The type of the entry itself: a symbolic link is a symbolic link.
    pub file_type: FileType,
    /// The type of a symbolic link's target, if it was requested and the target exists.
    pub target_type: Option<FileType>,
    /// The inode number.
    pub ino: u64,
}

/// Returns the entries of a directory, like `os.scandir`. Types that the directory does not store
/// are looked up, and with `resolve_links` also the types of symbolic links' targets. Nothing else
/// makes a system call per entry.
///
/// # Errors
/// The errors of [`listdir`].
///
/// ```
/// use fdkit::FileType;
/// use fdkit::files::listing::scandir;
/// let entries = scandir(None, c".", false)?;
/// let src = entries.iter().find(|entry| entry.name.as_c_str() == c"src");
/// assert!(src.is_some_and(|entry| entry.file_type == FileType::Directory));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn scandir(
    dir_fd: Option<BorrowedFd<'_>>,
    path: &CStr,
    resolve_links: bool,
) -> Result<Vec<DirEntry>> {
    let fd = open(dir_fd, path)?;
    read_entries(fd.as_fd(), resolve_links)
}

/// Returns the entries of an open directory, like [`scandir`].
///
/// # Errors
/// The errors of [`listdir`].
pub fn scandir_fd(fd: BorrowedFd<'_>, resolve_links: bool) -> Result<Vec<DirEntry>> {
    reopen(fd, |fd| read_entries(fd, resolve_links))
}

fn read_entries(fd: BorrowedFd<'_>, resolve_links: bool) -> Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    Buffer::default().read(fd, |entry| {
        let Some(file_type) = entry.resolve_unknown(fd) else {
            return ControlFlow::Continue(());
        };
        let asks = resolve_links && file_type == FileType::SymbolicLink;
        let target = asks.then(|| type_of(fd, entry.name, AtFlags::empty()).ok());
        entries.push(DirEntry {
            name: entry.name.to_owned(),
            file_type,
            target_type: target.flatten(),
            ino: entry.ino,
        });
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

fn open(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<OwnedFd> {
    open_directory(directory(dir_fd), path, true)
}

// Reads an open directory through a new descriptor, whose offset nobody shares.
fn reopen<T>(fd: BorrowedFd<'_>, read: impl Fn(BorrowedFd<'_>) -> Result<T>) -> Result<T> {
    match open(Some(fd), c".") {
        Ok(own) => return read(own.as_fd()),
        // The directory is not searchable, or was removed.
        Err(error) if matches!(error.errno(), libc::EACCES | libc::ENOENT) => {}
        Err(error) => return Err(error),
    }
    let identity = Identity::of(fd)?;
    if let Some(own) = open_by_number(fd, identity) {
        return read(own.as_fd());
    }
    let _turn = Turn::wait_for(identity);
    rewind(fd)?;
    let listed = read(fd);
    rewind(fd)?;
    listed
}

// Opens a directory through /proc, which works even if the directory is not searchable.
#[cfg(target_os = "linux")]
fn open_by_number(fd: BorrowedFd<'_>, identity: Identity) -> Option<OwnedFd> {
    use crate::files::descriptors::number;
    let path = CString::new(format!("/proc/self/fd/{}", number(fd))).ok()?;
    let own = open(None, &path).ok()?;
    // Something other than procfs may be mounted at /proc.
    Identity::of(own.as_fd()).is_ok_and(|found| found == identity).then_some(own)
}

// On other systems, /dev/fd gives a duplicate with the same offset.
#[cfg(not(target_os = "linux"))]
fn open_by_number(_fd: BorrowedFd<'_>, _identity: Identity) -> Option<OwnedFd> {
    None
}

/// The right to read a directory through a descriptor whose offset may be shared. Only one listing
/// of each directory has it at a time, whichever descriptors lead there.
struct Turn(Identity);

static TAKEN: Mutex<Vec<Identity>> = Mutex::new(Vec::new());
static GIVEN_BACK: Condvar = Condvar::new();

impl Turn {
    fn wait_for(identity: Identity) -> Self {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.contains(&identity) {
            taken = GIVEN_BACK.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        taken.push(identity);
        Self(identity)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|identity| *identity != self.0);
        GIVEN_BACK.notify_all();
    }
}

fn read_all(fd: BorrowedFd<'_>) -> Result<Names> {
    let mut names = Names::default();
    Buffer::default().read(fd, |entry| {
        names.push(entry.name, entry.file_type);
        ControlFlow::Continue(())
    })?;
    Ok(names)
}

fn rewind(fd: BorrowedFd<'_>) -> Result<()> {
    use nix::unistd::{Whence, lseek};
    retry("lseek", || lseek(fd, 0, Whence::SeekSet)).map(|_| ())
}

pub(crate) use sys::Buffer;
#[cfg(all(target_os = "linux", any(test, fuzzing)))]
pub(crate) use sys::each;

#[cfg(target_os = "linux")]
mod sys {
    use super::{BorrowedFd, CStr, ControlFlow, Entry, Error, FileType, Result};
    use crate::error::retry_libc;
    use std::os::fd::AsRawFd;

    const BUFFER_SIZE: usize = 64 * 1024;

    /// The buffer into which the kernel writes entries. It is allocated at the first listing, and a
    /// walk reuses it.
    #[derive(Debug, Default)]
    pub(crate) struct Buffer(Vec<u8>);

    impl Buffer {
        /// Calls `visit` for each entry except `.` and `..`, until `visit` breaks.
        pub(crate) fn read(
            &mut self,
            fd: BorrowedFd<'_>,
            mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
        ) -> Result<()> {
            self.0.resize(BUFFER_SIZE, 0);
            loop {
                let filled = match getdents64(fd, &mut self.0) {
                    // The directory has been removed. By POSIX, readdir(3) then returns no names.
                    Err(error) if error.is(libc::ENOENT) => return Ok(()),
                    filled => filled?,
                };
                if filled.is_empty() {
                    return Ok(());
                }
                // Only an empty answer means the end. The offset of the last record does not tell:
                // ext4 has `i64::MAX` there at the end, but a FUSE server may send it with every
                // record, and finding out which file system this is takes a system call as well.
                let visited = each(filled, &mut visit);
                if visited.ok_or(Error::new(libc::EIO, "getdents64"))?.is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn getdents64<'a>(fd: BorrowedFd<'_>, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        let filled = retry_libc("getdents64", || {
            // SAFETY: the kernel writes at most `len` bytes to a buffer of that length, which is
            // borrowed exclusively.
            unsafe {
                libc::syscall(
                    libc::SYS_getdents64,
                    fd.as_raw_fd(),
                    buffer.as_mut_ptr(),
                    buffer.len(),
                )
            }
        })?;
        let filled = usize::try_from(filled).ok().and_then(|len| buffer.get(..len));
        filled.ok_or(Error::new(libc::EIO, "getdents64"))
    }

    // struct linux_dirent64: d_ino 0..8, d_off 8..16, d_reclen 16..18, d_type 18, d_name 19...
    // Returns `None` if a record is malformed.
    pub(crate) fn each(
        mut records: &[u8],
        visit: &mut impl FnMut(Entry<'_>) -> ControlFlow<()>,
    ) -> Option<ControlFlow<()>> {
        while !records.is_empty() {
            let &[low, high] = records.get(16..18)? else {
                return None;
            };
            let (record, rest) =
                records.split_at_checked(usize::from(u16::from_ne_bytes([low, high])))?;
            let name = CStr::from_bytes_until_nul(record.get(19..)?).ok()?;
            if !matches!(name.to_bytes(), b"." | b"..") {
                let visited = visit(Entry {
                    name,
                    file_type: FileType::from_d_type(*record.get(18)?),
                    ino: u64::from_ne_bytes(*record.first_chunk()?),
                });
                if visited.is_break() {
                    return Some(ControlFlow::Break(()));
                }
            }
            records = rest;
        }
        Some(ControlFlow::Continue(()))
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{BorrowedFd, ControlFlow, Entry, Error, FileType, Result, retry};
    use nix::dir::{Dir, Type};

    /// It is empty: readdir(3) has a buffer of its own.
    #[derive(Debug, Default)]
    pub(crate) struct Buffer {}

    impl Buffer {
        /// Calls `visit` for each entry except `.` and `..`, until `visit` breaks.
        pub(crate) fn read(
            &mut self,
            fd: BorrowedFd<'_>,
            mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
        ) -> Result<()> {
            // `Dir` closes its descriptor, and panics if somebody else has closed it first. So it
            // gets a duplicate, whose number nobody else knows.
            let mut copy = Some(crate::files::descriptors::dup(fd)?);
            let mut dir = retry("fdopendir", || {
                copy.take().map_or(Err(nix::errno::Errno::EBADF), Dir::from_fd)
            })?;
            for entry in dir.iter() {
                let entry = entry.map_err(|errno| Error::new(errno as i32, "readdir"))?;
                let name = entry.file_name();
                if !matches!(name.to_bytes(), b"." | b"..") {
                    let visited = visit(Entry {
                        name,
                        file_type: file_type(entry.file_type()),
                        ino: entry.ino(),
                    });
                    if visited.is_break() {
                        break;
                    }
                }
            }
            Ok(())
        }
    }

    fn file_type(listed: Option<Type>) -> FileType {
        match listed {
            Some(Type::Directory) => FileType::Directory,
            Some(Type::Symlink) => FileType::SymbolicLink,
            Some(Type::File) => FileType::File,
            Some(_) => FileType::Other,
            None => FileType::Unknown,
        }
    }
}
