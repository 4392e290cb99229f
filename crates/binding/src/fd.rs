//! Descriptors.

use std::os::fd::BorrowedFd;

use fdkit::fd::{borrow, dup, get_inheritable, set_inheritable};
use napi::bindgen_prelude::Result;

use crate::call::{Out, Reply, Start, reply};
use crate::exports::Args;

/// The directory that a relative path starts from, where one was given.
pub fn dir_fd(number: Option<i32>) -> fdkit::Result<Option<BorrowedFd<'static>>> {
    number.map(|number| borrow(number, "openat")).transpose()
}

/// What a call acts on where no path was given.
pub fn given(start: Start<'_>) -> fdkit::Result<BorrowedFd<'_>> {
    start.map_or_else(|| borrow(-1, "dup"), Ok)
}

/// `dup(fd)`.
pub fn dup_fd(args: &Args) -> Result<Reply> {
    let fd = args.get(0)?;
    Ok(reply(false, move || dup(borrow(fd, "dup")?).map(Out::Fd)))
}

/// `fcntlGetfd(fd)`: whether children inherit it.
pub fn fcntl_getfd(args: &Args) -> Result<Reply> {
    let fd = args.get(0)?;
    Ok(reply(false, move || get_inheritable(borrow(fd, "fcntl")?).map(Out::Is)))
}

/// `fcntlSetfd(fd, inheritable)`.
pub fn fcntl_setfd(args: &Args) -> Result<Reply> {
    let (fd, inheritable) = (args.get(0)?, args.get(1)?);
    Ok(reply(false, move || set_inheritable(borrow(fd, "fcntl")?, inheritable)))
}
