//! The exports.

pub mod files;
pub mod ipc;
pub mod memory;
pub mod root;
pub mod tree;
