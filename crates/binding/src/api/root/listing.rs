//! The names and entries of directories beneath a root.

use fdkit::Names as CoreNames;
use fdkit::root::Root as CoreRoot;
use napi::bindgen_prelude::Result;
use napi_derive::napi;

use crate::api::files::listing::{Entries, Names};
use crate::api::root::handle::{Root, respond_beneath};
use crate::call::Response;
use crate::convert::handle::Handle;
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::{NameKind, PathArg};
use crate::convert::sink::Sink;

/// Passes the names in a directory to `sink`, sorted, some hundreds in a call.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn root_readdir(
    root: &Handle<Root>,
    path: PathArg,
    recursive: bool,
    as_buffers: bool,
    #[napi(ts_arg_type = "(...names: any[]) => void")] sink: Sink,
) -> Result<Outcome<()>> {
    use std::os::fd::AsFd;
    let root = match root.get() {
        Ok(root) => root,
        Err(error) => return Ok(Err(error).into()),
    };
    match list(&root, &path, recursive) {
        Ok(names) => {
            let kind = NameKind { as_buffers };
            sink.drain(kind, names.iter().map(|(name, _)| name.to_bytes()))?;
            Ok(Outcome::Value(()))
        }
        Err(error) => Ok(Outcome::Failed(Failure::from(error).with_dir(Some(root.as_fd())))),
    }
}

/// Returns the promise of the names in a directory, sorted.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn root_readdir_later(
    root: &Handle<Root>,
    path: PathArg,
    recursive: bool,
    as_buffers: bool,
) -> Response<Names> {
    respond_beneath(true, root, move |root| {
        list(root, &path, recursive).map(|names| Names { names, kind: NameKind { as_buffers } })
    })
}

/// Returns the entries of a directory, sorted. With `recursive`, their names are paths.
///
/// @syscall getdents64
#[napi(catch_unwind)]
pub fn root_scandir(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    recursive: bool,
    as_buffers: bool,
) -> Response<Entries> {
    respond_beneath(later, root, move |root| {
        let entries = root.read_dir(path.as_c_str(), recursive)?;
        fdkit::Result::Ok(Entries { entries, kind: NameKind { as_buffers }, in_turns: later })
    })
}

fn list(root: &CoreRoot, path: &PathArg, recursive: bool) -> fdkit::Result<CoreNames> {
    if !recursive {
        return root.read_names(path.as_c_str());
    }
    let mut names = CoreNames::default();
    for entry in root.read_dir(path.as_c_str(), true)? {
        names.push(&entry.name, entry.file_type);
    }
    Ok(names)
}
