//! Messages with descriptors, on any socket.

use std::os::fd::OwnedFd;

use fdkit::files::descriptors::borrow;
use fdkit::files::shared_dup::SharedDup;
use fdkit::ipc::{self, Kind, PendingCall, Ticket};
use napi::bindgen_prelude::{Env, Result};
use napi::sys;
use napi_derive::napi;

use crate::api::ipc::events::Events;
use crate::api::ipc::fds::{duplicate, fds_to_js, not_open};
use crate::convert::given::give_all;
use crate::convert::handle::Handle;
use crate::convert::outcome::Outcome;
use crate::convert::path::NameKind;
use crate::convert::typed_array::Bytes;
use crate::convert::value::{IntoJs, array, own_array, to_js};

/// The bytes and descriptors that one call received.
pub struct Received {
    pub data: Vec<u8>,
    pub fds: Vec<OwnedFd>,
    pub flags: i32,
}

/// JavaScript receives a Buffer, the handle of the descriptors and the flags.
impl IntoJs for Received {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let data = NameKind { as_buffers: true }.to_js(env, &self.data)?;
        let fds = fds_to_js(env, self.fds)?;
        array(env, &[data, fds, to_js(env, self.flags)?])
    }
}

/// The same for a call that was made at once. JavaScript receives the numbers of the descriptors, and
/// owns them.
pub struct ReceivedNow(Received);

impl IntoJs for ReceivedNow {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let Received { data, fds, flags } = self.0;
        let data = NameKind { as_buffers: true }.to_js(env, &data)?;
        let flags = to_js(env, flags)?;
        give_all(env, fds, |fds| own_array(env, &[data, fds, flags]))
    }
}

/// Two descriptors. JavaScript receives their numbers, and owns them.
impl IntoJs for (OwnedFd, OwnedFd) {
    fn into_js(self, env: &Env) -> Result<sys::napi_value> {
        let (one, other) = self;
        give_all(env, vec![one, other], Ok)
    }
}

/// Returns the type of a socket that has this number in lib/ipc/sockets.ts.
pub fn kind(number: u32) -> Kind {
    match number {
        0 => Kind::Stream,
        1 => Kind::Seqpacket,
        _ => Kind::Dgram,
    }
}

/// Sends bytes and descriptors as one message, and returns how many bytes were sent.
///
/// @syscall sendmsg
#[napi(catch_unwind)]
pub fn send_fds(
    fd: i32,
    #[napi(ts_arg_type = "Uint8Array")] data: Bytes,
    fds: Vec<i32>,
    flags: i32,
) -> Outcome<f64> {
    let send = || {
        let borrowed: fdkit::Result<Vec<_>> = fds.iter().map(|&fd| borrow(fd, "sendmsg")).collect();
        ipc::send_fds(borrow(fd, "sendmsg")?, &data.to_vec(), &borrowed?, flags)
    };
    send().map(|count| count as f64).into()
}

/// Receives at most `size` bytes, and at most `maxFds` descriptors.
///
/// @syscall recvmsg
#[napi(
    catch_unwind,
    ts_return_type = "Outcome<[data: Buffer, fds: Array<OwnedFd>, flags: number]>"
)]
pub fn recv_fds(fd: i32, size: u32, max_fds: u32, flags: i32) -> Outcome<ReceivedNow> {
    let receive = || {
        let mut data = ipc::room(size as usize)?;
        let got = ipc::recv_fds(borrow(fd, "recvmsg")?, &mut data, max_fds as usize, flags)?;
        data.truncate(got.length);
        fdkit::Result::Ok(ReceivedNow(Received { data, fds: got.fds, flags: got.flags }))
    };
    receive().into()
}

/// Sends in the poll thread. Returns the number under which `eventsDrain` will have the outcome.
///
/// @syscall sendmsg
#[napi(catch_unwind)]
pub fn send_fds_later(
    events: &Handle<Events>,
    fd: i32,
    #[napi(ts_arg_type = "Uint8Array")] data: Bytes,
    fds: Vec<i32>,
    flags: i32,
) -> Outcome<f64> {
    let (id, shared) = (Ticket::next().number(), events.shared.clone());
    let done = move |result: fdkit::Result<usize>| {
        shared.push::<f64>(id, result.map(|count| count as f64).into());
    };
    let start = || {
        let socket = share(fd, "sendmsg")?;
        PendingCall::send(socket, data.to_vec(), duplicate(&fds)?, flags, done)
    };
    keep(events, id, start())
}

/// Receives in the poll thread. Returns the number under which `eventsDrain` will have the outcome.
///
/// @syscall recvmsg
#[napi(catch_unwind)]
pub fn recv_fds_later(
    events: &Handle<Events>,
    fd: i32,
    size: u32,
    max_fds: u32,
    flags: i32,
) -> Outcome<f64> {
    let (id, shared) = (Ticket::next().number(), events.shared.clone());
    let done = move |result: fdkit::Result<(Vec<u8>, ipc::Received)>| {
        let received = result.map(|(data, got)| Received { data, fds: got.fds, flags: got.flags });
        shared.push(id, received.into());
    };
    let start = || {
        let socket = share(fd, "recvmsg")?;
        PendingCall::receive(socket, size as usize, max_fds as usize, flags, done)
    };
    keep(events, id, start())
}

fn share(fd: i32, syscall: &'static str) -> fdkit::Result<SharedDup> {
    borrow(fd, syscall).and_then(SharedDup::new).map_err(|error| not_open(error, syscall))
}

fn keep(events: &Events, id: u64, call: fdkit::Result<PendingCall>) -> Outcome<f64> {
    let kept = call.map(|call| {
        events.keep(id, call);
        id as f64
    });
    kept.into()
}

/// Makes two sockets that are connected to each other.
///
/// @syscall socketpair
#[napi(catch_unwind, ts_return_type = "Outcome<[OwnedFd, OwnedFd]>")]
pub fn socketpair(type_: u32) -> Outcome<(OwnedFd, OwnedFd)> {
    ipc::socketpair(kind(type_)).into()
}
