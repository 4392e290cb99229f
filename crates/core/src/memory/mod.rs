//! Memory files: creating, filling, sealing, reading and mapping them, and waiting for other
//! processes through them.

pub mod available;
pub mod futex;
pub mod io;
pub mod mapping;
pub mod memfd;
