//! Whole directory trees: walking and deleting them.

mod ahead;
mod levels;
mod listing;
pub(crate) mod rmtree;
mod steps;
pub(crate) mod walk;
