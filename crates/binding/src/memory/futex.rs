//! Waiting for a word of shared memory.

use std::ptr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fdkit::Error;
use fdkit::memory::futex::{self, Deadline, Waited};
use napi::bindgen_prelude::{Env, JsValue, Result};
use napi::{JsDeferred, sys};

use crate::call::{Out, Reply, guard};
use crate::convert::held::Held;
use crate::convert::ret::{Ret, ret};
use crate::exports::Args;
use crate::memory::mapping::futex_word;

// As lib/futex.ts reads them.
impl From<Waited> for Out {
    fn from(waited: Waited) -> Self {
        Self::Bits(match waited {
            Waited::Woken => 0,
            Waited::NotEqual => 1,
            Waited::TimedOut => 2,
            Waited::Canceled => 3,
        })
    }
}

/// `futexWait(words, index, value, seconds, canEnd)`; `canEnd` of a thread that others can end.
pub fn futex_wait(args: &Args) -> Result<Reply> {
    let (word, value, deadline) = match words(args, 0)? {
        Ok(word) => (word, args.get(2)?, deadline(args, 3)?),
        Err(error) => return Ok(error.into()),
    };
    let env = args.env;
    // SAFETY: memory of a buffer that JavaScript holds, and cannot let go of meanwhile.
    if let Some(waited) = unsafe { futex::spin(word, value, deadline) } {
        return Ok(Reply::now(Ok(waited)));
    }
    let keep_on = || may_run(&env);
    let keep_on: Option<&dyn Fn() -> bool> = if args.get(4)? { Some(&keep_on) } else { None };
    Ok(Reply::now(futex::futex_wait(word, value, deadline, keep_on)))
}

/// `futexWake(words, index, count)`.
pub fn futex_wake(args: &Args) -> Result<Reply> {
    let count = args.get(2)?;
    Ok(Reply::now(words(args, 0)?.and_then(|word| futex::futex_wake(word, count)).map(Out::Bits)))
}

/// `futexWaiter()`: for `futexWaitLater`, once. When it is collected the wait ends.
pub fn futex_waiter(_args: &Args) -> Result<Reply> {
    Ok(Out::Held(Held::Wait(Arc::default())).into())
}

/// `futexCancel(waiter)`.
pub fn futex_cancel(args: &Args) -> Result<Reply> {
    if let Held::Wait(waiter) = Held::get(args, 0)? {
        waiter.cancel();
    }
    Ok(().into())
}

/// `futexWaitLater(waiter, words, index, value, seconds)`: on a thread of its own, or at once where
/// the word differs.
pub fn futex_wait_later(args: &Args) -> Result<Reply> {
    let Held::Wait(waiter) = Held::get(args, 0)? else {
        return Ok(().into());
    };
    let (word, value, deadline) = match words(args, 1)? {
        Ok(word) => (Word(word), args.get(3)?, deadline(args, 4)?),
        Err(error) => return Ok(error.into()),
    };
    // SAFETY: memory of a buffer that JavaScript holds for the time of the call.
    if let Some(waited) = unsafe { futex::spin(word.0, value, Deadline::after(Duration::ZERO)) } {
        return Ok(Reply::now(Ok(waited)));
    }
    let (deferred, promise) = args.env.create_deferred()?;
    let settle = |deferred: JsDeferred<_, _>, waited: fdkit::Result<Waited>| {
        deferred.resolve(move |_: Env| Ok::<Ret<Out>, _>(ret(waited.map(Into::into))));
    };
    let (waiter, spare) = (Arc::clone(waiter), deferred.clone());
    let wait = move || {
        // The whole of it, which may go to another thread.
        let word = word;
        let _ = guard(|| settle(deferred, waiter.wait(word.0, value, deadline)));
    };
    if let Err(error) = thread::Builder::new().stack_size(STACK).spawn(wait) {
        let errno = error.raw_os_error().unwrap_or(libc::EAGAIN);
        settle(spare, Err(Error::new(errno, "pthread_create")));
    }
    Ok(Reply::Promise(promise.raw()))
}

// It makes a system call and takes a lock.
const STACK: usize = 64 * 1024;

/// The address of a word; the kernel checks it whenever it reads there.
struct Word(*const u32);

// SAFETY: a number that is never dereferenced.
unsafe impl Send for Word {}

/// The word that two arguments name, an Int32Array and an index in it. `EINVAL`: it is not in
/// shared memory.
fn words(args: &Args, index: usize) -> Result<fdkit::Result<*const u32>> {
    let env = args.env.raw();
    let (mut length, mut data, mut buffer) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: a value of the call that is under way; what is not asked for may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            args.raw(index)?,
            ptr::null_mut(),
            &raw mut length,
            &raw mut data,
            &raw mut buffer,
            ptr::null_mut(),
        )
    };
    napi::check_status!(status)?;
    let at: u32 = args.get(index + 1)?;
    let word = data.cast::<u32>().cast_const().wrapping_add(at as usize);
    let mut is_unshared = false;
    // SAFETY: as above.
    let status = unsafe { sys::napi_is_arraybuffer(env, buffer, &raw mut is_unshared) };
    napi::check_status!(status)?;
    Ok(match futex_word(word.addr()) {
        _ if at as usize >= length => Err(Error::new(libc::EINVAL, "futex")),
        Some(word) => word,
        None if is_unshared => Err(Error::new(libc::EINVAL, "futex")),
        None => Ok(word),
    })
}

fn deadline(args: &Args, index: usize) -> Result<Option<Deadline>> {
    let seconds: Option<f64> = args.maybe(index)?;
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(time.and_then(Deadline::after))
}

/// Whether JavaScript may go on in this thread: not in a worker that is being ended.
fn may_run(env: &Env) -> bool {
    let (mut value, mut is_true) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the env of the call that is under way.
    unsafe { sys::napi_get_undefined(env.raw(), &raw mut value) };
    // SAFETY: as above; it fails where JavaScript may not run.
    let status = unsafe { sys::napi_coerce_to_bool(env.raw(), value, &raw mut is_true) };
    status == sys::Status::napi_ok
}
