//! Listing a directory. Without a path, a call lists `dirFd` itself.

use std::sync::Mutex;
use std::vec;

use fdkit::files::listing::{self, DirEntry, listdir, listdir_fd, scandir_fd};
use fdkit::{FileType, Names as CoreNames};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::call::{DirFd, Response, borrow_dir_fd, require_fd, respond_at};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::{NameKind, PathArg};
use crate::convert::sink::{CHUNK, Sink};
use crate::convert::value::{IntoJs, array, to_js};

// The number of names or entries that JavaScript receives in one turn of the event loop. The names
// take about a tenth of a millisecond. Entries take longer, since JavaScript makes an object of
// each.
const NAMES_A_TURN: usize = 4 * CHUNK;
const ENTRIES_A_TURN: usize = CHUNK;

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
        let (entries, kind) = (entries?, kind_of(path.as_ref()));
        fdkit::Result::Ok(Entries { entries, kind, in_turns: later })
    })
}

/// Passes values to `sink`, some hundreds in a call, as many as one turn of the event loop has time
/// for. Returns true if there may be more.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn listing_drain(
    env: Env,
    listing: &Handle<Listing>,
    #[napi(ts_arg_type = "(...values: any[]) => void")] sink: Sink,
) -> Result<bool> {
    lock(&listing.left).drain(&env, listing.kind, &sink)
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
        if self.names.len() > NAMES_A_TURN {
            return Listing::of(Left::Names(self.names, 0), self.kind).into_js(env);
        }
        let names = self.names.iter().map(|(name, _)| self.kind.to_js(env, name.to_bytes()));
        array(env, &names.collect::<Result<Vec<_>>>()?)
    }
}

/// The entries of a directory.
pub struct Entries {
    entries: Vec<DirEntry>,
    kind: NameKind,
    in_turns: bool,
}

impl IntoJs for Entries {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        if self.in_turns && self.entries.len() > ENTRIES_A_TURN {
            return Listing::of(Left::Entries(self.entries.into_iter()), self.kind).into_js(env);
        }
        let mut values = Vec::with_capacity(self.entries.len() * FIELDS);
        for entry in &self.entries {
            push_fields(env, self.kind, entry, &mut values)?;
        }
        array(env, &values)
    }
}

// The number of values for an entry.
const FIELDS: usize = 4;

fn push_fields(
    env: &Env,
    kind: NameKind,
    entry: &DirEntry,
    values: &mut Vec<sys::napi_value>,
) -> Result<()> {
    let target_type = entry.target_type.unwrap_or(FileType::Unknown);
    values.push(kind.to_js(env, entry.name.to_bytes())?);
    values.push(to_js(env, entry.file_type as u32)?);
    values.push(to_js(env, target_type as u32)?);
    values.push(match u32::try_from(entry.ino) {
        Ok(ino) => to_js(env, ino)?,
        Err(_) => to_js(env, entry.ino)?,
    });
    Ok(())
}

/// A long listing on its way to JavaScript.
pub struct Listing {
    left: Mutex<Left>,
    kind: NameKind,
}

impl Listing {
    fn of(left: Left, kind: NameKind) -> Handle<Self> {
        Handle::new(Self { left: Mutex::new(left), kind })
    }
}

/// The names that JavaScript has not received yet.
enum Left {
    // From this place on.
    Names(CoreNames, usize),
    // Each entry is freed when it is passed on: freeing hundreds of thousands at once takes
    // milliseconds.
    Entries(vec::IntoIter<DirEntry>),
}

impl Left {
    fn drain(&mut self, env: &Env, kind: NameKind, sink: &Sink) -> Result<bool> {
        let mut values = Vec::with_capacity(CHUNK);
        match self {
            Self::Names(names, cursor) => {
                for _ in 0..NAMES_A_TURN / CHUNK {
                    values.clear();
                    while values.len() < CHUNK
                        && let Some((name, _)) = names.next(cursor)
                    {
                        values.push(kind.to_js(env, name.to_bytes())?);
                    }
                    sink.call(&values)?;
                }
                Ok(values.len() == CHUNK)
            }
            Self::Entries(entries) => {
                for _ in 0..ENTRIES_A_TURN * FIELDS / CHUNK {
                    values.clear();
                    for entry in entries.by_ref().take(CHUNK / FIELDS) {
                        push_fields(env, kind, &entry, &mut values)?;
                    }
                    sink.call(&values)?;
                }
                Ok(entries.len() > 0)
            }
        }
    }
}
