//! Adding up what a tree takes on disk.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fdkit::{DiskUsage as CoreDiskUsage, Progress, Usage as CoreUsage, UsageOptions};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::call::{CallFd, OwnThread, Response};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::{Name, PathArg};
use crate::convert::value::{IntoJs, array, to_js};

// The number of directories that are counted in a call of the core.
const DIRECTORIES: usize = 256;

/// The count of what a tree takes.
pub struct DiskUsage {
    state: Arc<Mutex<State>>,
    interrupt: Arc<AtomicBool>,
    thread: OwnThread,
}

impl Drop for DiskUsage {
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
    options: UsageOptions,
    tree: Option<CoreDiskUsage>,
}

/// Prepares a count. Opens nothing. `later` must be what `diskUsageStep` will get. Without `threads`,
/// the count starts as many as suit the machine.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn disk_usage_start(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    one_file_system: bool,
    threads: Option<u32>,
) -> Handle<DiskUsage> {
    let start = CallFd::new(dir_fd, later);
    let interrupt = Arc::new(AtomicBool::new(false));
    let threads = threads.map(|threads| threads as usize);
    let options = UsageOptions { one_file_system, threads };
    let state = State { start, interrupt: Arc::clone(&interrupt), path, options, tree: None };
    let state = Arc::new(Mutex::new(state));
    Handle::new(DiskUsage { state, interrupt, thread: OwnThread::default() })
}

/// Counts everything, with `later` on a thread of its own. A recoverable failure concerns one entry:
/// the next step counts the rest.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn disk_usage_step(env: Env, tree: &Handle<DiskUsage>, later: bool) -> Result<Response<Usage>> {
    if !later {
        return Ok(Response::now(lock(&tree.state).count()));
    }
    let state = Arc::clone(&tree.state);
    tree.thread.respond(&env, move || lock(&state).count())
}

/// Interrupts a step that is under way.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn disk_usage_interrupt(tree: &Handle<DiskUsage>) {
    tree.interrupt.store(true, Ordering::Relaxed);
}

/// Closes all descriptors.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn disk_usage_close(tree: &Handle<DiskUsage>) {
    let mut state = lock(&tree.state);
    state.start = Ok(None);
    state.tree = None;
}

impl State {
    fn count(&mut self) -> Outcome<Usage> {
        let start = match &self.start {
            Ok(start) => start.as_ref().map(AsFd::as_fd),
            Err(error) => return Err(*error).into(),
        };
        let tree = match &mut self.tree {
            Some(tree) => tree,
            None => match CoreDiskUsage::new(start, self.path.as_c_str(), self.options) {
                Ok(tree) => self.tree.insert(tree.interrupted_by(Arc::clone(&self.interrupt))),
                Err(error) => return Outcome::Failed(Failure::from(error).with_dir(start)),
            },
        };
        loop {
            match tree.step(DIRECTORIES) {
                Progress::Done => return Outcome::Value(Usage(tree.usage())),
                Progress::More => {}
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

/// The result of a count.
pub struct Usage(CoreUsage);

impl IntoJs for Usage {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let CoreUsage { bytes, allocated, files, directories } = self.0;
        let fields = [bytes, allocated, files, directories];
        let values = fields.map(|field| to_js(env, field as f64));
        array(env, &values.into_iter().collect::<Result<Vec<_>>>()?)
    }
}
