// Arguments, checked before any system call, with the errors that Node has for them.
import { fileURLToPath } from 'node:url'
import { isUint8Array } from 'node:util/types'

import { invalidArgType, invalidArgValue, outOfRange, type Name } from './error.js'

/** A path: a string (PEP 383), the bytes themselves, or a `file:` URL. */
export type PathLike = string | Uint8Array | URL

const MAX_FD = 0x7fffffff

// With the u flag only a surrogate that stands alone matches. U+DC80 to U+DCFF are bytes (PEP 383).
const noByte = /[\uD800-\uDC7F\uDD00-\uDFFF]/u

function checkName<T extends Name>(value: T, name: string, what: string): T {
  if (typeof value === 'string') {
    if (value.includes('\0')) {
      throw invalidArgValue(name, `must be a ${what} without null bytes`, value)
    }
    if (!value.isWellFormed() && noByte.test(value)) {
      throw invalidArgValue(name, 'must have no lone surrogates but U+DC80 to U+DCFF', value)
    }
  } else if (value.includes(0)) {
    throw invalidArgValue(name, `must be a ${what} without null bytes`, value)
  }
  return value
}

export function validatePath(value: unknown, name = 'path'): Name {
  let path = value
  if (path instanceof URL) path = fileURLToPath(path)
  if (typeof path === 'string' || isUint8Array(path)) {
    return checkName(path, name, 'string, Uint8Array, or URL')
  }
  throw invalidArgType(name, 'of type string or an instance of Buffer or URL', value)
}

export function validateName(value: unknown, name: string): Name {
  if (typeof value === 'string' || isUint8Array(value)) {
    return checkName(value, name, 'string or Uint8Array')
  }
  throw invalidArgType(name, 'of type string or an instance of Buffer or Uint8Array', value)
}

export function validateInteger(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value)
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value)
  return value
}

/** A number of bytes, or a place in a file. */
export function validateBytes(value: unknown, name: string, min = 0): number {
  return validateInteger(value, name, min, Number.MAX_SAFE_INTEGER)
}

export function validateFd(value: unknown, name = 'fd'): number {
  return validateInteger(value, name, 0, MAX_FD)
}

/** All 32 bits; JavaScript's bitwise operators give the upper half as negative numbers. */
export function validateBits(value: unknown, name: string): number {
  return validateInteger(value, name, -(2 ** 31), 2 ** 32 - 1) >>> 0
}

export function validateBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value)
  return value
}

export function validateFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value)
}

export function validateSignal(value: unknown, name: string): AbortSignal {
  if (value instanceof AbortSignal) return value
  throw invalidArgType(name, 'an instance of AbortSignal', value)
}

const none = Object.freeze({})

/** The options, or none; whatever stands in them is checked by the function that takes it. */
export function validateOptions<T extends object>(value: T | undefined): Partial<T> {
  if (value === undefined) return none as Partial<T>
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalidArgType('options', 'of type object', value)
  }
  return value
}

/** An option that may be left out. */
export function optional<T, R>(
  check: (value: T, name: string) => R,
  value: T | undefined,
  name: string,
): R | undefined {
  return value === undefined ? undefined : check(value, `options.${name}`)
}

/** Options of what acts relative to a directory. */
export interface DirFdOptions {
  /** A descriptor of a directory, which a relative path starts from; else the working directory. */
  dirFd?: number | undefined
}

/** Options of what acts on a link or on what it points to. */
export interface FollowOptions extends DirFdOptions {
  /** Whether a link stands for what it points to; `true` by default. */
  followSymlinks?: boolean | undefined
}

export function validateDirFd(options: DirFdOptions | undefined): number | undefined {
  return optional(validateFd, validateOptions(options).dirFd, 'dirFd')
}

/** What a function acts on: a path, from a directory where one is given; or an open file. */
export interface Target {
  path: Name | undefined
  /** Of the directory, or where there is no path of the file. */
  fd: number | undefined
  followSymlinks: boolean
}

export function validateTarget(path: unknown, options: FollowOptions | undefined): Target {
  const given = validateOptions(options)
  const follow = optional(validateBoolean, given.followSymlinks, 'followSymlinks') ?? true
  if (typeof path !== 'number') {
    const dirFd = optional(validateFd, given.dirFd, 'dirFd')
    return { path: validatePath(path), fd: dirFd, followSymlinks: follow }
  }
  const fd = validateFd(path, 'path')
  if (given.dirFd !== undefined) {
    throw invalidArgValue('options.dirFd', 'must not be given with a descriptor', given.dirFd)
  }
  if (!follow) {
    throw invalidArgValue('options.followSymlinks', 'must be true with a descriptor', follow)
  }
  return { path: undefined, fd, followSymlinks: follow }
}
