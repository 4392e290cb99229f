//! Operations on a root other than opening.

use std::ffi::{CStr, CString};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::{AsFd, OwnedFd};

use super::fd::Kind;
use super::{Directory, Last, Parent, Root, stepwise};
use crate::error::{Error, Result};
use crate::files::attributes::SetTime;
use crate::files::descriptors::dup;
use crate::files::names::{linkat, mkdirat, renameat2, rmdir, symlinkat, unlink};
use crate::files::stat::{Stat, fstatat};
use crate::memory::io::ftruncate;
use crate::tree::rmtree::Rmtree;
use crate::tree::walk::Walk;

impl Root {
    /// Looks at a file. A link as the last component is followed, or with `follow_symlinks` false
    /// looked at itself.
    ///
    /// # Errors
    /// The errors of stat(2), and [`is_escape`](super::is_escape).
    pub fn stat(&self, path: &CStr, follow_symlinks: bool) -> Result<Stat> {
        if self.is_plain(path) {
            let stat = fstatat(Some(self.fd.as_fd()), path, false)?;
            if !follow_symlinks || Kind::of(stat.mode) != Kind::Link {
                return Ok(stat);
            }
        }
        self.locate(path, last(follow_symlinks))?.stat()
    }

    /// Succeeds if the process may do with a file what `mode` says (`R_OK`, `W_OK`, `X_OK`, `F_OK`).
    ///
    /// # Errors
    /// The errors of access(2), and [`is_escape`](super::is_escape).
    pub fn access(&self, path: &CStr, mode: i32) -> Result<()> {
        if mode == libc::F_OK {
            // A file that is found exists. A single name can be looked up without a descriptor.
            return if self.is_plain(path) {
                self.stat(path, true).map(|_| ())
            } else {
                self.locate(path, Last::Follow).map(|_| ())
            };
        }
        self.locate(path, Last::Follow)?.access(mode)
    }

    /// Returns the text of a symbolic link.
    ///
    /// # Errors
    /// `EINVAL`: not a link; the errors of readlink(2), and [`is_escape`](super::is_escape).
    pub fn read_link(&self, path: &CStr) -> Result<Vec<u8>> {
        self.locate(path, Last::NoFollow)?.read_link()
    }

    /// Returns the path of a file without links, `.` and `..`, relative to the root; `.` for the
    /// root itself. It says where the file was: it may be renamed at any time.
    ///
    /// # Errors
    /// The errors of realpath(3), and [`is_escape`](super::is_escape).
    pub fn real_path(&self, path: &CStr) -> Result<Vec<u8>> {
        stepwise::real_path(self, path, false)
    }

    /// Sets the permissions of a file; links are followed.
    ///
    /// # Errors
    /// The errors of chmod(2), and [`is_escape`](super::is_escape); `ENOSYS`: before Linux 6.6 without
    /// /proc.
    pub fn chmod(&self, path: &CStr, mode: u32) -> Result<()> {
        self.locate(path, Last::Follow)?.chmod(mode)
    }

    /// Sets owner and group; `None` leaves one as it is.
    ///
    /// # Errors
    /// The errors of chown(2), and [`is_escape`](super::is_escape).
    pub fn chown(
        &self,
        path: &CStr,
        uid: Option<u32>,
        gid: Option<u32>,
        follow_symlinks: bool,
    ) -> Result<()> {
        self.locate(path, last(follow_symlinks))?.chown(uid, gid)
    }

    /// Sets the times of last access and last change.
    ///
    /// # Errors
    /// The errors of utimensat(2), and [`is_escape`](super::is_escape).
    pub fn set_times(
        &self,
        path: &CStr,
        atime: SetTime,
        mtime: SetTime,
        follow_symlinks: bool,
    ) -> Result<()> {
        self.locate(path, last(follow_symlinks))?.set_times(atime, mtime)
    }

    /// Sets the size of a file; links are followed.
    ///
    /// # Errors
    /// The errors of truncate(2), and [`is_escape`](super::is_escape).
    pub fn truncate(&self, path: &CStr, size: u64) -> Result<()> {
        ftruncate(self.open_file(path, libc::O_WRONLY, 0)?.as_fd(), size)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// The errors of mkdir(2), and [`is_escape`](super::is_escape).
    pub fn mkdir(&self, path: &CStr, mode: u32) -> Result<()> {
        let parent = self.parent(path)?;
        mkdirat(parent.dir_fd(), &parent.name, mode)
    }

    /// Makes a directory and those above it that are missing. Returns how much of the path leads
    /// to the first one that was made, or `None` if the last one was there already.
    ///
    /// # Errors
    /// `EEXIST`: the last component is there and no directory; `ENOTDIR`: another one is; the errors of
    /// mkdir(2), and [`is_escape`](super::is_escape).
    pub fn mkdir_all(&self, path: &CStr, mode: u32) -> Result<Option<usize>> {
        let bytes = path.to_bytes();
        let mut first = None;
        for end in ends_of_components(bytes) {
            let prefix = super::c_string(bytes.get(..end).unwrap_or(bytes))?;
            match self.mkdir(&prefix, mode) {
                Ok(()) => first = first.or(Some(end)),
                Err(error) if error.is(libc::EEXIST) => {
                    let stat = self.stat(&prefix, true)?;
                    let is_directory = stat.mode as libc::mode_t & libc::S_IFMT == libc::S_IFDIR;
                    if !is_directory {
                        let errno = if end == bytes.len() { libc::EEXIST } else { libc::ENOTDIR };
                        return Err(Error::new(errno, "mkdirat"));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(first)
    }

    /// Makes a directory that only this user may use. Its name is `prefix` and six random letters
    /// or digits, and its path is returned.
    ///
    /// # Errors
    /// The errors of mkdir(2), and [`is_escape`](super::is_escape).
    pub fn mkdtemp(&self, prefix: &CStr) -> Result<CString> {
        const ATTEMPTS: usize = 100;
        const LETTERS: &[u8; 62] =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut attempt = 0;
        loop {
            // Keyed anew for each value by the standard library, from the system's random numbers.
            let mut random = RandomState::new().build_hasher().finish();
            let mut path = prefix.to_bytes().to_vec();
            for _ in 0..6 {
                path.extend(LETTERS.get((random % 62) as usize));
                random /= 62;
            }
            let path = super::c_string(&path)?;
            match self.mkdir(&path, 0o700) {
                Ok(()) => return Ok(path),
                Err(error) if error.is(libc::EEXIST) && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes a name that is not a directory; a link itself is removed.
    ///
    /// # Errors
    /// The errors of unlink(2), and [`is_escape`](super::is_escape).
    pub fn unlink(&self, path: &CStr) -> Result<()> {
        let parent = self.parent(path)?;
        parent.check_slash()?;
        unlink(parent.dir_fd(), &parent.name)
    }

    /// Removes a file or a link, or returns the deletion of a directory and everything below it,
    /// which follows no links. `path` names the directory in its failures.
    ///
    /// # Errors
    /// The errors of unlink(2), `EINVAL` for a path that ends in `.` or `..`, and
    /// [`is_escape`](super::is_escape).
    pub fn remove_all(&self, path: &CStr) -> Result<Option<Rmtree>> {
        let (parent, name) = self.locate_parent(path)?;
        if name.as_bytes() == b"." {
            return Err(Error::new(libc::EINVAL, "unlinkat"));
        }
        match unlink(Some(parent.as_fd()), &name) {
            Ok(()) => Ok(None),
            // Other systems than Linux answer EPERM to a directory.
            Err(error) if error.is(libc::EISDIR) || error.is(libc::EPERM) => {
                let tree = Rmtree::at(parent, name, path);
                let mut tree =
                    tree.map_err(|other| if other.is(libc::ENOTDIR) { error } else { other })?;
                if !self.options.cross_device {
                    tree.stay_on_mount_of(self.fd.as_fd())?;
                }
                Ok(Some(tree))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a walk start at a directory beneath the root, and stay on its mounted file system if the
    /// root does. The walk follows no links.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file).
    pub fn start_walk(&self, walk: &mut Walk<'_>, path: &CStr) -> Result<()> {
        let (parent, name) = self.locate_parent(path)?;
        walk.start_at(parent, name);
        if self.options.cross_device { Ok(()) } else { walk.stay_on_mount_of(self.fd.as_fd()) }
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The errors of rmdir(2), `EINVAL` for a path that ends in `.` or `..`, and
    /// [`is_escape`](super::is_escape).
    pub fn rmdir(&self, path: &CStr) -> Result<()> {
        let parent = self.parent(path)?;
        parent.check_slash()?;
        rmdir(parent.dir_fd(), &parent.name)
    }

    /// Renames within the root; links themselves are renamed. `flags` as for
    /// [`renameat2`].
    ///
    /// # Errors
    /// The errors of rename(2), and [`is_escape`](super::is_escape).
    pub fn rename(&self, src: &CStr, dst: &CStr, flags: u32) -> Result<()> {
        let (from, to) = (self.parent(src)?, self.parent(dst)?);
        from.check_slash()?;
        renameat2(from.dir_fd(), &from.name, to.dir_fd(), &to.name, flags)
    }

    /// Makes a second name for a file within the root. A link as `src` is not followed.
    ///
    /// # Errors
    /// The errors of link(2), and [`is_escape`](super::is_escape).
    pub fn link(&self, src: &CStr, dst: &CStr) -> Result<()> {
        let (from, to) = (self.parent(src)?, self.parent(dst)?);
        if from.has_slash() {
            // link(2) would follow it. Only a directory can stand there, and none can have two names.
            from.check_slash()?;
            return Err(Error::new(libc::EPERM, "linkat"));
        }
        linkat(from.dir_fd(), &from.name, to.dir_fd(), &to.name, false)
    }

    /// Makes a symbolic link. Its text may be anything: it is checked when it is followed.
    ///
    /// # Errors
    /// The errors of symlink(2), and [`is_escape`](super::is_escape).
    pub fn symlink(&self, target: &CStr, path: &CStr) -> Result<()> {
        let parent = self.parent(path)?;
        symlinkat(target, parent.dir_fd(), &parent.name)
    }

    /// Returns a descriptor of the directory that holds the last component of a path, and that
    /// component, for operations that are made of several steps. The name is `.` if the path ends
    /// in `.` or `..`.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file).
    pub fn locate_parent(&self, path: &CStr) -> Result<(OwnedFd, CString)> {
        let parent = self.parent(path)?;
        parent.check_slash()?;
        let name = match parent.name.to_bytes().strip_suffix(b"/") {
            Some(name) => super::c_string(name)?,
            None => parent.name.into_owned(),
        };
        let fd = match parent.fd {
            Directory::Root(fd) => dup(fd)?,
            Directory::Other(fd) => fd,
        };
        Ok((fd, name))
    }
}

impl Parent<'_, '_> {
    pub(super) fn has_slash(&self) -> bool {
        self.name.to_bytes().ends_with(b"/")
    }

    // Linux follows no link for it where a name is changed; other systems do.
    fn check_slash(&self) -> Result<()> {
        if !self.has_slash() {
            return Ok(());
        }
        let name = super::c_string(self.name.to_bytes().strip_suffix(b"/").unwrap_or_default())?;
        let (_, kind) = super::fd::look(self.fd.as_fd(), &name)?;
        let is_directory = kind == super::fd::Kind::Directory;
        if is_directory { Ok(()) } else { Err(Error::new(libc::ENOTDIR, "fstatat")) }
    }
}

/// Where each component ends but `.`, which names nothing new. Slashes at the end belong to the last.
fn ends_of_components(path: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    for (end, _) in path.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
        if !matches!(path.get(start..end), Some(b"" | b".")) {
            ends.push(end);
        }
        start = end + 1;
    }
    match path.get(start..) {
        Some(b"") if !ends.is_empty() => {
            ends.pop();
            ends.push(path.len());
        }
        _ => ends.push(path.len()),
    }
    ends
}

fn last(follow_symlinks: bool) -> Last {
    if follow_symlinks { Last::Follow } else { Last::NoFollow }
}
