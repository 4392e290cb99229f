//! Deleting a tree, on the walk: any depth, bounded descriptors, and never out of the tree.

use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::files::descriptors::directory;
use crate::files::directory::{open_directory, open_parent};
use crate::files::names::{rmdir, unlink};
use crate::tree::walk::{Step, Walk, WalkOptions};
use crate::tree::work::Work;

/// How far [`Rmtree::step`] or [`DiskUsage::step`](crate::DiskUsage::step) has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// This could not be removed or counted. Further steps go on with the rest.
    Failed(PathBuf, Error),
    /// Nothing is left to do.
    Done,
}

/// Removes a directory and everything below it, some entries at a time.
///
/// Every name is removed relative to the directory that was listed, and links are removed, not
/// followed. So nothing outside the tree is touched, even if others rename, swap or link entries
/// during the deletion. An entry that vanishes during the deletion is not an error.
///
/// ```
/// use fdkit::{Progress, Rmtree};
///
/// let top = std::env::temp_dir().join(format!("fdkit-doc-rmtree-{}", std::process::id()));
/// std::fs::create_dir_all(top.join("a/b"))?;
/// let path = std::ffi::CString::new(top.as_os_str().as_encoded_bytes())?;
/// let mut rmtree = Rmtree::new(None, &path)?;
/// while rmtree.step(1000) != Progress::Done {}
/// assert!(!top.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Rmtree {
    // The top is removed from here, not by its path, which may lead elsewhere by then.
    parent: OwnedFd,
    name: CString,
    path: PathBuf,
    walk: Walk<'static>,
    state: State,
    // Directories that stay, which is known already.
    failed: HashSet<PathBuf>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    // Between two directories.
    Walking,
    // In one, removing what is not a directory from this place of its list on.
    Files(usize),
    // In one, removing the directories, which are empty by now.
    Directories(usize),
    Done,
}

impl Rmtree {
    /// Opens the tree at `path`, which is relative to `dir_fd` or to the working directory.
    ///
    /// # Errors
    /// `ENOTDIR`: a link or no directory; `ENOENT`, `EACCES`, `EMFILE` …
    pub fn new(dir_fd: Option<BorrowedFd<'_>>, path: &CStr) -> Result<Self> {
        let (above, name) = split(path);
        let parent = open_parent(directory(dir_fd), &above)?;
        let top = open_directory(parent.as_fd(), &name, false)?;
        let options = WalkOptions { topdown: false, ..WalkOptions::default() };
        Ok(Self {
            parent,
            name,
            path: OsStr::from_bytes(path.to_bytes()).into(),
            walk: Walk::of_work(path, top, options, Work::Remove),
            state: State::Walking,
            failed: HashSet::new(),
        })
    }

    /// Sets a flag that stops the deletion. Any thread may set it. A step that is running returns at
    /// the next directory, instead of going down to the end of a branch, and nothing more is
    /// removed.
    #[must_use]
    pub fn interrupted_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.walk.interrupted_by(flag);
        self
    }

    /// Sets how many threads help; see [`Walk::threads`]. Each empties one directory after the
    /// other, also between two steps.
    ///
    /// The order in which entries are removed depends on it. Which are, and which failures are
    /// returned in which order, does not.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.walk = self.walk.threads(threads);
        self
    }

    /// Removes up to `most` entries, or up to the first that cannot be removed. Entries
    /// that other threads remove are not counted.
    pub fn step(&mut self, most: usize) -> Progress {
        for _ in 0..most {
            let progress = match self.state {
                State::Walking => self.walk(),
                State::Files(cursor) => self.remove_file(cursor),
                State::Directories(cursor) => self.remove_directory(cursor),
                State::Done => Progress::Done,
            };
            if progress != Progress::More {
                return progress;
            }
        }
        Progress::More
    }

    fn walk(&mut self) -> Progress {
        match self.walk.step() {
            Ok(Some(Step::Directory)) => {
                self.state = State::Files(0);
                Progress::More
            }
            Ok(Some(Step::Skipped(error))) => self.skip(error),
            Ok(None) if self.walk.is_interrupted() => {
                self.state = State::Done;
                Progress::Done
            }
            Ok(None) => {
                self.state = State::Done;
                match tolerate_absence(rmdir(Some(self.parent.as_fd()), &self.name)) {
                    Ok(()) => Progress::More,
                    Err(error) => Progress::Failed(self.path.clone(), error),
                }
            }
            // The top itself cannot be listed.
            Err(error) => {
                self.state = State::Done;
                Progress::Failed(self.path.clone(), error)
            }
        }
    }

    // A directory that cannot be listed can still be removed if it is empty.
    fn skip(&mut self, error: Error) -> Progress {
        let path = self.walk.path().to_path_buf();
        let name = path.file_name().and_then(|name| CString::new(name.as_bytes()).ok());
        let removed = match (self.walk.fd(), name) {
            (Some(fd), Some(name)) => tolerate_absence(rmdir(Some(fd), &name)),
            _ => Err(error),
        };
        if removed.is_ok() {
            return Progress::More;
        }
        self.failed.insert(path.clone());
        Progress::Failed(path, error)
    }

    fn remove_file(&mut self, mut cursor: usize) -> Progress {
        let Some((name, _)) = self.walk.filenames().next(&mut cursor) else {
            self.state = State::Directories(0);
            return Progress::More;
        };
        let removed = tolerate_absence(unlink(self.walk.fd(), name));
        let progress = removed.map_or_else(|error| self.failure(name, error), |()| Progress::More);
        self.state = State::Files(cursor);
        progress
    }

    fn remove_directory(&mut self, mut cursor: usize) -> Progress {
        let Some((name, _)) = self.walk.dirnames().next(&mut cursor) else {
            self.state = State::Walking;
            return Progress::More;
        };
        let progress = match tolerate_absence(rmdir(self.walk.fd(), name)) {
            Err(error) => match self.failure(name, error) {
                Progress::Failed(path, _) if self.failed.contains(&path) => Progress::More,
                failure => failure,
            },
            Ok(()) => Progress::More,
        };
        self.state = State::Directories(cursor);
        progress
    }

    fn failure(&self, name: &CStr, error: Error) -> Progress {
        let name = OsStr::from_bytes(name.to_bytes());
        Progress::Failed(self.walk.path().join(name), error)
    }
}

fn tolerate_absence(result: Result<()>) -> Result<()> {
    result.or_else(|error| if error.is(libc::ENOENT) { Ok(()) } else { Err(error) })
}

/// A path's parent and its last name. Slashes at the end would make `O_NOFOLLOW` follow a link.
pub(crate) fn split(path: &CStr) -> (CString, CString) {
    let bytes = path.to_bytes();
    let is_slash = |byte: &u8| *byte == b'/';
    let end = bytes.iter().rposition(|byte| !is_slash(byte)).map_or(0, |last| last + 1);
    let (trimmed, _) = bytes.split_at(end);
    let start = trimmed.iter().rposition(is_slash).map_or(0, |slash| slash + 1);
    let (above, name) = trimmed.split_at(start);
    let or_here = |part: &[u8]| CString::new(part).unwrap_or_default();
    match (above.is_empty(), name.is_empty(), bytes.is_empty()) {
        (_, _, true) => (or_here(b"."), CString::default()),
        (_, true, _) => (or_here(b"/"), or_here(b".")),
        (true, ..) => (or_here(b"."), or_here(name)),
        _ => (or_here(above), or_here(name)),
    }
}
