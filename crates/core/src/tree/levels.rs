//! The directories between the top of a walk and where it stands, with a bounded number of
//! descriptors.
//!
//! The oldest levels' descriptors are closed when there are too many. A closed level is opened
//! again through `..` from a deeper one, or by name from the top, and device and inode must be
//! those that it had.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};

use crate::error::{Error, Result};
use crate::files::descriptors::Identity;
use crate::files::directory::open_directory;
use crate::tree::ahead::{Ahead, Found, Looker, Manner};
use crate::tree::listing::Listing;

/// The top, the level that is listed, its child, and one to find a closed level again.
pub(crate) const MIN_OPEN: usize = 4;

// Fewer descriptors are not worth a thread. To find out how many threads the machine runs takes
// one, too.
const SPARE: usize = 4;

// `../` for each level, in paths well below PATH_MAX.
const CLIMB: usize = 1024;

pub(crate) fn is_out_of_descriptors(error: &Error) -> bool {
    matches!(error.errno(), libc::EMFILE | libc::ENFILE)
}

/// One directory on the way down.
#[derive(Debug)]
pub(crate) struct Level {
    fd: Option<Arc<OwnedFd>>,
    // Known from the moment that the descriptor is first given up, or from the start.
    pub(crate) identity: Option<Identity>,
    through_link: bool,
    lost: bool,
    name_start: usize,
    name_end: usize,
    pub(crate) listing: Listing,
    /// Where in `listing.dirnames` the children still to be visited begin.
    pub(crate) cursor: usize,
    pub(crate) is_yielded: bool,
}

/// All levels, the top first.
#[derive(Debug)]
pub(crate) struct Levels {
    levels: Vec<Level>,
    path: Vec<u8>,
    // A level that was left, kept open while the one above it is closed: `..` leads there.
    below: Option<(Arc<OwnedFd>, usize)>,
    open: usize,
    max_open: usize,
    // No level between the top and this one is open.
    oldest_open: usize,
    // Takes only descriptors that the levels leave, so that it changes nothing for them.
    ahead: Option<Ahead>,
}

impl Levels {
    pub(crate) fn new(max_open: usize) -> Self {
        Self {
            levels: Vec::new(),
            path: Vec::new(),
            below: None,
            open: 0,
            max_open: max_open.max(MIN_OPEN),
            oldest_open: 1,
            ahead: None,
        }
    }

    /// How many names the path has below the top.
    pub(crate) fn depth(&self) -> usize {
        let extra = self.last().is_some_and(|level| level.name_end < self.path.len());
        self.levels.len().saturating_sub(1) + usize::from(extra)
    }

    pub(crate) fn last(&self) -> Option<&Level> {
        self.levels.last()
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    pub(crate) fn last_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.last()?.fd.as_ref()?.as_fd())
    }

    /// The path of the last level, or what [`push_name`](Self::push_name) has made of it.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Appends a name to the path, as `os.path.join` does. Where the name begins is returned.
    pub(crate) fn push_name(&mut self, name: &[u8]) -> usize {
        if !self.path.is_empty() && self.path.last() != Some(&b'/') {
            self.path.push(b'/');
        }
        let start = self.path.len();
        self.path.extend_from_slice(name);
        start
    }

    /// Cuts the path back to the last level's.
    pub(crate) fn trim_path(&mut self) {
        let end = self.last().map_or(self.path.len(), |level| level.name_end);
        self.path.truncate(end);
    }

    /// The names from the level `from` on (the top is level 0) to the end of the path.
    pub(crate) fn names(&self, from: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        (from..self.depth() + 1).map(|index| {
            let own = self.levels.get(index).map(|level| level.name_start..level.name_end);
            let name = own.and_then(|range| self.path.get(range));
            name.unwrap_or_else(|| self.extra_name())
        })
    }

    fn extra_name(&self) -> &[u8] {
        let end = self.last().map_or(0, |level| level.name_end);
        let name = self.path.get(end..).unwrap_or_default();
        name.strip_prefix(b"/").unwrap_or(name)
    }

    /// Adds a directory below the last. Its name is appended to the path.
    pub(crate) fn push(
        &mut self,
        name: &[u8],
        fd: Arc<OwnedFd>,
        through_link: bool,
        identity: Option<Identity>,
        listing: Listing,
    ) {
        let name_start = self.push_name(name);
        self.open += 1;
        self.levels.push(Level {
            fd: Some(fd),
            identity,
            through_link,
            lost: false,
            name_start,
            name_end: self.path.len(),
            listing,
            cursor: 0,
            is_yielded: false,
        });
    }

    /// Leaves the last level.
    pub(crate) fn pop(&mut self) -> Option<Level> {
        let mut level = self.levels.pop()?;
        self.trim_path();
        self.oldest_open = self.oldest_open.min(self.levels.len().max(1));
        if level.through_link {
            self.forget_below();
        }
        if let Some(fd) = level.fd.take() {
            let is_needed = self.last().is_some_and(|above| above.fd.is_none());
            self.forget_below();
            if is_needed && !level.through_link {
                self.below = Some((fd, self.levels.len()));
            } else {
                self.open -= 1;
            }
        }
        Some(level)
    }

    /// Prepares to read ahead: the queue gets everything that is still to be visited. There are no
    /// threads before [`Ahead::allow_threads`].
    pub(crate) fn start_ahead(&mut self, manner: Manner, interrupted: Arc<AtomicBool>) {
        let ahead = Ahead::new(manner, self.slots(), interrupted);
        for (index, level) in self.levels.iter().enumerate() {
            let parent = level.fd.as_ref().map_or_else(Weak::new, Arc::downgrade);
            ahead.push(index + 1, parent, &level.listing.dirnames, level.cursor);
        }
        self.ahead = Some(ahead);
    }

    /// How many descriptors there are, or may be at any moment, and how many there may be.
    #[cfg(test)]
    pub(crate) fn descriptors(&self) -> (usize, usize) {
        (self.open + self.ahead.as_ref().map_or(0, Ahead::descriptors), self.max_open)
    }

    /// Whether there are descriptors left for a read-ahead.
    pub(crate) fn has_spare(&self) -> bool {
        self.open + SPARE <= self.max_open
    }

    // How many descriptors are left for a read-ahead, less one for the next level.
    fn slots(&self) -> usize {
        self.max_open.saturating_sub(self.open + 1)
    }

    pub(crate) fn ahead(&self) -> Option<&Ahead> {
        self.ahead.as_ref()
    }

    /// Tells the threads the children of the last level. With `replace`, other children than
    /// they were told before.
    pub(crate) fn push_ahead(&self, replace: bool) {
        if let (Some(ahead), Some(last)) = (&self.ahead, self.last()) {
            let parent = last.fd.as_ref().map_or_else(Weak::new, Arc::downgrade);
            let (depth, names) = (self.levels.len(), &last.listing.dirnames);
            if replace {
                ahead.replace(depth, &parent, names);
            } else {
                ahead.push(depth, parent, names, 0);
            }
        }
    }

    /// Returns the child of the last level that is visited next, if it was listed ahead.
    pub(crate) fn take_ahead(&self, name: &CStr, looker: &mut Looker) -> Found {
        let parent = self.last().and_then(|level| level.fd.as_ref());
        match self.ahead.as_ref().zip(parent) {
            Some((ahead, parent)) => {
                ahead.take(self.levels.len(), name, parent, self.slots(), looker)
            }
            None => Found::Nothing,
        }
    }

    /// Returns whether the next directory is at hand: it was listed ahead, or bottom-up it is a level
    /// that is open.
    pub(crate) fn is_next_ready(&self, topdown: bool) -> bool {
        let Some(ahead) = &self.ahead else { return false };
        for (index, level) in self.levels.iter().enumerate().rev() {
            let names = &level.listing.dirnames;
            if let Some(is_ready) = ahead.is_ready(index + 1, names, level.cursor, !topdown) {
                return is_ready && level.fd.is_some();
            }
            if !topdown && !level.is_yielded {
                return level.fd.is_some();
            }
        }
        false
    }

    /// Opens a directory relative to the last level.
    ///
    /// The descriptor counts towards `max_open` only after [`push`](Self::push).
    pub(crate) fn open_child(&mut self, name: &CStr, follow_symlinks: bool) -> Result<OwnedFd> {
        self.reopen_last()?;
        let last = self.levels.len() - 1;
        self.open_from(last, name, follow_symlinks)
    }

    /// Makes sure that the last level is open.
    pub(crate) fn reopen_last(&mut self) -> Result<()> {
        let Some(last) = self.last() else {
            return Err(stale());
        };
        if last.fd.is_some() {
            return Ok(());
        }
        if last.lost {
            return Err(stale());
        }
        let found = match self.climb() {
            Err(error) if !is_out_of_descriptors(&error) => self.descend(),
            result => result,
        };
        match found {
            Ok(()) => {
                self.forget_below();
                Ok(())
            }
            Err(error) if is_out_of_descriptors(&error) => Err(error),
            Err(_) => {
                if let Some(last) = self.last_mut() {
                    last.lost = true;
                }
                Err(stale())
            }
        }
    }

    // Opens the last level from the one that was left below it, through `..`.
    fn climb(&mut self) -> Result<()> {
        let target = self.levels.len() - 1;
        let (_, depth) = self.below.as_ref().ok_or(stale())?;
        let mut up = depth - target;
        let mut reached: Option<OwnedFd> = None;
        while up > 0 {
            let some = up.min(CLIMB);
            let path = CString::new("../".repeat(some)).map_err(|_| stale())?;
            let next = self.with_room(target, |levels| {
                let below = levels.below.as_ref().map(|(fd, _)| fd.as_fd());
                let start = reached.as_ref().map(AsFd::as_fd).or(below);
                open_directory(start.ok_or(stale())?, &path, false)
            })?;
            reached = Some(next);
            up -= some;
        }
        self.put(target, reached.ok_or(stale())?)
    }

    // Opens the last level, and those above it that are closed, by their names.
    fn descend(&mut self) -> Result<()> {
        let target = self.levels.len() - 1;
        let is_open = |level: &Level| level.fd.is_some();
        let mut at = self.levels.iter().rposition(is_open).ok_or(stale())?;
        while at < target {
            let next = self.levels.get(at + 1).ok_or(stale())?;
            let through_link = next.through_link;
            let name = self.path.get(next.name_start..next.name_end);
            let name = CString::new(name.unwrap_or_default()).map_err(|_| stale())?;
            let fd = self.open_from(at, &name, through_link)?;
            at += 1;
            self.put(at, fd)?;
        }
        Ok(())
    }

    // Gives a level its descriptor back, if it is the same directory.
    fn put(&mut self, index: usize, fd: OwnedFd) -> Result<()> {
        let level = self.levels.get_mut(index).ok_or(stale())?;
        if level.identity.is_none() || level.identity != Some(Identity::of(fd.as_fd())?) {
            return Err(stale());
        }
        level.fd = Some(Arc::new(fd));
        self.open += 1;
        self.oldest_open = self.oldest_open.min(index.max(1));
        Ok(())
    }

    fn open_from(&mut self, index: usize, name: &CStr, follow_symlinks: bool) -> Result<OwnedFd> {
        self.with_room(index, |levels| {
            let level = levels.levels.get(index);
            let start = level.and_then(|level| level.fd.as_ref()).ok_or(stale())?;
            open_directory(start.as_fd(), name, follow_symlinks)
        })
    }

    // Opens one more descriptor, closing old ones for it; never that of the level `keep`.
    fn with_room(
        &mut self,
        keep: usize,
        open: impl Fn(&Self) -> Result<OwnedFd>,
    ) -> Result<OwnedFd> {
        while self.open >= self.max_open && self.close_oldest(keep) {}
        if let Some(ahead) = &self.ahead {
            ahead.leave(self.slots());
        }
        loop {
            match open(self) {
                Err(error) if is_out_of_descriptors(&error) => {
                    if self.ahead.as_ref().is_some_and(Ahead::shrink) {
                        continue;
                    }
                    // Half of what it took stays free from now on, for the rest of the program.
                    self.max_open = (self.open / 2).max(MIN_OPEN);
                    let mut is_freed = self.close_oldest(keep);
                    while self.open >= self.max_open && self.close_oldest(keep) {
                        is_freed = true;
                    }
                    if !is_freed {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    }

    fn close_oldest(&mut self, keep: usize) -> bool {
        while self.oldest_open < keep {
            let Some(level) = self.levels.get_mut(self.oldest_open) else {
                return false;
            };
            self.oldest_open += 1;
            if let Some(fd) = level.fd.take() {
                if level.identity.is_none() {
                    level.identity = Identity::of(fd.as_fd()).ok();
                }
                self.open -= 1;
                return true;
            }
        }
        false
    }

    fn forget_below(&mut self) {
        if self.below.take().is_some() {
            self.open -= 1;
        }
    }
}

fn stale() -> Error {
    Error::new(libc::ESTALE, "openat")
}
