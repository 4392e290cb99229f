//! The directories that a walk visits next, and how far they are listed already.

mod replace;

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use crate::files::name_list::{FileType, Names};
use crate::tree::ahead::look::Looked;

/// How many directories are listed ahead at most.
pub(crate) const MOST: usize = 64;

// So many of them only if the walk comes to them before nearly all others: if it enters a large
// directory that nobody listed ahead, the threads work on that.
const RESERVE: usize = MOST / 4;

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
    /// `None`: the walk has to list it.
    Done(Option<Box<Looked>>),
    /// A link, which the walk does not enter.
    Link,
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
#[derive(Debug)]
pub(crate) enum End {
    /// The walk has to list the directory itself.
    Nothing,
    Looked(Looked),
    /// A link, which the walk does not enter.
    Link,
}

/// The state of a directory in the queue when the walk comes to it.
#[derive(Debug)]
pub(crate) enum Found {
    /// It has to list the directory itself.
    Nothing,
    Running,
    Looked(Box<Looked>),
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
            if let Some(State::Done(looked)) = self.stack.get_mut(index).map(|e| &mut e.state) {
                let looked = looked.take();
                self.let_go(looked, garbage);
            }
        }
        self.running + self.held > most
    }

    fn let_go(&mut self, looked: Option<Box<Looked>>, garbage: &mut Garbage) {
        if let Some(looked) = looked {
            self.held -= 1;
            self.bytes -= looked.listing.size();
            garbage.push(looked);
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
            Some(State::Done(looked)) => self.let_go(looked, garbage),
            _ => {}
        }
    }

    /// Takes out the directory that the walk goes to, which is the next at `depth`, or one after
    /// it if the walk could not go to that.
    pub(crate) fn take(&mut self, depth: usize, name: &CStr, garbage: &mut Garbage) -> Found {
        self.forget(depth + 1, garbage);
        self.pause = self.pause.saturating_sub(1);
        while let Some(last) = self.stack.last_mut().filter(|last| last.depth == depth) {
            let is_it = last.name() == name;
            match &mut last.state {
                State::Running(_) if is_it => return Found::Running,
                State::Done(looked) if is_it => {
                    let looked = looked.take();
                    self.stack.pop();
                    return looked.map_or(Found::Nothing, |looked| {
                        self.held -= 1;
                        self.bytes -= looked.listing.size();
                        Found::Looked(looked)
                    });
                }
                State::Link if is_it => {
                    self.stack.pop();
                    return Found::Link;
                }
                State::Waiting(_, left) => {
                    while last.at < last.end
                        && let Some((next, _)) = last.names.next(&mut last.at)
                    {
                        *left = left.saturating_sub(1);
                        self.waiting = self.waiting.saturating_sub(1);
                        if next == name {
                            return Found::Nothing;
                        }
                    }
                    self.pop(garbage);
                }
                _ => self.pop(garbage),
            }
            self.forget(depth + 1, garbage);
        }
        Found::Nothing
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
                Some(State::Link) => {}
                Some(State::Done(Some(looked))) => {
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

    /// Whether it pays to wake up a thread.
    pub(crate) fn has_work(&self) -> bool {
        let room = self.room();
        self.waiting > 1 && (room > self.most() / 2 || room > RESERVE / 2 && self.is_short())
    }

    // Whether little is begun of what the walk comes to next.
    fn is_short(&self) -> bool {
        let elements = self.stack.iter().rev().filter(|element| !element.is_exhausted());
        let next = elements.take(RESERVE / 2);
        next.into_iter().any(|element| matches!(element.state, State::Waiting(..)))
    }

    fn most(&self) -> usize {
        self.slots.min(self.limit)
    }

    fn room(&self) -> usize {
        let is_open = self.bytes < BUDGET && self.pause == 0;
        if is_open { self.most().saturating_sub(self.running + self.held) } else { 0 }
    }

    /// Begins the directory that is visited next of those that nobody has begun.
    pub(crate) fn begin(&mut self) -> Option<Task> {
        let room = self.room();
        if room == 0 {
            return None;
        }
        let near = self.stack.len().saturating_sub(SCAN);
        let mut begun = 0;
        for index in (near..self.stack.len()).rev() {
            if room <= RESERVE && begun >= RESERVE {
                return None;
            }
            if let Some(task) = self.begin_at(index) {
                return Some(task);
            }
            begun += usize::from(self.stack.get(index).is_some_and(|e| !e.is_exhausted()));
        }
        None
    }

    fn begin_at(&mut self, index: usize) -> Option<Task> {
        let element = self.stack.get_mut(index)?;
        let State::Waiting(parent, left) = &mut element.state else {
            return None;
        };
        let parent = parent.upgrade()?;
        loop {
            let at = element.at;
            let next = if at < element.end { element.names.next(&mut element.at) } else { None };
            let Some((_, file_type)) = next else {
                self.waiting -= *left;
                *left = 0;
                return None;
            };
            *left = left.saturating_sub(1);
            self.waiting = self.waiting.saturating_sub(1);
            let is_link = file_type == FileType::SymbolicLink;
            if file_type == FileType::Directory || is_link && self.looks_at_links {
                let (depth, names) = (element.depth, Arc::clone(&element.names));
                let id = self.next_id;
                self.next_id += 1;
                self.running += 1;
                let (end, state) = (element.at, State::Running(id));
                let begun = Element { depth, names: Arc::clone(&names), at, end, state };
                self.stack.insert(index + 1, begun);
                return Some(Task { id, is_link, parent, names, at });
            }
        }
    }

    /// Puts down what came of a task.
    pub(crate) fn complete(&mut self, id: u64, end: End, garbage: &mut Garbage) {
        self.running -= 1;
        self.note(!matches!(end, End::Nothing));
        let is_it = |element: &Element| matches!(element.state, State::Running(own) if own == id);
        let index = self.stack.iter().rposition(is_it);
        let (is_link, looked) = match end {
            End::Nothing => (false, None),
            End::Looked(looked) => (false, Some(Box::new(looked))),
            End::Link => (true, None),
        };
        let Some((index, element)) = index.and_then(|i| Some((i, self.stack.get_mut(i)?))) else {
            garbage.extend(looked);
            return;
        };
        let children = looked.as_ref().map(|looked| {
            self.held += 1;
            self.bytes += looked.listing.size();
            (Arc::downgrade(&looked.fd), Arc::clone(&looked.listing.dirnames))
        });
        element.state = if is_link { State::Link } else { State::Done(looked) };
        let depth = element.depth + 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn directories(count: usize) -> Arc<Names> {
        let mut names = Names::default();
        for number in 0..count {
            let name = std::ffi::CString::new(number.to_string()).unwrap();
            names.push(&name, FileType::Directory);
        }
        Arc::new(names)
    }

    fn begin_all(queue: &mut Queue) -> usize {
        std::iter::from_fn(|| queue.begin()).count()
    }

    #[test]
    fn some_descriptors_are_kept_for_what_comes_next() {
        let parent = Arc::new(OwnedFd::from(std::fs::File::open(".").unwrap()));
        let mut garbage = Garbage::new();
        let mut queue = Queue::new(MOST, 128, false);
        queue.push(1, Arc::downgrade(&parent), directories(100), 0, &mut garbage);
        assert!(queue.has_work());
        assert_eq!(begin_all(&mut queue), MOST - RESERVE);
        assert!(!queue.has_work(), "the walk comes to these 48 first");
        // The walk enters a directory that is not listed, such as one behind a link.
        queue.push(2, Arc::downgrade(&parent), directories(100), 0, &mut garbage);
        assert!(queue.has_work());
        assert_eq!(begin_all(&mut queue), RESERVE);
        assert!(!queue.has_work());
    }
}
