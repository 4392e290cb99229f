// The audit events of the functions that act on names and attributes, as Python has them.
import { auditEvent } from '../runtime/audit.js'
import { NO_DIR_FD } from '../runtime/call.js'
import type { Name } from '../runtime/error.js'
import type { FdLike, PathLike } from '../runtime/validate.js'

export const auditChmod = auditEvent('os.chmod', 'path', 'mode', 'dirFd')
export const auditChown = auditEvent('os.chown', 'path', 'uid', 'gid', 'dirFd')
export const auditLink = auditEvent('os.link', 'src', 'dst', 'srcDirFd', 'dstDirFd')
export const auditMkdir = auditEvent('os.mkdir', 'path', 'mode', 'dirFd')
export const auditRemove = auditEvent('os.remove', 'path', 'dirFd')
export const auditRename = auditEvent('os.rename', 'src', 'dst', 'srcDirFd', 'dstDirFd')
export const auditRmdir = auditEvent('os.rmdir', 'path', 'dirFd')
export const auditSymlink = auditEvent('os.symlink', 'src', 'dst', 'dirFd')
export const auditUtime = auditEvent('os.utime', 'path', 'times', 'ns', 'dirFd')

/** The descriptors of two directories, if they were given. */
export interface Ends {
  readonly srcDirFd?: number | undefined
  readonly dstDirFd?: number | undefined
}

/** Returns the descriptors of two directories for an event. */
export const auditEnds = ({ srcDirFd = NO_DIR_FD, dstDirFd = NO_DIR_FD }: Ends) =>
  [srcDirFd, dstDirFd] as const

/**
 * Returns the path for an event. If a descriptor stands in place of the path, hooks get its number,
 * even if it was given as an object.
 */
export const auditPath = (path: PathLike | FdLike, checked: Name | undefined, fd: number | undefined) =>
  (checked === undefined ? fd : path) as PathLike | number

/** Returns `dirFd` for an event. A descriptor in place of the path is not a `dir_fd`. */
export const auditDirFd = (path: unknown, fd: number | undefined) =>
  path === undefined ? NO_DIR_FD : (fd ?? NO_DIR_FD)
