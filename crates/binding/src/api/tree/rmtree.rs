//! Deleting a directory tree.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fdkit::{Progress, Rmtree as CoreRmtree};
use napi::bindgen_prelude::{Env, Result};
use napi_derive::napi;

use crate::call::{CallFd, OwnThread, Response};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::{Name, PathArg};

// The number of entries that are removed between two looks at the clock.
const ENTRIES: usize = 256;

// The time that the thread works before JavaScript can end the deletion.
const SLICE: Duration = Duration::from_millis(20);

/// The deletion of a directory tree.
pub struct Rmtree {
    state: Arc<Mutex<State>>,
    interrupt: Arc<AtomicBool>,
    thread: OwnThread,
}

impl Drop for Rmtree {
    // The worker ends, or nobody waits for the result.
    fn drop(&mut self) {
        self.interrupt.store(true, Ordering::Relaxed);
    }
}

struct State {
    // If the descriptor could not be duplicated, the first step reports the error.
    start: fdkit::Result<Option<CallFd>>,
    interrupt: Arc<AtomicBool>,
    path: PathArg,
    threads: Option<u32>,
    tree: Option<CoreRmtree>,
}

/// Prepares a deletion. Opens nothing. `later` must be what `rmtreeStep` will get. Without
/// `threads`, the deletion starts as many as suit the machine.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn rmtree_start(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    threads: Option<u32>,
) -> Handle<Rmtree> {
    let start = CallFd::new(dir_fd, later);
    let interrupt = Arc::new(AtomicBool::new(false));
    let state = State { start, interrupt: Arc::clone(&interrupt), path, threads, tree: None };
    let state = Arc::new(Mutex::new(state));
    Handle::new(Rmtree { state, interrupt, thread: OwnThread::default() })
}

/// Removes entries: all of them, or with `later`, on a thread of its own, as many as take 20 ms.
/// Returns true if there are more. A recoverable failure concerns one entry; the others can still be removed.
///
/// @syscall unlinkat
#[napi(catch_unwind)]
pub fn rmtree_step(env: Env, tree: &Handle<Rmtree>, later: bool) -> Result<Response<bool>> {
    if !later {
        return Ok(Response::now(lock(&tree.state).remove(None)));
    }
    let state = Arc::clone(&tree.state);
    tree.thread.respond(&env, move || {
        let until = Instant::now() + SLICE;
        lock(&state).remove(Some(until))
    })
}

/// Interrupts a step that is under way.
///
/// @syscall unlinkat
#[napi(catch_unwind)]
pub fn rmtree_interrupt(tree: &Handle<Rmtree>) {
    tree.interrupt.store(true, Ordering::Relaxed);
}

/// Closes all descriptors.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn rmtree_close(tree: &Handle<Rmtree>) {
    let mut state = lock(&tree.state);
    state.start = Ok(None);
    state.tree = None;
}

impl State {
    fn remove(&mut self, until: Option<Instant>) -> Outcome<bool> {
        let start = match &self.start {
            Ok(start) => start.as_ref().map(AsFd::as_fd),
            Err(error) => return Err(*error).into(),
        };
        let tree = match &mut self.tree {
            Some(tree) => tree,
            None => match CoreRmtree::new(start, self.path.as_c_str()) {
                Ok(tree) => {
                    let tree = tree.interrupted_by(Arc::clone(&self.interrupt));
                    self.tree.insert(match self.threads {
                        Some(threads) => tree.threads(threads as usize),
                        None => tree,
                    })
                }
                Err(error) => return Outcome::Failed(Failure::from(error).with_dir(start)),
            },
        };
        loop {
            match tree.step(ENTRIES) {
                Progress::Done => return Outcome::Value(false),
                Progress::More => {
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return Outcome::Value(true);
                    }
                }
                Progress::Failed(path, error) => {
                    let bytes = path.as_os_str().as_bytes().to_vec();
                    let path = Name { bytes, kind: self.path.kind() };
                    let failure = Failure::recoverable(error, Some(path));
                    return Outcome::Failed(failure.with_dir(start));
                }
            }
        }
    }
}
