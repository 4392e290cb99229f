//! Walking and deleting trees beneath a root.

use napi_derive::napi;

use crate::api::root::handle::Root;
use crate::api::tree::rmtree::Rmtree;
use crate::api::tree::walk::{Start, Walk};
use crate::convert::handle::Handle;
use crate::convert::path::PathArg;

/// Prepares the deletion of a file, or of a directory and everything below it. Opens nothing. The
/// deletion goes on if the root is closed.
///
/// @syscall unlinkat
#[napi(catch_unwind)]
pub fn root_rm(root: &Handle<Root>, path: PathArg) -> Handle<Rmtree> {
    Handle::new(Rmtree::new(root.get().map(Start::Beneath).map(Some), path, None))
}

/// Prepares a walk beneath a root, as `walkStart` does. Opens nothing. The walk goes on if the root
/// is closed.
///
/// @syscall openat2
#[napi(catch_unwind)]
pub fn root_walk(
    later: bool,
    root: &Handle<Root>,
    top: PathArg,
    topdown: bool,
    max_open: u32,
    exact: bool,
    stats: bool,
    threads: Option<u32>,
) -> Handle<Walk> {
    let options =
        fdkit::WalkOptions { topdown, follow_symlinks: false, max_open: max_open as usize };
    let start = root.get().map(Start::Beneath).map(Some);
    let looks_ahead = later && !exact && threads != Some(0);
    Handle::new(Walk::new(start, top, options, exact, stats, threads, looks_ahead))
}
