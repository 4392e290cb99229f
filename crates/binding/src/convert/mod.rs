//! Conversions between JavaScript and Rust.

pub mod held;
pub mod path;
pub mod ret;
pub mod values;
