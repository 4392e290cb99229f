//! Typed arrays whose memory other threads or processes may share, so that Rust must not hold a
//! reference to it.

use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, Result};
use napi::sys;

use crate::convert::status::check;

/// The memory of a `Uint8Array`. The pointer is valid until JavaScript runs again.
pub struct Bytes {
    pub data: *mut u8,
    pub length: usize,
}

impl FromNapiValue for Bytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's env and value.
        let view = unsafe { View::of(env, value) }?;
        Ok(Self { data: view.data.cast(), length: view.length })
    }
}

/// The words of an `Int32Array`.
pub struct Words {
    data: *const u32,
    length: usize,
    is_shared: bool,
}

impl Words {
    /// Returns the address of a word, or `None` if the array is shorter.
    pub fn get(&self, index: u32) -> Option<*const u32> {
        let index = index as usize;
        (index < self.length).then(|| self.data.wrapping_add(index))
    }

    /// Returns true if the array is a view of a `SharedArrayBuffer`.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }
}

impl FromNapiValue for Words {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's env and value.
        let view = unsafe { View::of(env, value) }?;
        let mut is_unshared = false;
        // SAFETY: as above.
        let status = unsafe { sys::napi_is_arraybuffer(env, view.buffer, &raw mut is_unshared) };
        check(status, "napi_is_arraybuffer")?;
        Ok(Self { data: view.data.cast(), length: view.length, is_shared: !is_unshared })
    }
}

struct View {
    // In elements.
    length: usize,
    data: *mut c_void,
    buffer: sys::napi_value,
}

impl View {
    /// # Safety
    /// `env` and `value` are those of the call that is under way.
    unsafe fn of(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut view = Self { length: 0, data: ptr::null_mut(), buffer: ptr::null_mut() };
        // SAFETY: the caller's; an output that is not wanted may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                ptr::null_mut(),
                &raw mut view.length,
                &raw mut view.data,
                &raw mut view.buffer,
                ptr::null_mut(),
            )
        };
        check(status, "napi_get_typedarray_info")?;
        Ok(view)
    }
}
