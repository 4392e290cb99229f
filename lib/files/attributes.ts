// Access checks, and the attributes of a file: permissions, owner, times.
import { isDate } from 'node:util/types'

import { auditEvent } from '../runtime/audit.js'
import { NO_DIR_FD, now, type Call } from '../runtime/call.js'
import { F_OK } from '../constants.js'
import { invalidArgType, invalidArgValue, isFailure, outOfRange, type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { misplaced } from '../runtime/suggest.js'
import { parseMode } from './open.js'
import {
  validateBoolean,
  validateFd,
  validateInteger,
  validatePath,
  validateTarget,
  type FdLike,
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

// If a descriptor stands in place of the path, hooks get its number, even if it was given as an
// object.
const auditPath = (path: unknown, checked: Name | undefined, fd: number | undefined) =>
  checked === undefined ? fd : path

// A descriptor in place of the path is not a `dir_fd`.
const auditDirFd = (path: unknown, fd: number | undefined) =>
  path === undefined ? NO_DIR_FD : (fd ?? NO_DIR_FD)

export const auditChmod = auditEvent('os.chmod', 'path', 'mode', 'dirFd')
export const auditChown = auditEvent('os.chown', 'path', 'uid', 'gid', 'dirFd')
export const auditUtime = auditEvent('os.utime', 'path', 'times', 'ns', 'dirFd')

const accessOptions = (caller: string) =>
  optionsOf(caller, { dirFd: validateFd, effectiveIds: validateBoolean, followSymlinks: validateBoolean })
const readAccess = accessOptions('access')
const readCanAccess = accessOptions('canAccess')
const readExists = optionsOf('exists', { dirFd: validateFd, followSymlinks: validateBoolean })

function validateAccessMode(mode: unknown, caller: string): number {
  const note = misplaced(caller, mode, readAccess.names)
  if (note !== '') throw invalidArgType('mode', 'of type number', mode, note)
  return validateInteger(mode, 'mode', 0, 7)
}

export function accessCall(path: PathLike, mode: number = F_OK, options?: AccessOptions): Call<undefined> {
  const checked = validatePath(path)
  const bits = validateAccessMode(mode, 'access')
  const { dirFd, effectiveIds = false, followSymlinks = true } = readAccess(options)
  return {
    make: (later) =>
      native.faccessat2(later, dirFd, checked, bits, effectiveIds, followSymlinks, false) as undefined,
    caller: 'access',
    path: checked,
    dirFd,
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
export function access(path: PathLike, mode: number = F_OK, options?: AccessOptions): void {
  now(accessCall(path, mode, options))
}

export function canAccessCall(path: PathLike, mode: number = F_OK, options?: AccessOptions): Call<boolean> {
  const checked = validatePath(path)
  const bits = validateAccessMode(mode, 'canAccess')
  const { dirFd, effectiveIds = false, followSymlinks = true } = readCanAccess(options)
  return answering('canAccess', dirFd, checked, bits, effectiveIds, followSymlinks)
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
export function canAccess(path: PathLike, mode: number = F_OK, options?: AccessOptions): boolean {
  return now(canAccessCall(path, mode, options))
}

export function existsCall(path: PathLike, options?: FollowOptions): Call<boolean> {
  const checked = validatePath(path)
  const { dirFd, followSymlinks = true } = readExists(options)
  return answering('exists', dirFd, checked, F_OK, false, followSymlinks)
}

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
export function exists(path: PathLike, options?: FollowOptions): boolean {
  return now(existsCall(path, options))
}

const readChmod = optionsOf('chmod', { dirFd: validateFd, followSymlinks: validateBoolean })

export function chmodCall(
  path: PathLike | FdLike,
  mode: number | string,
  options?: FollowOptions,
): Call<undefined> {
  const given = readChmod(options)
  const { path: checked, fd, followSymlinks } = validateTarget(path, given.dirFd, given.followSymlinks)
  const note = misplaced('chmod', mode, readChmod.names)
  if (note !== '') throw invalidArgType('mode', 'of type number', mode, note)
  const bits = parseMode(mode, 'mode')
  auditChmod(auditPath(path, checked, fd), bits, auditDirFd(checked, fd))
  return {
    make: (later) => native.fchmodat2(later, fd, checked, bits, followSymlinks),
    caller: 'chmod',
    path: checked,
    dirFd: fd,
  }
}

/**
 * Sets the permissions of a file.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`: the file belongs to another user; `ENOTSUP` with `followSymlinks: false`: the
 * path is a symbolic link, which has no permissions on Linux, or Linux is older than 6.6; `ENOENT`,
 * `EROFS` and the other errors of chmod(2)
 * @see https://docs.python.org/3/library/os.html#os.chmod
 * @example
 * ```ts
 * import { chmod, fwalk } from 'fdkit'
 *
 * const onerror = (error: Error) => { throw error }
 * for (const [, , filenames, dirFd] of fwalk('config', { onerror })) {
 *   for (const name of filenames) chmod(name, 0o600, { dirFd })
 * }
 * ```
 */
export function chmod(path: PathLike | FdLike, mode: number | string, options?: FollowOptions): void {
  now(chmodCall(path, mode, options))
}

const readChown = optionsOf('chown', { dirFd: validateFd, followSymlinks: validateBoolean })

const MAX_ID = 2 ** 32 - 1

// -1 means "unchanged", as in the kernel. The kernel also accepts it as an unsigned number.
export function validateId(value: unknown, name: string): number | undefined {
  const id = validateInteger(value, name, -1, MAX_ID)
  return id === -1 || id === MAX_ID ? undefined : id
}

export function chownCall(
  path: PathLike | FdLike,
  uid: number,
  gid: number,
  options?: FollowOptions,
): Call<undefined> {
  const given = readChown(options)
  const { path: checked, fd, followSymlinks } = validateTarget(path, given.dirFd, given.followSymlinks)
  const user = validateId(uid, 'uid')
  const group = validateId(gid, 'gid')
  auditChown(auditPath(path, checked, fd), uid, gid, auditDirFd(checked, fd))
  return {
    make: (later) => native.fchownat(later, fd, checked, user, group, followSymlinks),
    caller: 'chown',
    path: checked,
    dirFd: fd,
  }
}

/**
 * Sets the owner and the group of a file. -1 leaves either of them unchanged.
 *
 * @param path a path, or a descriptor
 * @throws `EPERM`, `ENOENT`, `EROFS` and the other errors of chown(2)
 * @see https://docs.python.org/3/library/os.html#os.chown
 * @example
 * ```ts
 * import { chown } from 'fdkit'
 *
 * chown('config', -1, process.getgid!())
 * ```
 */
export function chown(path: PathLike | FdLike, uid: number, gid: number, options?: FollowOptions): void {
  now(chownCall(path, uid, gid, options))
}

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
export interface GivenTime {
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

export function utimeCall(path: PathLike | FdLike, options?: UtimeOptions): Call<undefined> {
  const { dirFd, followSymlinks: follow, times, ns } = readUtime(options)
  const { path: checked, fd, followSymlinks } = validateTarget(path, dirFd, follow)
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
}

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
export function utime(path: PathLike | FdLike, options?: UtimeOptions): void {
  now(utimeCall(path, options))
}
