//! A directory's names, split as `os.walk` splits them.

use std::ffi::CStr;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use nix::fcntl::AtFlags;

use crate::error::Result;
use crate::files::listing::{Buffer, Entry, type_of};
use crate::files::name_list::{FileType, Names};
use crate::tree::work::Outcome;

/// How symbolic links are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Links {
    /// A link to a directory stands among the directories.
    #[default]
    Resolve,
    /// Links stand among the files until [`Listing::resolve_links`].
    Defer,
    /// Links stand among the files, and nobody asks where they lead.
    AreFiles,
}

/// A directory's names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// Directories and links to directories. The read-ahead shares them.
    pub(crate) dirnames: Arc<Names>,
    /// Everything else: files, links to nothing or to themselves, FIFOs, sockets, devices.
    pub(crate) filenames: Names,
    // Links among `filenames` that may belong elsewhere.
    pub(super) deferred: Vec<Deferred>,
    /// The result of the [`Work`](super::work::Work) that was done besides.
    pub(crate) outcome: Outcome,
}

/// Where a link stands in the directory's order: the cursors into both lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deferred {
    in_dirnames: usize,
    in_filenames: usize,
}

/// Reads directories, with memory that is kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Buffer,
    // The names gather here and are copied into as much memory as they need.
    dirnames: Names,
    filenames: Names,
    deferred: Vec<Deferred>,
}

impl Reader {
    /// Lists the directory from its descriptor's offset to the end.
    ///
    /// Returns `None` if `is_enough` says so; it gets the bytes that the names take.
    pub(crate) fn read(
        &mut self,
        fd: BorrowedFd<'_>,
        links: Links,
        is_enough: impl Fn(usize) -> bool,
    ) -> Result<Option<Listing>> {
        let Self { buffer, dirnames, filenames, deferred } = self;
        dirnames.clear();
        filenames.clear();
        deferred.clear();
        let mut is_stopped = false;
        buffer.read(fd, |entry| {
            match (place(fd, &entry, links), entry.name) {
                (Place::Directory(file_type), name) => dirnames.push(name, file_type),
                (Place::File(file_type), name) => filenames.push(name, file_type),
                (Place::Deferred, name) => {
                    let (in_dirnames, in_filenames) = (dirnames.end(), filenames.end());
                    deferred.push(Deferred { in_dirnames, in_filenames });
                    filenames.push(name, FileType::SymbolicLink);
                }
                (Place::Gone, _) => {}
            }
            is_stopped = is_enough(dirnames.end() + filenames.end());
            if is_stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok((!is_stopped).then(|| Listing {
            dirnames: share(dirnames.clone()),
            filenames: filenames.clone(),
            deferred: deferred.clone(),
            outcome: Outcome::default(),
        }))
    }
}

impl Listing {
    /// About how many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.dirnames.end() + self.filenames.end() + self.outcome.size()
    }

    /// Puts the links that lead to directories now among the directories, where they would
    /// stand if the directory had been listed now. Returns whether that changed anything.
    pub(crate) fn resolve_links(&mut self, fd: BorrowedFd<'_>) -> bool {
        let deferred = std::mem::take(&mut self.deferred);
        let places: Vec<_> = deferred
            .into_iter()
            .filter_map(|link| {
                let mut at = link.in_filenames;
                let (name, _) = self.filenames.next(&mut at)?;
                Some((link, place_of_link(fd, name)))
            })
            .collect();
        let is_changed = places.iter().any(|(_, place)| !matches!(place, Place::File(_)));
        if is_changed {
            self.rebuild(&places);
        }
        is_changed
    }

    fn rebuild(&mut self, places: &[(Deferred, Place)]) {
        let (mut dirnames, mut filenames) = (Names::default(), Names::default());
        let (mut dirnames_at, mut filenames_at) = (0, 0);
        for (link, place) in places {
            copy(&self.dirnames, &mut dirnames_at, link.in_dirnames, &mut dirnames);
            copy(&self.filenames, &mut filenames_at, link.in_filenames, &mut filenames);
            let link = self.filenames.next(&mut filenames_at);
            match (place, link) {
                (Place::Directory(_), Some((name, file_type))) => dirnames.push(name, file_type),
                (Place::File(_), Some((name, file_type))) => filenames.push(name, file_type),
                _ => {}
            }
        }
        copy(&self.dirnames, &mut dirnames_at, usize::MAX, &mut dirnames);
        copy(&self.filenames, &mut filenames_at, usize::MAX, &mut filenames);
        self.dirnames = Arc::new(dirnames);
        self.filenames = filenames;
    }
}

fn copy(from: &Names, at: &mut usize, until: usize, to: &mut Names) {
    while *at < until
        && let Some((name, file_type)) = from.next(at)
    {
        to.push(name, file_type);
    }
}

// Most directories have none below them, and need no memory to say so.
fn share(names: Names) -> Arc<Names> {
    thread_local! {
        static EMPTY: Arc<Names> = Arc::default();
    }
    if names.is_empty() { EMPTY.with(Arc::clone) } else { Arc::new(names) }
}

/// Where an entry stands in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Directory(FileType),
    File(FileType),
    Deferred,
    Gone,
}

fn place(fd: BorrowedFd<'_>, entry: &Entry<'_>, links: Links) -> Place {
    match (entry.resolve_unknown(fd), links) {
        (None, _) => Place::Gone,
        (Some(FileType::Directory), _) => Place::Directory(FileType::Directory),
        (Some(FileType::SymbolicLink), Links::Resolve) => place_of_link(fd, entry.name),
        (Some(FileType::SymbolicLink), Links::Defer) => Place::Deferred,
        (Some(file_type), _) => Place::File(file_type),
    }
}

fn place_of_link(fd: BorrowedFd<'_>, name: &CStr) -> Place {
    match type_of(fd, name, AtFlags::empty()) {
        Ok(FileType::Directory) => Place::Directory(FileType::SymbolicLink),
        // It points to nothing, or is gone itself; only the first is a file.
        Err(error) if error.is(libc::ENOENT) && is_gone(fd, name) => Place::Gone,
        _ => Place::File(FileType::SymbolicLink),
    }
}

fn is_gone(fd: BorrowedFd<'_>, name: &CStr) -> bool {
    type_of(fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_err_and(|error| error.is(libc::ENOENT))
}
