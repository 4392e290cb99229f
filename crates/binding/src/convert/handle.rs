//! Rust values that JavaScript owns through opaque handles.

use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{Env, External, Result};
use napi::sys;

use crate::convert::value::{IntoJs, to_js};

/// A Rust value that JavaScript owns. It is dropped when its handle is garbage-collected or the
/// thread ends.
///
/// An export that takes a `&Handle<T>` throws if the handle holds another type.
pub type Handle<T> = External<T>;

impl<T: 'static> IntoJs for Handle<T> {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        to_js(env, self)
    }
}

/// Locks the mutex, even if a thread panicked while it held the lock.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
