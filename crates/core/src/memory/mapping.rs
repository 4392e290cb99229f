//! Files as memory.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

use crate::constants::{F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE};
use crate::error::{Error, Reason, Result, retry};
use crate::memory::available::is_in_huge_pages;
use crate::memory::memfd::{add_seals, get_seals};

// FreeBSD has no such flag.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
const NO_RESERVE: i32 = libc::MAP_NORESERVE;
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
const NO_RESERVE: i32 = 0;

/// Options of [`Mapping::mmap`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MapOptions {
    /// Where in the file it starts, in bytes: a multiple of the page size.
    pub offset: u64,
    /// The number of bytes. By default, the mapping extends to the end of the file.
    pub length: Option<u64>,
    /// Whether writes to the mapping change the file. `Some(false)` maps the file privately, and
    /// so does `None` if the file is write-sealed.
    pub writable: Option<bool>,
    /// Also maps a file that can shrink. An access beyond its new end then raises `SIGBUS`, which
    /// ends the process.
    pub may_shrink: bool,
    /// Enters all pages into the page table at once, as reading every one of them would
    /// (`MADV_POPULATE_READ`, Linux 5.14; before, and elsewhere, it does nothing).
    pub populate: bool,
}

/// A part of a file that is mapped into memory, until it is dropped.
///
/// Other processes and threads may change what is there at any time, so it has an address and
/// gives out no references.
#[derive(Debug)]
pub struct Mapping {
    address: NonNull<u8>,
    length: usize,
    // A multiple of the page size, or of the file's huge pages.
    mapped: usize,
    words: Words,
}

/// Where the kernel finds the words of a mapping when it waits for one.
///
/// In a private mapping a wait would copy the page, since the kernel looks it up for writing: the
/// wait would be for a word of this process alone, and the page would no longer follow the file. So
/// a private mapping has another one of the same part of the file, which is shared and read-only.
#[derive(Debug)]
enum Words {
    Here,
    In(Box<Mapping>),
    // The file could not be opened again for reading.
    Nowhere,
}

// SAFETY: the address belongs to the process, not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: shared references only give addresses and the length.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a part of a file: `mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED or MAP_PRIVATE, fd,
    /// offset)`.
    ///
    /// Unlike mmap(2), it maps nothing beyond the end of the file, and no file that can shrink: it adds
    /// `F_SEAL_SHRINK` first. The memory is always writable. If the file may not be written, a write
    /// changes this mapping only.
    ///
    /// # Errors
    /// Most have a [`reason`](Error::reason). From `mmap`: `ENODEV`: the file is not a regular file;
    /// `EINVAL`: the file is empty, the range ends beyond its end, or the offset is not a multiple of
    /// the page size; `EPERM`: `writable` is `Some(true)`, and the file is write-sealed; `EACCES`: the
    /// descriptor is not open for reading, or not for writing although the file is not write-sealed;
    /// `ENOMEM`: there are too many mappings, or no address space or no huge page is left. From
    /// `fcntl`, without `may_shrink`: `EINVAL`, `EPERM`, `ENOSYS`: the file can shrink, and
    /// `F_SEAL_SHRINK` cannot be added. `EBADF`: the descriptor is not open.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use fdkit::constants::{F_SEAL_SHRINK, MFD_ALLOW_SEALING, MFD_CLOEXEC};
    /// use fdkit::memory::mapping::{MapOptions, Mapping};
    /// use fdkit::memory::memfd::{get_seals, memfd_create};
    /// use std::{fs::File, io::Write, os::fd::AsFd};
    ///
    /// let mut file = File::from(memfd_create(c"frame", MFD_CLOEXEC | MFD_ALLOW_SEALING)?);
    /// file.write_all(b"pixels").unwrap();
    /// let mapping = Mapping::mmap(file.as_fd(), &MapOptions::default())?;
    /// assert_eq!(mapping.len(), 6);
    /// assert_eq!(get_seals(file.as_fd())?, F_SEAL_SHRINK);
    /// // SAFETY: nobody else has the file.
    /// assert_eq!(unsafe { mapping.as_ptr().read() }, b'p');
    /// # }
    /// # Ok::<(), fdkit::Error>(())
    /// ```
    pub fn mmap(fd: BorrowedFd<'_>, options: &MapOptions) -> Result<Self> {
        if !options.may_shrink {
            forbid_shrinking(fd)?;
        }
        // It is read after the seal was added, so it does not change any more.
        let (size, page) = size_and_page(fd)?;
        let (length, mapped) = range(options, size, page)?;
        let make = |protection, flags, words| {
            let address = sys_mmap(fd, options.offset, mapped, protection, flags)
                .map_err(|error| explain(error, page))?;
            let mapping = Self { address, length, mapped, words };
            if options.populate {
                mapping.populate();
            }
            Ok(mapping)
        };
        let share = || make(libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, Words::Here);
        // A private mapping of huge pages without a reservation could run out of them at a write.
        let reserve = if page > page_size() { 0 } else { NO_RESERVE };
        let privately = || {
            let flags = libc::MAP_PRIVATE | reserve;
            let mut mapping = make(libc::PROT_READ | libc::PROT_WRITE, flags, Words::Nowhere)?;
            if let Ok(words) = map_words(fd, options.offset, length, mapped) {
                mapping.words = Words::In(Box::new(words));
            }
            Ok(mapping)
        };
        match options.writable {
            Some(true) => share(),
            Some(false) => privately(),
            None => share().or_else(|error: Error| match error.errno() {
                libc::EPERM => privately(),
                // The kernel checks the mode of the descriptor first, so EACCES may hide the EPERM
                // of a seal.
                libc::EACCES if is_write_sealed(fd) => privately(),
                _ => Err(error),
            }),
        }
    }

    // Not MAP_POPULATE, which copies every page of a private mapping. Errors are ignored: a page
    // that cannot be populated now is faulted in at the first access, or fails there.
    #[cfg(target_os = "linux")]
    fn populate(&self) {
        let address = self.address.as_ptr().cast();
        // SAFETY: this mapping's own range; what is in it stays.
        unsafe { libc::madvise(address, self.mapped, libc::MADV_POPULATE_READ) };
    }

    #[cfg(not(target_os = "linux"))]
    fn populate(&self) {}

    /// Returns the address of the mapping.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.address.as_ptr()
    }

    /// Returns the length in bytes, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns the address at which [`futex`](crate::memory::futex) finds the word that is `offset`
    /// bytes from the start. It is the word of the file, even if the mapping is private and has a copy
    /// of that page.
    ///
    /// # Errors
    /// `EINVAL`: the offset is beyond the end, or the mapping is private and the file could not be
    /// opened for reading when it was mapped.
    pub fn futex_word(&self, offset: usize) -> Result<*const u32> {
        let error = Error::new(libc::EINVAL, "futex");
        if offset >= self.length {
            return Err(error);
        }
        let mapping = match &self.words {
            Words::Here => self,
            Words::In(words) => words,
            Words::Nowhere => return Err(error),
        };
        Ok(mapping.address.as_ptr().wrapping_add(offset).cast::<u32>().cast_const())
    }

    /// Unmaps the memory: `munmap(address, length)`.
    ///
    /// # Errors
    /// `ENOMEM`: the process has the maximum number of mappings. The memory then stays mapped.
    pub fn munmap(mut self) -> Result<()> {
        self.words = Words::Here;
        let (address, mapped) = (self.address, self.mapped);
        std::mem::forget(self);
        // SAFETY: it was this mapping's own range.
        unsafe { munmap(address, mapped) }
    }

    /// Gives the memory back and keeps the address range: zeros are there from then on, and what is
    /// written there stays in this process. For a mapping that somebody may still use.
    ///
    /// If there is no room for that, the file stays mapped.
    pub fn abandon(mut self) {
        self.words = Words::Here;
        let (address, mapped) = (self.address.as_ptr().cast(), self.mapped);
        std::mem::forget(self);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | NO_RESERVE | libc::MAP_FIXED;
        // SAFETY: it was this mapping's own range, in which there is memory at every moment.
        unsafe { libc::mmap(address, mapped, protection, flags, -1, 0) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it is this mapping's own range.
        let _ = unsafe { munmap(self.address, self.mapped) };
    }
}

fn forbid_shrinking(fd: BorrowedFd<'_>) -> Result<()> {
    let forbid = || match get_seals(fd)? & F_SEAL_SHRINK {
        0 => add_seals(fd, F_SEAL_SHRINK),
        _ => Ok(()),
    };
    forbid().map_err(|error: Error| match error.errno() {
        libc::EINVAL | libc::EPERM | libc::ENOSYS => error.because(Reason::MayShrink),
        _ => error,
    })
}

/// Returns the length of a mapping, and the length rounded up to whole pages.
fn range(options: &MapOptions, size: u64, page: usize) -> Result<(usize, usize)> {
    let invalid = Error::new(libc::EINVAL, "mmap");
    if size == 0 {
        return Err(invalid.because(Reason::Empty));
    }
    let left = size.saturating_sub(options.offset);
    let length = options.length.unwrap_or(left);
    if length > left || left == 0 {
        return Err(invalid.because(Reason::BeyondEnd(size)));
    }
    let length = usize::try_from(length).ok().filter(|&length| length > 0);
    let mapped = |length: usize| Some((length, length.checked_next_multiple_of(page)?));
    length.and_then(mapped).ok_or(invalid)
}

/// Adds the reason why a file could not be mapped, whose pages have this size.
fn explain(error: Error, page: usize) -> Error {
    let is_huge = page > page_size();
    let reason = match error.errno() {
        libc::EACCES => Reason::AccessMode,
        libc::ENODEV => Reason::NotMappable,
        libc::EPERM => Reason::WriteSealed,
        libc::EINVAL if is_huge => Reason::HugePageOffset,
        libc::ENOMEM if is_huge => Reason::TooFewHugePages,
        _ => return error,
    };
    error.because(reason)
}

/// # Safety
/// Nothing in the range may be used any more.
unsafe fn munmap(address: NonNull<u8>, length: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    match unsafe { libc::munmap(address.as_ptr().cast(), length) } {
        0 => Ok(()),
        _ => Err(Error::last("munmap")),
    }
}

/// The mapping for [`Words::In`]. Its descriptor must not be open for writing, or else the mapping
/// would count as one that can write, and `F_SEAL_WRITE` would be `EBUSY`.
fn map_words(fd: BorrowedFd<'_>, offset: u64, length: usize, mapped: usize) -> Result<Mapping> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use std::os::fd::AsFd;
    let map = |fd: BorrowedFd<'_>| {
        let address = sys_mmap(fd, offset, mapped, libc::PROT_READ, libc::MAP_SHARED)?;
        Ok(Mapping { address, length, mapped, words: Words::Here })
    };
    let flags = retry("fcntl", || fcntl(fd, FcntlArg::F_GETFL))?;
    if flags & libc::O_ACCMODE == libc::O_RDONLY {
        return map(fd);
    }
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let reader =
        retry("open", || nix::fcntl::open(path.as_str(), flags, nix::sys::stat::Mode::empty()))?;
    map(reader.as_fd())
}

/// `getpagesize()`: the bytes of a page of memory, as mappings count them.
///
/// ```
/// assert!(fdkit::memory::mapping::page_size().is_power_of_two());
/// ```
#[must_use]
pub fn page_size() -> usize {
    // SAFETY: it only answers a question.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

fn sys_mmap(
    fd: BorrowedFd<'_>,
    offset: u64,
    length: usize,
    protection: i32,
    flags: i32,
) -> Result<NonNull<u8>> {
    let error = |errno| Error::new(errno, "mmap");
    let offset = libc::off_t::try_from(offset).map_err(|_| error(libc::EINVAL))?;
    // SAFETY: a new mapping, where the kernel finds room; nothing that is there is replaced.
    let address =
        unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, fd.as_raw_fd(), offset) };
    if address == libc::MAP_FAILED {
        return Err(Error::last("mmap"));
    }
    NonNull::new(address.cast()).ok_or(error(libc::ENOMEM))
}

fn is_write_sealed(fd: BorrowedFd<'_>) -> bool {
    get_seals(fd).is_ok_and(|seals| seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) != 0)
}

/// Returns the size of a file, and the size of the pages in which it is mapped.
pub(crate) fn size_and_page(fd: BorrowedFd<'_>) -> Result<(u64, usize)> {
    let stat = retry("fstat", || nix::sys::stat::fstat(fd))?;
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(Error::new(libc::ENODEV, "mmap").because(Reason::NotMappable));
    }
    let (size, page) = (u64::try_from(stat.st_size).unwrap_or(0), page_size());
    let block = usize::try_from(stat.st_blksize).unwrap_or(page);
    // Other file systems, too, have blocks of more than a page.
    if block > page && is_in_huge_pages(fd)? { Ok((size, block)) } else { Ok((size, page)) }
}
