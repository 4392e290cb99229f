// The synchronous walk through a directory tree.
import type { Buffer } from 'node:buffer'

import { auditEvent } from '../runtime/audit.js'
import type { SystemError } from '../runtime/error.js'
import { optionsOf } from '../runtime/options.js'
import type { FdLike } from '../runtime/validate.js'
import { skipped, walkOptions, WalkState } from './walk-state.js'

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

/** Options of {@link fwalk}. */
export interface FwalkOptions<Name extends string | Buffer = string> {
  /** Whether a directory is yielded before its subdirectories, or after them; `true` by default. */
  topdown?: boolean | undefined
  /**
   * Called with an error for each directory that should have been visited but was not. The error's
   * `path` is the whole path. If the function throws, the walk ends. By default, such directories
   * are skipped without an error.
   */
  onerror?: ((error: SystemError<Name>) => void) | undefined
  /** Whether the walk enters symbolic links to directories; `false` by default. */
  followSymlinks?: boolean | undefined
  /** The descriptor of the directory that a relative `top` starts from. */
  dirFd?: FdLike | undefined
  /**
   * The maximum number of descriptors that the walk holds open, at any depth: at least 4, 128 by
   * default.
   */
  maxOpen?: number | undefined
}

/** The iterator that {@link fwalk} returns. */
export interface FwalkIterator<Name extends string | Buffer = string>
  extends NodeJS.Iterator<FwalkEntry<Name>, undefined, unknown> {
  next(): IteratorResult<FwalkEntry<Name>, undefined>
  /** Ends the walk and closes its descriptors, as `break` in a loop does. */
  return(value?: unknown): IteratorReturnResult<undefined>
  /** Ends the walk and throws `error`. */
  throw(error?: unknown): IteratorReturnResult<undefined>
  [Symbol.iterator](): FwalkIterator<Name>
  [Symbol.dispose](): void
}

const readFwalk = optionsOf('fwalk', walkOptions)

export const auditFwalk = auditEvent('os.fwalk', 'top', 'topdown', 'onerror', 'followSymlinks', 'dirFd')

/**
 * Walks a directory tree. For each directory, it yields the path, the names of the directories in
 * it, the names of everything else in it, and a descriptor that is valid until the next step.
 *
 * Nothing is opened before the first step, and leaving the loop in any way closes everything. By
 * default, symbolic links are never followed, not even one that replaces a directory while the walk
 * runs. In names that are not UTF-8, each invalid byte is a code unit from U+DC80 to U+DCFF (PEP
 * 383), and every function of fdkit accepts such names. If `top` is a Buffer, all names and paths
 * are Buffers, including `error.path`.
 *
 * Differs from Python: any depth takes at most `maxOpen` descriptors. `onerror` is also called for
 * a directory that cannot be listed (as Python documents), a directory that was replaced by
 * something else, a `top` that is a symbolic link or not a directory, and, with `followSymlinks`, a
 * directory that is its own ancestor. Names added to `dirnames` must be single components.
 *
 * @param top a path: a string, a Buffer or a `file:` URL; `'.'` by default. If it is not a
 * directory, or is a symbolic link to one (`/bin` on many systems), the walk yields nothing, as in
 * Python: without `onerror`, the loop just ends. `onerror` gets ENOTDIR or ELOOP for it. Pass
 * `followSymlinks: true` to walk the target of a link.
 * @throws at the first step, if `top` cannot be opened or listed: `ENOENT`, `EACCES`, `EBADF`
 * (`dirFd` is not open), `ENOTDIR` (with `followSymlinks`) and others; `ERR_INVALID_ARG_VALUE`: a
 * name in `dirnames` is empty, `.` or `..`, or contains `/` or NUL
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
): FwalkIterator<string> | FwalkIterator<Buffer> {
  return new Fwalk(new WalkState<string>(false, top, readFwalk(options), auditFwalk))
}

// The prototype of the language's own iterators. It provides map, filter and the other helpers.
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

class Fwalk<Name extends string | Buffer> implements FwalkIterator<Name> {
  #state: WalkState<Name> | undefined
  #isRunning = false

  static {
    Object.setPrototypeOf(Fwalk.prototype, IteratorPrototype)
  }

  constructor(state: WalkState<Name>) {
    this.#state = state
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
    const state = this.#state
    if (state === undefined) return undefined
    state.applyEdits()
    for (;;) {
      const entry = state.take(state.step())
      if (entry !== skipped) return entry
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
