//! What is known about a file.

use fdkit::files::stat::{Stat, Timestamp, fstat, fstatat};
use napi::bindgen_prelude::{Env, Result, i64n};
use napi::sys;

use crate::call::{Out, Reply, Start, reply_at};
use crate::convert::path::PathArg;
use crate::convert::ret::Failure;
use crate::convert::values::{array, to_js};
use crate::exports::Args;
use crate::files::descriptors::{dir_fd, given};

/// `statx(dirFd, path, followSymlinks, bigint, fields)`, or without a path fstat of `dirFd`. The
/// fields are put into an array, in the order of node:fs.
pub fn statx(args: &Args) -> Result<Reply> {
    let (path, follow_symlinks): (Option<PathArg>, _) = (args.maybe(1)?, args.get(2)?);
    let start = match dir_fd(args.maybe(0)?) {
        Ok(start) => start,
        Err(error) => return Ok(error.into()),
    };
    let stat = match find(start, path.as_ref(), follow_symlinks) {
        Ok(stat) => stat,
        Err(error) => return Ok(Out::Failed(Failure::at(error, start)).into()),
    };
    if args.get(3)? {
        args.fill(4, &integers(&stat))?;
    } else {
        args.fill(4, &doubles(&stat).map(f64::to_bits))?;
    }
    Ok(().into())
}

/// `statxLater(true, dirFd, path, followSymlinks, bigint)`: the promise of an array of the fields.
pub fn statx_later(args: &Args) -> Result<Reply> {
    let path: Option<PathArg> = args.maybe(2)?;
    let (follow_symlinks, bigint) = (args.get(3)?, args.get(4)?);
    reply_at(args, move |start| {
        let stat = find(start, path.as_ref(), follow_symlinks)?;
        Ok(Out::Fields(Fields { stat, bigint }))
    })
}

fn find(start: Start<'_>, path: Option<&PathArg>, follow_symlinks: bool) -> fdkit::Result<Stat> {
    match path {
        Some(path) => fstatat(start, path.as_c_str(), follow_symlinks),
        None => fstat(given(start)?),
    }
}

/// What is known about a file, as numbers or bigints.
pub struct Fields {
    stat: Stat,
    bigint: bool,
}

impl Fields {
    pub fn to_js(&self, env: &Env) -> Result<sys::napi_value> {
        let values: Result<Vec<_>> = if self.bigint {
            let fields = integers(&self.stat).into_iter().enumerate();
            // Sizes and times may be negative.
            fields
                .map(|(index, bits)| {
                    if index < UNSIGNED {
                        to_js(env, bits)
                    } else {
                        to_js(env, i64n(bits.cast_signed()))
                    }
                })
                .collect()
        } else {
            doubles(&self.stat).into_iter().map(|field| to_js(env, field)).collect()
        };
        array(env, &values?)
    }
}

// Whole numbers beyond 2^53 lose digits here, as they do in node:fs.
fn doubles(stat: &Stat) -> [f64; 14] {
    let milliseconds =
        |time: Timestamp| time.seconds as f64 * 1e3 + f64::from(time.nanoseconds) / 1e6;
    [
        stat.dev as f64,
        f64::from(stat.mode),
        stat.nlink as f64,
        f64::from(stat.uid),
        f64::from(stat.gid),
        stat.rdev as f64,
        stat.blksize as f64,
        stat.ino as f64,
        stat.size as f64,
        stat.blocks as f64,
        milliseconds(stat.atime),
        milliseconds(stat.mtime),
        milliseconds(stat.ctime),
        milliseconds(stat.birthtime),
    ]
}

// So many come first; of the others the bits are those of signed numbers.
const UNSIGNED: usize = 8;

fn integers(stat: &Stat) -> [u64; 18] {
    let [atime, mtime, ctime, birthtime] = [stat.atime, stat.mtime, stat.ctime, stat.birthtime]
        .map(|time| time.seconds.cast_unsigned());
    [
        stat.dev,
        u64::from(stat.mode),
        stat.nlink,
        u64::from(stat.uid),
        u64::from(stat.gid),
        stat.rdev,
        stat.blksize,
        stat.ino,
        stat.size.cast_unsigned(),
        stat.blocks.cast_unsigned(),
        atime,
        u64::from(stat.atime.nanoseconds),
        mtime,
        u64::from(stat.mtime.nanoseconds),
        ctime,
        u64::from(stat.ctime.nanoseconds),
        birthtime,
        u64::from(stat.birthtime.nanoseconds),
    ]
}
