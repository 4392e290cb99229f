//! The space that the subtrees of a tree take, and which of them take the most.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::tree::disk_usage::{DirectoryUsage, Usage};

/// Adds up subtrees from the steps of a walk that comes to a directory before what is in it, and
/// keeps the largest.
#[derive(Debug)]
pub(crate) struct Subtrees {
    most: usize,
    // The directory that was entered last, and where the path of each directory above it ends.
    path: Vec<u8>,
    levels: Vec<Level>,
    // The smallest is on top.
    largest: BinaryHeap<Reverse<Ranked>>,
}

#[derive(Debug)]
struct Level {
    path_end: usize,
    // With all subdirectories that are complete.
    usage: Usage,
}

/// Larger is greater; of those that are equally large, the first path is greatest.
#[derive(Debug, PartialEq, Eq)]
struct Ranked(DirectoryUsage);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = (&self.0, &other.0);
        let by_path = || other.path.as_os_str().cmp(one.path.as_os_str());
        one.usage.bytes.cmp(&other.usage.bytes).then_with(by_path)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Subtrees {
    pub(crate) fn new(top: &CStr, most: usize) -> Self {
        let path = top.to_bytes().to_vec();
        Self { most, path, levels: Vec::new(), largest: BinaryHeap::new() }
    }

    /// Takes the next directory: how many names below the top its path shares with the one before,
    /// its name unless it is the top, and what it takes without its subdirectories.
    pub(crate) fn enter(&mut self, kept: usize, name: Option<&[u8]>, own: Usage) {
        if let Some(name) = name {
            self.complete(kept + 1);
            if self.path.last() != Some(&b'/') {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
        }
        self.levels.push(Level { path_end: self.path.len(), usage: own });
    }

    pub(crate) fn into_largest(mut self) -> Vec<DirectoryUsage> {
        self.complete(0);
        let sorted = self.largest.into_sorted_vec();
        sorted.into_iter().map(|Reverse(Ranked(found))| found).collect()
    }

    // Nothing more comes of the levels from `depth` on.
    fn complete(&mut self, depth: usize) {
        let mut below = Usage::default();
        for level in self.levels.iter_mut().skip(depth).rev() {
            level.usage += below;
            below = level.usage;
        }
        if let Some(parent) = depth.checked_sub(1).and_then(|index| self.levels.get_mut(index)) {
            parent.usage += below;
        }
        // A directory is at least as large as those below it. If the upper ones come first, most of
        // the others are too small to be kept, so their paths, which may be long, are not copied.
        for Level { path_end, usage } in self.levels.drain(depth.min(self.levels.len())..) {
            let path = self.path.get(..path_end).unwrap_or_default();
            let smallest = self.largest.peek().filter(|_| self.largest.len() == self.most);
            let is_kept = smallest.is_none_or(|Reverse(Ranked(smallest))| {
                let by_path = smallest.path.as_os_str().as_bytes().cmp(path);
                usage.bytes.cmp(&smallest.usage.bytes).then(by_path).is_gt()
            });
            if is_kept {
                if smallest.is_some() {
                    self.largest.pop();
                }
                let path = OsStr::from_bytes(path).into();
                self.largest.push(Reverse(Ranked(DirectoryUsage { path, usage })));
            }
        }
        let end = self.levels.last().map_or(self.path.len(), |level| level.path_end);
        self.path.truncate(end);
    }
}
