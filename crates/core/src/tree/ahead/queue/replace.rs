//! Updates the queue when the caller edits the directories to be visited.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use super::{Element, Garbage, Queue, State};
use crate::files::name_list::Names;

impl Queue {
    /// Puts other names in the place of the children of a directory, at `depth`. The
    /// listings of names that stay are kept.
    pub(crate) fn replace(
        &mut self,
        depth: usize,
        parent: &Weak<OwnedFd>,
        names: &Arc<Names>,
        garbage: &mut Garbage,
    ) {
        let mut begun = self.take_begun(depth, garbage);
        let mut cursors = Vec::with_capacity(names.len());
        let mut at = 0;
        while at < names.end() {
            let start = at;
            let Some((name, _)) = names.next(&mut at) else { break };
            cursors.push((start, at, name));
        }
        // The last is visited last, so it stands lowest.
        for (at, end, name) in cursors.into_iter().rev() {
            if let Some(elements) = begun.remove(name) {
                self.stack.extend(elements);
                continue;
            }
            self.waiting += 1;
            match self.stack.last_mut() {
                Some(Element {
                    depth: own,
                    names: of,
                    at: next,
                    state: State::Waiting(_, left),
                    ..
                }) if *own == depth && Arc::ptr_eq(of, names) && *next == end => {
                    *next = at;
                    *left += 1;
                }
                _ => {
                    let (names, state) = (Arc::clone(names), State::Waiting(parent.clone(), 1));
                    self.stack.push(Element { depth, names, at, end, state });
                }
            }
        }
        for elements in begun.into_values() {
            let unwanted = self.stack.len();
            self.stack.extend(elements);
            while self.stack.len() > unwanted {
                self.pop(garbage);
            }
        }
    }

    // Takes out the children of a directory that were begun, each with what is below it.
    fn take_begun(
        &mut self,
        depth: usize,
        garbage: &mut Garbage,
    ) -> HashMap<CString, Vec<Element>> {
        let is_kept = |element: &Element| element.depth < depth;
        let first = self.stack.iter().rposition(is_kept).map_or(0, |last| last + 1);
        let mut begun = HashMap::new();
        let mut gathered = Vec::new();
        for element in self.stack.split_off(first) {
            match &element.state {
                State::Waiting(_, left) if element.depth == depth => self.waiting -= left,
                _ => {
                    let is_whole = element.depth == depth;
                    let name = element.name().to_owned();
                    gathered.push(element);
                    if is_whole {
                        begun.insert(name, std::mem::take(&mut gathered));
                    }
                }
            }
        }
        self.stack.extend(gathered);
        self.forget(depth, garbage);
        begun
    }
}
