//! Reading a directory.

use fdkit::files::listing::{DirEntry, listdir, listdir_fd, scandir as core_scandir, scandir_fd};
use fdkit::{FileType, Names};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;

use crate::call::{Out, Reply, Start, reply_at};
use crate::convert::path::{NameKind, PathArg};
use crate::convert::ret::Failure;
use crate::convert::values::{array, to_js};
use crate::exports::Args;
use crate::files::descriptors::{dir_fd, given};

/// `getdents64(dirFd, path, sink)`: the names in the directory at `path`, or without a path in
/// that of `dirFd`, poured into `sink`.
pub fn getdents64(args: &Args) -> Result<Reply> {
    let path: Option<PathArg> = args.maybe(1)?;
    let start = match dir_fd(args.maybe(0)?) {
        Ok(start) => start,
        Err(error) => return Ok(error.into()),
    };
    match list(start, path.as_ref()) {
        Ok(NamesOut { names, kind }) => {
            let names = names.iter().map(|(name, _)| name.to_bytes());
            kind.pour(&args.env, names, &args.sink(2)?)?;
            Ok(().into())
        }
        Err(error) => Ok(Out::Failed(Failure::at(error, start)).into()),
    }
}

/// `getdents64Later(true, dirFd, path)`: the promise of an array.
pub fn getdents64_later(args: &Args) -> Result<Reply> {
    let path: Option<PathArg> = args.maybe(2)?;
    reply_at(args, move |start| list(start, path.as_ref()).map(Out::Names))
}

fn list(start: Start<'_>, path: Option<&PathArg>) -> fdkit::Result<NamesOut> {
    let names = match path {
        Some(path) => listdir(start, path.as_c_str()),
        None => listdir_fd(given(start)?),
    };
    Ok(NamesOut { names: names?, kind: kind_of(path) })
}

/// `scandir(later, dirFd, path)`: name, type, a link's target's type and inode number of each
/// entry of the directory at `path`, or without a path of that of `dirFd`, in one array. `later`
/// asks for a promise, and for the types of links' targets.
pub fn scandir(args: &Args) -> Result<Reply> {
    let (later, path): (_, Option<PathArg>) = (args.get(0)?, args.maybe(2)?);
    reply_at(args, move |start| {
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
