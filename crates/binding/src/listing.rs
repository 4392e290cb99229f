//! Reading a directory.

use std::os::fd::BorrowedFd;

use fdkit::listing::{DirEntry, listdir, listdir_fd, scandir as core_scandir, scandir_fd};
use fdkit::{FileType, Names};
use napi::bindgen_prelude::{Either, Env, Function, Result};
use napi::sys;
use napi_derive::napi;

use crate::call::{Out, Reply, reply_at};
use crate::fd::{dir_fd, given};
use crate::path::{NameKind, PathArg};
use crate::ret::Ret;
use crate::values::{Values, array, to_js};

/// The names in the directory at `path`, or without a path in that of `start`, poured into `sink`.
#[napi(catch_unwind)]
pub fn getdents64(
    env: &Env,
    start: Option<i32>,
    path: Option<PathArg>,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Function<'_, Values, ()>,
) -> Result<Ret<()>> {
    match dir_fd(start).and_then(|start| list(start, path.as_ref())) {
        Ok(NamesOut { names, kind }) => {
            kind.pour(env, names.iter().map(|(name, _)| name.to_bytes()), &sink)?;
            Ok(Either::A(()))
        }
        Err(error) => Ok(Either::B(error.into())),
    }
}

/// [`getdents64`] on a thread of the pool: an array.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn getdents64_later(start: Option<i32>, path: Option<PathArg>) -> Reply {
    reply_at(true, start, move |start| Ok(Out::Names(list(start, path.as_ref())?)))
}

fn list(start: Option<BorrowedFd<'_>>, path: Option<&PathArg>) -> fdkit::Result<NamesOut> {
    let names = match path {
        Some(path) => listdir(start, path.as_c_str()),
        None => listdir_fd(given(start)?),
    };
    Ok(NamesOut { names: names?, kind: kind_of(path) })
}

/// Name, type, a link's target's type and inode number of each entry of the directory at `path`,
/// or without a path of that of `start`, in one array. `later` asks for a promise, and for the
/// types of links' targets.
#[napi(catch_unwind, ts_return_type = "Reply<any[]>")]
pub fn scandir(later: bool, start: Option<i32>, path: Option<PathArg>) -> Reply {
    reply_at(later, start, move |start| {
        let entries = match &path {
            Some(path) => core_scandir(start, path.as_c_str(), later),
            None => scandir_fd(given(start)?, later),
        };
        Ok(Out::Entries(EntriesOut { entries: entries?, kind: kind_of(path.as_ref()) }))
    })
}

fn kind_of(path: Option<&PathArg>) -> NameKind {
    path.map_or(NameKind { as_buffers: false }, PathArg::kind)
}

/// Names, as an array.
pub struct NamesOut {
    names: Names,
    kind: NameKind,
}

impl NamesOut {
    pub fn to_js(&self, env: &Env) -> Result<sys::napi_value> {
        let names = self.names.iter().map(|(name, _)| self.kind.to_js(env, name.to_bytes()));
        array(env, &names.collect::<Result<Vec<_>>>()?)
    }
}

/// Entries, four values each.
pub struct EntriesOut {
    entries: Vec<DirEntry>,
    kind: NameKind,
}

impl EntriesOut {
    pub fn to_js(&self, env: &Env) -> Result<sys::napi_value> {
        let mut values = Vec::with_capacity(self.entries.len() * 4);
        for entry in &self.entries {
            let target_type = entry.target_type.unwrap_or(FileType::Unknown);
            values.push(self.kind.to_js(env, entry.name.to_bytes())?);
            values.push(to_js(env, entry.file_type as u32)?);
            values.push(to_js(env, target_type as u32)?);
            values.push(match u32::try_from(entry.ino) {
                Ok(ino) => to_js(env, ino)?,
                Err(_) => to_js(env, entry.ino)?,
            });
        }
        array(env, &values)
    }
}
