//! Files in memory.

use fdkit::fd::borrow;
use fdkit::memfd;
use napi_derive::napi;

use crate::call::{Out, Reply, reply};
use crate::path::PathArg;
use crate::ret::{Ret, ret};

/// `memfd_create(name, flags)`. `later` asks for a promise.
#[napi(catch_unwind, ts_return_type = "Reply<number>")]
pub fn memfd_create(later: bool, name: PathArg, flags: u32) -> Reply {
    reply(later, move || memfd::memfd_create(name.as_c_str(), flags).map(Out::Fd))
}

/// `fcntl(fd, F_ADD_SEALS, seals)`.
#[napi(catch_unwind)]
pub fn fcntl_add_seals(fd: i32, seals: u32) -> Ret<()> {
    ret(borrow(fd, "fcntl").and_then(|fd| memfd::add_seals(fd, seals)))
}

/// `fcntl(fd, F_GET_SEALS)`.
#[napi(catch_unwind)]
pub fn fcntl_get_seals(fd: i32) -> Ret<u32> {
    ret(borrow(fd, "fcntl").and_then(memfd::get_seals))
}
