//! Listing one directory ahead of the walk, and telling later whether the listing still holds.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, fstat, fstatat};

use crate::error::{Error, Result, retry};
use crate::files::descriptors::{Identity, Mount};
use crate::files::directory::open_directory;
use crate::tree::listing::{Links, Listing, Reader};
use crate::tree::work::Work;

/// A directory that changed less than this before it was listed may change again within the
/// same tick of the clock that stamps files, which is at most 10 ms long.
const RACY: Duration = Duration::from_millis(20);

// Devices whose file system is remembered. More than that are found on no usual machine.
const MOST_DEVICES: usize = 64;

/// Identifies a directory with its entries: a version that is equal later shows that a name still
/// leads to the same directory, and that its entries are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) identity: Identity,
    ctime: (i64, i64),
}

impl From<&FileStat> for Version {
    #[allow(clippy::useless_conversion, reason = "32 bits wide on some platforms")]
    fn from(stat: &FileStat) -> Self {
        let ctime = (i64::from(stat.st_ctime), i64::from(stat.st_ctime_nsec));
        Self { identity: Identity::from(stat), ctime }
    }
}

impl Version {
    /// Returns whether `name` shows this version now.
    pub(crate) fn is_at(&self, parent: BorrowedFd<'_>, name: &CStr) -> bool {
        let found = retry("fstatat", || fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW));
        found.is_ok_and(|stat| Self::from(&stat) == *self)
    }

    // Whether each change after `now` shows as another change time.
    fn is_settled(&self, now: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.ctime;
        let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(seconds), u32::try_from(nanoseconds))
        else {
            return false;
        };
        // Some file systems store whole seconds.
        let tick = if nanoseconds == 0 { RACY + Duration::from_secs(1) } else { RACY };
        let changed = UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds));
        let age = changed.and_then(|changed| now.duration_since(changed).ok());
        age.is_some_and(|age| age >= tick)
    }
}

/// A directory that was listed ahead.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) fd: Arc<OwnedFd>,
    /// `None` if the walk does not want to be exact.
    pub(crate) version: Option<Version>,
    /// `None` if the walk does not need it.
    pub(crate) identity: Option<Identity>,
    pub(crate) listing: Listing,
}

/// How directories are listed, the same for a whole walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Whether a listing that was made ahead is yielded only if it still holds.
    pub(crate) is_exact: bool,
    /// Whether links to directories stand among the files.
    pub(crate) links_are_files: bool,
    /// Whether the walk compares directories with their ancestors.
    pub(crate) follows: bool,
    pub(crate) work: Work,
    /// The mounted file system that all directories must be on, if the walk may not leave it.
    pub(crate) mount: Option<Mount>,
}

impl Manner {
    /// Refuses a directory on another mounted file system, with the error of `RESOLVE_NO_XDEV`.
    pub(crate) fn check(self, fd: BorrowedFd<'_>) -> Result<()> {
        match self.mount {
            Some(mount) if Mount::of(fd)? != mount => Err(Error::new(libc::EXDEV, "openat2")),
            _ => Ok(()),
        }
    }

    /// Returns how links are treated when the walk itself lists a directory.
    pub(crate) fn links(self) -> Links {
        if self.links_are_files { Links::AreFiles } else { Links::Resolve }
    }

    /// Whether a link to a directory is opened ahead, to see that it is a link. An exact walk does that
    /// when it comes to it.
    pub(crate) fn looks_at_links(self) -> bool {
        !self.is_exact && !self.follows
    }

    // Where a link leads to can change without a trace in the directory.
    fn links_ahead(self) -> Links {
        let is_deferred = self.is_exact && !self.links_are_files;
        if is_deferred { Links::Defer } else { self.links() }
    }
}

/// Lists directories ahead. Each thread has one.
#[derive(Debug, Default)]
pub(crate) struct Looker {
    pub(crate) reader: Reader,
    devices: Vec<(libc::dev_t, bool)>,
}

impl Looker {
    /// Opens and lists a directory. Returns `None` if the walk would have to list it again, or
    /// if `is_enough` stops the listing.
    pub(crate) fn look(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        manner: Manner,
        is_enough: impl Fn(usize) -> bool,
    ) -> Result<Option<Looked>> {
        let fd = open_directory(parent, name, false)?;
        manner.check(fd.as_fd())?;
        let mut version = None;
        if manner.is_exact {
            let now = SystemTime::now();
            let own = Version::from(&retry("fstat", || fstat(&fd))?);
            if !own.is_settled(now) || !self.keeps_times(fd.as_fd(), own.identity.device()) {
                return Ok(None);
            }
            version = Some(own);
        }
        let identity = match version {
            None if manner.follows => Some(Identity::of(fd.as_fd())?),
            version => version.map(|version| version.identity),
        };
        let links = manner.links_ahead();
        let listing = manner.work.list(fd.as_fd(), &mut self.reader, links, is_enough)?;
        Ok(listing.map(|listing| Looked { fd: Arc::new(fd), version, identity, listing }))
    }

    fn keeps_times(&mut self, fd: BorrowedFd<'_>, device: libc::dev_t) -> bool {
        if let Some(&(_, keeps)) = self.devices.iter().find(|(known, _)| *known == device) {
            return keeps;
        }
        let keeps = keeps_times(fd);
        if self.devices.len() == MOST_DEVICES {
            self.devices.clear();
        }
        self.devices.push((device, keeps));
        keeps
    }
}

/// Whether the file system stamps each change of a directory with the system's clock, and shows
/// it at once: not over a network, not if another program answers, not if there are no times.
#[cfg(target_os = "linux")]
fn keeps_times(fd: BorrowedFd<'_>) -> bool {
    use nix::sys::statfs::{
        BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, fstatfs,
    };
    // nix has it for glibc only.
    const XFS_SUPER_MAGIC: FsType = FsType(0x5846_5342);
    let known =
        [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC];
    retry("fstatfs", || fstatfs(fd)).is_ok_and(|found| known.contains(&found.filesystem_type()))
}

#[cfg(target_os = "macos")]
fn keeps_times(fd: BorrowedFd<'_>) -> bool {
    retry("fstatfs", || nix::sys::statfs::fstatfs(fd))
        .is_ok_and(|found| found.filesystem_type_name() == "apfs")
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn keeps_times(_: BorrowedFd<'_>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recent_change_is_not_settled() {
        let identity = Identity::of(std::fs::File::open(".").unwrap().as_fd()).unwrap();
        let settled = |ctime: (i64, i64), now: (u64, u32)| {
            let now = UNIX_EPOCH + Duration::new(now.0, now.1);
            Version { identity, ctime }.is_settled(now)
        };
        let (tick, almost) = (20_000_000, 19_999_999);
        assert!(settled((5, 1), (5, 1 + tick)));
        assert!(!settled((5, 1), (5, 1 + almost)));
        assert!(settled((5, 999_999_999), (6, tick)));
        assert!(settled((5, 0), (6, tick)), "whole seconds");
        assert!(!settled((5, 0), (6, almost)), "whole seconds");
        assert!(!settled((7, 1), (5, 0)), "the clock was set back");
        assert!(!settled((-5, 1), (5, 0)), "before 1970");
    }
}
