//! Chooses the directories of the queue that are listed next.

use std::sync::Arc;

use super::{BUDGET, Element, MOST, Queue, SCAN, State, Task};
use crate::files::name_list::FileType;

// So many of the directories that are listed ahead are only for what the walk comes to before nearly
// all others: if it enters a large directory that nobody listed ahead, the threads work on that.
const RESERVE: usize = MOST / 4;

impl Queue {
    /// Whether it pays to wake up a thread.
    pub(crate) fn has_work(&self) -> bool {
        let room = self.room();
        self.waiting > 1 && (room > self.most() / 2 || room > RESERVE / 2 && self.is_short())
    }

    // Whether little is begun of what the walk comes to next.
    fn is_short(&self) -> bool {
        let next = self.stack.iter().rev().filter(|element| !element.is_exhausted());
        next.take(RESERVE / 2).any(|element| matches!(element.state, State::Waiting(..)))
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
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::files::name_list::Names;
    use crate::tree::ahead::queue::Garbage;

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
