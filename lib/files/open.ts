// Opening, with flags and modes as node:fs takes them.
import { constants } from 'node:fs'

import { auditEvent } from '../runtime/audit.js'
import { now, type FdCall } from '../runtime/call.js'
import { invalidArgValue } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import {
  optional,
  validateBits,
  validateFd,
  validateInteger,
  validateOptions,
  validatePath,
  type DirFdOptions,
  type PathLike,
} from '../runtime/validate.js'

/** Options of {@link open}. */
export interface OpenOptions extends DirFdOptions {
  /** Permissions of a file that gets made, less the umask; 0o666 by default. */
  mode?: number | string | undefined
  /** Where the path may lead: `RESOLVE_*`, or-ed (Linux 5.6). */
  resolve?: number | undefined
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants

// Letters may stand in any of the orders that node:fs allows.
const named = new Map<string, number>(
  [
    [O_RDONLY, 'r'],
    [O_RDONLY | O_SYNC, 'rs', 'sr'],
    [O_RDWR, 'r+'],
    [O_RDWR | O_SYNC, 'rs+', 'sr+'],
    [O_TRUNC | O_CREAT | O_WRONLY, 'w'],
    [O_TRUNC | O_CREAT | O_WRONLY | O_EXCL, 'wx', 'xw'],
    [O_TRUNC | O_CREAT | O_RDWR, 'w+'],
    [O_TRUNC | O_CREAT | O_RDWR | O_EXCL, 'wx+', 'xw+'],
    [O_APPEND | O_CREAT | O_WRONLY, 'a'],
    [O_APPEND | O_CREAT | O_WRONLY | O_EXCL, 'ax', 'xa'],
    [O_APPEND | O_CREAT | O_WRONLY | O_SYNC, 'as', 'sa'],
    [O_APPEND | O_CREAT | O_RDWR, 'a+'],
    [O_APPEND | O_CREAT | O_RDWR | O_EXCL, 'ax+', 'xa+'],
    [O_APPEND | O_CREAT | O_RDWR | O_SYNC, 'as+', 'sa+'],
  ].flatMap(([bits, ...names]) => names.map((name) => [name as string, bits as number] as const)),
)

export function parseFlags(flags: unknown): number {
  if (typeof flags === 'number') return validateInteger(flags, 'flags', -(2 ** 31), 2 ** 31 - 1)
  const bits = named.get(flags as string)
  if (bits === undefined) throw invalidArgValue('flags', 'is invalid', flags)
  return bits
}

export function parseMode(mode: unknown, name: string): number {
  if (typeof mode !== 'string') return validateInteger(mode, name, 0, 2 ** 32 - 1)
  if (!/^[0-7]+$/.test(mode)) {
    const reason = 'must be a 32-bit unsigned integer or an octal string'
    throw invalidArgValue(name, reason, mode)
  }
  return validateInteger(Number.parseInt(mode, 8), name, 0, 2 ** 32 - 1)
}

const auditOpen = auditEvent('open', 'path', 'mode', 'flags')

export function openCall(
  path: PathLike,
  flags: number | string = 'r',
  options?: OpenOptions,
): FdCall {
  const checked = validatePath(path)
  const bits = parseFlags(flags)
  const given = validateOptions(options)
  const mode = optional(parseMode, given.mode, 'mode') ?? 0o666
  const dirFd = optional(validateFd, given.dirFd, 'dirFd')
  const resolve = optional(validateBits, given.resolve, 'resolve')
  auditOpen(path, undefined, bits)
  return {
    make: (later) => native.openat(later, dirFd, checked, bits, mode, resolve),
    path: checked,
  }
}

/**
 * Opens a file or a directory: the number of its descriptor, which the caller owns and closes
 * with `fs.closeSync`. As in Python it is never inherited by child processes.
 *
 * @param flags as in `fs.open`: `'r'`, `'wx+'` …, or `O_*` numbers or-ed
 * @throws `ENOENT`, `EACCES`, `EEXIST`, `ELOOP`, `EMFILE` …, as open(2) says; `ENOTDIR`: `dirFd`
 * is no directory; `EBADF`: `dirFd` is not open. With `resolve` also `EXDEV`: the path leaves what
 * it is confined to; `ELOOP`: a link that is forbidden; `EAGAIN`: something on the way was renamed
 * each of 64 times, or is not in the cache with `RESOLVE_CACHED`; `ENOSYS`: not Linux 5.6 or
 * later, or hidden by a seccomp filter. It never opens with less than was asked for.
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
 * @example A path that a user gave, in a directory that it must not leave
 * ```ts
 * import { constants } from 'node:fs'
 * import { open, RESOLVE_BENEATH } from 'fdkit'
 *
 * const dirFd = open('config', constants.O_DIRECTORY)
 * open('../../etc/passwd', 'r', { dirFd, resolve: RESOLVE_BENEATH }) // throws: EXDEV
 * ```
 */
export function open(path: PathLike, flags: number | string = 'r', options?: OpenOptions): number {
  return now(openCall(path, flags, options))
}
