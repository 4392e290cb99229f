//! JavaScript strings ⇄ the bytes that names are, without loss (PEP 383), and Buffers as they
//! are.

use std::ffi::{CStr, CString, NulError};
use std::ptr;

use napi::bindgen_prelude::{
    BufferSlice, Env, FromNapiValue, Function, JsValue, Result, ToNapiValue, TypeName, Uint8Array,
    ValidateNapiValue,
};
use napi::{Error, Status, ValueType, sys};

use crate::values::{CHUNK, Values};

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

impl TypeName for PathArg {
    fn type_name() -> &'static str {
        "string | Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for PathArg {}

impl FromNapiValue for PathArg {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's env and value, handed on.
        let (path, as_buffers) = match unsafe { string_path(env, value) }? {
            Some(path) => (path, false),
            // SAFETY: as above.
            None => (CString::new(&*unsafe { Uint8Array::from_napi_value(env, value) }?), true),
        };
        let path = path.map_err(|_| Error::new(Status::InvalidArg, "a path with a NUL byte"))?;
        Ok(Self { path, kind: NameKind { as_buffers } })
    }
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
        Ok(if self.as_buffers {
            BufferSlice::copy_from(env, name)?.raw()
        } else if name.is_ascii() {
            env.create_string_latin1(name)?.raw()
        } else if let Ok(name) = str::from_utf8(name) {
            env.create_string(name)?.raw()
        } else {
            env.create_string_utf16(surrogate_unescape(name))?.raw()
        })
    }

    /// Calls `sink(...names)`, some hundreds at a time; not at all where there are none.
    ///
    /// The arguments of a call are the cheapest way for many strings into JavaScript, and none
    /// keeps another alive.
    pub fn pour<'a>(
        self,
        env: &Env,
        mut names: impl ExactSizeIterator<Item = &'a [u8]>,
        sink: &Function<'_, Values, ()>,
    ) -> Result<()> {
        while names.len() > 0 {
            let mut chunk = Vec::with_capacity(names.len().min(CHUNK));
            for name in names.by_ref().take(CHUNK) {
                chunk.push(self.to_js(env, name)?);
            }
            sink.call(Values(chunk))?;
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
