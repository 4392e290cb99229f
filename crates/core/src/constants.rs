//! Numbers of the Linux interface under their C names. They are the same on every platform.
//!
//! Sources: memfd_create(2), fcntl(2), openat2(2), rename(2), `linux/memfd.h`, `linux/fcntl.h`,
//! `linux/openat2.h`, `linux/fs.h`, statvfs(3), `linux/statfs.h`.

/// Child processes do not inherit the descriptor.
pub const MFD_CLOEXEC: u32 = 1;
/// Seals may be added to the file.
pub const MFD_ALLOW_SEALING: u32 = 2;
/// The file lives in huge pages. Combine it with one of the `MFD_HUGE_*` sizes; without one, the
/// pages have the default size.
pub const MFD_HUGETLB: u32 = 4;
/// The file is not executable and can never become so. It implies `MFD_ALLOW_SEALING` (Linux 6.3).
pub const MFD_NOEXEC_SEAL: u32 = 8;
/// The file is executable (Linux 6.3).
pub const MFD_EXEC: u32 = 0x10;
/// The position of the base-2 logarithm of the huge-page size in the flags.
pub const MFD_HUGE_SHIFT: u32 = 26;
/// The mask for that logarithm, after the shift.
pub const MFD_HUGE_MASK: u32 = 0x3f;
/// Huge pages of 64 KB.
pub const MFD_HUGE_64KB: u32 = 16 << MFD_HUGE_SHIFT;
/// Huge pages of 512 KB.
pub const MFD_HUGE_512KB: u32 = 19 << MFD_HUGE_SHIFT;
/// Huge pages of 1 MB.
pub const MFD_HUGE_1MB: u32 = 20 << MFD_HUGE_SHIFT;
/// Huge pages of 2 MB.
pub const MFD_HUGE_2MB: u32 = 21 << MFD_HUGE_SHIFT;
/// Huge pages of 8 MB.
pub const MFD_HUGE_8MB: u32 = 23 << MFD_HUGE_SHIFT;
/// Huge pages of 16 MB.
pub const MFD_HUGE_16MB: u32 = 24 << MFD_HUGE_SHIFT;
/// Huge pages of 32 MB.
pub const MFD_HUGE_32MB: u32 = 25 << MFD_HUGE_SHIFT;
/// Huge pages of 256 MB.
pub const MFD_HUGE_256MB: u32 = 28 << MFD_HUGE_SHIFT;
/// Huge pages of 512 MB.
pub const MFD_HUGE_512MB: u32 = 29 << MFD_HUGE_SHIFT;
/// Huge pages of 1 GB.
pub const MFD_HUGE_1GB: u32 = 30 << MFD_HUGE_SHIFT;
/// Huge pages of 2 GB.
pub const MFD_HUGE_2GB: u32 = 31 << MFD_HUGE_SHIFT;
/// Huge pages of 16 GB.
pub const MFD_HUGE_16GB: u32 = 34 << MFD_HUGE_SHIFT;
/// No more seals can be added.
pub const F_SEAL_SEAL: u32 = 1;
/// The file cannot shrink.
pub const F_SEAL_SHRINK: u32 = 2;
/// The file cannot grow.
pub const F_SEAL_GROW: u32 = 4;
/// The contents cannot change.
pub const F_SEAL_WRITE: u32 = 8;
/// No new writes and no new writable mappings are allowed. Existing mappings stay writable (Linux
/// 5.1).
pub const F_SEAL_FUTURE_WRITE: u32 = 0x10;
/// The execute bits of the mode cannot change (Linux 6.3).
pub const F_SEAL_EXEC: u32 = 0x20;
/// The path must not cross into another mount.
pub const RESOLVE_NO_XDEV: u64 = 1;
/// The path must not go through links such as `/proc/<pid>/fd/<n>`.
pub const RESOLVE_NO_MAGICLINKS: u64 = 2;
/// The path must not contain symbolic links, in any component.
pub const RESOLVE_NO_SYMLINKS: u64 = 4;
/// The path must stay below the directory that it starts from. A path that leaves it fails with
/// `EXDEV`.
pub const RESOLVE_BENEATH: u64 = 8;
/// The directory that the path starts from is `/` for the path and for every symbolic link in it.
pub const RESOLVE_IN_ROOT: u64 = 0x10;
/// The path is resolved from the kernel's cache only. If that is impossible, the call fails with
/// `EAGAIN` (Linux 5.12).
pub const RESOLVE_CACHED: u64 = 0x20;
/// The message is received and stays in the queue.
pub const MSG_PEEK: i32 = 2;
/// The message had more descriptors than there was room for. The kernel has closed the others.
pub const MSG_CTRUNC: i32 = 8;
/// As a result: the message was longer than the buffer, and the rest is lost.
pub const MSG_TRUNC: i32 = 0x20;
/// The call fails with `EAGAIN` instead of waiting.
pub const MSG_DONTWAIT: i32 = 0x40;
/// The end of a record, on a socket that has records.
pub const MSG_EOR: i32 = 0x80;
/// The call waits until the buffer is full.
pub const MSG_WAITALL: i32 = 0x100;
/// The call fails with `EEXIST` if the new name exists.
pub const RENAME_NOREPLACE: u32 = 1;
/// The two names are exchanged atomically. Both must exist.
pub const RENAME_EXCHANGE: u32 = 2;
/// The file system is mounted read-only.
pub const ST_RDONLY: u64 = 1;
/// Programs are run without the set-user-ID and set-group-ID bits of their files.
pub const ST_NOSUID: u64 = 2;
/// Device files cannot be opened.
pub const ST_NODEV: u64 = 4;
/// Programs cannot be run.
pub const ST_NOEXEC: u64 = 8;
/// Writes are synchronous.
pub const ST_SYNCHRONOUS: u64 = 0x10;
/// Mandatory locks are supported. Linux 5.15 removed them.
pub const ST_MANDLOCK: u64 = 0x40;
/// Times of last access are not updated.
pub const ST_NOATIME: u64 = 0x400;
/// Times of last access of directories are not updated.
pub const ST_NODIRATIME: u64 = 0x800;
/// Times of last access are updated only if they are older than the last change, or than a day.
pub const ST_RELATIME: u64 = 0x1000;
