//! Exports about whole directory trees.

pub mod rmtree;
pub mod walk;
