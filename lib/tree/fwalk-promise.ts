// The walk through a directory tree, with each step on a thread of the pool.
import type { Buffer } from 'node:buffer'
import type * as fs from 'node:fs'

import type { Failure } from '../runtime/binding.js'
import { onAbort } from '../runtime/abort.js'
import { abortError } from '../runtime/error.js'
import { auditFwalk, type FwalkOptions } from './fwalk.js'
import { optionsOf } from '../runtime/options.js'
import { isTurnOver, ownTurn } from '../runtime/turns.js'
import { validateSignal } from '../runtime/validate.js'
import {
  NOT_READY,
  walkOptions,
  WalkState,
  type AnyEntry,
  type AnyName,
  type FwalkEntry,
  type FwalkStatsEntry,
} from './walk-state.js'

const readFwalk = optionsOf('fwalk', { ...walkOptions, signal: validateSignal })

/** Options of `fwalk` of `fdkit/promises`. */
export interface AsyncFwalkOptions<Name extends string | Buffer = string> extends FwalkOptions<Name> {
  /**
   * Ends the walk. The step that is under way rejects with an AbortError; if there is none, the
   * next step does. Until then, the descriptor that was yielded last stays open.
   */
  signal?: AbortSignal | undefined
}

/** The iterator that `fwalk` of `fdkit/promises` returns. */
export interface AsyncFwalkIterator<
  Name extends string | Buffer = string,
  Entry = FwalkEntry<Name>,
> extends NodeJS.AsyncIterator<Entry, undefined, unknown> {
  next(): Promise<IteratorResult<Entry, undefined>>
  /** Ends the walk and closes its descriptors, as `break` in a loop does. */
  return(value?: unknown): Promise<IteratorReturnResult<undefined>>
  /** Ends the walk, and rejects. */
  throw(error?: unknown): Promise<IteratorReturnResult<undefined>>
  [Symbol.asyncIterator](): AsyncFwalkIterator<Name, Entry>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * {@inheritDoc fwalk}
 *
 * Directories are listed off the main thread. A step to a directory that is listed already only
 * resolves a promise; the event loop turns once a millisecond all the same. With `exact: true` or
 * `threads: 0`, each step waits for a thread of libuv's pool.
 *
 * The yielded `dirFd` stays open until the next `next()`, `return()` or `throw()`, or until the
 * iterator is collected. A signal that aborts in between does not change that. If `next()` is
 * called while a step is under way, the call is queued, and each step closes the descriptor of the
 * step before it. So if you call `next()` ahead of time, use a descriptor only before the first
 * `await` after you received it, or keep a copy with `dup`. You may start any number of
 * `fdkit/promises` calls with it before that `await`.
 *
 * The `dirFd` option is duplicated when `fwalk()` is called. If the walk is never started, the
 * duplicate stays open until `return()` is called or the iterator is collected.
 *
 * @throws `AbortError`: `signal` is aborted
 * @example
 * ```ts
 * import { fwalk, stat } from 'fdkit/promises'
 *
 * const onerror = (error: Error) => { throw error }
 * for await (const [dirpath, , filenames, dirFd] of fwalk('src', { onerror })) {
 *   const all = await Promise.all(filenames.map((name) => stat(name, { dirFd })))
 *   console.log(dirpath, all.reduce((sum, { size }) => sum + size, 0))
 * }
 * ```
 */
export function fwalk(
  top: Uint8Array,
  options?: AsyncFwalkOptions<Buffer> & { stats?: false | undefined },
): AsyncFwalkIterator<Buffer>
export function fwalk(
  top?: string | URL,
  options?: AsyncFwalkOptions<string> & { stats?: false | undefined },
): AsyncFwalkIterator<string>
export function fwalk(
  top: Uint8Array,
  options: AsyncFwalkOptions<Buffer> & { stats: true; bigint?: false | undefined },
): AsyncFwalkIterator<Buffer, FwalkStatsEntry<Buffer>>
export function fwalk(
  top: string | URL | undefined,
  options: AsyncFwalkOptions<string> & { stats: true; bigint?: false | undefined },
): AsyncFwalkIterator<string, FwalkStatsEntry>
export function fwalk(
  top: Uint8Array,
  options: AsyncFwalkOptions<Buffer> & { stats: true; bigint: true },
): AsyncFwalkIterator<Buffer, FwalkStatsEntry<Buffer, fs.BigIntStats>>
export function fwalk(
  top: string | URL | undefined,
  options: AsyncFwalkOptions<string> & { stats: true; bigint: true },
): AsyncFwalkIterator<string, FwalkStatsEntry<string, fs.BigIntStats>>
export function fwalk(top: Uint8Array, options?: AsyncFwalkOptions<Buffer>): AsyncFwalkIterator<Buffer>
export function fwalk(top?: string | URL, options?: AsyncFwalkOptions<string>): AsyncFwalkIterator<string>
export function fwalk(
  top: string | URL | Uint8Array = '.',
  options?: AsyncFwalkOptions<string> | AsyncFwalkOptions<Buffer>,
): AsyncFwalkIterator<AnyName, AnyEntry> {
  const given = readFwalk(options)
  return iterateLater(new WalkState(true, top, given, auditFwalk, readFwalk), given.signal)
}

/** Returns the iterator of a walk whose steps run off the main thread. */
export const iterateLater = (
  state: WalkState,
  signal: AbortSignal | undefined,
): AsyncFwalkIterator<AnyName, AnyEntry> => new AsyncFwalk(state, signal)

const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype))

class AsyncFwalk implements AsyncFwalkIterator<AnyName, AnyEntry> {
  #state: WalkState | undefined
  #last: Promise<unknown> = Promise.resolve()
  // Calls whose results the caller does not have yet.
  #pending = 0
  // The result of a step whose names are not complete.
  #begun: number | Failure | undefined
  readonly #signal: AbortSignal | undefined

  static {
    Object.setPrototypeOf(AsyncFwalk.prototype, AsyncIteratorPrototype)
  }

  constructor(state: WalkState, signal: AbortSignal | undefined) {
    this.#state = state
    this.#signal = signal
  }

  next(): Promise<IteratorResult<AnyEntry, undefined>> {
    if (this.#pending === 0 && this.#state !== undefined && !isTurnOver()) {
      const value = this.#stepIfReady(this.#state)
      if (value !== undefined) return this.#follow(Promise.resolve({ done: false, value }))
    }
    return this.#inTurn(async () => {
      let value: AnyEntry | undefined
      try {
        value = await this.#step()
      } finally {
        if (value === undefined) this.#close()
      }
      return value === undefined ? { done: true, value } : { done: false, value }
    })
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#inTurn(async () => {
      this.#close()
      return { done: true, value: undefined }
    })
  }

  async throw(error?: unknown): Promise<IteratorReturnResult<undefined>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** Makes a step if the directory is listed already. If anything is special, {@link #step} does it. */
  #stepIfReady(state: WalkState): AnyEntry | undefined {
    if (this.#signal?.aborted) return undefined
    try {
      if (state.isEdited()) return undefined
    } catch {
      // An accessor in the caller's array threw. It throws again, and then the call rejects.
      return undefined
    }
    const result = state.stepIfReady()
    if (result === NOT_READY || typeof result !== 'number' || state.drain()) {
      this.#begun = result
      return undefined
    }
    const step = state.take(result)
    return step.kind === 'entry' ? step.entry : undefined
  }

  async #step(): Promise<AnyEntry | undefined> {
    const state = this.#state
    if (state === undefined) return undefined
    this.#checkAborted()
    if (this.#begun === undefined || this.#begun === NOT_READY) state.applyEdits()
    // The signal interrupts only a step that is under way. Between two steps, the caller uses the
    // yielded descriptor, and the subscription would keep a dropped walk alive.
    const unsubscribe = onAbort(this.#signal, () => state.interrupt())
    try {
      for (;;) {
        if (isTurnOver()) {
          await ownTurn()
          this.#checkAborted()
        }
        let result = this.#begun ?? state.stepIfReady()
        this.#begun = undefined
        if (result === NOT_READY) result = await state.stepLater()
        this.#checkAborted()
        // A large directory is drained over several turns, so that other work does not wait for all
        // of it.
        while (state.drain()) {
          await ownTurn()
          this.#checkAborted()
        }
        const step = state.take(result)
        if (step.kind === 'entry') return step.entry
        if (step.kind === 'end') return undefined
      }
    } finally {
      unsubscribe()
    }
  }

  #checkAborted(): void {
    if (this.#signal?.aborted) throw abortError(this.#signal)
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    return this.#follow(this.#last.then(run, run))
  }

  /** Makes later calls wait until the caller has the result of this one. */
  #follow<T>(turn: Promise<T>): Promise<T> {
    this.#pending += 1
    this.#last = turn.then(this.#settled, this.#settled)
    return turn
  }

  readonly #settled = (): void => {
    this.#pending -= 1
  }

  #close(): void {
    this.#state?.close()
    this.#state = undefined
  }
}
