//! Sockets whose messages are sent and received in the background.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;

use fdkit::files::descriptors::{borrow, dup};
use fdkit::ipc::{self, Address, Kind, Message, PeerCredentials, Ticket};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::api::files::descriptors::Weight;
use crate::api::ipc::events::{Begun, Done, Events, begin};
use crate::api::ipc::fds::{Fds, not_open};
use crate::api::ipc::message::{Received, kind};
use crate::call::{Response, respond_at};
use crate::convert::handle::{Handle, lock};
use crate::convert::outcome::Outcome;
use crate::convert::path::PathArg;
use crate::convert::typed_array::Bytes;
use crate::convert::value::{IntoJs, array, to_js};

/// The handle of a socket. The socket is closed with it.
pub struct Socket {
    socket: ipc::Socket,
    // `None` once the socket is closed.
    weight: Mutex<Option<Weight>>,
}

impl IntoJs for ipc::Socket {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let weight = Mutex::new(Some(Weight::new(*env, 1)));
        Handle::new(Socket { socket: self, weight }).into_js(env)
    }
}

impl IntoJs for [ipc::Socket; 2] {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let [one, other] = self;
        array(env, &[one.into_js(env)?, other.into_js(env)?])
    }
}

/// JavaScript receives `undefined` at the end, the handle of a connection, or what [`Received`] is.
impl IntoJs for Message {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        match self {
            Self::End => to_js(env, ()),
            Self::Data(data, fds) => Received { data, fds, flags: 0 }.into_js(env),
            Self::Connection(fd) => Outcome::from(ipc::Socket::new(fd)).into_js(env),
        }
    }
}

/// JavaScript receives three numbers; the process is -1 if the system does not say.
impl IntoJs for PeerCredentials {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let pid = self.pid.map_or(-1, i64::from);
        to_js(env, vec![pid, i64::from(self.uid), i64::from(self.gid)])
    }
}

fn address<'path>(
    path: &'path PathArg,
    is_abstract: bool,
    dir_fd: Option<BorrowedFd<'path>>,
) -> Address<'path> {
    if is_abstract {
        Address::Abstract(path.to_bytes())
    } else {
        Address::Path(path.to_bytes(), dir_fd)
    }
}

/// Connects to an address, which is abstract or a path.
///
/// @syscall connect
#[napi(catch_unwind, ts_return_type = "Response<Handle<Socket>>")]
pub fn socket_connect(
    dir_fd: Option<i32>,
    path: PathArg,
    is_abstract: bool,
    type_: u32,
) -> Response<ipc::Socket> {
    respond_at(true, dir_fd, move |dir_fd| {
        ipc::connect(address(&path, is_abstract, dir_fd), kind(type_)).and_then(ipc::Socket::new)
    })
}

/// Binds a socket to an address, which is abstract or a path. It listens, unless it is of the type
/// `'dgram'`.
///
/// @syscall bind
#[napi(catch_unwind, ts_return_type = "Response<Handle<Socket>>")]
pub fn socket_bind(
    dir_fd: Option<i32>,
    path: PathArg,
    is_abstract: bool,
    type_: u32,
    mode: u32,
    backlog: i32,
) -> Response<ipc::Socket> {
    respond_at(true, dir_fd, move |dir_fd| {
        let address = address(&path, is_abstract, dir_fd);
        ipc::bind(address, kind(type_), mode, backlog).and_then(ipc::Socket::new)
    })
}

/// Creates a socket over a duplicate of a descriptor.
///
/// @syscall getsockopt
#[napi(catch_unwind, ts_return_type = "Outcome<Handle<Socket>>")]
pub fn socket_from(fd: i32) -> Outcome<ipc::Socket> {
    borrow(fd, "getsockopt")
        .and_then(|fd| {
            // Before the duplicate, so that the error of a descriptor that is not open names this call.
            Kind::of(fd)?;
            dup(fd)
        })
        .and_then(ipc::Socket::new)
        .into()
}

/// Makes two sockets that are connected to each other.
///
/// @syscall socketpair
#[napi(catch_unwind, ts_return_type = "Outcome<[Handle<Socket>, Handle<Socket>]>")]
pub fn socket_new_pair(type_: u32) -> Outcome<[ipc::Socket; 2]> {
    let pair = ipc::socketpair(kind(type_))
        .and_then(|(one, other)| Ok([ipc::Socket::new(one)?, ipc::Socket::new(other)?]));
    pair.into()
}

/// Sends bytes and descriptors. If it has to wait, the descriptors are duplicated before it returns.
///
/// @syscall sendmsg
#[napi(catch_unwind, ts_return_type = "Outcome<undefined> | number")]
pub fn socket_send(
    events: &Handle<Events>,
    socket: &Handle<Socket>,
    #[napi(ts_arg_type = "Uint8Array")] data: Bytes,
    fds: Vec<i32>,
) -> Begun<()> {
    let fds: fdkit::Result<Vec<_>> = fds.iter().map(|&fd| borrow(fd, "sendmsg")).collect();
    begin(events, |done: Done<()>| {
        match fds {
            Ok(fds) => {
                let done = |result: fdkit::Result<()>| {
                    done(result.map_err(|error| not_open(error, "sendmsg")));
                };
                socket.socket.send_borrowed(data.to_vec(), &fds, done);
            }
            Err(error) => done(Err(error)),
        }
        Ticket::next()
    })
}

/// Sends bytes and the descriptors of a handle, which are closed when they are sent.
///
/// @syscall sendmsg
#[napi(catch_unwind, ts_return_type = "Outcome<undefined> | number")]
pub fn socket_send_held(
    events: &Handle<Events>,
    socket: &Handle<Socket>,
    #[napi(ts_arg_type = "Uint8Array")] data: Bytes,
    fds: &Handle<Fds>,
) -> Begun<()> {
    begin(events, |done| {
        socket.socket.send(data.to_vec(), fds.take(), done);
        Ticket::next()
    })
}

/// Receives the next message, or the next connection.
///
/// @syscall recvmsg
#[napi(catch_unwind, ts_return_type = "Outcome<undefined | Handle<Socket> | Received> | number")]
pub fn socket_receive(events: &Handle<Events>, socket: &Handle<Socket>) -> Begun<Message> {
    begin(events, |done| socket.socket.receive(done))
}

/// Gives up a receive, unless it has ended. It then ends with `ECANCELED`.
///
/// @syscall recvmsg
#[napi(catch_unwind)]
pub fn socket_cancel(socket: &Handle<Socket>, id: f64) -> bool {
    socket.socket.cancel(Ticket::from_number(id as u64))
}

/// Closes the socket. Does nothing if it is closed already.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn socket_close(socket: &Handle<Socket>) {
    socket.socket.close();
    drop(lock(&socket.weight).take());
}

/// Ends the stream of what is sent.
///
/// @syscall shutdown
#[napi(catch_unwind)]
pub fn socket_shutdown(socket: &Handle<Socket>) -> Outcome<()> {
    socket.socket.shutdown_write().into()
}

/// Returns the number of the descriptor, which the socket owns.
///
/// @syscall close
#[napi(catch_unwind)]
pub fn socket_fd(socket: &Handle<Socket>) -> Outcome<i32> {
    socket.socket.with_fd(|fd| Ok(fd.as_raw_fd())).into()
}

/// Returns the type of the socket as a number.
///
/// @syscall getsockopt
#[napi(catch_unwind)]
pub fn socket_type(socket: &Handle<Socket>) -> u32 {
    match socket.socket.kind() {
        Kind::Stream => 0,
        Kind::Seqpacket => 1,
        Kind::Dgram => 2,
    }
}

/// Returns whether the socket listens.
///
/// @syscall getsockopt
#[napi(catch_unwind)]
pub fn socket_listens(socket: &Handle<Socket>) -> bool {
    socket.socket.listens()
}

/// Returns the process, the user and the group of the other side.
///
/// @syscall getsockopt
#[napi(catch_unwind, ts_return_type = "Outcome<[pid: number, uid: number, gid: number]>")]
pub fn socket_peer(socket: &Handle<Socket>) -> Outcome<PeerCredentials> {
    socket.socket.with_fd(ipc::peer).into()
}

/// Opens the process of the other side.
///
/// @syscall getsockopt
#[napi(catch_unwind)]
pub fn socket_peer_pidfd(socket: &Handle<Socket>) -> Outcome<OwnedFd> {
    socket.socket.with_fd(ipc::peer_pidfd).into()
}
