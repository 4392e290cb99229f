//! Processes by descriptor.

use fdkit::ipc;
use napi_derive::napi;

use crate::api::files::descriptors::Opened;
use crate::call::{Response, require_fd, respond, respond_at};

/// Opens a process.
///
/// @syscall pidfd_open
#[napi(catch_unwind)]
pub fn pidfd_open(later: bool, pid: u32) -> Response<Opened> {
    respond(later, move || ipc::pidfd_open(pid).map(|fd| Opened { fd, later }))
}

/// Copies a descriptor of another process.
///
/// @syscall pidfd_getfd
#[napi(catch_unwind)]
pub fn pidfd_getfd(later: bool, pidfd: i32, fd: u32) -> Response<Opened> {
    respond_at(later, Some(pidfd), move |pidfd| {
        let fd = ipc::pidfd_getfd(require_fd(pidfd)?, fd)?;
        fdkit::Result::Ok(Opened { fd, later })
    })
}
