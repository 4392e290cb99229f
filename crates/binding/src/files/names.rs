//! Names relative to a directory. The arguments `later` ask for a promise.

use std::os::fd::AsFd;

use fdkit::files::names;
use napi::bindgen_prelude::Result;

use crate::call::{Fd, Out, Reply, Start, reply, reply_at};
use crate::convert::path::{NameOut, PathArg};
use crate::convert::ret::Failure;
use crate::exports::Args;

/// `openat(later, dirFd, path, flags, mode, resolve)`: openat2 where `resolve` is given.
pub fn openat(args: &Args) -> Result<Reply> {
    let (path, flags, mode): (PathArg, _, _) = (args.get(2)?, args.get(3)?, args.get(4)?);
    let resolve: Option<u32> = args.maybe(5)?;
    reply_at(args, move |start| {
        let path = path.as_c_str();
        let opened = match resolve {
            Some(resolve) => names::openat2(start, path, flags, mode, resolve.into()),
            None => names::openat(start, path, flags, mode),
        };
        opened.map(Out::Fd)
    })
}

/// `mkdirat(later, dirFd, path, mode)`.
pub fn mkdirat(args: &Args) -> Result<Reply> {
    let (path, mode): (PathArg, _) = (args.get(2)?, args.get(3)?);
    reply_at(args, move |start| names::mkdirat(start, path.as_c_str(), mode))
}

/// `mkfifoat(later, dirFd, path, mode)`.
pub fn mkfifoat(args: &Args) -> Result<Reply> {
    let (path, mode): (PathArg, _) = (args.get(2)?, args.get(3)?);
    reply_at(args, move |start| names::mkfifoat(start, path.as_c_str(), mode))
}

/// `mknodat(later, dirFd, path, mode, device)`.
pub fn mknodat(args: &Args) -> Result<Reply> {
    let (path, mode, device): (PathArg, _, i64) = (args.get(2)?, args.get(3)?, args.get(4)?);
    reply_at(args, move |start| {
        names::mknodat(start, path.as_c_str(), mode, device.cast_unsigned())
    })
}

/// `symlinkat(later, dirFd, path, target)`.
pub fn symlinkat(args: &Args) -> Result<Reply> {
    let (path, target): (PathArg, PathArg) = (args.get(2)?, args.get(3)?);
    reply_at(args, move |start| names::symlinkat(target.as_c_str(), start, path.as_c_str()))
}

/// `readlinkat(later, dirFd, path)`: a name of the kind that the path is.
pub fn readlinkat(args: &Args) -> Result<Reply> {
    let path: PathArg = args.get(2)?;
    reply_at(args, move |start| {
        let name = names::readlinkat(start, path.as_c_str())?;
        Ok(Out::Name(NameOut { name, kind: path.kind() }))
    })
}

/// `linkat(later, srcDirFd, src, dstDirFd, dst, followSymlinks)`.
pub fn linkat(args: &Args) -> Result<Reply> {
    let follow_symlinks = args.get(5)?;
    reply_at_two(args, move |from, src, to, dst| {
        names::linkat(from, src.as_c_str(), to, dst.as_c_str(), follow_symlinks)
    })
}

/// `renameat2(later, srcDirFd, src, dstDirFd, dst, flags)`.
pub fn renameat2(args: &Args) -> Result<Reply> {
    let flags = args.get(5)?;
    reply_at_two(args, move |from, src, to, dst| {
        names::renameat2(from, src.as_c_str(), to, dst.as_c_str(), flags)
    })
}

/// `unlinkat(later, dirFd, path, isDirectory)`.
pub fn unlinkat(args: &Args) -> Result<Reply> {
    let (path, is_directory): (PathArg, _) = (args.get(2)?, args.get(3)?);
    let remove = if is_directory { names::rmdir } else { names::unlink };
    reply_at(args, move |start| remove(start, path.as_c_str()))
}

fn reply_at_two(
    args: &Args,
    work: impl FnOnce(Start<'_>, &PathArg, Start<'_>, &PathArg) -> fdkit::Result<()> + Send + 'static,
) -> Result<Reply> {
    let later = args.get(0)?;
    let fd = |index| Ok::<_, napi::Error>(Fd::maybe(args.maybe(index)?, later));
    let (src, dst): (PathArg, PathArg) = (args.get(2)?, args.get(4)?);
    Ok(match (fd(1)?, fd(3)?) {
        (Ok(from), Ok(to)) => reply(later, move || {
            let (from, to) = (from.as_ref().map(AsFd::as_fd), to.as_ref().map(AsFd::as_fd));
            Ok(match work(from, &src, to, &dst) {
                Ok(()) => Out::Nothing,
                Err(error) => Out::Failed(Failure::at_two(error, from, to)),
            })
        }),
        (Err(error), _) | (_, Err(error)) => error.into(),
    })
}
