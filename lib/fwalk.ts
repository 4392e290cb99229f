// The walk through a directory tree, one step a turn of the loop.
import { Buffer } from 'node:buffer'

import { auditEvent } from './audit.js'
import { check, invalidArgType, invalidArgValue, systemError } from './error.js'
import { NameSink } from './listing.js'
import { native } from './native.js'
import {
  optional,
  validateBoolean,
  validateFd,
  validateFunction,
  validateInteger,
  validateOptions,
  validatePath,
} from './validate.js'

/** What {@link fwalk} yields: a directory, the names in it, and a descriptor of it. */
export type FwalkEntry<Name extends string | Buffer = string> = [
  /** `top`, and the names below it, joined with slashes. */
  dirpath: Name,
  /** Directories, and links to directories; top-down, edit it to say what is visited. */
  dirnames: Name[],
  /** Everything else: files, links to nothing, FIFOs, sockets, devices. */
  filenames: Name[],
  /** The walk's own: good until the next step, and never to be closed. `dup` keeps a copy. */
  dirfd: number,
]

/** Options of {@link fwalk}. */
export interface FwalkOptions<Name extends string | Buffer = string> {
  /** A directory before what is in it (`true`, the default), or after. */
  topdown?: boolean | undefined
  /**
   * Called with the error for each directory that was to be visited and was not; its `path` is
   * the whole path. What it throws ends the walk. Without it such directories are passed over.
   */
  onerror?: ((error: NodeJS.ErrnoException & { path: Name }) => void) | undefined
  /** Whether links to directories are entered; `false` by default. */
  followSymlinks?: boolean | undefined
  /** A descriptor of a directory, which a relative `top` starts from. */
  dirFd?: number | undefined
  /** How many descriptors the walk holds at most, at any depth: 4 or more, 128 by default. */
  maxOpen?: number | undefined
}

/** The iterator that {@link fwalk} returns. */
export interface FwalkIterator<Name extends string | Buffer = string>
  extends IterableIterator<FwalkEntry<Name>, undefined, unknown> {
  next(): IteratorResult<FwalkEntry<Name>, undefined>
  /** Ends the walk and closes its descriptors, as `break` in a loop does. */
  return(value?: unknown): IteratorReturnResult<undefined>
  /** Ends the walk, and throws. */
  throw(error?: unknown): never
  [Symbol.iterator](): FwalkIterator<Name>
  [Symbol.dispose](): void
}

const DEFAULT_MAX_OPEN = 128
const MIN_MAX_OPEN = 4

const SLASH = 0x2f

const auditFwalk = auditEvent('os.fwalk', 'top', 'topdown', 'onerror', 'followSymlinks', 'dirFd')

/**
 * Walks a directory tree, and yields for each directory its path, the names of the directories
 * in it, the names of everything else in it, and a descriptor that is good until the next step.
 *
 * Nothing is opened before the first step; leaving the loop in any way closes everything. Links
 * are never followed without `followSymlinks`, not even one that is put in a directory's place
 * while the walk runs. Names that are not UTF-8 have U+DC80 to U+DCFF for their odd bytes
 * (PEP 383), and every function of fdkit takes them back; where `top` is a Buffer, everything
 * that comes out is Buffers, `error.path` included.
 *
 * Differs from Python: any depth with at most `maxOpen` descriptors; a directory whose listing
 * fails goes to `onerror`, as the documentation of Python says, and so do a directory that was
 * swapped for something else, a `top` that is a link or no directory, and, with
 * `followSymlinks`, a directory that is its own ancestor; names added to `dirnames` must be
 * single components.
 *
 * @param top a path: a string, a Buffer or a `file:` URL; `'.'` by default
 * @throws where `top` cannot be opened or listed, at the first step: `ENOENT`, `EACCES`,
 * `EBADF` (`dirFd` is not open), `ENOTDIR` (with `followSymlinks`) …;
 * `ERR_INVALID_ARG_VALUE`: a name in `dirnames` that is empty, `.`, `..`, or contains `/` or NUL
 * @see https://docs.python.org/3/library/os.html#os.fwalk
 * @example
 * ```ts
 * import { fwalk, stat } from 'fdkit'
 *
 * for (const [root, dirs, files, rootfd] of fwalk('src')) {
 *   const sizes = files.map((name) => stat(name, { dirFd: rootfd, followSymlinks: false }).size)
 *   console.log(root, 'consumes', sizes.reduce((sum, size) => sum + size, 0), 'bytes')
 *   const cvs = dirs.indexOf('CVS')
 *   if (cvs !== -1) dirs.splice(cvs, 1) // do not visit CVS directories
 * }
 * ```
 */
export function fwalk(top: Uint8Array, options?: FwalkOptions<Buffer>): FwalkIterator<Buffer>
export function fwalk(top?: string | URL, options?: FwalkOptions<string>): FwalkIterator<string>
export function fwalk(
  top: string | URL | Uint8Array = '.',
  options?: FwalkOptions<string> | FwalkOptions<Buffer>,
): FwalkIterator<string> | FwalkIterator<Buffer> {
  const path = validatePath(top, 'top')
  const given = validateOptions(options as FwalkOptions<string | Buffer> | undefined)
  const topdown = optional(validateBoolean, given.topdown, 'topdown') ?? true
  optional(validateFunction, given.onerror, 'onerror')
  const follow = optional(validateBoolean, given.followSymlinks, 'followSymlinks') ?? false
  const dirFd = optional(validateFd, given.dirFd, 'dirFd')
  const maxOpen =
    given.maxOpen === undefined
      ? DEFAULT_MAX_OPEN
      : validateInteger(given.maxOpen, 'options.maxOpen', MIN_MAX_OPEN, 2 ** 31 - 1)
  auditFwalk(top, topdown, given.onerror, follow, dirFd)
  const isBytes = typeof path !== 'string'
  const walk = new native.Walk(path, isBytes, topdown, follow, maxOpen, dirFd)
  const onerror = given.onerror as ((error: Error) => void) | undefined
  return isBytes
    ? new Fwalk<Buffer>(walk, new BufferPaths(walk), topdown, onerror)
    : new Fwalk<string>(walk, new StringPaths(path), topdown, onerror)
}

type Walk = InstanceType<typeof native.Walk>

/** How the paths of a walk come about. */
interface Paths<Name> {
  /** Told by each step which names of the path before still hold, and which are new. */
  enter(kept: number, ...names: string[]): void
  current(): Name
  /** Whether a caller's name may stand in dirnames. */
  isName(value: unknown): value is Name
  isComponent(name: Name): boolean
}

// A path is a name behind the path before it, and V8 joins strings without copying them: a step
// costs the same at any depth.
class StringPaths implements Paths<string> {
  readonly #names: string[]
  // Each level's path and a slash. The path itself is another string: flattening it, as most
  // uses do, leaves these small.
  readonly #prefixes: string[]

  constructor(top: string) {
    this.#names = [top]
    this.#prefixes = [top === '' || top.endsWith('/') ? top : `${top}/`]
  }

  readonly enter = (kept: number, ...names: string[]): void => {
    // One by one: V8 has a fast path for pop, and none for a shorter length.
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
}

class BufferPaths implements Paths<Buffer> {
  readonly #walk: Walk

  constructor(walk: Walk) {
    this.#walk = walk
  }

  enter(): void {}

  current(): Buffer {
    return this.#walk.path()
  }

  isName(value: unknown): value is Buffer {
    return value instanceof Uint8Array
  }

  isComponent(name: Uint8Array): boolean {
    const isDots = name.length <= 2 && name.every((byte) => byte === 0x2e)
    return !isDots && !name.includes(SLASH)
  }
}

// What iterators of the language inherit from, and with it map, filter and the other helpers.
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

class Fwalk<Name extends string | Buffer> implements FwalkIterator<Name> {
  #walk: Walk | undefined
  readonly #next: ReturnType<Walk['stepper']>
  #isRunning = false
  readonly #paths: Paths<Name>
  readonly #topdown: boolean
  readonly #onerror: ((error: Error) => void) | undefined
  readonly #dirnames = new NameSink<Name>()
  readonly #filenames = new NameSink<Name>()
  // What was yielded last, top-down, and what it was before the caller could edit it.
  #yielded: Name[] = []
  #listed: Name[] = []

  static {
    Object.setPrototypeOf(Fwalk.prototype, IteratorPrototype)
  }

  constructor(
    walk: Walk,
    paths: Paths<Name>,
    topdown: boolean,
    onerror: ((error: Error) => void) | undefined,
  ) {
    this.#walk = walk
    this.#next = walk.stepper()
    this.#paths = paths
    this.#topdown = topdown
    this.#onerror = onerror
  }

  next(): IteratorResult<FwalkEntry<Name>, undefined> {
    this.#checkIdle()
    this.#isRunning = true
    let value: FwalkEntry<Name> | undefined
    try {
      value = this.#step()
    } finally {
      this.#isRunning = false
      if (value === undefined) this.#close()
    }
    return value === undefined ? { done: true, value } : { done: false, value }
  }

  return(): IteratorReturnResult<undefined> {
    this.#checkIdle()
    this.#close()
    return { done: true, value: undefined }
  }

  throw(error?: unknown): never {
    this.return()
    throw error
  }

  [Symbol.iterator](): this {
    return this
  }

  [Symbol.dispose](): void {
    this.return()
  }

  #step(): FwalkEntry<Name> | undefined {
    const walk = this.#walk
    if (walk === undefined) return undefined
    this.#applyEdits(walk)
    const dirnames = this.#dirnames
    const filenames = this.#filenames
    for (;;) {
      const result = this.#next(this.#paths.enter, dirnames.add, filenames.add)
      if (typeof result !== 'number') {
        if (!result.skipped) check(result, this.#paths.current())
        this.#onerror?.(systemError(result, this.#paths.current()))
        continue
      }
      if (result < 0) return undefined
      const entry: FwalkEntry<Name> = [
        this.#paths.current(),
        dirnames.names,
        filenames.names,
        result,
      ]
      if (this.#topdown) {
        this.#yielded = dirnames.names
        this.#listed = dirnames.names.slice()
      }
      dirnames.names = []
      filenames.names = []
      return entry
    }
  }

  #applyEdits(walk: Walk): void {
    const names = this.#yielded
    const listed = this.#listed
    if (names.length === listed.length && names.every((name, index) => name === listed[index])) {
      return
    }
    for (const [index, name] of names.entries()) {
      if (!this.#paths.isName(name)) {
        const expected = typeof this.#paths.current() === 'string' ? 'of type string' : 'an instance of Buffer'
        throw invalidArgType(`dirnames[${index}]`, expected, name)
      }
      validatePath(name, `dirnames[${index}]`)
      if (!this.#paths.isComponent(name)) {
        throw invalidArgValue(`dirnames[${index}]`, 'must be a single path component', name)
      }
    }
    walk.setDirnames(names)
  }

  #checkIdle(): void {
    if (this.#isRunning) throw new TypeError('The walk is already running')
  }

  #close(): void {
    this.#walk?.close()
    this.#walk = undefined
  }
}
