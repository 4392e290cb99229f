//! What may be done with a file, and its attributes. `later` asks for a promise.

use fdkit::attr::{self, SetTime};
use fdkit::stat::Timestamp;
use napi_derive::napi;

use crate::call::{Out, Reply, reply_at};
use crate::fd::given;
use crate::path::PathArg;

/// `faccessat2(dirFd, path, mode, …)`: whether it succeeds.
#[napi(catch_unwind, ts_return_type = "Reply<boolean>")]
pub fn faccessat2(
    later: bool,
    start: Option<i32>,
    path: PathArg,
    mode: i32,
    effective_ids: bool,
    follow_symlinks: bool,
) -> Reply {
    reply_at(later, start, move |start| {
        let path = path.as_c_str();
        let allowed = attr::faccessat(start, path, mode, effective_ids, follow_symlinks);
        Ok(Out::Is(allowed.is_ok()))
    })
}

/// `fchmodat2(dirFd, path, mode, …)`; without a path, `fchmod(start, mode)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn fchmodat2(
    later: bool,
    start: Option<i32>,
    path: Option<PathArg>,
    mode: u32,
    follow_symlinks: bool,
) -> Reply {
    reply_at(later, start, move |start| match path {
        Some(path) => attr::fchmodat(start, path.as_c_str(), mode, follow_symlinks),
        None => attr::fchmod(given(start)?, mode),
    })
}

/// `fchownat(dirFd, path, uid, gid, …)`; without a path, `fchown(start, uid, gid)`. `undefined`
/// leaves one as it is.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn fchownat(
    later: bool,
    start: Option<i32>,
    path: Option<PathArg>,
    uid: Option<u32>,
    gid: Option<u32>,
    follow_symlinks: bool,
) -> Reply {
    reply_at(later, start, move |start| match path {
        Some(path) => attr::fchownat(start, path.as_c_str(), uid, gid, follow_symlinks),
        None => attr::fchown(given(start)?, uid, gid),
    })
}

/// A time to set. Of nanoseconds, -1 stands for the present and -2 for leaving it.
#[napi(object, object_to_js = false)]
pub struct TimeArg {
    /// Since 1970.
    pub seconds: i64,
    /// Less than 1,000,000,000.
    pub nanoseconds: i32,
}

impl From<TimeArg> for SetTime {
    fn from(time: TimeArg) -> Self {
        match u32::try_from(time.nanoseconds) {
            Ok(nanoseconds) => Self::At(Timestamp { seconds: time.seconds, nanoseconds }),
            Err(_) if time.nanoseconds == -1 => Self::Now,
            Err(_) => Self::Omit,
        }
    }
}

/// `utimensat(dirFd, path, [atime, mtime], …)`; without a path, `futimens(start, …)`.
#[napi(catch_unwind, ts_return_type = "Reply<undefined>")]
pub fn utimensat(
    later: bool,
    start: Option<i32>,
    path: Option<PathArg>,
    atime: TimeArg,
    mtime: TimeArg,
    follow_symlinks: bool,
) -> Reply {
    let (atime, mtime) = (atime.into(), mtime.into());
    reply_at(later, start, move |start| match path {
        Some(path) => attr::utimensat(start, path.as_c_str(), atime, mtime, follow_symlinks),
        None => attr::futimens(given(start)?, atime, mtime),
    })
}
