/**
 * Python's `os.fwalk`, `os.memfd_create` and `dir_fd` for Node.js.
 *
 * @packageDocumentation
 */
export {
  link,
  mkdir,
  mkfifo,
  mknod,
  readlink,
  rename,
  replace,
  rmdir,
  symlink,
  unlink,
  type LinkOptions,
  type RenameOptions,
  type TwoDirFdOptions,
} from './lib/at.js'
export {
  access,
  chmod,
  chown,
  utime,
  UTIME_NOW,
  UTIME_OMIT,
  type AccessOptions,
  type UtimeOptions,
} from './lib/attr.js'
export { addAuditHook, type AuditHook } from './lib/audit.js'
export * from './lib/constants.js'
export type { Contents } from './lib/contents.js'
export { dup, getInheritable, setInheritable } from './lib/fd.js'
export {
  futexWait,
  futexWaitAsync,
  futexWake,
  type FutexResult,
  type FutexWaitAsyncOptions,
} from './lib/futex.js'
export { fwalk, type FwalkEntry, type FwalkIterator, type FwalkOptions } from './lib/fwalk.js'
export { listdir } from './lib/listing.js'
export {
  getpagesize,
  mmap,
  mmapShared,
  munmap,
  supportsSharedMapping,
  type MmapOptions,
  type MmapSharedOptions,
} from './lib/mapping.js'
export { Memfd, type MemfdOptions, type Seal } from './lib/memfd-class.js'
export { addSeals, getSeals, memfdCreate } from './lib/memfd.js'
export { hugePageSizes } from './lib/memory.js'
export { open, type OpenOptions } from './lib/open.js'
export { rmtree, type RmtreeOptions } from './lib/rmtree.js'
export { scandir, type DirEntry, type DirEntryOptions, type DirEntryStatOptions } from './lib/scandir.js'
export { lstat, stat, type LstatOptions, type StatOptions } from './lib/stat.js'
export { supportsDirFd, supportsFd, supportsFollowSymlinks } from './lib/supports.js'
export type { DirFdOptions, FollowOptions, PathLike } from './lib/validate.js'
