//! The status of a file. Without a path, a call acts on `dirFd` itself.

use fdkit::files::stat::{Stat, Timestamp, fstat, fstatat};
use napi::bindgen_prelude::{Env, Result, i64n};
use napi::sys;
use napi_derive::napi;

use crate::call::{DirFd, Response, borrow_dir_fd, require_fd, respond_at};
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::PathArg;
use crate::convert::typed_array::Slots;
use crate::convert::value::{IntoJs, array, to_js};

/// Writes the fields of a file's status to `fields`, in the order of node:fs: 64-bit integers with
/// `bigint`, and otherwise the bits of doubles.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn statx(
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
    #[napi(ts_arg_type = "BigUint64Array")] fields: Slots,
) -> Result<Outcome<()>> {
    let dir_fd = match borrow_dir_fd(dir_fd) {
        Ok(dir_fd) => dir_fd,
        Err(error) => return Ok(Err(error).into()),
    };
    match find(dir_fd, path.as_ref(), follow_symlinks) {
        Ok(stat) => write_fields(&stat, bigint, &fields)?,
        Err(error) => return Ok(Outcome::Failed(Failure::from(error).with_dir(dir_fd))),
    }
    Ok(Outcome::Value(()))
}

/// Returns the promise of the fields of a file's status.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn statx_later(
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
) -> Response<StatFields> {
    respond_at(true, dir_fd, move |dir_fd| {
        let stat = find(dir_fd, path.as_ref(), follow_symlinks)?;
        fdkit::Result::Ok(StatFields { stat, bigint })
    })
}

fn find(dir_fd: DirFd<'_>, path: Option<&PathArg>, follow_symlinks: bool) -> fdkit::Result<Stat> {
    match path {
        Some(path) => fstatat(dir_fd, path.as_c_str(), follow_symlinks),
        None => fstat(require_fd(dir_fd)?),
    }
}

/// Writes the fields to an array: integers with `bigint`, and otherwise the bits of doubles.
pub fn write_fields(stat: &Stat, bigint: bool, fields: &Slots) -> Result<()> {
    if bigint {
        return fields.write(&integers(stat));
    }
    fields.write(&doubles(stat).map(f64::to_bits))
}

/// The fields of a file's status, as numbers or bigints.
pub struct StatFields {
    pub stat: Stat,
    pub bigint: bool,
}

impl IntoJs for StatFields {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let values: Result<Vec<_>> = if self.bigint {
            let fields = integers(&self.stat).into_iter().enumerate();
            // Sizes and times can be negative.
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

// Integers above 2^53 lose digits, as they do in node:fs.
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

// The first fields are unsigned. The others hold the bits of signed integers.
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
