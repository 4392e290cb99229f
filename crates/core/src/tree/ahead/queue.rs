//! The directories that a walk visits next, and how far they are listed already.

mod begin;
mod replace;

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use crate::files::name_list::Names;
use crate::tree::ahead::look::Looked;

/// How many directories are listed ahead at most.
pub(crate) const MOST: usize = 64;

/// How many bytes the names take at most that are listed ahead.
pub(crate) const BUDGET: usize = 4 << 20;

// Closed levels of a deep tree are not searched for work.
const SCAN: usize = 4 * MOST;

// After so many listings in a row that could not be used…
const FUTILE: usize = 16;
// …so many directories are visited without read-ahead.
const PAUSE: usize = 256;

/// The directories that are still to be visited: the last is the next.
///
/// It is the stack of a depth-first search, in which some entries were begun early. The children
/// of a directory that was listed ahead stand below it, since they are visited after it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    stack: Vec<Element>,
    next_id: u64,
    // Begun and not completed, even if nobody wants them any more. Each may hold a descriptor.
    running: usize,
    // Completed, each with a descriptor, and the bytes of their names.
    held: usize,
    bytes: usize,
    // About how many directories nobody has begun.
    waiting: usize,
    // Descriptors that the walk itself leaves.
    slots: usize,
    // Never more than so many, since the process ran out of descriptors.
    limit: usize,
    // Whether links are looked at, too. The walk passes them without a system call then.
    looks_at_links: bool,
    futile: usize,
    pause: usize,
}

#[derive(Debug)]
struct Element {
    // The level of the directory; the children of the top have depth 1.
    depth: usize,
    names: Arc<Names>,
    // The cursor of its name in `names`, and where the last name of the element ends.
    at: usize,
    end: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nobody has begun this name, nor those after it.
    Waiting(Weak<OwnedFd>, usize),
    Running(u64),
    Done(Found),
}

/// A directory that is to be listed ahead.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: u64,
    /// Whether it was listed as a link.
    pub(crate) is_link: bool,
    parent: Arc<OwnedFd>,
    names: Arc<Names>,
    at: usize,
}

/// The result of a task.
#[derive(Debug, Default)]
pub(crate) enum Found {
    /// The walk has to list the directory itself.
    #[default]
    Nothing,
    Looked(Box<Looked>),
    /// A link, which the walk does not enter.
    Link,
}

/// Collects values that are dropped after the lock is released, since dropping them closes
/// descriptors.
pub(crate) type Garbage = Vec<Box<Looked>>;

impl Task {
    pub(crate) fn parent(&self) -> BorrowedFd<'_> {
        self.parent.as_fd()
    }

    pub(crate) fn name(&self) -> &CStr {
        let mut at = self.at;
        self.names.next(&mut at).map_or(c"", |(name, _)| name)
    }
}

impl Found {
    fn into_looked(self) -> Option<Box<Looked>> {
        if let Self::Looked(looked) = self { Some(looked) } else { None }
    }
}

impl Element {
    fn name(&self) -> &CStr {
        let mut at = self.at;
        self.names.next(&mut at).map_or(c"", |(name, _)| name)
    }

    fn is_exhausted(&self) -> bool {
        matches!(self.state, State::Waiting(..)) && self.at >= self.end
    }
}

impl Queue {
    pub(crate) fn new(limit: usize, slots: usize, looks_at_links: bool) -> Self {
        Self { limit, slots, looks_at_links, ..Self::default() }
    }

    /// Says how many descriptors the walk leaves.
    pub(crate) fn set_slots(&mut self, slots: usize) {
        self.slots = slots;
    }

    #[cfg(test)]
    pub(crate) fn descriptors(&self) -> usize {
        self.running + self.held
    }

    /// Halves the read-ahead for good. Returns false if it had no descriptors.
    pub(crate) fn shrink(&mut self) -> bool {
        self.limit = self.limit.min(self.running + self.held) / 2;
        self.running + self.held > 0
    }

    /// Drops those that are visited last, until no more than `most` descriptors are taken.
    /// Returns true if there are still more, which are being listed.
    pub(crate) fn shed(&mut self, most: usize, garbage: &mut Garbage) -> bool {
        // Nearly all are near the end. The lowest are visited last.
        let near = self.stack.len().saturating_sub(SCAN);
        for index in (near..self.stack.len()).chain(0..near) {
            if self.held == 0 || self.running + self.held <= most {
                break;
            }
            if let Some(State::Done(found)) = self.stack.get_mut(index).map(|e| &mut e.state)
                && !matches!(found, Found::Link)
            {
                let found = std::mem::take(found);
                self.let_go(found, garbage);
            }
        }
        self.running + self.held > most
    }

    fn let_go(&mut self, found: Found, garbage: &mut Garbage) {
        self.uncount(&found);
        garbage.extend(found.into_looked());
    }

    fn uncount(&mut self, found: &Found) {
        if let Found::Looked(looked) = found {
            self.held -= 1;
            self.bytes -= looked.listing.size();
        }
    }

    /// Adds the children of the directory that the walk has entered, at `depth`. Tasks
    /// that were queued at that depth or below it are forgotten.
    pub(crate) fn push(
        &mut self,
        depth: usize,
        parent: Weak<OwnedFd>,
        names: Arc<Names>,
        at: usize,
        garbage: &mut Garbage,
    ) {
        self.forget(depth, garbage);
        self.insert(self.stack.len(), depth, parent, names, at);
    }

    fn insert(
        &mut self,
        index: usize,
        depth: usize,
        parent: Weak<OwnedFd>,
        names: Arc<Names>,
        at: usize,
    ) {
        if !names.is_empty() {
            let (left, end) = (names.len(), names.end());
            self.waiting += left;
            let state = State::Waiting(parent, left);
            self.stack.insert(index, Element { depth, names, at, end, state });
        }
    }

    /// Forgets what is at `depth` or below it.
    pub(crate) fn forget(&mut self, depth: usize, garbage: &mut Garbage) {
        while self.stack.last().is_some_and(|last| last.depth >= depth) {
            self.pop(garbage);
        }
    }

    fn pop(&mut self, garbage: &mut Garbage) {
        match self.stack.pop().map(|element| element.state) {
            Some(State::Waiting(_, left)) => self.waiting -= left,
            Some(State::Done(found)) => self.let_go(found, garbage),
            _ => {}
        }
    }

    /// Takes out the directory that the walk goes to, which is the next at `depth`, or one after
    /// it if the walk could not go to that. Returns `None` if it is being listed.
    pub(crate) fn take(
        &mut self,
        depth: usize,
        name: &CStr,
        garbage: &mut Garbage,
    ) -> Option<Found> {
        self.forget(depth + 1, garbage);
        self.pause = self.pause.saturating_sub(1);
        while let Some(last) = self.stack.last_mut().filter(|last| last.depth == depth) {
            let is_it = last.name() == name;
            match &mut last.state {
                State::Running(_) if is_it => return None,
                State::Done(found) if is_it => {
                    let found = std::mem::take(found);
                    self.stack.pop();
                    self.uncount(&found);
                    return Some(found);
                }
                State::Waiting(_, left) => {
                    while last.at < last.end
                        && let Some((next, _)) = last.names.next(&mut last.at)
                    {
                        *left = left.saturating_sub(1);
                        self.waiting = self.waiting.saturating_sub(1);
                        if next == name {
                            return Some(Found::Nothing);
                        }
                    }
                    self.pop(garbage);
                }
                _ => self.pop(garbage),
            }
            self.forget(depth + 1, garbage);
        }
        Some(Found::Nothing)
    }

    /// Returns whether the next directory of those in `names` from `at` on is listed, or `None` if
    /// all of them are known to be links. With `to_the_bottom`, so must be its first child, that
    /// child's first child, and so on.
    pub(crate) fn is_ready<'a>(
        &'a self,
        depth: usize,
        mut names: &'a Names,
        mut at: usize,
        to_the_bottom: bool,
    ) -> Option<bool> {
        let mut is_found = false;
        // Deeper elements belong to directories that the walk has left.
        let mut elements = self.stack.iter().rev().skip_while(move |element| element.depth > depth);
        let mut depth = depth;
        while let Some((name, _)) = names.next(&mut at) {
            let element = elements.find(|element| !element.is_exhausted());
            let is_it = |element: &&Element| element.depth == depth && element.name() == name;
            match element.filter(is_it).map(|element| &element.state) {
                Some(State::Done(Found::Link)) => {}
                Some(State::Done(Found::Looked(looked))) => {
                    if !to_the_bottom {
                        return Some(true);
                    }
                    is_found = true;
                    (depth, names, at) = (depth + 1, &looked.listing.dirnames, 0);
                }
                _ => return Some(false),
            }
        }
        is_found.then_some(true)
    }

    /// Whether a directory is being listed.
    pub(crate) fn is_running(&self) -> bool {
        self.running > 0
    }

    /// Puts down what came of a task.
    pub(crate) fn complete(&mut self, id: u64, found: Found, garbage: &mut Garbage) {
        self.running -= 1;
        self.note(!matches!(found, Found::Nothing));
        let is_it = |element: &Element| matches!(element.state, State::Running(own) if own == id);
        let index = self.stack.iter().rposition(is_it);
        let Some((index, element)) = index.and_then(|i| Some((i, self.stack.get_mut(i)?))) else {
            garbage.extend(found.into_looked());
            return;
        };
        let depth = element.depth + 1;
        let children = if let Found::Looked(looked) = &found {
            self.held += 1;
            self.bytes += looked.listing.size();
            Some((Arc::downgrade(&looked.fd), Arc::clone(&looked.listing.dirnames)))
        } else {
            None
        };
        element.state = State::Done(found);
        if let Some((parent, names)) = children {
            self.insert(index, depth, parent, names, 0);
        }
    }

    /// Says whether a listing could be used. If that goes on, the read-ahead pauses.
    pub(crate) fn note(&mut self, is_useful: bool) {
        self.futile = if is_useful { 0 } else { self.futile + 1 };
        if self.futile >= FUTILE {
            self.futile = 0;
            self.pause = PAUSE;
        }
    }

    /// Gives the children of a level that was opened again its new descriptor.
    pub(crate) fn set_parent(&mut self, depth: usize, parent: &Arc<OwnedFd>) {
        if let Some(last) = self.stack.last_mut()
            && last.depth == depth
            && let State::Waiting(old, _) = &mut last.state
            && old.strong_count() == 0
        {
            *old = Arc::downgrade(parent);
        }
    }
}
