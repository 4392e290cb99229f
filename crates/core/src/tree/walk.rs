//! The walk: a state machine that goes through a tree one directory at a time.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::files::descriptors::{Identity, Mount, directory};
use crate::files::name_list::{FileType, Names};
use crate::files::stat::Stat;
use crate::tree::ahead::{Looker, Manner};
use crate::tree::levels::{Levels, MIN_OPEN};
use crate::tree::listing::Listing;
use crate::tree::work::{Outcome, Stats, Work};

/// How many directories a tree must have before threads are started: to start one takes as long
/// as to list some.
const ENOUGH: usize = 48;

/// How to walk; see [`Walk::new`].
#[derive(Clone, Copy, Debug)]
pub struct WalkOptions {
    /// A directory before what is in it; else after.
    pub topdown: bool,
    /// Whether links to directories are entered. A directory that is its own ancestor never is.
    pub follow_symlinks: bool,
    /// How many descriptors the walk holds at most, however deep the tree; at least 4.
    pub max_open: usize,
}

impl WalkOptions {
    /// The least that [`max_open`](Self::max_open) can be; smaller values count as this.
    pub const MIN_OPEN: usize = MIN_OPEN;
}

impl Default for WalkOptions {
    /// Python's defaults, and 128 descriptors.
    fn default() -> Self {
        Self { topdown: true, follow_symlinks: false, max_open: 128 }
    }
}

/// The result of a step. The [`Walk`] has the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A directory was listed: see [`Walk::path`], [`Walk::dirnames`], [`Walk::filenames`] and
    /// [`Walk::fd`].
    Directory,
    /// The directory at [`Walk::path`] was to be visited, and was not.
    Skipped(Error),
}

/// A walk through a directory tree, as Python's `os.fwalk`.
///
/// Links are told from directories by opening with `O_NOFOLLOW`, so nothing that is swapped
/// for a link meanwhile leads the walk out of the tree. Dropping the walk closes whatever it
/// holds.
///
/// ```
/// use fdkit::{Step, Walk, WalkOptions};
///
/// let mut walk = Walk::new(c".", None, WalkOptions::default());
/// let mut seen = Vec::new();
/// while let Some(step) = walk.step()? {
///     if step == Step::Directory {
///         seen.push(walk.path().to_path_buf());
///         // Only what is called src is entered.
///         let names = walk.dirnames().iter().map(|(name, _)| name.to_owned());
///         let names: Vec<_> = names.filter(|name| name.as_c_str() == c"src").collect();
///         walk.set_dirnames(names.iter().map(|name| name.to_bytes()))?;
///     }
/// }
/// assert_eq!(seen, [".".as_ref(), "./src".as_ref()] as [&std::path::Path; 2]);
/// # Ok::<(), fdkit::Error>(())
/// ```
#[derive(Debug)]
pub struct Walk<'fd> {
    pub(super) options: WalkOptions,
    pub(super) start: Option<Start<'fd>>,
    pub(super) levels: Levels,
    pub(super) ancestors: HashSet<Identity>,
    pub(super) looker: Looker,
    pub(super) manner: Manner,
    pub(super) ahead: ReadAhead,
    pub(super) kept: usize,
    pub(super) interrupted: Arc<AtomicBool>,
}

#[derive(Debug)]
pub(super) struct ReadAhead {
    // `None`: as many as the machine suggests.
    pub(super) threads: Option<usize>,
    // How many directories were found so far, until threads are started.
    pub(super) known: usize,
    pub(super) enough: usize,
    pub(super) is_started: bool,
}

#[derive(Debug)]
pub(super) enum Start<'fd> {
    Path(CString, Option<BorrowedFd<'fd>>),
    // The name of the top in the paths, and a single name in a directory that is open.
    Name(CString, OwnedFd, CString),
    Open(CString, OwnedFd),
}

impl<'fd> Walk<'fd> {
    /// A walk from `top`, which is relative to `dir_fd`, or to the working directory. Nothing
    /// is opened before the first [`step`](Self::step).
    #[must_use]
    pub fn new(top: &CStr, dir_fd: Option<BorrowedFd<'fd>>, options: WalkOptions) -> Self {
        Self {
            options,
            start: Some(Start::Path(top.to_owned(), dir_fd)),
            levels: Levels::new(options.max_open),
            ancestors: HashSet::new(),
            looker: Looker::default(),
            manner: Manner {
                is_exact: true,
                links_are_files: false,
                follows: options.follow_symlinks,
                work: Work::Nothing,
                mount: None,
            },
            ahead: ReadAhead { threads: None, known: 0, enough: ENOUGH, is_started: false },
            kept: 0,
            interrupted: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Starts at the directory called `name` in `parent` instead, whose path stays `top`. It has no
    /// effect after the first [`step`](Self::step).
    pub fn start_at(&mut self, parent: OwnedFd, name: CString) {
        if let Some(Start::Path(top, _)) = &self.start {
            self.start = Some(Start::Name(top.clone(), parent, name));
        }
    }

    /// Refuses directories that are on another mounted file system than `fd`: each is
    /// [`Step::Skipped`] with `EXDEV`, or an error if it is the top.
    ///
    /// # Errors
    /// `EBADF`: `fd` is not open.
    pub fn stay_on_mount_of(&mut self, fd: BorrowedFd<'_>) -> Result<()> {
        self.manner.mount = Some(Mount::of(fd)?);
        Ok(())
    }

    /// A walk from a directory that is open already, called `top` in the paths. Links to
    /// directories stand among the files, and what was listed ahead is not verified.
    pub(crate) fn of_work(top: &CStr, fd: OwnedFd, options: WalkOptions, work: Work) -> Self {
        let start = Some(Start::Open(top.to_owned(), fd));
        let manner =
            Manner { is_exact: false, links_are_files: true, follows: false, work, mount: None };
        Self { start, manner, ..Self::new(top, None, options) }
    }

    pub(crate) fn take_outcome(&mut self) -> Outcome {
        let last = self.levels.last_mut();
        last.map(|level| std::mem::take(&mut level.listing.outcome)).unwrap_or_default()
    }

    /// Sets how many threads list directories ahead of the walk. By default one for each core but
    /// one, at least 1 and at most 4. With 0 the walk lists each directory when it comes to it.
    ///
    /// The number of threads does not change what the walk yields. Threads start in a tree that has
    /// several dozen directories, and end with the walk. They list up to 64 directories ahead, or an eighth of
    /// `RLIMIT_NOFILE` if that is less, with up to 4 MiB of names. Their descriptors count
    /// towards [`WalkOptions::max_open`], and levels of the tree take precedence. Directories
    /// may be opened that are never visited.
    ///
    /// ```
    /// use fdkit::{Walk, WalkOptions};
    ///
    /// let mut walk = Walk::new(c"src", None, WalkOptions::default()).threads(2);
    /// assert!(walk.step()?.is_some());
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.ahead.threads = Some(threads);
        self
    }

    #[cfg(test)]
    pub(crate) fn descriptors(&self) -> (usize, usize) {
        self.levels.descriptors()
    }

    #[cfg(test)]
    pub(crate) fn started_at(mut self, known: usize) -> Self {
        self.ahead.enough = known;
        self
    }

    /// Sets whether each entry is looked at; see [`dirname_stats`](Self::dirname_stats). False
    /// by default. The threads that list ahead do it, as soon as they have listed a directory.
    ///
    /// ```
    /// use fdkit::{Walk, WalkOptions};
    ///
    /// let mut walk = Walk::new(c"src", None, WalkOptions::default()).stats(true);
    /// walk.step()?;
    /// let sizes = walk.filename_stats().iter().flatten().map(|stat| stat.size);
    /// assert!(sizes.sum::<i64>() > 0);
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    #[must_use]
    pub fn stats(mut self, stats: bool) -> Self {
        self.manner.work = if stats { Work::Stats } else { Work::Nothing };
        self
    }

    /// Sets whether a directory that was listed ahead is looked at again when the walk comes to
    /// it, and listed again if it may have changed. True by default.
    ///
    /// If false, a directory may have been listed some time before it is yielded, which saves a
    /// system call each. Its descriptor is of the directory that was listed.
    ///
    /// Whether a directory changed is told by its device, inode and change time. That works on
    /// ext4, XFS, Btrfs, tmpfs, overlayfs and APFS; on others, and shortly after a directory
    /// changed, nothing is listed ahead.
    #[must_use]
    pub fn exact(mut self, exact: bool) -> Self {
        self.manner.is_exact = exact;
        self
    }

    /// Goes on to the next directory; `None` at the end, when everything is closed.
    ///
    /// # Errors
    /// The top cannot be opened or listed: the walk is over. A top that is a link (without
    /// `follow_symlinks`) or no directory is [`Step::Skipped`] instead, and so are directories
    /// below it: `ENOTDIR` or `ELOOP` for one that was swapped for a link, `ELOOP` for one that
    /// is its own ancestor, `ESTALE` for one whose descriptor was given up and that has been
    /// moved away since, `ENOENT`, `EACCES`, `EMFILE` …
    pub fn step(&mut self) -> Result<Option<Step>> {
        self.levels.trim_path();
        self.kept = self.kept.min(self.levels.depth());
        let step = match self.start.take() {
            Some(Start::Path(top, dir_fd)) => self.enter_top(&top, directory(dir_fd), &top)?,
            Some(Start::Name(top, parent, name)) => self.enter_top(&top, parent.as_fd(), &name)?,
            Some(Start::Open(top, fd)) => {
                self.list(&top, fd, false)?;
                self.advance_from_new()
            }
            None => self.advance(),
        };
        if step.is_none() {
            self.close();
        }
        Ok(step)
    }

    /// The path of the directory that the last step came to: `top`, and the names below it
    /// joined as `os.path.join` joins them.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.levels.path()))
    }

    /// How many names of [`path`](Self::path), `top` not counted, the step before had too.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// The names of [`path`](Self::path) after the first [`kept`](Self::kept), and makes them
    /// kept. With these a caller keeps a path of its own at a cost that does not grow with depth.
    pub fn take_new_names(&mut self) -> impl ExactSizeIterator<Item = &[u8]> {
        let from = self.kept + 1;
        self.kept = self.levels.depth();
        self.levels.names(from)
    }

    /// The descriptor of the directory that the last step came to. It is the walk's, and good
    /// until the next step.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.levels.last_fd()
    }

    /// The directories in it, and the links to directories, in the file system's order.
    #[must_use]
    pub fn dirnames(&self) -> &Names {
        self.listing().map_or(&NO_NAMES, |listing| &listing.dirnames)
    }

    /// Everything else in it.
    #[must_use]
    pub fn filenames(&self) -> &Names {
        self.listing().map_or(&NO_NAMES, |listing| &listing.filenames)
    }

    /// With [`stats`](Self::stats), what is known of each of [`dirnames`](Self::dirnames), in
    /// the same order, without following links. `None` for an entry that vanished. An entry may
    /// have been looked at somewhat earlier than the directory was yielded: when it was listed.
    #[must_use]
    pub fn dirname_stats(&self) -> &[Option<Stat>] {
        self.all_stats().map_or(&[], |stats| &stats.of_dirnames)
    }

    /// As [`dirname_stats`](Self::dirname_stats), for [`filenames`](Self::filenames).
    #[must_use]
    pub fn filename_stats(&self) -> &[Option<Stat>] {
        self.all_stats().map_or(&[], |stats| &stats.of_filenames)
    }

    fn all_stats(&self) -> Option<&Stats> {
        match &self.listing()?.outcome {
            Outcome::Stats(stats) => Some(stats),
            _ => None,
        }
    }

    /// Says which directories are visited next, in which order, instead of
    /// [`dirnames`](Self::dirnames). Bottom-up it is too late for that, and nothing changes.
    ///
    /// # Errors
    /// `EINVAL`: a name is not a single component: empty, `.`, `..`, or with `/` or NUL.
    pub fn set_dirnames<'n>(&mut self, names: impl IntoIterator<Item = &'n [u8]>) -> Result<()> {
        let topdown = self.options.topdown;
        let Some(level) = self.levels.last_mut().filter(|_| topdown) else {
            return Ok(());
        };
        let mut chosen = Names::default();
        let listed: HashMap<&CStr, FileType> = level.listing.dirnames.iter().collect();
        for name in names {
            let component = CString::new(name).ok().filter(|_| is_component(name));
            let name = component.ok_or(Error::new(libc::EINVAL, "openat"))?;
            let file_type = listed.get(name.as_c_str());
            chosen.push(&name, file_type.copied().unwrap_or(FileType::Unknown));
        }
        level.listing.dirnames = Arc::new(chosen);
        level.cursor = 0;
        self.levels.push_ahead(true);
        Ok(())
    }

    /// Set from any thread, it ends the walk at the next directory, even within a step.
    #[must_use]
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    pub(crate) fn interrupted_by(&mut self, flag: Arc<AtomicBool>) {
        self.interrupted = flag;
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Ends the walk: everything is closed, and further steps give `None`.
    pub fn close(&mut self) {
        self.start = None;
        self.levels = Levels::new(self.options.max_open);
        self.looker = Looker::default();
        self.ancestors = HashSet::new();
    }

    fn listing(&self) -> Option<&Listing> {
        Some(&self.levels.last()?.listing)
    }
}

static NO_NAMES: Names = Names::new();

fn is_component(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
}
