//! What is known about a file.

use std::os::fd::BorrowedFd;

use fdkit::stat::{Stat, Timestamp, fstat, fstatat};
use napi::bindgen_prelude::{Either, Env, Function, JsValue, Result, Unknown};
use napi::sys;
use napi_derive::napi;

use crate::call::{Out, Reply, reply_at};
use crate::fd::{dir_fd, given};
use crate::path::PathArg;
use crate::ret::Ret;
use crate::values::{Values, array, to_js};

type Make<'env> = Function<'env, Values, Unknown<'env>>;

/// `statx(dirFd, path, …)`; without a path, `fstat(start)`. `make` gets the fields in the order
/// of node:fs.
#[napi(catch_unwind)]
pub fn statx<'env>(
    env: &'env Env,
    start: Option<i32>,
    path: Option<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
    #[napi(ts_arg_type = "(...fields: any[]) => unknown")] make: Make<'env>,
) -> Result<Ret<Unknown<'env>>> {
    match dir_fd(start).and_then(|start| find(start, path.as_ref(), follow_symlinks)) {
        Ok(stat) => Ok(Either::A(make.call(Values(Fields { stat, bigint }.to_js(env)?))?)),
        Err(error) => Ok(Either::B(error.into())),
    }
}

/// The fields of [`statx`], on a thread of the pool.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn statx_later(
    start: Option<i32>,
    path: Option<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
) -> Reply {
    reply_at(true, start, move |start| {
        let stat = find(start, path.as_ref(), follow_symlinks)?;
        Ok(Out::Fields(Fields { stat, bigint }))
    })
}

fn find(
    start: Option<BorrowedFd<'_>>,
    path: Option<&PathArg>,
    follow_symlinks: bool,
) -> fdkit::Result<Stat> {
    match path {
        Some(path) => fstatat(start, path.as_c_str(), follow_symlinks),
        None => fstat(given(start)?),
    }
}

/// What is known about a file, as numbers or bigints in the order of node:fs.
pub struct Fields {
    stat: Stat,
    bigint: bool,
}

impl Fields {
    fn to_js(&self, env: &Env) -> Result<Vec<sys::napi_value>> {
        if self.bigint { bigints(env, &self.stat) } else { numbers(env, &self.stat) }
    }

    pub fn to_array(&self, env: &Env) -> Result<sys::napi_value> {
        array(env, &self.to_js(env)?)
    }
}

// Whole numbers beyond 2^53 lose digits here, as they do in node:fs.
fn numbers(env: &Env, stat: &Stat) -> Result<Vec<sys::napi_value>> {
    let milliseconds =
        |time: Timestamp| time.seconds as f64 * 1e3 + f64::from(time.nanoseconds) / 1e6;
    let fields = [
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
    ];
    fields.into_iter().map(|field| Ok(env.create_double(field)?.raw())).collect()
}

fn bigints(env: &Env, stat: &Stat) -> Result<Vec<sys::napi_value>> {
    let unsigned = [
        stat.dev,
        u64::from(stat.mode),
        stat.nlink,
        u64::from(stat.uid),
        u64::from(stat.gid),
        stat.rdev,
        stat.blksize,
        stat.ino,
    ];
    let times = [stat.atime, stat.mtime, stat.ctime, stat.birthtime];
    let times = times.into_iter().flat_map(|time| [time.seconds, i64::from(time.nanoseconds)]);
    let signed = [stat.size, stat.blocks].into_iter().chain(times);
    let unsigned = unsigned.into_iter().map(|field| to_js(env, field));
    unsigned.chain(signed.map(|field| to_js(env, napi::bindgen_prelude::i64n(field)))).collect()
}
