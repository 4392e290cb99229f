//! Descriptors.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Mutex;

use fdkit::files::descriptors::{self, borrow, get_inheritable, set_inheritable};
use napi_derive::napi;

use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::Outcome;

/// A descriptor that is closed when it is told to or garbage-collected, once.
pub struct Descriptor {
    fd: Mutex<Option<OwnedFd>>,
}

/// Duplicates a descriptor. Child processes do not inherit the duplicate.
///
/// @syscall dup
#[napi(catch_unwind)]
pub fn dup(fd: i32) -> Outcome<OwnedFd> {
    borrow(fd, "dup").and_then(descriptors::dup).into()
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

/// Takes ownership of a descriptor. The caller must not close the number any more.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn adopt(fd: i32) -> Outcome<Handle<Descriptor>> {
    let adopted = borrow(fd, "close").map(|fd| {
        // SAFETY: the number is not -1, and the caller hands over its ownership.
        let fd = unsafe { OwnedFd::from_raw_fd(descriptors::number(fd)) };
        Handle::new(Descriptor { fd: Mutex::new(Some(fd)) })
    });
    adopted.into()
}

/// Closes the descriptor. Does nothing if it is closed already.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn close(descriptor: &Handle<Descriptor>) -> Outcome<()> {
    let fd = lock(&descriptor.fd).take();
    fd.map_or(Ok(()), descriptors::close).into()
}
