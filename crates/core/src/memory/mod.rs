//! Memory files: making, sealing, reading, mapping and waiting for them.

pub mod futex;
pub mod io;
pub mod mapping;
pub mod memfd;
