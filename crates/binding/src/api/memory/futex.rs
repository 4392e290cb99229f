//! Waiting for a word of shared memory to change.

use std::ptr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fdkit::Error;
use fdkit::memory::futex::{self, Deadline, Waited};
use napi::bindgen_prelude::{Env, JsValue, Result};
use napi::{JsDeferred, sys};
use napi_derive::napi;

use crate::api::memory::mapping::futex_word;
use crate::call::{Response, guard};
use crate::convert::handle::Handle;
use crate::convert::outcome::Outcome;
use crate::convert::typed_array::Words;
use crate::convert::value::{IntoJs, to_js};

/// The result of a wait. TypeScript sees the number.
impl IntoJs for Waited {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        // lib/memory/futex.ts has the same numbers.
        let number: u32 = match self {
            Self::Woken => 0,
            Self::NotEqual => 1,
            Self::TimedOut => 2,
            Self::Canceled => 3,
        };
        to_js(env, number)
    }
}

/// The handle of an asynchronous wait. The wait ends when the handle is garbage-collected.
pub struct FutexWaiter {
    waiter: Arc<futex::Waiter>,
}

impl Drop for FutexWaiter {
    fn drop(&mut self) {
        self.waiter.cancel();
    }
}

/// Waits until a word is woken, blocking the thread. Without `seconds`, it waits forever. With
/// `canEnd`, the wait looks from time to time whether the thread is being terminated.
///
/// @syscall futex
#[napi(catch_unwind)]
pub fn futex_wait(
    env: Env,
    #[napi(ts_arg_type = "Int32Array")] words: Words,
    index: u32,
    value: u32,
    seconds: Option<f64>,
    can_end: bool,
) -> Outcome<Waited> {
    let deadline = deadline(seconds);
    let waited = address(&words, index).and_then(|word| {
        let keep_on = || may_run(&env);
        let keep_on: Option<&dyn Fn() -> bool> = if can_end { Some(&keep_on) } else { None };
        // SAFETY: the memory of a buffer that JavaScript holds for the duration of the call.
        unsafe { futex::wait(word, value, deadline, keep_on) }
    });
    waited.into()
}

/// Wakes at most `count` waits for a word, and returns the number of waits that it woke.
///
/// @syscall futex
#[napi(catch_unwind)]
pub fn futex_wake(
    #[napi(ts_arg_type = "Int32Array")] words: Words,
    index: u32,
    count: u32,
) -> Outcome<u32> {
    address(&words, index).and_then(|word| futex::futex_wake(word, count)).into()
}

/// Creates the handle for one call of `futexWaitLater`.
///
/// @syscall futex
#[napi(catch_unwind)]
pub fn futex_waiter() -> Handle<FutexWaiter> {
    Handle::new(FutexWaiter { waiter: Arc::default() })
}

/// Ends the wait.
///
/// @syscall futex
#[napi(catch_unwind)]
pub fn futex_cancel(waiter: &Handle<FutexWaiter>) {
    waiter.waiter.cancel();
}

/// Waits on a thread of its own. Responds at once if the word has another value.
///
/// @syscall futex
#[napi(catch_unwind)]
pub fn futex_wait_later(
    env: Env,
    waiter: &Handle<FutexWaiter>,
    #[napi(ts_arg_type = "Int32Array")] words: Words,
    index: u32,
    value: u32,
    seconds: Option<f64>,
) -> Result<Response<Waited>> {
    let word = match address(&words, index) {
        Ok(word) => Word(word),
        Err(error) => return Ok(Response::now(Err(error))),
    };
    let deadline = deadline(seconds);
    // SAFETY: the memory of a buffer that JavaScript holds for the duration of the call.
    if !unsafe { futex::is_equal(word.0, value) } {
        return Ok(Response::now(Ok(Waited::NotEqual)));
    }
    let (deferred, promise) = env.create_deferred()?;
    let settle = |deferred: JsDeferred<_, _>, waited: fdkit::Result<Waited>| {
        deferred.resolve(move |_: Env| Ok(Outcome::from(waited)));
    };
    let (waiter, spare) = (Arc::clone(&waiter.waiter), deferred.clone());
    let wait = move || {
        // Captures the whole struct, which is Send, and not the pointer in it.
        let word = word;
        let _ = guard(|| settle(deferred, waiter.wait(word.0, value, deadline)));
    };
    if let Err(error) = thread::Builder::new().stack_size(STACK).spawn(wait) {
        let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
        settle(spare, Err(Error::new(errno, "pthread_create")));
    }
    Ok(Response::Promise(promise.raw()))
}

// Enough for a system call and a lock.
const STACK: usize = 64 * 1024;

/// The address of a word. The kernel checks it whenever it reads the word.
struct Word(*const u32);

// SAFETY: the pointer is never dereferenced.
unsafe impl Send for Word {}

/// Returns the address of a word, or `EINVAL` if it is not in memory that can be shared.
fn address(words: &Words, index: u32) -> fdkit::Result<*const u32> {
    let error = Error::new(libc::EINVAL, "futex");
    let word = words.get(index).ok_or(error)?;
    match futex_word(word.addr()) {
        Some(word) => word,
        None if words.is_shared() => Ok(word),
        None => Err(error),
    }
}

fn deadline(seconds: Option<f64>) -> Option<Deadline> {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).and_then(Deadline::after)
}

/// Returns false in a worker thread that is being terminated.
fn may_run(env: &Env) -> bool {
    let (mut value, mut is_true) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the env of the call that is under way.
    unsafe { sys::napi_get_undefined(env.raw(), &raw mut value) };
    // SAFETY: as above. The call fails if JavaScript may not run.
    let status = unsafe { sys::napi_coerce_to_bool(env.raw(), value, &raw mut is_true) };
    status == sys::Status::napi_ok
}
