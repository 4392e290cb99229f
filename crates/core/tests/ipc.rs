//! Descriptors over sockets: order, ownership, and what is never lost in silence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics fails"
)]

mod common;

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::TempDir;
use fdkit::constants::{MSG_CTRUNC, MSG_DONTWAIT};
use fdkit::files::shared_dup::SharedDup;
use fdkit::ipc::{
    Address, Kind, MAX_FDS, Message, PendingCall, Socket, accept, bind, connect, peer, recv_fds,
    send_fds, socketpair,
};

const TIME: Duration = Duration::from_secs(20);

fn file(text: &str) -> OwnedFd {
    let dir = TempDir::with(&["file"]);
    let mut file = File::options().read(true).write(true).open(dir.at("file")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.into()
}

fn text(fd: OwnedFd) -> String {
    let mut text = String::new();
    let mut file = File::from(fd);
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

fn pair(kind: Kind) -> [Socket; 2] {
    let (one, other) = socketpair(kind).unwrap();
    [one, other].map(|fd| Socket::new(fd).unwrap())
}

fn receive(socket: &Socket) -> Receiver<fdkit::Result<Message>> {
    let (sender, receiver) = channel();
    socket.receive(move |message| sender.send(message).unwrap());
    receiver
}

fn send(socket: &Socket, data: &[u8], fds: Vec<OwnedFd>) -> Receiver<fdkit::Result<()>> {
    let (sender, receiver) = channel();
    socket.send(data.to_vec(), fds, move |result| sender.send(result).unwrap());
    receiver
}

fn data(message: fdkit::Result<Message>) -> (Vec<u8>, Vec<OwnedFd>) {
    match message.unwrap() {
        Message::Data(data, fds) => (data, fds),
        other => panic!("{other:?}"),
    }
}

#[test]
fn descriptors_arrive_with_the_bytes() {
    let (one, other) = socketpair(Kind::Stream).unwrap();
    let sent = file("hello");
    assert_eq!(send_fds(one.as_fd(), b"x", &[sent.as_fd(), sent.as_fd()], 0), Ok(1));
    let received = recv_fds(other.as_fd(), &mut [0; 8], MAX_FDS, 0).unwrap();
    assert_eq!((received.length, received.fds.len()), (1, 2));
    for fd in &received.fds {
        assert!(!fdkit::files::descriptors::get_inheritable(fd.as_fd()).unwrap());
    }
    assert_eq!(text(received.fds.into_iter().next().unwrap()), "hello");
}

#[test]
fn what_the_kernel_would_drop_is_an_error() {
    let (one, other) = socketpair(Kind::Stream).unwrap();
    let sent = file("");
    let none = send_fds(one.as_fd(), b"", &[sent.as_fd()], 0).unwrap_err();
    assert!(none.is(libc::EINVAL));
    let many = vec![sent.as_fd(); MAX_FDS + 1];
    assert!(send_fds(one.as_fd(), b"x", &many, 0).unwrap_err().is(libc::EINVAL));
    send_fds(one.as_fd(), b"x", &many[..MAX_FDS], 0).unwrap();
    let received = recv_fds(other.as_fd(), &mut [0; 8], 3, 0).unwrap();
    assert_ne!(received.flags & MSG_CTRUNC, 0);
    assert!(received.fds.len() <= 4);
}

#[test]
fn a_long_message_is_sent_whole_and_its_descriptors_once() {
    for kind in [Kind::Stream] {
        let [one, other] = pair(kind);
        let long: Vec<u8> = (0..10_000_000_u32).map(|index| (index % 251) as u8).collect();
        let sent = send(&one, &long, vec![file("once")]);
        let next = send(&one, b"next", vec![]);
        let (mut got, mut fds) = (Vec::new(), Vec::new());
        while got.len() < long.len() + 4 {
            let (bytes, with) = data(receive(&other).recv_timeout(TIME).unwrap());
            got.extend(bytes);
            fds.extend(with);
        }
        sent.recv_timeout(TIME).unwrap().unwrap();
        next.recv_timeout(TIME).unwrap().unwrap();
        assert_eq!(fds.len(), 1);
        assert!(got[..long.len()] == long && got.ends_with(b"next"));
    }
}

#[test]
fn messages_keep_their_boundaries() {
    for kind in [Kind::Seqpacket, Kind::Dgram] {
        let [one, other] = pair(kind);
        let long = vec![7; 100_000];
        send(&one, b"one", vec![file("1")]).recv_timeout(TIME).unwrap().unwrap();
        send(&one, &long, vec![]).recv_timeout(TIME).unwrap().unwrap();
        let (bytes, fds) = data(receive(&other).recv_timeout(TIME).unwrap());
        assert_eq!((bytes.as_slice(), fds.len()), (b"one".as_slice(), 1));
        assert_eq!(data(receive(&other).recv_timeout(TIME).unwrap()).0, long);
    }
}

#[test]
fn receives_wait_in_order_and_can_be_cancelled() {
    let [one, other] = pair(Kind::Seqpacket);
    let (sender, cancelled) = channel();
    let first = receive(&other);
    let ticket = other.receive(move |message| sender.send(message.is_err()).unwrap());
    let third = receive(&other);
    assert!(other.cancel(ticket) && !other.cancel(ticket));
    assert!(cancelled.recv_timeout(TIME).unwrap());
    send(&one, b"a", vec![]);
    send(&one, b"b", vec![]);
    assert_eq!(data(first.recv_timeout(TIME).unwrap()).0, b"a");
    assert_eq!(data(third.recv_timeout(TIME).unwrap()).0, b"b");
}

#[test]
fn closing_ends_what_waits_here_and_there() {
    for kind in [Kind::Stream, Kind::Seqpacket] {
        let [one, other] = pair(kind);
        let (here, there) = (receive(&one), receive(&other));
        one.close();
        assert!(here.recv_timeout(TIME).unwrap().unwrap_err().is(libc::ECANCELED));
        assert!(matches!(there.recv_timeout(TIME).unwrap(), Ok(Message::End)));
        let broken = send(&other, b"x", vec![]).recv_timeout(TIME).unwrap().unwrap_err();
        assert!(broken.is(libc::EPIPE));
        assert!(send(&one, b"x", vec![]).recv_timeout(TIME).unwrap().is_err());
    }
}

#[test]
fn a_socket_listens_at_a_path_and_says_who_connects() {
    let dir = TempDir::new();
    let directory = File::open(dir.path()).unwrap();
    let long = dir.at("d".repeat(100)).join("e".repeat(60));
    std::fs::create_dir_all(long.parent().unwrap()).unwrap();
    let paths = [
        Address::Path(b"socket", Some(directory.as_fd())),
        Address::Path(long.as_os_str().as_encoded_bytes(), None),
        #[cfg(target_os = "linux")]
        Address::Abstract(b"fdkit-test-ipc"),
    ];
    for address in paths {
        let listener = Socket::new(bind(address, Kind::Stream, 0o600, 8).unwrap()).unwrap();
        let waiting = receive(&listener);
        let client = connect(address, Kind::Stream).unwrap();
        let Ok(Message::Connection(server)) = waiting.recv_timeout(TIME).unwrap() else {
            panic!("no connection");
        };
        let found = peer(server.as_fd()).unwrap();
        assert_eq!(found.pid, Some(std::process::id()));
        send_fds(client.as_fd(), b"x", &[], 0).unwrap();
        assert_eq!(recv_fds(server.as_fd(), &mut [0; 2], 0, 0).unwrap().length, 1);
        assert!(listener.with_fd(accept).unwrap_err().is(libc::EAGAIN));
    }
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(dir.at("socket")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn closing_closes_the_number_at_once_and_the_connection_only_with_its_last_descriptor() {
    let [one, other] = pair(Kind::Stream);
    let kept = one.with_fd(fdkit::files::descriptors::dup).unwrap();
    let waiting = receive(&one);
    one.close();
    assert!(waiting.recv_timeout(TIME).unwrap().is_err());
    assert!(one.with_fd(|_| Ok(())).unwrap_err().is(libc::ECANCELED));
    send_fds(kept.as_fd(), b"x", &[], 0).unwrap();
    assert_eq!(data(receive(&other).recv_timeout(TIME).unwrap()).0, b"x");
    let ended = receive(&other);
    drop(kept);
    assert!(matches!(ended.recv_timeout(TIME).unwrap(), Ok(Message::End)));
}

#[test]
fn the_other_side_can_answer_after_the_end() {
    let [one, other] = pair(Kind::Stream);
    one.shutdown_write().unwrap();
    assert!(matches!(receive(&other).recv_timeout(TIME).unwrap(), Ok(Message::End)));
    send(&other, b"answer", vec![]).recv_timeout(TIME).unwrap().unwrap();
    assert_eq!(data(receive(&one).recv_timeout(TIME).unwrap()).0, b"answer");
}

#[test]
fn a_full_queue_of_a_listener_is_an_error() {
    let dir = TempDir::new();
    let path = dir.at("socket");
    let address = Address::Path(path.as_os_str().as_encoded_bytes(), None);
    let _listener = bind(address, Kind::Stream, 0o600, 1).unwrap();
    let mut clients = Vec::new();
    let error = loop {
        match connect(address, Kind::Stream) {
            Ok(client) => clients.push(client),
            Err(error) => break error,
        }
    };
    assert!(error.is(libc::EAGAIN) && clients.len() < 10);
}

#[test]
fn a_pending_call_is_made_once_and_can_be_canceled() {
    let (one, other) = socketpair(Kind::Stream).unwrap();
    let start = |text: &'static str| {
        let (sender, receiver) = channel();
        let done = move |result: fdkit::Result<(Vec<u8>, _)>| {
            sender.send((text, result.unwrap().0.len())).unwrap();
        };
        let fd = SharedDup::new(other.as_fd()).unwrap();
        (PendingCall::receive(fd, 1, 0, 0, done).unwrap(), receiver)
    };
    let (canceled, nothing) = start("canceled");
    let (call, answer) = start("made");
    assert!(canceled.cancel() && !canceled.cancel());
    send_fds(one.as_fd(), b"xy", &[], 0).unwrap();
    assert_eq!(answer.recv_timeout(TIME).unwrap(), ("made", 1));
    assert!(nothing.recv_timeout(TIME).is_err());
    assert!(!call.cancel());
    assert_eq!(recv_fds(other.as_fd(), &mut [0; 9], 0, MSG_DONTWAIT).unwrap().length, 1);
}

#[test]
fn a_pending_call_sends_all_bytes_and_does_not_wait_if_it_is_told_so() {
    let (one, other) = socketpair(Kind::Stream).unwrap();
    let long = vec![1; 3_000_000];
    let shared = || SharedDup::new(one.as_fd()).unwrap();
    let start = |flags| {
        let (sender, receiver) = channel();
        let done = move |result| sender.send(result).unwrap();
        PendingCall::send(shared(), long.clone(), vec![file("x")], flags, done).unwrap();
        receiver
    };
    let (all, mut got, mut fds) = (start(0), 0, 0);
    assert!(start(MSG_DONTWAIT).recv_timeout(TIME).unwrap().unwrap_err().is(libc::EAGAIN));
    while got < long.len() {
        let received = recv_fds(other.as_fd(), &mut [0; 65536], 9, 0).unwrap();
        got += received.length;
        fds += received.fds.len();
    }
    assert_eq!((all.recv_timeout(TIME).unwrap(), fds), (Ok(long.len()), 1));
}

#[test]
fn an_idle_socket_costs_no_time() {
    let sockets: Vec<_> = (0..50).map(|_| pair(Kind::Stream)).collect();
    let waiting: Vec<_> = sockets.iter().map(|[one, _]| receive(one)).collect();
    let time = || {
        // SAFETY: a struct of integers.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: there is room for it.
        unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
        usage.ru_nvcsw + usage.ru_nivcsw
    };
    let (before, start) = (time(), Instant::now());
    std::thread::sleep(Duration::from_millis(300));
    // Other tests run beside this one, but a thread that spins would switch thousands of times.
    assert!(time() - before < 5_000, "in {:?}", start.elapsed());
    drop(sockets);
    for receiver in waiting {
        assert!(receiver.recv_timeout(TIME).unwrap().is_err());
    }
}
