// The walk through a directory tree, each step on a thread of the pool.
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
export interface AsyncFwalkOptions<Name extends string | Buffer = string>
  extends FwalkOptions<Name> {
  /**
   * Ends the walk: the step that is under way rejects with an AbortError, or if there is none, the
   * next one. Until then the descriptor that was yielded last stays open.
   */
  signal?: AbortSignal | undefined
}

/** The iterator that `fwalk` of `fdkit/promises` returns. */
export interface AsyncFwalkIterator<Name extends string | Buffer = string>
  extends NodeJS.AsyncIterator<FwalkEntry<Name>, undefined, unknown> {
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
 * The `dirFd` that is yielded stays open until the next `next()`, `return()` or `throw()`, or until
 * the iterator is collected; a signal that aborts in between changes nothing of that. Calls of
 * `next()` while a step is under way are queued, and each step ends the loan of the descriptor
 * before it: if you ask ahead, use a descriptor only before the first `await` after it arrived (that
 * is enough to start any number of calls of `fdkit/promises` with it), or keep a copy with `dup`.
 *
 * `dirFd` is copied when `fwalk()` is called; a walk that is given one and never started keeps
 * the copy until `return()` or the garbage collector.
 *
 * @throws `AbortError`: `signal` was aborted
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
  return new AsyncFwalk(new WalkState(true, top, given, auditFwalk), given.signal)
}

const AsyncIteratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf((async function* () {}).prototype),
)

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
    // The signal interrupts only a step that is under way. Between two steps the caller uses the
    // descriptor that was yielded, and an idle walk that was dropped is not kept alive.
    const unsubscribe = onAbort(this.#signal, () => state.interrupt())
    try {
      for (;;) {
        const result = await state.stepLater()
        this.#checkAborted()
        // Of a large directory not all at once, so that nothing else has to wait for it.
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
