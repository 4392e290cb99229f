//! Descriptors.

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Mutex;

use fdkit::files::descriptors::{borrow, dup, get_inheritable, set_inheritable};
use napi::bindgen_prelude::{Error, Result, Status};

use crate::call::{Out, Reply, Start, reply};
use crate::convert::held::{Held, lock};
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

/// `adopt(fd)`: what closes the descriptor, when it is told to or collected.
pub fn adopt(args: &Args) -> Result<Reply> {
    let fd = borrow(args.get(0)?, "close");
    Ok(reply(false, move || {
        let number = fdkit::files::descriptors::number(fd?);
        // SAFETY: it is not -1, and the caller says that it is nobody else's from now on.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        Ok(Out::Held(Held::Fd(Mutex::new(Some(fd)))))
    }))
}

/// `takeFd(held)`: the number of a descriptor that a call made later has opened. From now on
/// JavaScript owns it.
pub fn take_fd(args: &Args) -> Result<Reply> {
    let taken = match Held::get(args, 0)? {
        Held::Fd(fd) => lock(fd).take(),
        _ => None,
    };
    let fd = taken.ok_or_else(|| Error::from_status(Status::InvalidArg))?;
    Ok(Out::Fd(fd).into())
}

/// `close(held)`: once; what is closed stays so.
pub fn close(args: &Args) -> Result<Reply> {
    if let Held::Fd(fd) = Held::get(args, 0)? {
        let fd = lock(fd).take();
        return Ok(reply(false, move || fd.map_or(Ok(()), fdkit::files::descriptors::close)));
    }
    Ok(().into())
}
