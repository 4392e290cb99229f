//! Files in memory.

use fdkit::files::descriptors::borrow;
use fdkit::memory::memfd;
use napi::bindgen_prelude::Result;

use crate::call::{Out, Reply, reply};
use crate::convert::path::PathArg;
use crate::exports::Args;

/// `memfdCreate(later, name, flags)`; `later` asks for a promise.
pub fn memfd_create(args: &Args) -> Result<Reply> {
    let (name, flags): (PathArg, _) = (args.get(1)?, args.get(2)?);
    Ok(reply(args.get(0)?, move || memfd::memfd_create(name.as_c_str(), flags).map(Out::Fd)))
}

/// `fcntlAddSeals(fd, seals)`.
pub fn fcntl_add_seals(args: &Args) -> Result<Reply> {
    let (fd, seals) = (args.get(0)?, args.get(1)?);
    Ok(reply(false, move || memfd::add_seals(borrow(fd, "fcntl")?, seals)))
}

/// `fcntlGetSeals(fd)`.
pub fn fcntl_get_seals(args: &Args) -> Result<Reply> {
    let fd = args.get(0)?;
    Ok(reply(false, move || memfd::get_seals(borrow(fd, "fcntl")?).map(Out::Bits)))
}
