//! Descriptors that have arrived, until JavaScript takes their numbers.

use std::os::fd::OwnedFd;
use std::sync::Mutex;

use fdkit::files::descriptors::{borrow, dup};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::api::files::descriptors::Weight;
use crate::convert::given::give_all;
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::Outcome;
use crate::convert::value::{IntoJs, to_js};

/// The descriptors of a message. They are closed with it, unless JavaScript has taken them.
pub struct Fds {
    fds: Mutex<Option<(Vec<OwnedFd>, Option<Weight>)>>,
}

/// Creates the handle of the descriptors, or `undefined` if there are none.
pub fn fds_to_js(env: &Env, fds: Vec<OwnedFd>) -> Result<sys::napi_value> {
    if fds.is_empty() {
        return to_js(env, ());
    }
    Handle::new(Fds { fds: Mutex::new(Some((fds, None))) }).into_js(env)
}

/// Duplicates descriptors, for a message that is sent later.
///
/// @syscall dup
#[napi(catch_unwind)]
pub fn fds_duplicate(env: Env, fds: Vec<i32>) -> Outcome<Handle<Fds>> {
    let handle = duplicate(&fds).map(|fds| {
        let weight = Some(Weight::new(env, fds.len()));
        Handle::new(Fds { fds: Mutex::new(Some((fds, weight))) })
    });
    handle.into()
}

/// Duplicates the descriptors with these numbers.
pub fn duplicate(fds: &[i32]) -> fdkit::Result<Vec<OwnedFd>> {
    let duplicate = |&fd: &i32| borrow(fd, "sendmsg").and_then(dup);
    fds.iter()
        .map(duplicate)
        .collect::<fdkit::Result<_>>()
        .map_err(|error| not_open(error, "sendmsg"))
}

/// Returns the error that a call has at once for a descriptor that is not open.
pub fn not_open(error: fdkit::Error, syscall: &'static str) -> fdkit::Error {
    if error.is(libc::EBADF) { fdkit::Error::new(libc::EBADF, syscall) } else { error }
}

impl Fds {
    /// Takes the descriptors that nobody has taken.
    pub fn take(&self) -> Vec<OwnedFd> {
        lock(&self.fds).take().map_or_else(Vec::new, |(fds, _)| fds)
    }
}

/// Lets the descriptors that nobody has taken weigh on the garbage collector.
///
/// @syscall recvmsg
#[napi(catch_unwind)]
pub fn fds_weigh(env: Env, fds: &Handle<Fds>) {
    if let Some((fds, weight)) = lock(&fds.fds).as_mut() {
        weight.get_or_insert_with(|| Weight::new(env, fds.len()));
    }
}

/// Returns how many descriptors there are that nobody has taken.
///
/// @syscall recvmsg
#[napi(catch_unwind)]
pub fn fds_count(fds: &Handle<Fds>) -> u32 {
    lock(&fds.fds).as_ref().map_or(0, |(fds, _)| fds.len() as u32)
}

/// The descriptors that JavaScript takes. It receives their numbers, and owns them.
pub struct Taken(Vec<OwnedFd>);

impl IntoJs for Taken {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        give_all(env, self.0, Ok)
    }
}

/// Returns the numbers of the descriptors. The caller owns them from now on.
///
/// @syscall recvmsg
#[napi(catch_unwind, ts_return_type = "Outcome<Array<OwnedFd>>")]
pub fn fds_take(fds: &Handle<Fds>) -> Outcome<Taken> {
    Outcome::Value(Taken(fds.take()))
}

/// Closes the descriptors that nobody has taken.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn fds_close(fds: &Handle<Fds>) {
    drop(fds.take());
}
