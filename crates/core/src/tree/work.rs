//! The work that is done in each directory besides listing it.

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, fstat, fstatat};

use crate::error::{Error, Result, retry};
use crate::files::descriptors::Identity;
use crate::files::name_list::{FileType, Names};
use crate::files::names::unlink;
use crate::files::stat::{self, Stat};
use crate::tree::listing::{Links, Listing, Reader};

/// The work that is done in each directory besides listing it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Work {
    #[default]
    Nothing,
    /// Looks at each entry.
    Stats,
    /// Adds up what the directory and its entries take, unless it is on another device.
    Usage(Option<libc::dev_t>),
    /// Removes all entries that are not directories. Entries that cannot be removed stay in the
    /// listing.
    Remove,
}

/// The result of the [`Work`].
#[derive(Clone, Debug, Default)]
pub(crate) enum Outcome {
    #[default]
    Nothing,
    Stats(Stats),
    Usage(Box<Found>),
}

impl Outcome {
    /// About how many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Stats(stats) => {
                (stats.of_dirnames.len() + stats.of_filenames.len()) * size_of::<Option<Stat>>()
            }
            Self::Usage(found) => found.linked.len() * size_of::<(Identity, Size)>(),
        }
    }
}

/// The status of each entry, in the order of the names, or `None` if the entry is gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) of_dirnames: Vec<Option<Stat>>,
    pub(crate) of_filenames: Vec<Option<Stat>>,
}

/// The space that a directory and its entries take, without the entries of subdirectories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) bytes: u64,
    pub(crate) allocated: u64,
    pub(crate) files: u64,
    pub(crate) directories: u64,
    /// Files with several names, which are counted once in the whole tree.
    pub(crate) linked: Vec<(Identity, Size)>,
    pub(crate) errors: Vec<(CString, Error)>,
}

/// The space that one file takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) allocated: u64,
}

impl Size {
    pub(crate) fn of(stat: &FileStat) -> Self {
        // Of other types the size means nothing, or something else on each file system.
        let has_contents =
            matches!(FileType::from_mode(stat.st_mode), FileType::File | FileType::SymbolicLink);
        let bytes = if has_contents { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
        Self { bytes, allocated: u64::try_from(stat.st_blocks).unwrap_or(0) * 512 }
    }
}

impl Work {
    /// Lists a directory and does the work there. Returns `None` if `is_enough` stops the
    /// listing; it gets the bytes that the names take.
    pub(crate) fn list(
        self,
        fd: BorrowedFd<'_>,
        reader: &mut Reader,
        links: Links,
        is_enough: impl Fn(usize) -> bool,
    ) -> Result<Option<Listing>> {
        let mut found = Box::<Found>::default();
        if let Self::Usage(device) = self {
            let own = retry("fstat", || fstat(fd))?;
            if device.is_some_and(|device| device != own.st_dev) {
                return Ok(Some(Listing { outcome: Outcome::Usage(found), ..Listing::default() }));
            }
            found.directories = 1;
            found.allocated = Size::of(&own).allocated;
        }
        let Some(mut listing) = reader.read(fd, links, &is_enough)? else {
            return Ok(None);
        };
        let is_over = || is_enough(0);
        match self {
            Self::Nothing => {}
            Self::Stats => listing.look_at_all(fd, is_over),
            Self::Usage(_) => {
                let names = std::mem::take(&mut listing.filenames);
                found.add_files(fd, &names, is_over);
                listing.outcome = Outcome::Usage(found);
            }
            Self::Remove => listing.filenames = remove(fd, &listing.filenames, is_over),
        }
        Ok(Some(listing))
    }
}

impl Listing {
    pub(crate) fn look_at_all(&mut self, fd: BorrowedFd<'_>, is_over: impl Fn() -> bool) {
        let of_dirnames = stats(fd, &self.dirnames, &is_over);
        let of_filenames = stats(fd, &self.filenames, &is_over);
        self.outcome = Outcome::Stats(Stats { of_dirnames, of_filenames });
    }
}

impl Found {
    fn add_files(&mut self, fd: BorrowedFd<'_>, names: &Names, is_over: impl Fn() -> bool) {
        for (name, _) in names.iter().take_while(|_| !is_over()) {
            match retry("fstatat", || fstatat(fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)) {
                Ok(stat) => self.add_file(&stat),
                Err(error) if error.is(libc::ENOENT) => {}
                Err(error) => self.errors.push((name.to_owned(), error)),
            }
        }
    }

    /// Adds a file, or puts it aside if it has other names.
    pub(crate) fn add_file(&mut self, stat: &FileStat) {
        let size = Size::of(stat);
        if stat.st_nlink > 1 {
            self.linked.push((Identity::from(stat), size));
        } else {
            self.files += 1;
            self.bytes += size.bytes;
            self.allocated += size.allocated;
        }
    }
}

fn stats(fd: BorrowedFd<'_>, names: &Names, is_over: &impl Fn() -> bool) -> Vec<Option<Stat>> {
    let look = |name: &CStr| stat::fstatat(Some(fd), name, false).ok();
    names.iter().map(|(name, _)| if is_over() { None } else { look(name) }).collect()
}

// Returns what is left.
fn remove(fd: BorrowedFd<'_>, names: &Names, is_over: impl Fn() -> bool) -> Names {
    let mut left = Names::default();
    for (name, file_type) in names {
        let is_gone = !is_over()
            && unlink(Some(fd), name).map_or_else(|error| error.is(libc::ENOENT), |()| true);
        if !is_gone {
            left.push(name, file_type);
        }
    }
    left
}
