//! Walking a directory tree.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fdkit::files::descriptors::number;
use fdkit::{Step, Walk as CoreWalk, WalkOptions};
use napi::bindgen_prelude::{Env, Error, Result, Status};
use napi::sys;
use napi_derive::napi;

use crate::api::files::stat::{FIELDS, bits};
use crate::call::{CallFd, Response, borrow_dir_fd, respond};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::{Failure, Outcome};
use crate::convert::path::{Name, NameKind, PathArg};
use crate::convert::sink::{CHUNK, Sink};
use crate::convert::typed_array::Slots;
use crate::convert::value::to_js;

// The number of names that `walkDrain` passes on in a call: it takes about a tenth of a
// millisecond.
const TURN: usize = 4 * CHUNK;

// How much a thread of the pool lists after a step before JavaScript gets the result: so many
// directories, or as many as it can in this time. Passing a result to JavaScript takes about as long
// as it takes to list five.
const AHEAD: usize = 32;
const AHEAD_FOR: Duration = Duration::from_micros(300);

/// A walk through a directory tree, step by step.
pub struct Walk {
    state: Arc<Mutex<State>>,
    interrupt: Arc<AtomicBool>,
}

struct State {
    walk: CoreWalk<'static>,
    kind: NameKind,
    // Whether a step on a thread of the pool goes on with what comes next.
    looks_ahead: bool,
    // The descriptor that the walk starts from, if one was given.
    start: Option<CallFd>,
    // Why the descriptor could not be duplicated. The first step reports it.
    failed: Option<fdkit::Error>,
    // The result of the last step, and how far `drain` has come with it.
    step: Option<Step>,
    is_entered: bool,
    dirnames_at: usize,
    filenames_at: usize,
}

/// Prepares a walk. Opens nothing. With `later`, the walk gets a duplicate of `dirFd`. Without
/// `threads`, the walk starts as many as suit the machine.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn walk_start(
    later: bool,
    top: PathArg,
    topdown: bool,
    follow_symlinks: bool,
    max_open: u32,
    exact: bool,
    stats: bool,
    threads: Option<u32>,
    dir_fd: Option<i32>,
) -> Result<Handle<Walk>> {
    let (start, failed) = match CallFd::new(dir_fd, later) {
        Ok(start) => (start, None),
        Err(error) => (None, Some(error)),
    };
    let dir_fd = borrow_dir_fd(start.as_ref().map(|fd| number(fd.as_fd())));
    let dir_fd = dir_fd.map_err(|error| Error::new(Status::InvalidArg, error))?;
    let options = WalkOptions { topdown, follow_symlinks, max_open: max_open as usize };
    let mut walk = CoreWalk::new(top.as_c_str(), dir_fd, options).exact(exact).stats(stats);
    if let Some(threads) = threads {
        walk = walk.threads(threads as usize);
    }
    let interrupt = walk.interrupt();
    let state = State {
        walk,
        kind: top.kind(),
        looks_ahead: later && !exact && threads != Some(0),
        start,
        failed,
        step: None,
        is_entered: false,
        dirnames_at: 0,
        filenames_at: 0,
    };
    Ok(Handle::new(Walk { state: Arc::new(Mutex::new(state)), interrupt }))
}

/// Goes on to the next directory. Returns its descriptor, or -1 at the end. After a recoverable
/// failure the walk goes on.
///
/// `enter` gets the number of names of the path that have not changed, and the new names. It is
/// called only if the walk returns strings. `dirnames` and `filenames` get the names in the
/// directory, some hundreds in a call.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn walk_step(
    env: Env,
    walk: &Handle<Walk>,
    #[napi(ts_arg_type = "(kept: number, ...names: string[]) => void")] enter: Sink,
    #[napi(ts_arg_type = "(...names: any[]) => void")] dirnames: Sink,
    #[napi(ts_arg_type = "(...names: any[]) => void")] filenames: Sink,
) -> Result<Outcome<i32>> {
    // A sink that steps is refused: it would wait for itself.
    let busy = |_| Error::new(Status::GenericFailure, "a step is under way");
    let mut state = walk.state.try_lock().map_err(busy)?;
    let outcome = state.step();
    state.drain(&env, &Sinks { enter, dirnames, filenames }, usize::MAX)?;
    Ok(outcome)
}

/// Goes on to the next directory if it is listed already. Returns -2 if it is not: `walkStepLater`
/// goes on then. `walkDrain` passes on what the step found.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn walk_step_if_ready(walk: &Handle<Walk>) -> Outcome<i32> {
    lock(&walk.state).step_if_ready()
}

/// Returns the promise of a step. There must be only one at a time. `walkDrain` passes on what the
/// step found. The thread then lists directories that come next, unless that takes long.
///
/// @syscall openat
#[napi(catch_unwind, ts_return_type = "Promise<Outcome<number>>")]
pub fn walk_step_later(walk: &Handle<Walk>) -> Response<i32> {
    let state = Arc::clone(&walk.state);
    respond(true, move || {
        let start = Instant::now();
        let mut state = lock(&state);
        let outcome = state.step();
        if state.looks_ahead && state.step.is_some() {
            let mut left = AHEAD;
            state.walk.look_ahead(|| {
                left -= 1;
                left == 0 || start.elapsed() > AHEAD_FOR
            });
        }
        outcome
    })
}

/// Passes on what the last `walkStepLater` found, as `walkStep` does: some thousands of names in a
/// call, so that the event loop can turn in between. Returns true if there may be more.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn walk_drain(
    env: Env,
    walk: &Handle<Walk>,
    #[napi(ts_arg_type = "(kept: number, ...names: string[]) => void")] enter: Sink,
    #[napi(ts_arg_type = "(...names: any[]) => void")] dirnames: Sink,
    #[napi(ts_arg_type = "(...names: any[]) => void")] filenames: Sink,
) -> Result<bool> {
    lock(&walk.state).drain(&env, &Sinks { enter, dirnames, filenames }, TURN)
}

/// Writes the status of the entries that the last step found to `fields`, 18 fields for each: first
/// of the directories, then of the others, from the entry `from` on, as many as there is room for.
///
/// @syscall statx
#[napi(catch_unwind)]
pub fn walk_stats(
    walk: &Handle<Walk>,
    bigint: bool,
    from: u32,
    #[napi(ts_arg_type = "BigUint64Array")] fields: Slots,
) -> Result<()> {
    let state = lock(&walk.state);
    let (dirnames, filenames) = (state.walk.dirname_stats(), state.walk.filename_stats());
    let entries = dirnames.iter().chain(filenames).skip(from as usize);
    for (index, stat) in entries.take(fields.len() / FIELDS).enumerate() {
        fields.write_at(index * FIELDS, &bits(stat.as_ref(), bigint))?;
    }
    Ok(())
}

/// Replaces the names of the directories to visit next.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn walk_set_dirnames(walk: &Handle<Walk>, names: Vec<PathArg>) -> Result<()> {
    let names = names.iter().map(PathArg::to_bytes);
    let set = lock(&walk.state).walk.set_dirnames(names);
    set.map_err(|error| Error::new(Status::InvalidArg, error))
}

/// Returns the path of the directory of the last step.
///
/// @syscall openat
#[napi(catch_unwind, ts_return_type = "Buffer")]
pub fn walk_path(walk: &Handle<Walk>) -> Name {
    let bytes = lock(&walk.state).walk.path().as_os_str().as_bytes().to_vec();
    Name { bytes, kind: NameKind { as_buffers: true } }
}

/// Interrupts a step that is under way, and ends the walk.
///
/// @syscall openat
#[napi(catch_unwind)]
pub fn walk_interrupt(walk: &Handle<Walk>) {
    walk.interrupt.store(true, Ordering::Relaxed);
}

/// Closes all descriptors.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn walk_close(walk: &Handle<Walk>) {
    let mut state = lock(&walk.state);
    state.walk.close();
    state.start = None;
    state.failed = None;
}

/// The functions that receive what a step found.
struct Sinks {
    enter: Sink,
    dirnames: Sink,
    filenames: Sink,
}

impl State {
    fn step(&mut self) -> Outcome<i32> {
        let step = self.failed.take().map_or_else(|| self.walk.step(), Err);
        self.take(step)
    }

    fn step_if_ready(&mut self) -> Outcome<i32> {
        match self.walk.step_if_ready() {
            None => Outcome::Value(-2),
            step => self.take(Ok(step)),
        }
    }

    fn take(&mut self, step: fdkit::Result<Option<Step>>) -> Outcome<i32> {
        (self.dirnames_at, self.filenames_at) = (0, 0);
        (self.step, self.is_entered) = (None, false);
        let start = self.start.as_ref().map(AsFd::as_fd);
        match step {
            Ok(step) => self.step = step,
            Err(error) => return Outcome::Failed(Failure::from(error).with_dir(start)),
        }
        match self.step {
            None => Outcome::Value(-1),
            Some(Step::Directory) => Outcome::Value(self.walk.fd().map_or(-1, number)),
            Some(Step::Skipped(error)) => {
                Outcome::Failed(Failure::recoverable(error, None).with_dir(start))
            }
        }
    }

    /// Passes on at most `most` names of the last step. Returns true if there may be more.
    fn drain(&mut self, env: &Env, sinks: &Sinks, most: usize) -> Result<bool> {
        let Some(step) = self.step else {
            return Ok(false);
        };
        let mut chunk = Vec::new();
        if !self.is_entered && !self.kind.as_buffers {
            self.enter(env, &sinks.enter, &mut chunk)?;
        }
        self.is_entered = true;
        if step != Step::Directory {
            return Ok(false);
        }
        let mut left = most;
        for (names, cursor, sink) in [
            (self.walk.dirnames(), &mut self.dirnames_at, &sinks.dirnames),
            (self.walk.filenames(), &mut self.filenames_at, &sinks.filenames),
        ] {
            while left > 0 {
                chunk.clear();
                chunk.reserve(names.len().min(CHUNK));
                while chunk.len() < CHUNK
                    && let Some((name, _)) = names.next(cursor)
                {
                    chunk.push(self.kind.to_js(env, name.to_bytes())?);
                }
                if chunk.is_empty() {
                    break;
                }
                left = left.saturating_sub(chunk.len());
                sink.call(&chunk)?;
            }
        }
        Ok(left == 0)
    }

    fn enter(&mut self, env: &Env, enter: &Sink, values: &mut Vec<sys::napi_value>) -> Result<()> {
        let mut kept = self.walk.kept();
        let mut names = self.walk.take_new_names();
        loop {
            values.clear();
            values.push(to_js(env, kept as f64)?);
            for name in names.by_ref().take(CHUNK) {
                values.push(self.kind.to_js(env, name)?);
                kept += 1;
            }
            enter.call(values)?;
            if names.len() == 0 {
                return Ok(());
            }
        }
    }
}
