//! The status of file systems. Without a path, a call acts on `dirFd` itself.

use fdkit::files::statvfs::{self, StatVfs};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::call::{Response, require_fd, respond_at};
use crate::convert::path::PathArg;
use crate::convert::value::{IntoJs, array, to_js};

/// Returns the fields of a file system's status in the order of Python: bigints with `bigint`, and
/// otherwise numbers.
///
/// @syscall statvfs
#[napi(catch_unwind)]
pub fn statvfs(
    later: bool,
    dir_fd: Option<i32>,
    path: Option<PathArg>,
    bigint: bool,
) -> Response<StatVfsFields> {
    respond_at(later, dir_fd, move |dir_fd| {
        let stat = match path {
            Some(path) => statvfs::statvfs(dir_fd, path.as_c_str())?,
            None => statvfs::fstatvfs(require_fd(dir_fd)?)?,
        };
        fdkit::Result::Ok(StatVfsFields { stat, bigint })
    })
}

/// The fields of a file system's status, as numbers or bigints.
pub struct StatVfsFields {
    stat: StatVfs,
    bigint: bool,
}

impl IntoJs for StatVfsFields {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let Self { stat, bigint } = self;
        let fields = [
            stat.bsize,
            stat.frsize,
            stat.blocks,
            stat.bfree,
            stat.bavail,
            stat.files,
            stat.ffree,
            stat.favail,
            stat.flag,
            stat.namemax,
            stat.fsid,
        ];
        // Numbers above 2^53 lose digits, as they do in node:fs.
        let convert =
            |field: u64| if bigint { to_js(env, field) } else { to_js(env, field as f64) };
        let values: Result<Vec<_>> = fields.into_iter().map(convert).collect();
        array(env, &values?)
    }
}
