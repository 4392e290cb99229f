//! The exports.

pub mod files;
pub mod memory;
pub mod tree;
