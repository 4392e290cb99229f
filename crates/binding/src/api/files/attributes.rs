//! Permissions, owners and times of files. Without a path, a call acts on `dirFd` itself.

use fdkit::files::attributes::{self, SetTime};
use fdkit::files::stat::Timestamp;
use napi_derive::napi;

use crate::call::{Response, require_fd, respond_at};
use crate::convert::path::PathArg;

/// Checks whether the file may be accessed in this mode. With `asBoolean`, returns true or false;
/// otherwise nothing or a failure.
///
/// @syscall faccessat2
#[napi(catch_unwind)]
pub fn faccessat2(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    mode: i32,
    effective_ids: bool,
    follow_symlinks: bool,
    as_boolean: bool,
) -> Response<Option<bool>> {
    respond_at(later, dir_fd, move |dir_fd| {
        let path = path.as_c_str();
        let allowed = attributes::faccessat(dir_fd, path, mode, effective_ids, follow_symlinks);
        if as_boolean { Ok(Some(allowed.is_ok())) } else { allowed.map(|()| None) }
    })
}

/// Changes the permissions of a file.
///
/// @syscall fchmodat2
#[napi(catch_unwind)]
pub fn fchmodat2(
    later: bool,
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    mode: u32,
    follow_symlinks: bool,
) -> Response<()> {
    respond_at(later, dir_fd, move |dir_fd| match path {
        Some(path) => attributes::fchmodat(dir_fd, path.as_c_str(), mode, follow_symlinks),
        None => attributes::fchmod(require_fd(dir_fd)?, mode),
    })
}

/// Changes the owner of a file. An ID that is undefined stays as it is.
///
/// @syscall fchownat
#[napi(catch_unwind)]
pub fn fchownat(
    later: bool,
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    uid: Option<u32>,
    gid: Option<u32>,
    follow_symlinks: bool,
) -> Response<()> {
    respond_at(later, dir_fd, move |dir_fd| match path {
        Some(path) => attributes::fchownat(dir_fd, path.as_c_str(), uid, gid, follow_symlinks),
        None => attributes::fchown(require_fd(dir_fd)?, uid, gid),
    })
}

/// Changes the times of a file, each in seconds and nanoseconds. The nanoseconds -1 mean the
/// present, and -2 leave a time as it is.
///
/// @syscall utimensat
#[napi(catch_unwind)]
pub fn utimensat(
    later: bool,
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    follow_symlinks: bool,
    atime: i64,
    atime_ns: i32,
    mtime: i64,
    mtime_ns: i32,
) -> Response<()> {
    let (atime, mtime) = (set_time(atime, atime_ns), set_time(mtime, mtime_ns));
    respond_at(later, dir_fd, move |dir_fd| match path {
        Some(path) => attributes::utimensat(dir_fd, path.as_c_str(), atime, mtime, follow_symlinks),
        None => attributes::futimens(require_fd(dir_fd)?, atime, mtime),
    })
}

/// Returns the time that an export was given as seconds and nanoseconds.
pub fn set_time(seconds: i64, nanoseconds: i32) -> SetTime {
    match u32::try_from(nanoseconds) {
        Ok(nanoseconds) => SetTime::At(Timestamp { seconds, nanoseconds }),
        Err(_) if nanoseconds == -1 => SetTime::Now,
        Err(_) => SetTime::Omit,
    }
}
