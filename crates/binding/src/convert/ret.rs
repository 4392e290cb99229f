//! Results of core ⇄ a value, or what failed.

use std::ptr;

use napi::bindgen_prelude::{Env, Result, ToNapiValue, TypeName};
use napi::{ValueType, sys};

use crate::call::Start;
use crate::convert::path::{NameKind, NameOut};
use crate::convert::values::to_js;

/// A failed system call. Its type stands in `exports.d.ts`.
pub struct Failure {
    error: fdkit::Error,
    skipped: bool,
    path: Option<NameOut>,
    dir: Option<NameOut>,
    dest_dir: Option<NameOut>,
}

impl Failure {
    /// One of a call that started from a directory, which the error is to name.
    pub fn at(error: fdkit::Error, start: Start<'_>) -> Self {
        Self::from(error).starting(start)
    }

    /// The same failure, with the directory that its path starts from.
    pub fn starting(self, start: Start<'_>) -> Self {
        Self { dir: name_of(start), ..self }
    }

    /// One of a call that started from two directories.
    pub fn at_two(error: fdkit::Error, from: Start<'_>, to: Start<'_>) -> Self {
        Self { dir: name_of(from), dest_dir: name_of(to), ..error.into() }
    }

    /// One after which a walk, or a deletion, goes on; `path` where JavaScript cannot know it.
    pub fn skipped(error: fdkit::Error, path: Option<NameOut>) -> Self {
        Self { skipped: true, path, ..error.into() }
    }
}

impl From<fdkit::Error> for Failure {
    fn from(error: fdkit::Error) -> Self {
        Self { error, skipped: false, path: None, dir: None, dest_dir: None }
    }
}

// A string also where paths are Buffers.
fn name_of(start: Start<'_>) -> Option<NameOut> {
    let name = fdkit::files::descriptors::path(start?)?;
    Some(NameOut { name, kind: NameKind { as_buffers: false } })
}

impl ToNapiValue for Failure {
    unsafe fn to_napi_value(env: sys::napi_env, failure: Self) -> Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        let mut object = ptr::null_mut();
        // SAFETY: the env of the call that is under way.
        let status = unsafe { sys::napi_create_object(env.raw(), &raw mut object) };
        napi::check_status!(status)?;
        let set = |name: &'static std::ffi::CStr, value| {
            let property = sys::napi_property_descriptor {
                utf8name: name.as_ptr(),
                name: ptr::null_mut(),
                method: None,
                getter: None,
                setter: None,
                value,
                attributes: sys::PropertyAttributes::writable
                    | sys::PropertyAttributes::enumerable
                    | sys::PropertyAttributes::configurable,
                data: ptr::null_mut(),
            };
            // Defined and not set, so that no setter on `Object.prototype` can take it.
            // SAFETY: as above, with a name that ends in NUL.
            let status =
                unsafe { sys::napi_define_properties(env.raw(), object, 1, &raw const property) };
            napi::check_status!(status)
        };
        set(c"errno", to_js(env, -failure.error.errno())?)?;
        set(c"syscall", to_js(env, failure.error.syscall())?)?;
        if failure.skipped {
            set(c"skipped", to_js(env, true)?)?;
        }
        for (name, value) in
            [(c"path", failure.path), (c"dir", failure.dir), (c"destDir", failure.dest_dir)]
        {
            if let Some(value) = value {
                set(name, to_js(env, value)?)?;
            }
        }
        Ok(object)
    }
}

/// A value, or a failure.
pub enum Ret<T> {
    Value(T),
    Failed(Failure),
}

impl<T> TypeName for Ret<T> {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl<T: ToNapiValue> ToNapiValue for Ret<T> {
    unsafe fn to_napi_value(env: sys::napi_env, ret: Self) -> Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        match ret {
            Self::Value(value) => to_js(env, value),
            Self::Failed(failure) => to_js(env, failure),
        }
    }
}

pub fn ret<T>(result: fdkit::Result<T>) -> Ret<T> {
    match result {
        Ok(value) => Ret::Value(value),
        Err(error) => Ret::Failed(error.into()),
    }
}
