//! Read-ahead: threads that open and list the directories that a walk visits next.
//!
//! A listing that is not there yet, or does not hold any more, or could not be made, is made by
//! the walk itself when it comes to the directory. So what the threads do is never seen except
//! in the time that a walk takes.

#[cfg(test)]
mod differential;
#[cfg(test)]
pub(crate) mod hooks;
mod look;
mod queue;

use std::ffi::CStr;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};

use crate::files::directory::is_not_a_directory;
use crate::files::name_list::Names;
pub(crate) use look::{Looked, Looker, Manner};
pub(crate) use queue::Found;
use queue::{BUDGET, Garbage, MOST, Queue, Task};

/// The most threads that are started unless the caller asks for more.
const AUTOMATIC: usize = 4;

// Enough for the calls below, and for a signal handler of the program.
const STACK: usize = 256 * 1024;

// How often the walk looks whether a directory is listed before it sleeps: some microseconds,
// about as long as it takes to list one. To sleep and to be woken up takes 50.
const SPINS: usize = 500;

// How long a walk that must not block waits for a directory that a thread is about to list: about
// as long as it takes to list some. To let a thread of a pool wait takes two or three times as long.
const SOON: Duration = Duration::from_micros(40);

/// The number of threads that a walk starts by default. The walk itself takes a core as well.
pub(crate) fn automatic_threads() -> usize {
    cores().saturating_sub(1).clamp(1, AUTOMATIC)
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

/// How many directories are listed ahead at most: few if the process may open few descriptors,
/// so that the rest of the program finds some.
fn most() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    usize::try_from(limit / 8).unwrap_or(MOST).min(MOST)
}

/// The threads of one walk, and what they work on. Dropping it ends and joins them.
#[derive(Debug)]
pub(crate) struct Ahead {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    manner: Manner,
    state: Mutex<State>,
    /// There is something to do, or the walk is over.
    work: Condvar,
    /// A directory is listed.
    done: Condvar,
    completed: AtomicU64,
    is_over: AtomicBool,
    /// The walk will soon be over.
    interrupted: Arc<AtomicBool>,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    threads: Vec<JoinHandle<()>>,
    more_threads: usize,
    // Threads that sleep.
    idle: usize,
    is_walk_asleep: bool,
}

impl Ahead {
    /// Starts nothing yet: threads need [`allow_threads`](Self::allow_threads), and work.
    /// `slots` is how many descriptors the walk leaves.
    pub(crate) fn new(manner: Manner, slots: usize, interrupted: Arc<AtomicBool>) -> Self {
        let state = State {
            queue: Queue::new(most(), slots, manner.looks_at_links()),
            threads: Vec::new(),
            more_threads: 0,
            idle: 0,
            is_walk_asleep: false,
        };
        let shared = Shared {
            manner,
            state: Mutex::new(state),
            work: Condvar::new(),
            done: Condvar::new(),
            completed: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            interrupted,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds the children of the directory at `depth - 1`, from a cursor on. Tasks that
    /// were queued at that depth or below it are forgotten.
    pub(crate) fn push(&self, depth: usize, parent: Weak<OwnedFd>, names: &Arc<Names>, at: usize) {
        let mut garbage = Garbage::new();
        let mut state = self.shared.lock();
        state.queue.push(depth, parent, Arc::clone(names), at, &mut garbage);
        self.shared.wake(state);
    }

    /// Puts other names in the place of those at `depth`; see [`Queue::replace`].
    pub(crate) fn replace(&self, depth: usize, parent: &Weak<OwnedFd>, names: &Arc<Names>) {
        let mut garbage = Garbage::new();
        let mut state = self.shared.lock();
        state.queue.replace(depth, parent, names, &mut garbage);
        self.shared.wake(state);
    }

    /// Takes out the next directory at `depth`, which must be `name`. Returns it if it is listed
    /// already or is about to be. `slots` is how many descriptors the walk leaves.
    pub(crate) fn take(
        &self,
        depth: usize,
        name: &CStr,
        parent: &Arc<OwnedFd>,
        slots: usize,
        looker: &mut Looker,
    ) -> Found {
        let mut garbage = Garbage::new();
        let mut state = self.shared.lock();
        state.queue.set_slots(slots);
        let found = loop {
            match state.queue.take(depth, name, &mut garbage) {
                Some(found) => break found,
                None => state = self.shared.work_or_wait(state, looker),
            }
        };
        state.queue.set_parent(depth, parent);
        self.shared.wake(state);
        found
    }

    /// Returns whether the directory is listed, or is within some microseconds; see
    /// [`Queue::is_ready`].
    pub(crate) fn is_ready(
        &self,
        depth: usize,
        names: &Names,
        at: usize,
        to_the_bottom: bool,
    ) -> Option<bool> {
        let mut until = None;
        loop {
            let state = self.shared.lock();
            let is_ready = state.queue.is_ready(depth, names, at, to_the_bottom);
            // On a single core, the thread would not get on while this one waits.
            if is_ready != Some(false) || cores() == 1 || !state.is_begun() {
                return is_ready;
            }
            let completed = self.shared.completed.load(Ordering::Relaxed);
            self.shared.wake(state);
            let until = *until.get_or_insert_with(|| Instant::now() + SOON);
            if !self.shared.poll(completed, || Instant::now() > until) {
                return is_ready;
            }
        }
    }

    /// Lists directories on the calling thread until `is_enough` returns true or there are no more.
    pub(crate) fn work(&self, looker: &mut Looker, mut is_enough: impl FnMut() -> bool) {
        while !self.shared.is_stopped() && !is_enough() {
            let mut state = self.shared.lock();
            let Some(task) = state.queue.begin() else { return };
            self.shared.wake(state);
            drop(self.shared.work_on(&task, looker));
        }
    }

    /// Sets how many more threads may start.
    pub(crate) fn allow_threads(&self, threads: usize) {
        let mut state = self.shared.lock();
        state.more_threads = threads;
        self.shared.wake(state);
    }

    /// Makes sure that the read-ahead has no more than so many descriptors.
    pub(crate) fn leave(&self, slots: usize) {
        let mut garbage = Garbage::new();
        let mut state = self.shared.lock();
        state.queue.set_slots(slots);
        while state.queue.shed(slots, &mut garbage) {
            state = self.shared.wait(state);
        }
    }

    /// Closes every descriptor of the read-ahead, which has half as many from now on. Returns
    /// false if it had none.
    pub(crate) fn shrink(&self) -> bool {
        let mut garbage = Garbage::new();
        let mut state = self.shared.lock();
        let is_any = state.queue.shrink();
        while state.queue.shed(0, &mut garbage) {
            state = self.shared.wait(state);
        }
        is_any
    }

    /// How many descriptors it has, or may have at any moment.
    #[cfg(test)]
    pub(crate) fn descriptors(&self) -> usize {
        self.shared.lock().queue.descriptors()
    }

    /// Says whether a listing still held; see [`Queue::note`].
    pub(crate) fn note(&self, is_useful: bool) {
        self.shared.lock().queue.note(is_useful);
    }
}

impl State {
    /// Whether a directory is being listed, or a thread is about to wake up for one.
    fn is_begun(&self) -> bool {
        self.queue.is_running() || self.idle > 0 && self.queue.has_work()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // Set under the lock: a thread that is about to sleep sees it, and none is started.
        self.shared.is_over.store(true, Ordering::Relaxed);
        state.more_threads = 0;
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        self.shared.work.notify_all();
        for thread in threads {
            // A thread that panicked is gone as well.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.is_over.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }

    /// Releases the lock, and starts or wakes up a thread if there is enough to do.
    fn wake(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !state.queue.has_work() {
            return;
        }
        if state.idle > 0 {
            drop(state);
            self.work.notify_one();
        } else if state.more_threads > 0 {
            state.more_threads -= 1;
            let shared = Arc::clone(self);
            let thread = Builder::new().name("fdkit walk".into()).stack_size(STACK);
            match thread.spawn(move || shared.run()) {
                Ok(thread) => state.threads.push(thread),
                // The walk does it all, or those that are there.
                Err(_) => state.more_threads = 0,
            }
        }
    }

    /// The body of a thread: lists one directory after the other.
    fn run(self: &Arc<Self>) {
        let mut looker = Looker::default();
        let mut state = self.lock();
        while !self.is_over.load(Ordering::Relaxed) {
            let task = if self.is_stopped() { None } else { state.queue.begin() };
            if let Some(task) = task {
                self.wake(state);
                state = self.work_on(&task, &mut looker);
            } else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    fn work_on(&self, task: &Task, looker: &mut Looker) -> MutexGuard<'_, State> {
        let is_enough = |size| size > BUDGET / 2 || self.is_stopped();
        let looked = looker.look(task.parent(), task.name(), self.manner, is_enough);
        #[cfg(test)]
        let looked = hooks::disturb(task.id, looked);
        let is_out = looked.as_ref().is_err_and(crate::tree::levels::is_out_of_descriptors);
        let found = match looked {
            Ok(Some(looked)) => Found::Looked(Box::new(looked)),
            Err(error) if task.is_link && is_not_a_directory(&error) => Found::Link,
            _ => Found::Nothing,
        };
        let mut garbage = Garbage::new();
        let mut state = self.lock();
        if is_out {
            state.queue.shrink();
        }
        state.queue.complete(task.id, found, &mut garbage);
        self.completed.fetch_add(1, Ordering::Relaxed);
        if state.is_walk_asleep {
            self.done.notify_one();
        }
        if garbage.is_empty() {
            return state;
        }
        drop(state);
        drop(garbage);
        self.lock()
    }

    // The walk waits for a directory that is being listed, and meanwhile lists another.
    fn work_or_wait<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State>,
        looker: &mut Looker,
    ) -> MutexGuard<'a, State> {
        if let Some(task) = state.queue.begin() {
            drop(state);
            return self.work_on(&task, looker);
        }
        let completed = self.completed.load(Ordering::Relaxed);
        drop(state);
        let mut spins = 0;
        self.poll(completed, || {
            spins += 1;
            spins > SPINS
        });
        let state = self.lock();
        if self.completed.load(Ordering::Relaxed) != completed {
            return state;
        }
        self.wait(state)
    }

    /// Looks again and again whether another directory was listed than the first `completed`. Returns
    /// false if `is_enough` ends that.
    fn poll(&self, completed: u64, mut is_enough: impl FnMut() -> bool) -> bool {
        while self.completed.load(Ordering::Relaxed) == completed {
            if is_enough() {
                return false;
            }
            std::hint::spin_loop();
        }
        true
    }

    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.is_walk_asleep = true;
        let mut state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.is_walk_asleep = false;
        state
    }
}
