//! Exports for directory trees.

pub mod rmtree;
pub mod walk;
