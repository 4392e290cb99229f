// The walk through a directory tree, one step a turn of the loop.
import type { Buffer } from 'node:buffer'

import { auditEvent } from '../runtime/audit.js'
import type { SystemError } from '../runtime/error.js'
import { optionsOf } from '../runtime/options.js'
import type { FdLike } from '../runtime/validate.js'
import { walkOptions, WalkState, type AnyName, type FwalkEntry } from './walk-state.js'

export type { FwalkEntry } from './walk-state.js'

/** Options of {@link fwalk}. */
export interface FwalkOptions<Name extends string | Buffer = string> {
  /** A directory before what is in it (`true`, the default), or after. */
  topdown?: boolean | undefined
  /**
   * Called with the error for each directory that was to be visited and was not; its `path` is
   * the whole path. What it throws ends the walk. Without it such directories are passed over.
   */
  onerror?: ((error: SystemError<Name>) => void) | undefined
  /** Whether links to directories are entered; `false` by default. */
  followSymlinks?: boolean | undefined
  /** A descriptor of a directory, which a relative `top` starts from. */
  dirFd?: FdLike | undefined
  /** How many descriptors the walk holds at most, at any depth: 4 or more, 128 by default. */
  maxOpen?: number | undefined
  /**
   * How many threads list directories ahead of the walk, 0 to 64; 0 for none. By default as many as
   * the machine runs at once, at most 4. They start in a tree of several dozen directories and end
   * with the walk. They list up to 64 directories ahead, with up to 4 MiB of names, and their
   * descriptors count towards `maxOpen`.
   */
  threads?: number | undefined
  /**
   * Whether each directory is yielded as a listing at that moment would find it: one that was listed
   * ahead is looked at again, and is listed again if it may have changed. By default `true`, and
   * `false` in `fdkit/promises`, where a directory may have been listed somewhat before it is
   * yielded; the descriptor is then of the directory that was listed.
   */
  exact?: boolean | undefined
}

/** The iterator that {@link fwalk} returns. */
export interface FwalkIterator<Name extends string | Buffer = string>
  extends NodeJS.Iterator<FwalkEntry<Name>, undefined, unknown> {
  next(): IteratorResult<FwalkEntry<Name>, undefined>
  /** Ends the walk and closes its descriptors, as `break` in a loop does. */
  return(value?: unknown): IteratorReturnResult<undefined>
  /** Ends the walk, and throws. */
  throw(error?: unknown): IteratorReturnResult<undefined>
  [Symbol.iterator](): FwalkIterator<Name>
  [Symbol.dispose](): void
}

const readFwalk = optionsOf('fwalk', walkOptions)

export const auditFwalk = auditEvent('os.fwalk', 'top', 'topdown', 'onerror', 'followSymlinks', 'dirFd')

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
 * @param top a path: a string, a Buffer or a `file:` URL; `'.'` by default. A top that is not a
 * directory, or is a symbolic link to one (`/bin` on many systems), yields nothing, as in Python:
 * without `onerror` the loop just ends. `onerror` gets ENOTDIR or ELOOP for it. Pass
 * `followSymlinks: true` to walk what a link leads to.
 * @throws where `top` cannot be opened or listed, at the first step: `ENOENT`, `EACCES`,
 * `EBADF` (`dirFd` is not open), `ENOTDIR` (with `followSymlinks`) …;
 * `ERR_INVALID_ARG_VALUE`: a name in `dirnames` that is empty, `.`, `..`, or contains `/` or NUL
 * @see https://docs.python.org/3/library/os.html#os.fwalk
 * @example
 * ```ts
 * import { fwalk, stat } from 'fdkit'
 *
 * const onerror = (error: Error) => { throw error }
 * for (const [root, dirs, files, dirFd] of fwalk('src', { onerror })) {
 *   const sizes = files.map((name) => stat(name, { dirFd, followSymlinks: false }).size)
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
): FwalkIterator<AnyName> {
  return new Fwalk(new WalkState(false, top, readFwalk(options), auditFwalk))
}

// What iterators of the language inherit from, and with it map, filter and the other helpers.
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

class Fwalk implements FwalkIterator<AnyName> {
  #state: WalkState | undefined
  #isRunning = false

  static {
    Object.setPrototypeOf(Fwalk.prototype, IteratorPrototype)
  }

  constructor(state: WalkState) {
    this.#state = state
  }

  next(): IteratorResult<FwalkEntry<AnyName>, undefined> {
    this.#checkIdle()
    this.#isRunning = true
    let value: FwalkEntry<AnyName> | undefined
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

  #step(): FwalkEntry<AnyName> | undefined {
    const state = this.#state
    if (state === undefined) return undefined
    state.applyEdits()
    for (;;) {
      const step = state.take(state.step())
      if (step.kind === 'entry') return step.entry
      if (step.kind === 'end') return undefined
    }
  }

  #checkIdle(): void {
    if (this.#isRunning) throw new TypeError('The walk is already running')
  }

  #close(): void {
    this.#state?.close()
    this.#state = undefined
  }
}
