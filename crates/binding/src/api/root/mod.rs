//! Exports for directories that nothing leads out of.

pub mod attributes;
pub mod contents;
pub mod handle;
pub mod listing;
pub mod names;
pub mod tree;
