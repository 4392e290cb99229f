//! Resolution component by component, where the kernel has no openat2 or gives up.
//!
//! Each directory on the way is kept open on a stack, and `..` pops it: the kernel is never asked
//! for `..`, so a directory that is moved while the walk stands in it leads nowhere else.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::fd::{Kind, Located, look};
use super::{Last, O_PATH, PATH_MAX, RESOLVE, Root, Symlinks, c_string, escape};
use crate::error::{Error, Result};
use crate::files::descriptors::dup;
use crate::files::names::openat;
use crate::files::stat::fstat;

const DIRECTORY: i32 = O_PATH | libc::O_DIRECTORY;

// The kernel has the same limit.
const MAX_LINKS: usize = 40;
// How often the last component may change between looking at it and opening it.
const RACES: usize = 128;

struct Level {
    name: Vec<u8>,
    fd: OwnedFd,
}

/// Where a path may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Only beneath the directory that it starts from.
    Beneath,
    /// The directory that it starts from is the root of the file system.
    InRoot,
    /// Anywhere.
    Free,
}

/// The rules of a resolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) scope: Scope,
    /// Why links are refused, if they are.
    pub(super) links: Option<Error>,
    pub(super) cross_device: bool,
    /// The error for a link of /proc that leads to an object.
    pub(super) magic: Error,
}

impl Root {
    fn rules(&self) -> Rules {
        let refuses = self.options.symlinks == Symlinks::Refuse;
        Rules {
            scope: Scope::Beneath,
            links: refuses.then(escape),
            cross_device: self.options.cross_device,
            magic: Error::new(libc::ELOOP, RESOLVE),
        }
    }
}

struct Resolution<'root> {
    start: BorrowedFd<'root>,
    rules: Rules,
    /// The directory below the stack, if the path led out of `start`.
    base: Option<OwnedFd>,
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
        Self::with_rules(root.fd.as_fd(), path, root.rules())
    }

    fn with_rules(start: BorrowedFd<'root>, path: &CStr, rules: Rules) -> Result<Self> {
        let path = path.to_bytes();
        if path.is_empty() {
            return Err(Error::new(libc::ENOENT, RESOLVE));
        }
        if path.len() >= PATH_MAX {
            return Err(Error::new(libc::ENAMETOOLONG, RESOLVE));
        }
        let mut resolution = Self {
            start,
            rules,
            base: None,
            stack: Vec::new(),
            todo: Vec::new(),
            has_slash: false,
            links: 0,
        };
        resolution.push(path)?;
        Ok(resolution)
    }

    /// Puts a path, or the text of a link, before what is left.
    fn push(&mut self, path: &[u8]) -> Result<()> {
        match path.first() {
            None => return Err(Error::new(libc::ENOENT, RESOLVE)),
            Some(b'/') => self.go_to_top()?,
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
        let base = self.base.as_ref().map_or(self.start, AsFd::as_fd);
        self.stack.last().map_or(base, |level| level.fd.as_fd())
    }

    /// Goes to where an absolute path starts.
    fn go_to_top(&mut self) -> Result<()> {
        match self.rules.scope {
            Scope::Beneath => return Err(escape()),
            Scope::InRoot => {}
            Scope::Free => self.base = Some(openat(None, c"/", DIRECTORY, 0)?),
        }
        self.stack.clear();
        Ok(())
    }

    /// Goes to the directory above.
    fn go_up(&mut self) -> Result<()> {
        if self.stack.pop().is_some() {
            return Ok(());
        }
        match self.rules.scope {
            Scope::Beneath => return Err(escape()),
            Scope::InRoot => {}
            Scope::Free => self.base = Some(openat(Some(self.current()), c"..", DIRECTORY, 0)?),
        }
        Ok(())
    }

    /// Goes on until no component but the last is left.
    fn advance(&mut self) -> Result<End> {
        while let Some(name) = self.todo.pop() {
            match name.as_slice() {
                b"." => {}
                b".." => self.go_up()?,
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
        // Nearly every component is a directory, and then this is all that there is to do.
        if self.rules.cross_device
            && !crate::files::nofollow::is_ignored()
            && let Ok(fd) = openat(Some(self.current()), &c_name, DIRECTORY | libc::O_NOFOLLOW, 0)
        {
            self.stack.push(Level { name: name.to_vec(), fd });
            return Ok(());
        }
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
        if let Some(error) = self.rules.links {
            return Err(error);
        }
        let text = link.read_link()?;
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Error::new(libc::ELOOP, RESOLVE));
        }
        if link.is_magic(&text) {
            return Err(self.rules.magic);
        }
        self.push(&text)
    }

    // Bind mounts of the same device are not seen, unlike by the kernel.
    fn check_device(&self, located: &Located) -> Result<()> {
        if self.rules.cross_device {
            return Ok(());
        }
        let is_same = located.stat()?.dev == fstat(self.start)?.dev;
        if is_same { Ok(()) } else { Err(escape()) }
    }

    fn into_directory(mut self) -> Result<OwnedFd> {
        match self.stack.pop() {
            Some(level) => Ok(level.fd),
            None => match self.base {
                Some(base) => Ok(base),
                // The working directory has no descriptor to duplicate.
                None => dup(self.start).or_else(|_| openat(Some(self.start), c".", DIRECTORY, 0)),
            },
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
    open_by_rules(root.fd.as_fd(), path, flags, mode, root.rules())
}

pub(super) fn open_by_rules(
    start: BorrowedFd<'_>,
    path: &CStr,
    flags: i32,
    mode: u32,
    rules: Rules,
) -> Result<OwnedFd> {
    let is_path = has_o_path(flags);
    let with_path = O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    if is_path && flags & !with_path != 0 {
        // Unlike openat, openat2 refuses what it would not use.
        return Err(Error::new(libc::EINVAL, RESOLVE));
    }
    let mut resolution = Resolution::with_rules(start, path, rules)?;
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
        if !rules.cross_device {
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
            // With O_PATH, O_NOFOLLOW opens a link itself.
            Ok(fd) if is_path && follows => match Kind::of(fstat(fd.as_fd())?.mode) {
                Kind::Link => Some((Located::new(fd), Kind::Link)),
                _ => return Ok(fd),
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

#[cfg(target_os = "linux")]
fn has_o_path(flags: i32) -> bool {
    flags & O_PATH != 0
}

// Other systems have no such flag.
#[cfg(not(target_os = "linux"))]
fn has_o_path(_flags: i32) -> bool {
    false
}

fn open_here(directory: BorrowedFd<'_>, flags: i32, mode: u32) -> Result<OwnedFd> {
    if flags & libc::O_CREAT != 0 {
        let is_new = flags & libc::O_EXCL != 0;
        return Err(Error::new(if is_new { libc::EEXIST } else { libc::EISDIR }, RESOLVE));
    }
    openat(Some(directory), c".", flags, mode)
}

/// The path that a path leads to, without links, `.` and `..`, relative to the root; `.` for the root.
/// With `may_be_missing`, the last component need not exist, as for a file that is to be created.
pub(super) fn real_path(root: &Root, path: &CStr, may_be_missing: bool) -> Result<Vec<u8>> {
    let mut resolution = Resolution::new(root, path)?;
    let name = loop {
        let End::Name(name) = resolution.advance()? else { break None };
        match look(resolution.current(), &name) {
            Ok((located, Kind::Link)) => resolution.follow(&located)?,
            Ok((located, _)) => {
                resolution.check_device(&located)?;
                break Some(name);
            }
            Err(error) if may_be_missing && error.is(libc::ENOENT) => break Some(name),
            Err(error) => return Err(error),
        }
    };
    let mut names: Vec<&[u8]> =
        resolution.stack.iter().map(|level| level.name.as_slice()).collect();
    names.extend(name.as_deref().map(CStr::to_bytes));
    Ok(if names.is_empty() { b".".to_vec() } else { names.join(&b'/') })
}
