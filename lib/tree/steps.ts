// Operations on whole trees. The addon makes them in steps: a step ends with the result, with an error
// after which the operation may go on, or because JavaScript must be able to end it.
import { Buffer } from 'node:buffer'

import { onAbort } from '../runtime/abort.js'
import type { Failure, Outcome, Response } from '../runtime/binding.js'
import { abortError, isRelative, systemError, type Name, type SystemError } from '../runtime/error.js'

/** An operation that is under way. */
export interface Steps<Native, Result> {
  step(later: boolean): Response<Native>
  /** Returns the result, or `undefined` if there is more to do. Throws if the operation has failed. */
  take(outcome: Outcome<Native>): Result | undefined
  interrupt?(): void
  close(): void
}

/** Runs an operation to its end, and blocks until then. */
export function runNow<Native, Result>(steps: Steps<Native, Result>): Result {
  try {
    for (;;) {
      const result = steps.take(steps.step(false) as Outcome<Native>)
      if (result !== undefined) return result
    }
  } finally {
    steps.close()
  }
}

/** Runs an operation off the main thread, until its end or until the signal aborts. */
export async function runLater<Native, Result>(
  steps: Steps<Native, Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const unsubscribe = onAbort(signal, () => steps.interrupt?.())
  try {
    for (;;) {
      if (signal?.aborted) throw abortError(signal)
      const outcome = await steps.step(true)
      if (signal?.aborted) throw abortError(signal)
      const result = steps.take(outcome)
      if (result !== undefined) return result
    }
  } finally {
    unsubscribe()
    steps.close()
  }
}

type OnError = (error: SystemError<string | Buffer>) => void

/** The errors of an operation on a tree. */
export class TreeErrors {
  readonly #caller: string
  readonly #path: Name
  // Whether the paths start from a descriptor.
  readonly #isFrom: boolean
  readonly #onerror: OnError | undefined

  constructor(caller: string, path: Name, dirFd: number | undefined, onerror: OnError | undefined) {
    this.#caller = caller
    this.#path = path
    this.#isFrom = dirFd !== undefined && isRelative(path)
    this.#onerror = onerror
  }

  get areReported(): boolean {
    return this.#onerror !== undefined
  }

  /** Returns the error of a failure, for the path of the failure or else of the operation. */
  of(failure: Failure): Error {
    return this.#errorAt(failure.path ?? this.#path, failure)
  }

  /** Passes the error of a failure to `onerror`, with a string or a Buffer as its path. */
  report(failure: Failure): void {
    const path = failure.path ?? this.#path
    this.#onerror?.(this.#errorAt(typeof path === 'string' ? path : toBuffer(path), failure) as never)
  }

  #errorAt(path: Name, failure: Failure): Error {
    const where = this.#isFrom ? { caller: this.#caller, dir: failure.dir } : {}
    return systemError(failure, { path, ...where })
  }
}

const toBuffer = (bytes: Uint8Array) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes))
