//! The Node-API face of fdkit: each export converts in, calls core, converts out.
//!
//! Exports are named after their system calls. A failed one returns a [`convert::ret::Failure`]; what
//! it throws in JavaScript is decided there. Those with an argument `later` serve both ways of
//! calling: at once, and with a promise.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]
#![cfg_attr(test, allow(dead_code, reason = "built for tests, napi exports nothing"))]

mod call;
mod convert;
mod exports;
mod files;
mod memory;
mod tree;

use napi_derive::napi;

/// What the package's version must be, for both to fit.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
