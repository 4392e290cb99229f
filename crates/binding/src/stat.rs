//! What is known about a file.

use fdkit::fd::borrow;
use fdkit::stat::{Stat, Timestamp, fstat as core_fstat, fstatat as core_fstatat};
use napi::bindgen_prelude::{Either, Env, Function, JsValue, Result, ToNapiValue, Unknown};
use napi::sys;
use napi_derive::napi;

use crate::fd::dir_fd;
use crate::path::{PathArg, Values};
use crate::ret::Ret;

type Make<'env> = Function<'env, Values, Unknown<'env>>;

/// `statx(dirFd, path, …)`; `make` gets the fields in the order of node:fs.
#[napi(catch_unwind)]
pub fn statx<'env>(
    env: &'env Env,
    start: Option<i32>,
    path: PathArg,
    follow_symlinks: bool,
    bigint: bool,
    #[napi(ts_arg_type = "(...fields: any[]) => unknown")] make: Make<'env>,
) -> Result<Ret<Unknown<'env>>> {
    let found =
        dir_fd(start).and_then(|start| core_fstatat(start, path.as_c_str(), follow_symlinks));
    shape(env, found, bigint, make)
}

/// `fstat(fd)`, likewise.
#[napi(catch_unwind)]
pub fn fstat<'env>(
    env: &'env Env,
    fd: i32,
    bigint: bool,
    #[napi(ts_arg_type = "(...fields: any[]) => unknown")] make: Make<'env>,
) -> Result<Ret<Unknown<'env>>> {
    shape(env, borrow(fd, "fstat").and_then(core_fstat), bigint, make)
}

fn shape<'env>(
    env: &Env,
    found: fdkit::Result<Stat>,
    bigint: bool,
    make: Make<'env>,
) -> Result<Ret<Unknown<'env>>> {
    let stat = match found {
        Ok(stat) => stat,
        Err(error) => return Ok(Either::B(error.into())),
    };
    let fields = if bigint { bigints(env, &stat) } else { numbers(env, &stat) };
    Ok(Either::A(make.call(Values(fields?))?))
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

fn to_js(env: &Env, field: impl ToNapiValue) -> Result<sys::napi_value> {
    // SAFETY: the env of the call that is under way.
    unsafe { ToNapiValue::to_napi_value(env.raw(), field) }
}
