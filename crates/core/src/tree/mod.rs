//! Whole directory trees: walking and deleting them.

mod levels;
pub(crate) mod rmtree;
pub(crate) mod walk;
