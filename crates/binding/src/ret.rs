//! Results of core ⇄ a value, or what failed.

use napi::bindgen_prelude::Either;
use napi_derive::napi;

use crate::path::NameOut;

/// A failed system call.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// Negative, as libuv has it.
    pub errno: i32,
    /// As its manual page spells it.
    pub syscall: &'static str,
    /// Set where a walk, or a deletion, goes on after it.
    pub skipped: Option<bool>,
    /// Of what, where JavaScript cannot know.
    #[napi(ts_type = "string | Buffer")]
    pub path: Option<NameOut>,
}

impl From<fdkit::Error> for Failure {
    fn from(error: fdkit::Error) -> Self {
        Self { errno: -error.errno(), syscall: error.syscall(), skipped: None, path: None }
    }
}

/// A value, or a failure.
pub type Ret<T> = Either<T, Failure>;

pub fn ret<T>(result: fdkit::Result<T>) -> Ret<T> {
    match result {
        Ok(value) => Either::A(value),
        Err(error) => Either::B(error.into()),
    }
}
