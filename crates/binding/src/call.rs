//! One export for both ways of calling: at once, or on a thread of libuv's pool with a promise.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use fdkit::fd::{borrow, dup};
use napi::bindgen_prelude::{
    AsyncTask, Either3, Env, Error, Result, Status, Task, ToNapiValue, TypeName,
};
use napi::{ValueType, sys};

use crate::ret::{Failure, Ret, ret};

/// A system call that is still to be made.
pub struct Call<T> {
    work: Option<Box<dyn FnOnce() -> fdkit::Result<T> + Send>>,
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Call<T> {
    type Output = fdkit::Result<T>;
    type JsValue = Ret<T>;

    fn compute(&mut self) -> Result<Self::Output> {
        let failed = || Error::new(Status::GenericFailure, "the call did not run");
        let work = self.work.take().ok_or_else(failed)?;
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| failed())
    }

    fn resolve(&mut self, _env: Env, output: Self::Output) -> Result<Ret<T>> {
        Ok(ret(output))
    }
}

/// What an export returns: a value, a failure, or the promise of one of them.
pub type Reply<T> = Either3<T, Failure, AsyncTask<Call<T>>>;

/// Makes the call, now or later.
pub fn reply<T: ToNapiValue + TypeName + Send + 'static>(
    later: bool,
    work: impl FnOnce() -> fdkit::Result<T> + Send + 'static,
) -> Reply<T> {
    if later {
        return Either3::C(AsyncTask::new(Call { work: Some(Box::new(work)) }));
    }
    match work() {
        Ok(value) => Either3::A(value),
        Err(error) => Either3::B(error.into()),
    }
}

/// [`reply`], for a call that starts from a directory.
pub fn reply_at<T: ToNapiValue + TypeName + Send + 'static>(
    later: bool,
    start: Option<i32>,
    work: impl FnOnce(Option<BorrowedFd<'_>>) -> fdkit::Result<T> + Send + 'static,
) -> Reply<T> {
    match start.map(|number| Fd::new(number, later)).transpose() {
        Ok(start) => reply(later, move || work(start.as_ref().map(AsFd::as_fd))),
        Err(error) => Either3::B(error.into()),
    }
}

/// [`reply`], for a call on an open file.
pub fn reply_on<T: ToNapiValue + TypeName + Send + 'static>(
    later: bool,
    fd: i32,
    work: impl FnOnce(BorrowedFd<'_>) -> fdkit::Result<T> + Send + 'static,
) -> Reply<T> {
    match Fd::new(fd, later) {
        Ok(fd) => reply(later, move || work(fd.as_fd())),
        Err(error) => Either3::B(error.into()),
    }
}

/// A descriptor for the time of a call.
pub enum Fd {
    /// JavaScript's own, for a call that is made before it runs again.
    Given(BorrowedFd<'static>),
    /// A copy: whatever becomes of the number, the call acts on what it meant.
    Copied(OwnedFd),
}

impl Fd {
    pub fn new(number: i32, later: bool) -> fdkit::Result<Self> {
        let given = borrow(number, "dup")?;
        if later { dup(given).map(Self::Copied) } else { Ok(Self::Given(given)) }
    }
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Given(fd) => *fd,
            Self::Copied(fd) => fd.as_fd(),
        }
    }
}

/// A descriptor that JavaScript owns from the moment that it sees the number; closed where it
/// never does.
pub struct NewFd(pub OwnedFd);

impl TypeName for NewFd {
    fn type_name() -> &'static str {
        "number"
    }

    fn value_type() -> ValueType {
        ValueType::Number
    }
}

impl ToNapiValue for NewFd {
    unsafe fn to_napi_value(env: sys::napi_env, fd: Self) -> Result<sys::napi_value> {
        // SAFETY: the caller's env, handed on.
        unsafe { i32::to_napi_value(env, fd.0.into_raw_fd()) }
    }
}
