// The status of a file.
import type * as fs from 'node:fs'

import { finish, type CallSubject } from '../runtime/call.js'
import { native } from '../runtime/native.js'
import { setLater } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import { BigIntStats, Stats } from './stats.js'
import {
  validateBoolean,
  validateFd,
  validatePath,
  validateTarget,
  type DirFdOptions,
  type FdLike,
  type PathLike,
} from '../runtime/validate.js'

/** Options of {@link lstat}. */
export interface LstatOptions extends DirFdOptions {
  /** Whether the numbers are bigints, which are exact; `false` by default. */
  bigint?: boolean | undefined
}

/** Options of {@link stat}. */
export interface StatOptions extends LstatOptions {
  /** Whether to follow a symbolic link; `true` by default. */
  followSymlinks?: boolean | undefined
}

export type AnyStats = Stats | BigIntStats

/** The number of fields that the addon writes for each file. */
export const FIELDS = 18

// The addon writes its result here: 64 bits per field, the first eight of them unsigned.
const numbers = new Float64Array(FIELDS)
const signed = new BigInt64Array(numbers.buffer)
const unsigned = new BigUint64Array(numbers.buffer)

// prettier-ignore
function statsAt(f: Float64Array, at: number): Stats {
  return new Stats(
    f[at]!, f[at + 1]!, f[at + 2]!, f[at + 3]!, f[at + 4]!, f[at + 5]!, f[at + 6]!, f[at + 7]!, f[at + 8]!,
    f[at + 9]!, f[at + 10]!, f[at + 11]!, f[at + 12]!, f[at + 13]!,
  )
}

function bigIntStatsAt(unsigned: BigUint64Array, signed: BigInt64Array, at: number): BigIntStats {
  const fields = [...unsigned.subarray(at, at + 8), ...signed.subarray(at + 8, at + FIELDS)]
  return new BigIntStats(...(fields as ConstructorParameters<typeof BigIntStats>))
}

/** The status of many files, as the addon writes it. An object is made when it is asked for. */
export class StatTable {
  readonly #unsigned: BigUint64Array
  readonly #signed: BigInt64Array | undefined
  readonly #numbers: Float64Array | undefined

  constructor(fields: BigUint64Array, bigint: boolean) {
    const { buffer, byteOffset, length } = fields
    this.#unsigned = fields
    if (bigint) this.#signed = new BigInt64Array(buffer, byteOffset, length)
    else this.#numbers = new Float64Array(buffer, byteOffset, length)
  }

  /** Returns the status of a file, or `undefined` if the file had none. */
  at(index: number): AnyStats | undefined {
    const at = index * FIELDS
    // Every file has a mode.
    if (this.#numbers !== undefined) {
      return this.#numbers[at + 1] ? statsAt(this.#numbers, at) : undefined
    }
    return this.#unsigned[at + 1] ? bigIntStatsAt(this.#unsigned, this.#signed!, at) : undefined
  }
}

/** The file to examine, the kind of numbers to return, and the caller for the error. */
export interface Question extends CallSubject {
  followSymlinks: boolean
  bigint: boolean
}

const readStat = optionsOf('stat', {
  bigint: validateBoolean,
  dirFd: validateFd,
  followSymlinks: validateBoolean,
})
const readLstat = optionsOf('lstat', { bigint: validateBoolean, dirFd: validateFd })

function statQuestion(path: unknown, options: StatOptions | undefined): Question {
  const { bigint = false, dirFd, followSymlinks: follow } = readStat(options)
  const { path: checked, fd, followSymlinks } = validateTarget(path, dirFd, follow)
  return { caller: 'stat', path: checked, dirFd: fd, followSymlinks, bigint }
}

function lstatQuestion(path: unknown, options: LstatOptions | undefined): Question {
  const { bigint = false, dirFd } = readLstat(options)
  return { caller: 'lstat', path: validatePath(path), dirFd, followSymlinks: false, bigint }
}

export function statNow(question: Question): AnyStats {
  const { path, dirFd, followSymlinks, bigint } = question
  finish<undefined>(native.statx(dirFd, path, followSymlinks, bigint, unsigned), question)
  return bigint ? bigIntStatsAt(unsigned, signed, 0) : statsAt(numbers, 0)
}

export async function statLater(question: Question): Promise<AnyStats> {
  const { path, dirFd, followSymlinks, bigint } = question
  const result = native.statxLater(dirFd, path, followSymlinks, bigint)
  const fields = finish(await result, question)
  const Found = (bigint ? BigIntStats : Stats) as new (...fields: unknown[]) => AnyStats
  return new Found(...fields)
}

/**
 * Returns the status of a file: an object that can be used as an `fs.Stats`, or as an
 * `fs.BigIntStats` with `bigint: true`.
 *
 * Times are in milliseconds and, with `bigint: true`, also in nanoseconds.
 *
 * @param path a path, or a descriptor
 * @throws `EBADF`: the descriptor is not open; `ERR_INVALID_ARG_VALUE`: `dirFd` or `followSymlinks:
 * false` was given with a descriptor in place of the path; `ENOENT`, `EACCES`, `ELOOP`, `ENOTDIR`
 * and the other errors of stat(2)
 * @see https://docs.python.org/3/library/os.html#os.stat
 * @example
 * ```ts
 * import { fwalk, stat } from 'fdkit'
 *
 * const onerror = (error: Error) => { throw error }
 * for (const [dirpath, , filenames, dirFd] of fwalk('src', { onerror })) {
 *   for (const name of filenames) {
 *     console.log(`${dirpath}/${name}`, stat(name, { dirFd, followSymlinks: false }).size)
 *   }
 * }
 * ```
 */
export function stat(path: PathLike | FdLike, options: StatOptions & { bigint: true }): fs.BigIntStats
export function stat(
  path: PathLike | FdLike,
  options?: StatOptions & { bigint?: false | undefined },
): fs.Stats
export function stat(path: PathLike | FdLike, options?: StatOptions): fs.Stats | fs.BigIntStats
export function stat(path: PathLike | FdLike, options?: StatOptions): fs.Stats | fs.BigIntStats {
  return statNow(statQuestion(path, options))
}

/**
 * Returns the status of a file without following a symbolic link at the end of `path`. Otherwise it
 * does the same as {@link stat}.
 *
 * @throws the errors of {@link stat}
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
  return statNow(lstatQuestion(path, options))
}

// These are not made by `operation`, whose wrapper takes about 30 ns longer. A call takes 1 µs.
setLater(stat, statQuestion, statLater)
setLater(lstat, lstatQuestion, statLater)
