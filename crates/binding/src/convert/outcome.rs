//! The outcome of a system call: a value or a failure.

use std::ffi::CStr;
use std::ptr;

use napi::bindgen_prelude::{Env, Result, ToNapiValue};
use napi::sys;
use napi_derive::napi;

use crate::convert::path::Name;
use crate::convert::status::check;
use crate::convert::value::{IntoJs, to_js};

/// A failed system call.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Failure {
    /// The error number, negative, as libuv has it.
    pub errno: i32,
    /// The name of the system call, as its manual page spells it.
    pub syscall: &'static str,
    /// True if the walk or the deletion goes on after the failure.
    pub recoverable: Option<bool>,
    /// The path that the failure concerns, if JavaScript cannot know it.
    #[napi(ts_type = "string | Buffer")]
    pub path: Option<Name>,
}

impl Failure {
    /// Creates a failure after which the walk or the deletion goes on.
    pub fn recoverable(error: fdkit::Error, path: Option<Name>) -> Self {
        Self { recoverable: Some(true), path, ..error.into() }
    }
}

impl From<fdkit::Error> for Failure {
    fn from(error: fdkit::Error) -> Self {
        let (errno, syscall) = (-error.errno(), error.syscall());
        Self { errno, syscall, recoverable: None, path: None }
    }
}

impl IntoJs for Failure {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let mut properties = vec![
            property(c"errno", to_js(env, self.errno)?),
            property(c"syscall", to_js(env, self.syscall)?),
        ];
        if let Some(recoverable) = self.recoverable {
            properties.push(property(c"recoverable", to_js(env, recoverable)?));
        }
        if let Some(path) = self.path {
            properties.push(property(c"path", to_js(env, path)?));
        }
        let mut object = ptr::null_mut();
        // SAFETY: the env of the call that is under way.
        let status = unsafe { sys::napi_create_object(env.raw(), &raw mut object) };
        check(status, "napi_create_object")?;
        // Defined and not assigned, so that no setter on `Object.prototype` can intercept them.
        // SAFETY: as above, with so many properties, whose names end in NUL.
        let status = unsafe {
            sys::napi_define_properties(env.raw(), object, properties.len(), properties.as_ptr())
        };
        check(status, "napi_define_properties")?;
        Ok(object)
    }
}

/// Describes a property that is writable, enumerable and configurable, like one that was assigned.
fn property(name: &'static CStr, value: sys::napi_value) -> sys::napi_property_descriptor {
    sys::napi_property_descriptor {
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
    }
}

/// A value or a failure.
pub enum Outcome<T> {
    Value(T),
    Failed(Failure),
}

impl<T> From<fdkit::Result<T>> for Outcome<T> {
    fn from(result: fdkit::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Failed(error.into()),
        }
    }
}

impl<T: IntoJs> IntoJs for Outcome<T> {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        match self {
            Self::Value(value) => value.into_js(env),
            Self::Failed(failure) => failure.into_js(env),
        }
    }
}

// What an export returns.
impl<T: IntoJs> ToNapiValue for Outcome<T> {
    unsafe fn to_napi_value(env: sys::napi_env, outcome: Self) -> Result<sys::napi_value> {
        outcome.into_js(&Env::from_raw(env))
    }
}
