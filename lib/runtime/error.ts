// Errors of failed system calls and of invalid arguments, with the properties and texts of node:fs.
import { getSystemErrorMap, inspect, type InspectOptions } from 'node:util'

import type { Failure } from './binding.js'
import { reasonOf } from './reasons.js'
import { suggest } from './suggest.js'

/** A path or a name, as a caller passed it or as it is returned. */
export type Name = string | Uint8Array

/**
 * The error of a failed system call, with the same properties as an error of `node:fs`. Every
 * function throws it, and every `onerror` receives it.
 *
 * `Name` is the type of `path`. In an `onerror`, it is `string` if the walk or the deletion was
 * given a string or a URL, and `Buffer` if it was given bytes. By default, it is any of these, or
 * `undefined`, because a call that takes only a descriptor has no path.
 *
 * @example
 * ```ts
 * import { fwalk, type SystemError } from 'fdkit'
 *
 * const denied: string[] = []
 * const onerror = ({ code, path }: SystemError<string>) => {
 *   if (code === 'EACCES') denied.push(path)
 * }
 * for (const [dirpath] of fwalk('src', { onerror })) console.log(dirpath)
 * denied.length // 0
 * ```
 */
export interface SystemError<
  Name extends string | Uint8Array | undefined = string | Uint8Array | undefined,
> extends Error {
  /** The error number, negative: -2 for `ENOENT` on Linux. */
  errno: number
  /** The name of the error number, such as `'ENOENT'`. */
  code: string
  /** The system call that failed, such as `'openat'`. */
  syscall: string
  /** The path as it was given. In an `onerror`, the whole path of the entry that failed. */
  path: Name
  /** The second path of a call that takes two. */
  dest?: NonNullable<Name>
  /** The path of the directory that `path` starts from, if `dirFd` was given and it is known. */
  dir?: string
  /** The path of the directory that `dest` starts from. */
  destDir?: string
}

// Texts for errors of file systems that libuv, and so the map of node:util, does not know.
const texts: Record<string, string> = {
  EBADMSG: 'bad message',
  EDQUOT: 'disk quota exceeded',
  ENOLCK: 'no locks available',
  ESTALE: 'stale file handle',
  ETOOMANYREFS: 'too many references: cannot splice',
}

// A name that node:os does not know either, by its number on this platform.
const unnamed: ReadonlyMap<number, string> = new Map([
  [process.platform === 'darwin' ? -59 : -109, 'ETOOMANYREFS'],
])

// Node builds a new map at each call, which takes several times as long as creating the error.
let known: ReadonlyMap<number, [code: string, text: string]> | undefined

function describe(errno: number): [code: string, text: string] {
  known ??= getSystemErrorMap()
  const named = known.get(errno)
  if (named !== undefined) return named
  // The module is loaded here, so that an import does not load it.
  const { constants } = process.getBuiltinModule('node:os')
  const entry = Object.entries(constants.errno).find(([, number]) => number === -errno)
  const code = entry?.[0] ?? unnamed.get(errno) ?? `Unknown system error ${errno}`
  return [code, texts[code] ?? `unknown error ${-errno}`]
}

/** Returns the name of an error number, such as `'ENOENT'`. */
export function errorCode(failure: Failure): string {
  return describe(failure.errno)[0]
}

function printable(name: Name): string {
  return typeof name === 'string' ? name : Buffer.from(name).toString()
}

/** The paths and the caller of a failed call, for its error. */
export interface Subject {
  path?: Name | undefined
  dest?: Name | undefined
  /** The code and the text of the message, if they are not those of the error number. */
  named?: [code: string, text: string] | undefined
  /** The function that was called with a descriptor for a relative path to start from. */
  caller?: string | undefined
  /** The path of the directory that the first path starts from, if it is relative. */
  dir?: string | undefined
  /** The path of the directory that the second path starts from, if it is relative. */
  destDir?: string | undefined
}

/**
 * Returns whether a path is relative, so that it starts from the descriptor that is given with it.
 */
export function isRelative(path: Name | undefined): boolean {
  if (path === undefined) return false
  return typeof path === 'string' ? !path.startsWith('/') : path[0] !== 0x2f
}

/**
 * Adds the fields that are defined. They are defined as own properties, so a setter on
 * `Object.prototype` does not receive them.
 */
function withFields<E extends Error, F extends object>(error: E, fields: F): E & F {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (!(name in Object.prototype)) {
      Reflect.set(error, name, value)
      continue
    }
    const field = { __proto__: null, value, writable: true, enumerable: true, configurable: true }
    Object.defineProperty(error, name, field as PropertyDescriptor)
  }
  return error as E & F
}

function quote(path: Name, dir: string | undefined): string {
  return dir === undefined ? `'${printable(path)}'` : `'${printable(path)}' in '${printable(dir)}'`
}

/**
 * Returns the error of a failed system call: errno (negative), code, syscall, and the paths that
 * are known. The reason is appended to the message; by default, it is the one that core gives.
 */
export function systemError<P extends Name | undefined = undefined>(
  failure: Failure,
  { path, dest, named, caller, dir, destDir }: Subject & { path?: P } = {},
  reason: string | undefined = reasonOf(failure),
): SystemError<P> {
  const { errno, syscall } = failure
  const [code, text] = named ?? describe(errno)
  let message = `${code}: ${text}, ${syscall}`
  if (path !== undefined) message += ` ${quote(path, dir)}`
  if (dest !== undefined) message += ` -> ${quote(dest, destDir)}`
  if (caller !== undefined) message += ` (${caller})`
  if (reason !== undefined) message += `: ${reason}`
  const fields = { errno, code, syscall, path, dest, dir, destDir }
  return withFields(new Error(message), fields) as SystemError<P>
}

/** Returns the error of a failed system call without a path, with a reason if there is one. */
export function because(failure: Failure, reason: string | undefined): SystemError<undefined> {
  return systemError(failure, {}, reason)
}

/**
 * Returns whether an export returned a failure. Only own properties count, not those of
 * `Object.prototype`.
 */
export function isFailure(result: unknown): result is Failure {
  return typeof result === 'object' && result !== null && Object.hasOwn(result, 'syscall')
}

/** Returns the error of `fs.rm` for a directory that may not be removed with what is in it. */
export function isDirectory(failure: Failure, path: Name): Error {
  const text = `Path is a directory: rm returned EISDIR (is a directory) ${printable(path)}`
  const error = nodeError(Error, 'ERR_FS_EISDIR', text)
  return withFields(error, { errno: failure.errno, syscall: 'rm', path })
}

/** Returns the result of an export, or throws its failure. */
export function check<T>(result: T | Failure, subject?: Subject): T {
  if (isFailure(result)) throw systemError(result, subject)
  return result
}

/** Returns the error of an aborted operation, as in Node; its `cause` is the signal's reason. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason })
  error.name = 'AbortError'
  return withFields(error, { code: 'ABORT_ERR' })
}

function nodeError<E extends Error>(base: new (message: string) => E, code: string, text: string): E {
  const error = new base(text)
  // The first line of the stack is built when it is first read, so it shows the code.
  error.name = `${error.name} [${code}]`
  void error.stack
  delete (error as { name?: string }).name
  return withFields(error, { code })
}

/** Like util.inspect, which throws for some values: that of Bun for proxies and false prototypes. */
function show(value: unknown, options?: InspectOptions): string {
  try {
    return inspect(value, options)
  } catch {
    return `[${typeof value}]`
  }
}

function received(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'Received undefined'
    case 'function':
      return `Received function ${value.name}`
    case 'object': {
      if (value === null) return 'Received null'
      const maker: unknown = value.constructor
      if (typeof maker === 'function') return `Received an instance of ${maker.name}`
      return `Received ${show(value, { depth: -1 })}`
    }
    case 'string': {
      const shown = value.length > 28 ? `${value.slice(0, 25)}...` : value
      return `Received type string (${shown.includes("'") ? JSON.stringify(shown) : `'${shown}'`})`
    }
    default:
      return `Received type ${typeof value} (${show(value)})`
  }
}

/** Returns an error for an invalid state. `reason` follows "Invalid state: ". */
export function invalidState(reason: string): Error {
  return nodeError(Error, 'ERR_INVALID_STATE', `Invalid state: ${reason}`)
}

/** Returns the error for a call of a constructor that is not public. */
export function illegalConstructor(): TypeError {
  return nodeError(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor')
}

const kind = (name: string) => (name.includes('.') ? 'property' : 'argument')

/**
 * Returns the error for an argument of a wrong type. `expected` follows "must be": `of type string
 * or an instance of Buffer or URL`.
 */
export function invalidArgType(name: string, expected: string, value: unknown, note = ''): TypeError {
  const text = `The "${name}" ${kind(name)} must be ${expected}. ${received(value)}${note}`
  return nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', text)
}

/**
 * Returns the error for an invalid argument. `reason` follows the argument's name: `must be a
 * string without null bytes`.
 */
export function invalidArgValue(name: string, reason: string, value: unknown): TypeError {
  let shown = show(value)
  if (shown.length > 128) shown = `${shown.slice(0, 128)}...`
  const text = `The ${kind(name)} '${name}' ${reason}. Received ${shown}`
  return nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', text)
}

/** Returns the error for an option that a function does not have. */
export function unknownOption(caller: string, name: string, names: readonly string[]): TypeError {
  const text = `The property 'options.${name}' is not an option of ${caller}`
  return nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', text + suggest(caller, name, names))
}

/**
 * Returns the error for a number out of range. `range` follows "must be": `>= 0 && <= 2147483647`.
 */
export function outOfRange(name: string, range: string, value: number | bigint): RangeError {
  const isWhole = typeof value === 'bigint' || Number.isInteger(value)
  const isLong = isWhole && (value > 2 ** 32 || value < -(2 ** 32))
  const grouped = () => String(value).replace(/\B(?=(\d{3})+$)/g, '_')
  const suffix = typeof value === 'bigint' ? 'n' : ''
  const shown = isLong ? grouped() + suffix : inspect(value)
  const text = `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`
  return nodeError(RangeError, 'ERR_OUT_OF_RANGE', text)
}
