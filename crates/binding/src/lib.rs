//! The Node-API binding of fdkit. Each export converts its arguments, calls core, and converts the
//! result; it decides nothing.
//!
//! The modules import each other in one direction only: `api` → `call` → `convert`.
//!
//! * `api` holds the exports, which are named after the system calls that they make.
//! * `call` runs a system call at once, or on libuv's thread pool with a promise.
//! * `convert` turns JavaScript values into Rust values and back.
//!
//! A failed system call is not thrown. It is returned as a `Failure`, which the TypeScript side
//! turns into an error. An argument named `later` chooses between the two ways of calling: `false`
//! makes the call at once, `true` returns a promise.
//!
//! The tag `@syscall` in an export's documentation names the system call that its error shows if
//! there is no addon for the platform. `scripts/addon.mjs` collects the tags.

#![expect(
    clippy::too_many_arguments,
    reason = "an object of options costs more than a system call"
)]
#![cfg_attr(test, allow(dead_code, reason = "napi exports nothing in a build for tests"))]

mod api;
mod call;
mod convert;

use napi_derive::napi;

/// The version of the addon. It must equal the version of the package that loads it.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
