//! The two ways to make a system call: at once, or on libuv's thread pool with a promise.

use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use fdkit::files::descriptors::borrow;
use fdkit::files::shared_dup::SharedDup;
use napi::bindgen_prelude::{
    AsyncTask, Env, Error, Result, Status, Task, ToNapiValue, TypeName, ValueType,
};
use napi::{JsDeferred, JsValue, sys};

use crate::convert::handle::lock;
use crate::convert::outcome::Outcome;
use crate::convert::value::{IntoJs, to_js};

/// The response of an export that can be called in both ways.
pub enum Response<T> {
    Now(Outcome<T>),
    Later(AsyncTask<Work>),
    /// A promise that something other than the thread pool settles.
    Promise(sys::napi_value),
}

impl<T> Response<T> {
    /// Creates the response of a call that was made at once.
    pub fn now(outcome: impl Into<Outcome<T>>) -> Self {
        Self::Now(outcome.into())
    }
}

impl<T: IntoJs> ToNapiValue for Response<T> {
    unsafe fn to_napi_value(env: sys::napi_env, response: Self) -> Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        match response {
            Self::Now(outcome) => outcome.into_js(env),
            Self::Later(task) => to_js(env, task),
            Self::Promise(promise) => Ok(promise),
        }
    }
}

/// Creates the value of a promise. It runs on the thread of JavaScript.
type Settle = Box<dyn FnOnce(&Env) -> Result<sys::napi_value> + Send>;

/// A system call that a thread of the pool makes.
///
/// It is the same type for all calls, since each type would get a copy of napi-rs's code for tasks.
pub struct Work(Option<Box<dyn FnOnce() -> Settle + Send>>);

impl Work {
    fn new<T, O>(work: impl FnOnce() -> O + Send + 'static) -> Self
    where
        T: IntoJs + Send + 'static,
        O: Into<Outcome<T>>,
    {
        Self(Some(Box::new(|| {
            let outcome = work().into();
            Box::new(|env| outcome.into_js(env))
        })))
    }
}

impl Task for Work {
    type Output = Settle;
    type JsValue = Settled;

    fn compute(&mut self) -> Result<Settle> {
        let work = self.0.take().ok_or_else(|| Error::from_status(Status::GenericFailure))?;
        guard(work)
    }

    fn resolve(&mut self, env: Env, settle: Settle) -> Result<Settled> {
        guard(|| settle(&env))?.map(Settled)
    }
}

/// The value of a promise.
pub struct Settled(sys::napi_value);

impl ToNapiValue for Settled {
    unsafe fn to_napi_value(_env: sys::napi_env, settled: Self) -> Result<sys::napi_value> {
        Ok(settled.0)
    }
}

impl TypeName for Settled {
    fn type_name() -> &'static str {
        "unknown"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

/// Turns a panic into an error. A panic that leaves Rust would end the process.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Error::from_reason("fdkit panicked"))
}

/// Makes a system call, at once or on the thread pool.
pub fn respond<T, O>(later: bool, work: impl FnOnce() -> O + Send + 'static) -> Response<T>
where
    T: IntoJs + Send + 'static,
    O: Into<Outcome<T>>,
{
    if later { Response::Later(AsyncTask::new(Work::new(work))) } else { Response::now(work()) }
}

/// Makes a system call that starts from a directory, as [`respond`] does. A failure names the
/// directory.
pub fn respond_at<T, O>(
    later: bool,
    dir_fd: Option<i32>,
    work: impl FnOnce(DirFd<'_>) -> O + Send + 'static,
) -> Response<T>
where
    T: IntoJs + Send + 'static,
    O: Into<Outcome<T>>,
{
    match CallFd::new(dir_fd, later) {
        Ok(dir_fd) => respond(later, move || {
            let dir_fd = dir_fd.as_ref().map(AsFd::as_fd);
            work(dir_fd).into().map_failure(|failure| failure.with_dir(dir_fd))
        }),
        Err(error) => Response::now(Err(error)),
    }
}

/// A thread for calls that would occupy a thread of the pool for long. Dropping it waits until the
/// call has ended, which must not be long.
#[derive(Default)]
pub struct OwnThread(Mutex<Option<JoinHandle<()>>>);

impl OwnThread {
    /// Makes a call on a new thread. There must be only one at a time.
    pub fn respond<T, O>(
        &self,
        env: &Env,
        work: impl FnOnce() -> O + Send + 'static,
    ) -> Result<Response<T>>
    where
        T: IntoJs + Send + 'static,
        O: Into<Outcome<T>>,
    {
        let (deferred, promise) = env.create_deferred()?;
        let settle = |deferred: JsDeferred<_, _>, outcome: Result<Outcome<T>>| match outcome {
            Ok(outcome) => deferred.resolve(move |_: Env| Ok(outcome)),
            Err(error) => deferred.reject(error),
        };
        let spare = deferred.clone();
        let run = move || settle(deferred, guard(|| work().into()));
        match thread::Builder::new().name("fdkit".into()).spawn(run) {
            Ok(thread) => {
                lock(&self.0).replace(thread).map(JoinHandle::join);
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
                settle(spare, Ok(Err(fdkit::Error::new(errno, "pthread_create")).into()));
            }
        }
        Ok(Response::Promise(promise.raw()))
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        lock(&self.0).take().map(JoinHandle::join);
    }
}

/// The directory that a relative path starts from, if it is not the working directory. Without a
/// path it is the file that the call acts on.
pub type DirFd<'fd> = Option<BorrowedFd<'fd>>;

/// Borrows the directory for a call that is made at once.
pub fn borrow_dir_fd(number: Option<i32>) -> fdkit::Result<DirFd<'static>> {
    number.map(|number| borrow(number, "openat")).transpose()
}

/// Returns the descriptor that a call without a path acts on.
pub fn require_fd(dir_fd: DirFd<'_>) -> fdkit::Result<BorrowedFd<'_>> {
    dir_fd.map_or_else(|| borrow(-1, "dup"), Ok)
}

// No kernel assigns a number this high.
const NEVER_OPEN: i32 = i32::MAX;

/// A descriptor for the duration of a call.
pub enum CallFd {
    /// JavaScript's own descriptor, for a call that is made before JavaScript runs again.
    Borrowed(BorrowedFd<'static>),
    /// A duplicate, which pending calls share: JavaScript may close or reuse the number before the
    /// call is made.
    Duplicated(SharedDup),
}

impl CallFd {
    /// Borrows the descriptor, or duplicates it for a call that is made later.
    pub fn new(number: Option<i32>, later: bool) -> fdkit::Result<Option<Self>> {
        let Some(number) = number else {
            return Ok(None);
        };
        let fd = borrow(number, "dup")?;
        if !later {
            return Ok(Some(Self::Borrowed(fd)));
        }
        match SharedDup::new(fd) {
            Ok(duplicate) => Ok(Some(Self::Duplicated(duplicate))),
            // The system call reports a descriptor that is not open, as it does when it is made at
            // once. If its path is absolute, it does not use the descriptor.
            Err(error) if error.is(libc::EBADF) => {
                Ok(Some(Self::Borrowed(borrow(NEVER_OPEN, "dup")?)))
            }
            Err(error) => Err(error),
        }
    }
}

impl AsFd for CallFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Borrowed(fd) => *fd,
            Self::Duplicated(fd) => fd.as_fd(),
        }
    }
}
