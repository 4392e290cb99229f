//! One export for both ways of calling: at once, or on a thread of libuv's pool with a promise.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use fdkit::files::descriptors::borrow;
use fdkit::files::shared_dup::SharedDup;
use napi::bindgen_prelude::{AsyncTask, Env, Error, Result, Status, Task, ToNapiValue};
use napi::sys;

use crate::convert::held::Held;
use crate::convert::path::NameOut;
use crate::convert::ret::{Failure, Ret, ret};
use crate::convert::values::to_js;
use crate::exports::Args;
use crate::files::listing::{EntriesOut, NamesOut};
use crate::files::stat::Fields;
use crate::memory::mapping::Buffer;

/// What a call gives. One type for all, since each would bring a copy of the code around it.
pub enum Out {
    Nothing,
    Is(bool),
    Bits(u32),
    /// Bytes, or a descriptor that stays the walk's, -1 where there is none.
    Number(f64),
    /// A descriptor that JavaScript owns from the moment that it sees the number. Of a call that is
    /// made later it gets the number by `takeFd`; until then the descriptor is closed if it is not
    /// wanted any more.
    Fd(OwnedFd),
    Name(NameOut),
    Names(NamesOut),
    Entries(EntriesOut),
    Fields(Fields),
    Buffer(Buffer),
    Held(Held),
    /// Of a walk, or a deletion, that goes on.
    Failed(Failure),
}

impl From<()> for Out {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl ToNapiValue for Out {
    unsafe fn to_napi_value(env: sys::napi_env, out: Self) -> Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        match out {
            Self::Nothing => to_js(env, ()),
            Self::Is(yes) => to_js(env, yes),
            Self::Bits(bits) => to_js(env, bits),
            Self::Number(number) => to_js(env, number),
            Self::Fd(fd) => to_js(env, fd.into_raw_fd()),
            Self::Name(name) => to_js(env, name),
            Self::Names(names) => names.into_js(env),
            Self::Entries(entries) => entries.into_js(env),
            Self::Fields(fields) => fields.to_js(env),
            Self::Buffer(buffer) => buffer.into_js(env),
            Self::Held(held) => held.into_js(env),
            Self::Failed(failure) => to_js(env, failure),
        }
    }
}

/// Makes an error of a panic, which would end the process where it left Rust.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Error::from_reason("fdkit panicked"))
}

/// A system call that is still to be made.
pub struct Call {
    work: Option<Box<dyn FnOnce() -> fdkit::Result<Out> + Send>>,
}

impl Task for Call {
    type Output = fdkit::Result<Out>;
    type JsValue = Ret<Out>;

    fn compute(&mut self) -> Result<Self::Output> {
        let work = self.work.take();
        let work = work.ok_or_else(|| Error::from_status(Status::GenericFailure))?;
        guard(work)
    }

    fn resolve(&mut self, _env: Env, output: Self::Output) -> Result<Ret<Out>> {
        // A worker can be terminated while the call is made: the promise is still resolved, and no
        // JavaScript runs any more that could close the number. So the promise is of an object
        // that owns the descriptor until JavaScript takes the number (`takeFd`), and that is
        // finalized with its thread.
        Ok(ret(output.map(|out| match out {
            Out::Fd(fd) => Out::Held(Held::Fd(Mutex::new(Some(fd)))),
            out => out,
        })))
    }
}

/// What an export returns: a value, a failure, or the promise of one of them.
pub enum Reply {
    Now(Ret<Out>),
    Later(AsyncTask<Call>),
    /// One that something else than the pool settles.
    Promise(sys::napi_value),
}

impl Reply {
    /// Of a call that was made.
    pub fn now(result: fdkit::Result<impl Into<Out>>) -> Self {
        Self::Now(ret(result.map(Into::into)))
    }

    pub fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        match self {
            Self::Now(ret) => to_js(env, ret),
            Self::Later(task) => to_js(env, task),
            Self::Promise(promise) => Ok(promise),
        }
    }
}

impl From<()> for Reply {
    fn from((): ()) -> Self {
        Out::Nothing.into()
    }
}

impl From<Out> for Reply {
    fn from(out: Out) -> Self {
        Self::Now(Ret::Value(out))
    }
}

impl From<fdkit::Error> for Reply {
    fn from(error: fdkit::Error) -> Self {
        Self::Now(ret(Err(error)))
    }
}

/// Makes the call, now or later.
pub fn reply<T: Into<Out>>(
    later: bool,
    work: impl FnOnce() -> fdkit::Result<T> + Send + 'static,
) -> Reply {
    if later {
        let work = Box::new(|| Ok(work()?.into()));
        return Reply::Later(AsyncTask::new(Call { work: Some(work) }));
    }
    Reply::now(work())
}

/// [`reply`], for a call that starts from a directory: the first argument says whether it is made
/// later, the second where it starts.
pub fn reply_at<T: Into<Out>>(
    args: &Args,
    work: impl FnOnce(Start<'_>) -> fdkit::Result<T> + Send + 'static,
) -> Result<Reply> {
    let later = args.get(0)?;
    Ok(match Fd::maybe(args.maybe(1)?, later) {
        Ok(start) => reply(later, move || work(start.as_ref().map(AsFd::as_fd))),
        Err(error) => error.into(),
    })
}

/// Where a relative path starts, or without a path what is acted on.
pub type Start<'fd> = Option<BorrowedFd<'fd>>;

// No kernel gives out a number as high as this.
const NEVER_OPEN: i32 = i32::MAX;

/// A descriptor for the time of a call.
pub enum Fd {
    /// JavaScript's own, for a call that is made before it runs again.
    Given(BorrowedFd<'static>),
    /// A duplicate, which pending calls share: whatever becomes of the number, the call acts on
    /// what it meant.
    Shared(SharedDup),
}

impl Fd {
    pub fn maybe(number: Option<i32>, later: bool) -> fdkit::Result<Option<Self>> {
        let Some(number) = number else {
            return Ok(None);
        };
        let given = borrow(number, "dup")?;
        if !later {
            return Ok(Some(Self::Given(given)));
        }
        match SharedDup::new(given) {
            Ok(shared) => Ok(Some(Self::Shared(shared))),
            // The call itself is to say so, as it does at once; or not to mind, where its path is
            // absolute.
            Err(error) if error.errno() == libc::EBADF => {
                Ok(Some(Self::Given(borrow(NEVER_OPEN, "dup")?)))
            }
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Given(fd) => *fd,
            Self::Shared(fd) => fd.as_fd(),
        }
    }
}
