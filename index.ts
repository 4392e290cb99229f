/**
 * Python's `os.fwalk`, `os.memfd_create` and `dir_fd` for Node.js.
 *
 * @packageDocumentation
 */
export { mkdir, mkfifo, mknod } from './lib/files/make.js'
export { link, readlink, symlink, type LinkOptions } from './lib/files/links.js'
export { rename, replace, type RenameOptions, type TwoDirFdOptions } from './lib/files/rename.js'
export { rmdir, unlink } from './lib/files/remove.js'
export { access, canAccess, exists, type AccessOptions } from './lib/files/access.js'
export { chmod, chown } from './lib/files/attributes.js'
export { utime, UTIME_NOW, UTIME_OMIT, type UtimeOptions } from './lib/files/times.js'
export type { SystemError } from './lib/runtime/error.js'
export { addAuditHook, type AuditEvents, type AuditHook } from './lib/runtime/audit.js'
export * from './lib/constants.js'
export type { Contents } from './lib/memory/contents.js'
export { copyFrom } from './lib/memory/copy.js'
export { dup, getInheritable, setInheritable } from './lib/files/descriptors.js'
export { futexWait, futexWake, type FutexResult } from './lib/memory/futex.js'
export {
  fwalk,
  type FwalkEntry,
  type FwalkIterator,
  type FwalkOptions,
  type FwalkStats,
  type FwalkStatsEntry,
} from './lib/tree/fwalk.js'
export {
  diskUsage,
  type DiskUsage,
  type DiskUsageOptions,
  type LargestDirectory,
  type TreeSize,
} from './lib/tree/disk-usage.js'
export {
  recvFds,
  sendFds,
  socketpair,
  type FdsOptions,
  type ReceivedFds,
  type SocketType,
} from './lib/ipc/message.js'
export { pidfdGetfd, pidfdOpen } from './lib/ipc/pidfd.js'
export { listdir } from './lib/files/listing.js'
export {
  getpagesize,
  mmap,
  mmapShared,
  munmap,
  supportsSharedMapping,
  type MmapOptions,
  type MmapSharedOptions,
} from './lib/memory/mapping.js'
export { Memfd, type MemfdBlobOptions } from './lib/memory/memfd-class.js'
export type { Seal } from './lib/memory/seal-names.js'
export type { MemfdOptions } from './lib/memory/memfd-create.js'
export type { SyncContents } from './lib/memory/chunks.js'
export { addSeals, getSeals, memfdCreate } from './lib/memory/memfd.js'
export { hugePageSizes } from './lib/memory/huge-pages.js'
export { open, type OpenOptions } from './lib/files/open.js'
export { openRoot, Root, type OpenFile } from './lib/root/root.js'
export type { Dirent } from './lib/root/dirent.js'
export type { TimeLike } from './lib/root/calls.js'
export type {
  AppendFileOptions,
  BufferNameOptions,
  EncodingOptions,
  MkdirOptions,
  NameEncoding,
  NameOptions,
  ReaddirOptions,
  ReadFileOptions,
  RmOptions,
  RootFwalkOptions,
  RootOpenOptions,
  RootOptions,
  RootRenameOptions,
  RootStatOptions,
  RootStatSyncOptions,
  StringNameOptions,
  WriteFileOptions,
} from './lib/root/options.js'
export { rmtree, type RmtreeOptions } from './lib/tree/rmtree.js'
export {
  scandir,
  type DirEntry,
  type DirEntryOptions,
  type DirEntryStatOptions,
} from './lib/files/scandir.js'
export { statAll, type StatAllOptions } from './lib/files/stat-all.js'
export { lstat, stat, type LstatOptions, type StatOptions } from './lib/files/stat.js'
export { statvfs, type StatvfsOptions, type StatvfsResult } from './lib/files/statvfs.js'
export { supportsDirFd, supportsFd, supportsFollowSymlinks } from './lib/supports.js'
export type { DirFdOptions, FdLike, FollowOptions, PathLike } from './lib/runtime/validate.js'
