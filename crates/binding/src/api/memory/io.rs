//! Reading and writing at a position. Positions and lengths are in bytes.

use fdkit::files::descriptors::borrow;
use fdkit::memory::{io, memfd};
use napi_derive::napi;

use crate::convert::outcome::Outcome;
use crate::convert::typed_array::Bytes;

/// Reads into `bytes` and returns the number of bytes read. It is smaller than the array only at
/// the end of the file.
///
/// @syscall pread
#[napi(catch_unwind)]
pub fn pread(
    fd: i32,
    #[napi(ts_arg_type = "Uint8Array")] bytes: Bytes,
    position: i64,
) -> Outcome<f64> {
    // SAFETY: the memory of an array, valid for the duration of the call.
    let read = |fd| unsafe { io::pread(fd, bytes.data, bytes.length, position.cast_unsigned()) };
    borrow(fd, "pread").and_then(read).map(|count| count as f64).into()
}

/// Writes all of `bytes`, to a file in huge pages, too.
///
/// @syscall pwrite
#[napi(catch_unwind)]
pub fn pwrite(
    fd: i32,
    #[napi(ts_arg_type = "Uint8Array")] bytes: Bytes,
    position: i64,
) -> Outcome<()> {
    // SAFETY: the memory of an array, valid for the duration of the call.
    let write =
        |fd| unsafe { memfd::write(fd, bytes.data, bytes.length, position.cast_unsigned()) };
    borrow(fd, "pwrite").and_then(write).into()
}

/// Sets the size of a file.
///
/// @syscall ftruncate
#[napi(catch_unwind)]
pub fn ftruncate(fd: i32, size: i64) -> Outcome<()> {
    borrow(fd, "ftruncate").and_then(|fd| io::ftruncate(fd, size.cast_unsigned())).into()
}
