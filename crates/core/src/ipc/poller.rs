//! The one thread that waits for all sockets of the process.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::address::{Kind, socketpair};
use crate::constants::MSG_DONTWAIT;
use crate::error::{Error, Result};

/// Something that waits for a descriptor.
pub(super) trait Watched: Send + Sync {
    /// Returns the descriptor and the events of poll(2) that it waits for, if there are any.
    ///
    /// The number may be closed at any time afterwards. If another file has got it when the thread
    /// polls, `progress` is called in vain.
    fn wants(&self) -> Option<(RawFd, i16)>;

    /// Does what can be done without waiting.
    fn progress(&self, can_send: bool, can_receive: bool);
}

struct Poller {
    watched: Mutex<Vec<Arc<dyn Watched>>>,
    // A byte in it wakes the thread.
    wake: OwnedFd,
    woken: OwnedFd,
}

// It stays until the process ends.
static POLLER: Mutex<Option<Arc<Poller>>> = Mutex::new(None);

impl Poller {
    fn wake(&self) {
        // If the queue is full of such bytes, the thread is awake anyway.
        let _ = super::message::send_fds(self.wake.as_fd(), &[0], &[], MSG_DONTWAIT);
    }

    fn run(&self) {
        let mut buffer = [0; 64];
        loop {
            let (sockets, mut polled) = self.collect();
            // SAFETY: there are as many entries as the length says. A descriptor that was closed
            // since does no harm; see `Watched::wants`.
            let count =
                unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
            if count < 0 {
                // EINTR, or ENOMEM, which passes.
                if !Error::last("poll").is(libc::EINTR) {
                    thread::sleep(std::time::Duration::from_millis(10));
                }
                continue;
            }
            let mut events = polled.iter().map(|entry| entry.revents);
            if events.next().is_some_and(|events| events != 0) {
                let woken = self.woken.as_fd();
                let _ = super::message::recv_fds(woken, &mut buffer, 0, MSG_DONTWAIT);
            }
            for (socket, events) in sockets.iter().zip(events) {
                if events == 0 {
                    continue;
                }
                // The call itself reports an error or the end.
                let ends = events & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0;
                socket.progress(
                    ends || events & libc::POLLOUT != 0,
                    ends || events & libc::POLLIN != 0,
                );
            }
        }
    }

    // Drops the sockets that nothing waits for any more.
    fn collect(&self) -> (Vec<Arc<dyn Watched>>, Vec<libc::pollfd>) {
        let entry = |fd: i32, events| libc::pollfd { fd, events, revents: 0 };
        let mut polled = vec![entry(self.woken.as_raw_fd(), libc::POLLIN)];
        let mut watched = lock(&self.watched);
        watched.retain(|socket| {
            let wanted = socket.wants();
            if let Some((fd, events)) = wanted {
                polled.push(entry(fd, events));
            }
            wanted.is_some()
        });
        (watched.clone(), polled)
    }
}

fn poller() -> Result<Arc<Poller>> {
    let mut poller = lock(&POLLER);
    if let Some(poller) = &*poller {
        return Ok(Arc::clone(poller));
    }
    let (wake, woken) = socketpair(Kind::Stream)?;
    let new = Arc::new(Poller { watched: Mutex::new(Vec::new()), wake, woken });
    let own = Arc::clone(&new);
    let thread = thread::Builder::new().name("fdkit sockets".into()).stack_size(128 * 1024);
    let started = thread.spawn(move || own.run());
    started.map_err(|error| Error::new(error.raw_os_error().unwrap_or(libc::EAGAIN), "clone"))?;
    *poller = Some(Arc::clone(&new));
    Ok(new)
}

/// Has the thread wait for a socket, as long as something of it is waiting.
///
/// # Errors
/// `EMFILE`, `EAGAIN`: there is no thread yet, and none can be started.
pub(super) fn watch(socket: &Arc<dyn Watched>) -> Result<()> {
    let poller = poller()?;
    let mut watched = lock(&poller.watched);
    if !watched.iter().any(|other| Arc::ptr_eq(other, socket)) {
        watched.push(Arc::clone(socket));
    }
    drop(watched);
    poller.wake();
    Ok(())
}

/// Has the thread look again at what is waiting.
pub(super) fn wake() {
    if let Some(poller) = &*lock(&POLLER) {
        poller.wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
