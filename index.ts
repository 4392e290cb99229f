/**
 * Python's `os.fwalk`, `os.memfd_create` and `dir_fd` for Node.js.
 *
 * @packageDocumentation
 */
export { lstat, stat, type LstatOptions, type StatOptions } from './lib/stat.js'
export { open, rmdir, unlink, type DirFdOptions, type OpenOptions } from './lib/at.js'
export { addAuditHook, type AuditHook } from './lib/audit.js'
export * from './lib/constants.js'
export { dup, getInheritable, setInheritable } from './lib/fd.js'
export { fwalk, type FwalkEntry, type FwalkIterator, type FwalkOptions } from './lib/fwalk.js'
export { listdir } from './lib/listing.js'
export { addSeals, getSeals, memfdCreate } from './lib/memfd.js'
export type { PathLike } from './lib/validate.js'
