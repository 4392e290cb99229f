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
//! * [`at`] opens, makes, renames and removes names relative to a directory, [`stat`] looks at them and [`attr`] changes their attributes.
//! * [`memfd`] makes files in memory and seals them, [`io`] reads and writes them, [`mapping`] gives
//!   their memory, and [`futex`] waits for what other processes do there.
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

pub mod at;
pub mod attr;
pub mod constants;
mod error;
pub mod fd;
pub mod futex;
pub mod io;
mod levels;
pub mod listing;
pub mod mapping;
pub mod memfd;
mod names;
mod rmtree;
pub mod stat;
mod walk;

pub use error::{Error, Result};
pub use names::{FileType, Names, NamesIter};
pub use rmtree::{Progress, Rmtree};
pub use walk::{Step, Walk, WalkOptions};
