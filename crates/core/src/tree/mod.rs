//! Whole directory trees: walking and deleting them.

mod ahead;
pub(crate) mod disk_usage;
mod levels;
mod listing;
mod nofollow;
pub(crate) mod rmtree;
mod steps;
pub(crate) mod walk;
mod work;

pub(crate) use nofollow::is_ignored as ignores_nofollow;
