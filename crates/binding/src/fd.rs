//! Descriptors.

use std::os::fd::BorrowedFd;

use fdkit::fd::{borrow, dup, get_inheritable, set_inheritable};
use napi_derive::napi;

use crate::call::Out;
use crate::ret::{Ret, ret};

/// The directory that a relative path starts from, where one was given.
pub fn dir_fd(number: Option<i32>) -> fdkit::Result<Option<BorrowedFd<'static>>> {
    number.map(|number| borrow(number, "openat")).transpose()
}

/// What a call acts on where no path was given.
pub fn given(start: Option<BorrowedFd<'_>>) -> fdkit::Result<BorrowedFd<'_>> {
    start.map_or_else(|| borrow(-1, "dup"), Ok)
}

/// `dup(fd)`.
#[napi(js_name = "dup", catch_unwind, ts_return_type = "Ret<number>")]
pub fn dup_fd(fd: i32) -> Ret<Out> {
    ret(borrow(fd, "dup").and_then(dup).map(Out::Fd))
}

/// `fcntl(fd, F_GETFD)`.
#[napi(catch_unwind)]
pub fn fcntl_getfd(fd: i32) -> Ret<bool> {
    ret(borrow(fd, "fcntl").and_then(get_inheritable))
}

/// `fcntl(fd, F_SETFD, …)`.
#[napi(catch_unwind)]
pub fn fcntl_setfd(fd: i32, inheritable: bool) -> Ret<()> {
    ret(borrow(fd, "fcntl").and_then(|fd| set_inheritable(fd, inheritable)))
}
