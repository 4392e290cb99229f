//! Files in memory.

use fdkit::fd::borrow;
use napi_derive::napi;

use crate::path::PathArg;
use crate::ret::{Ret, ret, ret_fd};

/// `memfd_create(name, flags)`.
#[napi(js_name = "memfdCreate", catch_unwind)]
pub fn memfd_create(name: PathArg, flags: u32) -> Ret<i32> {
    ret_fd(fdkit::memfd::memfd_create(name.as_c_str(), flags))
}

/// `fcntl(fd, F_ADD_SEALS, seals)`.
#[napi(js_name = "fcntlAddSeals", catch_unwind)]
pub fn fcntl_add_seals(fd: i32, seals: u32) -> Ret<()> {
    ret(borrow(fd, "fcntl").and_then(|fd| fdkit::memfd::add_seals(fd, seals)))
}

/// `fcntl(fd, F_GET_SEALS)`.
#[napi(js_name = "fcntlGetSeals", catch_unwind)]
pub fn fcntl_get_seals(fd: i32) -> Ret<u32> {
    ret(borrow(fd, "fcntl").and_then(fdkit::memfd::get_seals))
}
