//! A socket whose messages are sent and received in the background, in order.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::{Kind, accept, option};
use super::message::{MAX_FDS, recv_fds, send_fds};
use super::poller;
use crate::error::{Error, Result};

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

/// Names a receive that is waiting, for [`Socket::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

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

#[derive(Default)]
struct State {
    sends: VecDeque<Outgoing>,
    receives: VecDeque<Waiting>,
    next_ticket: u64,
    is_closed: bool,
}

/// The state that the poll thread and the owner share.
pub(super) struct Shared {
    fd: OwnedFd,
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
            set_non_blocking(fd.as_fd())?;
        }
        let state = Mutex::new(State::default());
        Ok(Self { shared: Arc::new(Shared { fd, kind, listens, state }) })
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
        if state.is_closed {
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

    /// Receives the next message, or of a socket that listens the next connection. `done` is called
    /// on this thread or on the one that polls.
    ///
    /// The error may be `ECANCELED`: cancelled, or the socket was closed; `EMSGSIZE`: descriptors
    /// were lost for want of room (`EMFILE` in this process); else as of [`recv_fds`].
    pub fn receive(&self, done: impl FnOnce(Result<Message>) + Send + 'static) -> Ticket {
        let mut state = self.shared.lock();
        let ticket = Ticket(state.next_ticket);
        state.next_ticket += 1;
        if state.is_closed {
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

    /// Closes the connection. Pending calls end with `ECANCELED`. Closing it again does nothing.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        if state.is_closed {
            return;
        }
        state.is_closed = true;
        drop(state);
        // Before the shutdown, which the poll thread would report as the end of the connection.
        self.shared.fail(closed("shutdown"));
        // The poll thread may hold the descriptor a little longer; the other side learns of it now.
        // SAFETY: the descriptor is open.
        let _ = unsafe { libc::shutdown(self.shared.fd.as_raw_fd(), libc::SHUT_RDWR) };
        poller::wake();
    }

    // Without the thread nothing that waits would ever end.
    fn watch(&self) {
        if self.shared.wants() == 0 {
            return;
        }
        if let Err(error) = poller::watch(&self.shared) {
            self.shared.fail(error);
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.fd.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.shared.fd.as_raw_fd();
        f.debug_struct("Socket").field("fd", &number).field("kind", &self.shared.kind).finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The events of poll(2) that something is waiting for.
    pub(super) fn wants(&self) -> i16 {
        let state = self.lock();
        let mut events = 0;
        if !state.sends.is_empty() {
            events |= libc::POLLOUT;
        }
        if !state.receives.is_empty() {
            events |= libc::POLLIN;
        }
        events
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

    /// Does what can be done without waiting.
    pub(super) fn progress(&self, can_send: bool, can_receive: bool) {
        while can_send && self.send_next() {}
        while can_receive && self.receive_next() {}
    }

    // The lock is held during the call, which does not wait: so order holds.
    fn send_next(&self) -> bool {
        let mut state = self.lock();
        let Some(first) = state.sends.front_mut() else {
            return false;
        };
        let fds: Vec<_> = first.fds.iter().map(AsFd::as_fd).collect();
        let rest = first.data.get(first.sent..).unwrap_or_default();
        let result = match send_fds(self.fd.as_fd(), rest, &fds, libc::MSG_DONTWAIT) {
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
        drop(state);
        if let Some(finished) = finished {
            (finished.done)(result);
        }
        true
    }

    fn receive_next(&self) -> bool {
        let mut state = self.lock();
        if state.receives.is_empty() {
            return false;
        }
        let result = match self.receive_now() {
            Err(error) if error.is(libc::EAGAIN) => return false,
            result => result,
        };
        let finished = state.receives.pop_front();
        drop(state);
        if let Some(finished) = finished {
            (finished.done)(result);
        }
        true
    }

    fn receive_now(&self) -> Result<Message> {
        if self.listens {
            return accept(self.fd.as_fd()).map(Message::Connection);
        }
        let mut data = vec![0; self.length_of_next()?];
        let received = recv_fds(self.fd.as_fd(), &mut data, MAX_FDS, libc::MSG_DONTWAIT)?;
        if received.flags & libc::MSG_CTRUNC != 0 {
            return Err(Error::new(libc::EMSGSIZE, "recvmsg"));
        }
        data.truncate(received.length);
        if data.is_empty() && received.fds.is_empty() && self.kind != Kind::Dgram {
            return Ok(Message::End);
        }
        data.shrink_to_fit();
        Ok(Message::Data(data, received.fds))
    }

    // Of a message all of it, however long it is.
    fn length_of_next(&self) -> Result<usize> {
        if self.kind == Kind::Stream {
            return Ok(CHUNK);
        }
        #[cfg(target_os = "linux")]
        let length = {
            let flags = libc::MSG_DONTWAIT | libc::MSG_PEEK | libc::MSG_TRUNC;
            recv_fds(self.fd.as_fd(), &mut [], 0, flags)?.length
        };
        #[cfg(not(target_os = "linux"))]
        let length = CHUNK;
        Ok(length)
    }
}

fn closed(syscall: &'static str) -> Error {
    Error::new(libc::ECANCELED, syscall)
}

fn is_listening(fd: BorrowedFd<'_>) -> bool {
    option::<i32>(fd, libc::SO_ACCEPTCONN).is_ok_and(|listens| listens != 0)
}

fn set_non_blocking(fd: BorrowedFd<'_>) -> Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = crate::error::retry("fcntl", || fcntl(fd, FcntlArg::F_GETFL))?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    crate::error::retry("fcntl", || fcntl(fd, FcntlArg::F_SETFL(flags))).map(|_| ())
}
