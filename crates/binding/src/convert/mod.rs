//! Conversions between JavaScript values and Rust values.

pub mod given;
pub mod handle;
pub mod outcome;
pub mod path;
pub mod sink;
pub mod status;
pub mod typed_array;
pub mod types;
pub mod value;
