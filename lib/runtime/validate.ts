// Validates arguments before any system call, and throws the errors that Node has for them.
import { fileURLToPath } from 'node:url'
import { isUint8Array } from 'node:util/types'

import { invalidArgType, invalidArgValue, outOfRange, type Name } from './error.js'
import { property, type OptionsReader } from './options.js'
import { misplaced } from './suggest.js'

/** A path: a string (with PEP 383 surrogates), raw bytes, or a `file:` URL. */
export type PathLike = string | Uint8Array | URL

const MAX_FD = 0x7fffffff

// With the u flag, only a lone surrogate matches. U+DC80 to U+DCFF stand for bytes (PEP 383).
const noByte = /[\uD800-\uDC7F\uDD00-\uDFFF]/u

function checkName<T extends Name>(value: T, name: string, what: string): T {
  if (typeof value === 'string') {
    if (value.includes('\0')) {
      throw invalidArgValue(name, `must be a ${what} without null bytes`, value)
    }
    if (!value.isWellFormed() && noByte.test(value)) {
      throw invalidArgValue(name, 'must not contain lone surrogates other than U+DC80 to U+DCFF', value)
    }
  } else if (value.includes(0)) {
    throw invalidArgValue(name, `must be a ${what} without null bytes`, value)
  }
  return value
}

// The built-in methods, which no subclass can replace.
const { set: setBytes } = Uint8Array.prototype
const getLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')!
  .get as (this: Uint8Array) => number

/** Copies the bytes, so that they cannot change between the check and the use. */
function copyBytes(value: Uint8Array, name: string): Uint8Array {
  const length = getLength.call(value)
  const copy = Buffer.isBuffer(value) ? Buffer.allocUnsafe(length) : new Uint8Array(length)
  try {
    setBytes.call(copy, value)
  } catch {
    // The array has length 0, and the engine's own error would have another text.
    throw invalidArgValue(name, 'must not be detached', value)
  }
  return copy
}

/**
 * Returns the text of a value that node:fs accepts as a URL. It may come from another realm or
 * implementation.
 */
function hrefOf(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object' || isUint8Array(value)) return undefined
  const { href, protocol, auth, path } = value as Record<string, unknown>
  if (!href || !protocol || auth !== undefined || path !== undefined) return undefined
  return String(href)
}

function pathOf(value: unknown): unknown {
  if (value instanceof URL) return fileURLToPath(value)
  const href = hrefOf(value)
  return href === undefined ? value : fileURLToPath(new URL(href))
}

/** The function that an argument belongs to, and its options. */
export type Caller = Pick<OptionsReader<never>, 'callerName' | 'names'>

/**
 * Validates a path. The error for an options object in its place says where options belong, if the
 * caller is given.
 */
export function validatePath(value: unknown, name = 'path', caller?: Caller): Name {
  const path = typeof value === 'string' ? value : pathOf(value)
  if (typeof path === 'string') return checkName(path, name, 'string, Uint8Array, or URL')
  if (isUint8Array(path)) return checkName(copyBytes(path, name), name, 'string, Uint8Array, or URL')
  const note = caller === undefined ? '' : misplaced(caller.callerName, value, caller.names)
  throw invalidArgType(name, 'of type string or an instance of Buffer or URL', value, note)
}

export function validateName(value: unknown, name: string): Name {
  if (typeof value === 'string') return checkName(value, name, 'string or Uint8Array')
  if (isUint8Array(value)) return checkName(copyBytes(value, name), name, 'string or Uint8Array')
  throw invalidArgType(name, 'of type string or an instance of Buffer or Uint8Array', value)
}

export function validateInteger(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value)
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value)
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value)
  return value
}

/** Rejects an options object in place of another argument, with an error that says where it belongs. */
export function refuseOptions(
  { callerName, names }: Caller,
  name: string,
  expected: string,
  value: unknown,
): void {
  const note = misplaced(callerName, value, names)
  if (note !== '') throw invalidArgType(name, expected, value, note)
}

const MAX_THREADS = 64

/** Validates a number of helper threads. */
export function validateThreads(value: unknown, name: string): number {
  return validateInteger(value, name, 0, MAX_THREADS)
}

/** Validates a number of bytes, or a position in a file. */
export function validateBytes(value: unknown, name: string, min = 0): number {
  return validateInteger(value, name, min, Number.MAX_SAFE_INTEGER)
}

/**
 * A descriptor: a number, or an object whose `fd` is a number, such as a `FileHandle` of
 * `node:fs/promises` or a `Memfd`. Keep such an object for as long as its descriptor is in use,
 * since it may close the descriptor when it is collected.
 */
export type FdLike = number | { readonly fd: number }

/** Returns the number of a descriptor. If it is given as an object, `fd` is read once. */
export function validateFd(value: unknown, name = 'fd'): number {
  if (typeof value === 'object' && value !== null) {
    const fd = property(value, 'fd')
    if (typeof fd === 'number') return validateInteger(fd, `${name}.fd`, 0, MAX_FD)
  }
  return validateInteger(value, name, 0, MAX_FD)
}

/** Validates a descriptor that gets a new owner. It must be a number. */
export function validateFdNumber(value: unknown, name = 'fd'): number {
  return validateInteger(value, name, 0, MAX_FD)
}

/** A descriptor for later use, and the object that may own it. */
export interface KeptFd {
  readonly fd: number
  readonly owner: unknown
}

export function validateKeptFd(value: unknown, name: string): KeptFd {
  return { fd: validateFd(value, name), owner: value }
}

/**
 * Validates a number of 32 bits. JavaScript's bitwise operators return the upper half of the range
 * as negative numbers, so those are accepted.
 */
export function validateBits(value: unknown, name: string): number {
  return validateInteger(value, name, -(2 ** 31), 2 ** 32 - 1) >>> 0
}

export function validateBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value)
  return value
}

export function validateString(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value)
  return value
}

export function validateFunction<F extends (...args: never[]) => unknown>(value: unknown, name: string): F {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value)
  return value as F
}

/** Validates an AbortSignal. It may come from another realm or implementation, as in node:fs. */
export function validateSignal(value: unknown, name: string): AbortSignal {
  if (value instanceof AbortSignal) return value
  if (typeof value === 'object' && value !== null && 'aborted' in value) {
    const { addEventListener, removeEventListener } = value as AbortSignal
    if (typeof addEventListener === 'function' && typeof removeEventListener === 'function') {
      return value as AbortSignal
    }
  }
  throw invalidArgType(name, 'an instance of AbortSignal', value)
}

/** Options of the functions that act relative to a directory. */
export interface DirFdOptions {
  /**
   * The descriptor of the directory that a relative path starts from; by default, the working
   * directory.
   */
  dirFd?: FdLike | undefined
}

/** Options of the functions that act on a symbolic link or on its target. */
export interface FollowOptions extends DirFdOptions {
  /** Whether to follow a symbolic link; `true` by default. */
  followSymlinks?: boolean | undefined
}

/**
 * The file that a function acts on: a path, relative to a directory if one is given, or an open
 * file.
 */
export interface Target {
  path: Name | undefined
  /** The descriptor of the directory, or of the file if there is no path. */
  fd: number | undefined
  followSymlinks: boolean
}

/** Returns whether a value is a descriptor in place of a path. */
export function isFdLike(value: unknown): value is FdLike {
  if (typeof value === 'number') return true
  if (typeof value !== 'object' || value === null || isUint8Array(value)) return false
  return typeof property(value, 'fd') === 'number'
}

export function validateTarget(
  path: unknown,
  dirFd: number | undefined,
  followSymlinks: boolean = true,
  caller?: Caller,
): Target {
  if (typeof path === 'string' || !isFdLike(path)) {
    return { path: validatePath(path, 'path', caller), fd: dirFd, followSymlinks }
  }
  const fd = validateFd(path, 'path')
  if (dirFd !== undefined) {
    throw invalidArgValue('options.dirFd', 'must not be given with a descriptor', dirFd)
  }
  if (!followSymlinks) {
    throw invalidArgValue('options.followSymlinks', 'must be true with a descriptor', followSymlinks)
  }
  return { path: undefined, fd, followSymlinks }
}
