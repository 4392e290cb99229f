// The state of a walk between two steps. The synchronous and the asynchronous walk share it.
import { Buffer } from 'node:buffer'
import { isUint8Array } from 'node:util/types'

import type { Failure, Handle, Walk } from '../runtime/binding.js'
import { errorCode, invalidArgType, invalidArgValue, isRelative, systemError, type SystemError } from '../runtime/error.js'
import type { FwalkEntry } from './fwalk.js'
import { NameSink } from '../files/listing.js'
import { native } from '../runtime/native.js'
import type { Read } from '../runtime/options.js'
import {
  validateBoolean,
  validateFunction,
  validateInteger,
  validateKeptFd,
  validatePath,
  type PathLike,
} from '../runtime/validate.js'

const DEFAULT_MAX_OPEN = 128
const MIN_MAX_OPEN = 4

const SLASH = 0x2f

/** The options of every walk, with their checks. */
export const walkOptions = {
  topdown: validateBoolean,
  onerror: validateFunction<(error: SystemError<string | Buffer>) => void>,
  followSymlinks: validateBoolean,
  dirFd: validateKeptFd,
  maxOpen: (value: unknown, name: string) => validateInteger(value, name, MIN_MAX_OPEN, 2 ** 31 - 1),
}

type Audit = (...args: unknown[]) => void

const NO_DIRECTORY =
  'the top is not a directory, or is a symbolic link, which is only walked with followSymlinks: true'

/** The result of a step that yields nothing and after which the walk goes on. */
export const skipped: unique symbol = Symbol('skipped')

/** Builds the paths of a walk. */
interface Paths<Name> {
  /** Enters a directory: `kept` names of the previous path still hold, and `names` follow them. */
  enter(kept: number, ...names: string[]): void
  current(): Name
  /** Returns whether a caller may put a value into `dirnames`. */
  isName(value: unknown): value is Name
  isComponent(name: Name): boolean
  /** Returns a copy of the names that {@link isUnchanged} compares them with later. */
  snapshot(names: Name[]): string[]
  isUnchanged(names: Name[], snapshot: string[]): boolean
}

// A path is the previous path and one more name. V8 joins strings without copying them, so a step
// costs the same at any depth.
class StringPaths implements Paths<string> {
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
    const name = this.#names.at(-1) as string
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

class BufferPaths implements Paths<Buffer> {
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

  isComponent(name: Uint8Array): boolean {
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

/** A walk, and the conversion of its steps to entries. */
export class WalkState<Name extends string | Buffer> {
  readonly #walk: Handle<Walk>
  readonly #enter: Paths<Name>['enter']
  readonly #dirnames = new NameSink<Name>()
  readonly #filenames = new NameSink<Name>()
  readonly #paths: Paths<Name>
  readonly #top: Uint8Array | string
  readonly #topdown: boolean
  readonly #followSymlinks: boolean
  // Whether the paths start from a descriptor.
  readonly #isFrom: boolean
  readonly #onerror: ((error: SystemError<Name>) => void) | undefined
  // A reference that is kept, since the object may close the descriptor that the walk starts from
  // when it is collected.
  readonly owner: unknown
  // The names that were yielded last, top-down, and a snapshot from before the caller could edit
  // them.
  #yielded: Name[] = []
  #listed: string[] = []

  constructor(later: boolean, top: PathLike, options: Read<typeof walkOptions>, audit: Audit) {
    const path = validatePath(top, 'top')
    const { topdown = true, onerror, followSymlinks = false, dirFd, maxOpen = DEFAULT_MAX_OPEN } = options
    audit(top, topdown, onerror, followSymlinks, dirFd?.fd)
    this.#walk = native.walkStart(later, path, topdown, followSymlinks, maxOpen, dirFd?.fd)
    this.owner = dirFd?.owner
    const paths = typeof path === 'string' ? new StringPaths(path) : new BufferPaths(this.#walk, path)
    this.#paths = paths as unknown as Paths<Name>
    this.#enter = this.#paths.enter
    this.#top = path
    this.#topdown = topdown
    this.#followSymlinks = followSymlinks
    this.#isFrom = dirFd !== undefined && isRelative(path)
    this.#onerror = onerror
  }

  step(): number | Failure {
    return native.walkStep(this.#walk, this.#enter, this.#dirnames.add, this.#filenames.add)
  }

  stepLater(): Promise<number | Failure> {
    return native.walkStepLater(this.#walk)
  }

  /** Takes the next batch of names of an asynchronous step. Returns whether there may be more. */
  drain(): boolean {
    return native.walkDrain(this.#walk, this.#enter, this.#dirnames.add, this.#filenames.add)
  }

  interrupt(): void {
    native.walkInterrupt(this.#walk)
  }

  close(): void {
    native.walkClose(this.#walk)
  }

  /**
   * Converts the result of a step: to an entry, to `undefined` at the end of the walk, or to
   * `skipped`.
   */
  take(result: number | Failure): FwalkEntry<Name> | undefined | typeof skipped {
    if (typeof result !== 'number') {
      if (!result.recoverable) throw this.#errorOf(result)
      this.#onerror?.(this.#errorOf(result))
      return skipped
    }
    if (result < 0) return undefined
    const dirnames = this.#dirnames
    const filenames = this.#filenames
    const entry: FwalkEntry<Name> = [
      this.#paths.current(),
      dirnames.names,
      filenames.names,
      result,
    ]
    if (this.#topdown) {
      this.#yielded = dirnames.names
      this.#listed = this.#paths.snapshot(dirnames.names)
    }
    dirnames.names = []
    filenames.names = []
    return entry
  }

  #errorOf(failure: Failure): SystemError<Name> {
    const path = this.#paths.current()
    const where = this.#isFrom ? { caller: 'fwalk', dir: failure.dir } : {}
    const isTop = Buffer.from(path).equals(Buffer.from(this.#top))
    // An error that is thrown, not reported, means that a component before the top is not a
    // directory.
    const isNone = isTop && failure.recoverable === true && !this.#followSymlinks && /^(ELOOP|ENOTDIR)$/.test(errorCode(failure))
    return systemError(failure, { path, ...where }, isNone ? NO_DIRECTORY : undefined)
  }

  /** Passes the caller's edits of the names that were yielded last to the walk. */
  applyEdits(): void {
    if (this.#paths.isUnchanged(this.#yielded, this.#listed)) return
    // Each name is read once, so that the name that was checked is the name that is used.
    const names: Name[] = []
    for (const [index, name] of this.#yielded.entries()) {
      if (!this.#paths.isName(name)) {
        const expected = typeof this.#paths.current() === 'string' ? 'of type string' : 'an instance of Buffer'
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
