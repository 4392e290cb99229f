//! The walk: a state machine that goes through a tree one directory at a time.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use crate::error::{Error, Result, retry};
use crate::files::descriptors::{Identity, directory};
use crate::files::listing::{Buffer, Listing};
use crate::files::name_list::{FileType, Names};
use crate::tree::levels::{Levels, MIN_OPEN, open_directory};

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

/// What a step came to; the [`Walk`] tells the rest.
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
    options: WalkOptions,
    start: Option<Start<'fd>>,
    levels: Levels,
    ancestors: HashSet<Identity>,
    buffer: Buffer,
    scratch: Listing,
    kept: usize,
    interrupted: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Start<'fd> {
    Path(CString, Option<BorrowedFd<'fd>>),
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
            buffer: Buffer::default(),
            scratch: Listing::default(),
            kept: 0,
            interrupted: Arc::new(AtomicBool::new(false)),
        }
    }

    /// A walk from a directory that is open already, called `top` in the paths. Links to
    /// directories stand among the files.
    pub(crate) fn of_links_as_files(top: &CStr, fd: OwnedFd, options: WalkOptions) -> Self {
        let start = Some(Start::Open(top.to_owned(), fd));
        let scratch = Listing { links_are_files: true, ..Listing::default() };
        Self { start, scratch, ..Self::new(top, None, options) }
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
            Some(Start::Path(top, dir_fd)) => {
                let entered = self.enter_top(&top, dir_fd);
                entered.inspect_err(|_| {
                    self.levels.push_name(top.to_bytes());
                })?
            }
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
        level.listing.dirnames = chosen;
        level.cursor = 0;
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
        self.buffer = Buffer::default();
        self.scratch = Listing::default();
        self.ancestors = HashSet::new();
    }

    fn listing(&self) -> Option<&Listing> {
        Some(&self.levels.last()?.listing)
    }

    fn enter_top(&mut self, top: &CStr, dir_fd: Option<BorrowedFd<'_>>) -> Result<Option<Step>> {
        let start = directory(dir_fd);
        let follow = self.options.follow_symlinks;
        match open_directory(start, top, follow) {
            Ok(fd) => {
                // A closed level is never looked for above the top, which stays open.
                self.list(top, fd, false)?;
                Ok(self.advance_from_new())
            }
            Err(error) if !follow && is_not_a_directory(&error) => {
                // The same numbers come from a component before the last: then it is an error.
                retry("fstatat", || fstatat(start, top, AtFlags::AT_SYMLINK_NOFOLLOW))?;
                self.levels.push_name(top.to_bytes());
                Ok(Some(Step::Skipped(error)))
            }
            Err(error) => Err(error),
        }
    }

    fn advance_from_new(&mut self) -> Option<Step> {
        if self.options.topdown { Some(Step::Directory) } else { self.advance() }
    }

    fn advance(&mut self) -> Option<Step> {
        loop {
            if self.is_interrupted() {
                return None;
            }
            let level = self.levels.last_mut()?;
            if self.options.topdown {
                level.listing.filenames = Names::default();
            }
            let child = level.listing.dirnames.next(&mut level.cursor);
            if let Some((name, file_type)) = child {
                let name = name.to_owned();
                match self.enter(&name, file_type) {
                    Ok(true) if self.options.topdown => return Some(Step::Directory),
                    Ok(_) => {}
                    Err(error) => {
                        self.levels.push_name(name.to_bytes());
                        return Some(Step::Skipped(error));
                    }
                }
            } else if self.options.topdown || level.is_yielded {
                self.leave();
            } else {
                level.is_yielded = true;
                return Some(match self.levels.reopen_last() {
                    Ok(()) => Step::Directory,
                    Err(error) => Step::Skipped(error),
                });
            }
        }
    }

    /// Goes down into a child; false where it is a link that is not to be followed.
    fn enter(&mut self, name: &CStr, file_type: FileType) -> Result<bool> {
        let follow = self.options.follow_symlinks;
        match self.levels.open_child(name, follow) {
            Ok(fd) => {
                self.list(name, fd, follow && file_type != FileType::Directory)?;
                Ok(true)
            }
            Err(error)
                if !follow && file_type == FileType::SymbolicLink && may_be_a_link(&error) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn list(&mut self, name: &CStr, fd: OwnedFd, through_link: bool) -> Result<()> {
        let mut identity = None;
        if self.options.follow_symlinks {
            let own = Identity::of(fd.as_fd())?;
            if self.ancestors.contains(&own) {
                return Err(Error::new(libc::ELOOP, "openat"));
            }
            identity = Some(own);
        }
        let listing = Listing::read(fd.as_fd(), &mut self.buffer, &mut self.scratch)?;
        self.levels.push(name.to_bytes(), fd, through_link, identity, listing);
        self.ancestors.extend(identity);
        Ok(())
    }

    fn leave(&mut self) {
        let left = self.levels.pop();
        self.kept = self.kept.min(self.levels.depth());
        if self.options.follow_symlinks
            && let Some(identity) = left.and_then(|level| level.identity)
        {
            self.ancestors.remove(&identity);
        }
    }
}

static NO_NAMES: Names = Names::new();

fn is_component(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
}

/// Whether what was listed as a link may well still be one: opening it said so, or failed for
/// reasons that are not its own.
fn may_be_a_link(error: &Error) -> bool {
    is_not_a_directory(error) || matches!(error.errno(), libc::ESTALE | libc::EMFILE | libc::ENFILE)
}

/// What `O_NOFOLLOW | O_DIRECTORY` answers to a link, or to anything but a directory.
fn is_not_a_directory(error: &Error) -> bool {
    matches!(error.errno(), libc::ENOTDIR | libc::ELOOP)
}
