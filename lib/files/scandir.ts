// The entries of a directory, with the type and inode number that the directory stores.
import type * as fs from 'node:fs'

import { auditEvent } from '../runtime/audit.js'
import type { Entries } from '../runtime/binding.js'
import { later, now, type Call } from '../runtime/call.js'
import { type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { drainInTurns } from './listing.js'
import { statLater, statNow, type Question } from './stat.js'
import {
  isFdLike,
  validateBoolean,
  validateKeptFd,
  validateTarget,
  type DirFdOptions,
  type FdLike,
  type PathLike,
} from '../runtime/validate.js'

/** Options of the methods of a {@link DirEntry}. */
export interface DirEntryOptions {
  /** Whether to follow a symbolic link; `true` by default, as in Python. */
  followSymlinks?: boolean | undefined
}

/** Options of {@link DirEntry.stat}. */
export interface DirEntryStatOptions extends DirEntryOptions {
  /** Whether the numbers are bigints, which are exact; `false` by default. */
  bigint?: boolean | undefined
}

/** An entry of a directory, as yielded by {@link scandir}. */
export interface DirEntry<N extends string | Buffer = string> {
  /** The name, without its directory. */
  readonly name: N
  /**
   * Returns the inode number of the entry, and of the link itself for a symbolic link. It makes no
   * system call.
   */
  inode(options?: { bigint?: false | undefined }): number
  inode(options: { bigint: true }): bigint
  /**
   * Returns whether the entry is a directory, or a symbolic link to one. It makes a system call
   * only for a symbolic link. If the link's target cannot be examined, it throws (`ELOOP`,
   * `EACCES`); if the target does not exist, it returns `false`.
   */
  isDirectory(options?: DirEntryOptions): boolean
  /**
   * Returns whether the entry is a regular file, or a symbolic link to one. Links are treated as by
   * {@link isDirectory}.
   */
  isFile(options?: DirEntryOptions): boolean
  /** Returns whether the entry is a symbolic link. It makes no system call. */
  isSymbolicLink(): boolean
  /** Returns the status of the entry. Each call makes a system call; nothing is cached. */
  stat(options: DirEntryStatOptions & { bigint: true }): fs.BigIntStats
  stat(options?: DirEntryStatOptions & { bigint?: false | undefined }): fs.Stats
}

/**
 * A {@link DirEntry} of `fdkit/promises`. Only `stat` is asynchronous; everything else is known
 * already. If the target of a symbolic link cannot be examined, the entry is neither a directory
 * nor a file.
 */
export interface AsyncDirEntry<N extends string | Buffer = string> extends Omit<DirEntry<N>, 'stat'> {
  stat(options: DirEntryStatOptions & { bigint: true }): Promise<fs.BigIntStats>
  stat(options?: DirEntryStatOptions & { bigint?: false | undefined }): Promise<fs.Stats>
}

// The numbers that readdir(3) uses.
const DT_UNKNOWN = 0
const DT_DIR = 4
const DT_REG = 8
const DT_LNK = 10

/** The base from which entries are examined again: an open directory, or a path. */
type Place = {
  dirFd: number | undefined
  prefix: Name | undefined
  /** A reference that is kept, since the object may close the descriptor when it is collected. */
  owner: unknown
}

const readIs = optionsOf('a DirEntry', { followSymlinks: validateBoolean })
const readInode = optionsOf('DirEntry.inode', { bigint: validateBoolean })
const readStat = optionsOf('DirEntry.stat', { bigint: validateBoolean, followSymlinks: validateBoolean })

// Symbols instead of private fields: a Proxy of an entry, or an object that inherits from it, has
// no private fields.
const TYPE = Symbol('type')
const INO = Symbol('ino')
const PLACE = Symbol('place')
const TARGET = Symbol('targetType')
const IS = Symbol('is')

abstract class EntryBase {
  readonly name: string | Buffer
  readonly [TYPE]: number
  readonly [INO]: number | bigint
  readonly [PLACE]: Place

  constructor(name: string | Buffer, type: number, ino: number | bigint, place: Place) {
    this.name = name
    this[TYPE] = type
    this[INO] = ino
    this[PLACE] = place
  }

  /** Returns the type of the target of a symbolic link. */
  protected abstract targetType(): number

  protected get path(): Name {
    const { prefix } = this[PLACE]
    if (prefix === undefined) return this.name
    if (typeof prefix === 'string') return prefix + this.name
    return Buffer.concat([prefix, this.name as Buffer])
  }

  protected get dirFd(): number | undefined {
    return this[PLACE].dirFd
  }

  protected question(options: DirEntryStatOptions | undefined): Question {
    const { bigint = false, followSymlinks = true } = readStat(options)
    return { caller: 'DirEntry.stat', path: this.path, dirFd: this.dirFd, followSymlinks, bigint }
  }

  [IS](type: number, options: DirEntryOptions | undefined): boolean {
    const { followSymlinks = true } = readIs(options)
    return type === (followSymlinks && this[TYPE] === DT_LNK ? this.targetType() : this[TYPE])
  }

  inode(options?: { bigint?: boolean | undefined }): never {
    const { bigint = false } = readInode(options)
    return (bigint ? BigInt(this[INO]) : Number(this[INO])) as never
  }

  isDirectory(options?: DirEntryOptions): boolean {
    return this[IS](DT_DIR, options)
  }

  isFile(options?: DirEntryOptions): boolean {
    return this[IS](DT_REG, options)
  }

  isSymbolicLink(): boolean {
    return this[TYPE] === DT_LNK
  }
}

class Entry extends EntryBase {
  protected override targetType(): number {
    try {
      const found = statNow(this.question(undefined))
      return found.isDirectory() ? DT_DIR : found.isFile() ? DT_REG : DT_UNKNOWN
    } catch (error) {
      // As in Python, a link to a missing target is neither a directory nor a file.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return DT_UNKNOWN
      throw error
    }
  }

  stat(options?: DirEntryStatOptions): never {
    return statNow(this.question(options)) as never
  }
}

class LaterEntry extends EntryBase {
  readonly [TARGET]: number

  constructor(name: string | Buffer, type: number, targetType: number, ino: number | bigint, place: Place) {
    super(name, type, ino, place)
    this[TARGET] = targetType
  }

  protected override targetType(): number {
    return this[TARGET]
  }

  async stat(options?: DirEntryStatOptions): Promise<never> {
    return statLater(this.question(options)) as Promise<never>
  }
}

const readScandir = optionsOf('scandir', { dirFd: validateKeptFd })
export const auditScandir = auditEvent('os.scandir', 'path')

// Four values per entry: name, type, type of a link's target, inode number.
type Fields = [name: string | Buffer, type: number, targetType: number, ino: number | bigint]

function* group(values: unknown[]): Generator<Fields> {
  for (let at = 0; at < values.length; at += 4) yield values.slice(at, at + 4) as Fields
}

function scandirCall(
  path: PathLike | FdLike | undefined,
  options: DirFdOptions | undefined,
): { call: Call<Entries>; place: Place } {
  const { dirFd } = readScandir(options)
  const owner = isFdLike(path) ? path : dirFd?.owner
  const { path: checked, fd } = validateTarget(path === undefined ? '.' : path, dirFd?.fd, true, readScandir)
  auditScandir(path !== undefined && checked === undefined ? fd : (path as PathLike | undefined))
  const make = (isLater: boolean) => native.scandir(isLater, fd, checked)
  const prefix = checked === undefined ? undefined : withSlash(checked)
  const call = { make, caller: 'scandir', path: checked, dirFd: fd }
  return { call, place: { dirFd: fd, prefix, owner } }
}

function withSlash(path: Name): Name {
  if (typeof path === 'string') return path.endsWith('/') ? path : `${path}/`
  // It is always a copy: the caller may overwrite its bytes later.
  return Buffer.concat(path.at(-1) === 0x2f ? [path] : [path, Buffer.from('/')])
}

/**
 * Returns an iterator over the entries of a directory, without `.` and `..`, in the file system's
 * order. The name, the type and the inode number of an entry come from the directory itself and
 * need no further system call.
 *
 * Unlike Python's, it reads the whole directory at once: nothing stays open, so there is nothing to
 * close. As in Python, an entry is examined again by its path, or relative to the descriptor if one
 * was given in place of the path.
 *
 * @param path a path, or a descriptor of a directory
 * @throws `EBADF`: the descriptor is not open; `ERR_INVALID_ARG_VALUE`: `dirFd` was given with a
 * descriptor in place of the path; `ENOENT`, `ENOTDIR`, `EACCES`, `EMFILE` and the other errors of
 * open(2)
 * @see https://docs.python.org/3/library/os.html#os.scandir
 * @example
 * ```ts
 * import { scandir } from 'fdkit'
 *
 * for (const entry of scandir('src')) {
 *   if (entry.isFile() && entry.name.endsWith('.ts')) console.log(entry.name, entry.stat().size)
 * }
 * ```
 */
export function scandir(path?: string | URL | FdLike, options?: DirFdOptions): IterableIterator<DirEntry>
export function scandir(path: Uint8Array, options?: DirFdOptions): IterableIterator<DirEntry<Buffer>>
export function scandir(
  path?: PathLike | FdLike,
  options?: DirFdOptions,
): IterableIterator<DirEntry> | IterableIterator<DirEntry<Buffer>> {
  const { call, place } = scandirCall(path, options)
  return entries(now(call) as unknown[], place) as IterableIterator<DirEntry>
}

function* entries(values: unknown[], place: Place): Generator<Entry> {
  for (const [name, type, , ino] of group(values)) yield new Entry(name, type, ino, place)
}

// For `fdkit/promises`.
export async function scandirPromise(
  path: PathLike | FdLike | undefined,
  options: DirFdOptions | undefined,
): Promise<LaterEntry[]> {
  const { call, place } = scandirCall(path, options)
  const listed = await later(call)
  const found: LaterEntry[] = []
  const add = (...values: unknown[]) => {
    for (const fields of group(values)) found.push(new LaterEntry(...fields, place))
  }
  if (Array.isArray(listed)) add(...listed)
  else await drainInTurns(listed, add)
  return found
}
