//! Results of core ⇄ a value, or what failed.

use std::os::fd::{IntoRawFd, OwnedFd};

use napi::bindgen_prelude::Either;
use napi_derive::napi;

/// A failed system call.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// Negative, as libuv has it.
    pub errno: i32,
    /// As its manual page spells it.
    pub syscall: &'static str,
    /// Set where a walk goes on after it.
    pub skipped: Option<bool>,
}

impl From<fdkit::Error> for Failure {
    fn from(error: fdkit::Error) -> Self {
        Self { errno: -error.errno(), syscall: error.syscall(), skipped: None }
    }
}

/// What an export returns.
pub type Ret<T> = Either<T, Failure>;

pub fn ret<T>(result: fdkit::Result<T>) -> Ret<T> {
    match result {
        Ok(value) => Either::A(value),
        Err(error) => Either::B(error.into()),
    }
}

/// Hands a descriptor over to JavaScript, which owns it from then on.
pub fn ret_fd(result: fdkit::Result<OwnedFd>) -> Ret<i32> {
    ret(result.map(IntoRawFd::into_raw_fd))
}
