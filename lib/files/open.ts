// Opening files, with flags and modes as in node:fs.
import { constants } from 'node:fs'

import { auditEvent } from '../runtime/audit.js'
import type { Opened } from '../runtime/binding.js'
import type { Call } from '../runtime/call.js'
import { invalidArgValue } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import { openLater, openNow } from './tracking.js'
import {
  refuseOptions,
  validateBits,
  validateFd,
  validateInteger,
  validatePath,
  type DirFdOptions,
  type PathLike,
} from '../runtime/validate.js'

/** Options of {@link open}. */
export interface OpenOptions extends DirFdOptions {
  /** The permissions of a new file, before the umask is applied; 0o666 by default. */
  mode?: number | string | undefined
  /** Restrictions on where the path may lead: `RESOLVE_*`, or-ed (Linux 5.6). */
  resolve?: number | undefined
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants

// The letters may come in any order that node:fs allows.
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
  refuseOptions(readOpen, 'flags', 'of type string or number', flags)
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

const readOpen = optionsOf('open', { mode: parseMode, dirFd: validateFd, resolve: validateBits })

export const auditOpen = auditEvent('open', 'path', 'mode', 'flags')

/**
 * Opens a file or a directory and returns the number of its descriptor.
 *
 * The caller owns the descriptor and closes it with `fs.closeSync`. A worker of Node.js closes it
 * when it ends, as it does with descriptors from `fs.openSync`. As in Python, child processes never
 * inherit it. With `resolve`, it never falls back to a less restricted open.
 *
 * @param flags as in `fs.open`: `'r'`, `'wx+'` …, or `O_*` numbers or-ed
 * @throws `ENOTDIR`: `dirFd` is not a directory; `EBADF`: `dirFd` is not open; `ENOENT`, `EACCES`,
 * `EEXIST`, `ELOOP`, `EMFILE` and the other errors of open(2). With `resolve` also `EXDEV`: the
 * path leaves the directory or mount that it is confined to; `ELOOP`: the path contains a forbidden
 * link; `EAGAIN`: a component was renamed during each of 64 attempts, or is not in the cache with
 * `RESOLVE_CACHED`; `ENOSYS`: Linux is older than 5.6, or a seccomp filter hides openat2(2)
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
export const open = operation(
  'open',
  (path: PathLike, flags: number | string = 'r', options?: OpenOptions): Call<Opened> => {
    const checked = validatePath(path)
    const bits = parseFlags(flags)
    const { mode = 0o666, dirFd, resolve } = readOpen(options)
    auditOpen(path, undefined, bits)
    return {
      make: (later) => native.openat(later, dirFd, checked, bits, mode, resolve),
      caller: 'open',
      path: checked,
      dirFd,
    }
  },
  openNow,
  openLater,
)
