// What is known about a file.
import type * as fs from 'node:fs'

import type { Failure } from './binding.js'
import { check } from './error.js'
import { native } from './native.js'
import { BigIntStats, Stats } from './stats.js'
import {
  optional,
  validateBoolean,
  validateDirFd,
  validatePath,
  validateTarget,
  type DirFdOptions,
  type PathLike,
  type Target,
} from './validate.js'

/** Options of {@link lstat}. */
export interface LstatOptions extends DirFdOptions {
  /** Whether the numbers are bigints, which lose no digits; `false` by default. */
  bigint?: boolean | undefined
}

/** Options of {@link stat}. */
export interface StatOptions extends LstatOptions {
  /** Whether a link stands for what it points to; `true` by default. */
  followSymlinks?: boolean | undefined
}

type AnyStats = Stats | BigIntStats

function isBigint(options: LstatOptions | undefined): boolean {
  return optional(validateBoolean, options?.bigint, 'bigint') ?? false
}

// Filled by each look, and read at once.
const fields = new Float64Array(14)
let look: ReturnType<typeof native.statx> | undefined

function statNow({ path, fd, followSymlinks }: Target, bigint: boolean): AnyStats {
  if (bigint) {
    const found = native.statxFields(false, fd, path, followSymlinks, true) as unknown[] | Failure
    return makeStats(check(found, path), true)
  }
  look ??= native.statx(fields)
  check(look(fd, path, followSymlinks), path)
  return makeStats(fields, false)
}

async function statLater({ path, fd, followSymlinks }: Target, bigint: boolean): Promise<AnyStats> {
  const found = await native.statxFields(true, fd, path, followSymlinks, bigint)
  return makeStats(check(found, path), bigint)
}

function makeStats(found: ArrayLike<unknown>, bigint: boolean): AnyStats {
  if (bigint) return new BigIntStats(...(found as ConstructorParameters<typeof BigIntStats>))
  const f = found as ConstructorParameters<typeof Stats>
  // One by one, which is several times as fast as spread.
  return new Stats(
    f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], f[12], f[13],
  )
}

function validateLink(path: unknown, options: LstatOptions | undefined): Target {
  return { path: validatePath(path), fd: validateDirFd(options), followSymlinks: false }
}

/**
 * What is known about a file: an object that can stand where a `fs.Stats` stands, or a
 * `fs.BigIntStats` with `bigint: true`.
 *
 * Times are in milliseconds and, with `bigint`, in nanoseconds too.
 *
 * @param path a path, or a descriptor
 * @throws `ENOENT`, `EACCES`, `ELOOP`, `ENOTDIR` …, as stat(2) says; `EBADF`: a descriptor that is
 * not open; `ERR_INVALID_ARG_VALUE`: `dirFd` or `followSymlinks: false` with a descriptor for
 * the path
 * @see https://docs.python.org/3/library/os.html#os.stat
 * @example
 * ```ts
 * import { fwalk, stat } from 'fdkit'
 *
 * for (const [dirpath, , filenames, dirFd] of fwalk('src')) {
 *   for (const name of filenames) {
 *     console.log(`${dirpath}/${name}`, stat(name, { dirFd, followSymlinks: false }).size)
 *   }
 * }
 * ```
 */
export function stat(path: PathLike | number, options: StatOptions & { bigint: true }): fs.BigIntStats
export function stat(path: PathLike | number, options?: StatOptions & { bigint?: false | undefined }): fs.Stats
export function stat(path: PathLike | number, options?: StatOptions): fs.Stats | fs.BigIntStats
export function stat(path: PathLike | number, options?: StatOptions): fs.Stats | fs.BigIntStats {
  return statNow(validateTarget(path, options), isBigint(options))
}

/**
 * As {@link stat}, of a link itself.
 *
 * @throws as {@link stat}
 * @see https://docs.python.org/3/library/os.html#os.lstat
 * @example
 * ```ts
 * import { lstat } from 'fdkit'
 *
 * lstat('current').isSymbolicLink() // true
 * lstat('current', { bigint: true }).mtimeNs // such as 1764000000123456789n
 * ```
 */
export function lstat(path: PathLike, options: LstatOptions & { bigint: true }): fs.BigIntStats
export function lstat(path: PathLike, options?: LstatOptions & { bigint?: false | undefined }): fs.Stats
export function lstat(path: PathLike, options?: LstatOptions): fs.Stats | fs.BigIntStats
export function lstat(path: PathLike, options?: LstatOptions): fs.Stats | fs.BigIntStats {
  return statNow(validateLink(path, options), isBigint(options))
}

// For `fdkit/promises`, whose functions are async: what these throw rejects there.
export function statPromise(path: PathLike | number, options?: StatOptions): Promise<AnyStats> {
  return statLater(validateTarget(path, options), isBigint(options))
}

export function lstatPromise(path: PathLike, options?: LstatOptions): Promise<AnyStats> {
  return statLater(validateLink(path, options), isBigint(options))
}
