// What may be done with a file, and its attributes: permissions, owner, times.
import { auditEvent } from '../runtime/audit.js'
import { NO_DIR_FD, now, type Call } from '../runtime/call.js'
import { F_OK } from '../constants.js'
import { invalidArgType, invalidArgValue, outOfRange } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { parseMode } from './open.js'
import {
  optional,
  validateBoolean,
  validateFd,
  validateInteger,
  validateOptions,
  validatePath,
  validateTarget,
  type FollowOptions,
  type PathLike,
} from '../runtime/validate.js'

/** Options of {@link access}. */
export interface AccessOptions extends FollowOptions {
  /** Whether the effective user and group count, not the real ones; `false` by default. */
  effectiveIds?: boolean | undefined
}

// A descriptor that stands for the path is no dir_fd.
const auditDirFd = (path: unknown, fd: number | undefined) =>
  path === undefined ? NO_DIR_FD : (fd ?? NO_DIR_FD)

const auditChmod = auditEvent('os.chmod', 'path', 'mode', 'dirFd')
const auditChown = auditEvent('os.chown', 'path', 'uid', 'gid', 'dirFd')
const auditUtime = auditEvent('os.utime', 'path', 'times', 'ns', 'dirFd')

export function accessCall(
  path: PathLike,
  mode: number = F_OK,
  options?: AccessOptions,
): Call<boolean> {
  const checked = validatePath(path)
  const bits = validateInteger(mode, 'mode', 0, 7)
  const given = validateOptions(options)
  const dirFd = optional(validateFd, given.dirFd, 'dirFd')
  const effective = optional(validateBoolean, given.effectiveIds, 'effectiveIds') ?? false
  const follow = optional(validateBoolean, given.followSymlinks, 'followSymlinks') ?? true
  return { make: (later) => native.faccessat2(later, dirFd, checked, bits, effective, follow) }
}

/**
 * Whether this process may do with a file what `mode` says. By the time that one acts on the
 * answer it may be another: where that matters, try, and see.
 *
 * As in Python, and unlike `fs.accessSync`, it answers and does not throw, whatever the reason.
 *
 * @param mode `F_OK` (it is there, the default), or `R_OK`, `W_OK`, `X_OK` or-ed
 * @see https://docs.python.org/3/library/os.html#os.access
 * @example
 * ```ts
 * import { access, R_OK } from 'fdkit'
 *
 * access('config/app.json', R_OK) // true
 * access('no/such/file') // false
 * ```
 */
export function access(path: PathLike, mode: number = F_OK, options?: AccessOptions): boolean {
  return now(accessCall(path, mode, options))
}

export function chmodCall(
  path: PathLike | number,
  mode: number | string,
  options?: FollowOptions,
): Call<undefined> {
  const { path: checked, fd, followSymlinks } = validateTarget(path, options)
  const bits = parseMode(mode, 'mode')
  auditChmod(path, bits, auditDirFd(checked, fd))
  return {
    make: (later) => native.fchmodat2(later, fd, checked, bits, followSymlinks),
    path: checked,
  }
}

/**
 * Sets the permissions.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`: somebody else's; `ENOENT`, `EROFS` …, as chmod(2) says; `ENOTSUP` without
 * `followSymlinks`: a link, which on Linux has no permissions, or Linux before 6.6
 * @see https://docs.python.org/3/library/os.html#os.chmod
 * @example
 * ```ts
 * import { chmod, fwalk } from 'fdkit'
 *
 * for (const [, , filenames, dirFd] of fwalk('config')) {
 *   for (const name of filenames) chmod(name, 0o600, { dirFd })
 * }
 * ```
 */
export function chmod(
  path: PathLike | number,
  mode: number | string,
  options?: FollowOptions,
): void {
  now(chmodCall(path, mode, options))
}

const MAX_ID = 2 ** 32 - 1

// The kernel's own sign for "as it is" is the same, as -1 or as an unsigned number.
function validateId(value: unknown, name: string): number | undefined {
  const id = validateInteger(value, name, -1, MAX_ID)
  return id === -1 || id === MAX_ID ? undefined : id
}

export function chownCall(
  path: PathLike | number,
  uid: number,
  gid: number,
  options?: FollowOptions,
): Call<undefined> {
  const { path: checked, fd, followSymlinks } = validateTarget(path, options)
  const user = validateId(uid, 'uid')
  const group = validateId(gid, 'gid')
  auditChown(path, uid, gid, auditDirFd(checked, fd))
  return {
    make: (later) => native.fchownat(later, fd, checked, user, group, followSymlinks),
    path: checked,
  }
}

/**
 * Sets owner and group; -1 leaves one as it is.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`, `ENOENT`, `EROFS` …, as chown(2) says
 * @see https://docs.python.org/3/library/os.html#os.chown
 * @example
 * ```ts
 * import { chown } from 'fdkit'
 *
 * chown('config', -1, process.getgid!())
 * ```
 */
export function chown(
  path: PathLike | number,
  uid: number,
  gid: number,
  options?: FollowOptions,
): void {
  now(chownCall(path, uid, gid, options))
}

/** For {@link utime}: the present, by the kernel's clock. */
export const UTIME_NOW: unique symbol = Symbol('UTIME_NOW')
/** For {@link utime}: as it is. */
export const UTIME_OMIT: unique symbol = Symbol('UTIME_OMIT')

/** Options of {@link utime}. */
export interface UtimeOptions extends FollowOptions {
  /** Last access and last change: seconds since 1970 or Dates, or `UTIME_NOW` or `UTIME_OMIT`. */
  times?:
    | readonly [
        atime: number | Date | typeof UTIME_NOW | typeof UTIME_OMIT,
        mtime: number | Date | typeof UTIME_NOW | typeof UTIME_OMIT,
      ]
    | undefined
  /** The same in nanoseconds since 1970. */
  ns?:
    | readonly [
        atime: bigint | typeof UTIME_NOW | typeof UTIME_OMIT,
        mtime: bigint | typeof UTIME_NOW | typeof UTIME_OMIT,
      ]
    | undefined
}

// Seconds and nanoseconds. Of these -1 and -2 are what the addon takes for the two symbols.
type Time = [seconds: number, nanoseconds: number]

const BILLION = 1_000_000_000n
const NOW: Time = [0, -1]

function parseTime(value: unknown, name: string): Time {
  if (value === UTIME_NOW) return NOW
  if (value === UTIME_OMIT) return [0, -2]
  if (typeof value === 'bigint') {
    const nanoseconds = ((value % BILLION) + BILLION) % BILLION
    const seconds = Number((value - nanoseconds) / BILLION)
    if (!Number.isSafeInteger(seconds)) throw outOfRange(name, 'within 2 ** 53 seconds', value)
    return [seconds, Number(nanoseconds)]
  }
  const isDate = value instanceof Date
  const time = isDate ? value.getTime() : (value as number)
  if (!Number.isFinite(time)) throw outOfRange(name, 'a finite number', time)
  const unit = isDate ? 1e3 : 1
  const whole = Math.trunc(time / unit)
  if (!Number.isSafeInteger(whole)) throw outOfRange(name, 'within 2 ** 53 seconds', time)
  // The fraction keeps its sign until it is cut: of one very close to 0, 1 plus it is 1.
  const fraction = Math.floor((time - whole * unit) * (1e9 / unit))
  return fraction >= 0 ? [whole, fraction] : [whole - 1, fraction + 1e9]
}

function parseTimes(
  value: unknown,
  name: string,
  expected: string,
  isTime: (time: unknown) => boolean,
): [atime: Time, mtime: Time] {
  if (!Array.isArray(value) || value.length !== 2) {
    throw invalidArgType(name, 'an array of two times', value)
  }
  for (const [index, time] of value.entries()) {
    if (!isTime(time) && time !== UTIME_NOW && time !== UTIME_OMIT) {
      throw invalidArgType(`${name}[${index}]`, expected, time)
    }
  }
  return [parseTime(value[0], `${name}[0]`), parseTime(value[1], `${name}[1]`)]
}

function chooseTimes({ times, ns }: UtimeOptions): [atime: Time, mtime: Time] {
  if (times !== undefined && ns !== undefined) {
    throw invalidArgValue('options.ns', 'must not be given with times', ns)
  }
  if (ns !== undefined) {
    return parseTimes(ns, 'options.ns', 'of type bigint', (time) => typeof time === 'bigint')
  }
  if (times === undefined) return [NOW, NOW]
  const isTime = (time: unknown) => typeof time === 'number' || time instanceof Date
  const expected = 'of type number or an instance of Date'
  return parseTimes(times, 'options.times', expected, isTime)
}

export function utimeCall(path: PathLike | number, options?: UtimeOptions): Call<undefined> {
  const given = validateOptions(options)
  const { path: checked, fd, followSymlinks } = validateTarget(path, given)
  const [atime, mtime] = chooseTimes(given)
  auditUtime(path, given.times, given.ns, auditDirFd(checked, fd))
  return {
    make: (later) => native.utimensat(later, fd, checked, followSymlinks, ...atime, ...mtime),
    path: checked,
  }
}

/**
 * Sets the times of last access and last change; to the present, where neither `times` nor `ns`
 * is given.
 *
 * Seconds are cut to whole nanoseconds, downward. Unlike in C, `UTIME_NOW` and `UTIME_OMIT` are
 * symbols, so that no time can be taken for them.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`, `EACCES`: somebody else's; `ENOENT`, `EROFS` …, as utimensat(2) says;
 * `ERR_INVALID_ARG_VALUE`: both `times` and `ns`
 * @see https://docs.python.org/3/library/os.html#os.utime
 * @example
 * ```ts
 * import { stat, utime, UTIME_OMIT } from 'fdkit'
 *
 * utime('config/app.json', { ns: [UTIME_OMIT, -1n] })
 * stat('config/app.json', { bigint: true }).mtimeNs // -1n
 * ```
 */
export function utime(path: PathLike | number, options?: UtimeOptions): void {
  now(utimeCall(path, options))
}
