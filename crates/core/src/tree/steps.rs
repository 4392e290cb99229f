//! The step of a walk from one directory to the next.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use crate::error::{Error, Result, retry};
use crate::files::descriptors::Identity;
use crate::files::directory::{is_not_a_directory, open_directory};
use crate::files::name_list::{FileType, Names};
use crate::tree::ahead::{Found, Looked, automatic_threads};
use crate::tree::listing::Listing;
use crate::tree::walk::{Step, Walk};
use crate::tree::work::{Outcome, Work};

impl Walk<'_> {
    pub(super) fn enter_top(
        &mut self,
        top: &CStr,
        start: BorrowedFd<'_>,
        name: &CStr,
    ) -> Result<Option<Step>> {
        let entered = self.open_top(top, start, name);
        entered.inspect_err(|_| {
            self.levels.push_name(top.to_bytes());
        })
    }

    fn open_top(&mut self, top: &CStr, start: BorrowedFd<'_>, name: &CStr) -> Result<Option<Step>> {
        let follow = self.options.follow_symlinks;
        match open_directory(start, name, follow) {
            Ok(fd) => {
                // A closed level is never looked for above the top, which stays open.
                self.list(top, fd, false)?;
                Ok(self.advance_from_new())
            }
            Err(error) if !follow && is_not_a_directory(&error) => {
                // The same numbers come from a component before the last: then it is an error.
                retry("fstatat", || fstatat(start, name, AtFlags::AT_SYMLINK_NOFOLLOW))?;
                self.levels.push_name(top.to_bytes());
                Ok(Some(Step::Skipped(error)))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn advance_from_new(&mut self) -> Option<Step> {
        if self.options.topdown { Some(Step::Directory) } else { self.advance() }
    }

    pub(super) fn advance(&mut self) -> Option<Step> {
        loop {
            if self.is_interrupted() {
                return None;
            }
            let level = self.levels.last_mut()?;
            if self.options.topdown {
                level.listing.filenames = Names::default();
                level.listing.outcome = Outcome::default();
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

    /// Goes down into a child. Returns false if the child is a link that must not be followed.
    fn enter(&mut self, name: &CStr, file_type: FileType) -> Result<bool> {
        if self.levels.ahead().is_some() {
            let is_directory = file_type == FileType::Directory;
            if is_directory {
                self.levels.reopen_last()?;
            }
            if is_directory || file_type == FileType::SymbolicLink && self.manner.looks_at_links() {
                match self.levels.take_ahead(name, &mut self.looker) {
                    Found::Link => return Ok(false),
                    Found::Looked(looked) if self.still_holds(&looked, name) => {
                        return self.adopt(name, *looked).map(|()| true);
                    }
                    _ => {}
                }
            }
        }
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

    fn still_holds(&self, looked: &Looked, name: &CStr) -> bool {
        let Some((version, parent)) = looked.version.zip(self.levels.last_fd()) else {
            return !self.manner.is_exact;
        };
        let holds = version.is_at(parent, name);
        #[cfg(test)]
        let holds = holds || crate::tree::ahead::hooks::TRUSTS_EVERYTHING.get();
        if let (false, Some(ahead)) = (holds, self.levels.ahead()) {
            ahead.note(false);
        }
        holds
    }

    fn adopt(&mut self, name: &CStr, looked: Looked) -> Result<()> {
        #[cfg(test)]
        crate::tree::ahead::hooks::ADOPTED.set(crate::tree::ahead::hooks::ADOPTED.get() + 1);
        let Looked { fd, identity, mut listing, .. } = looked;
        let identity = self.check_ancestors(fd.as_fd(), identity)?;
        if listing.resolve_links(fd.as_fd()) && matches!(self.manner.work, Work::Stats) {
            listing.look_at_all(fd.as_fd(), || self.is_interrupted());
        }
        self.ahead.known += listing.dirnames.len();
        self.push(name, fd, false, identity, listing);
        Ok(())
    }

    fn push(
        &mut self,
        name: &CStr,
        fd: Arc<OwnedFd>,
        through_link: bool,
        identity: Option<Identity>,
        listing: Listing,
    ) {
        self.levels.push(name.to_bytes(), fd, through_link, identity, listing);
        if self.options.follow_symlinks {
            self.ancestors.extend(identity);
        }
    }

    pub(super) fn list(&mut self, name: &CStr, fd: OwnedFd, through_link: bool) -> Result<()> {
        self.manner.check(fd.as_fd())?;
        let identity = self.check_ancestors(fd.as_fd(), None)?;
        let work = match self.manner.work {
            // It is removed entry by entry, so that a step does not take long.
            Work::Remove => Work::Nothing,
            work => work,
        };
        let (reader, links) = (&mut self.looker.reader, self.manner.links());
        // Nobody sees the names, so they need not be complete.
        let can_stop = matches!(work, Work::Usage(_));
        let interrupted = &self.interrupted;
        let is_enough = |_| can_stop && interrupted.load(Ordering::Relaxed);
        let listing = work.list(fd.as_fd(), reader, links, is_enough)?.unwrap_or_default();
        let children = listing.dirnames.len();
        self.push(name, Arc::new(fd), through_link, identity, listing);
        if children > 0 {
            self.read_ahead(children);
        }
        Ok(())
    }

    /// With `follow_symlinks`, refuses a directory that is its own ancestor, and returns its
    /// identity.
    fn check_ancestors(
        &self,
        fd: BorrowedFd<'_>,
        known: Option<Identity>,
    ) -> Result<Option<Identity>> {
        if !self.options.follow_symlinks {
            return Ok(known);
        }
        let own = known.map_or_else(|| Identity::of(fd), Ok)?;
        let is_ancestor = self.ancestors.contains(&own);
        if is_ancestor { Err(Error::new(libc::ELOOP, "openat")) } else { Ok(Some(own)) }
    }

    /// Tells the threads of new directories to be visited, and starts them when there are enough.
    fn read_ahead(&mut self, children: usize) {
        self.levels.push_ahead(false);
        self.ahead.known += children;
        self.start_threads();
    }

    fn start_threads(&mut self) {
        let is_enough = self.ahead.known >= self.ahead.enough && self.levels.has_spare();
        if !is_enough || self.ahead.is_started || self.ahead.threads == Some(0) {
            return;
        }
        self.ahead.is_started = true;
        self.start_ahead();
        let threads = self.ahead.threads.unwrap_or_else(automatic_threads);
        if let Some(ahead) = self.levels.ahead() {
            ahead.allow_threads(threads);
        }
    }

    fn start_ahead(&mut self) {
        if self.levels.ahead().is_none() {
            self.levels.start_ahead(self.manner, Arc::clone(&self.interrupted));
        }
    }

    /// Lists directories that come next, on the calling thread, until `is_enough` returns true or
    /// the read-ahead has no room for more. Does nothing with `threads(0)`.
    ///
    /// [`step_if_ready`](Self::step_if_ready) then goes to them without a system call.
    ///
    /// ```
    /// use fdkit::{Walk, WalkOptions};
    ///
    /// let mut walk = Walk::new(c"src", None, WalkOptions::default()).exact(false);
    /// walk.step()?;
    /// walk.look_ahead(|| false);
    /// let mut ready = 0;
    /// while walk.step_if_ready().is_some() {
    ///     ready += 1;
    /// }
    /// assert!(ready > 0);
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    pub fn look_ahead(&mut self, is_enough: impl FnMut() -> bool) {
        if self.ahead.threads == Some(0) || self.levels.last().is_none() {
            return;
        }
        if self.levels.has_spare() {
            self.start_ahead();
        }
        self.start_threads();
        if let Some(ahead) = self.levels.ahead() {
            ahead.work(&mut self.looker, is_enough);
        }
    }

    /// Goes on to the next directory if that takes no system call except to close descriptors: if
    /// the directory was listed ahead. Returns `None` if it does not go on. Then
    /// [`step`](Self::step) does, or finds the end of the walk.
    ///
    /// A walk that is [`exact`](Self::exact) has to look at each directory again, so the result is
    /// always `None`.
    pub fn step_if_ready(&mut self) -> Option<Step> {
        let is_ready = !self.manner.is_exact && !self.is_interrupted() && self.start.is_none();
        if !is_ready || !self.levels.is_next_ready(self.options.topdown) {
            return None;
        }
        self.step().ok().flatten()
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

/// Whether what was listed as a link may well still be one: opening it said so, or failed for
/// reasons that are not its own.
fn may_be_a_link(error: &Error) -> bool {
    is_not_a_directory(error) || matches!(error.errno(), libc::ESTALE | libc::EMFILE | libc::ENFILE)
}
