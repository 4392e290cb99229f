//! Names relative to a directory. `later` asks for a promise.

use fdkit::at;
use napi::bindgen_prelude::Either3;
use napi_derive::napi;

use crate::call::{Fd, Out, Reply, reply, reply_at};
use crate::path::{NameOut, PathArg};

/// `openat(dirFd, path, flags, mode)`, or `openat2` where `resolve` is given.
#[napi(catch_unwind, ts_return_type = "Reply<number>")]
pub fn openat(
    later: bool,
    start: Option<i32>,
    path: PathArg,
    flags: i32,
    mode: u32,
    resolve: Option<u32>,
) -> Reply {
    reply_at(later, start, move |start| {
        let path = path.as_c_str();
        let opened = match resolve {
            Some(resolve) => at::openat2(start, path, flags, mode, resolve.into()),
            None => at::openat(start, path, flags, mode),
        };
        opened.map(Out::Fd)
    })
}

/// `mkdirat(dirFd, path, mode)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn mkdirat(later: bool, start: Option<i32>, path: PathArg, mode: u32) -> Reply {
    reply_at(later, start, move |start| at::mkdirat(start, path.as_c_str(), mode))
}

/// `mkfifoat(dirFd, path, mode)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn mkfifoat(later: bool, start: Option<i32>, path: PathArg, mode: u32) -> Reply {
    reply_at(later, start, move |start| at::mkfifoat(start, path.as_c_str(), mode))
}

/// `mknodat(dirFd, path, mode, device)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn mknodat(later: bool, start: Option<i32>, path: PathArg, mode: u32, device: i64) -> Reply {
    let device = device.cast_unsigned();
    reply_at(later, start, move |start| at::mknodat(start, path.as_c_str(), mode, device))
}

/// `symlinkat(target, dirFd, path)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn symlinkat(later: bool, target: PathArg, start: Option<i32>, path: PathArg) -> Reply {
    reply_at(later, start, move |start| at::symlinkat(target.as_c_str(), start, path.as_c_str()))
}

/// `readlinkat(dirFd, path)`: a name of the kind that the path is.
#[napi(catch_unwind, ts_return_type = "Reply<string | Buffer>")]
pub fn readlinkat(later: bool, start: Option<i32>, path: PathArg) -> Reply {
    reply_at(later, start, move |start| {
        let target = at::readlinkat(start, path.as_c_str())?;
        Ok(Out::Name(NameOut { name: target, kind: path.kind() }))
    })
}

/// `linkat(srcDirFd, src, dstDirFd, dst, …)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn linkat(
    later: bool,
    src_start: Option<i32>,
    src: PathArg,
    dst_start: Option<i32>,
    dst: PathArg,
    follow_symlinks: bool,
) -> Reply {
    reply_at_two(later, src_start, dst_start, move |from, to| {
        at::linkat(from, src.as_c_str(), to, dst.as_c_str(), follow_symlinks)
    })
}

/// `renameat2(srcDirFd, src, dstDirFd, dst, flags)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn renameat2(
    later: bool,
    src_start: Option<i32>,
    src: PathArg,
    dst_start: Option<i32>,
    dst: PathArg,
    flags: u32,
) -> Reply {
    reply_at_two(later, src_start, dst_start, move |from, to| {
        at::renameat2(from, src.as_c_str(), to, dst.as_c_str(), flags)
    })
}

/// `unlinkat(dirFd, path, 0)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn unlinkat(later: bool, start: Option<i32>, path: PathArg) -> Reply {
    reply_at(later, start, move |start| at::unlink(start, path.as_c_str()))
}

/// `unlinkat(dirFd, path, AT_REMOVEDIR)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn unlinkat_removedir(later: bool, start: Option<i32>, path: PathArg) -> Reply {
    reply_at(later, start, move |start| at::rmdir(start, path.as_c_str()))
}

type Start<'fd> = Option<std::os::fd::BorrowedFd<'fd>>;

fn reply_at_two(
    later: bool,
    first: Option<i32>,
    second: Option<i32>,
    work: impl FnOnce(Start<'_>, Start<'_>) -> fdkit::Result<()> + Send + 'static,
) -> Reply {
    use std::os::fd::AsFd;
    let fd = |number| Fd::maybe(number, later);
    match fd(first).and_then(|first| Ok((first, fd(second)?))) {
        Ok((first, second)) => reply(later, move || {
            work(first.as_ref().map(AsFd::as_fd), second.as_ref().map(AsFd::as_fd))
        }),
        Err(error) => Either3::B(error.into()),
    }
}
