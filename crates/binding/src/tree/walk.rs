//! The walk.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fdkit::{Step, Walk as CoreWalk, WalkOptions};
use napi::bindgen_prelude::{Env, Error, Result, Status};
use napi::sys;

use crate::call::{Fd, Out, Reply, reply};
use crate::convert::held::{Held, lock};
use crate::convert::path::{NameKind, NameOut, PathArg};
use crate::convert::ret::{Failure, ret};
use crate::convert::values::{CHUNK, Sink, to_js};
use crate::exports::Args;
use crate::files::descriptors::dir_fd;

// Names that are handed out in one turn of the event loop: about a tenth of a millisecond.
const TURN: usize = 4 * CHUNK;

/// A walk, step by step.
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
    // What the last step came to, and how far `pour` has come with it.
    step: Option<Step>,
    is_entered: bool,
    dirnames_at: usize,
    filenames_at: usize,
}

/// `walkStart(later, top, topdown, followSymlinks, maxOpen, start)`: opens nothing, but with
/// `later` copies `start`.
pub fn walk_start(args: &Args) -> Result<Reply> {
    let top: PathArg = args.get(1)?;
    let (start, failed) = match Fd::maybe(args.maybe(5)?, args.get(0)?) {
        Ok(start) => (start, None),
        Err(error) => (None, Some(error)),
    };
    let number = start.as_ref().map(|fd| fdkit::files::descriptors::number(fd.as_fd()));
    let dir_fd = dir_fd(number).map_err(|error| Error::new(Status::InvalidArg, error))?;
    let options = WalkOptions {
        topdown: args.get(2)?,
        follow_symlinks: args.get(3)?,
        max_open: args.get::<u32>(4)? as usize,
    };
    let walk = CoreWalk::new(top.as_c_str(), dir_fd, options);
    let interrupt = walk.interrupt();
    let state = State {
        walk,
        kind: top.kind(),
        _start: start,
        failed,
        step: None,
        is_entered: false,
        dirnames_at: 0,
        filenames_at: 0,
    };
    let walk = Walk { state: Arc::new(Mutex::new(state)), interrupt };
    Ok(Out::Held(Held::Walk(walk)).into())
}

/// `walkStep(walk, enter, dirnames, filenames)`: goes on to the next directory and returns its
/// descriptor, -1 at the end, or a failure; `skipped` is set on one after which the walk goes on.
///
/// `enter(kept, ...names)` gets how the path changes, of walks that yield strings; the other
/// sinks get the names in the directory, some hundreds a call.
pub fn walk_step(args: &Args) -> Result<Reply> {
    // A sink that steps is refused: it would wait for itself.
    let busy = |_| Error::new(Status::GenericFailure, "a step is under way");
    let mut state = walk(args)?.state.try_lock().map_err(busy)?;
    let result = state.step();
    state.pour(args, usize::MAX)?;
    Ok(Reply::Now(ret(result)))
}

/// `walkStepLater(walk)`: the promise of a step on a thread of the pool. One at a time. `walkPour`
/// has its path and names.
pub fn walk_step_later(args: &Args) -> Result<Reply> {
    let state = Arc::clone(&walk(args)?.state);
    Ok(reply(true, move || lock(&state).step()))
}

/// `walkPour(walk, enter, dirnames, filenames)`: hands out what the last `walkStepLater` found,
/// some thousands of names a call, so that the event loop can turn in between; whether there may
/// be more.
pub fn walk_pour(args: &Args) -> Result<Reply> {
    let is_more = lock(&walk(args)?.state).pour(args, TURN)?;
    Ok(Out::Is(is_more).into())
}

/// `walkSetDirnames(walk, names)`: the directories to be visited next.
pub fn walk_set_dirnames(args: &Args) -> Result<Reply> {
    let names = args.paths(1)?;
    let set = lock(&walk(args)?.state).walk.set_dirnames(names.iter().map(PathArg::to_bytes));
    set.map_err(|error| Error::new(Status::InvalidArg, error))?;
    Ok(().into())
}

/// `walkPath(walk)`: the path of the directory that the last step came to, as a Buffer.
pub fn walk_path(args: &Args) -> Result<Reply> {
    let name = lock(&walk(args)?.state).walk.path().as_os_str().as_bytes().to_vec();
    Ok(Out::Name(NameOut { name, kind: NameKind { as_buffers: true } }).into())
}

/// `walkInterrupt(walk)`: ends a step that is under way, and the walk.
pub fn walk_interrupt(args: &Args) -> Result<Reply> {
    walk(args)?.interrupt.store(true, Ordering::Relaxed);
    Ok(().into())
}

/// `walkClose(walk)`: closes everything.
pub fn walk_close(args: &Args) -> Result<Reply> {
    let mut state = lock(&walk(args)?.state);
    state.walk.close();
    state._start = None;
    state.failed = None;
    Ok(().into())
}

fn walk(args: &Args) -> Result<&Walk> {
    match Held::get(args, 0)? {
        Held::Walk(walk) => Ok(walk),
        _ => Err(Error::from_status(Status::InvalidArg)),
    }
}

impl State {
    fn step(&mut self) -> fdkit::Result<Out> {
        (self.dirnames_at, self.filenames_at) = (0, 0);
        (self.step, self.is_entered) = (None, false);
        let start = self._start.as_ref().map(AsFd::as_fd);
        self.step = match self.failed.take().map_or_else(|| self.walk.step(), Err) {
            Ok(step) => step,
            Err(error) => return Ok(Out::Failed(Failure::at(error, start))),
        };
        Ok(match self.step {
            None => Out::Number(-1.0),
            Some(Step::Directory) => {
                Out::Number(self.walk.fd().map_or(-1, fdkit::files::descriptors::number).into())
            }
            Some(Step::Skipped(error)) => {
                Out::Failed(Failure::skipped(error, None).starting(start))
            }
        })
    }

    /// Gives the sinks, which are the arguments after the first, what the last step found.
    fn pour(&mut self, args: &Args, most: usize) -> Result<bool> {
        let Some(step) = self.step else {
            return Ok(false);
        };
        let mut chunk = Vec::new();
        if !self.is_entered && !self.kind.as_buffers {
            self.enter(&args.env, &args.sink(1)?, &mut chunk)?;
        }
        self.is_entered = true;
        if step != Step::Directory {
            return Ok(false);
        }
        let mut left = most;
        for (names, cursor, sink) in [
            (self.walk.dirnames(), &mut self.dirnames_at, 2),
            (self.walk.filenames(), &mut self.filenames_at, 3),
        ] {
            while left > 0 {
                chunk.clear();
                chunk.reserve(names.len().min(CHUNK));
                while chunk.len() < CHUNK
                    && let Some((name, _)) = names.next(cursor)
                {
                    chunk.push(self.kind.to_js(&args.env, name.to_bytes())?);
                }
                if chunk.is_empty() {
                    break;
                }
                left = left.saturating_sub(chunk.len());
                args.sink(sink)?.call(&chunk)?;
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
