// The attributes of a file: its permissions and its owner.
import type { Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  refuseOptions,
  validateBoolean,
  validateFd,
  validateInteger,
  validateTarget,
  type FdLike,
  type FollowOptions,
  type PathLike,
} from '../runtime/validate.js'
import { auditChmod, auditChown, auditDirFd, auditPath } from './audit-events.js'
import { parseMode } from './open.js'

const readChmod = optionsOf('chmod', { dirFd: validateFd, followSymlinks: validateBoolean })

/**
 * Sets the permissions of a file.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`: the file belongs to another user; `ENOTSUP` with `followSymlinks: false`: the
 * path is a symbolic link, which has no permissions on Linux, or Linux is older than 6.6; `ENOENT`,
 * `EROFS` and the other errors of chmod(2)
 * @see https://docs.python.org/3/library/os.html#os.chmod
 * @example
 * ```ts
 * import { chmod, fwalk } from 'fdkit'
 *
 * const onerror = (error: Error) => { throw error }
 * for (const [, , filenames, dirFd] of fwalk('config', { onerror })) {
 *   for (const name of filenames) chmod(name, 0o600, { dirFd })
 * }
 * ```
 */
export const chmod = operation(
  'chmod',
  (path: PathLike | FdLike, mode: number | string, options?: FollowOptions): Call<void> => {
    const given = readChmod(options)
    const { path: checked, fd, followSymlinks } = validateTarget(path, given.dirFd, given.followSymlinks)
    refuseOptions(readChmod, 'mode', 'of type number', mode)
    const bits = parseMode(mode, 'mode')
    auditChmod(auditPath(path, checked, fd), bits, auditDirFd(checked, fd))
    return {
      make: (later) => native.fchmodat2(later, fd, checked, bits, followSymlinks),
      caller: 'chmod',
      path: checked,
      dirFd: fd,
    }
  },
)

const readChown = optionsOf('chown', { dirFd: validateFd, followSymlinks: validateBoolean })

const MAX_ID = 2 ** 32 - 1

// -1 means "unchanged", as in the kernel. The kernel also accepts it as an unsigned number.
export function validateId(value: unknown, name: string): number | undefined {
  refuseOptions(readChown, name, 'of type number', value)
  const id = validateInteger(value, name, -1, MAX_ID)
  return id === -1 || id === MAX_ID ? undefined : id
}

/**
 * Sets the owner and the group of a file. -1 leaves either of them unchanged.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`, `ENOENT`, `EROFS` and the other errors of chown(2)
 * @see https://docs.python.org/3/library/os.html#os.chown
 * @example
 * ```ts
 * import { chown } from 'fdkit'
 *
 * chown('config', -1, process.getgid!())
 * ```
 */
export const chown = operation(
  'chown',
  (path: PathLike | FdLike, uid: number, gid: number, options?: FollowOptions): Call<void> => {
    const given = readChown(options)
    const { path: checked, fd, followSymlinks } = validateTarget(path, given.dirFd, given.followSymlinks)
    const user = validateId(uid, 'uid')
    const group = validateId(gid, 'gid')
    auditChown(auditPath(path, checked, fd), uid, gid, auditDirFd(checked, fd))
    return {
      make: (later) => native.fchownat(later, fd, checked, user, group, followSymlinks),
      caller: 'chown',
      path: checked,
      dirFd: fd,
    }
  },
)
