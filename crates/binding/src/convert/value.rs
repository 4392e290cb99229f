//! Results on their way to JavaScript.

use std::ffi::CStr;
use std::ptr;

use napi::bindgen_prelude::{Env, Error, Result, Status, ToNapiValue};
use napi::sys;

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

/// Converts a type that napi-rs can convert.
pub fn to_js(env: &Env, value: impl ToNapiValue) -> Result<sys::napi_value> {
    // SAFETY: the env of the call that is under way.
    unsafe { ToNapiValue::to_napi_value(env.raw(), value) }
}

/// Describes a property that is writable, enumerable and configurable, like one that was assigned.
pub fn property(name: &'static CStr, value: sys::napi_value) -> sys::napi_property_descriptor {
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

/// Creates an array for values that must not be lost. The elements are defined and not assigned, so
/// that no setter on `Object.prototype` can intercept them.
pub fn own_array(env: &Env, values: &[sys::napi_value]) -> Result<sys::napi_value> {
    let element = |(index, &value): (usize, _)| {
        let name = to_js(env, index.to_string())?;
        Ok(sys::napi_property_descriptor { utf8name: ptr::null(), name, ..property(c"", value) })
    };
    let properties = values.iter().enumerate().map(element).collect::<Result<Vec<_>>>()?;
    let array = array(env, &[])?;
    // SAFETY: the env of the call that is under way, with so many properties.
    let status = unsafe {
        sys::napi_define_properties(env.raw(), array, properties.len(), properties.as_ptr())
    };
    check(status, "napi_define_properties")?;
    Ok(array)
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
