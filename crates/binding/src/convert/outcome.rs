//! The outcome of a system call: a value or a failure.

use std::os::fd::BorrowedFd;
use std::ptr;

use fdkit::Reason;
use napi::bindgen_prelude::{Env, Result, ToNapiValue};
use napi::sys;

use crate::convert::path::{Name, NameKind};
use crate::convert::status::check;
use crate::convert::value::{IntoJs, property, to_js};

/// A failed system call. `types.rs` has its properties in JavaScript.
pub struct Failure {
    error: fdkit::Error,
    is_recoverable: bool,
    path: Option<Name>,
    dir: Option<Name>,
    dest_dir: Option<Name>,
}

/// Returns the name of a reason in TypeScript, and the size that it is about.
fn describe(reason: Reason) -> (&'static str, Option<u64>) {
    match reason {
        Reason::NoHugePages(size) => ("noHugePages", Some(size)),
        Reason::TooFewHugePages => ("tooFewHugePages", None),
        Reason::NotMemoryFile => ("notMemoryFile", None),
        Reason::WritableMapping => ("writableMapping", None),
        Reason::MayShrink => ("mayShrink", None),
        Reason::AccessMode => ("accessMode", None),
        Reason::NotMappable => ("notMappable", None),
        Reason::WriteSealed => ("writeSealed", None),
        Reason::Empty => ("empty", None),
        Reason::BeyondEnd(size) => ("beyondEnd", Some(size)),
        Reason::HugePageOffset => ("hugePageOffset", None),
    }
}

impl Failure {
    /// Creates a failure after which the walk or the deletion goes on.
    pub fn recoverable(error: fdkit::Error, path: Option<Name>) -> Self {
        Self { is_recoverable: true, path, ..error.into() }
    }

    /// Adds the path of the directory that the call started from.
    pub fn with_dir(self, dir_fd: Option<BorrowedFd<'_>>) -> Self {
        Self { dir: dir_fd.and_then(path_of), ..self }
    }

    /// Adds the path of the directory that the second path started from.
    pub fn with_dest_dir(self, dir_fd: Option<BorrowedFd<'_>>) -> Self {
        Self { dest_dir: dir_fd.and_then(path_of), ..self }
    }
}

/// Returns the path of an open file as a string, even if the paths of the call are Buffers.
fn path_of(fd: BorrowedFd<'_>) -> Option<Name> {
    let bytes = fdkit::files::descriptors::path(fd)?;
    Some(Name { bytes, kind: NameKind { as_buffers: false } })
}

impl From<fdkit::Error> for Failure {
    fn from(error: fdkit::Error) -> Self {
        Self { error, is_recoverable: false, path: None, dir: None, dest_dir: None }
    }
}

impl IntoJs for Failure {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let mut properties = vec![
            property(c"errno", to_js(env, -self.error.errno())?),
            property(c"syscall", to_js(env, self.error.syscall())?),
        ];
        if self.is_recoverable {
            properties.push(property(c"recoverable", to_js(env, true)?));
        }
        for (name, path) in [(c"path", self.path), (c"dir", self.dir), (c"destDir", self.dest_dir)]
        {
            if let Some(path) = path {
                properties.push(property(name, to_js(env, path)?));
            }
        }
        if let Some((reason, size)) = self.error.reason().map(describe) {
            properties.push(property(c"reason", to_js(env, reason)?));
            if let Some(size) = size {
                properties.push(property(c"size", to_js(env, size as f64)?));
            }
        }
        let mut object = ptr::null_mut();
        // SAFETY: the env of the call that is under way.
        let status = unsafe { sys::napi_create_object(env.raw(), &raw mut object) };
        check(status, "napi_create_object")?;
        // Defined and not assigned, so that no setter on `Object.prototype` can intercept them.
        // SAFETY: as above, with so many properties, whose names end in NUL.
        let status = unsafe {
            sys::napi_define_properties(env.raw(), object, properties.len(), properties.as_ptr())
        };
        check(status, "napi_define_properties")?;
        Ok(object)
    }
}

/// A value or a failure.
pub enum Outcome<T> {
    Value(T),
    Failed(Failure),
}

impl<T> Outcome<T> {
    /// Adds to a failure.
    pub fn map_failure(self, change: impl FnOnce(Failure) -> Failure) -> Self {
        match self {
            Self::Value(value) => Self::Value(value),
            Self::Failed(failure) => Self::Failed(change(failure)),
        }
    }
}

impl<T> From<fdkit::Result<T>> for Outcome<T> {
    fn from(result: fdkit::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Failed(error.into()),
        }
    }
}

impl<T: IntoJs> IntoJs for Outcome<T> {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        match self {
            Self::Value(value) => value.into_js(env),
            Self::Failed(failure) => failure.into_js(env),
        }
    }
}

// Exports return an `Outcome`, and napi-rs converts it with this.
impl<T: IntoJs> ToNapiValue for Outcome<T> {
    unsafe fn to_napi_value(env: sys::napi_env, outcome: Self) -> Result<sys::napi_value> {
        outcome.into_js(&Env::from_raw(env))
    }
}
