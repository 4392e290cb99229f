//! Exports for files and directories.

pub mod attributes;
pub mod descriptors;
pub mod listing;
pub mod names;
pub mod stat;
pub mod statvfs;
