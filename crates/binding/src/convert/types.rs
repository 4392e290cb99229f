//! The names that types have in the declarations for TypeScript.
//!
//! napi-rs writes the name of a Rust type as it is, unless it knows the type. Each alias here tells
//! TypeScript what such a name means. Rust does not use them.

#![expect(dead_code, reason = "read by #[napi] only")]

use napi::bindgen_prelude::{
    BigUint64Array, Buffer, Either, External, PromiseRaw, Uint8Array, Unknown,
};

use napi_derive::napi;

/// A path or a name: a string, or bytes.
#[napi]
pub type PathArg = Either<String, Uint8Array>;

/// The results of calls: the number of each, and its outcome.
#[napi]
pub type Results = Vec<Unknown<'static>>;

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

/// The failures of a call for many names: the index of a name, its failure, and so on.
#[napi]
pub type Failures = Vec<Either<u32, Failure>>;

/// The status of many files: 18 fields for each, and the failures.
#[napi]
pub type StatTable = (BigUint64Array, Failures);

/// The contents of a file.
#[napi]
pub type FileContents = Buffer;

/// A root that was opened.
#[napi]
pub type OpenedRoot = Handle<Root>;

/// The fields of a file system's status, in the order of Python.
#[napi]
pub type StatVfsFields = Vec<Unknown<'static>>;

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

/// The result of one call that receives: the bytes, the handle of the descriptors if there are any, and the flags.
#[napi]
pub type Received = (Buffer, Option<Handle<Fds>>, i32);

/// The result of a wait: 0 if it was woken, 1 if the word had another value, 2 if it timed out, 3
/// if it was canceled.
#[napi]
pub type Waited = u32;

/// A failed system call.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Failure {
    /// The error number, negative, as libuv has it.
    pub errno: i32,
    /// The name of the system call, as its manual page spells it.
    pub syscall: String,
    /// True if the walk or the deletion goes on after the failure.
    pub recoverable: Option<bool>,
    /// The path that the failure concerns, if JavaScript cannot know it.
    #[napi(ts_type = "string | Buffer")]
    pub path: Option<String>,
    /// The path of the directory that a relative path starts from, if a descriptor was given.
    pub dir: Option<String>,
    /// The same for the second path.
    pub dest_dir: Option<String>,
    /// Why it failed, if more is known than the error number says.
    #[napi(
        ts_type = "'noHugePages' | 'tooFewHugePages' | 'notMemoryFile' | 'writableMapping' | 'mayShrink' | \
                   'accessMode' | 'notMappable' | 'writeSealed' | 'empty' | 'beyondEnd' | 'hugePageOffset'"
    )]
    pub reason: Option<String>,
    /// The size in bytes that the reason is about: of the file, or of huge pages.
    pub size: Option<f64>,
}

/// A value or a failure.
#[napi]
pub type Outcome<T> = Either<T, Failure>;

/// A value or a failure, at once or as a promise.
#[napi]
pub type Response<T> = Either<Outcome<T>, PromiseRaw<'static, Outcome<T>>>;

/// The type of a handle of a descriptor.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Descriptor {
    #[napi(ts_type = "'descriptor'")]
    pub kind: (),
}

/// The type of a handle of a thread's results.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Events {
    #[napi(ts_type = "'events'")]
    pub kind: (),
}

/// The type of a handle of received descriptors.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Fds {
    #[napi(ts_type = "'fds'")]
    pub kind: (),
}

/// The type of a handle of an asynchronous wait.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct FutexWaiter {
    #[napi(ts_type = "'futex waiter'")]
    pub kind: (),
}

/// The type of a handle of a long listing.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Listing {
    #[napi(ts_type = "'listing'")]
    pub kind: (),
}

/// The type of a handle of a memory file.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Memfd {
    #[napi(ts_type = "'memfd'")]
    pub kind: (),
}

/// The type of a handle of a deletion.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Rmtree {
    #[napi(ts_type = "'rmtree'")]
    pub kind: (),
}

/// The type of the handle of a count of disk usage.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct DiskUsage {
    #[napi(ts_type = "'disk usage'")]
    pub kind: (),
}

/// The space that a directory takes on disk: bytes, allocated bytes, files, directories, and its path.
#[napi]
pub type DirectoryUsage = (f64, f64, f64, f64, Name);

/// The state of a count: bytes, allocated bytes, files, directories, and the largest directories. If
/// the count is not complete, the last value is the path that it is at.
#[napi]
pub type Usage = (f64, f64, f64, f64, Either<Vec<DirectoryUsage>, Name>);

/// The type of a handle of a root.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Root {
    #[napi(ts_type = "'root'")]
    pub kind: (),
}

/// The type of a handle of a socket.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Socket {
    #[napi(ts_type = "'socket'")]
    pub kind: (),
}

/// The type of a handle of a walk.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct Walk {
    #[napi(ts_type = "'walk'")]
    pub kind: (),
}
