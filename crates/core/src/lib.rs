//! File operations by descriptor: Python's `os.fwalk`, `os.memfd_create` and `dir_fd` parameters
//! for Rust.
//!
//! A path tells where a file was; a descriptor tells which file it is. All functions act relative
//! to an open directory, so their effect does not change if a path is renamed, swapped or linked in
//! between.
//!
//! * [`Walk`] lists a tree directory by directory, each with a descriptor. It handles any depth with
//!   a bounded number of descriptors.
//! * [`Rmtree`] deletes a tree, and never deletes anything outside of it.
//! * [`DiskUsage`] adds up the sizes of a tree.
//! * [`files::names`] opens, creates, renames and removes names relative to a directory.
//!   [`files::stat`] returns their status, and [`files::attributes`] changes their attributes.
//! * [`Memfd`](memory::memfd::Memfd) is a memory file: created, filled and sealed. [`memory::io`] reads
//!   and writes such files,
//!   [`memory::mapping`] maps them, and [`memory::futex`] waits for other processes through them.
//!
//! ```
//! use fdkit::{Step, Walk, WalkOptions};
//!
//! let mut files = 0;
//! let mut walk = Walk::new(c"src", None, WalkOptions::default());
//! while let Some(step) = walk.step()? {
//!     match step {
//!         Step::Directory => files += walk.filenames().len(),
//!         Step::Skipped(error) => eprintln!("{}: {error}", walk.path().display()),
//!     }
//! }
//! assert!(files > 5);
//! # Ok::<(), fdkit::Error>(())
//! ```

pub mod constants;
mod error;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod ipc;
pub mod memory;
pub mod root;
pub mod tree;

pub use error::{Error, Reason, Result};
pub use files::name_list::{FileType, Names, NamesIter};
pub use tree::disk_usage::{DirectoryUsage, DiskUsage, Usage, UsageOptions};
pub use tree::rmtree::{Progress, Rmtree};
pub use tree::walk::{Step, Walk, WalkOptions};
