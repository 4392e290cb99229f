// The common part of sockets that connect and sockets that listen.
import { abortError, check, errorCode, invalidState, isFailure } from '../runtime/error.js'
import { onAbort } from '../runtime/abort.js'
import type { Handle, Outcome, Received, Socket } from '../runtime/binding.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { validateSignal } from '../runtime/validate.js'
import { deliverer, turn, Waiting } from './events.js'

/** Options of the methods that wait for a message or a connection. */
export interface FdReceiveOptions {
  /** Ends the wait with an AbortError. No message and no connection is lost. */
  signal?: AbortSignal | undefined
}

export const readReceive = optionsOf('receive', { signal: validateSignal })

type Arrived = undefined | Handle<Socket> | Received

/** A socket of the addon, and its waiting calls. */
export class Endpoint {
  readonly #handle: Handle<Socket>
  readonly #name: string
  readonly #waiting = new Waiting()
  #isClosed = false

  constructor(handle: Handle<Socket>, name: string) {
    this.#handle = handle
    this.#name = name
  }

  /** The handle of the open socket. */
  get handle(): Handle<Socket> {
    if (this.#isClosed) throw invalidState(`the ${this.#name} is closed`)
    return this.#handle
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get fd(): number {
    return check(native.socketFd(this.handle))
  }

  get keepsAlive(): boolean {
    return this.#waiting.keepsAlive
  }

  set keepsAlive(keepsAlive: boolean) {
    this.#waiting.keepsAlive = keepsAlive
  }

  close(): void {
    this.#isClosed = true
    native.socketClose(this.#handle)
  }

  /** Returns the outcome of a call that has one, or has returned a number in its place. */
  async outcome<T>(begun: Outcome<T> | number): Promise<Outcome<T>> {
    if (typeof begun === 'number') return this.#waiting.outcome(begun)
    await turn()
    return begun
  }

  /** Waits for what arrives next. */
  async next(signal: AbortSignal | undefined): Promise<Arrived> {
    const { handle } = this
    if (signal?.aborted) throw abortError(signal)
    const begun = native.socketReceive(deliverer(), handle) as Outcome<Arrived> | number
    if (typeof begun !== 'number' || signal === undefined) return check(await this.outcome(begun))
    const unsubscribe = onAbort(signal, () => native.socketCancel(handle, begun))
    try {
      const outcome = await this.outcome<Arrived>(begun)
      // A message that has arrived is delivered, even if the signal has aborted since.
      if (isCanceled(outcome) && !this.#isClosed && signal.aborted) throw abortError(signal)
      return check(outcome)
    } finally {
      unsubscribe()
    }
  }

  /** Waits like `next`. If the socket is closed, the result is `undefined`. */
  async nextUntilClosed(signal?: AbortSignal): Promise<Arrived> {
    if (this.#isClosed) return undefined
    try {
      return await this.next(signal)
    } catch (error) {
      if (this.#isClosed && (error as NodeJS.ErrnoException).code === 'ECANCELED') return undefined
      throw error
    }
  }
}

const isCanceled = (outcome: unknown) => isFailure(outcome) && errorCode(outcome) === 'ECANCELED'
