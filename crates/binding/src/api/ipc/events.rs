//! Results of the poll thread on their way to the event loop of a thread of JavaScript.

use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex};

use fdkit::ipc::{PendingCall, Ticket};
use napi::bindgen_prelude::{Env, FromNapiValue, Result, ToNapiValue};
use napi::sys;
use napi_derive::napi;

use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::Outcome;
use crate::convert::status::check;
use crate::convert::value::{IntoJs, array, to_js};

/// Creates the value of a result. It runs on the thread of JavaScript.
type Settle = Box<dyn FnOnce(&Env) -> Result<sys::napi_value> + Send>;

#[derive(Default)]
struct Queue {
    results: VecDeque<(u64, Settle)>,
    // Whether JavaScript has been told to drain the queue, and has not emptied it since.
    is_announced: bool,
}

/// The function that is called in the event loop when there are results.
struct Wake(sys::napi_threadsafe_function);

// SAFETY: Node-API allows every thread to call it.
unsafe impl Send for Wake {}

#[derive(Default)]
pub struct Shared {
    queue: Mutex<Queue>,
    // `None` from the moment that the thread of JavaScript ends. The lock is held during each call,
    // since Node.js frees the function right after it has called `ended`.
    wake: Mutex<Option<Wake>>,
}

impl Shared {
    /// Hands a result over. If the thread of JavaScript is ending, the result is dropped.
    pub fn push<T: IntoJs + Send + 'static>(&self, id: u64, outcome: Outcome<T>) {
        let mut queue = lock(&self.queue);
        queue.results.push_back((id, Box::new(|env| outcome.into_js(env))));
        if mem::replace(&mut queue.is_announced, true) {
            return;
        }
        drop(queue);
        let mut wake = lock(&self.wake);
        let Some(Wake(function)) = *wake else { return };
        let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
        // SAFETY: the function exists as long as it is in `wake`, whose lock is held.
        let status = unsafe { sys::napi_call_threadsafe_function(function, ptr::null_mut(), mode) };
        if status != sys::Status::napi_ok {
            *wake = None;
        }
    }
}

/// The handle of what delivers results to a thread of JavaScript.
pub struct Events {
    pub shared: Arc<Shared>,
    // Calls that are waiting. They end with the thread of JavaScript.
    calls: Mutex<HashMap<u64, PendingCall>>,
}

impl Events {
    /// Ends the call when the thread of JavaScript ends.
    pub fn keep(&self, id: u64, call: PendingCall) {
        lock(&self.calls).insert(id, call);
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        for call in lock(&self.calls).values() {
            call.cancel();
        }
    }
}

/// A function of JavaScript.
pub struct Function(sys::napi_value);

impl FromNapiValue for Function {
    unsafe fn from_napi_value(_env: sys::napi_env, function: sys::napi_value) -> Result<Self> {
        Ok(Self(function))
    }
}

// Node.js calls it on the thread of JavaScript when that thread ends.
unsafe extern "C" fn ended(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the reference that `events_start` has given away. This is called once.
    let shared = unsafe { Arc::from_raw(data.cast_const().cast::<Shared>()) };
    *lock(&shared.wake) = None;
}

/// Starts to deliver results: `wake` is called in the event loop when `eventsDrain` has some. It does
/// not keep the process alive.
///
/// @syscall poll
#[napi(catch_unwind)]
pub fn events_start(
    env: Env,
    #[napi(ts_arg_type = "() => void")] wake: Function,
) -> Result<Handle<Events>> {
    let (mut name, text) = (ptr::null_mut(), "fdkit sockets");
    let length = text.len().cast_signed();
    // SAFETY: the env of the call that is under way, and so many bytes.
    let status = unsafe {
        sys::napi_create_string_utf8(env.raw(), text.as_ptr().cast(), length, &raw mut name)
    };
    check(status, "napi_create_string_utf8")?;
    let shared = Arc::new(Shared::default());
    let data = Arc::into_raw(Arc::clone(&shared)).cast_mut();
    let mut function = ptr::null_mut();
    // SAFETY: as above. Without a function of its own, Node-API calls `wake` without arguments.
    let status = unsafe {
        sys::napi_create_threadsafe_function(
            env.raw(),
            wake.0,
            ptr::null_mut(),
            name,
            0,
            1,
            data.cast(),
            Some(ended),
            ptr::null_mut(),
            None,
            &raw mut function,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: nobody else has got the reference.
        drop(unsafe { Arc::from_raw(data) });
    }
    check(status, "napi_create_threadsafe_function")?;
    // SAFETY: the function was created above, in this env.
    let status = unsafe { sys::napi_unref_threadsafe_function(env.raw(), function) };
    check(status, "napi_unref_threadsafe_function")?;
    *lock(&shared.wake) = Some(Wake(function));
    Ok(Handle::new(Events { shared, calls: Mutex::default() }))
}

/// Sets whether waiting for results keeps the process alive.
///
/// @syscall poll
#[napi(catch_unwind)]
pub fn events_ref(env: Env, events: &Handle<Events>, keeps_alive: bool) -> Result<()> {
    let wake = lock(&events.shared.wake);
    let Some(Wake(function)) = *wake else {
        return Ok(());
    };
    let status = if keeps_alive {
        // SAFETY: the env of the call that is under way; the function exists as long as it is in
        // `wake`, whose lock is held.
        unsafe { sys::napi_ref_threadsafe_function(env.raw(), function) }
    } else {
        // SAFETY: as above.
        unsafe { sys::napi_unref_threadsafe_function(env.raw(), function) }
    };
    check(status, "napi_ref_threadsafe_function")
}

/// Returns at most `most` results, each as two values: the number of the call, and its outcome. If
/// there are more, it must be called again, since `wake` is not.
///
/// @syscall poll
#[napi(catch_unwind)]
pub fn events_drain(env: Env, events: &Handle<Events>, most: u32) -> Result<Results> {
    let mut queue = lock(&events.shared.queue);
    let count = queue.results.len().min(most as usize);
    let results: Vec<_> = queue.results.drain(..count).collect();
    if queue.results.is_empty() {
        queue.is_announced = false;
    }
    drop(queue);
    let mut values = Vec::with_capacity(2 * results.len());
    for (id, settle) in results {
        lock(&events.calls).remove(&id);
        values.push(to_js(&env, id as f64)?);
        values.push(settle(&env)?);
    }
    array(&env, &values).map(Results)
}

/// The results of a drain. TypeScript sees an array.
pub struct Results(sys::napi_value);

impl ToNapiValue for Results {
    unsafe fn to_napi_value(_env: sys::napi_env, results: Self) -> Result<sys::napi_value> {
        Ok(results.0)
    }
}

/// A call that has its outcome already, or the number under which `eventsDrain` will have it.
pub enum Begun<T> {
    Now(Outcome<T>),
    Later(u64),
}

impl<T: IntoJs> ToNapiValue for Begun<T> {
    unsafe fn to_napi_value(env: sys::napi_env, begun: Self) -> Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        match begun {
            Self::Now(outcome) => outcome.into_js(env),
            Self::Later(id) => to_js(env, id as f64),
        }
    }
}

/// Receives the result of a call, on any thread.
pub type Done<T> = Box<dyn FnOnce(fdkit::Result<T>) + Send>;

enum Slot<T> {
    Empty,
    Full(fdkit::Result<T>),
    // The call has returned the number.
    Later(u64),
}

/// Begins a call. If it ends before `begin` returns, its outcome is returned at once.
pub fn begin<T: IntoJs + Send + 'static>(
    events: &Events,
    begin: impl FnOnce(Done<T>) -> Ticket,
) -> Begun<T> {
    let slot = Arc::new(Mutex::new(Slot::Empty));
    let (theirs, shared) = (Arc::clone(&slot), Arc::clone(&events.shared));
    let ticket = begin(Box::new(move |result| {
        let mut slot = lock(&theirs);
        match *slot {
            Slot::Later(id) => {
                drop(slot);
                shared.push(id, result.into());
            }
            _ => *slot = Slot::Full(result),
        }
    }));
    let id = ticket.number();
    match mem::replace(&mut *lock(&slot), Slot::Later(id)) {
        Slot::Full(result) => Begun::Now(result.into()),
        _ => Begun::Later(id),
    }
}
