//! The names and entries of directories beneath a root.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use super::{Root, Symlinks, c_string};
use crate::error::Result;
use crate::files::listing::{DirEntry, read_all, read_entries};
use crate::files::name_list::{FileType, Names};

const FLAGS: i32 = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NONBLOCK;

impl Root {
    /// Returns the names in a directory in the order of their bytes, without `.` and `..`. A link as
    /// the last component of the path is followed.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file), and `ENOTDIR`.
    ///
    /// ```
    /// use fdkit::root::{Root, RootOptions};
    ///
    /// let root = Root::open(c"src", None, RootOptions::default())?;
    /// let names = root.read_names(c"root")?;
    /// assert_eq!(names.iter().next().map(|(name, _)| name), Some(c"contents.rs"));
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    pub fn read_names(&self, path: &CStr) -> Result<Names> {
        let unsorted = read_all(self.open_file(path, FLAGS, 0)?.as_fd())?;
        let mut entries: Vec<_> = unsorted.iter().collect();
        entries.sort_unstable_by_key(|&(name, _)| name);
        let mut names = Names::default();
        entries.into_iter().for_each(|(name, file_type)| names.push(name, file_type));
        Ok(names)
    }

    /// Returns the entries of a directory in the order of their names. With `recursive`, those of the
    /// directories in it follow, and their names are paths that start from it. Links in it are not
    /// followed.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file), and `ENOTDIR`. With `recursive`, the first directory that
    /// cannot be listed ends the call.
    pub fn read_dir(&self, path: &CStr, recursive: bool) -> Result<Vec<DirEntry>> {
        let top = self.open_file(path, FLAGS, 0)?;
        let mut entries = sorted(&top)?;
        if !recursive {
            return Ok(entries);
        }
        // Nothing but what was listed is entered: a link that was put in a directory's place is not.
        let options = super::RootOptions { symlinks: Symlinks::Refuse, ..self.options };
        let top = Self { fd: top, options };
        let mut directories: VecDeque<CString> = directories_of(&entries).collect();
        while let Some(directory) = directories.pop_front() {
            let found = sorted(&top.open_file(&directory, FLAGS, 0)?)?;
            let first = entries.len();
            for entry in found {
                let name = [directory.to_bytes(), entry.name.to_bytes()].join(&b'/');
                entries.push(DirEntry { name: c_string(&name)?, ..entry });
            }
            directories.extend(directories_of(entries.get(first..).unwrap_or_default()));
        }
        Ok(entries)
    }
}

fn sorted(fd: &OwnedFd) -> Result<Vec<DirEntry>> {
    let mut entries = read_entries(fd.as_fd(), false)?;
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

fn directories_of(entries: &[DirEntry]) -> impl Iterator<Item = CString> {
    let is_directory = |entry: &&DirEntry| entry.file_type == FileType::Directory;
    entries.iter().filter(is_directory).map(|entry| entry.name.clone())
}
