//! Exports for descriptors between processes.

pub mod events;
pub mod fds;
pub mod message;
pub mod pidfd;
pub mod socket;
