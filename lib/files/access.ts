// Checks whether a file exists and may be accessed.
import { F_OK } from '../constants.js'
import type { Call } from '../runtime/call.js'
import { isFailure, type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  refuseOptions,
  validateBoolean,
  validateFd,
  validateInteger,
  validatePath,
  type Caller,
  type FollowOptions,
  type PathLike,
} from '../runtime/validate.js'

/** Options of {@link access} and {@link canAccess}. */
export interface AccessOptions extends FollowOptions {
  /**
   * Whether to check with the effective user and group ids instead of the real ones; `false` by
   * default.
   */
  effectiveIds?: boolean | undefined
}

const accessOptions = (caller: string) =>
  optionsOf(caller, { dirFd: validateFd, effectiveIds: validateBoolean, followSymlinks: validateBoolean })
const readAccess = accessOptions('access')
const readCanAccess = accessOptions('canAccess')
const readExists = optionsOf('exists', { dirFd: validateFd, followSymlinks: validateBoolean })

function validateAccessMode(mode: unknown, caller: Caller): number {
  refuseOptions(caller, 'mode', 'of type number', mode)
  return validateInteger(mode, 'mode', 0, 7)
}

function answering(
  caller: string,
  dirFd: number | undefined,
  path: Name,
  bits: number,
  effectiveIds: boolean,
  followSymlinks: boolean,
): Call<boolean> {
  const answer = (result: unknown) => !isFailure(result) && result === true
  return {
    make: (later) => {
      const result = native.faccessat2(later, dirFd, path, bits, effectiveIds, followSymlinks, true)
      return later ? (result as Promise<unknown>).then(answer) : answer(result)
    },
    caller,
  }
}

/**
 * Checks whether this process may access a file as `mode` says, and throws if it may not. The
 * answer can change before you act on it. If that matters, try the operation itself.
 *
 * Like `fs.accessSync` and unlike Python's `os.access`, it throws. {@link canAccess} returns a
 * boolean.
 *
 * @param mode `F_OK` (the file exists, the default), or `R_OK`, `W_OK` and `X_OK` or-ed
 * @throws `EACCES`: access is denied; `ENOENT`, `ENOTDIR`, `ELOOP`: the path leads to no file;
 * `EROFS`: `W_OK` on a read-only file system; `EPERM`: `W_OK` on an immutable file; `EBADF`:
 * `dirFd` is not open; and the other errors of access(2)
 * @see https://nodejs.org/api/fs.html#fsaccesssyncpath-mode
 * @see https://man7.org/linux/man-pages/man2/access.2.html
 * @example
 * ```ts
 * import { access, R_OK } from 'fdkit'
 *
 * access('config/app.json', R_OK)
 * access('no/such/file') // throws: ENOENT
 * ```
 */
export const access = operation(
  'access',
  (path: PathLike, mode: number = F_OK, options?: AccessOptions): Call<void> => {
    const checked = validatePath(path)
    const bits = validateAccessMode(mode, readAccess)
    const { dirFd, effectiveIds = false, followSymlinks = true } = readAccess(options)
    return {
      make: (later) =>
        native.faccessat2(later, dirFd, checked, bits, effectiveIds, followSymlinks, false) as undefined,
      caller: 'access',
      path: checked,
      dirFd,
    }
  },
)

/**
 * Returns whether this process may access a file as `mode` says. The answer can change before you
 * act on it. If that matters, try the operation itself.
 *
 * Like Python's `os.access`, it returns `false` for any reason, even if `dirFd` is not open. It
 * throws only if an argument is invalid. {@link access} throws the reason.
 *
 * @param mode `F_OK` (the file exists, the default), or `R_OK`, `W_OK` and `X_OK` or-ed
 * @throws `ENOSYS`: this platform is not supported
 * @see https://docs.python.org/3/library/os.html#os.access
 * @example
 * ```ts
 * import { canAccess, R_OK } from 'fdkit'
 *
 * canAccess('config/app.json', R_OK) // true
 * canAccess('no/such/file') // false
 * ```
 */
export const canAccess = operation(
  'canAccess',
  (path: PathLike, mode: number = F_OK, options?: AccessOptions): Call<boolean> => {
    const checked = validatePath(path)
    const bits = validateAccessMode(mode, readCanAccess)
    const { dirFd, effectiveIds = false, followSymlinks = true } = readCanAccess(options)
    return answering('canAccess', dirFd, checked, bits, effectiveIds, followSymlinks)
  },
)

/**
 * Returns whether a path leads to a file of any type. It returns `false` for a symbolic link whose
 * target does not exist, unless `followSymlinks` is `false`.
 *
 * Like `fs.existsSync` and Python's `os.path.exists`, it also returns `false` if the file cannot be
 * reached, for example because a directory on the way may not be searched. Unlike both, it throws
 * if an argument is invalid.
 *
 * @throws `ENOSYS`: this platform is not supported
 * @see https://docs.python.org/3/library/os.path.html#os.path.exists
 * @example
 * ```ts
 * import { constants } from 'node:fs'
 * import { exists, open } from 'fdkit'
 *
 * const dirFd = open('config', constants.O_DIRECTORY)
 * exists('app.json', { dirFd }) // true
 * exists('no-such-file', { dirFd }) // false
 * ```
 */
export const exists = operation('exists', (path: PathLike, options?: FollowOptions): Call<boolean> => {
  const checked = validatePath(path, 'path', readExists)
  const { dirFd, followSymlinks = true } = readExists(options)
  return answering('exists', dirFd, checked, F_OK, false, followSymlinks)
})
