//! Typed arrays. Other threads or processes may share their memory, so Rust holds no reference to
//! it.

use std::ffi::c_void;
use std::ptr;

use napi::bindgen_prelude::{Error, FromNapiValue, Result, Status};
use napi::sys;

use crate::convert::status::check;

/// The memory of a `Uint8Array`. The pointer is valid until JavaScript runs again.
pub struct Bytes {
    pub data: *mut u8,
    pub length: usize,
}

impl Bytes {
    /// Copies the bytes. They must not be used after JavaScript has run again.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length);
        if self.length > 0 {
            // SAFETY: the memory of the array, which JavaScript cannot detach during the call. It is
            // copied before it is looked at, since another thread may write to it.
            unsafe { ptr::copy_nonoverlapping(self.data, bytes.as_mut_ptr(), self.length) };
            // SAFETY: so many bytes were copied.
            unsafe { bytes.set_len(self.length) };
        }
        bytes
    }
}

impl FromNapiValue for Bytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let buffer = ptr::null_mut();
        // SAFETY: the caller's env and value.
        let (data, length) =
            unsafe { memory_of(env, value, sys::TypedarrayType::uint8_array, buffer) }?;
        Ok(Self { data: data.cast(), length })
    }
}

/// A `BigUint64Array` that an export fills. The pointer is valid until JavaScript runs again.
pub struct Slots {
    data: *mut u64,
    length: usize,
}

impl Slots {
    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Writes the values to the beginning of the array.
    pub fn write(&self, values: &[u64]) -> Result<()> {
        self.write_at(0, values)
    }

    /// Writes the values from an index on.
    pub fn write_at(&self, index: usize, values: &[u64]) -> Result<()> {
        if index.checked_add(values.len()).is_none_or(|end| end > self.length) {
            return Err(Error::new(Status::InvalidArg, "the array is too short"));
        }
        let start = self.data.wrapping_add(index);
        // SAFETY: the memory of an array that is long enough, during the call that it came with.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), start, values.len()) };
        Ok(())
    }
}

impl FromNapiValue for Slots {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let buffer = ptr::null_mut();
        // SAFETY: the caller's env and value.
        let (data, length) =
            unsafe { memory_of(env, value, sys::TypedarrayType::biguint64_array, buffer) }?;
        Ok(Self { data: data.cast(), length })
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
        let mut buffer = ptr::null_mut();
        // SAFETY: the caller's env and value.
        let (data, length) =
            unsafe { memory_of(env, value, sys::TypedarrayType::int32_array, &raw mut buffer) }?;
        let mut is_unshared = false;
        // SAFETY: as above.
        let status = unsafe { sys::napi_is_arraybuffer(env, buffer, &raw mut is_unshared) };
        check(status, "napi_is_arraybuffer")?;
        Ok(Self { data: data.cast(), length, is_shared: !is_unshared })
    }
}

/// Returns the address of a typed array's memory and its length in elements. `buffer` receives its
/// buffer, unless it is null.
///
/// # Safety
/// `env` and `value` are those of the call that is under way; `buffer` is null or valid.
unsafe fn memory_of(
    env: sys::napi_env,
    value: sys::napi_value,
    expected: sys::napi_typedarray_type,
    buffer: *mut sys::napi_value,
) -> Result<(*mut c_void, usize)> {
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
    // SAFETY: the caller's; an output that is not wanted may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            value,
            &raw mut kind,
            &raw mut length,
            &raw mut data,
            buffer,
            ptr::null_mut(),
        )
    };
    check(status, "napi_get_typedarray_info")?;
    if kind != expected {
        return Err(Error::new(Status::InvalidArg, "a typed array of another kind"));
    }
    Ok((data, length))
}
