//! Reading a directory.

use std::sync::Mutex;
use std::vec;

use fdkit::files::listing::{DirEntry, listdir, listdir_fd, scandir as core_scandir, scandir_fd};
use fdkit::{FileType, Names};
use napi::bindgen_prelude::{Env, Error, Result, Status};
use napi::sys;

use crate::call::{Out, Reply, Start, reply_at};
use crate::convert::held::{Held, lock};
use crate::convert::path::{NameKind, PathArg};
use crate::convert::values::{CHUNK, array, to_js};
use crate::exports::Args;
use crate::files::descriptors::{dir_fd, given};

// How many entries JavaScript gets in one turn of the event loop. Names take about a tenth of a
// millisecond then. An entry takes longer, since JavaScript makes an object of it.
const NAMES_A_TURN: usize = 4 * CHUNK;
const ENTRIES_A_TURN: usize = CHUNK;

/// `getdents64(dirFd, path, sink)`: the names in the directory at `path`, or without a path in
/// that of `dirFd`, poured into `sink`.
pub fn getdents64(args: &Args) -> Result<Reply> {
    let path: Option<PathArg> = args.maybe(1)?;
    match dir_fd(args.maybe(0)?).and_then(|start| list(start, path.as_ref())) {
        Ok(NamesOut { names, kind }) => {
            let names = names.iter().map(|(name, _)| name.to_bytes());
            kind.pour(&args.env, names, &args.sink(2)?)?;
            Ok(().into())
        }
        Err(error) => Ok(error.into()),
    }
}

/// `getdents64Later(true, dirFd, path)`: the promise of an array, or of what `listingPour` takes if
/// there are more names than a turn of the event loop has time for.
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
/// asks for a promise, and for the types of links' targets; the promise may be of what
/// `listingPour` takes, as that of `getdents64Later`.
pub fn scandir(args: &Args) -> Result<Reply> {
    let (later, path): (_, Option<PathArg>) = (args.get(0)?, args.maybe(2)?);
    reply_at(args, move |start| {
        let entries = match &path {
            Some(path) => core_scandir(start, path.as_c_str(), later),
            None => scandir_fd(given(start)?, later),
        };
        let (entries, kind) = (entries?, kind_of(path.as_ref()));
        Ok(Out::Entries(EntriesOut { entries, kind, in_turns: later }))
    })
}

/// `listingPour(listing, sink)`: hands out what one turn of the event loop has time for, some
/// hundreds of values a call of `sink`. Returns whether there may be more.
pub fn listing_pour(args: &Args) -> Result<Reply> {
    match Held::get(args, 0)? {
        Held::Listing(listing) => Ok(Out::Is(lock(listing).pour(args)?).into()),
        _ => Err(Error::from_status(Status::InvalidArg)),
    }
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
    pub fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        if self.names.len() > NAMES_A_TURN {
            let listing = Listing { left: Left::Names(self.names, 0), kind: self.kind };
            return Held::Listing(Mutex::new(listing)).into_js(env);
        }
        let names = self.names.iter().map(|(name, _)| self.kind.to_js(env, name.to_bytes()));
        array(env, &names.collect::<Result<Vec<_>>>()?)
    }
}

/// Entries, four values each.
pub struct EntriesOut {
    entries: Vec<DirEntry>,
    kind: NameKind,
    in_turns: bool,
}

impl EntriesOut {
    pub fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        if self.in_turns && self.entries.len() > ENTRIES_A_TURN {
            let listing =
                Listing { left: Left::Entries(self.entries.into_iter()), kind: self.kind };
            return Held::Listing(Mutex::new(listing)).into_js(env);
        }
        let mut values = Vec::with_capacity(self.entries.len() * FIELDS);
        for entry in &self.entries {
            push_fields(env, self.kind, entry, &mut values)?;
        }
        array(env, &values)
    }
}

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
    left: Left,
    kind: NameKind,
}

enum Left {
    // From this place on.
    Names(Names, usize),
    // Each is freed as it goes: to free hundreds of thousands at once takes milliseconds.
    Entries(vec::IntoIter<DirEntry>),
}

impl Listing {
    fn pour(&mut self, args: &Args) -> Result<bool> {
        let (env, kind, sink) = (&args.env, self.kind, args.sink(1)?);
        let mut values = Vec::with_capacity(CHUNK);
        match &mut self.left {
            Left::Names(names, cursor) => {
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
            Left::Entries(entries) => {
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
