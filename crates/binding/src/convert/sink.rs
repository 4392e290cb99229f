//! JavaScript functions that receive many values.

use std::ptr;

use napi::bindgen_prelude::{Env, FromNapiValue, Result};
use napi::sys;

use crate::convert::path::NameKind;
use crate::convert::status::check;

/// The maximum number of arguments of a call. V8's stack has room for about 1,000.
pub const CHUNK: usize = 512;

/// A JavaScript function that receives many values as its arguments.
///
/// That is the cheapest way for many strings into JavaScript: it costs a quarter of setting the
/// elements of an array, and no string keeps another one alive.
pub struct Sink {
    env: sys::napi_env,
    function: sys::napi_value,
}

impl FromNapiValue for Sink {
    unsafe fn from_napi_value(env: sys::napi_env, function: sys::napi_value) -> Result<Self> {
        Ok(Self { env, function })
    }
}

impl Sink {
    /// Calls the function. An exception that it throws stays pending.
    pub fn call(&self, values: &[sys::napi_value]) -> Result<()> {
        let mut this = ptr::null_mut();
        // SAFETY: the env of the call that is under way.
        let status = unsafe { sys::napi_get_undefined(self.env, &raw mut this) };
        check(status, "napi_get_undefined")?;
        // SAFETY: as above; the values come from the same env, and the result is not asked for.
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
        check(status, "napi_call_function")
    }

    /// Calls the function with all names, at most [`CHUNK`] in a call. Does not call it if there
    /// are none.
    pub fn drain<'a>(
        &self,
        kind: NameKind,
        mut names: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<()> {
        let env = Env::from_raw(self.env);
        let mut chunk = Vec::with_capacity(names.len().min(CHUNK));
        while names.len() > 0 {
            chunk.clear();
            for name in names.by_ref().take(CHUNK) {
                chunk.push(kind.to_js(&env, name)?);
            }
            self.call(&chunk)?;
        }
        Ok(())
    }
}
