//! What may be done with a file, and its attributes. The arguments `later` ask for a promise;
//! without a path a call is made on the open file that stands where the directory would.

use fdkit::files::attributes::{self, SetTime};
use fdkit::files::stat::Timestamp;
use napi::bindgen_prelude::Result;

use crate::call::{Out, Reply, reply_at};
use crate::convert::path::PathArg;
use crate::exports::Args;
use crate::files::descriptors::given;

/// `faccessat2(later, dirFd, path, mode, effectiveIds, followSymlinks, answers)`: nothing or a
/// failure, or if it `answers`, whether it succeeds.
pub fn faccessat2(args: &Args) -> Result<Reply> {
    let (path, mode): (PathArg, _) = (args.get(2)?, args.get(3)?);
    let (effective_ids, follow_symlinks, answers) = (args.get(4)?, args.get(5)?, args.get(6)?);
    reply_at(args, move |start| {
        let path = path.as_c_str();
        let allowed = attributes::faccessat(start, path, mode, effective_ids, follow_symlinks);
        if answers { Ok(Out::Is(allowed.is_ok())) } else { allowed.map(Out::from) }
    })
}

/// `fchmodat2(later, dirFd, path, mode, followSymlinks)`.
pub fn fchmodat2(args: &Args) -> Result<Reply> {
    let (path, mode, follow_symlinks) = (args.maybe::<PathArg>(2)?, args.get(3)?, args.get(4)?);
    reply_at(args, move |start| match path {
        Some(path) => attributes::fchmodat(start, path.as_c_str(), mode, follow_symlinks),
        None => attributes::fchmod(given(start)?, mode),
    })
}

/// `fchownat(later, dirFd, path, uid, gid, followSymlinks)`; an id that is undefined stays.
pub fn fchownat(args: &Args) -> Result<Reply> {
    let (path, follow_symlinks) = (args.maybe::<PathArg>(2)?, args.get(5)?);
    let (uid, gid) = (args.maybe(3)?, args.maybe(4)?);
    reply_at(args, move |start| match path {
        Some(path) => attributes::fchownat(start, path.as_c_str(), uid, gid, follow_symlinks),
        None => attributes::fchown(given(start)?, uid, gid),
    })
}

/// `utimensat(later, dirFd, path, followSymlinks, atime, atimeNs, mtime, mtimeNs)`: seconds and
/// nanoseconds, of which -1 stands for the present and -2 for leaving a time as it is.
pub fn utimensat(args: &Args) -> Result<Reply> {
    let (path, follow_symlinks) = (args.maybe::<PathArg>(2)?, args.get(3)?);
    let (atime, mtime) = (time(args, 4)?, time(args, 6)?);
    reply_at(args, move |start| match path {
        Some(path) => attributes::utimensat(start, path.as_c_str(), atime, mtime, follow_symlinks),
        None => attributes::futimens(given(start)?, atime, mtime),
    })
}

fn time(args: &Args, index: usize) -> Result<SetTime> {
    let (seconds, nanoseconds): (i64, i32) = (args.get(index)?, args.get(index + 1)?);
    Ok(match u32::try_from(nanoseconds) {
        Ok(nanoseconds) => SetTime::At(Timestamp { seconds, nanoseconds }),
        Err(_) if nanoseconds == -1 => SetTime::Now,
        Err(_) => SetTime::Omit,
    })
}
