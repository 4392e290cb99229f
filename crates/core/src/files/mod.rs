//! Files and directories, by a name relative to a directory or by a descriptor.

pub mod attributes;
pub mod descriptors;
pub(crate) mod directory;
pub mod listing;
pub(crate) mod name_list;
pub mod names;
pub mod shared_dup;
pub mod stat;
pub mod statvfs;
pub mod surrogate_escape;
