// The options of the methods of a Root, which are those of node:fs.
import { constants } from 'node:fs'

import { parseFlags, parseMode } from '../files/open.js'
import { invalidArgValue } from '../runtime/error.js'
import { optionsOf, type OptionsReader, type Read } from '../runtime/options.js'
import {
  validateBoolean,
  validateFunction,
  validateInteger,
  validateSignal,
  validateString,
  validateThreads,
} from '../runtime/validate.js'
import type { SystemError } from '../runtime/error.js'

/** Options of {@link openRoot}. */
export interface RootOptions {
  /**
   * The treatment of symbolic links. With `'beneath'` (the default), they are followed as long as they
   * stay beneath the root. With `'refuse'`, a link anywhere in a path is an error, except the last
   * name of a call that acts on the link itself.
   */
  symlinks?: 'beneath' | 'refuse' | undefined
  /** Whether a path may lead into another mounted file system; `true` by default. */
  crossDevice?: boolean | undefined
}

/** The encoding of names: `'buffer'` for Buffers. In `'utf8'`, names are strings without loss. */
export type NameEncoding = BufferEncoding | 'buffer'

/** Options of {@link Root.open} and {@link Root.openFile}. */
export interface RootOpenOptions {
  /** The permissions of a new file, before the umask is applied; 0o666 by default. */
  mode?: number | string | undefined
}

/** Options of {@link Root.readFile}. */
export interface ReadFileOptions {
  /** The encoding of the returned string. By default, a Buffer is returned. */
  encoding?: NameEncoding | null | undefined
  /** The flags of {@link Root.open}; `'r'` by default. */
  flag?: string | number | undefined
}

/** Options of {@link Root.appendFile}. */
export interface AppendFileOptions {
  /** The encoding of `data` if it is a string; `'utf8'` by default. */
  encoding?: BufferEncoding | null | undefined
  /** The permissions of a new file, before the umask is applied; 0o666 by default. */
  mode?: number | string | undefined
  /** The flags of {@link Root.open}. */
  flag?: string | number | undefined
  /**
   * Whether the data is on the disk when the call ends, and with `atomic` the name as well; `false`
   * by default.
   */
  flush?: boolean | undefined
}

/** Options of {@link Root.writeFile}. */
export interface WriteFileOptions extends AppendFileOptions {
  /**
   * Whether the file is replaced as a whole; `false` by default. Other processes, and the next
   * process after a crash, see the old contents or the new ones.
   */
  atomic?: boolean | undefined
}

/** Options of {@link Root.stat}. */
export interface RootStatOptions {
  /** Whether the numbers are bigints, which are exact; `false` by default. */
  bigint?: boolean | undefined
}

/** Options of {@link Root.stat} and {@link Root.lstat}. */
export interface RootStatSyncOptions extends RootStatOptions {
  /** Whether a missing file is an error; `true` by default. If `false`, `undefined` is returned. */
  throwIfNoEntry?: boolean | undefined
}

/** Options of {@link Root.readdir}. */
export interface ReaddirOptions {
  /** The encoding of the names; `'utf8'` by default, in which they are strings without loss. */
  encoding?: NameEncoding | null | undefined
  /** Whether {@link Dirent} objects are returned instead of names; `false` by default. */
  withFileTypes?: boolean | undefined
  /** Whether the directories in it are listed as well, at any depth; `false` by default. */
  recursive?: boolean | undefined
}

/** Options of {@link Root.mkdir}. */
export interface MkdirOptions {
  /** Whether the directories above it are made, too, if they are missing; `false` by default. */
  recursive?: boolean | undefined
  /** The permissions, before the umask is applied; 0o777 by default. */
  mode?: number | string | undefined
}

/** Options of {@link Root.mkdtemp}, {@link Root.readlink} and {@link Root.realpath}. */
export interface EncodingOptions {
  /** The encoding of the result; `'utf8'` by default. */
  encoding?: NameEncoding | null | undefined
}

/** An encoding, or options with one, that makes the result a Buffer. */
export type BufferNameOptions = 'buffer' | (EncodingOptions & { encoding: 'buffer' })

/** An encoding, or options with one, that makes the result a string. */
export type StringNameOptions =
  | BufferEncoding
  | null
  | (EncodingOptions & { encoding?: BufferEncoding | null | undefined })

/** Any encoding of a result, or options with one. */
export type NameOptions = NameEncoding | EncodingOptions | null

/** Options of {@link Root.rm}. */
export interface RmOptions {
  /** Whether a directory is removed with everything in it; `false` by default. */
  recursive?: boolean | undefined
  /** Whether a missing file is ignored; `false` by default. */
  force?: boolean | undefined
}

/** Options of {@link Root.rename}. */
export interface RootRenameOptions {
  /** Whether an existing `newPath` is an error; `false` by default. */
  noReplace?: boolean | undefined
  /** Whether the two files exchange their names; `false` by default. */
  exchange?: boolean | undefined
}

/** Options of {@link Root.fwalk}. They are those of {@link fwalk}, as far as a root has them. */
export interface RootFwalkOptions<Name extends string | Buffer = string> {
  /** Whether a directory is yielded before its subdirectories, or after them; `true` by default. */
  topdown?: boolean | undefined
  /** Called with an error for each directory that should have been visited but was not. */
  onerror?: ((error: SystemError<Name>) => void) | undefined
  /** The maximum number of descriptors that the walk holds open: at least 4, 128 by default. */
  maxOpen?: number | undefined
  /** The number of threads that list directories ahead of the walk, from 0 to 64. */
  threads?: number | undefined
  /** Whether the names are those that the directory has when it is yielded. */
  exact?: boolean | undefined
}

/** Options of `Root.fwalk` of `fdkit/promises`. */
export interface AsyncRootFwalkOptions<Name extends string | Buffer = string> extends RootFwalkOptions<Name> {
  /** Ends the walk. */
  signal?: AbortSignal | undefined
}

function validateSymlinks(value: unknown, name: string): boolean {
  const text = validateString(value, name)
  if (text === 'refuse' || text === 'beneath') return text === 'refuse'
  throw invalidArgValue(name, "must be 'beneath' or 'refuse'", value)
}

type Encoding = NameEncoding | null

function validateEncoding(value: unknown): Encoding {
  if (value === null || value === 'buffer') return value
  if (typeof value === 'string' && Buffer.isEncoding(value)) return value
  throw invalidArgValue('encoding', 'is invalid encoding', value)
}

const flag = (value: unknown) => parseFlags(value)
const encoding = validateEncoding
const mode = parseMode

export const readRootOptions = optionsOf('openRoot', {
  symlinks: validateSymlinks,
  crossDevice: validateBoolean,
})
export const readOpen = optionsOf('Root.open', { mode })
export const readOpenFile = optionsOf('Root.openFile', { mode })
export const readReadFile = optionsOf('Root.readFile', { encoding, flag })
export const readAppendFile = optionsOf('Root.appendFile', { encoding, mode, flag, flush: validateBoolean })
export const readWriteFile = optionsOf('Root.writeFile', {
  encoding,
  mode,
  flag,
  flush: validateBoolean,
  atomic: validateBoolean,
})
const stat = { bigint: validateBoolean }
const statSync = { ...stat, throwIfNoEntry: validateBoolean }
export const readStat = optionsOf('Root.stat', statSync)
export const readLstat = optionsOf('Root.lstat', statSync)
export const readStatLater = optionsOf('Root.stat', stat)
export const readLstatLater = optionsOf('Root.lstat', stat)
export const readReaddir = optionsOf('Root.readdir', {
  encoding,
  withFileTypes: validateBoolean,
  recursive: validateBoolean,
})
export const readMkdir = optionsOf('Root.mkdir', { recursive: validateBoolean, mode })
export const readMkdtemp = optionsOf('Root.mkdtemp', { encoding })
export const readReadlink = optionsOf('Root.readlink', { encoding })
export const readRealpath = optionsOf('Root.realpath', { encoding })
export const readRm = optionsOf('Root.rm', { recursive: validateBoolean, force: validateBoolean })
export const readRename = optionsOf('Root.rename', { noReplace: validateBoolean, exchange: validateBoolean })
const walk = {
  topdown: validateBoolean,
  onerror: validateFunction<(error: SystemError<string | Buffer>) => void>,
  maxOpen: (value: unknown, name: string) => validateInteger(value, name, 4, 2 ** 31 - 1),
  exact: validateBoolean,
  threads: validateThreads,
}
export const readFwalk = optionsOf('Root.fwalk', walk)
export const readFwalkLater = optionsOf('Root.fwalk', { ...walk, signal: validateSignal })

type Checks = Record<string, (value: unknown, name: string) => unknown>

/** Reads options that can be given as an encoding, as in node:fs. `null` stands for none. */
export function withEncoding<C extends Checks & { encoding: typeof validateEncoding }>(
  read: OptionsReader<C>,
  options: unknown,
): Read<C> {
  if (typeof options !== 'string') return read(options === null ? undefined : options)
  // Without a prototype, so that the other options are not those of `Object.prototype`.
  return { __proto__: null, encoding: validateEncoding(options) } as unknown as Read<C>
}

/** Reads options that can be given as a mode, as in node:fs. `null` stands for none. */
export function withMode<C extends Checks & { mode: typeof parseMode }>(
  read: OptionsReader<C>,
  options: unknown,
): Read<C> {
  const isMode = typeof options === 'number' || typeof options === 'string'
  if (!isMode) return read(options === null ? undefined : options)
  return { __proto__: null, mode: parseMode(options, 'mode') } as unknown as Read<C>
}

/** Converts bytes to a string of the encoding. Without one, they stay bytes. */
export function decode(bytes: Buffer, given: Encoding | undefined): string | Buffer {
  return given === undefined || given === null || given === 'buffer' ? bytes : bytes.toString(given)
}

/** Returns whether names are passed as Buffers, because strings of utf8 are not what is wanted. */
export function wantsBuffers(given: Encoding | undefined): boolean {
  return given !== undefined && given !== null && !/^utf-?8$/i.test(given)
}

/** Converts a name that was passed as {@link wantsBuffers} says. */
export function decodeName(name: string | Buffer, given: Encoding | undefined): string | Buffer {
  return typeof name === 'string' ? name : decode(name, given)
}

const { O_APPEND, O_CREAT, O_TRUNC } = constants

/** Throws if a file cannot be opened with these flags and replaced as a whole. */
export function checkAtomic(flags: number, given: unknown): void {
  const replaces = (flags & (O_CREAT | O_TRUNC)) === (O_CREAT | O_TRUNC) && (flags & O_APPEND) === 0
  if (!replaces) throw invalidArgValue('options.flag', "must be 'w' or 'wx' with atomic", given)
}
