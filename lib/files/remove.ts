// Removing names and empty directories relative to an open directory.
import { NO_DIR_FD, type Call } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import { validateFd, validatePath, type DirFdOptions, type PathLike } from '../runtime/validate.js'
import { auditRemove, auditRmdir } from './audit-events.js'

const readUnlink = optionsOf('unlink', { dirFd: validateFd })
const readRmdir = optionsOf('rmdir', { dirFd: validateFd })

/**
 * Removes a name that is not a directory.
 *
 * @throws `EISDIR` (`EPERM` on macOS): the path is a directory; `EBADF`: `dirFd` is not open;
 * `ENOENT`, `EACCES`, `EBUSY` and the other errors of unlink(2)
 * @see https://docs.python.org/3/library/os.html#os.unlink
 * @example
 * ```ts
 * import { fwalk, unlink } from 'fdkit'
 *
 * const onerror = (error: Error) => { throw error }
 * for (const [, , filenames, dirFd] of fwalk('cache', { onerror })) {
 *   for (const name of filenames) if (name.endsWith('.tmp')) unlink(name, { dirFd })
 * }
 * ```
 */
export const unlink = operation('unlink', (path: PathLike, options?: DirFdOptions): Call<void> => {
  const checked = validatePath(path)
  const { dirFd } = readUnlink(options)
  auditRemove(path, dirFd ?? NO_DIR_FD)
  return {
    make: (later) => native.unlinkat(later, dirFd, checked, false),
    caller: 'unlink',
    path: checked,
    dirFd,
  }
})

/**
 * Removes an empty directory.
 *
 * @throws `EINVAL`: the path ends in `.`; `EBADF`: `dirFd` is not open; `ENOENT`, `ENOTDIR`,
 * `ENOTEMPTY`, `EACCES`, `EBUSY` and the other errors of rmdir(2)
 * @see https://docs.python.org/3/library/os.html#os.rmdir
 * @example
 * ```ts
 * import { fwalk, lstat, rmdir, unlink } from 'fdkit'
 *
 * // Removes everything below build, but not build itself.
 * const onerror = (error: Error) => { throw error }
 * for (const [, dirnames, filenames, dirFd] of fwalk('build', { topdown: false, onerror })) {
 *   for (const name of filenames) unlink(name, { dirFd })
 *   for (const name of dirnames) {
 *     // dirnames has links to directories, too, and rmdir refuses them.
 *     if (lstat(name, { dirFd }).isSymbolicLink()) unlink(name, { dirFd })
 *     else rmdir(name, { dirFd })
 *   }
 * }
 * ```
 */
export const rmdir = operation('rmdir', (path: PathLike, options?: DirFdOptions): Call<void> => {
  const checked = validatePath(path)
  const { dirFd } = readRmdir(options)
  auditRmdir(path, dirFd ?? NO_DIR_FD)
  return {
    make: (later) => native.unlinkat(later, dirFd, checked, true),
    caller: 'rmdir',
    path: checked,
    dirFd,
  }
})
