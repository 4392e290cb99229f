//! Descriptors.

use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::{Mutex, OnceLock};

use fdkit::files::descriptors::{self, borrow, get_inheritable, number, set_inheritable};
use napi::bindgen_prelude::{Env, Error, Result, Status};
use napi::sys;
use napi_derive::napi;

use crate::convert::given::{self, give, take_back};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::Outcome;
use crate::convert::value::IntoJs;

/// The weight of open descriptors on the garbage collector. It belongs to the thread of its env.
pub struct Weight {
    env: Env,
    bytes: i64,
}

impl Weight {
    pub fn new(env: Env, fds: usize) -> Self {
        let bytes = weight().saturating_mul(fds as i64);
        // An approximation for the garbage collector: it is no error if it cannot be told.
        let _ = env.adjust_external_memory(bytes);
        Self { env, bytes }
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        let _ = self.env.adjust_external_memory(-self.bytes);
    }
}

/// Something with a descriptor, which is closed once: explicitly, or when its handle is
/// garbage-collected or its thread ends.
pub struct Closable<T> {
    value: Mutex<Option<(T, Weight)>>,
}

/// A descriptor that JavaScript owns.
pub type Descriptor = Closable<OwnedFd>;

impl<T> Closable<T> {
    pub fn new(value: T, env: Env) -> Self {
        Self { value: Mutex::new(Some((value, Weight::new(env, 1)))) }
    }

    pub fn take(&self) -> Option<T> {
        lock(&self.value).take().map(|(value, _)| value)
    }

    /// Uses the value. `EBADF`: it is closed.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> fdkit::Result<R>) -> fdkit::Result<R> {
        match lock(&self.value).as_mut() {
            Some((value, _)) => work(value),
            None => Err(fdkit::Error::new(libc::EBADF, "close")),
        }
    }
}

/// A descriptor that a call has opened for JavaScript.
///
/// A worker can be terminated while a call is pending. Its promise is still settled, but no
/// JavaScript runs that could close the number. So a call that is made later returns a handle,
/// which owns the descriptor until JavaScript takes the number, and is dropped with the thread.
pub struct Opened {
    pub fd: OwnedFd,
    pub later: bool,
}

impl IntoJs for Opened {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        if self.later {
            Handle::new(Descriptor::new(self.fd, Env::from_raw(env.raw()))).into_js(env)
        } else {
            self.fd.into_js(env)
        }
    }
}

/// Returns the number of a descriptor that was opened later. The caller owns it from now on.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn take_fd(descriptor: &Handle<Descriptor>) -> Result<i32> {
    descriptor.take().map(give).ok_or_else(|| Error::from_status(Status::InvalidArg))
}

/// Returns what a descriptor weighs on the garbage collector, in bytes. The collector starts after
/// 64 MiB or more have been added. That must happen long before descriptors that nobody closed use
/// up the numbers of the process.
fn weight() -> i64 {
    static WEIGHT: OnceLock<i64> = OnceLock::new();
    *WEIGHT.get_or_init(|| {
        let limit = descriptors::limit().max(1);
        (MIB_512 / limit).clamp(4096, 1 << 21).cast_signed()
    })
}

const MIB_512: u64 = 512 << 20;

/// Duplicates a descriptor. Child processes do not inherit the duplicate.
///
/// @syscall dup
#[napi(catch_unwind)]
pub fn dup(fd: i32) -> Outcome<OwnedFd> {
    borrow(fd, "dup").and_then(descriptors::dup).into()
}

/// Says whether node:fs keeps a list of descriptors in this thread. If so, the addon owns each
/// descriptor that it returns the number of until `moveFd` or `releaseFd` is called for it: this
/// thread may be terminated in between. Returns what was said first in this thread, which counts.
///
/// @syscall dup3
#[napi(catch_unwind)]
pub fn keep_fds(is_listed: bool) -> bool {
    given::keep(is_listed)
}

/// Moves a descriptor that was kept to the number of another one, of the root directory, which it
/// closes. If that fails, it is still kept.
///
/// @syscall dup3
#[napi(catch_unwind)]
pub fn move_fd(fd: i32, to: i32) -> Outcome<()> {
    // A replacement of node:fs that invents numbers must not cost the process what is open there.
    let moved =
        borrow(fd, "dup3").and_then(|fd| descriptors::replace_root(fd, borrow(to, "dup3")?));
    // Closes the old number.
    moved.map(|()| drop(take_back(fd))).into()
}

/// Gives up a descriptor that was kept. The caller owns it from now on.
///
/// @syscall dup3
#[napi(catch_unwind)]
pub fn release_fd(fd: i32) {
    let _ = take_back(fd).map(IntoRawFd::into_raw_fd);
}

/// Returns true if child processes inherit the descriptor.
///
/// @syscall fcntl
#[napi(catch_unwind)]
pub fn fcntl_getfd(fd: i32) -> Outcome<bool> {
    borrow(fd, "fcntl").and_then(get_inheritable).into()
}

/// Sets whether child processes inherit the descriptor.
///
/// @syscall fcntl
#[napi(catch_unwind)]
pub fn fcntl_setfd(fd: i32, inheritable: bool) -> Outcome<()> {
    borrow(fd, "fcntl").and_then(|fd| set_inheritable(fd, inheritable)).into()
}

/// Takes ownership of a descriptor. The caller must no longer close the number.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn adopt(env: Env, fd: i32) -> Outcome<Handle<Descriptor>> {
    let adopted = borrow(fd, "close").map(|fd| {
        // SAFETY: the number is not -1, and the caller hands over its ownership.
        let fd = unsafe { OwnedFd::from_raw_fd(number(fd)) };
        Handle::new(Descriptor::new(fd, env))
    });
    adopted.into()
}

/// Duplicates a descriptor. The handle owns the duplicate from the start: a worker that is terminated
/// next leaves it to nobody.
///
/// @syscall dup
#[napi(catch_unwind)]
pub fn hold(env: Env, fd: i32) -> Outcome<Handle<Descriptor>> {
    let held = borrow(fd, "dup").and_then(descriptors::dup);
    held.map(|fd| Handle::new(Descriptor::new(fd, env))).into()
}

/// Returns the number of the descriptor. The handle still owns it.
///
/// @syscall dup
#[napi(catch_unwind)]
pub fn held_fd(descriptor: &Handle<Descriptor>) -> Outcome<i32> {
    descriptor.with(|fd| Ok(number(fd.as_fd()))).into()
}

/// Closes the descriptor. Does nothing if it is closed already.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn close(descriptor: &Handle<Descriptor>) -> Outcome<()> {
    descriptor.take().map_or(Ok(()), descriptors::close).into()
}
