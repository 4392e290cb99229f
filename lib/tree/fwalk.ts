// The synchronous walk through a directory tree.
import type { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'

import { auditEvent } from '../runtime/audit.js'
import type { SystemError } from '../runtime/error.js'
import { optionsOf } from '../runtime/options.js'
import type { FdLike } from '../runtime/validate.js'
import {
  walkOptions,
  WalkState,
  type AnyEntry,
  type AnyName,
  type FwalkEntry,
  type FwalkStatsEntry,
} from './walk-state.js'

export type { FwalkEntry, FwalkStatsEntry } from './walk-state.js'
export type { FwalkStats } from './walk-stats.js'

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
  /**
   * The number of threads that list directories ahead of the walk, from 0 (none) to 64. By default,
   * there is one for each core but one, at least 1 and at most 4. The threads start in a tree
   * of several dozen directories and end with the walk. They list up to 64 directories ahead, with
   * up to 4 MiB of names. Their descriptors count towards `maxOpen`.
   */
  threads?: number | undefined
  /**
   * Whether the names are those that the directory has when it is yielded. If it was listed ahead,
   * it is then checked again, and listed again if it may have changed. The default is `true`. In
   * `fdkit/promises` it is `false`: the names may be those of a slightly earlier moment, but the
   * descriptor is always that of the directory that was listed.
   */
  exact?: boolean | undefined
  /**
   * Whether to examine each entry, without following symbolic links; `false` by default. The walk
   * then yields a fifth value, whose `get(name)` returns the status. The threads do it when they
   * list a directory, which is several times as fast as calling {@link stat} for each name.
   */
  stats?: boolean | undefined
  /** With `stats`, whether the numbers are bigints, which are exact; `false` by default. */
  bigint?: boolean | undefined
}

/** The iterator that {@link fwalk} returns. */
export interface FwalkIterator<
  Name extends string | Buffer = string,
  Entry = FwalkEntry<Name>,
> extends NodeJS.Iterator<Entry, undefined, unknown> {
  next(): IteratorResult<Entry, undefined>
  /** Ends the walk and closes its descriptors, as `break` in a loop does. */
  return(value?: unknown): IteratorReturnResult<undefined>
  /** Ends the walk and throws `error`. */
  throw(error?: unknown): IteratorReturnResult<undefined>
  [Symbol.iterator](): FwalkIterator<Name, Entry>
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
 * With `stats: true`, a fifth value has the status of each entry, and the kinds of numbers are those
 * of {@link stat}.
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
 *
 * // the same sizes, in the same pass
 * for (const [root, , files, , stats] of fwalk('src', { onerror, stats: true })) {
 *   const sizes = files.map((name) => stats.get(name)?.size ?? 0)
 *   console.log(root, 'consumes', sizes.reduce((sum, size) => sum + size, 0), 'bytes')
 * }
 * ```
 */
export function fwalk(
  top: Uint8Array,
  options?: FwalkOptions<Buffer> & { stats?: false | undefined },
): FwalkIterator<Buffer>
export function fwalk(
  top?: string | URL,
  options?: FwalkOptions<string> & { stats?: false | undefined },
): FwalkIterator<string>
export function fwalk(
  top: Uint8Array,
  options: FwalkOptions<Buffer> & { stats: true; bigint?: false | undefined },
): FwalkIterator<Buffer, FwalkStatsEntry<Buffer>>
export function fwalk(
  top: string | URL | undefined,
  options: FwalkOptions<string> & { stats: true; bigint?: false | undefined },
): FwalkIterator<string, FwalkStatsEntry>
export function fwalk(
  top: Uint8Array,
  options: FwalkOptions<Buffer> & { stats: true; bigint: true },
): FwalkIterator<Buffer, FwalkStatsEntry<Buffer, fs.BigIntStats>>
export function fwalk(
  top: string | URL | undefined,
  options: FwalkOptions<string> & { stats: true; bigint: true },
): FwalkIterator<string, FwalkStatsEntry<string, fs.BigIntStats>>
export function fwalk(top: Uint8Array, options?: FwalkOptions<Buffer>): FwalkIterator<Buffer>
export function fwalk(top?: string | URL, options?: FwalkOptions<string>): FwalkIterator<string>
export function fwalk(
  top: string | URL | Uint8Array = '.',
  options?: FwalkOptions<string> | FwalkOptions<Buffer>,
): FwalkIterator<AnyName, AnyEntry> {
  return iterate(new WalkState(false, top, readFwalk(options), auditFwalk, readFwalk))
}

/** Returns the iterator of a walk. */
export const iterate = (state: WalkState): FwalkIterator<AnyName, AnyEntry> => new Fwalk(state)

// The prototype of the language's own iterators. It provides map, filter and the other helpers.
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

class Fwalk implements FwalkIterator<AnyName, AnyEntry> {
  #state: WalkState | undefined
  #isRunning = false

  static {
    Object.setPrototypeOf(Fwalk.prototype, IteratorPrototype)
  }

  constructor(state: WalkState) {
    this.#state = state
  }

  next(): IteratorResult<AnyEntry, undefined> {
    this.#checkIdle()
    this.#isRunning = true
    let value: AnyEntry | undefined
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

  #step(): AnyEntry | undefined {
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
