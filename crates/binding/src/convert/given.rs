//! Descriptors whose numbers were given to JavaScript, until node:fs lists them.
//!
//! A thread can be terminated between the call that returns a number and the one that lists it, so
//! that no JavaScript closes it. Where node:fs keeps a list, such a descriptor is therefore owned here
//! until it is listed, and is closed with the thread.
//!
//! The state is the thread's: several copies of the JavaScript may share this library, and must agree
//! about who owns what it gives.

use std::cell::RefCell;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use napi::bindgen_prelude::{Env, Result};
use napi::sys;

use crate::convert::value::{IntoJs, own_array, to_js};

thread_local! {
    static GIVEN: RefCell<Given> = const { RefCell::new(Given::Undecided) };
}

enum Given {
    Undecided,
    /// JavaScript owns what this thread gives.
    Owned,
    /// The addon keeps what this thread gives until it is taken back.
    Kept(Vec<OwnedFd>),
}

/// Keeps each descriptor that this thread gives until it is taken back, if `wanted` is true when the
/// thread first calls this. Returns whether they are kept.
pub fn keep(wanted: bool) -> bool {
    GIVEN.with_borrow_mut(|given| {
        if let Given::Undecided = given {
            *given = if wanted { Given::Kept(Vec::new()) } else { Given::Owned };
        }
        matches!(given, Given::Kept(_))
    })
}

/// JavaScript owns the descriptor from the moment that it has the number.
impl IntoJs for OwnedFd {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, give(self))
    }
}

/// Returns the number of a descriptor for JavaScript, which owns it unless it is kept.
pub fn give(fd: OwnedFd) -> i32 {
    GIVEN.with_borrow_mut(|given| match given {
        Given::Kept(kept) => {
            let number = fd.as_raw_fd();
            kept.push(fd);
            number
        }
        Given::Undecided | Given::Owned => fd.into_raw_fd(),
    })
}

/// Gives several descriptors, as the value that `create` makes of an array of their numbers. If it
/// fails, they are closed.
pub fn give_all(
    env: &Env,
    fds: Vec<OwnedFd>,
    create: impl FnOnce(sys::napi_value) -> Result<sys::napi_value>,
) -> Result<sys::napi_value> {
    let numbers = fds.iter().map(|fd| to_js(env, fd.as_raw_fd())).collect::<Result<Vec<_>>>()?;
    let value = create(own_array(env, &numbers)?)?;
    for fd in fds {
        give(fd);
    }
    Ok(value)
}

/// Returns the descriptor with this number that was given and kept.
pub fn take_back(number: i32) -> Option<OwnedFd> {
    GIVEN.with_borrow_mut(|given| {
        let Given::Kept(kept) = given else { return None };
        let index = kept.iter().position(|fd| fd.as_raw_fd() == number)?;
        Some(kept.swap_remove(index))
    })
}
