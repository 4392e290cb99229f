//! Deleting a tree.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fdkit::{Progress, Rmtree as CoreRmtree};
use napi::bindgen_prelude::{AsyncTask, Either, Either3, Env, Result, Task};
use napi_derive::napi;

use crate::call::{Fd, guard};
use crate::path::{NameOut, PathArg};
use crate::ret::{Failure, Ret};

// Between two looks at the clock.
const ENTRIES: usize = 256;

// How long a thread of the pool works before JavaScript is asked whether it still wants it.
const SLICE: Duration = Duration::from_millis(20);

/// A tree that is to be deleted.
#[napi]
pub struct Rmtree {
    state: Arc<Mutex<State>>,
    interrupt: Arc<AtomicBool>,
}

struct State {
    // Where it could not be copied, the first step says why.
    start: fdkit::Result<Option<Fd>>,
    interrupt: Arc<AtomicBool>,
    path: PathArg,
    tree: Option<CoreRmtree>,
}

/// Some entries of the tree, on a thread of the pool.
pub struct Slice {
    state: Arc<Mutex<State>>,
}

#[napi]
impl Rmtree {
    /// Opens nothing. `later` says that the steps will be.
    #[napi(constructor, catch_unwind)]
    pub fn new(later: bool, start: Option<i32>, path: PathArg) -> Self {
        let start = Fd::maybe(start, later);
        let interrupt = Arc::new(AtomicBool::new(false));
        let state = State { start, interrupt: Arc::clone(&interrupt), path, tree: None };
        Self { state: Arc::new(Mutex::new(state)), interrupt }
    }

    /// Removes entries, now up to the end, and `later` for a while. True where there is more to
    /// do. A failure with `skipped` set is of the entry at its `path`; the rest still goes on.
    #[napi(catch_unwind, ts_return_type = "Reply<boolean>")]
    pub fn step(&self, later: bool) -> Either3<bool, Failure, AsyncTask<Slice>> {
        if later {
            return Either3::C(AsyncTask::new(Slice { state: Arc::clone(&self.state) }));
        }
        match lock(&self.state).remove(None) {
            Either::A(is_more) => Either3::A(is_more),
            Either::B(failure) => Either3::B(failure),
        }
    }

    /// Ends a step that is under way.
    #[napi(catch_unwind)]
    pub fn interrupt(&self) {
        self.interrupt.store(true, Ordering::Relaxed);
    }

    /// Closes everything.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.start = Ok(None);
        state.tree = None;
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn remove(&mut self, until: Option<Instant>) -> Ret<bool> {
        if self.tree.is_none() {
            let opened = match &self.start {
                Ok(start) => CoreRmtree::new(start.as_ref().map(AsFd::as_fd), self.path.as_c_str()),
                Err(error) => Err(*error),
            };
            match opened {
                Ok(tree) => self.tree = Some(tree.interrupted_by(Arc::clone(&self.interrupt))),
                Err(error) => return Either::B(error.into()),
            }
        }
        let Some(tree) = &mut self.tree else {
            return Either::A(false);
        };
        loop {
            match tree.step(ENTRIES) {
                Progress::Done => return Either::A(false),
                Progress::More => {
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return Either::A(true);
                    }
                }
                Progress::Failed(path, error) => {
                    let name = path.as_os_str().as_bytes().to_vec();
                    let path = Some(NameOut { name, kind: self.path.kind() });
                    return Either::B(Failure { skipped: Some(true), path, ..error.into() });
                }
            }
        }
    }
}

impl Task for Slice {
    type Output = Ret<bool>;
    type JsValue = Ret<bool>;

    fn compute(&mut self) -> Result<Ret<bool>> {
        guard(|| lock(&self.state).remove(Some(Instant::now() + SLICE)))
    }

    fn resolve(&mut self, _env: Env, output: Ret<bool>) -> Result<Ret<bool>> {
        Ok(output)
    }
}
