//! Files in memory.

use std::os::fd::AsFd;

use fdkit::files::descriptors::{borrow, number};
use fdkit::memory::memfd::{self, MemfdOptions};
use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::api::files::descriptors::{Closable, Opened};
use crate::call::{Response, respond};
use crate::convert::handle::Handle;
use crate::convert::outcome::Outcome;
use crate::convert::path::PathArg;
use crate::convert::typed_array::Bytes;

/// A file in memory that JavaScript owns.
pub type Memfd = Closable<memfd::Memfd>;

/// Creates a file in memory, with the defaults of core, and reserves its size. The handle owns the
/// descriptor from the beginning, so a worker that is terminated leaks nothing.
///
/// @syscall memfd_create
#[napi(catch_unwind)]
pub fn memfd_new(
    env: Env,
    name: PathArg,
    size: i64,
    sealing: bool,
    exec: bool,
    inheritable: bool,
    huge_page_size: Option<i64>,
) -> Outcome<Handle<Memfd>> {
    let options = MemfdOptions {
        size: size.cast_unsigned(),
        sealing,
        exec,
        inheritable,
        huge_page_size: huge_page_size.map(i64::cast_unsigned),
    };
    let memfd = memfd::Memfd::create(name.as_c_str(), &options);
    memfd.map(|memfd| Handle::new(Memfd::new(memfd, env))).into()
}

/// Duplicates the descriptor of a file in memory. Refuses other files.
///
/// @syscall fcntl
#[napi(catch_unwind)]
pub fn memfd_duplicate(env: Env, fd: i32) -> Outcome<Handle<Memfd>> {
    let memfd = borrow(fd, "fcntl").and_then(memfd::Memfd::duplicate);
    memfd.map(|memfd| Handle::new(Memfd::new(memfd, env))).into()
}

/// Returns the number of the descriptor. The handle still owns it.
///
/// @syscall memfd_create
#[napi(catch_unwind)]
pub fn memfd_number(memfd: &Handle<Memfd>) -> Outcome<i32> {
    memfd.with(|memfd| Ok(number(memfd.as_fd()))).into()
}

/// Appends bytes to a file that nobody else has yet.
///
/// @syscall pwrite
#[napi(catch_unwind)]
pub fn memfd_append(
    memfd: &Handle<Memfd>,
    #[napi(ts_arg_type = "Uint8Array")] bytes: Bytes,
) -> Outcome<()> {
    // SAFETY: the memory of an array, valid for the duration of the call.
    memfd.with(|memfd| unsafe { memfd.append(bytes.data, bytes.length) }).into()
}

/// Closes the descriptor. Does nothing if it is closed already.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn memfd_close(memfd: &Handle<Memfd>) -> Outcome<()> {
    memfd.take().map_or(Ok(()), memfd::Memfd::close).into()
}

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
