//! Results of core ⇄ a value, or what failed.

use std::ptr;

use napi::bindgen_prelude::{Env, Result, ToNapiValue, TypeName};
use napi::{ValueType, sys};

use crate::convert::path::NameOut;
use crate::convert::values::to_js;

/// A failed system call. Its type stands in `exports.d.ts`.
pub struct Failure {
    error: fdkit::Error,
    skipped: bool,
    path: Option<NameOut>,
}

impl Failure {
    /// One after which a walk, or a deletion, goes on; `path` where JavaScript cannot know it.
    pub fn skipped(error: fdkit::Error, path: Option<NameOut>) -> Self {
        Self { error, skipped: true, path }
    }
}

impl From<fdkit::Error> for Failure {
    fn from(error: fdkit::Error) -> Self {
        Self { error, skipped: false, path: None }
    }
}

impl ToNapiValue for Failure {
    unsafe fn to_napi_value(env: sys::napi_env, failure: Self) -> Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        let mut object = ptr::null_mut();
        // SAFETY: the env of the call that is under way.
        let status = unsafe { sys::napi_create_object(env.raw(), &raw mut object) };
        napi::check_status!(status)?;
        let set = |name: &'static std::ffi::CStr, value| {
            // SAFETY: as above, with a name that ends in NUL.
            let status =
                unsafe { sys::napi_set_named_property(env.raw(), object, name.as_ptr(), value) };
            napi::check_status!(status)
        };
        set(c"errno", to_js(env, -failure.error.errno())?)?;
        set(c"syscall", to_js(env, failure.error.syscall())?)?;
        if failure.skipped {
            set(c"skipped", to_js(env, true)?)?;
        }
        if let Some(path) = failure.path {
            set(c"path", to_js(env, path)?)?;
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
