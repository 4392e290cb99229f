//! Many JavaScript values at a time.

use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::{Env, Result, ToNapiValue};
use napi::{Error, Status, sys};

/// How many arguments a call gets at most; V8's stack has room for about 1,000.
pub const CHUNK: usize = 512;

/// A JavaScript function that takes many values.
pub struct Sink {
    env: sys::napi_env,
    function: sys::napi_value,
}

impl Sink {
    /// A function, and the env, of the call that is under way.
    pub fn new(env: &Env, function: sys::napi_value) -> Self {
        Self { env: env.raw(), function }
    }

    /// What it throws stays pending.
    pub fn call(&self, values: &[sys::napi_value]) -> Result<()> {
        let mut this = ptr::null_mut();
        // SAFETY: the env of the call that is under way.
        let status = unsafe { sys::napi_get_undefined(self.env, &raw mut this) };
        napi::check_status!(status)?;
        // SAFETY: as above, and so are the values; what it returns is not asked for.
        let status = unsafe {
            sys::napi_call_function(
                self.env,
                this,
                self.function,
                values.len(),
                values.as_ptr(),
                ptr::null_mut(),
            )
        };
        napi::check_status!(status)
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

/// The length in elements, and the memory, of a typed array.
///
/// # Safety
/// `env` and `value` are those of the call that is under way.
pub unsafe fn typed_array(
    env: sys::napi_env,
    value: sys::napi_value,
) -> Result<(usize, *mut c_void)> {
    let (mut len, mut data) = (0, ptr::null_mut());
    // SAFETY: the caller's; what is not asked for may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            value,
            ptr::null_mut(),
            &raw mut len,
            &raw mut data,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    napi::check_status!(status)?;
    Ok((len, data))
}
