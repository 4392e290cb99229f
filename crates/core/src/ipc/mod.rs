//! Descriptors handed to other processes: over Unix sockets, and by the number of a process.

mod address;
mod call;
mod message;
mod pidfd;
mod poller;
mod socket;

pub use address::{
    Address, Kind, PeerCredentials, accept, bind, connect, peer, peer_pidfd, socketpair,
};
pub use call::{PendingCall, room};
pub use message::{MAX_FDS, Received, recv_fds, send_fds};
pub use pidfd::{pidfd_getfd, pidfd_open};
pub use socket::{Message, Socket, Ticket};
