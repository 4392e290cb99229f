//! Attributes of files beneath a root.

use napi::bindgen_prelude::Result;
use napi_derive::napi;

use crate::api::files::attributes::set_time;
use crate::api::files::stat::{StatFields, write_fields};
use crate::api::root::handle::{Root, respond_beneath};
use crate::call::Response;
use crate::convert::handle::Handle;
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::PathArg;
use crate::convert::typed_array::Slots;

/// Writes the fields of a file's status to `fields`, as `statx` does.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn root_stat(
    root: &Handle<Root>,
    path: PathArg,
    follow_symlinks: bool,
    bigint: bool,
    #[napi(ts_arg_type = "BigUint64Array")] fields: Slots,
) -> Result<Outcome<()>> {
    use std::os::fd::AsFd;
    let root = match root.get() {
        Ok(root) => root,
        Err(error) => return Ok(Err(error).into()),
    };
    match root.stat(path.as_c_str(), follow_symlinks) {
        Ok(stat) => write_fields(&stat, bigint, &fields)?,
        Err(error) => {
            return Ok(Outcome::Failed(Failure::from(error).with_dir(Some(root.as_fd()))));
        }
    }
    Ok(Outcome::Value(()))
}

/// Returns the promise of the fields of a file's status.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn root_stat_later(
    root: &Handle<Root>,
    path: PathArg,
    follow_symlinks: bool,
    bigint: bool,
) -> Response<StatFields> {
    respond_beneath(true, root, move |root| {
        root.stat(path.as_c_str(), follow_symlinks).map(|stat| StatFields { stat, bigint })
    })
}

/// Checks whether a file may be accessed in this mode. With `asBoolean`, returns true or false;
/// otherwise nothing or a failure.
///
/// @syscall faccessat2
#[napi(catch_unwind)]
pub fn root_access(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    mode: i32,
    as_boolean: bool,
) -> Response<Option<bool>> {
    respond_beneath(later, root, move |root| {
        let allowed = root.access(path.as_c_str(), mode);
        if as_boolean { Ok(Some(allowed.is_ok())) } else { allowed.map(|()| None) }
    })
}

/// Changes the permissions of a file.
///
/// @syscall fchmodat2
#[napi(catch_unwind)]
pub fn root_chmod(later: bool, root: &Handle<Root>, path: PathArg, mode: u32) -> Response<()> {
    respond_beneath(later, root, move |root| root.chmod(path.as_c_str(), mode))
}

/// Changes the owner of a file. An ID that is undefined stays as it is.
///
/// @syscall fchownat
#[napi(catch_unwind)]
pub fn root_chown(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    uid: Option<u32>,
    gid: Option<u32>,
) -> Response<()> {
    respond_beneath(later, root, move |root| root.chown(path.as_c_str(), uid, gid, true))
}

/// Changes the times of a file, each in seconds and nanoseconds.
///
/// @syscall utimensat
#[napi(catch_unwind)]
pub fn root_utimes(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    atime: i64,
    atime_ns: i32,
    mtime: i64,
    mtime_ns: i32,
) -> Response<()> {
    let (atime, mtime) = (set_time(atime, atime_ns), set_time(mtime, mtime_ns));
    respond_beneath(later, root, move |root| root.set_times(path.as_c_str(), atime, mtime, true))
}

/// Sets the size of a file.
///
/// @syscall ftruncate
#[napi(catch_unwind)]
pub fn root_truncate(later: bool, root: &Handle<Root>, path: PathArg, size: i64) -> Response<()> {
    respond_beneath(later, root, move |root| root.truncate(path.as_c_str(), size.cast_unsigned()))
}
