//! Reading a directory.

use fdkit::fd::borrow;
use fdkit::listing::{
    DirEntry, listdir as core_listdir, listdir_fd, scandir as core_scandir,
    scandir_fd as core_scandir_fd,
};
use fdkit::{FileType, Names};
use napi::bindgen_prelude::{Either, Env, Function, Result, ToNapiValue, TypeName};
use napi::{ValueType, sys};
use napi_derive::napi;

use crate::call::{Reply, reply_at, reply_on};
use crate::fd::dir_fd;
use crate::path::{NameKind, PathArg};
use crate::ret::Ret;
use crate::values::{Values, array, to_js};

/// The names in the directory at `path`, poured into `sink`.
#[napi(catch_unwind)]
pub fn getdents64(
    env: &Env,
    start: Option<i32>,
    path: PathArg,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    let names = dir_fd(start).and_then(|start| core_listdir(start, path.as_c_str()));
    pour(env, names, path.kind(), &sink)
}

/// The names in an open directory, likewise.
#[napi(js_name = "getdents64Fd", catch_unwind)]
pub fn getdents64_fd(
    env: &Env,
    fd: i32,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    pour(env, borrow(fd, "getdents64").and_then(listdir_fd), NameKind { as_buffers: false }, &sink)
}

/// [`getdents64`] on a thread of the pool.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn getdents64_later(start: Option<i32>, path: PathArg) -> Reply<NamesOut> {
    reply_at(true, start, move |start| {
        let names = core_listdir(start, path.as_c_str())?;
        Ok(NamesOut { names, kind: path.kind() })
    })
}

/// [`getdents64_fd`] on a thread of the pool.
#[napi(js_name = "getdents64FdLater", catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn getdents64_fd_later(fd: i32) -> Reply<NamesOut> {
    reply_on(true, fd, move |fd| {
        Ok(NamesOut { names: listdir_fd(fd)?, kind: NameKind { as_buffers: false } })
    })
}

/// Name, type, a link's target's type and inode number of each entry, in one array. `later` asks
/// for a promise, and for the types of links' targets.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn scandir(later: bool, start: Option<i32>, path: PathArg) -> Reply<EntriesOut> {
    reply_at(later, start, move |start| {
        let entries = core_scandir(start, path.as_c_str(), later)?;
        Ok(EntriesOut { entries, kind: path.kind() })
    })
}

/// [`scandir`] of an open directory.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn scandir_fd(later: bool, fd: i32) -> Reply<EntriesOut> {
    reply_on(later, fd, move |fd| {
        let entries = core_scandir_fd(fd, later)?;
        Ok(EntriesOut { entries, kind: NameKind { as_buffers: false } })
    })
}

/// Names, as an array.
pub struct NamesOut {
    names: Names,
    kind: NameKind,
}

impl TypeName for NamesOut {
    fn type_name() -> &'static str {
        "(string | Buffer)[]"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for NamesOut {
    unsafe fn to_napi_value(env: sys::napi_env, out: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let names = out.names.iter().map(|(name, _)| out.kind.to_js(&env, name.to_bytes()));
        array(&env, &names.collect::<Result<Vec<_>>>()?)
    }
}

/// Entries, four values each.
pub struct EntriesOut {
    entries: Vec<DirEntry>,
    kind: NameKind,
}

impl TypeName for EntriesOut {
    fn type_name() -> &'static str {
        "any[]"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for EntriesOut {
    unsafe fn to_napi_value(env: sys::napi_env, out: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let mut values = Vec::with_capacity(out.entries.len() * 4);
        for entry in &out.entries {
            values.push(out.kind.to_js(&env, entry.name.to_bytes())?);
            values.push(to_js(&env, entry.file_type as u32)?);
            let target_type = entry.target_type.unwrap_or(FileType::Unknown);
            values.push(to_js(&env, target_type as u32)?);
            values.push(match u32::try_from(entry.ino) {
                Ok(ino) => to_js(&env, ino)?,
                Err(_) => to_js(&env, entry.ino)?,
            });
        }
        array(&env, &values)
    }
}

fn pour(
    env: &Env,
    names: fdkit::Result<Names>,
    kind: NameKind,
    sink: &Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    let names = match names {
        Ok(names) => names,
        Err(error) => return Ok(Either::B(error.into())),
    };
    kind.pour(env, names.iter().map(|(name, _)| name.to_bytes()), sink)?;
    Ok(Either::A(()))
}
