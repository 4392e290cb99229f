//! Names relative to a directory.

use napi_derive::napi;

use crate::fd::dir_fd;
use crate::path::PathArg;
use crate::ret::{Ret, ret, ret_fd};

/// `openat(dirFd, path, flags, mode)`.
#[napi(catch_unwind)]
pub fn openat(start: Option<i32>, path: PathArg, flags: i32, mode: u32) -> Ret<i32> {
    ret_fd(dir_fd(start).and_then(|start| fdkit::at::openat(start, path.as_c_str(), flags, mode)))
}

/// `unlinkat(dirFd, path, 0)`.
#[napi(js_name = "unlinkat", catch_unwind)]
pub fn unlinkat(start: Option<i32>, path: PathArg) -> Ret<()> {
    ret(dir_fd(start).and_then(|start| fdkit::at::unlink(start, path.as_c_str())))
}

/// `unlinkat(dirFd, path, AT_REMOVEDIR)`.
#[napi(js_name = "unlinkatRemovedir", catch_unwind)]
pub fn unlinkat_removedir(start: Option<i32>, path: PathArg) -> Ret<()> {
    ret(dir_fd(start).and_then(|start| fdkit::at::rmdir(start, path.as_c_str())))
}
