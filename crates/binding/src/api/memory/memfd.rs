//! Files in memory.

use fdkit::files::descriptors::borrow;
use fdkit::memory::memfd;
use napi_derive::napi;

use crate::api::files::descriptors::Opened;
use crate::call::{Response, respond};
use crate::convert::outcome::Outcome;
use crate::convert::path::PathArg;

/// Creates a file in memory.
///
/// @syscall memfd_create
#[napi(catch_unwind)]
pub fn memfd_create(later: bool, name: PathArg, flags: u32) -> Response<Opened> {
    respond(later, move || {
        memfd::memfd_create(name.as_c_str(), flags).map(|fd| Opened { fd, later })
    })
}

/// Adds seals to a file in memory.
///
/// @syscall fcntl
#[napi(catch_unwind)]
pub fn fcntl_add_seals(fd: i32, seals: u32) -> Outcome<()> {
    borrow(fd, "fcntl").and_then(|fd| memfd::add_seals(fd, seals)).into()
}

/// Returns the seals of a file in memory.
///
/// @syscall fcntl
#[napi(catch_unwind)]
pub fn fcntl_get_seals(fd: i32) -> Outcome<u32> {
    borrow(fd, "fcntl").and_then(memfd::get_seals).into()
}
