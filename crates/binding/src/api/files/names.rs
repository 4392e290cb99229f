//! Names relative to a directory.

use std::os::fd::AsFd;

use fdkit::files::names;
use napi_derive::napi;

use crate::api::files::descriptors::Opened;
use crate::call::{CallFd, DirFd, Response, respond, respond_at};
use crate::convert::outcome::Outcome;
use crate::convert::path::{Name, PathArg};

/// Opens a file, as openat2 does if `resolve` is given.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn openat(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    flags: i32,
    mode: u32,
    resolve: Option<u32>,
) -> Response<Opened> {
    respond_at(later, dir_fd, move |dir_fd| {
        let path = path.as_c_str();
        let fd = match resolve {
            Some(resolve) => {
                fdkit::root::open_restricted(dir_fd, path, flags, mode, resolve.into())
            }
            None => names::openat(dir_fd, path, flags, mode),
        };
        fd.map(|fd| Opened { fd, later })
    })
}

/// Makes a directory.
///
/// @syscall mkdirat
#[napi(catch_unwind)]
pub fn mkdirat(later: bool, dir_fd: Option<i32>, path: PathArg, mode: u32) -> Response<()> {
    respond_at(later, dir_fd, move |dir_fd| names::mkdirat(dir_fd, path.as_c_str(), mode))
}

/// Makes a FIFO.
///
/// @syscall mkfifoat
#[napi(catch_unwind)]
pub fn mkfifoat(later: bool, dir_fd: Option<i32>, path: PathArg, mode: u32) -> Response<()> {
    respond_at(later, dir_fd, move |dir_fd| names::mkfifoat(dir_fd, path.as_c_str(), mode))
}

/// Makes a file, a FIFO, a socket or a device.
///
/// @syscall mknodat
#[napi(catch_unwind)]
pub fn mknodat(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    mode: u32,
    device: i64,
) -> Response<()> {
    respond_at(later, dir_fd, move |dir_fd| {
        names::mknodat(dir_fd, path.as_c_str(), mode, device.cast_unsigned())
    })
}

/// Makes a symbolic link at `path` that points to `target`.
///
/// @syscall symlinkat
#[napi(catch_unwind)]
pub fn symlinkat(later: bool, dir_fd: Option<i32>, path: PathArg, target: PathArg) -> Response<()> {
    respond_at(later, dir_fd, move |dir_fd| {
        names::symlinkat(target.as_c_str(), dir_fd, path.as_c_str())
    })
}

/// Returns what a symbolic link points to, as a name of the path's kind.
///
/// @syscall readlinkat
#[napi(catch_unwind)]
pub fn readlinkat(later: bool, dir_fd: Option<i32>, path: PathArg) -> Response<Name> {
    respond_at(later, dir_fd, move |dir_fd| {
        let bytes = names::readlinkat(dir_fd, path.as_c_str())?;
        fdkit::Result::Ok(Name { bytes, kind: path.kind() })
    })
}

/// Makes a hard link at `dst` to the file at `src`.
///
/// @syscall linkat
#[napi(catch_unwind)]
pub fn linkat(
    later: bool,
    src_dir_fd: Option<i32>,
    src: PathArg,
    dst_dir_fd: Option<i32>,
    dst: PathArg,
    follow_symlinks: bool,
) -> Response<()> {
    respond_at_two(later, src_dir_fd, dst_dir_fd, move |src_dir_fd, dst_dir_fd| {
        names::linkat(src_dir_fd, src.as_c_str(), dst_dir_fd, dst.as_c_str(), follow_symlinks)
    })
}

/// Renames the file at `src` to `dst`.
///
/// @syscall renameat2
#[napi(catch_unwind)]
pub fn renameat2(
    later: bool,
    src_dir_fd: Option<i32>,
    src: PathArg,
    dst_dir_fd: Option<i32>,
    dst: PathArg,
    flags: u32,
) -> Response<()> {
    respond_at_two(later, src_dir_fd, dst_dir_fd, move |src_dir_fd, dst_dir_fd| {
        names::renameat2(src_dir_fd, src.as_c_str(), dst_dir_fd, dst.as_c_str(), flags)
    })
}

/// Removes a name, or a directory that is empty.
///
/// @syscall unlinkat
#[napi(catch_unwind)]
pub fn unlinkat(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    is_directory: bool,
) -> Response<()> {
    let remove = if is_directory { names::rmdir } else { names::unlink };
    respond_at(later, dir_fd, move |dir_fd| remove(dir_fd, path.as_c_str()))
}

fn respond_at_two(
    later: bool,
    src_dir_fd: Option<i32>,
    dst_dir_fd: Option<i32>,
    work: impl FnOnce(DirFd<'_>, DirFd<'_>) -> fdkit::Result<()> + Send + 'static,
) -> Response<()> {
    match (CallFd::new(src_dir_fd, later), CallFd::new(dst_dir_fd, later)) {
        (Ok(src_dir_fd), Ok(dst_dir_fd)) => respond(later, move || {
            let src_dir_fd = src_dir_fd.as_ref().map(AsFd::as_fd);
            let dst_dir_fd = dst_dir_fd.as_ref().map(AsFd::as_fd);
            Outcome::from(work(src_dir_fd, dst_dir_fd))
                .map_failure(|failure| failure.with_dir(src_dir_fd).with_dest_dir(dst_dir_fd))
        }),
        (Err(error), _) | (_, Err(error)) => Response::now(Err(error)),
    }
}
