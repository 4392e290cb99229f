//! Resolution component by component, for systems without openat2.
//!
//! Each directory on the way is kept open on a stack, and `..` pops it: the kernel is never asked
//! for `..`, so a directory that is moved while the walk stands in it leads nowhere else.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::fd::{Kind, Located, look};
use super::{Last, RESOLVE, Root, Symlinks, c_string, escape};
use crate::error::{Error, Result};
use crate::files::descriptors::dup;
use crate::files::names::openat;
use crate::files::stat::fstat;

// The limit of the kernel (MAXSYMLINKS).
const MAX_LINKS: usize = 40;
const PATH_MAX: usize = 4096;
// How often the last component may change between looking at it and opening it.
const RACES: usize = 128;

struct Level {
    name: Vec<u8>,
    fd: OwnedFd,
}

struct Resolution<'root> {
    root: &'root Root,
    stack: Vec<Level>,
    /// The components that are left, the next one last.
    todo: Vec<Vec<u8>>,
    /// Whether a slash follows the last component, which then must be a directory.
    has_slash: bool,
    links: usize,
}

/// Where a resolution stands when no component but the last is left.
enum End {
    /// At a directory: the path ended in `.`, `..` or at the root itself.
    Here,
    /// Before this name in the directory at the top of the stack.
    Name(CString),
}

impl<'root> Resolution<'root> {
    fn new(root: &'root Root, path: &CStr) -> Result<Self> {
        let path = path.to_bytes();
        if path.is_empty() {
            return Err(Error::new(libc::ENOENT, RESOLVE));
        }
        if path.len() >= PATH_MAX {
            return Err(Error::new(libc::ENAMETOOLONG, RESOLVE));
        }
        let mut resolution =
            Self { root, stack: Vec::new(), todo: Vec::new(), has_slash: false, links: 0 };
        resolution.push(path)?;
        Ok(resolution)
    }

    /// Puts a path, or the text of a link, before what is left.
    fn push(&mut self, path: &[u8]) -> Result<()> {
        match path.first() {
            None => return Err(Error::new(libc::ENOENT, RESOLVE)),
            Some(b'/') => return Err(escape()),
            Some(_) => {}
        }
        if self.todo.is_empty() {
            self.has_slash |= path.last() == Some(&b'/');
        }
        let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        self.todo.extend(names.rev().map(<[u8]>::to_vec));
        Ok(())
    }

    fn current(&self) -> BorrowedFd<'_> {
        self.stack.last().map_or_else(|| self.root.fd.as_fd(), |level| level.fd.as_fd())
    }

    /// Goes on until no component but the last is left.
    fn advance(&mut self) -> Result<End> {
        while let Some(name) = self.todo.pop() {
            match name.as_slice() {
                b"." => {}
                b".." => {
                    self.stack.pop().ok_or_else(escape)?;
                }
                _ if self.todo.is_empty() && !self.has_slash => {
                    return Ok(End::Name(c_string(&name)?));
                }
                _ => self.enter(&name)?,
            }
        }
        Ok(End::Here)
    }

    /// Enters a directory, or puts the text of a link in its place.
    fn enter(&mut self, name: &[u8]) -> Result<()> {
        let c_name = c_string(name)?;
        let (located, kind) = look(self.current(), &c_name)?;
        match kind {
            Kind::Directory => {
                self.check_device(&located)?;
                let fd = located.into_directory()?;
                self.stack.push(Level { name: name.to_vec(), fd });
                Ok(())
            }
            Kind::Link => self.follow(&located),
            Kind::Other => Err(Error::new(libc::ENOTDIR, RESOLVE)),
        }
    }

    fn follow(&mut self, link: &Located) -> Result<()> {
        if self.root.options.symlinks == Symlinks::Refuse {
            return Err(escape());
        }
        let text = link.read_link()?;
        self.links += 1;
        if self.links > MAX_LINKS || link.is_magic(&text) {
            return Err(Error::new(libc::ELOOP, RESOLVE));
        }
        self.push(&text)
    }

    // Bind mounts of the same device are not seen, unlike by the kernel.
    fn check_device(&self, located: &Located) -> Result<()> {
        if self.root.options.cross_device {
            return Ok(());
        }
        let is_same = located.stat()?.dev == fstat(self.root.fd.as_fd())?.dev;
        if is_same { Ok(()) } else { Err(escape()) }
    }

    fn into_directory(mut self) -> Result<OwnedFd> {
        match self.stack.pop() {
            Some(level) => Ok(level.fd),
            None => dup(self.root.fd.as_fd()),
        }
    }
}

pub(super) fn locate_directory(root: &Root, path: &CStr) -> Result<OwnedFd> {
    let mut resolution = Resolution::new(root, path)?;
    // Then the last component is entered, too.
    resolution.has_slash = true;
    resolution.advance()?;
    resolution.into_directory()
}

pub(super) fn locate(root: &Root, path: &CStr, last: Last) -> Result<Located> {
    let mut resolution = Resolution::new(root, path)?;
    loop {
        let End::Name(name) = resolution.advance()? else {
            return resolution.into_directory().map(Located::new);
        };
        let (located, kind) = look(resolution.current(), &name)?;
        if kind == Kind::Link && last == Last::Follow {
            resolution.follow(&located)?;
            continue;
        }
        resolution.check_device(&located)?;
        return Ok(located);
    }
}

pub(super) fn open(root: &Root, path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
    let mut resolution = Resolution::new(root, path)?;
    let follows = flags & libc::O_NOFOLLOW == 0;
    for _ in 0..RACES {
        // A file that may be made cannot have a slash behind its name, whatever is there.
        let has_slash = resolution.has_slash;
        resolution.has_slash &= flags & libc::O_CREAT == 0;
        let End::Name(name) = resolution.advance()? else {
            return open_here(resolution.current(), flags, mode);
        };
        if has_slash {
            return Err(Error::new(libc::EISDIR, RESOLVE));
        }
        let parent = resolution.current();
        if !root.options.cross_device {
            match look(parent, &name) {
                Ok((located, _)) => resolution.check_device(&located)?,
                // It is about to be made.
                Err(error) if error.is(libc::ENOENT) => {}
                Err(error) => return Err(error),
            }
        }
        let opened = openat(Some(parent), &name, flags | libc::O_NOFOLLOW, mode);
        let found = match opened {
            // gVisor follows a link here all the same.
            Ok(fd) if flags & libc::O_DIRECTORY != 0 => match look(parent, &name) {
                Ok((located, _)) if located.is_same(fd.as_fd())? => return Ok(fd),
                // It was renamed or removed: what was opened is what was there, or a link's target.
                Err(error) if error.is(libc::ENOENT) => None,
                looked => Some(looked?),
            },
            Ok(fd) => return Ok(fd),
            Err(error) if error.is(libc::ELOOP) || error.is(libc::ENOTDIR) => {
                let looked = look(parent, &name)?;
                let is_link = looked.1 == Kind::Link;
                if is_link && !follows || !is_link && error.is(libc::ENOTDIR) {
                    return Err(error);
                }
                Some(looked)
            }
            Err(error) => return Err(error),
        };
        match found {
            Some((link, Kind::Link)) if follows => resolution.follow(&link)?,
            Some((_, Kind::Link)) => return Err(Error::new(libc::ENOTDIR, RESOLVE)),
            // It has changed since: once more.
            _ => resolution.todo.push(name.into_bytes()),
        }
    }
    Err(Error::new(libc::EAGAIN, RESOLVE))
}

fn open_here(directory: BorrowedFd<'_>, flags: i32, mode: u32) -> Result<OwnedFd> {
    if flags & libc::O_CREAT != 0 {
        let is_new = flags & libc::O_EXCL != 0;
        return Err(Error::new(if is_new { libc::EEXIST } else { libc::EISDIR }, RESOLVE));
    }
    openat(Some(directory), c".", flags, mode)
}

/// The path that a path leads to, without links, `.` and `..`, relative to the root; `.` for the root.
pub(super) fn real_path(root: &Root, path: &CStr) -> Result<Vec<u8>> {
    let mut resolution = Resolution::new(root, path)?;
    let name = loop {
        let End::Name(name) = resolution.advance()? else { break None };
        let (located, kind) = look(resolution.current(), &name)?;
        if kind != Kind::Link {
            break Some(name);
        }
        resolution.follow(&located)?;
    };
    let mut names: Vec<&[u8]> =
        resolution.stack.iter().map(|level| level.name.as_slice()).collect();
    names.extend(name.as_deref().map(CStr::to_bytes));
    Ok(if names.is_empty() { b".".to_vec() } else { names.join(&b'/') })
}
