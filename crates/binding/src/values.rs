//! Many JavaScript values at a time.

use std::ptr;

use napi::bindgen_prelude::{Env, JsValuesTupleIntoVec, Result, ToNapiValue};
use napi::{Error, Status, sys};

/// How many arguments a call gets at most; V8's stack has room for about 1,000.
pub const CHUNK: usize = 512;

/// Arguments that are JavaScript values already.
pub struct Values(pub Vec<sys::napi_value>);

impl JsValuesTupleIntoVec for Values {
    fn into_vec(self, _env: sys::napi_env) -> Result<Vec<sys::napi_value>> {
        Ok(self.0)
    }
}

/// One value.
pub fn to_js(env: &Env, value: impl ToNapiValue) -> Result<sys::napi_value> {
    // SAFETY: the env of the call that is under way.
    unsafe { ToNapiValue::to_napi_value(env.raw(), value) }
}

/// A JavaScript array of values.
pub fn array(env: &Env, values: &[sys::napi_value]) -> Result<sys::napi_value> {
    let length = u32::try_from(values.len()).map_err(|_| Error::from_status(Status::InvalidArg))?;
    let mut array = ptr::null_mut();
    // SAFETY: the env of the call that is under way, which the values come from.
    let status =
        unsafe { sys::napi_create_array_with_length(env.raw(), values.len(), &raw mut array) };
    napi::check_status!(status)?;
    for (index, &value) in (0..length).zip(values) {
        // SAFETY: as above.
        let status = unsafe { sys::napi_set_element(env.raw(), array, index, value) };
        napi::check_status!(status)?;
    }
    Ok(array)
}
