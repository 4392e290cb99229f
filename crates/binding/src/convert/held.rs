//! What JavaScript holds and cannot look into.

use std::ffi::c_void;
use std::os::fd::OwnedFd;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdkit::memory::futex::Waiter;
use napi::bindgen_prelude::{Env, Result};
use napi::{Error, Status, sys};

use crate::call::guard;
use crate::exports::Args;
use crate::files::listing::Listing;
use crate::tree::rmtree::Rmtree;
use crate::tree::walk::Walk;

/// Dropped when it is collected, and with the thread that holds it.
pub enum Held {
    /// Closed by then.
    Fd(Mutex<Option<OwnedFd>>),
    /// Ended by then.
    Wait(Arc<Waiter>),
    /// Handed out up to some place.
    Listing(Mutex<Listing>),
    Walk(Walk),
    Rmtree(Rmtree),
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Self::Wait(waiter) = self {
            waiter.cancel();
        }
    }
}

/// The lock, even if somebody panicked who had it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    /// An argument. The TypeScript side sees to it that it is what `into_js` made.
    pub fn get(args: &Args, index: usize) -> Result<&Self> {
        let mut data = ptr::null_mut();
        // SAFETY: a value of the call that is under way, with its env.
        let status = unsafe {
            sys::napi_get_value_external(args.env.raw(), args.raw(index)?, &raw mut data)
        };
        napi::check_status!(status)?;
        // SAFETY: only lib/ gets here, with what `into_js` made, which its argument keeps alive.
        unsafe { data.cast::<Self>().as_ref() }
            .ok_or_else(|| Error::from_status(Status::InvalidArg))
    }

    pub fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let data = Box::into_raw(Box::new(self));
        let mut value = ptr::null_mut();
        // SAFETY: the finalizer gets the box, once.
        let status = unsafe {
            sys::napi_create_external(
                env.raw(),
                data.cast(),
                Some(finalize),
                ptr::null_mut(),
                &raw mut value,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: nothing was made that would finalize it.
            drop(unsafe { Box::from_raw(data) });
        }
        napi::check_status!(status)?;
        Ok(value)
    }
}

unsafe extern "C" fn finalize(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the box of `into_js`, which nothing else frees.
    let held = unsafe { Box::from_raw(data.cast::<Held>()) };
    let _ = guard(|| drop(held));
}
