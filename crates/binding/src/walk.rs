//! The walk.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdkit::{Step, Walk as CoreWalk, WalkOptions};
use napi::bindgen_prelude::{
    AsyncTask, BufferSlice, Either, Env, Error, Function, FunctionCallContext, FunctionRef,
    JsValue, Result, Status, Task,
};
use napi_derive::napi;

use crate::call::{Fd, guard};
use crate::path::{NameKind, PathArg};
use crate::ret::{Failure, Ret};
use crate::values::{CHUNK, Values};

// Names that are handed out in one turn of the event loop: about a tenth of a millisecond.
const TURN: usize = 4 * CHUNK;

type Sink<'env> = Function<'env, Values, ()>;

/// A walk, step by step.
#[napi]
pub struct Walk {
    state: Arc<Mutex<State>>,
    interrupt: Arc<AtomicBool>,
}

struct State {
    walk: CoreWalk<'static>,
    kind: NameKind,
    // What the walk starts from, where it has to outlive the number.
    _start: Option<Fd>,
    // Why that could not be copied, for the first step to say.
    failed: Option<fdkit::Error>,
    // How far `pour` has come.
    dirnames_at: usize,
    filenames_at: usize,
}

#[napi]
impl Walk {
    /// Opens nothing, but with `later` copies `start`.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        later: bool,
        top: PathArg,
        topdown: bool,
        follow_symlinks: bool,
        max_open: u32,
        start: Option<i32>,
    ) -> Result<Self> {
        let invalid = |error| Error::new(Status::InvalidArg, error);
        let (start, failed) = match Fd::maybe(start, later) {
            Ok(start) => (start, None),
            Err(error) => (None, Some(error)),
        };
        let number = start.as_ref().map(|fd| fdkit::fd::number(fd.as_fd()));
        let dir_fd = crate::fd::dir_fd(number).map_err(invalid)?;
        let options = WalkOptions { topdown, follow_symlinks, max_open: max_open as usize };
        let walk = CoreWalk::new(top.as_c_str(), dir_fd, options);
        let interrupt = walk.interrupt();
        let state = State {
            walk,
            kind: top.kind(),
            _start: start,
            failed,
            dirnames_at: 0,
            filenames_at: 0,
        };
        Ok(Self { state: Arc::new(Mutex::new(state)), interrupt })
    }

    /// What makes a step: goes on to the next directory and returns its descriptor, -1 at the
    /// end, or a failure; `skipped` is set on one after which the walk goes on.
    ///
    /// `enter(kept, ...names)` gets how the path changes, of walks that yield strings; the
    /// other sinks get the names in the directory, some hundreds a call.
    ///
    /// A function of its own, since what napi-rs does around a method takes a quarter of a
    /// microsecond, which is a tenth of what a step takes outside the kernel.
    #[napi(
        catch_unwind,
        ts_return_type = "(enter: (kept: number, ...names: string[]) => void, \
                          dirnames: (...names: any[]) => void, \
                          filenames: (...names: any[]) => void) => Ret<number>"
    )]
    pub fn stepper<'env>(&self, env: &'env Env) -> Result<Function<'env, Values, Ret<i32>>> {
        let state = Arc::clone(&self.state);
        env.create_function_from_closure("step", move |call: FunctionCallContext<'_>| {
            // A sink that steps is refused: it would wait for itself.
            let busy = |_| Error::new(Status::GenericFailure, "a step is under way");
            let mut state = state.try_lock().map_err(busy)?;
            let step = state.step();
            let result = state.deliver(call.env, step, &call.get(0)?)?;
            if let Either::A(_) = result {
                let State { walk, kind, .. } = &*state;
                for (names, sink) in [(walk.dirnames(), 1), (walk.filenames(), 2)] {
                    let bytes = names.iter().map(|(name, _)| name.to_bytes());
                    kind.pour(call.env, bytes, &call.get(sink)?)?;
                }
            }
            Ok(result)
        })
    }

    /// A step on a thread of the pool. One at a time. `pour` has its names.
    #[napi(catch_unwind, ts_return_type = "Promise<Ret<number>>")]
    pub fn step_later(
        &self,
        #[napi(ts_arg_type = "(kept: number, ...names: string[]) => void")] enter: Sink<'_>,
    ) -> Result<AsyncTask<LaterStep>> {
        let state = Arc::clone(&self.state);
        Ok(AsyncTask::new(LaterStep { state, enter: enter.create_ref()? }))
    }

    /// Hands out the names that the last `stepLater` found, some thousands a call, so that the
    /// event loop can turn in between; whether there may be more.
    #[napi(catch_unwind)]
    pub fn pour(
        &self,
        env: &Env,
        #[napi(ts_arg_type = "(...names: any[]) => void")] dirnames: Sink<'_>,
        #[napi(ts_arg_type = "(...names: any[]) => void")] filenames: Sink<'_>,
    ) -> Result<bool> {
        lock(&self.state).pour(env, &dirnames, &filenames)
    }

    /// The directories to be visited next.
    #[napi(catch_unwind)]
    pub fn set_dirnames(
        &self,
        #[napi(ts_arg_type = "(string | Uint8Array)[]")] names: Vec<PathArg>,
    ) -> Result<()> {
        let set = lock(&self.state).walk.set_dirnames(names.iter().map(PathArg::to_bytes));
        set.map_err(|error| Error::new(Status::InvalidArg, error))
    }

    /// The path of the directory that the last step came to.
    #[napi(catch_unwind)]
    pub fn path<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, lock(&self.state).walk.path().as_os_str().as_bytes())
    }

    /// Ends a step that is under way, and the walk.
    #[napi(catch_unwind)]
    pub fn interrupt(&self) {
        self.interrupt.store(true, Ordering::Relaxed);
    }

    /// Closes everything.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.walk.close();
        state._start = None;
        state.failed = None;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn step(&mut self) -> fdkit::Result<Option<Step>> {
        self.failed.take().map_or_else(|| self.walk.step(), Err)
    }

    fn deliver(
        &mut self,
        env: &Env,
        step: fdkit::Result<Option<Step>>,
        enter: &Sink<'_>,
    ) -> Result<Ret<i32>> {
        (self.dirnames_at, self.filenames_at) = (0, 0);
        let step = match step {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(Either::A(-1)),
            Err(error) => return Ok(Either::B(error.into())),
        };
        if !self.kind.as_buffers {
            self.enter(env, enter)?;
        }
        if let Step::Skipped(error) = step {
            return Ok(Either::B(Failure { skipped: Some(true), ..error.into() }));
        }
        Ok(Either::A(self.walk.fd().map_or(-1, fdkit::fd::number)))
    }

    fn enter(&mut self, env: &Env, enter: &Sink<'_>) -> Result<()> {
        let mut kept = self.walk.kept();
        let mut names = self.walk.take_new_names();
        loop {
            let mut values = Vec::with_capacity(1 + names.len().min(CHUNK));
            values.push(env.create_double(kept as f64)?.raw());
            for name in names.by_ref().take(CHUNK) {
                values.push(self.kind.to_js(env, name)?);
                kept += 1;
            }
            enter.call(Values(values))?;
            if names.len() == 0 {
                return Ok(());
            }
        }
    }

    fn pour(&mut self, env: &Env, dirnames: &Sink<'_>, filenames: &Sink<'_>) -> Result<bool> {
        let mut left = TURN;
        for (names, cursor, sink) in [
            (self.walk.dirnames(), &mut self.dirnames_at, dirnames),
            (self.walk.filenames(), &mut self.filenames_at, filenames),
        ] {
            while left > 0 {
                let mut chunk = Vec::with_capacity(names.len().min(CHUNK));
                while chunk.len() < CHUNK
                    && let Some((name, _)) = names.next(cursor)
                {
                    chunk.push(self.kind.to_js(env, name.to_bytes())?);
                }
                if chunk.is_empty() {
                    break;
                }
                left = left.saturating_sub(chunk.len());
                sink.call(Values(chunk))?;
            }
        }
        Ok(left == 0)
    }
}

/// A step on a thread of the pool.
pub struct LaterStep {
    state: Arc<Mutex<State>>,
    enter: FunctionRef<Values, ()>,
}

impl Task for LaterStep {
    type Output = fdkit::Result<Option<Step>>;
    type JsValue = Ret<i32>;

    fn compute(&mut self) -> Result<Self::Output> {
        guard(|| lock(&self.state).step())
    }

    fn resolve(&mut self, env: Env, step: Self::Output) -> Result<Ret<i32>> {
        let enter = self.enter.borrow_back(&env)?;
        lock(&self.state).deliver(&env, step, &enter)
    }
}
