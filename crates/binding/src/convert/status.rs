//! The status that a function of Node-API returns.

use napi::bindgen_prelude::{Error, Result};
use napi::sys;

/// Turns a status other than `napi_ok` into an error that says what failed.
pub fn check(status: sys::napi_status, action: &str) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(Error::new(status.into(), format!("{action} failed")))
}
