// The state of a walk between two steps. The synchronous and the asynchronous walk share it.
import { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'
import { isUint8Array } from 'node:util/types'

import type { AuditEvents } from '../runtime/audit.js'
import type { Failure, Handle, Walk } from '../runtime/binding.js'
import {
  errorCode,
  invalidArgType,
  invalidArgValue,
  isRelative,
  systemError,
  type SystemError,
} from '../runtime/error.js'
import { NameSink } from '../files/listing.js'
import { native } from '../runtime/native.js'
import type { Read } from '../runtime/options.js'
import {
  validateBoolean,
  validateFunction,
  validateInteger,
  validateKeptFd,
  validatePath,
  validateThreads,
  type Caller,
  type PathLike,
} from '../runtime/validate.js'
import { StatsSink, type FwalkStats } from './walk-stats.js'

/** The values that {@link fwalk} yields: a directory, the names in it, and its descriptor. */
export type FwalkEntry<Name extends string | Buffer = string> = [
  /** The path of the directory: `top` and the names below it, joined with slashes. */
  dirpath: Name,
  /**
   * Directories, and symbolic links to directories. Top-down, edit it to choose what is visited.
   */
  dirnames: Name[],
  /** All other names: files, broken symbolic links, FIFOs, sockets, devices. */
  filenames: Name[],
  /**
   * The descriptor of the directory. The walk owns it: it is valid until the next step, and you
   * must never close it. `dup` makes a copy to keep.
   */
  dirFd: number,
]

/** The values that {@link fwalk} yields with `stats: true`. */
export type FwalkStatsEntry<
  Name extends string | Buffer = string,
  Stats extends fs.Stats | fs.BigIntStats = fs.Stats,
> = [
  dirpath: Name,
  dirnames: Name[],
  filenames: Name[],
  dirFd: number,
  /** The status of each name in `dirnames` and `filenames`. */
  stats: FwalkStats<Name, Stats>,
]

/** The values of any walk. The overloads of `fwalk` declare which kind it yields. */
export type AnyEntry = FwalkEntry<AnyName> | FwalkStatsEntry<AnyName, fs.Stats | fs.BigIntStats>

/** A name: a string, or a Buffer if the top is bytes. All names of a walk are of one kind. */
export type AnyName = string | Buffer

/** The result of a step. After a directory was skipped, the walk goes on with the next step. */
export type Step = { kind: 'entry'; entry: AnyEntry } | { kind: 'skipped' } | { kind: 'end' }

const DEFAULT_MAX_OPEN = 128
const MIN_MAX_OPEN = 4

const SLASH = 0x2f

/** The result of a step that was not made. */
export const NOT_READY = -2

/** The options of every walk, with their checks. */
export const walkOptions = {
  topdown: validateBoolean,
  onerror: validateFunction<(error: SystemError<AnyName>) => void>,
  followSymlinks: validateBoolean,
  dirFd: validateKeptFd,
  maxOpen: (value: unknown, name: string) => validateInteger(value, name, MIN_MAX_OPEN, 2 ** 31 - 1),
  exact: validateBoolean,
  stats: validateBoolean,
  bigint: validateBoolean,
  threads: validateThreads,
}

type Audit = (...args: AuditEvents['os.fwalk']) => void

const NO_DIRECTORY =
  'the top is not a directory, or is a symbolic link, which is only walked with followSymlinks: true'

/** The paths of a walk, and its kind of names. */
interface Paths {
  /** Receives from each step how many names of the path have not changed, and the new names. */
  enter(kept: number, ...names: string[]): void
  current(): AnyName
  /** Returns true if the value is a name of this kind. */
  isName(value: unknown): value is AnyName
  isComponent(name: AnyName): boolean
  /** Returns a copy of the names that {@link isUnchanged} compares them with later. */
  snapshot(names: AnyName[]): string[]
  isUnchanged(names: AnyName[], snapshot: string[]): boolean
}

// A path is the previous path and one more name. V8 joins strings without copying them, so a step
// costs the same at any depth.
class StringPaths implements Paths {
  readonly #names: string[]
  // The path of each level with a slash. The yielded path is a separate string: most uses flatten a
  // string, and these prefixes stay small if they are not flattened.
  readonly #prefixes: string[]

  constructor(top: string) {
    this.#names = [top]
    this.#prefixes = [top === '' || top.endsWith('/') ? top : `${top}/`]
  }

  readonly enter = (kept: number, ...names: string[]): void => {
    // The names are popped one by one, because V8 has a fast path for `pop` but none for a smaller
    // `length`.
    while (this.#names.length > kept + 1) {
      this.#names.pop()
      this.#prefixes.pop()
    }
    for (const name of names) {
      this.#prefixes.push(this.#prefixes.at(-1) + (name + '/'))
      this.#names.push(name)
    }
  }

  current(): string {
    const name = this.#names.at(-1) ?? ''
    return this.#names.length === 1 ? name : this.#prefixes.at(-2) + name
  }

  isName(value: unknown): value is string {
    return typeof value === 'string'
  }

  isComponent(name: string): boolean {
    return name !== '' && name !== '.' && name !== '..' && !name.includes('/')
  }

  snapshot(names: string[]): string[] {
    return names.slice()
  }

  isUnchanged(names: string[], snapshot: string[]): boolean {
    // `every` skips holes, so it is called on the snapshot, which has none.
    return names.length === snapshot.length && snapshot.every((name, index) => name === names[index])
  }
}

// Converts bytes to one character each. If the value is not a Uint8Array, the result equals no
// snapshot.
function latin1(name: unknown): string | undefined {
  if (!isUint8Array(name)) return undefined
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
}

class BufferPaths implements Paths {
  readonly #walk: Handle<Walk>
  readonly #top: Uint8Array

  constructor(walk: Handle<Walk>, top: Uint8Array) {
    this.#walk = walk
    this.#top = Buffer.from(top)
  }

  enter(): void {}

  current(): Buffer {
    const path = native.walkPath(this.#walk)
    // Before the first step, the walk has no path.
    return path.length > 0 ? path : Buffer.from(this.#top)
  }

  isName(value: unknown): value is Buffer {
    return isUint8Array(value)
  }

  isComponent(name: Buffer): boolean {
    const isDots = name.length <= 2 && name.every((byte) => byte === 0x2e)
    return !isDots && !name.includes(SLASH)
  }

  // The bytes, not just the identity of the Buffers: the caller can edit a name in place.
  snapshot(names: Buffer[]): string[] {
    return names.map((name) => name.toString('latin1'))
  }

  isUnchanged(names: Buffer[], snapshot: string[]): boolean {
    return names.length === snapshot.length && snapshot.every((name, index) => name === latin1(names[index]))
  }
}

const SKIPPED: Step = { kind: 'skipped' }
const END: Step = { kind: 'end' }

/** A walk, and the results of its steps. */
export class WalkState {
  readonly #walk: Handle<Walk>
  readonly #enter: Paths['enter']
  readonly #dirnames = new NameSink<AnyName>()
  readonly #filenames = new NameSink<AnyName>()
  readonly #stats: StatsSink | undefined
  readonly #paths: Paths
  readonly #top: Uint8Array | string
  readonly #topdown: boolean
  readonly #followSymlinks: boolean
  // Whether the paths start from a descriptor.
  readonly #isFrom: boolean
  readonly #onerror: ((error: SystemError<AnyName>) => void) | undefined
  // A reference that is kept, since the object may close the descriptor that the walk starts from
  // when it is collected.
  readonly owner: unknown
  // The names that were yielded last, top-down, and a snapshot from before the caller could edit
  // them.
  #yielded: AnyName[] = []
  #listed: string[] = []

  constructor(
    later: boolean,
    top: PathLike,
    options: Read<typeof walkOptions>,
    audit: Audit,
    caller: Caller,
  ) {
    const path = validatePath(top, 'top', caller)
    const { topdown = true, onerror, followSymlinks = false, dirFd, maxOpen = DEFAULT_MAX_OPEN } = options
    // In an asynchronous walk, each check would be a system call that blocks the event loop.
    const { exact = !later, threads, stats = false, bigint = false } = options
    audit(top, topdown, onerror, followSymlinks, dirFd?.fd)
    this.#walk = native.walkStart(
      later,
      path,
      topdown,
      followSymlinks,
      maxOpen,
      exact,
      stats,
      threads,
      dirFd?.fd,
    )
    this.#stats = stats ? new StatsSink(bigint) : undefined
    this.owner = dirFd?.owner
    this.#paths = typeof path === 'string' ? new StringPaths(path) : new BufferPaths(this.#walk, path)
    this.#enter = this.#paths.enter
    this.#top = path
    this.#topdown = topdown
    this.#followSymlinks = followSymlinks
    this.#isFrom = dirFd !== undefined && isRelative(path)
    this.#onerror = onerror
  }

  step(): number | Failure {
    const result = native.walkStep(this.#walk, this.#enter, this.#dirnames.add, this.#filenames.add)
    if (typeof result === 'number' && result >= 0) this.#drainStats(Infinity)
    return result
  }

  stepLater(): Promise<number | Failure> {
    return native.walkStepLater(this.#walk)
  }

  /** Goes on if the next directory is listed already. Otherwise it returns {@link NOT_READY}. */
  stepIfReady(): number | Failure {
    return native.walkStepIfReady(this.#walk)
  }

  /** Takes the next batch of names of an asynchronous step. Returns whether there may be more. */
  drain(): boolean {
    const { add: addDirname } = this.#dirnames
    if (native.walkDrain(this.#walk, this.#enter, addDirname, this.#filenames.add)) return true
    return this.#drainStats()
  }

  #drainStats(most?: number): boolean {
    const count = this.#dirnames.names.length + this.#filenames.names.length
    return count > 0 && this.#stats !== undefined && this.#stats.drain(this.#walk, count, most)
  }

  interrupt(): void {
    native.walkInterrupt(this.#walk)
  }

  close(): void {
    native.walkClose(this.#walk)
  }

  /** Converts what the addon returned for a step. */
  take(result: number | Failure): Step {
    if (typeof result !== 'number') {
      if (!result.recoverable) throw this.#errorOf(result)
      this.#onerror?.(this.#errorOf(result))
      return SKIPPED
    }
    if (result < 0) return END
    const dirnames = this.#dirnames
    const filenames = this.#filenames
    const path = this.#paths.current()
    const stats = this.#stats?.take([...dirnames.names, ...filenames.names])
    const entry: AnyEntry = stats
      ? [path, dirnames.names, filenames.names, result, stats]
      : [path, dirnames.names, filenames.names, result]
    if (this.#topdown) {
      this.#yielded = dirnames.names
      this.#listed = this.#paths.snapshot(dirnames.names)
    }
    dirnames.names = []
    filenames.names = []
    return { kind: 'entry', entry }
  }

  #errorOf(failure: Failure): SystemError<AnyName> {
    const path = this.#paths.current()
    const where = this.#isFrom ? { caller: 'fwalk', dir: failure.dir } : {}
    const isTop = Buffer.from(path).equals(Buffer.from(this.#top))
    // An error that is thrown, not reported, means that a component before the top is not a
    // directory.
    const isNone =
      isTop &&
      failure.recoverable === true &&
      !this.#followSymlinks &&
      /^(ELOOP|ENOTDIR)$/.test(errorCode(failure))
    return systemError(failure, { path, ...where }, isNone ? NO_DIRECTORY : undefined)
  }

  /** Returns whether the caller edited the names that were yielded last. */
  isEdited(): boolean {
    return !this.#paths.isUnchanged(this.#yielded, this.#listed)
  }

  /** Passes the caller's edits of the names that were yielded last to the walk. */
  applyEdits(): void {
    if (!this.isEdited()) return
    // Each name is read once, so that the name that was checked is the name that is used.
    const names: AnyName[] = []
    for (const [index, name] of this.#yielded.entries()) {
      if (!this.#paths.isName(name)) {
        const expected =
          typeof this.#paths.current() === 'string' ? 'of type string' : 'an instance of Buffer'
        throw invalidArgType(`dirnames[${index}]`, expected, name)
      }
      validatePath(name, `dirnames[${index}]`)
      if (!this.#paths.isComponent(name)) {
        throw invalidArgValue(`dirnames[${index}]`, 'must be a single path component', name)
      }
      names.push(name)
    }
    native.walkSetDirnames(this.#walk, names)
  }
}
