//! The contents of files beneath a root.

use std::ptr;

use fdkit::root::WriteOptions;
use napi::bindgen_prelude::{Buffer, Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::api::root::handle::{Root, respond_beneath};
use crate::call::Response;
use crate::convert::handle::Handle;
use crate::convert::path::PathArg;
use crate::convert::status::check;
use crate::convert::typed_array::Bytes;
use crate::convert::value::{IntoJs, to_js};

/// Reads a whole file.
///
/// @syscall read
#[napi(catch_unwind)]
pub fn root_read_file(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    flags: i32,
) -> Response<FileContents> {
    respond_beneath(later, root, move |root| {
        root.read_file(path.as_c_str(), flags).map(FileContents)
    })
}

/// Writes a whole file. With `later`, the bytes are copied first.
///
/// @syscall write
#[napi(catch_unwind)]
pub fn root_write_file(
    later: bool,
    root: &Handle<Root>,
    path: PathArg,
    #[napi(ts_arg_type = "Uint8Array")] data: Bytes,
    flags: i32,
    mode: u32,
    flush: bool,
    atomic: bool,
) -> Response<()> {
    let options = WriteOptions { flags, mode, flush, atomic };
    if later {
        let data = data.to_vec();
        return respond_beneath(true, root, move |root| {
            root.write_file(path.as_c_str(), &data, options)
        });
    }
    respond_beneath(false, root, move |root| {
        let path = path.as_c_str();
        // SAFETY: the memory of an array, valid for the duration of the call.
        unsafe { root.write_file_from(path, data.start(), data.length, options) }
    })
}

/// The contents of a file on their way to JavaScript.
pub struct FileContents(Vec<u8>);

// Up to here, copying costs less than a finalizer.
const SMALL: usize = 64 * 1024;

impl IntoJs for FileContents {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let Self(bytes) = self;
        if bytes.len() > SMALL {
            return to_js(env, Buffer::from(bytes));
        }
        let (data, mut value) = (bytes.as_ptr().cast(), ptr::null_mut());
        // SAFETY: the env of the call that is under way, and so many bytes. The address of the copy is
        // not asked for.
        let status = unsafe {
            sys::napi_create_buffer_copy(
                env.raw(),
                bytes.len(),
                data,
                ptr::null_mut(),
                &raw mut value,
            )
        };
        check(status, "napi_create_buffer_copy")?;
        Ok(value)
    }
}
