//! Reading a directory.

use fdkit::Names;
use fdkit::fd::borrow;
use fdkit::listing::{listdir as core_listdir, listdir_fd};
use napi::bindgen_prelude::{Either, Env, Function, Result};
use napi_derive::napi;

use crate::fd::dir_fd;
use crate::path::{NameKind, PathArg, Values};
use crate::ret::Ret;

/// The names in the directory at `path`, poured into `sink`.
#[napi(catch_unwind)]
pub fn getdents64(
    env: &Env,
    start: Option<i32>,
    path: PathArg,
    as_buffers: bool,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    let names = dir_fd(start).and_then(|start| core_listdir(start, path.as_c_str()));
    pour(env, names, as_buffers, &sink)
}

/// The names in an open directory, likewise.
#[napi(js_name = "getdents64Fd", catch_unwind)]
pub fn getdents64_fd(
    env: &Env,
    fd: i32,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    pour(env, borrow(fd, "getdents64").and_then(listdir_fd), false, &sink)
}

fn pour(
    env: &Env,
    names: fdkit::Result<Names>,
    as_buffers: bool,
    sink: &Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    let names = match names {
        Ok(names) => names,
        Err(error) => return Ok(Either::B(error.into())),
    };
    NameKind { as_buffers }.pour(env, names.iter().map(|(name, _)| name.to_bytes()), sink)?;
    Ok(Either::A(()))
}
