//! Opening and closing a root.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use fdkit::files::descriptors::dup;
use fdkit::root::{Root as CoreRoot, RootOptions, Symlinks};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::api::files::descriptors::{Descriptor, Opened, Weight};
use crate::call::{Response, require_fd, respond, respond_at};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::Outcome;
use crate::convert::path::PathArg;
use crate::convert::value::IntoJs;

/// A directory that nothing leads out of. Its descriptor has a number that JavaScript never gets, so
/// nobody can put another directory in its place.
///
/// A call that is pending shares the descriptor. It is closed when the root is closed and no call is
/// pending any more.
pub struct Root {
    root: Mutex<Option<(Arc<CoreRoot>, Weight)>>,
}

impl Root {
    /// Returns the root for the duration of a call.
    pub fn get(&self) -> fdkit::Result<Arc<CoreRoot>> {
        let root = lock(&self.root).as_ref().map(|(root, _)| Arc::clone(root));
        root.ok_or(fdkit::Error::new(libc::EBADF, "openat2"))
    }
}

/// A root on its way to JavaScript.
pub struct OpenedRoot(CoreRoot);

impl IntoJs for OpenedRoot {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let root = (Arc::new(self.0), Weight::new(Env::from_raw(env.raw()), 1));
        Handle::new(Root { root: Mutex::new(Some(root)) }).into_js(env)
    }
}

/// Makes a system call beneath a root, as `respond` does. A failure names the root's directory.
pub fn respond_beneath<T, O>(
    later: bool,
    root: &Handle<Root>,
    work: impl FnOnce(&CoreRoot) -> O + Send + 'static,
) -> Response<T>
where
    T: IntoJs + Send + 'static,
    O: Into<Outcome<T>>,
{
    match root.get() {
        Ok(root) => respond(later, move || {
            work(&root).into().map_failure(|failure| failure.with_dir(Some(root.as_fd())))
        }),
        Err(error) => Response::now(Err(error)),
    }
}

/// Opens a directory as a root. Without a path, `dirFd` is the directory itself.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn root_start(
    later: bool,
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    refuse_symlinks: bool,
    cross_device: bool,
) -> Response<OpenedRoot> {
    let symlinks = if refuse_symlinks { Symlinks::Refuse } else { Symlinks::Beneath };
    let options = RootOptions { symlinks, cross_device, ..RootOptions::default() };
    respond_at(later, dir_fd, move |dir_fd| {
        let root = match &path {
            Some(path) => CoreRoot::open(path.as_c_str(), dir_fd, options),
            None => CoreRoot::of_fd(require_fd(dir_fd)?, options),
        };
        root.map(OpenedRoot)
    })
}

/// Opens a directory beneath a root as another root.
///
/// @syscall openat2
#[napi(catch_unwind)]
pub fn root_narrow(later: bool, root: &Handle<Root>, path: PathArg) -> Response<OpenedRoot> {
    respond_beneath(later, root, move |root| root.open_root(path.as_c_str()).map(OpenedRoot))
}

/// Returns a duplicate of the root's descriptor.
///
/// @syscall dup
#[napi(catch_unwind)]
pub fn root_fd(env: Env, root: &Handle<Root>) -> Outcome<Handle<Descriptor>> {
    let duplicate = root.get().and_then(|root| dup(root.as_fd()));
    duplicate.map(|fd| Handle::new(Descriptor::new(fd, env))).into()
}

/// Closes the root. Calls that are pending go on.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn root_close(root: &Handle<Root>) {
    drop(lock(&root.root).take());
}

/// Opens a file beneath a root.
///
/// @syscall openat2
#[napi(catch_unwind)]
pub fn root_openat(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    flags: i32,
    mode: u32,
) -> Response<Opened> {
    respond_beneath(later, root, move |root| {
        root.open_file(path.as_c_str(), flags, mode).map(|fd| Opened { fd, later })
    })
}
