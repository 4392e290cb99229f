//! Descriptors whose numbers were given to JavaScript, until node:fs lists them.
//!
//! A thread can be terminated between the call that returns a number and the one that lists it, so
//! that no JavaScript closes it. Where node:fs keeps a list, such a descriptor is therefore owned here
//! until it is listed, and is closed with the thread.

use std::cell::RefCell;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

thread_local! {
    static GIVEN: RefCell<Option<Vec<OwnedFd>>> = const { RefCell::new(None) };
}

/// From now on, each descriptor that this thread gives is kept until it is taken back.
pub fn keep() {
    GIVEN.with_borrow_mut(|given| {
        given.get_or_insert_default();
    });
}

/// Returns the number of a descriptor for JavaScript, which owns it unless it is kept.
pub fn give(fd: OwnedFd) -> i32 {
    GIVEN.with_borrow_mut(|given| match given {
        Some(kept) => {
            let number = fd.as_raw_fd();
            kept.push(fd);
            number
        }
        None => fd.into_raw_fd(),
    })
}

/// Returns the descriptor with this number that was given and kept.
pub fn take_back(number: i32) -> Option<OwnedFd> {
    GIVEN.with_borrow_mut(|given| {
        let kept = given.as_mut()?;
        let index = kept.iter().position(|fd| fd.as_raw_fd() == number)?;
        Some(kept.swap_remove(index))
    })
}
