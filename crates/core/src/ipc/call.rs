//! One call on a descriptor that is made as soon as it need not wait.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::poller::{self, Watched};
use crate::error::Result;
use crate::files::shared_dup::SharedDup;

/// Makes the call, and returns false if it would have to wait.
pub type Attempt = Box<dyn FnMut(BorrowedFd<'_>) -> bool + Send>;

struct Shared {
    fd: SharedDup,
    events: i16,
    attempt: Mutex<Option<Attempt>>,
}

/// A call that waits for a descriptor in the poll thread. Dropping it does not end it.
///
/// ```
/// use std::os::fd::AsFd;
/// use fdkit::files::shared_dup::SharedDup;
/// use fdkit::ipc::{Kind, PendingCall, recv_fds, send_fds, socketpair};
///
/// let (one, other) = socketpair(Kind::Stream)?;
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let attempt = move |fd: std::os::fd::BorrowedFd<'_>| {
///     let received = recv_fds(fd, &mut [0; 8], 0, fdkit::constants::MSG_DONTWAIT);
///     received.is_ok_and(|received| sender.send(received.length).is_ok())
/// };
/// PendingCall::start(SharedDup::new(other.as_fd())?, false, Box::new(attempt))?;
/// send_fds(one.as_fd(), b"hello", &[], 0)?;
/// assert_eq!(receiver.recv(), Ok(5));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub struct PendingCall {
    shared: Arc<Shared>,
}

impl PendingCall {
    /// Makes the attempt when the descriptor can send or receive, until it returns true.
    ///
    /// # Errors
    /// `EMFILE`, `EAGAIN`: there is no thread yet, and none can be started.
    pub fn start(fd: SharedDup, sends: bool, attempt: Attempt) -> Result<Self> {
        let events = if sends { libc::POLLOUT } else { libc::POLLIN };
        let shared = Arc::new(Shared { fd, events, attempt: Mutex::new(Some(attempt)) });
        let watched: Arc<dyn Watched> = Arc::<Shared>::clone(&shared);
        poller::watch(&watched)?;
        Ok(Self { shared })
    }

    /// Gives the call up. Returns whether it was waiting.
    #[must_use]
    pub fn cancel(&self) -> bool {
        let was_waiting = self.shared.lock().take().is_some();
        poller::wake();
        was_waiting
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("fd", &self.shared.fd).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched for Shared {
    fn wants(&self) -> Option<(RawFd, i16)> {
        self.lock().as_ref().map(|_| (self.fd.as_fd().as_raw_fd(), self.events))
    }

    // The lock is held during the call, so a call that is canceled has not been made.
    fn progress(&self, _can_send: bool, _can_receive: bool) {
        let mut attempt = self.lock();
        if attempt.as_mut().is_some_and(|attempt| attempt(self.fd.as_fd())) {
            attempt.take();
        }
    }
}
