//! Adding up what a tree takes on disk.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fdkit::{
    DirectoryUsage, DiskUsage as CoreDiskUsage, Progress, Usage as CoreUsage, UsageOptions,
};
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

// How long a step takes that reports its progress, plus the time for one directory.
const INTERVAL: Duration = Duration::from_millis(100);

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
    reports_progress: bool,
    tree: Option<CoreDiskUsage>,
}

/// Prepares a count. Opens nothing. `later` must be what `diskUsageStep` will get. Without `threads`,
/// the count starts as many as suit the machine. With `reportsProgress`, a step ends after 100 ms.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn disk_usage_start(
    later: bool,
    dir_fd: Option<i32>,
    path: PathArg,
    one_file_system: bool,
    threads: Option<u32>,
    largest: u32,
    reports_progress: bool,
) -> Handle<DiskUsage> {
    let start = CallFd::new(dir_fd, later);
    let interrupt = Arc::new(AtomicBool::new(false));
    let threads = threads.map(|threads| threads as usize);
    let options = UsageOptions { one_file_system, threads, largest: largest as usize };
    let state = Arc::new(Mutex::new(State {
        start,
        interrupt: Arc::clone(&interrupt),
        path,
        options,
        reports_progress,
        tree: None,
    }));
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
        let kind = self.path.kind();
        let name = |path: &Path| Name { bytes: path.as_os_str().as_bytes().to_vec(), kind };
        let end = self.reports_progress.then(|| Instant::now() + INTERVAL);
        let most = if self.reports_progress { 1 } else { DIRECTORIES };
        loop {
            match tree.step(most) {
                Progress::Done => {
                    let largest = tree.take_largest();
                    let each = |found: DirectoryUsage| (found.usage, name(&found.path));
                    let stage = Stage::Complete(largest.into_iter().map(each).collect());
                    return Outcome::Value(Usage { usage: tree.usage(), stage });
                }
                Progress::More if end.is_some_and(|end| Instant::now() >= end) => {
                    let stage = Stage::At(name(tree.path()));
                    return Outcome::Value(Usage { usage: tree.usage(), stage });
                }
                Progress::More => {}
                Progress::Failed(path, error) => {
                    let failure = Failure::recoverable(error, Some(name(&path)));
                    return Outcome::Failed(failure.with_dir(start));
                }
            }
        }
    }
}

/// The state of a count.
pub struct Usage {
    usage: CoreUsage,
    stage: Stage,
}

enum Stage {
    // The count is at this directory.
    At(Name),
    // The count is complete, and these directories are the largest.
    Complete(Vec<(CoreUsage, Name)>),
}

impl IntoJs for Usage {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let with = |usage, last| {
            let mut values = fields(env, usage)?;
            values.push(last);
            array(env, &values)
        };
        let last = match self.stage {
            Stage::At(path) => path.into_js(env)?,
            Stage::Complete(largest) => {
                let each = |(usage, path): (CoreUsage, Name)| with(usage, path.into_js(env)?);
                array(env, &largest.into_iter().map(each).collect::<Result<Vec<_>>>()?)?
            }
        };
        with(self.usage, last)
    }
}

fn fields(env: &Env, usage: CoreUsage) -> Result<Vec<sys::napi_value>> {
    let CoreUsage { bytes, allocated, files, directories } = usage;
    let fields = [bytes, allocated, files, directories];
    fields.into_iter().map(|field| to_js(env, field as f64)).collect()
}
