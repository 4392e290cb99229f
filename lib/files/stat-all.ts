// The status of many files in one call.
import type * as fs from 'node:fs'

import type { Failures } from '../runtime/binding.js'
import { finish, subjectError } from '../runtime/call.js'
import { invalidArgType, type Name, type SystemError } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import { isTurnOver, ownTurn } from '../runtime/turns.js'
import { validateBoolean, validateFd, validateName } from '../runtime/validate.js'
import { FIELDS, StatTable, type AnyStats, type StatOptions } from './stat.js'

/** Options of {@link statAll}. */
export interface StatAllOptions extends StatOptions {}

const readStatAll = optionsOf('statAll', {
  bigint: validateBoolean,
  dirFd: validateFd,
  followSymlinks: validateBoolean,
})

interface Request {
  readonly names: Name[]
  readonly dirFd: number | undefined
  readonly followSymlinks: boolean
  readonly bigint: boolean
}

function statAllRequest(given: unknown, options: StatAllOptions | undefined): Request {
  const { bigint = false, dirFd, followSymlinks = true } = readStatAll(options)
  if (!Array.isArray(given)) throw invalidArgType('names', 'an instance of Array', given)
  const names: Name[] = []
  // By index: holes are invalid names, and no iterator of the caller runs.
  for (let index = 0; index < given.length; index++) {
    names.push(validateName(given[index], `names[${index}]`))
  }
  return { names, dirFd, followSymlinks, bigint }
}

type Result = AnyStats | SystemError

/** Returns the errors by the index of their names. */
function errorsOf(failures: Failures, { names, dirFd }: Request): Map<number, SystemError> {
  const errors = new Map<number, SystemError>()
  for (let at = 0; at < failures.length; at += 2) {
    const index = failures[at] as number
    const failure = failures[at + 1] as Exclude<Failures[number], number>
    errors.set(index, subjectError(failure, { caller: 'statAll', path: names[index], dirFd }))
  }
  return errors
}

function resultAt(table: StatTable, errors: Map<number, SystemError>, index: number): Result {
  return errors.get(index) ?? (table.at(index) as AnyStats)
}

function runNow(request: Request): Result[] {
  const { names, dirFd, followSymlinks, bigint } = request
  const fields = new BigUint64Array(names.length * FIELDS)
  const failures = finish(native.statAll(dirFd, names, followSymlinks, bigint, fields), { caller: 'statAll' })
  const table = new StatTable(fields, bigint)
  const errors = errorsOf(failures, request)
  return names.map((_, index) => resultAt(table, errors, index))
}

async function runLater(request: Request): Promise<Result[]> {
  const { names, dirFd, followSymlinks, bigint } = request
  const found = native.statAllLater(dirFd, names, followSymlinks, bigint)
  const [fields, failures] = finish(await found, { caller: 'statAll' })
  const table = new StatTable(fields, bigint)
  const errors = errorsOf(failures, request)
  const results: Result[] = []
  for (let index = 0; index < names.length; index++) {
    if (index % 256 === 255 && isTurnOver()) await ownTurn()
    results.push(resultAt(table, errors, index))
  }
  return results
}

/**
 * Returns the status of many files: for each name, in the same order, what {@link stat} returns or
 * the error that it throws. An error is an `instanceof Error`, and a status is not.
 *
 * One call into the addon looks at all files. If `names` comes from {@link fwalk}, its option
 * `stats` is faster still.
 *
 * @param names an array of names or paths, each a string or a Uint8Array
 * @throws `ERR_INVALID_ARG_TYPE`: `names` is not an array, or one of its elements is not a name.
 * The errors of stat(2), such as `ENOENT` and `EBADF`, are in the result
 * @see https://man7.org/linux/man-pages/man2/statx.2.html
 * @example
 * ```ts
 * import { listdir, statAll } from 'fdkit'
 *
 * let bytes = 0
 * for (const found of statAll(listdir('src'), { followSymlinks: false })) {
 *   if (!(found instanceof Error)) bytes += found.size
 * }
 * ```
 */
export const statAll = operation(
  'statAll',
  (names: readonly (string | Uint8Array)[], options?: StatAllOptions): Request => {
    return statAllRequest(names, options)
  },
  runNow,
  runLater,
) as {
  (
    names: readonly (string | Uint8Array)[],
    options: StatAllOptions & { bigint: true },
  ): (fs.BigIntStats | SystemError)[]
  (
    names: readonly (string | Uint8Array)[],
    options?: StatAllOptions & { bigint?: false | undefined },
  ): (fs.Stats | SystemError)[]
  (
    names: readonly (string | Uint8Array)[],
    options?: StatAllOptions,
  ): (fs.Stats | fs.BigIntStats | SystemError)[]
}
