// What is known about a file.
import type * as fs from 'node:fs'

import type { DirFdOptions } from './at.js'
import type { Failure } from './binding.js'
import { check, invalidArgValue } from './error.js'
import { native } from './native.js'
import { BigIntStats, Stats } from './stats.js'
import {
  optional,
  validateBoolean,
  validateFd,
  validateOptions,
  validatePath,
  type PathLike,
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

const makeStats = (...fields: ConstructorParameters<typeof Stats>) => new Stats(...fields)
const makeBigIntStats = (...fields: ConstructorParameters<typeof BigIntStats>) =>
  new BigIntStats(...fields)

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
  const given = validateOptions(options)
  const follow = optional(validateBoolean, given.followSymlinks, 'followSymlinks') ?? true
  if (typeof path !== 'number') return statPath(path, follow, given)
  const fd = validateFd(path, 'path')
  if (given.dirFd !== undefined) {
    throw invalidArgValue('options.dirFd', 'must not be given with a descriptor', given.dirFd)
  }
  if (!follow) {
    throw invalidArgValue('options.followSymlinks', 'must be true with a descriptor', follow)
  }
  const bigint = optional(validateBoolean, given.bigint, 'bigint') ?? false
  const make = bigint ? makeBigIntStats : makeStats
  return check(native.fstat(fd, bigint, make) as Stats | BigIntStats | Failure)
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
  return statPath(path, false, validateOptions(options))
}

function statPath(path: PathLike, follow: boolean, options: LstatOptions): Stats | BigIntStats {
  const checked = validatePath(path)
  const dirFd = optional(validateFd, options.dirFd, 'dirFd')
  const bigint = optional(validateBoolean, options.bigint, 'bigint') ?? false
  const make = bigint ? makeBigIntStats : makeStats
  const result = native.statx(dirFd, checked, follow, bigint, make)
  return check(result as Stats | BigIntStats | Failure, checked)
}
