//! The space that a tree takes on disk.

use std::collections::HashSet;
use std::ffi::{CStr, OsStr};
use std::ops::{AddAssign, Sub};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use crate::error::{Error, Result, retry};
use crate::files::descriptors::{Identity, directory};
use crate::files::directory::open_directory;
use crate::files::name_list::FileType;
use crate::tree::rmtree::Progress;
use crate::tree::subtrees::Subtrees;
use crate::tree::walk::{Step, Walk, WalkOptions};
use crate::tree::work::{Found, Outcome, Size, Work};

/// The space that a tree takes; see [`DiskUsage::usage`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The sizes of all regular files, and the lengths of the texts of all symbolic links.
    pub bytes: u64,
    /// The number of bytes that the file system allocated for all entries, including directories.
    pub allocated: u64,
    /// How many entries are not directories.
    pub files: u64,
    /// How many directories there are, including the top.
    pub directories: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.allocated += other.allocated;
        self.files += other.files;
        self.directories += other.directories;
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            bytes: self.bytes - other.bytes,
            allocated: self.allocated - other.allocated,
            files: self.files - other.files,
            directories: self.directories - other.directories,
        }
    }
}

/// A directory, and the space that it takes with everything below it; see
/// [`DiskUsage::take_largest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryUsage {
    /// The path of the directory, which begins with the path of the tree.
    pub path: PathBuf,
    /// The space that it takes.
    pub usage: Usage,
}

/// How to add up; see [`DiskUsage::new`].
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageOptions {
    /// Whether directories on other devices are left out, as `du -x` does. False by default.
    pub one_file_system: bool,
    /// How many threads help; see [`Walk::threads`]. `None`, the default, chooses.
    pub threads: Option<usize>,
    /// How many directories [`DiskUsage::take_largest`] returns. None by default.
    pub largest: usize,
}

/// Adds up what a tree takes, as `du -s` does, some directories at a time.
///
/// A file with several names in the tree is counted once. Symbolic links are counted, not
/// followed. Trees can have any depth; at most 128 descriptors are open at once.
///
/// ```
/// use fdkit::{DiskUsage, Progress, UsageOptions};
///
/// let mut usage = DiskUsage::new(None, c"src", UsageOptions::default())?;
/// loop {
///     match usage.step(100) {
///         Progress::More => {}
///         Progress::Failed(path, error) => eprintln!("{}: {error}", path.display()),
///         Progress::Done => break,
///     }
/// }
/// assert!(usage.usage().bytes > 1000);
/// # Ok::<(), fdkit::Error>(())
/// ```
#[derive(Debug)]
pub struct DiskUsage {
    // `None` if the top is no directory.
    walk: Option<Walk<'static>>,
    usage: Usage,
    linked: HashSet<Identity>,
    subtrees: Option<Subtrees>,
    // Failures within the directory that the walk is at, the last first.
    failed: Vec<(PathBuf, Error)>,
}

impl DiskUsage {
    /// Opens the tree at `path`, which is relative to `dir_fd` or to the working directory. If
    /// it is not a directory, that entry is counted.
    ///
    /// # Errors
    /// `ENOENT`: it does not exist; `EACCES`, `EMFILE` …
    pub fn new(dir_fd: Option<BorrowedFd<'_>>, path: &CStr, options: UsageOptions) -> Result<Self> {
        let start = directory(dir_fd);
        let stat = retry("fstatat", || fstatat(start, path, AtFlags::AT_SYMLINK_NOFOLLOW))?;
        let mut counted = Self {
            walk: None,
            usage: Usage::default(),
            linked: HashSet::new(),
            subtrees: (options.largest > 0).then(|| Subtrees::new(path, options.largest)),
            failed: Vec::new(),
        };
        if FileType::from_mode(stat.st_mode) == FileType::Directory {
            let top = open_directory(start, path, false)?;
            let work = Work::Usage(options.one_file_system.then_some(stat.st_dev));
            let walk = Walk::of_work(path, top, WalkOptions::default(), work);
            counted.walk = Some(match options.threads {
                Some(threads) => walk.threads(threads),
                None => walk,
            });
        } else {
            let mut found = Found::default();
            found.add_file(&stat);
            counted.add(&found);
        }
        Ok(counted)
    }

    /// Sets a flag that ends the work from any thread: further steps return
    /// [`Progress::Done`], and a step that is under way does so soon.
    #[must_use]
    pub fn interrupted_by(mut self, flag: Arc<AtomicBool>) -> Self {
        if let Some(walk) = &mut self.walk {
            walk.interrupted_by(flag);
        }
        self
    }

    /// Returns what was counted so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The path of the directory that was counted last, empty at the end.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.walk.as_ref().map_or(Path::new(""), Walk::path)
    }

    /// Returns the directories that take the most [`bytes`](Usage::bytes) with everything below
    /// them, the largest first, at most [`UsageOptions::largest`] of those that are complete: at
    /// the end, that is all of them. Directories of the same size are in the order of their paths.
    ///
    /// A file with several names counts for the directory in which the walk finds it first.
    ///
    /// ```
    /// use fdkit::{DiskUsage, Progress, UsageOptions};
    ///
    /// let options = UsageOptions { largest: 3, ..UsageOptions::default() };
    /// let mut usage = DiskUsage::new(None, c"src", options)?;
    /// while usage.step(100) != Progress::Done {}
    /// let largest = usage.take_largest();
    /// assert_eq!(largest.first().map(|top| top.usage), Some(usage.usage()));
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    pub fn take_largest(&mut self) -> Vec<DirectoryUsage> {
        self.subtrees.take().map(Subtrees::into_largest).unwrap_or_default()
    }

    /// Counts up to `most` directories with what is in them, or up to the first failure. The
    /// rest is counted all the same.
    pub fn step(&mut self, most: usize) -> Progress {
        for _ in 0..most {
            if let Some((path, error)) = self.failed.pop() {
                return Progress::Failed(path, error);
            }
            let Some(walk) = &mut self.walk else {
                return Progress::Done;
            };
            match walk.step() {
                Ok(Some(Step::Directory)) => self.count(),
                Ok(Some(Step::Skipped(error))) => {
                    return Progress::Failed(walk.path().to_path_buf(), error);
                }
                Ok(None) => {
                    self.walk = None;
                    return Progress::Done;
                }
                Err(error) => {
                    let path = walk.path().to_path_buf();
                    self.walk = None;
                    return Progress::Failed(path, error);
                }
            }
        }
        Progress::More
    }

    fn count(&mut self) {
        let Some(walk) = &mut self.walk else { return };
        if let Outcome::Usage(found) = walk.take_outcome() {
            let at = |name: &CStr| walk.path().join(OsStr::from_bytes(name.to_bytes()));
            let errors = found.errors.iter().rev();
            self.failed.extend(errors.map(|(name, error)| (at(name), *error)));
            let before = self.usage;
            self.add(&found);
            self.enter(self.usage - before);
        }
    }

    // Passes on what the directory takes without its subdirectories.
    fn enter(&mut self, own: Usage) {
        // A directory on another device has nothing, and is none of the directories.
        let (Some(walk), Some(subtrees)) = (&mut self.walk, &mut self.subtrees) else { return };
        if own.directories > 0 {
            let kept = walk.kept();
            // Its parent was entered, so at most one name is new.
            let name = walk.take_new_names().last();
            subtrees.enter(kept, name, own);
        }
    }

    fn add(&mut self, found: &Found) {
        self.usage.bytes += found.bytes;
        self.usage.allocated += found.allocated;
        self.usage.files += found.files;
        self.usage.directories += found.directories;
        for &(identity, Size { bytes, allocated }) in &found.linked {
            if self.linked.insert(identity) {
                self.usage.files += 1;
                self.usage.bytes += bytes;
                self.usage.allocated += allocated;
            }
        }
    }
}
