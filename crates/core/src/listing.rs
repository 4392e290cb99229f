//! Reading a directory: getdents64 where there is one, else readdir(3).

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use crate::error::{Error, Result, retry};

/// What a directory says an entry is; the numbers are the `DT_*` of readdir(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// The file system does not say; ask with `fstatat(2)`.
    Unknown = libc::DT_UNKNOWN,
    /// A directory.
    Directory = libc::DT_DIR,
    /// A symbolic link, whatever it points to.
    SymbolicLink = libc::DT_LNK,
    /// A regular file.
    File = libc::DT_REG,
    /// A FIFO, a socket or a device.
    Other = u8::MAX,
}

impl FileType {
    const fn from_d_type(d_type: u8) -> Self {
        match d_type {
            libc::DT_DIR => Self::Directory,
            libc::DT_LNK => Self::SymbolicLink,
            libc::DT_REG => Self::File,
            libc::DT_UNKNOWN => Self::Unknown,
            _ => Self::Other,
        }
    }

    fn from_mode(mode: libc::mode_t) -> Self {
        match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => Self::Directory,
            SFlag::S_IFLNK => Self::SymbolicLink,
            SFlag::S_IFREG => Self::File,
            _ => Self::Other,
        }
    }
}

/// Names in the order in which they were added, with their types, in one piece of memory.
///
/// ```
/// use fdkit::{FileType, Names};
/// let mut names = Names::default();
/// names.push(c"a", FileType::File);
/// names.push(c"b", FileType::Directory);
/// assert_eq!(names.len(), 2);
/// assert_eq!(names.iter().last(), Some((c"b", FileType::Directory)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Names {
    // A name is a type byte, its bytes and a NUL: what openat(2) takes, and no allocation each.
    bytes: Vec<u8>,
    len: usize,
}

impl Names {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), len: 0 }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: &CStr, file_type: FileType) {
        self.bytes.push(file_type as u8);
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        self.len += 1;
    }

    /// The names and their types, in order.
    #[must_use]
    pub fn iter(&self) -> NamesIter<'_> {
        NamesIter { rest: &self.bytes }
    }

    /// The name that stands at `cursor`, and moves the cursor past it; 0 is the first name.
    pub(crate) fn next(&self, cursor: &mut usize) -> Option<(&CStr, FileType)> {
        let mut iter = NamesIter { rest: self.bytes.get(*cursor..)? };
        let entry = iter.next()?;
        *cursor = self.bytes.len() - iter.rest.len();
        Some(entry)
    }
}

impl<'a> IntoIterator for &'a Names {
    type Item = (&'a CStr, FileType);
    type IntoIter = NamesIter<'a>;

    fn into_iter(self) -> NamesIter<'a> {
        self.iter()
    }
}

/// See [`Names::iter`].
#[derive(Clone, Debug)]
pub struct NamesIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for NamesIter<'a> {
    type Item = (&'a CStr, FileType);

    fn next(&mut self) -> Option<Self::Item> {
        let (&d_type, rest) = self.rest.split_first()?;
        let name = CStr::from_bytes_until_nul(rest).ok()?;
        self.rest = rest.get(name.count_bytes() + 1..)?;
        Some((name, FileType::from_d_type(d_type)))
    }
}

/// A directory's names, split as `os.walk` splits them.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Directories and links to directories.
    pub(crate) dirnames: Names,
    /// Everything else: files, links to nothing or to themselves, FIFOs, sockets, devices.
    pub(crate) filenames: Names,
}

impl Listing {
    /// Lists the directory from where its descriptor's offset stands, to the end.
    pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut Buffer) -> Result<Self> {
        let mut listing = Self::default();
        buffer.read(fd, |name, file_type| listing.add(fd, name, file_type))?;
        Ok(listing)
    }

    fn add(&mut self, fd: BorrowedFd<'_>, name: &CStr, listed_as: FileType) {
        let mut file_type = listed_as;
        if file_type == FileType::Unknown {
            match type_of(fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(found) => file_type = found,
                Err(error) if error.errno() == libc::ENOENT => return,
                Err(_) => file_type = FileType::Other,
            }
        }
        let mut leads_to = file_type;
        if file_type == FileType::SymbolicLink {
            match type_of(fd, name, AtFlags::empty()) {
                Ok(found) => leads_to = found,
                // It points to nothing, or is gone itself; only the first is a file.
                Err(error)
                    if error.errno() == libc::ENOENT
                        && listed_as == FileType::SymbolicLink
                        && is_gone(fd, name) =>
                {
                    return;
                }
                Err(_) => {}
            }
        }
        if leads_to == FileType::Directory {
            self.dirnames.push(name, file_type);
        } else {
            self.filenames.push(name, file_type);
        }
    }
}

fn type_of(fd: BorrowedFd<'_>, name: &CStr, flags: AtFlags) -> Result<FileType> {
    let stat = retry("fstatat", || fstatat(fd, name, flags))?;
    Ok(FileType::from_mode(stat.st_mode))
}

fn is_gone(fd: BorrowedFd<'_>, name: &CStr) -> bool {
    type_of(fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)
        .is_err_and(|error| error.errno() == libc::ENOENT)
}

/// The names in a directory, without `.` and `..`, in the order in which the file system
/// gives them, as `os.listdir`.
///
/// A descriptor's own offset is neither used nor moved: the directory is opened again through
/// it, so two listings at once do not take each other's names. Only where that is refused,
/// for want of search permission, is the descriptor itself rewound and read.
///
/// # Errors
/// `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE` … from `openat`; `EBADF` for a descriptor that is
/// not open for reading; `EIO` … from `getdents64`.
///
/// ```
/// let names = fdkit::listing::listdir(None, c"src")?;
/// assert!(names.iter().any(|(name, _)| name == c"walk.rs"));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn listdir(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<Names> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let start = crate::fd::directory(dir_fd);
    let fd = retry("openat", || openat(start, path, flags, Mode::empty()))?;
    read_all(fd.as_fd())
}

/// [`listdir`] of an open directory.
///
/// # Errors
/// As [`listdir`].
///
/// ```
/// use std::os::fd::AsFd;
/// let directory = fdkit::at::openat(None, c"src", 0, 0)?;
/// let names = fdkit::listing::listdir_fd(directory.as_fd())?;
/// assert_eq!(names.len(), fdkit::listing::listdir_fd(directory.as_fd())?.len());
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn listdir_fd(fd: BorrowedFd<'_>) -> Result<Names> {
    match listdir(Some(fd), c".") {
        Err(error) if error.errno() == libc::EACCES => {
            rewind(fd)?;
            let names = read_all(fd);
            rewind(fd)?;
            names
        }
        result => result,
    }
}

fn read_all(fd: BorrowedFd<'_>) -> Result<Names> {
    let mut names = Names::default();
    Buffer::default().read(fd, |name, file_type| names.push(name, file_type))?;
    Ok(names)
}

fn rewind(fd: BorrowedFd<'_>) -> Result<()> {
    use nix::unistd::{Whence, lseek};
    retry("lseek", || lseek(fd, 0, Whence::SeekSet)).map(|_| ())
}

pub(crate) use sys::Buffer;

#[cfg(target_os = "linux")]
mod sys {
    use super::{BorrowedFd, CStr, Error, FileType, Result};
    use crate::error::retry_libc;
    use std::os::fd::AsRawFd;

    const SIZE: usize = 64 * 1024;

    /// Where the kernel puts entries; made once for a walk, when the first directory is read.
    #[derive(Debug, Default)]
    pub(crate) struct Buffer(Vec<u8>);

    impl Buffer {
        /// Calls `visit` for each entry but `.` and `..`.
        pub(crate) fn read(
            &mut self,
            fd: BorrowedFd<'_>,
            mut visit: impl FnMut(&CStr, FileType),
        ) -> Result<()> {
            self.0.resize(SIZE, 0);
            loop {
                let filled = getdents64(fd, &mut self.0)?;
                if filled.is_empty() {
                    return Ok(());
                }
                each(filled, &mut visit).ok_or(Error::new(libc::EIO, "getdents64"))?;
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
    fn each(mut records: &[u8], visit: &mut impl FnMut(&CStr, FileType)) -> Option<()> {
        while !records.is_empty() {
            let &[low, high] = records.get(16..18)? else {
                return None;
            };
            let (record, rest) =
                records.split_at_checked(usize::from(u16::from_ne_bytes([low, high])))?;
            let name = CStr::from_bytes_until_nul(record.get(19..)?).ok()?;
            if !matches!(name.to_bytes(), b"." | b"..") {
                visit(name, FileType::from_d_type(*record.get(18)?));
            }
            records = rest;
        }
        Some(())
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use super::{BorrowedFd, CStr, FileType, Result, retry};
    use nix::dir::{Dir, Type};

    /// Nothing to keep: readdir(3) has a buffer of its own.
    #[derive(Debug, Default)]
    pub(crate) struct Buffer;

    impl Buffer {
        /// Calls `visit` for each entry but `.` and `..`.
        pub(crate) fn read(
            &mut self,
            fd: BorrowedFd<'_>,
            mut visit: impl FnMut(&CStr, FileType),
        ) -> Result<()> {
            // `Dir` closes what it is given and panics where somebody else has closed it first:
            // it gets a copy, whose number nobody outside knows.
            let mut copy = Some(crate::fd::dup(fd)?);
            let mut dir = retry("fdopendir", || {
                copy.take().map_or(Err(nix::errno::Errno::EBADF), Dir::from_fd)
            })?;
            for entry in dir.iter() {
                let entry = retry("readdir", || entry)?;
                let name = entry.file_name();
                if !matches!(name.to_bytes(), b"." | b"..") {
                    visit(name, file_type(entry.file_type()));
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
