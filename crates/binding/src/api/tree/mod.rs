//! Exports for directory trees.

pub mod disk_usage;
pub mod rmtree;
pub mod walk;
