//! Files by descriptor: what Python has in `os.fwalk`, `os.memfd_create` and its
//! `dir_fd` parameters.
//!
//! A path says where something was; a descriptor says what it is. Everything here acts
//! relative to an open directory, so that nothing changes meaning when a path is renamed,
//! swapped or linked in between.
//!
//! * [`Walk`] lists a tree directory by directory, each with a descriptor, in any depth and
//!   with a bounded number of descriptors.
//! * [`Rmtree`] deletes one, and cannot be tricked out of it.
//! * [`files::names`] opens, makes, renames and removes names relative to a directory,
//!   [`files::stat`] looks at them and [`files::attributes`] changes their attributes.
//! * [`memory::memfd`] makes files in memory and seals them, [`memory::io`] reads and writes them,
//!   [`memory::mapping`] gives their memory, and [`memory::futex`] waits for what other processes
//!   do there.
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
pub mod ipc;
pub mod memory;
pub mod tree;

pub use error::{Error, Result};
pub use files::name_list::{FileType, Names, NamesIter};
pub use tree::rmtree::{Progress, Rmtree};
pub use tree::walk::{Step, Walk, WalkOptions};
