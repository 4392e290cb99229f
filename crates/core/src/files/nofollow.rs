//! Whether the system ignores `O_NOFOLLOW` when a directory is opened.
//!
//! gVisor follows a link at the end of a path that is opened with `O_DIRECTORY | O_NOFOLLOW`
//! (google/gvisor#14786). Walks and deletions rely on that pair, so such a system is recognized once,
//! and then what each name leads to is compared with what was opened.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;

use crate::error::{Error, Result, retry};
use crate::files::descriptors::Identity;

/// Returns whether links are followed in spite of `O_NOFOLLOW`.
#[cfg(target_os = "linux")]
pub(crate) fn is_ignored() -> bool {
    use std::sync::OnceLock;
    static IGNORED: OnceLock<bool> = OnceLock::new();
    is_emulated() || *IGNORED.get_or_init(probe::is_ignored)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_ignored() -> bool {
    is_emulated()
}

/// Refuses a directory that a link led to, with the error that `O_NOFOLLOW` gives.
pub(crate) fn check(start: BorrowedFd<'_>, name: &CStr, opened: BorrowedFd<'_>) -> Result<()> {
    let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
    let found = retry("fstatat", || fstatat(start, name, flags))?;
    let is_same = Identity::from(&found) == Identity::of(opened)?;
    if is_same { Ok(()) } else { Err(Error::new(libc::ENOTDIR, "openat")) }
}

#[cfg(test)]
pub(crate) use emulation::is_emulated;

#[cfg(not(test))]
pub(crate) const fn is_emulated() -> bool {
    false
}

#[cfg(target_os = "linux")]
mod probe {
    use std::ffi::{CStr, CString};

    use crate::files::names::{openat, symlinkat, unlink};
    use crate::files::stat::fstatat;

    // Links to directories on most systems.
    const LINKS: [&CStr; 4] = [c"/proc/self", c"/bin", c"/lib", c"/var/run"];

    pub(super) fn is_ignored() -> bool {
        let known = LINKS.iter().find_map(|link| follows(link));
        // Without an answer, each directory is checked.
        known.or_else(with_own_link).unwrap_or(true)
    }

    /// Opens a link with the pair of flags. Returns `None` if it is not a link to a directory.
    pub(super) fn follows(link: &CStr) -> Option<bool> {
        let opened = openat(None, link, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW, 0);
        let is_link = kind(link, false) == Some(libc::S_IFLNK);
        match opened {
            Ok(_) => is_link.then_some(true),
            Err(error) if error.is(libc::ENOTDIR) || error.is(libc::ELOOP) => {
                (is_link && kind(link, true) == Some(libc::S_IFDIR)).then_some(false)
            }
            Err(_) => None,
        }
    }

    fn kind(path: &CStr, follow: bool) -> Option<libc::mode_t> {
        Some(fstatat(None, path, follow).ok()?.mode as libc::mode_t & libc::S_IFMT)
    }

    pub(super) fn with_own_link() -> Option<bool> {
        let name = format!("fdkit-probe-{}", std::process::id());
        let path = std::env::temp_dir().join(name).into_os_string().into_encoded_bytes();
        let path = CString::new(path).ok()?;
        symlinkat(c"/", None, &path).ok()?;
        let answer = follows(&path);
        let _ = unlink(None, &path);
        answer
    }
}

#[cfg(test)]
mod emulation {
    use std::sync::atomic::{AtomicBool, Ordering};

    static EMULATED: AtomicBool = AtomicBool::new(false);

    /// Makes every directory be opened without `O_NOFOLLOW`, as if the system ignored it.
    pub(super) fn emulate() {
        EMULATED.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_emulated() -> bool {
        EMULATED.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use std::ffi::CString;
    use std::os::fd::AsFd;
    use std::os::unix::ffi::OsStrExt;
    use std::{fs, process};

    use super::emulation::emulate;
    use crate::files::directory::open_directory;
    use crate::files::names::openat;
    use crate::tree::rmtree::Rmtree;

    // The other tests of the crate that run after this one find the same on such a system.
    #[test]
    fn a_system_that_ignores_nofollow_leads_nowhere_else() {
        let top = std::env::temp_dir().join(format!("fdkit-nofollow-{}", process::id()));
        fs::create_dir_all(top.join("outside/kept")).unwrap();
        fs::create_dir_all(top.join("real")).unwrap();
        std::os::unix::fs::symlink("outside", top.join("link")).unwrap();
        emulate();
        let path = CString::new(top.as_os_str().as_bytes()).unwrap();
        let start = openat(None, &path, libc::O_DIRECTORY, 0).unwrap();
        let open = |name, follow| open_directory(start.as_fd(), name, follow).map(drop);
        assert_eq!(open(c"link", false).unwrap_err().errno(), libc::ENOTDIR);
        assert!(open(c"link", true).is_ok());
        assert!(open(c"real", false).is_ok());
        assert!(open(c".", false).is_ok());
        assert_eq!(Rmtree::new(Some(start.as_fd()), c"link").unwrap_err().errno(), libc::ENOTDIR);
        assert!(top.join("outside/kept").exists());
        fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_system_does_not_ignore_it() {
        use super::probe;
        assert!(!probe::is_ignored());
        assert_eq!(probe::with_own_link(), Some(false));
        assert_eq!(probe::follows(c"/"), None);
    }
}
