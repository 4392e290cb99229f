//! One send or receive that is made as soon as it need not wait.

use std::alloc::{Layout, alloc_zeroed};
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::is_blocking;
use super::message::{Received, recv_fds, send_fds};
use super::poller::{self, Watched};
use crate::constants::MSG_DONTWAIT;
use crate::error::{Error, Result};
use crate::files::shared_dup::SharedDup;

// Makes the call, and returns false if it would have to wait.
type Attempt = Box<dyn FnMut(BorrowedFd<'_>) -> bool + Send>;

struct Shared {
    fd: SharedDup,
    events: i16,
    attempt: Mutex<Option<Attempt>>,
}

/// A call that waits for any socket in the poll thread. Dropping it does not end it.
///
/// Like the calls that it stands for, it fails with `EAGAIN` instead of waiting if the socket does
/// not block or the flags contain `MSG_DONTWAIT`.
///
/// ```
/// use std::os::fd::AsFd;
/// use fdkit::files::shared_dup::SharedDup;
/// use fdkit::ipc::{Kind, PendingCall, send_fds, socketpair};
///
/// let (one, other) = socketpair(Kind::Stream)?;
/// let (sender, receiver) = std::sync::mpsc::channel();
/// PendingCall::receive(SharedDup::new(other.as_fd())?, 8, 0, 0, move |result| {
///     let _ = sender.send(result.map(|(data, _)| data));
/// })?;
/// send_fds(one.as_fd(), b"hello", &[], 0)?;
/// assert_eq!(receiver.recv(), Ok(Ok(b"hello".to_vec())));
/// # Ok::<(), fdkit::Error>(())
/// ```
pub struct PendingCall {
    shared: Arc<Shared>,
}

impl PendingCall {
    /// Sends bytes and descriptors as [`send_fds`] does. On a stream it sends all of them, as a call
    /// that blocks would.
    ///
    /// # Errors
    /// `EMFILE`, `EAGAIN`: there is no thread yet, and none can be started. `done` gets the errors of
    /// the call.
    pub fn send(
        fd: SharedDup,
        data: Vec<u8>,
        mut fds: Vec<OwnedFd>,
        flags: i32,
        done: impl FnOnce(Result<usize>) + Send + 'static,
    ) -> Result<Self> {
        let (mut sent, mut done) = (0, Some(done));
        let attempt = move |socket: BorrowedFd<'_>| {
            let result = loop {
                let with: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
                let rest = data.get(sent..).unwrap_or_default();
                match send_fds(socket, rest, &with, flags | MSG_DONTWAIT) {
                    Err(error) if error.is(libc::EAGAIN) && waits(socket, flags) => return false,
                    // The number of bytes that were sent is the result, as of a call that blocks.
                    Err(error) => break if sent > 0 { Ok(sent) } else { Err(error) },
                    Ok(count) => sent += count,
                }
                fds.clear();
                if sent >= data.len() || !waits(socket, flags) {
                    break Ok(sent);
                }
            };
            if let Some(done) = done.take() {
                done(result);
            }
            true
        };
        Self::start(fd, libc::POLLOUT, Box::new(attempt))
    }

    /// Receives at most `size` bytes as [`recv_fds`] does.
    ///
    /// # Errors
    /// `EMFILE`, `EAGAIN`: there is no thread yet, and none can be started; `ENOMEM`. `done` gets the
    /// errors of the call.
    pub fn receive(
        fd: SharedDup,
        size: usize,
        max_fds: usize,
        flags: i32,
        done: impl FnOnce(Result<(Vec<u8>, Received)>) + Send + 'static,
    ) -> Result<Self> {
        let mut buffer = room(size)?;
        let mut done = Some(done);
        let attempt = move |socket: BorrowedFd<'_>| {
            let result = match recv_fds(socket, &mut buffer, max_fds, flags | MSG_DONTWAIT) {
                Err(error) if error.is(libc::EAGAIN) && waits(socket, flags) => return false,
                result => result,
            };
            let mut data = std::mem::take(&mut buffer);
            if let Some(done) = done.take() {
                done(result.map(|received| {
                    data.truncate(received.length);
                    (data, received)
                }));
            }
            true
        };
        Self::start(fd, libc::POLLIN, Box::new(attempt))
    }

    fn start(fd: SharedDup, events: i16, attempt: Attempt) -> Result<Self> {
        let shared = Arc::new(Shared { fd, events, attempt: Mutex::new(Some(attempt)) });
        // A call that need not wait is made here: poll(2) does not report every error.
        shared.progress(true, true);
        if shared.wants().is_some() {
            let watched: Arc<dyn Watched> = Arc::<Shared>::clone(&shared);
            poller::watch(&watched)?;
        }
        Ok(Self { shared })
    }

    /// Gives the call up. Returns whether it was waiting.
    pub fn cancel(&self) -> bool {
        let attempt = self.shared.lock().take();
        poller::wake();
        attempt.is_some()
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("fd", &self.shared.fd).finish_non_exhaustive()
    }
}

fn waits(socket: BorrowedFd<'_>, flags: i32) -> bool {
    flags & MSG_DONTWAIT == 0 && is_blocking(socket)
}

/// Returns a buffer of zeros. The kernel commits its memory when it is first used.
///
/// # Errors
/// `ENOMEM`: there is no memory of this size.
pub fn room(size: usize) -> Result<Vec<u8>> {
    if size == 0 {
        return Ok(Vec::new());
    }
    let no_memory = Error::new(libc::ENOMEM, "recvmsg");
    let layout = Layout::array::<u8>(size).map_err(|_| no_memory)?;
    // SAFETY: the size is not 0.
    let memory = unsafe { alloc_zeroed(layout) };
    if memory.is_null() {
        return Err(no_memory);
    }
    // SAFETY: so many bytes were allocated, with the layout of a Vec, and all of them are zeros.
    Ok(unsafe { Vec::from_raw_parts(memory, size, size) })
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
