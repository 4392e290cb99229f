// Names relative to an open directory: opened and removed.
import { auditEvent } from './audit.js'
import { check } from './error.js'
import { native } from './native.js'
import { parseFlags, parseMode } from './open-flags.js'
import { optional, validateFd, validateOptions, validatePath, type PathLike } from './validate.js'

/** Where a relative path starts. */
export interface DirFdOptions {
  /** A descriptor of a directory, which a relative path starts from; else the working directory. */
  dirFd?: number | undefined
}

/** Options of {@link open}. */
export interface OpenOptions extends DirFdOptions {
  /** Permissions of a file that gets made, less the umask; 0o666 by default. */
  mode?: number | string | undefined
}

// Python's number for "no dir_fd" in the arguments of an event.
const NO_DIR_FD = -1

const auditOpen = auditEvent('open', 'path', 'mode', 'flags')
const auditRemove = auditEvent('os.remove', 'path', 'dirFd')
const auditRmdir = auditEvent('os.rmdir', 'path', 'dirFd')

/**
 * Opens a file or a directory: the number of its descriptor, which the caller owns and closes
 * with `fs.closeSync`. As in Python it is never inherited by child processes.
 *
 * @param flags as in `fs.open`: `'r'`, `'wx+'` …, or `O_*` numbers or-ed
 * @throws `ENOENT`, `EACCES`, `EEXIST`, `ELOOP`, `EMFILE` …, as open(2) says; `ENOTDIR`: `dirFd`
 * is no directory; `EBADF`: `dirFd` is not open
 * @see https://docs.python.org/3/library/os.html#os.open
 * @example
 * ```ts
 * import { closeSync, constants, readFileSync } from 'node:fs'
 * import { open } from 'fdkit'
 *
 * const dirFd = open('config', constants.O_DIRECTORY)
 * const fd = open('app.json', 'r', { dirFd }) // in that directory, whatever its path is by now
 * JSON.parse(readFileSync(fd, 'utf8'))
 * closeSync(fd)
 * closeSync(dirFd)
 * ```
 */
export function open(path: PathLike, flags: number | string = 'r', options?: OpenOptions): number {
  const checked = validatePath(path)
  const bits = parseFlags(flags)
  const given = validateOptions(options)
  const mode = optional(parseMode, given.mode, 'mode') ?? 0o666
  const dirFd = optional(validateFd, given.dirFd, 'dirFd')
  auditOpen(path, undefined, bits)
  return check(native.openat(dirFd, checked, bits, mode), checked)
}

/**
 * Removes a name that is not a directory's.
 *
 * @throws `ENOENT`, `EACCES`, `EBUSY` …, as unlink(2) says; `EISDIR` for a directory (`EPERM` on
 * macOS); `EBADF`: `dirFd` is not open
 * @see https://docs.python.org/3/library/os.html#os.unlink
 * @example
 * ```ts
 * import { fwalk, unlink } from 'fdkit'
 *
 * for (const [, , filenames, dirFd] of fwalk('cache')) {
 *   for (const name of filenames) if (name.endsWith('.tmp')) unlink(name, { dirFd })
 * }
 * ```
 */
export function unlink(path: PathLike, options?: DirFdOptions): void {
  const checked = validatePath(path)
  const dirFd = optional(validateFd, validateOptions(options).dirFd, 'dirFd')
  auditRemove(path, dirFd ?? NO_DIR_FD)
  check(native.unlinkat(dirFd, checked), checked)
}

/**
 * Removes an empty directory.
 *
 * @throws `ENOENT`, `ENOTDIR`, `ENOTEMPTY`, `EACCES`, `EBUSY` …, as rmdir(2) says; `EINVAL`: a
 * path that ends in `.`; `EBADF`: `dirFd` is not open
 * @see https://docs.python.org/3/library/os.html#os.rmdir
 * @example
 * ```ts
 * import { fwalk, rmdir, unlink } from 'fdkit'
 *
 * // Everything below build, and build stays.
 * for (const [, dirnames, filenames, dirFd] of fwalk('build', { topdown: false })) {
 *   for (const name of filenames) unlink(name, { dirFd })
 *   for (const name of dirnames) rmdir(name, { dirFd })
 * }
 * ```
 */
export function rmdir(path: PathLike, options?: DirFdOptions): void {
  const checked = validatePath(path)
  const dirFd = optional(validateFd, validateOptions(options).dirFd, 'dirFd')
  auditRmdir(path, dirFd ?? NO_DIR_FD)
  check(native.unlinkatRemovedir(dirFd, checked), checked)
}
