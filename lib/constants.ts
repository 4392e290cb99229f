// Numbers of the Linux interface under their C names. They are the same on every platform.

/** Child processes do not inherit the descriptor. */
export const MFD_CLOEXEC = 1
/** Seals may be added to the file. */
export const MFD_ALLOW_SEALING = 2
/**
 * The file lives in huge pages. Combine it with one of the `MFD_HUGE_*` sizes; without one, the pages
 * have the default size.
 */
export const MFD_HUGETLB = 4
/**
 * The file is not executable and can never become so. It implies `MFD_ALLOW_SEALING` (Linux 6.3).
 */
export const MFD_NOEXEC_SEAL = 8
/** The file is executable (Linux 6.3). */
export const MFD_EXEC = 0x10
/** The position of the base-2 logarithm of the huge-page size in the flags. */
export const MFD_HUGE_SHIFT = 26
/** The mask for that logarithm, after the shift. */
export const MFD_HUGE_MASK = 0x3f
/** Huge pages of 64 KB. */
export const MFD_HUGE_64KB = 0x40000000
/** Huge pages of 512 KB. */
export const MFD_HUGE_512KB = 0x4c000000
/** Huge pages of 1 MB. */
export const MFD_HUGE_1MB = 0x50000000
/** Huge pages of 2 MB. */
export const MFD_HUGE_2MB = 0x54000000
/** Huge pages of 8 MB. */
export const MFD_HUGE_8MB = 0x5c000000
/** Huge pages of 16 MB. */
export const MFD_HUGE_16MB = 0x60000000
/** Huge pages of 32 MB. */
export const MFD_HUGE_32MB = 0x64000000
/** Huge pages of 256 MB. */
export const MFD_HUGE_256MB = 0x70000000
/** Huge pages of 512 MB. */
export const MFD_HUGE_512MB = 0x74000000
/** Huge pages of 1 GB. */
export const MFD_HUGE_1GB = 0x78000000
/** Huge pages of 2 GB. */
export const MFD_HUGE_2GB = 0x7c000000
/** Huge pages of 16 GB. */
export const MFD_HUGE_16GB = 0x88000000
/** No more seals can be added. */
export const F_SEAL_SEAL = 1
/** The file cannot shrink. */
export const F_SEAL_SHRINK = 2
/** The file cannot grow. */
export const F_SEAL_GROW = 4
/** The contents cannot change. */
export const F_SEAL_WRITE = 8
/**
 * No new writes and no new writable mappings are allowed. Existing mappings stay writable (Linux
 * 5.1).
 */
export const F_SEAL_FUTURE_WRITE = 0x10
/** The execute bits of the mode cannot change (Linux 6.3). */
export const F_SEAL_EXEC = 0x20
/** The path must not cross into another mount. */
export const RESOLVE_NO_XDEV = 1
/** The path must not go through links such as `/proc/<pid>/fd/<n>`. */
export const RESOLVE_NO_MAGICLINKS = 2
/** The path must not contain symbolic links, in any component. */
export const RESOLVE_NO_SYMLINKS = 4
/**
 * The path must stay below the directory that it starts from. A path that leaves it fails with
 * `EXDEV`.
 */
export const RESOLVE_BENEATH = 8
/**
 * The directory that the path starts from is `/` for the path and for every symbolic link in it.
 */
export const RESOLVE_IN_ROOT = 0x10
/**
 * The path is resolved from the kernel's cache only. If that is impossible, the call fails with
 * `EAGAIN` (Linux 5.12).
 */
export const RESOLVE_CACHED = 0x20
/** {@link recvFds} leaves the message in the queue. The descriptors are duplicated. */
export const MSG_PEEK = 2
/** The message had more descriptors than there was room for. The kernel has closed the others. */
export const MSG_CTRUNC = 8
/** The message was longer than the buffer, and the rest is lost. */
export const MSG_TRUNC = 0x20
/** The call fails with `EAGAIN` instead of waiting. */
export const MSG_DONTWAIT = 0x40
/** The end of a record, on a socket of type `'seqpacket'`. */
export const MSG_EOR = 0x80
/** {@link recvFds} waits until it has received `size` bytes, a descriptor, or the end. */
export const MSG_WAITALL = 0x100
/** The call fails with `EEXIST` if the new name exists. */
export const RENAME_NOREPLACE = 1
/** The two names are exchanged atomically. Both must exist. */
export const RENAME_EXCHANGE = 2
/** For {@link access}: the file exists. */
export const F_OK = 0
/** For {@link access}: the file may be executed, or the directory searched. */
export const X_OK = 1
/** For {@link access}: the file may be written. */
export const W_OK = 2
/** For {@link access}: the file may be read. */
export const R_OK = 4
/** For {@link statvfs}: the file system is mounted read-only. */
export const ST_RDONLY = 1
/** For {@link statvfs}: programs are run without the set-user-ID and set-group-ID bits of their files. */
export const ST_NOSUID = 2
/** For {@link statvfs}: device files cannot be opened. */
export const ST_NODEV = 4
/** For {@link statvfs}: programs cannot be run. */
export const ST_NOEXEC = 8
/** For {@link statvfs}: writes are synchronous. */
export const ST_SYNCHRONOUS = 0x10
/** For {@link statvfs}: mandatory locks are supported. Linux 5.15 removed them. */
export const ST_MANDLOCK = 0x40
/** For {@link statvfs}: times of last access are not updated. */
export const ST_NOATIME = 0x400
/** For {@link statvfs}: times of last access of directories are not updated. */
export const ST_NODIRATIME = 0x800
/** For {@link statvfs}: times of last access are updated only if they are older than the last change, or than a day. */
export const ST_RELATIME = 0x1000
