//! Paths and names. Strings of JavaScript are converted to the bytes of names and back without loss
//! (PEP 383); Buffers stay bytes.

use std::ffi::{CStr, CString};
use std::ptr;

use fdkit::files::surrogate_escape::{fsdecode, fsencode};
use napi::bindgen_prelude::{Env, FromNapiValue, Result, ToNapiValue};
use napi::{Error, Status, sys};

use crate::convert::status::check;
use crate::convert::typed_array::Bytes;
use crate::convert::value::IntoJs;

/// A path or a name from JavaScript: a string or a `Uint8Array`, without NUL.
pub struct PathArg {
    path: CString,
    kind: NameKind,
}

impl PathArg {
    pub fn as_c_str(&self) -> &CStr {
        &self.path
    }

    /// Returns the kind of the names that are returned for this path.
    pub fn kind(&self) -> NameKind {
        self.kind
    }

    pub fn to_bytes(&self) -> &[u8] {
        self.path.to_bytes()
    }
}

impl FromNapiValue for PathArg {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's env and value.
        let (bytes, as_buffers) = match unsafe { string_bytes(env, value) }? {
            Some(bytes) => (bytes, false),
            // SAFETY: as above.
            None => (unsafe { array_bytes(env, value) }?, true),
        };
        let path = CString::new(bytes)
            .map_err(|_| Error::new(Status::InvalidArg, "a path with a NUL byte"))?;
        Ok(Self { path, kind: NameKind { as_buffers } })
    }
}

/// Copies the bytes of a `Uint8Array`.
///
/// # Safety
/// `env` and `value` are those of the call that is under way.
unsafe fn array_bytes(env: sys::napi_env, value: sys::napi_value) -> Result<Vec<u8>> {
    // SAFETY: the caller's env and value.
    let bytes = unsafe { Bytes::from_napi_value(env, value) }?;
    // The room for one more is for the NUL, so that the CString needs no other allocation.
    Ok(bytes.to_vec())
}

/// Returns the bytes that a string stands for, or `None` if the value is not a string.
///
/// # Safety
/// `env` and `value` are those of the call that is under way.
unsafe fn string_bytes(env: sys::napi_env, value: sys::napi_value) -> Result<Option<Vec<u8>>> {
    // Long enough for nearly all paths: the only allocation is that of the result.
    let mut buffer = [0_u8; 256];
    let mut len = 0;
    // SAFETY: Node-API writes at most the given length, with the NUL.
    let status = unsafe {
        sys::napi_get_value_string_utf8(
            env,
            value,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &raw mut len,
        )
    };
    if status == sys::Status::napi_string_expected {
        return Ok(None);
    }
    // A string that does not fit is read again as UTF-16. So is a string with U+FFFD, which is what
    // Node-API makes of a lone surrogate.
    let whole = buffer.get(..len).filter(|_| len < buffer.len() - 4);
    if let Some(bytes) = whole
        && status == sys::Status::napi_ok
        && (bytes.is_ascii() || !bytes.windows(3).any(|w| w == [0xef, 0xbf, 0xbd]))
    {
        return Ok(Some(with_room_for_nul(bytes)));
    }
    // SAFETY: the caller's env and value.
    let units = unsafe { string_utf16(env, value) }?;
    let bytes = fsencode(&units)
        .ok_or_else(|| Error::new(Status::InvalidArg, "a path with a lone surrogate"))?;
    Ok(Some(bytes))
}

fn with_room_for_nul(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len() + 1);
    copy.extend_from_slice(bytes);
    copy
}

/// # Safety
/// `env` and `value` are those of the call that is under way, and `value` is a string.
unsafe fn string_utf16(env: sys::napi_env, value: sys::napi_value) -> Result<Vec<u16>> {
    let mut len = 0;
    // SAFETY: without a buffer Node-API returns the length only.
    let status =
        unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &raw mut len) };
    check(status, "napi_get_value_string_utf16")?;
    let mut units = vec![0; len + 1];
    // SAFETY: Node-API writes at most the given length, with the NUL.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env, value, units.as_mut_ptr(), units.len(), &raw mut len)
    };
    check(status, "napi_get_value_string_utf16")?;
    units.truncate(len);
    Ok(units)
}

/// The kind of the names that are returned. It is the kind of the path that was passed in.
#[derive(Clone, Copy)]
pub struct NameKind {
    pub as_buffers: bool,
}

impl NameKind {
    /// Creates the JavaScript value of a name: a Buffer or a string.
    pub fn to_js(self, env: &Env, name: &[u8]) -> Result<sys::napi_value> {
        let (env, len) = (env.raw(), name.len().cast_signed());
        let mut value = ptr::null_mut();
        let status = if self.as_buffers {
            let (data, copy) = (name.as_ptr().cast(), ptr::null_mut());
            // SAFETY: the env of the call that is under way, and so many bytes. The address of the
            // copy is not asked for.
            unsafe { sys::napi_create_buffer_copy(env, name.len(), data, copy, &raw mut value) }
        } else if name.is_ascii() {
            // SAFETY: as above.
            unsafe {
                sys::napi_create_string_latin1(env, name.as_ptr().cast(), len, &raw mut value)
            }
        } else if str::from_utf8(name).is_ok() {
            // SAFETY: as above.
            unsafe { sys::napi_create_string_utf8(env, name.as_ptr().cast(), len, &raw mut value) }
        } else {
            let units = fsdecode(name);
            let len = units.len().cast_signed();
            // SAFETY: as above.
            unsafe { sys::napi_create_string_utf16(env, units.as_ptr(), len, &raw mut value) }
        };
        check(status, "creating a name")?;
        Ok(value)
    }
}

/// A name on its way out.
pub struct Name {
    pub bytes: Vec<u8>,
    pub kind: NameKind,
}

impl IntoJs for Name {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        self.kind.to_js(env, &self.bytes)
    }
}

// A field of an object on its way out.
impl ToNapiValue for Name {
    unsafe fn to_napi_value(env: sys::napi_env, name: Self) -> Result<sys::napi_value> {
        name.into_js(&Env::from_raw(env))
    }
}
