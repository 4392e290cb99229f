//! What is known about a file.

use fdkit::fd::borrow;
use fdkit::stat::{Stat, Timestamp, fstat as core_fstat, fstatat as core_fstatat};
use napi::bindgen_prelude::{
    Either, Env, Function, JsValue, Result, ToNapiValue, TypeName, Unknown,
};
use napi::{ValueType, sys};
use napi_derive::napi;

use crate::call::{Reply, reply_at, reply_on};
use crate::fd::dir_fd;
use crate::path::PathArg;
use crate::ret::Ret;
use crate::values::{Values, array, to_js};

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

/// The fields of [`statx`], on a thread of the pool.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn statx_later(
    start: Option<i32>,
    path: PathArg,
    follow_symlinks: bool,
    bigint: bool,
) -> Reply<Fields> {
    reply_at(true, start, move |start| {
        let stat = core_fstatat(start, path.as_c_str(), follow_symlinks)?;
        Ok(Fields { stat, bigint })
    })
}

/// The fields of [`fstat`], on a thread of the pool.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn fstat_later(fd: i32, bigint: bool) -> Reply<Fields> {
    reply_on(true, fd, move |fd| Ok(Fields { stat: core_fstat(fd)?, bigint }))
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
}

impl TypeName for Fields {
    fn type_name() -> &'static str {
        "any[]"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for Fields {
    unsafe fn to_napi_value(env: sys::napi_env, fields: Self) -> Result<sys::napi_value> {
        array(&Env::from_raw(env), &fields.to_js(&Env::from_raw(env))?)
    }
}

fn shape<'env>(
    env: &Env,
    found: fdkit::Result<Stat>,
    bigint: bool,
    make: Make<'env>,
) -> Result<Ret<Unknown<'env>>> {
    let fields = match found {
        Ok(stat) => Fields { stat, bigint },
        Err(error) => return Ok(Either::B(error.into())),
    };
    Ok(Either::A(make.call(Values(fields.to_js(env)?))?))
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
