//! The names that types have in the declarations for TypeScript.
//!
//! napi-rs writes the name of a Rust type as it is, unless it knows the type. Each alias here tells
//! TypeScript what such a name means. Rust does not use them.

#![expect(dead_code, reason = "read by #[napi] only")]

use napi::bindgen_prelude::{Buffer, Either, External, PromiseRaw, Uint8Array, Unknown};

use crate::convert::outcome;
use napi_derive::napi;

/// A path or a name: a string, or bytes.
#[napi]
pub type PathArg = Either<String, Uint8Array>;

/// A name as it comes out: a string, or a Buffer if the path was bytes.
#[napi]
pub type Name = Either<String, Buffer>;

/// All names of a directory. If there are more than a turn of the event loop has time for,
/// `listingDrain` passes them on.
#[napi]
pub type Names = Either<Vec<Name>, Handle<Listing>>;

/// Four values for each entry of a directory: name, type, type of a link's target, inode number. If
/// there are more than a turn of the event loop has time for, `listingDrain` passes them on.
#[napi]
pub type Entries = Either<Vec<Unknown<'static>>, Handle<Listing>>;

/// The fields of a file's status, in the order of node:fs.
#[napi]
pub type StatFields = Vec<Unknown<'static>>;

/// The contents of a file.
#[napi]
pub type FileContents = Buffer;

/// A root that was opened.
#[napi]
pub type OpenedRoot = Handle<Root>;

/// A descriptor. Its receiver owns it and must close it.
#[napi]
pub type OwnedFd = i32;

/// A descriptor that was opened: its number if it was opened at once, or else what `takeFd` returns
/// it for.
#[napi]
pub type Opened = Either<OwnedFd, Handle<Descriptor>>;

/// A Rust value that JavaScript owns but cannot look into.
#[napi]
pub type Handle<T> = External<T>;

/// The result of a wait: 0 if it was woken, 1 if the word had another value, 2 if it timed out, 3
/// if it was canceled.
#[napi]
pub type Waited = u32;

/// A value or a failure.
#[napi]
pub type Outcome<T> = Either<T, outcome::Failure>;

/// A value or a failure, at once or as a promise.
#[napi]
pub type Response<T> = Either<Outcome<T>, PromiseRaw<'static, Outcome<T>>>;

/// What a handle of a descriptor holds.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Descriptor {
    #[napi(ts_type = "'descriptor'")]
    pub kind: (),
}

/// What a handle of an asynchronous wait holds.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct FutexWaiter {
    #[napi(ts_type = "'futex waiter'")]
    pub kind: (),
}

/// What a handle of a long listing holds.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Listing {
    #[napi(ts_type = "'listing'")]
    pub kind: (),
}

/// What a handle of a deletion holds.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Rmtree {
    #[napi(ts_type = "'rmtree'")]
    pub kind: (),
}

/// What a handle of a root holds.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Root {
    #[napi(ts_type = "'root'")]
    pub kind: (),
}

/// What a handle of a walk holds.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Walk {
    #[napi(ts_type = "'walk'")]
    pub kind: (),
}
