//! Duplicates of descriptors that pending calls share.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::error::Result;
use crate::files::descriptors::dup;

/// A duplicate of a descriptor for a call that runs later, on another thread.
///
/// The owner of the original may close its number before the call runs, and another file may get
/// the number. The call still acts on the file that the number stood for. Duplicates that are alive
/// at the same time and refer to the same open file share one descriptor, and the last of them
/// closes it. So thousands of pending calls on one directory hold one descriptor.
///
/// ```
/// use std::os::fd::{AsFd, AsRawFd};
/// use fdkit::files::shared_dup::SharedDup;
///
/// let directory = std::fs::File::open("src")?;
/// let first = SharedDup::new(directory.as_fd())?;
/// let second = SharedDup::new(directory.as_fd())?;
/// assert_ne!(first.as_fd().as_raw_fd(), directory.as_raw_fd());
/// # #[cfg(target_os = "linux")]
/// assert_eq!(first.as_fd().as_raw_fd(), second.as_fd().as_raw_fd());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedDup(Arc<Duplicate>);

#[derive(Debug)]
struct Duplicate {
    fd: OwnedFd,
    // The number of the original.
    number: RawFd,
}

// The latest duplicate of each number. Another file may be open under the number by now, so an
// entry is only a guess, which the kernel confirms each time.
static LATEST: Mutex<BTreeMap<RawFd, Weak<Duplicate>>> = Mutex::new(BTreeMap::new());

fn latest() -> MutexGuard<'static, BTreeMap<RawFd, Weak<Duplicate>>> {
    LATEST.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedDup {
    /// Returns a duplicate of `fd`: an existing one if there is one, or a new one.
    ///
    /// # Errors
    /// `EBADF`: `fd` is not open; `EMFILE`: no number is free for a new duplicate.
    pub fn new(fd: BorrowedFd<'_>) -> Result<Self> {
        let number = fd.as_raw_fd();
        // The lock is not held while a `Duplicate` may be dropped, since dropping takes it.
        let candidate = latest().get(&number).and_then(Weak::upgrade);
        if let Some(duplicate) = candidate
            && sys::is_same_open_file(fd, duplicate.fd.as_fd())
        {
            return Ok(Self(duplicate));
        }
        let duplicate = Arc::new(Duplicate { fd: dup(fd)?, number });
        latest().insert(number, Arc::downgrade(&duplicate));
        Ok(Self(duplicate))
    }
}

impl AsFd for SharedDup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}

impl Drop for Duplicate {
    fn drop(&mut self) {
        let mut latest = latest();
        // The entry may belong to a newer duplicate by now, of another file that got the number.
        if latest.get(&self.number).is_some_and(|entry| entry.strong_count() == 0) {
            latest.remove(&self.number);
        }
    }
}

#[cfg(target_os = "linux")]
mod sys {
    use std::os::fd::{AsRawFd, BorrowedFd};
    use std::sync::atomic::{AtomicBool, Ordering};

    // From fcntl(2), since Linux 6.10. The libc crate does not have it.
    const F_DUPFD_QUERY: libc::c_int = 1027;
    const KCMP_FILE: libc::c_int = 0;

    // Set at the first refusal, so that later calls do not ask again.
    static LACKS_QUERY: AtomicBool = AtomicBool::new(false);

    /// Returns whether both descriptors refer to the same open file description, so that no call
    /// can tell one from the other. Returns false if the kernel cannot tell: without
    /// `F_DUPFD_QUERY`, and without kcmp(2), which a kernel can be built without and a seccomp
    /// filter can refuse.
    ///
    /// Comparing device and inode numbers would not be enough: two mounts of one file system
    /// contain the same directories, and one mount can be read-only.
    pub(super) fn is_same_open_file(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> bool {
        let (a, b) = (a.as_raw_fd(), b.as_raw_fd());
        if !LACKS_QUERY.load(Ordering::Relaxed) {
            // SAFETY: it compares two descriptors and touches no memory.
            match unsafe { libc::fcntl(a, F_DUPFD_QUERY, b) } {
                // Either number may have been closed (`EBADF`). Duplicating it then reports that.
                -1 if is_closed() => return false,
                -1 => LACKS_QUERY.store(true, Ordering::Relaxed),
                answer => return answer == 1,
            }
        }
        let process = std::process::id().cast_signed();
        // SAFETY: it compares two descriptors of this process and touches no memory.
        unsafe { libc::syscall(libc::SYS_kcmp, process, process, KCMP_FILE, a, b) == 0 }
    }

    fn is_closed() -> bool {
        std::io::Error::last_os_error().raw_os_error() == Some(libc::EBADF)
    }
}

#[cfg(not(target_os = "linux"))]
mod sys {
    use std::os::fd::{AsRawFd, BorrowedFd};

    use nix::sys::stat::{SFlag, fstat};

    /// Returns whether both descriptors refer to the same directory and were opened in the same
    /// way. Then a call relative to one has the same effect as relative to the other: directories
    /// are listed through a new descriptor, and each mount has its own device number.
    ///
    /// No system call tells whether two descriptors refer to the same open file description. Files
    /// have an offset, so their duplicates are not shared.
    pub(super) fn is_same_open_file(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> bool {
        let look = |fd: BorrowedFd<'_>| {
            let stat = fstat(fd).ok()?;
            let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
            // SAFETY: it reads the flags of a descriptor and touches no memory.
            let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
            (kind == SFlag::S_IFDIR).then_some((stat.st_dev, stat.st_ino, flags))
        };
        look(a).is_some_and(|found| look(b) == Some(found))
    }
}
