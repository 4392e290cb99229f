//! Names beneath a root.

use fdkit::root::Root as CoreRoot;
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::api::root::handle::{Root, respond_beneath};
use crate::call::Response;
use crate::convert::handle::Handle;
use crate::convert::outcome::Outcome;
use crate::convert::path::{Name, NameKind, PathArg};
use crate::convert::value::{IntoJs, to_js};

/// Makes a directory. With `recursive`, also makes the directories above it that are missing, and
/// returns the path of the first one that was made.
///
/// @syscall mkdirat
#[napi(catch_unwind)]
pub fn root_mkdir(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    mode: u32,
    recursive: bool,
) -> Response<Option<Name>> {
    respond_beneath(later, root, move |root| {
        if !recursive {
            return root.mkdir(path.as_c_str(), mode).map(|()| None);
        }
        let end = root.mkdir_all(path.as_c_str(), mode)?;
        Ok(end.map(|end| {
            let bytes = path.to_bytes().get(..end).unwrap_or_default().to_vec();
            Name { bytes, kind: NameKind { as_buffers: false } }
        }))
    })
}

/// Makes a directory whose name starts with `prefix`, and returns its path.
///
/// @syscall mkdirat
#[napi(catch_unwind)]
pub fn root_mkdtemp(
    later: bool,
    root: &Handle<Root>,
    prefix: PathArg,
    as_buffer: bool,
) -> Response<Name> {
    respond_name(later, root, as_buffer, move |root| {
        root.mkdtemp(prefix.as_c_str()).map(|path| path.into_bytes())
    })
}

/// Removes a name, or a directory that is empty.
///
/// @syscall unlinkat
#[napi(catch_unwind)]
pub fn root_unlinkat(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    is_directory: bool,
) -> Response<()> {
    respond_beneath(later, root, move |root| {
        let path = path.as_c_str();
        if is_directory { root.rmdir(path) } else { root.unlink(path) }
    })
}

/// Renames the file at `src` to `dst`, both beneath the root.
///
/// @syscall renameat2
#[napi(catch_unwind)]
pub fn root_rename(
    later: bool,
    root: &Handle<Root>,
    src: PathArg,
    dst: PathArg,
    flags: u32,
) -> Response<()> {
    respond_to_two(later, root, move |root| root.rename(src.as_c_str(), dst.as_c_str(), flags))
}

/// Makes a hard link at `dst` to the file at `src`, both beneath the root.
///
/// @syscall linkat
#[napi(catch_unwind)]
pub fn root_link(later: bool, root: &Handle<Root>, src: PathArg, dst: PathArg) -> Response<()> {
    respond_to_two(later, root, move |root| root.link(src.as_c_str(), dst.as_c_str()))
}

/// Makes a symbolic link at `path` that points to `target`.
///
/// @syscall symlinkat
#[napi(catch_unwind)]
pub fn root_symlink(
    later: bool,
    root: &Handle<Root>,
    target: PathArg,
    path: PathArg,
) -> Response<()> {
    respond_beneath(later, root, move |root| root.symlink(target.as_c_str(), path.as_c_str()))
}

/// Returns what a symbolic link points to.
///
/// @syscall readlinkat
#[napi(catch_unwind)]
pub fn root_readlink(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    as_buffer: bool,
) -> Response<Name> {
    respond_name(later, root, as_buffer, move |root| root.read_link(path.as_c_str()))
}

/// Returns the path of a file relative to the root, without links, `.` and `..`.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn root_realpath(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    as_buffer: bool,
) -> Response<Name> {
    respond_name(later, root, as_buffer, move |root| root.real_path(path.as_c_str()))
}

fn respond_name(
    later: bool,
    root: &Handle<Root>,
    as_buffer: bool,
    work: impl FnOnce(&CoreRoot) -> fdkit::Result<Vec<u8>> + Send + 'static,
) -> Response<Name> {
    let kind = NameKind { as_buffers: as_buffer };
    respond_beneath(later, root, move |root| work(root).map(|bytes| Name { bytes, kind }))
}

/// Makes a call with two paths beneath a root.
fn respond_to_two(
    later: bool,
    root: &Handle<Root>,
    work: impl FnOnce(&CoreRoot) -> fdkit::Result<()> + Send + 'static,
) -> Response<()> {
    respond_beneath(later, root, move |root| {
        use std::os::fd::AsFd;
        let outcome = Outcome::from(work(root));
        outcome.map_failure(|failure| failure.with_dest_dir(Some(root.as_fd())))
    })
}

impl IntoJs for Option<Name> {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        match self {
            Some(name) => name.into_js(env),
            None => to_js(env, ()),
        }
    }
}
