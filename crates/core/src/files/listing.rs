//! Reading a directory: getdents64 where there is one, else readdir(3).

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Condvar, Mutex, PoisonError};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};

use crate::error::{Error, Result, retry};
use crate::files::descriptors::{Identity, number};
use crate::files::name_list::{FileType, Names};

/// What a directory says of one name.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a CStr,
    pub(crate) file_type: FileType,
    pub(crate) ino: u64,
}

impl Entry<'_> {
    /// The type of the entry itself, asked for where the directory does not say; `None` where
    /// it is gone.
    pub(crate) fn resolve_unknown(&self, fd: BorrowedFd<'_>) -> Option<FileType> {
        if self.file_type != FileType::Unknown {
            return Some(self.file_type);
        }
        match type_of(fd, self.name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => Some(found),
            Err(error) if error.errno() == libc::ENOENT => None,
            Err(_) => Some(FileType::Other),
        }
    }
}

pub(crate) fn type_of(fd: BorrowedFd<'_>, name: &CStr, flags: AtFlags) -> Result<FileType> {
    let stat = retry("fstatat", || fstatat(fd, name, flags))?;
    Ok(FileType::from_mode(stat.st_mode))
}

/// The names in a directory, without `.` and `..`, in the order in which the file system
/// gives them, as `os.listdir`.
///
/// A descriptor's own offset is neither used nor moved: the directory is opened again through it,
/// so two listings at once do not take each other's names. Only if that is refused (the directory
/// is not searchable, and there is no /proc to open it through or it is no longer readable) is the
/// descriptor itself rewound and read. Such listings of one directory wait for each other in this
/// process; another process that has inherited the descriptor must not read it at the same time.
///
/// # Errors
/// `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE` … from `openat`; `EBADF` for a descriptor that is
/// not open for reading; `EIO` … from `getdents64`.
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

/// [`listdir`] of an open directory.
///
/// # Errors
/// As [`listdir`].
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

/// One name in a directory, and what the directory says of it; see [`scandir`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: CString,
    /// Its type; a link is a link.
    pub file_type: FileType,
    /// For a link, the type of what it points to, where that was asked for and is there.
    pub target_type: Option<FileType>,
    /// Its inode number.
    pub ino: u64,
}

/// The entries of a directory, as `os.scandir`. Types that the directory does not say are asked
/// for, and with `resolve_links` those of links' targets; nothing else costs a system call.
///
/// # Errors
/// As [`listdir`].
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

/// [`scandir`] of an open directory.
///
/// # Errors
/// As [`listdir`].
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
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let start = crate::files::descriptors::directory(dir_fd);
    retry("openat", || openat(start, path, flags, Mode::empty()))
}

// Reads an open directory through a descriptor of its own, whose offset nobody shares.
fn reopen<T>(fd: BorrowedFd<'_>, read: impl Fn(BorrowedFd<'_>) -> Result<T>) -> Result<T> {
    match open(Some(fd), c".") {
        Ok(own) => return read(own.as_fd()),
        // Not searchable, or removed.
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

// Opens a directory through /proc, for which it need not be searchable.
#[cfg(target_os = "linux")]
fn open_by_number(fd: BorrowedFd<'_>, identity: Identity) -> Option<OwnedFd> {
    let path = CString::new(format!("/proc/self/fd/{}", number(fd))).ok()?;
    let own = open(None, &path).ok()?;
    // Something other than procfs may be mounted there.
    Identity::of(own.as_fd()).is_ok_and(|found| found == identity).then_some(own)
}

// Elsewhere /dev/fd gives a duplicate, with the same offset.
#[cfg(not(target_os = "linux"))]
fn open_by_number(_fd: BorrowedFd<'_>, _identity: Identity) -> Option<OwnedFd> {
    None
}

/// The right to read a directory through a descriptor whose offset may be shared. One at a time
/// has it for each directory, whichever descriptors lead there.
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

    /// Where the kernel puts entries; made at the first listing, once for a walk.
    #[derive(Debug, Default)]
    pub(crate) struct Buffer(Vec<u8>);

    impl Buffer {
        /// Calls `visit` for each entry except `.` and `..`, until it breaks.
        pub(crate) fn read(
            &mut self,
            fd: BorrowedFd<'_>,
            mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
        ) -> Result<()> {
            self.0.resize(BUFFER_SIZE, 0);
            loop {
                let filled = match getdents64(fd, &mut self.0) {
                    // The directory has been removed: no names, says POSIX of readdir(3).
                    Err(error) if error.errno() == libc::ENOENT => return Ok(()),
                    filled => filled?,
                };
                if filled.is_empty() {
                    return Ok(());
                }
                // Only an empty answer is the end. The last record's offset does not tell: ext4
                // has `i64::MAX` there at the end, but a FUSE server may send it with every record,
                // and which file system this is costs a system call as well.
                let visited = each(filled, &mut visit);
                if visited.ok_or(Error::new(libc::EIO, "getdents64"))?.is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn getdents64<'a>(fd: BorrowedFd<'_>, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        let filled = retry_libc("getdents64", || {
            // SAFETY: the kernel writes at most `len` bytes to a buffer that is that long and
            // borrowed for us alone.
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
    // Returns `None` for a broken record.
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

    /// Nothing to keep: readdir(3) has a buffer of its own.
    #[derive(Debug, Default)]
    pub(crate) struct Buffer {}

    impl Buffer {
        /// Calls `visit` for each entry except `.` and `..`, until it breaks.
        pub(crate) fn read(
            &mut self,
            fd: BorrowedFd<'_>,
            mut visit: impl FnMut(Entry<'_>) -> ControlFlow<()>,
        ) -> Result<()> {
            // `Dir` closes what it is given and panics where somebody else has closed it first:
            // it gets a copy, whose number nobody outside knows.
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
