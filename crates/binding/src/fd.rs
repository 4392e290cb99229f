//! Descriptors.

use std::os::fd::BorrowedFd;

use fdkit::fd::{borrow, dup, get_inheritable, set_inheritable};
use napi_derive::napi;

use crate::ret::{Ret, ret, ret_fd};

/// The directory that a relative path starts from, where one was given.
pub fn dir_fd(number: Option<i32>) -> fdkit::Result<Option<BorrowedFd<'static>>> {
    number.map(|number| borrow(number, "openat")).transpose()
}

/// `dup(fd)`.
#[napi(js_name = "dup", catch_unwind)]
pub fn dup_fd(fd: i32) -> Ret<i32> {
    ret_fd(borrow(fd, "dup").and_then(dup))
}

/// `fcntl(fd, F_GETFD)`.
#[napi(js_name = "fcntlGetfd", catch_unwind)]
pub fn fcntl_getfd(fd: i32) -> Ret<bool> {
    ret(borrow(fd, "fcntl").and_then(get_inheritable))
}

/// `fcntl(fd, F_SETFD, …)`.
#[napi(js_name = "fcntlSetfd", catch_unwind)]
pub fn fcntl_setfd(fd: i32, inheritable: bool) -> Ret<()> {
    ret(borrow(fd, "fcntl").and_then(|fd| set_inheritable(fd, inheritable)))
}
