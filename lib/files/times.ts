// The times of a file: last access and last modification.
import { isDate } from 'node:util/types'

import type { Call } from '../runtime/call.js'
import { invalidArgType, invalidArgValue, outOfRange } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  validateBoolean,
  validateFd,
  validateTarget,
  type FdLike,
  type FollowOptions,
  type PathLike,
} from '../runtime/validate.js'
import { auditDirFd, auditPath, auditUtime } from './audit-events.js'

// In the global symbol registry, so that two copies of the package have the same symbols.
/** For {@link utime}: the current time of the kernel's clock. */
export const UTIME_NOW: unique symbol = Symbol.for('fdkit.UTIME_NOW')
/** For {@link utime}: the time stays unchanged. */
export const UTIME_OMIT: unique symbol = Symbol.for('fdkit.UTIME_OMIT')

type TimeSymbol = typeof UTIME_NOW | typeof UTIME_OMIT

/** Options of {@link utime}. */
export interface UtimeOptions extends FollowOptions {
  /**
   * The times of last access and last modification: seconds since 1970, `Date`s, `UTIME_NOW` or
   * `UTIME_OMIT`.
   */
  times?: readonly [atime: number | Date | TimeSymbol, mtime: number | Date | TimeSymbol] | undefined
  /**
   * The times of last access and last modification in nanoseconds since 1970, `UTIME_NOW` or
   * `UTIME_OMIT`.
   */
  ns?: readonly [atime: bigint | TimeSymbol, mtime: bigint | TimeSymbol] | undefined
}

// Seconds and nanoseconds. The addon takes -1 and -2 nanoseconds for the two symbols.
type Time = [seconds: number, nanoseconds: number]

const BILLION = 1_000_000_000n
const NOW: Time = [0, -1]

// The built-in method: no subclass can make hooks see a time that differs from the one that is set.
const getTime = Date.prototype.getTime

/**
 * A time as it was given, and what it stands for. If a `Date` was given, `given` is a copy of it.
 */
interface GivenTime {
  given: unknown
  time: Time
}

export function parseTime(value: unknown, name: string): GivenTime {
  if (value === UTIME_NOW) return { given: value, time: NOW }
  if (value === UTIME_OMIT) return { given: value, time: [0, -2] }
  if (typeof value === 'bigint') {
    const nanoseconds = ((value % BILLION) + BILLION) % BILLION
    const seconds = Number((value - nanoseconds) / BILLION)
    if (!Number.isSafeInteger(seconds)) throw outOfRange(name, 'within 2 ** 53 seconds', value)
    return { given: value, time: [seconds, Number(nanoseconds)] }
  }
  const time = isDate(value) ? getTime.call(value) : (value as number)
  if (!Number.isFinite(time)) throw outOfRange(name, 'a finite number', time)
  const unit = isDate(value) ? 1e3 : 1
  const whole = Math.trunc(time / unit)
  if (!Number.isSafeInteger(whole)) throw outOfRange(name, 'within 2 ** 53 seconds', time)
  // A negative fraction stays negative until it is rounded down: 1 plus a fraction very close to 0
  // would be exactly 1.
  const fraction = Math.floor((time - whole * unit) * (1e9 / unit))
  const given = isDate(value) ? new Date(time) : value
  return { given, time: fraction >= 0 ? [whole, fraction] : [whole - 1, fraction + 1e9] }
}

type TwoTimes = [atime: GivenTime, mtime: GivenTime]

function parseTimes(
  value: unknown,
  name: string,
  expected: string,
  isTime: (time: unknown) => boolean,
): TwoTimes {
  if (!Array.isArray(value) || value.length !== 2) {
    throw invalidArgType(name, 'an array of two times', value)
  }
  const parse = (time: unknown, index: number) => {
    if (!isTime(time) && time !== UTIME_NOW && time !== UTIME_OMIT) {
      throw invalidArgType(`${name}[${index}]`, expected, time)
    }
    return parseTime(time, `${name}[${index}]`)
  }
  // Each element is read once.
  const { 0: atime, 1: mtime } = value
  return [parse(atime, 0), parse(mtime, 1)]
}

function validateNs(value: unknown, name: string): TwoTimes {
  return parseTimes(value, name, 'of type bigint', (time) => typeof time === 'bigint')
}

function validateTimes(value: unknown, name: string): TwoTimes {
  const isTime = (time: unknown) => typeof time === 'number' || isDate(time)
  return parseTimes(value, name, 'of type number or an instance of Date', isTime)
}

const readUtime = optionsOf('utime', {
  dirFd: validateFd,
  followSymlinks: validateBoolean,
  times: validateTimes,
  ns: validateNs,
})

const given = (times: TwoTimes | undefined) => times && Object.freeze([times[0].given, times[1].given])

/**
 * Sets the times of last access and last modification. By default, both are set to the current
 * time.
 *
 * Seconds are rounded down to whole nanoseconds. Unlike in C, `UTIME_NOW` and `UTIME_OMIT` are
 * symbols, so they cannot be confused with a time.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`, `EACCES`: the file belongs to another user; `ERR_INVALID_ARG_VALUE`: both
 * `times` and `ns` were given; `ENOENT`, `EROFS` and the other errors of utimensat(2)
 * @see https://docs.python.org/3/library/os.html#os.utime
 * @example
 * ```ts
 * import { stat, utime, UTIME_OMIT } from 'fdkit'
 *
 * utime('config/app.json', { ns: [UTIME_OMIT, -1n] })
 * stat('config/app.json', { bigint: true }).mtimeNs // -1n
 * ```
 */
export const utime = operation('utime', (path: PathLike | FdLike, options?: UtimeOptions): Call<void> => {
  const { dirFd, followSymlinks: follow, times, ns } = readUtime(options)
  const { path: checked, fd, followSymlinks } = validateTarget(path, dirFd, follow, readUtime)
  if (times !== undefined && ns !== undefined) {
    throw invalidArgValue('options.ns', 'must not be given with times', given(ns))
  }
  const [atime, mtime] = times ?? ns ?? [{ time: NOW }, { time: NOW }]
  auditUtime(auditPath(path, checked, fd), given(times), given(ns), auditDirFd(checked, fd))
  return {
    make: (later) => native.utimensat(later, fd, checked, followSymlinks, ...atime.time, ...mtime.time),
    caller: 'utime',
    path: checked,
    dirFd: fd,
  }
})
