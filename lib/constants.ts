// Numbers of the Linux interface, under their C names, the same on every platform.

/** Children do not inherit the descriptor. */
export const MFD_CLOEXEC = 1
/** Seals may be added. */
export const MFD_ALLOW_SEALING = 2
/** The file lives in huge pages; or-ed with one of the `MFD_HUGE_*` sizes, else of the default size. */
export const MFD_HUGETLB = 4
/** Not executable, and sealed so; implies `MFD_ALLOW_SEALING` (Linux 6.3). */
export const MFD_NOEXEC_SEAL = 8
/** Executable (Linux 6.3). */
export const MFD_EXEC = 0x10
/** Where the base-2 logarithm of the huge-page size stands in the flags. */
export const MFD_HUGE_SHIFT = 26
/** The bits of that logarithm. */
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
/** No further seals. */
export const F_SEAL_SEAL = 1
/** The file never gets smaller. */
export const F_SEAL_SHRINK = 2
/** The file never gets larger. */
export const F_SEAL_GROW = 4
/** The contents never change. */
export const F_SEAL_WRITE = 8
/** No new writes or writable mappings; those that live stay (Linux 5.1). */
export const F_SEAL_FUTURE_WRITE = 0x10
/** The execute bits of the mode never change (Linux 6.3). */
export const F_SEAL_EXEC = 0x20
/** Never crosses into another mount. */
export const RESOLVE_NO_XDEV = 1
/** No links of the kind of `/proc/<pid>/fd/<n>`. */
export const RESOLVE_NO_MAGICLINKS = 2
/** No symbolic links at all, anywhere in the path. */
export const RESOLVE_NO_SYMLINKS = 4
/** Stays below the directory it starts from; what leads out is `EXDEV`. */
export const RESOLVE_BENEATH = 8
/** The directory it starts from is `/` for the path and all links in it. */
export const RESOLVE_IN_ROOT = 0x10
/** Only what the kernel has in its cache; else `EAGAIN` (Linux 5.12). */
export const RESOLVE_CACHED = 0x20
/** `EEXIST` where the new name is there already. */
export const RENAME_NOREPLACE = 1
/** The two names change places; both must be there. */
export const RENAME_EXCHANGE = 2
/** For {@link access}: the file is there. */
export const F_OK = 0
/** For {@link access}: it may be executed, or searched. */
export const X_OK = 1
/** For {@link access}: it may be written. */
export const W_OK = 2
/** For {@link access}: it may be read. */
export const R_OK = 4
