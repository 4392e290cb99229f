//! Whole directory trees: walking and deleting them.

mod ahead;
pub(crate) mod disk_usage;
mod levels;
mod listing;
pub(crate) mod rmtree;
mod steps;
mod subtrees;
pub(crate) mod walk;
mod work;
