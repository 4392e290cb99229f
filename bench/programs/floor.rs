//! The minimal system calls for each task: the floor that everything else is compared with.

use std::ffi::CStr;
use std::io::{Error, Result};

use crate::Seen;

// The same size as the buffer of the walk.
const BUFFER: usize = 64 * 1024;

/// Walks a tree and stores only the names of directories that are not opened yet.
pub struct Floor {
    buffer: Vec<u8>,
    // Names with their NUL. Those in a directory come after those in the directories above it.
    pending: Vec<u8>,
    seen: Seen,
}

impl Floor {
    pub fn walk(top: &CStr) -> Result<Seen> {
        let mut floor =
            Self { buffer: vec![0; BUFFER], pending: Vec::new(), seen: Seen::default() };
        floor.pending.extend_from_slice(top.to_bytes_with_nul());
        floor.visit(libc::AT_FDCWD, 0)?;
        Ok(floor.seen)
    }

    fn visit(&mut self, parent: i32, name: usize) -> Result<()> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let path = self.pending.get(name..).unwrap_or_default().as_ptr();
        // SAFETY: each pending name ends in NUL.
        let fd = check(i64::from(unsafe { libc::openat(parent, path.cast(), flags) }))? as i32;
        self.seen.directories += 1;
        let first = self.pending.len();
        while let filled @ 1.. = self.fill(fd)? {
            self.sort(fd, filled);
        }
        let (mut next, end) = (first, self.pending.len());
        while next < end {
            self.visit(fd, next)?;
            let name = self.pending.get(next..).unwrap_or_default();
            next += name.iter().position(|&byte| byte == 0).unwrap_or(0) + 1;
        }
        self.pending.truncate(first);
        // SAFETY: it was opened above, and nobody else knows it.
        check(i64::from(unsafe { libc::close(fd) }))?;
        Ok(())
    }

    fn fill(&mut self, fd: i32) -> Result<usize> {
        let (start, len) = (self.buffer.as_mut_ptr(), self.buffer.len());
        // SAFETY: the kernel writes at most `len` bytes to a buffer of that length.
        Ok(check(unsafe { libc::syscall(libc::SYS_getdents64, fd, start, len) })? as usize)
    }

    // struct linux_dirent64: d_ino 0..8, d_off 8..16, d_reclen 16..18, d_type 18, d_name 19...
    fn sort(&mut self, fd: i32, filled: usize) {
        let mut records = self.buffer.get(..filled).unwrap_or_default();
        while let Some(&[low, high]) = records.get(16..18) {
            let len = usize::from(u16::from_ne_bytes([low, high]));
            let Some((record, rest)) = records.split_at_checked(len) else { return };
            records = rest;
            let name = record.get(19..).unwrap_or_default();
            if name.starts_with(b".\0") || name.starts_with(b"..\0") {
                continue;
            }
            self.seen.entries += 1;
            match record.get(18) {
                Some(&libc::DT_DIR) => {
                    let end = name.iter().position(|&byte| byte == 0).unwrap_or(0);
                    self.pending.extend_from_slice(name.get(..=end).unwrap_or_default());
                }
                Some(&libc::DT_LNK) => {
                    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
                    // SAFETY: names from the kernel end in NUL. The kernel fills the whole struct
                    // or nothing, and nobody reads it.
                    unsafe { libc::fstatat(fd, name.as_ptr().cast(), stat.as_mut_ptr(), 0) };
                }
                _ => {}
            }
        }
    }
}

/// Creates and closes memory files.
pub fn memfd_create(times: usize) -> Result<()> {
    for _ in 0..times {
        // SAFETY: the name ends in NUL.
        let fd = unsafe { libc::syscall(libc::SYS_memfd_create, c"bench".as_ptr(), 1) };
        let fd = check(fd)? as i32;
        // SAFETY: it was created above, and nobody else knows it.
        check(i64::from(unsafe { libc::close(fd) }))?;
    }
    Ok(())
}

fn check(value: i64) -> Result<i64> {
    if value < 0 { Err(Error::last_os_error()) } else { Ok(value) }
}
