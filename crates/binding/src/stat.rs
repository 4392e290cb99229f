//! What is known about a file.

use std::cell::RefCell;
use std::os::fd::BorrowedFd;

use fdkit::stat::{Stat, Timestamp, fstat, fstatat};
use napi::bindgen_prelude::{
    Either, Env, Float64Array, Function, FunctionCallContext, JsValue, Result,
};
use napi::sys;
use napi_derive::napi;

use crate::call::{Out, Reply, reply_at};
use crate::fd::{dir_fd, given};
use crate::path::PathArg;
use crate::ret::Ret;
use crate::values::{Values, array, to_js};

type Look<'env> = Function<'env, Values, Ret<()>>;

/// What makes `statx(dirFd, path, …)`; without a path, `fstat(start)`. It puts the fields into
/// `fields`, in the order of node:fs.
///
/// A function of its own, and numbers in memory that JavaScript reads, as in node:fs: making 14
/// values and calling back with them takes as long as the system call.
#[napi(
    catch_unwind,
    ts_return_type = "(start: number | undefined, path: PathArg | undefined, \
                      followSymlinks: boolean) => Ret<undefined>"
)]
pub fn statx(env: &Env, fields: Float64Array) -> Result<Look<'_>> {
    let fields = RefCell::new(fields);
    env.create_function_from_closure("statx", move |call: FunctionCallContext<'_>| {
        let (start, path) = (call.get(0)?, call.get::<Option<PathArg>>(1)?);
        let follow = call.get(2)?;
        let stat = match dir_fd(start).and_then(|start| find(start, path.as_ref(), follow)) {
            Ok(stat) => stat,
            Err(error) => return Ok(Either::B(error.into())),
        };
        let mut fields = fields.borrow_mut();
        // SAFETY: JavaScript, which reads them, waits for this call.
        let places = unsafe { fields.as_mut() };
        for (field, number) in places.iter_mut().zip(numbers(&stat)) {
            *field = number;
        }
        Ok(Either::A(()))
    })
}

/// The fields of [`statx`] in an array, as numbers or bigints. `later` asks for a promise.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn statx_fields(
    later: bool,
    start: Option<i32>,
    path: Option<PathArg>,
    follow_symlinks: bool,
    bigint: bool,
) -> Reply {
    reply_at(later, start, move |start| {
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
    pub fn to_array(&self, env: &Env) -> Result<sys::napi_value> {
        if self.bigint {
            return array(env, &bigints(env, &self.stat)?);
        }
        let doubles = numbers(&self.stat).map(|field| Ok(env.create_double(field)?.raw()));
        array(env, &doubles.into_iter().collect::<Result<Vec<_>>>()?)
    }
}

// Whole numbers beyond 2^53 lose digits here, as they do in node:fs.
fn numbers(stat: &Stat) -> [f64; 14] {
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
