//! Results on their way to JavaScript.

use std::os::fd::OwnedFd;
use std::ptr;

use napi::bindgen_prelude::{Env, Error, Result, Status, ToNapiValue};
use napi::sys;

use crate::convert::given::give;
use crate::convert::status::check;

/// The value of a successful call. Each feature implements it for the types that it returns.
pub trait IntoJs {
    /// Creates the JavaScript value, on the thread of `env`.
    fn into_js(self, env: &Env) -> Result<sys::napi_value>;
}

impl IntoJs for () {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, self)
    }
}

impl IntoJs for bool {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, self)
    }
}

impl IntoJs for Option<bool> {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        match self {
            Some(value) => to_js(env, value),
            None => to_js(env, ()),
        }
    }
}

impl IntoJs for i32 {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, self)
    }
}

impl IntoJs for u32 {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, self)
    }
}

impl IntoJs for f64 {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, self)
    }
}

/// JavaScript owns the descriptor from the moment that it has the number.
impl IntoJs for OwnedFd {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, give(self))
    }
}

/// Converts a type that napi-rs can convert.
pub fn to_js(env: &Env, value: impl ToNapiValue) -> Result<sys::napi_value> {
    // SAFETY: the env of the call that is under way.
    unsafe { ToNapiValue::to_napi_value(env.raw(), value) }
}

/// Creates an array.
pub fn array(env: &Env, values: &[sys::napi_value]) -> Result<sys::napi_value> {
    let length = u32::try_from(values.len()).map_err(|_| Error::from_status(Status::InvalidArg))?;
    let mut array = ptr::null_mut();
    // SAFETY: the env of the call that is under way.
    let status =
        unsafe { sys::napi_create_array_with_length(env.raw(), values.len(), &raw mut array) };
    check(status, "napi_create_array_with_length")?;
    for (index, &value) in (0..length).zip(values) {
        // SAFETY: as above; the values come from the same env.
        let status = unsafe { sys::napi_set_element(env.raw(), array, index, value) };
        check(status, "napi_set_element")?;
    }
    Ok(array)
}
