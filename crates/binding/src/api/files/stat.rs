//! The status of a file. Without a path, a call acts on `dirFd` itself.

use std::ffi::CStr;

use fdkit::files::stat::{self, Stat, Timestamp, fstat, fstatat};
use napi::bindgen_prelude::{BigUint64Array, Env, Result, i64n};
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
        Ok(stat) if bigint => fields.write(&integers(&stat))?,
        Ok(stat) => fields.write(&doubles(&stat).map(f64::to_bits))?,
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

/// Writes the fields of many files' status to `fields`, [`FIELDS`] for each file. Returns which names
/// failed.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn stat_all(
    dir_fd: Option<i32>,
    names: Vec<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
    #[napi(ts_arg_type = "BigUint64Array")] fields: Slots,
) -> Result<Outcome<Failures>> {
    let dir_fd = match borrow_dir_fd(dir_fd) {
        Ok(dir_fd) => dir_fd,
        Err(error) => return Ok(Err(error).into()),
    };
    let found = find_all(dir_fd, &names, follow_symlinks);
    for (index, stat) in found.iter().enumerate() {
        fields.write_at(index * FIELDS, &bits(stat.as_ref().ok(), bigint))?;
    }
    Ok(Outcome::Value(failures(&found, dir_fd)))
}

/// Returns the promise of what `statAll` writes and returns.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn stat_all_later(
    dir_fd: Option<i32>,
    names: Vec<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
) -> Response<StatTable> {
    respond_at(true, dir_fd, move |dir_fd| {
        let found = find_all(dir_fd, &names, follow_symlinks);
        let fields = found.iter().flat_map(|stat| bits(stat.as_ref().ok(), bigint)).collect();
        fdkit::Result::Ok(StatTable { fields, failures: failures(&found, dir_fd) })
    })
}

fn find_all(
    dir_fd: DirFd<'_>,
    names: &[PathArg],
    follow_symlinks: bool,
) -> Vec<fdkit::Result<Stat>> {
    let names: Vec<&CStr> = names.iter().map(PathArg::as_c_str).collect();
    stat::stat_all(dir_fd, names, follow_symlinks)
}

fn failures(found: &[fdkit::Result<Stat>], dir_fd: DirFd<'_>) -> Failures {
    let failed = found.iter().enumerate().filter_map(|(index, stat)| {
        let error = stat.as_ref().err()?;
        Some((index, Failure::from(*error).with_dir(dir_fd)))
    });
    Failures(failed.collect())
}

/// The failures of a call for many names, each with the index of its name.
pub struct Failures(Vec<(usize, Failure)>);

impl IntoJs for Failures {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let mut values = Vec::with_capacity(self.0.len() * 2);
        for (index, failure) in self.0 {
            values.push(to_js(env, index as f64)?);
            values.push(failure.into_js(env)?);
        }
        array(env, &values)
    }
}

/// The status of many files.
pub struct StatTable {
    fields: Vec<u64>,
    failures: Failures,
}

impl IntoJs for StatTable {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let fields = to_js(env, BigUint64Array::new(self.fields))?;
        array(env, &[fields, self.failures.into_js(env)?])
    }
}

/// The number of fields that a table has for each file. Without bigints the last are not used.
pub const FIELDS: usize = 18;

/// Returns the fields of a file in a table. They are 0 for a file without a status.
pub fn bits(stat: Option<&Stat>, bigint: bool) -> [u64; FIELDS] {
    let mut fields = [0; FIELDS];
    match stat {
        None => {}
        Some(stat) if bigint => fields = integers(stat),
        Some(stat) => {
            for (field, double) in fields.iter_mut().zip(doubles(stat)) {
                *field = double.to_bits();
            }
        }
    }
    fields
}

fn find(dir_fd: DirFd<'_>, path: Option<&PathArg>, follow_symlinks: bool) -> fdkit::Result<Stat> {
    match path {
        Some(path) => fstatat(dir_fd, path.as_c_str(), follow_symlinks),
        None => fstat(require_fd(dir_fd)?),
    }
}

/// The fields of a file's status, as numbers or bigints.
pub struct StatFields {
    stat: Stat,
    bigint: bool,
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

fn integers(stat: &Stat) -> [u64; FIELDS] {
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
