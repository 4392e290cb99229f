//! Listing a directory. Without a path, a call lists `dirFd` itself.

use fdkit::files::listing::{self, DirEntry, listdir, listdir_fd, scandir_fd};
use fdkit::{FileType, Names as CoreNames};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::call::{DirFd, Response, borrow_dir_fd, require_fd, respond_at};
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::{NameKind, PathArg};
use crate::convert::sink::Sink;
use crate::convert::value::{IntoJs, array, to_js};

/// Passes the names in a directory to `sink`, some hundreds in a call.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn getdents64(
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Sink,
) -> Result<Outcome<()>> {
    let dir_fd = match borrow_dir_fd(dir_fd) {
        Ok(dir_fd) => dir_fd,
        Err(error) => return Ok(Err(error).into()),
    };
    match list(dir_fd, path.as_ref()) {
        Ok(Names { names, kind }) => {
            sink.drain(kind, names.iter().map(|(name, _)| name.to_bytes()))?;
            Ok(Outcome::Value(()))
        }
        Err(error) => Ok(Outcome::Failed(Failure::from(error).with_dir(dir_fd))),
    }
}

/// Returns the promise of the names in a directory.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn getdents64_later(dir_fd: Option<i32>, path: Option<PathArg>) -> Response<Names> {
    respond_at(true, dir_fd, move |dir_fd| list(dir_fd, path.as_ref()))
}

/// Returns the entries of a directory. With `later`, they include the types of links' targets.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn scandir(later: bool, dir_fd: Option<i32>, path: Option<PathArg>) -> Response<Entries> {
    respond_at(later, dir_fd, move |dir_fd| {
        let entries = match &path {
            Some(path) => listing::scandir(dir_fd, path.as_c_str(), later),
            None => scandir_fd(require_fd(dir_fd)?, later),
        };
        fdkit::Result::Ok(Entries { entries: entries?, kind: kind_of(path.as_ref()) })
    })
}

fn list(dir_fd: DirFd<'_>, path: Option<&PathArg>) -> fdkit::Result<Names> {
    let names = match path {
        Some(path) => listdir(dir_fd, path.as_c_str()),
        None => listdir_fd(require_fd(dir_fd)?),
    };
    Ok(Names { names: names?, kind: kind_of(path) })
}

fn kind_of(path: Option<&PathArg>) -> NameKind {
    path.map_or(NameKind { as_buffers: false }, PathArg::kind)
}

/// The names in a directory.
pub struct Names {
    names: CoreNames,
    kind: NameKind,
}

impl IntoJs for Names {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let names = self.names.iter().map(|(name, _)| self.kind.to_js(env, name.to_bytes()));
        array(env, &names.collect::<Result<Vec<_>>>()?)
    }
}

/// The entries of a directory.
pub struct Entries {
    entries: Vec<DirEntry>,
    kind: NameKind,
}

impl IntoJs for Entries {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
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
