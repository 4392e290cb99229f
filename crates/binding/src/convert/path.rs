//! JavaScript strings ⇄ the bytes that names are, without loss (PEP 383), and Buffers as they
//! are.

use std::ffi::{CStr, CString, NulError};
use std::{ptr, slice};

use napi::bindgen_prelude::{Env, FromNapiValue, Result, ToNapiValue};
use napi::{Error, Status, sys};

use crate::convert::values::{CHUNK, Sink, typed_array};

/// A path or a name from JavaScript: a string or a Uint8Array, without NUL.
pub struct PathArg {
    path: CString,
    kind: NameKind,
}

impl PathArg {
    pub fn as_c_str(&self) -> &CStr {
        &self.path
    }

    /// The kind of the names that come out for it.
    pub fn kind(&self) -> NameKind {
        self.kind
    }

    pub fn to_bytes(&self) -> &[u8] {
        self.path.to_bytes()
    }
}

impl FromNapiValue for PathArg {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's env and value, handed on.
        let (path, as_buffers) = match unsafe { string_path(env, value) }? {
            Some(path) => (path, false),
            // SAFETY: as above.
            None => (CString::new(unsafe { array_bytes(env, value) }?), true),
        };
        let path = path.map_err(|_| Error::new(Status::InvalidArg, "a path with a NUL byte"))?;
        Ok(Self { path, kind: NameKind { as_buffers } })
    }
}

/// # Safety
/// `env` and `value` are those of the call that is under way, in which no JavaScript runs while
/// the bytes are looked at.
unsafe fn array_bytes<'a>(env: sys::napi_env, value: sys::napi_value) -> Result<&'a [u8]> {
    // SAFETY: the caller's env and value, handed on.
    let (len, data) = unsafe { typed_array(env, value) }?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: they are the array's, and the TypeScript side has seen to it that it is one of bytes.
    Ok(unsafe { slice::from_raw_parts(data.cast(), len) })
}

/// A string's bytes by PEP 383; `None` where the value is no string.
///
/// # Safety
/// `env` and `value` are those of the call that is under way.
unsafe fn string_path(
    env: sys::napi_env,
    value: sys::napi_value,
) -> Result<Option<std::result::Result<CString, NulError>>> {
    // Enough for nearly all, and no allocation but that of the result.
    let mut buffer = [0_u8; 256];
    let mut len = 0;
    // SAFETY: Node-API writes at most the length given, with the NUL.
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
    // One that does not fit, or in which U+FFFD may stand for a lone surrogate, is read as it is.
    let whole = buffer.get(..len).filter(|_| len < buffer.len() - 4);
    if let Some(bytes) = whole
        && status == sys::Status::napi_ok
        && !bytes.windows(3).any(|w| w == [0xef, 0xbf, 0xbd])
    {
        return Ok(Some(CString::new(bytes)));
    }
    // SAFETY: as the caller's.
    let units = unsafe { string_utf16(env, value) }?;
    Ok(Some(CString::new(surrogate_escape(&units))))
}

/// # Safety
/// `env` and `value` are those of the call that is under way, and `value` is a string.
unsafe fn string_utf16(env: sys::napi_env, value: sys::napi_value) -> Result<Vec<u16>> {
    let mut len = 0;
    // SAFETY: without a buffer only the length is asked for.
    let status =
        unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &raw mut len) };
    napi::check_status!(status)?;
    let mut units = vec![0; len + 1];
    // SAFETY: Node-API writes at most the length given, with the NUL.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env, value, units.as_mut_ptr(), units.len(), &raw mut len)
    };
    napi::check_status!(status)?;
    units.truncate(len);
    Ok(units)
}

/// UTF-16 to bytes; U+DC80…U+DCFF alone are the bytes 80…FF. The TypeScript side has refused
/// every other lone surrogate.
fn surrogate_escape(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len() + units.len() / 2);
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => bytes.push(lone.unpaired_surrogate().to_le_bytes()[0]),
        }
    }
    bytes
}

/// Bytes to UTF-16, the other way round.
fn surrogate_unescape(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().encode_utf16());
        units.extend(chunk.invalid().iter().map(|&byte| 0xdc00 | u16::from(byte)));
    }
    units
}

/// Which kind of name comes out: the kind that went in.
#[derive(Clone, Copy)]
pub struct NameKind {
    pub as_buffers: bool,
}

impl NameKind {
    pub fn to_js(self, env: &Env, name: &[u8]) -> Result<sys::napi_value> {
        let (env, len) = (env.raw(), name.len().cast_signed());
        let mut value = ptr::null_mut();
        let status = if self.as_buffers {
            let (data, copy) = (name.as_ptr().cast(), ptr::null_mut());
            // SAFETY: the env of the call that is under way, and bytes of that length; where the
            // copy is need not be told.
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
            let units = surrogate_unescape(name);
            let len = units.len().cast_signed();
            // SAFETY: as above.
            unsafe { sys::napi_create_string_utf16(env, units.as_ptr(), len, &raw mut value) }
        };
        napi::check_status!(status)?;
        Ok(value)
    }

    /// Calls `sink(...names)`, some hundreds at a time; not at all where there are none.
    ///
    /// The arguments of a call are the cheapest way for many strings into JavaScript, and none
    /// keeps another alive.
    pub fn pour<'a>(
        self,
        env: &Env,
        mut names: impl ExactSizeIterator<Item = &'a [u8]>,
        sink: &Sink,
    ) -> Result<()> {
        let mut chunk = Vec::with_capacity(names.len().min(CHUNK));
        while names.len() > 0 {
            chunk.clear();
            for name in names.by_ref().take(CHUNK) {
                chunk.push(self.to_js(env, name)?);
            }
            sink.call(&chunk)?;
        }
        Ok(())
    }
}

/// A name on its way out.
pub struct NameOut {
    pub name: Vec<u8>,
    pub kind: NameKind,
}

// A field of an object that goes out.
impl ToNapiValue for NameOut {
    unsafe fn to_napi_value(env: sys::napi_env, out: Self) -> Result<sys::napi_value> {
        out.kind.to_js(&Env::from_raw(env), &out.name)
    }
}
