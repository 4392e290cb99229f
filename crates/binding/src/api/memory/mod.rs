//! Exports for memory files.

pub mod futex;
pub mod io;
pub mod mapping;
pub mod memfd;
