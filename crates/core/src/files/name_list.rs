//! Lists of names as bytes, with the types that a directory stores for them.

use std::ffi::CStr;

use nix::sys::stat::SFlag;

/// The type of an entry as a directory stores it. The numbers are the `DT_*` of readdir(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// The file system does not store the type; `fstatat(2)` returns it.
    Unknown = libc::DT_UNKNOWN,
    /// A directory.
    Directory = libc::DT_DIR,
    /// A symbolic link, whatever its target is.
    SymbolicLink = libc::DT_LNK,
    /// A regular file.
    File = libc::DT_REG,
    /// A FIFO.
    Fifo = libc::DT_FIFO,
    /// A socket.
    Socket = libc::DT_SOCK,
    /// A character device.
    CharacterDevice = libc::DT_CHR,
    /// A block device.
    BlockDevice = libc::DT_BLK,
    /// A type that has no name here.
    Other = u8::MAX,
}

impl FileType {
    pub(crate) const fn from_d_type(d_type: u8) -> Self {
        match d_type {
            libc::DT_DIR => Self::Directory,
            libc::DT_LNK => Self::SymbolicLink,
            libc::DT_REG => Self::File,
            libc::DT_UNKNOWN => Self::Unknown,
            libc::DT_FIFO => Self::Fifo,
            libc::DT_SOCK => Self::Socket,
            libc::DT_CHR => Self::CharacterDevice,
            libc::DT_BLK => Self::BlockDevice,
            _ => Self::Other,
        }
    }

    pub(crate) fn from_mode(mode: libc::mode_t) -> Self {
        match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => Self::Directory,
            SFlag::S_IFLNK => Self::SymbolicLink,
            SFlag::S_IFREG => Self::File,
            SFlag::S_IFIFO => Self::Fifo,
            SFlag::S_IFSOCK => Self::Socket,
            SFlag::S_IFCHR => Self::CharacterDevice,
            SFlag::S_IFBLK => Self::BlockDevice,
            _ => Self::Other,
        }
    }
}

/// Names with their types, in the order in which they were added, in a single allocation.
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
    // Each name is a type byte, its bytes and a NUL. So openat(2) can take it without an
    // allocation.
    bytes: Vec<u8>,
    len: usize,
}

impl Names {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), len: 0 }
    }

    /// Returns the number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.len = 0;
    }

    /// Returns the cursor after the last name.
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a name.
    pub fn push(&mut self, name: &CStr, file_type: FileType) {
        self.bytes.push(file_type as u8);
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        self.len += 1;
    }

    /// Returns an iterator over the names and their types, in order.
    #[must_use]
    pub fn iter(&self) -> NamesIter<'_> {
        NamesIter { rest: &self.bytes, len: self.len }
    }

    /// Returns the name at `cursor`, and moves the cursor past it. 0 is the cursor of the first
    /// name; this function sets the others.
    pub fn next(&self, cursor: &mut usize) -> Option<(&CStr, FileType)> {
        let (entry, rest) = split_first(self.bytes.get(*cursor..)?)?;
        *cursor = self.bytes.len() - rest.len();
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
    len: usize,
}

impl<'a> Iterator for NamesIter<'a> {
    type Item = (&'a CStr, FileType);

    fn next(&mut self) -> Option<Self::Item> {
        let (entry, rest) = split_first(self.rest)?;
        self.rest = rest;
        self.len -= 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl ExactSizeIterator for NamesIter<'_> {}

fn split_first(bytes: &[u8]) -> Option<((&CStr, FileType), &[u8])> {
    let (&d_type, rest) = bytes.split_first()?;
    let name = CStr::from_bytes_until_nul(rest).ok()?;
    let rest = rest.get(name.count_bytes() + 1..)?;
    Some(((name, FileType::from_d_type(d_type)), rest))
}
