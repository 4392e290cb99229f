//! A socket whose messages are sent and received in the background, in order.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::{Kind, accept, option, set_blocking};
use super::call::room;
use super::message::{MAX_FDS, recv_fds, send_fds};
use super::poller::{self, Watched};
use crate::constants::{MSG_CTRUNC, MSG_DONTWAIT};
use crate::error::{Error, Result};
use crate::files::descriptors::dup;

/// A message or a connection that a socket received.
#[derive(Debug)]
pub enum Message {
    /// Bytes, and the descriptors that came with them.
    Data(Vec<u8>, Vec<OwnedFd>),
    /// A connection, of a socket that listens.
    Connection(OwnedFd),
    /// The other side has closed the connection.
    End,
}

/// Names a receive that is waiting, for [`Socket::cancel`]. No two calls in a process get the same
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Ticket {
    /// Creates the next one.
    #[must_use]
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number of the ticket.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The ticket with a number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

type Done<T> = Box<dyn FnOnce(Result<T>) + Send>;

struct Outgoing {
    data: Vec<u8>,
    sent: usize,
    // Empty from the moment that the first byte is sent.
    fds: Vec<OwnedFd>,
    done: Done<()>,
}

struct Waiting {
    ticket: Ticket,
    done: Done<Message>,
}

struct State {
    // Gone once the socket is closed. All calls are made under the lock, so none of them uses the
    // number afterwards.
    fd: Option<OwnedFd>,
    sends: VecDeque<Outgoing>,
    receives: VecDeque<Waiting>,
}

/// The state that the poll thread and the owner share.
struct Shared {
    kind: Kind,
    listens: bool,
    state: Mutex<State>,
}

/// A Unix socket whose calls block no thread of the caller. If a call cannot be finished at once, a
/// thread finishes it later. One such thread serves all sockets of the process, and sleeps in
/// poll(2) until one of them is ready.
///
/// Sends are made in the order of their calls, and so are receives. Closing or dropping the socket
/// finishes pending calls with `ECANCELED`.
pub struct Socket {
    shared: Arc<Shared>,
}

// How much one receive from a stream takes at most.
const CHUNK: usize = 64 * 1024;

impl Socket {
    /// Takes over a socket. The flags of the open file stay as they are, since other processes may
    /// share it, but for one that listens, which becomes non-blocking.
    ///
    /// # Errors
    /// `ENOTSOCK`, `EPROTOTYPE`: not a Unix socket.
    pub fn new(fd: OwnedFd) -> Result<Self> {
        let kind = Kind::of(fd.as_fd())?;
        let listens = is_listening(fd.as_fd());
        if listens {
            set_blocking(fd.as_fd(), false)?;
        }
        let (sends, receives) = (VecDeque::new(), VecDeque::new());
        let state = Mutex::new(State { fd: Some(fd), sends, receives });
        Ok(Self { shared: Arc::new(Shared { kind, listens, state }) })
    }

    /// Whether the socket listens: [`Socket::receive`] then receives connections.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.shared.listens
    }

    /// Calls with the descriptor. No other thread closes it during the call.
    ///
    /// # Errors
    /// `ECANCELED`: the socket was closed; else as the call.
    pub fn with_fd<T>(&self, call: impl FnOnce(BorrowedFd<'_>) -> Result<T>) -> Result<T> {
        let state = self.shared.lock();
        let fd = state.fd.as_ref().ok_or(closed("close"))?;
        call(fd.as_fd())
    }

    /// Ends the stream of what is sent: the other side receives the end. It can still send.
    ///
    /// # Errors
    /// `ENOTCONN`: the other side has closed the connection; `ECANCELED`: the socket was closed.
    pub fn shutdown_write(&self) -> Result<()> {
        self.with_fd(|fd| {
            // SAFETY: it takes numbers.
            let result = unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_WR) };
            if result == -1 { Err(Error::last("shutdown")) } else { Ok(()) }
        })
    }

    /// The type of the socket.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.shared.kind
    }

    /// Sends bytes and descriptors. `done` is called when all bytes are sent, or with the error, on
    /// this thread or on the one that polls. On a stream the descriptors go with the first byte.
    ///
    /// The error may be `EINVAL`: no data, or more than [`MAX_FDS`] descriptors; `ECANCELED`: the
    /// socket was closed; else as of [`send_fds`].
    pub fn send(
        &self,
        data: Vec<u8>,
        fds: Vec<OwnedFd>,
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        if data.is_empty() && self.kind() != Kind::Dgram || fds.len() > MAX_FDS {
            return done(Err(Error::new(libc::EINVAL, "sendmsg")));
        }
        let mut state = self.shared.lock();
        if state.fd.is_none() {
            drop(state);
            return done(Err(closed("sendmsg")));
        }
        state.sends.push_back(Outgoing { data, sent: 0, fds, done: Box::new(done) });
        let is_first = state.sends.len() == 1;
        drop(state);
        if is_first {
            self.shared.progress(true, false);
        }
        self.watch();
    }

    /// Sends as [`Socket::send`] does. The descriptors are duplicated only if the call has to wait.
    ///
    /// The error may also be that of the duplication.
    pub fn send_borrowed(
        &self,
        data: Vec<u8>,
        fds: &[BorrowedFd<'_>],
        done: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let duplicate = || fds.iter().map(|&fd| dup(fd)).collect::<Result<Vec<_>>>();
        let mut sent = 0;
        let mut state = self.shared.lock();
        let is_valid = !data.is_empty() && fds.len() <= MAX_FDS;
        if let Some(fd) = state.fd.as_ref().filter(|_| is_valid && state.sends.is_empty()) {
            match send_fds(fd.as_fd(), &data, fds, MSG_DONTWAIT) {
                Ok(count) if count == data.len() || self.kind() != Kind::Stream => {
                    drop(state);
                    return done(Ok(()));
                }
                Ok(count) => sent = count,
                Err(error) if error.is(libc::EAGAIN) => {}
                Err(error) => {
                    drop(state);
                    return done(Err(error));
                }
            }
        }
        if sent > 0 {
            // The lock was held since the first byte, so nothing comes between the parts.
            state.sends.push_back(Outgoing { data, sent, fds: Vec::new(), done: Box::new(done) });
            drop(state);
            return self.watch();
        }
        drop(state);
        match duplicate() {
            Ok(fds) => self.send(data, fds, done),
            Err(error) => done(Err(error)),
        }
    }

    /// Receives the next message, or the next connection if the socket listens. `done` is called on
    /// this thread or on the one that polls.
    ///
    /// The error may be `ECANCELED`: cancelled, or the socket was closed; `EMFILE`, `ENFILE`: no
    /// number is free for a descriptor of the message, which is lost; `EMSGSIZE`: a descriptor of
    /// the message is lost for another reason; else as of [`recv_fds`].
    pub fn receive(&self, done: impl FnOnce(Result<Message>) + Send + 'static) -> Ticket {
        let ticket = Ticket::next();
        let mut state = self.shared.lock();
        if state.fd.is_none() {
            drop(state);
            done(Err(closed("recvmsg")));
            return ticket;
        }
        state.receives.push_back(Waiting { ticket, done: Box::new(done) });
        let is_first = state.receives.len() == 1;
        drop(state);
        if is_first {
            self.shared.progress(false, true);
        }
        self.watch();
        ticket
    }

    /// Gives up a receive that is still waiting: it ends with `ECANCELED`, and no message is lost.
    /// Returns whether it was waiting.
    pub fn cancel(&self, ticket: Ticket) -> bool {
        let mut state = self.shared.lock();
        let index = state.receives.iter().position(|waiting| waiting.ticket == ticket);
        let waiting = index.and_then(|index| state.receives.remove(index));
        drop(state);
        let is_found = waiting.is_some();
        if let Some(waiting) = waiting {
            (waiting.done)(Err(closed("recvmsg")));
        }
        is_found
    }

    /// Closes the descriptor. Pending calls end with `ECANCELED`. Closing it again does nothing.
    pub fn close(&self) {
        let Some(fd) = self.shared.lock().fd.take() else {
            return;
        };
        drop(fd);
        self.shared.fail(closed("close"));
        // A call of poll(2) that is under way keeps the connection open.
        poller::wake();
    }

    // Without the thread nothing that waits would ever end.
    fn watch(&self) {
        if self.shared.wants().is_none() {
            return;
        }
        let watched: Arc<dyn Watched> = Arc::<Shared>::clone(&self.shared);
        if let Err(error) = poller::watch(&watched) {
            self.shared.fail(error);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.shared.lock().fd.as_ref().map(AsRawFd::as_raw_fd);
        f.debug_struct("Socket").field("fd", &number).field("kind", &self.shared.kind).finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all that is waiting.
    fn fail(&self, error: Error) {
        let mut state = self.lock();
        let (sends, receives) =
            (std::mem::take(&mut state.sends), std::mem::take(&mut state.receives));
        drop(state);
        for outgoing in sends {
            (outgoing.done)(Err(error));
        }
        for waiting in receives {
            (waiting.done)(Err(error));
        }
    }

    // The lock is held during the call, which does not wait, so the order is kept.
    fn send_next(&self) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (Some(fd), Some(first)) = (&state.fd, state.sends.front_mut()) else {
            return false;
        };
        let fds: Vec<_> = first.fds.iter().map(AsFd::as_fd).collect();
        let rest = first.data.get(first.sent..).unwrap_or_default();
        let result = match send_fds(fd.as_fd(), rest, &fds, MSG_DONTWAIT) {
            Err(error) if error.is(libc::EAGAIN) => return false,
            Ok(count) => {
                first.sent += count;
                first.fds.clear();
                if first.sent < first.data.len() && self.kind == Kind::Stream {
                    return true;
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        let finished = state.sends.pop_front();
        drop(guard);
        if let Some(finished) = finished {
            (finished.done)(result);
        }
        true
    }

    fn receive_next(&self) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(fd) = state.fd.as_ref().filter(|_| !state.receives.is_empty()) else {
            return false;
        };
        let result = match self.receive_now(fd.as_fd()) {
            Err(error) if error.is(libc::EAGAIN) => return false,
            result => result,
        };
        let finished = state.receives.pop_front();
        drop(guard);
        if let Some(finished) = finished {
            (finished.done)(result);
        }
        true
    }

    fn receive_now(&self, fd: BorrowedFd<'_>) -> Result<Message> {
        if self.listens {
            return accept(fd).map(Message::Connection);
        }
        let mut data = room(self.length_of_next(fd)?)?;
        let received = recv_fds(fd, &mut data, MAX_FDS, MSG_DONTWAIT)?;
        if received.flags & MSG_CTRUNC != 0 {
            return Err(reason_of_loss(fd));
        }
        data.truncate(received.length);
        if data.is_empty() && received.fds.is_empty() && self.kind != Kind::Dgram {
            return Ok(Message::End);
        }
        data.shrink_to_fit();
        Ok(Message::Data(data, received.fds))
    }

    // A message is received whole, however long it is.
    fn length_of_next(&self, fd: BorrowedFd<'_>) -> Result<usize> {
        if self.kind == Kind::Stream {
            return Ok(CHUNK);
        }
        #[cfg(target_os = "linux")]
        let length = {
            use crate::constants::{MSG_PEEK, MSG_TRUNC};
            recv_fds(fd, &mut [], 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC)?.length
        };
        #[cfg(not(target_os = "linux"))]
        let length = {
            let _ = fd;
            CHUNK
        };
        Ok(length)
    }
}

impl Watched for Shared {
    fn wants(&self) -> Option<(RawFd, i16)> {
        let state = self.lock();
        let fd = state.fd.as_ref()?;
        let mut events = 0;
        if !state.sends.is_empty() {
            events |= libc::POLLOUT;
        }
        if !state.receives.is_empty() {
            events |= libc::POLLIN;
        }
        (events != 0).then(|| (fd.as_raw_fd(), events))
    }

    fn progress(&self, can_send: bool, can_receive: bool) {
        while can_send && self.send_next() {}
        while can_receive && self.receive_next() {}
    }
}

// The kernel says only that it closed descriptors. There was room for all, so it must have run out
// of numbers, unless a security module refused one.
fn reason_of_loss(fd: BorrowedFd<'_>) -> Error {
    match dup(fd) {
        Err(error) => Error::new(error.errno(), "recvmsg"),
        Ok(_) => Error::new(libc::EMSGSIZE, "recvmsg"),
    }
}

fn closed(syscall: &'static str) -> Error {
    Error::new(libc::ECANCELED, syscall)
}

fn is_listening(fd: BorrowedFd<'_>) -> bool {
    option::<i32>(fd, libc::SO_ACCEPTCONN).is_ok_and(|listens| listens != 0)
}
