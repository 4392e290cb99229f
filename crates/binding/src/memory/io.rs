//! What is in a file, by position.

use fdkit::files::descriptors::borrow;
use fdkit::memory::io;
use napi::bindgen_prelude::Result;

use crate::call::{Out, Reply, reply};
use crate::convert::values::typed_array;
use crate::exports::Args;

/// `pread(fd, bytes, position)`: how many bytes there were.
pub fn pread(args: &Args) -> Result<Reply> {
    let (fd, (data, length), position) = (args.get(0)?, bytes(args, 1)?, args.bytes(2)?);
    // SAFETY: an Uint8Array of the call that is under way.
    let read = |fd| unsafe { io::pread(fd, data, length, position.unwrap_or(0)) };
    let count = borrow(fd, "pread").and_then(read);
    Ok(Reply::now(count.map(|count| Out::Number(count as f64))))
}

/// `pwrite(fd, bytes, position)`: all of them.
pub fn pwrite(args: &Args) -> Result<Reply> {
    let (fd, (data, length), position) = (args.get(0)?, bytes(args, 1)?, args.bytes(2)?);
    // SAFETY: an Uint8Array of the call that is under way.
    let write = |fd| unsafe { io::pwrite(fd, data, length, position.unwrap_or(0)) };
    let done = borrow(fd, "pwrite").and_then(write);
    Ok(Reply::now(done))
}

/// `ftruncate(fd, size)`.
pub fn ftruncate(args: &Args) -> Result<Reply> {
    let (fd, size) = (args.get(0)?, args.bytes(1)?.unwrap_or(0));
    Ok(reply(false, move || io::ftruncate(borrow(fd, "ftruncate")?, size)))
}

/// `fallocate(fd, offset, length)`.
pub fn fallocate(args: &Args) -> Result<Reply> {
    let (fd, offset, length) = (args.get(0)?, args.bytes(1)?, args.bytes(2)?);
    let (offset, length) = (offset.unwrap_or(0), length.unwrap_or(0));
    Ok(reply(false, move || io::fallocate(borrow(fd, "fallocate")?, offset, length)))
}

/// Where an Uint8Array is, and how long.
fn bytes(args: &Args, index: usize) -> Result<(*mut u8, usize)> {
    // SAFETY: the env and a value of the call that is under way.
    let (length, data) = unsafe { typed_array(args.env.raw(), args.raw(index)?)? };
    Ok((data.cast(), length))
}
