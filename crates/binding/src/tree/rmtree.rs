//! Deleting a tree.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fdkit::{Progress, Rmtree as CoreRmtree};
use napi::bindgen_prelude::{Error, Result, Status};

use crate::call::{Fd, Out, Reply, reply};
use crate::convert::held::{Held, lock};
use crate::convert::path::{NameOut, PathArg};
use crate::convert::ret::Failure;
use crate::exports::Args;

// Between two looks at the clock.
const ENTRIES: usize = 256;

// How long a thread of the pool works before JavaScript is asked whether it still wants it.
const SLICE: Duration = Duration::from_millis(20);

/// A tree that is to be deleted.
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

/// `rmtreeStart(later, start, path)`: opens nothing. `later` says that the steps will be.
pub fn rmtree_start(args: &Args) -> Result<Reply> {
    let start = Fd::maybe(args.maybe(1)?, args.get(0)?);
    let path = args.get(2)?;
    let interrupt = Arc::new(AtomicBool::new(false));
    let state = State { start, interrupt: Arc::clone(&interrupt), path, tree: None };
    let tree = Rmtree { state: Arc::new(Mutex::new(state)), interrupt };
    Ok(Out::Held(Held::Rmtree(tree)).into())
}

/// `rmtreeStep(tree, later)`: removes entries, now up to the end, and `later` for a while. True
/// where there is more to do. A failure with `skipped` set is of the entry at its `path`; the rest
/// still goes on.
pub fn rmtree_step(args: &Args) -> Result<Reply> {
    let later: bool = args.get(1)?;
    let state = Arc::clone(&tree(args)?.state);
    let step = move || {
        let until = later.then(|| Instant::now() + SLICE);
        lock(&state).remove(until)
    };
    Ok(reply(later, step))
}

/// `rmtreeInterrupt(tree)`: ends a step that is under way.
pub fn rmtree_interrupt(args: &Args) -> Result<Reply> {
    tree(args)?.interrupt.store(true, Ordering::Relaxed);
    Ok(().into())
}

/// `rmtreeClose(tree)`: closes everything.
pub fn rmtree_close(args: &Args) -> Result<Reply> {
    let mut state = lock(&tree(args)?.state);
    state.start = Ok(None);
    state.tree = None;
    Ok(().into())
}

fn tree(args: &Args) -> Result<&Rmtree> {
    match Held::get(args, 0)? {
        Held::Rmtree(tree) => Ok(tree),
        _ => Err(Error::from_status(Status::InvalidArg)),
    }
}

impl State {
    fn remove(&mut self, until: Option<Instant>) -> fdkit::Result<Out> {
        let start = self.start.as_ref().map_err(|error| *error)?;
        let start = start.as_ref().map(AsFd::as_fd);
        let tree = match &mut self.tree {
            Some(tree) => tree,
            None => match CoreRmtree::new(start, self.path.as_c_str()) {
                Ok(tree) => self.tree.insert(tree.interrupted_by(Arc::clone(&self.interrupt))),
                Err(error) => return Ok(Out::Failed(Failure::at(error, start))),
            },
        };
        loop {
            match tree.step(ENTRIES) {
                Progress::Done => return Ok(Out::Is(false)),
                Progress::More => {
                    if until.is_some_and(|until| Instant::now() >= until) {
                        return Ok(Out::Is(true));
                    }
                }
                Progress::Failed(path, error) => {
                    let name = path.as_os_str().as_bytes().to_vec();
                    let path = NameOut { name, kind: self.path.kind() };
                    let failure = Failure::skipped(error, Some(path)).starting(start);
                    return Ok(Out::Failed(failure));
                }
            }
        }
    }
}
