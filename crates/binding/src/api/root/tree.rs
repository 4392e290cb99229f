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
    root: &Handle<Root>,
    top: PathArg,
    topdown: bool,
    max_open: u32,
    exact: bool,
    threads: Option<u32>,
) -> Handle<Walk> {
    let options =
        fdkit::WalkOptions { topdown, follow_symlinks: false, max_open: max_open as usize };
    Handle::new(Walk::new(root.get().map(Start::Beneath).map(Some), top, options, exact, threads))
}
