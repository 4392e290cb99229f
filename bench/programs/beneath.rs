//! The system calls of an operation that is confined to a directory, and of one that is not: the
//! floor of `Root.stat` and `Root.unlink`.

use std::ffi::{CStr, CString};
use std::fs::{File, create_dir_all};
use std::io::{Error, Result};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

const COUNT: usize = 1000;

/// A file, or a thousand, in a directory beneath another one.
pub struct Beneath {
    top: OwnedFd,
    /// The path of the directory, relative to the top, and absolute.
    directory: CString,
    /// Names in it, and their absolute paths.
    files: Vec<(CString, CString, CString)>,
}

impl Beneath {
    /// Makes the files. The argument is an absolute path, a colon and a path below it.
    pub fn prepare(argument: &str) -> Result<Self> {
        let (top, directory) = argument.split_once(':').unwrap_or_default();
        let absolute = Path::new(top).join(directory);
        create_dir_all(&absolute)?;
        let mut files = Vec::new();
        for index in 0..COUNT {
            let name = format!("file-{index}");
            let path = absolute.join(&name);
            File::create(&path)?;
            let relative = Path::new(directory).join(&name);
            files.push((CString::new(name)?, text(&relative)?, text(&path)?));
        }
        Ok(Self { top: File::open(top)?.into(), directory: CString::new(directory)?, files })
    }

    /// Calls statx with absolute paths.
    pub fn stat_by_path(&self) -> Result<()> {
        self.files.iter().try_for_each(|(_, _, path)| statx(libc::AT_FDCWD, path, 0))
    }

    /// Opens each file with openat2, calls statx, and closes the file.
    pub fn stat(&self) -> Result<()> {
        self.files.iter().try_for_each(|(_, path, _)| {
            let fd = self.open(path, libc::O_PATH)?;
            statx(fd.as_raw_fd(), c"", libc::AT_EMPTY_PATH)
        })
    }

    /// Calls unlink with absolute paths.
    pub fn unlink_by_path(&self) -> Result<()> {
        self.files.iter().try_for_each(|(_, _, path)| unlinkat(libc::AT_FDCWD, path))
    }

    /// Opens the directory with openat2 for each file, calls unlinkat, and closes the directory.
    pub fn unlink(&self) -> Result<()> {
        self.files.iter().try_for_each(|(name, _, _)| {
            let fd = self.open(&self.directory, libc::O_PATH | libc::O_DIRECTORY)?;
            unlinkat(fd.as_raw_fd(), name)
        })
    }

    fn open(&self, path: &CStr, flags: i32) -> Result<OwnedFd> {
        let flags = (flags | libc::O_CLOEXEC) as u64;
        // struct open_how: flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS.
        let how = [flags, 0, 0x08 | 0x02];
        let (number, size) = (self.top.as_raw_fd(), size_of_val(&how));
        // SAFETY: the path ends in NUL, and the struct has the given size.
        let fd =
            unsafe { libc::syscall(libc::SYS_openat2, number, path.as_ptr(), how.as_ptr(), size) };
        let fd = check(fd)? as i32;
        // SAFETY: it is new, and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

fn statx(start: i32, path: &CStr, flags: i32) -> Result<()> {
    let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME;
    let mut found = MaybeUninit::<libc::statx>::uninit();
    // SAFETY: the path ends in NUL, and the kernel fills a struct of its own layout.
    let done = unsafe {
        libc::syscall(libc::SYS_statx, start, path.as_ptr(), flags, mask, found.as_mut_ptr())
    };
    check(done).map(|_| ())
}

fn unlinkat(start: i32, path: &CStr) -> Result<()> {
    // SAFETY: the path ends in NUL.
    check(i64::from(unsafe { libc::unlinkat(start, path.as_ptr(), 0) })).map(|_| ())
}

fn text(path: &Path) -> Result<CString> {
    Ok(CString::new(path.as_os_str().as_encoded_bytes())?)
}

fn check(value: i64) -> Result<i64> {
    if value < 0 { Err(Error::last_os_error()) } else { Ok(value) }
}
