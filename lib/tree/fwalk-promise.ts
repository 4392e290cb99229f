// The walk through a directory tree, with each step on a thread of the pool.
import type { Buffer } from 'node:buffer'

import { onAbort } from '../runtime/abort.js'
import { abortError } from '../runtime/error.js'
import { auditFwalk, type FwalkOptions } from './fwalk.js'
import { optionsOf } from '../runtime/options.js'
import { ownTurn } from '../runtime/turns.js'
import { validateSignal } from '../runtime/validate.js'
import { walkOptions, WalkState, type AnyName, type FwalkEntry } from './walk-state.js'

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
export interface AsyncFwalkIterator<Name extends string | Buffer = string> extends NodeJS.AsyncIterator<
  FwalkEntry<Name>,
  undefined,
  unknown
> {
  next(): Promise<IteratorResult<FwalkEntry<Name>, undefined>>
  /** Ends the walk and closes its descriptors, as `break` in a loop does. */
  return(value?: unknown): Promise<IteratorReturnResult<undefined>>
  /** Ends the walk, and rejects. */
  throw(error?: unknown): Promise<IteratorReturnResult<undefined>>
  [Symbol.asyncIterator](): AsyncFwalkIterator<Name>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * {@inheritDoc fwalk}
 *
 * Each step runs off the main thread.
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
export function fwalk(top: Uint8Array, options?: AsyncFwalkOptions<Buffer>): AsyncFwalkIterator<Buffer>
export function fwalk(top?: string | URL, options?: AsyncFwalkOptions<string>): AsyncFwalkIterator<string>
export function fwalk(
  top: string | URL | Uint8Array = '.',
  options?: AsyncFwalkOptions<string> | AsyncFwalkOptions<Buffer>,
): AsyncFwalkIterator<AnyName> {
  const given = readFwalk(options)
  return iterateLater(new WalkState(true, top, given, auditFwalk, readFwalk), given.signal)
}

/** Returns the iterator of a walk whose steps run off the main thread. */
export const iterateLater = (
  state: WalkState,
  signal: AbortSignal | undefined,
): AsyncFwalkIterator<AnyName> => new AsyncFwalk(state, signal)

const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype))

class AsyncFwalk implements AsyncFwalkIterator<AnyName> {
  #state: WalkState | undefined
  #last: Promise<unknown> = Promise.resolve()
  readonly #signal: AbortSignal | undefined

  static {
    Object.setPrototypeOf(AsyncFwalk.prototype, AsyncIteratorPrototype)
  }

  constructor(state: WalkState, signal: AbortSignal | undefined) {
    this.#state = state
    this.#signal = signal
  }

  next(): Promise<IteratorResult<FwalkEntry<AnyName>, undefined>> {
    return this.#inTurn(async () => {
      let value: FwalkEntry<AnyName> | undefined
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

  async #step(): Promise<FwalkEntry<AnyName> | undefined> {
    const state = this.#state
    if (state === undefined) return undefined
    this.#checkAborted()
    state.applyEdits()
    // The signal interrupts only a step that is under way. Between two steps, the caller uses the
    // yielded descriptor, and the subscription would keep a dropped walk alive.
    const unsubscribe = onAbort(this.#signal, () => state.interrupt())
    try {
      for (;;) {
        const result = await state.stepLater()
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
    const turn = this.#last.then(run, run)
    this.#last = turn.catch(() => {})
    return turn
  }

  #close(): void {
    this.#state?.close()
    this.#state = undefined
  }
}
