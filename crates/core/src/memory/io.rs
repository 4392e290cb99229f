//! Reads and writes at positions of a file, which neither use nor move the offset of the
//! descriptor.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::error::{Error, Result, retry, retry_libc};

/// `pread(fd, buffer, length, position)`, again until all of it is read or the file ends. Returns
/// how much there was.
///
/// # Safety
/// The buffer is `length` bytes that may be written. Others may write there at the same time.
///
/// # Errors
/// `EBADF`: not open for reading; `EISDIR`; `ESPIPE`: no file with positions; `EIO` …
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::memory::io::{pread, pwrite};
/// use std::os::fd::AsFd;
///
/// let file = fdkit::memory::memfd::memfd_create(c"notes", 0)?;
/// let (text, mut back) = (*b"some text", [0_u8; 100]);
/// // SAFETY: the arrays are as long as is said.
/// unsafe { pwrite(file.as_fd(), text.as_ptr(), text.len(), 5)? };
/// // SAFETY: as above.
/// let count = unsafe { pread(file.as_fd(), back.as_mut_ptr(), back.len(), 5)? };
/// assert_eq!(back[..count], text);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub unsafe fn pread(
    fd: BorrowedFd<'_>,
    buffer: *mut u8,
    length: usize,
    position: u64,
) -> Result<usize> {
    whole("pread", length, position, |done, position| {
        // SAFETY: the caller's promise, for what is left of the buffer.
        unsafe {
            libc::pread(fd.as_raw_fd(), buffer.wrapping_add(done).cast(), length - done, position)
        }
    })
}

/// `pwrite(fd, bytes, length, position)`, again until all of it is written.
///
/// # Safety
/// The bytes are `length` of them, and may be read. Others may write there at the same time.
///
/// # Errors
/// `EPERM`: a seal; `EBADF`: not open for writing; `EFBIG`, `ENOSPC`, `EIO` …; `ESPIPE`: no file
/// with positions. Bytes that were written before the error stay.
pub unsafe fn pwrite(
    fd: BorrowedFd<'_>,
    bytes: *const u8,
    length: usize,
    position: u64,
) -> Result<()> {
    let done = whole("pwrite", length, position, |done, position| {
        // SAFETY: the caller's promise, for what is left of the bytes.
        unsafe {
            libc::pwrite(fd.as_raw_fd(), bytes.wrapping_add(done).cast(), length - done, position)
        }
    })?;
    if done == length { Ok(()) } else { Err(Error::new(libc::EIO, "pwrite")) }
}

fn whole(
    syscall: &'static str,
    length: usize,
    position: u64,
    mut call: impl FnMut(usize, libc::off_t) -> isize,
) -> Result<usize> {
    let mut done = 0;
    while done < length {
        let at = position.checked_add(done as u64).and_then(|at| libc::off_t::try_from(at).ok());
        let at = at.ok_or(Error::new(libc::EFBIG, syscall))?;
        match retry_libc(syscall, || call(done, at) as libc::c_long)? {
            0 => break,
            count => done += count as usize,
        }
    }
    Ok(done)
}

/// `ftruncate(fd, size)`: makes a file shorter or, with zeros, longer. It reserves nothing.
///
/// # Errors
/// `EPERM`: a seal; `EINVAL`: not open for writing, or in huge pages no multiple of their size;
/// `EFBIG`: too large; `EBADF`: not open.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use std::{fs::File, os::fd::AsFd};
/// let file = File::from(fdkit::memory::memfd::memfd_create(c"long", 0)?);
/// fdkit::memory::io::ftruncate(file.as_fd(), 1 << 40)?;
/// assert_eq!(file.metadata().unwrap().len(), 1 << 40);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn ftruncate(fd: BorrowedFd<'_>, size: u64) -> Result<()> {
    let size = libc::off_t::try_from(size).map_err(|_| Error::new(libc::EFBIG, "ftruncate"))?;
    retry("ftruncate", || nix::unistd::ftruncate(fd, size))
}

/// `fallocate(fd, 0, offset, length)`: allocates a range of a file, so that later writes there do
/// not fail for lack of memory. A file that ends before the end of the range grows.
///
/// # Errors
/// `ENOSPC`: no room, or no huge pages; `EPERM`: a seal forbids it; `EFBIG`: too large; `EINVAL`:
/// no bytes; `ENODEV`, `EOPNOTSUPP`: no file that can; `EBADF`: not open for writing; `ENOSYS`
/// where the operating system lacks the call. A kernel that runs out of memory meanwhile may end
/// the process instead.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use fdkit::memory::io::fallocate;
/// use fdkit::memory::memfd::memfd_create;
/// use std::{fs::File, os::fd::AsFd};
///
/// let file = File::from(memfd_create(c"room", 0)?);
/// fallocate(file.as_fd(), 0, 10_000)?;
/// assert_eq!(file.metadata().unwrap().len(), 10_000);
/// # }
/// # Ok::<(), fdkit::Error>(())
/// ```
pub fn fallocate(fd: BorrowedFd<'_>, offset: u64, length: u64) -> Result<()> {
    let signed = |number| libc::off_t::try_from(number);
    let (Ok(offset), Ok(length)) = (signed(offset), signed(length)) else {
        return Err(Error::new(libc::EFBIG, "fallocate"));
    };
    sys_fallocate(fd, offset, length)
}

#[cfg(target_os = "linux")]
fn sys_fallocate(fd: BorrowedFd<'_>, offset: libc::off_t, length: libc::off_t) -> Result<()> {
    let plainly = nix::fcntl::FallocateFlags::empty();
    retry("fallocate", || nix::fcntl::fallocate(fd, plainly, offset, length))
}

#[cfg(not(target_os = "linux"))]
fn sys_fallocate(_fd: BorrowedFd<'_>, _offset: libc::off_t, _length: libc::off_t) -> Result<()> {
    Err(Error::new(libc::ENOSYS, "fallocate"))
}
