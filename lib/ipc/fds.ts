// Descriptors that have arrived with a message.
import type { Buffer } from 'node:buffer'

import { handOut } from '../files/tracking.js'
import type { Fds, Handle } from '../runtime/binding.js'
import { check, illegalConstructor, invalidArgType, invalidState } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateFd } from '../runtime/validate.js'

/** Validates an array of descriptors, and returns their numbers. */
export function validateFds(value: unknown, name: string): number[] {
  if (!Array.isArray(value)) throw invalidArgType(name, 'an instance of Array', value)
  // Not `map`, which would leave out holes.
  return Array.from(value, (fd: unknown, index) => validateFd(fd, `${name}[${index}]`))
}

/** Takes descriptors out of their handle. The caller owns them. */
export function takeFds(fds: Handle<Fds> | null | undefined): number[] {
  return fds ? check(native.fdsTake(fds)).map(handOut) : []
}

const OWN = Symbol('own')
let construct: (data: Buffer, fds: Handle<Fds> | null | undefined) => FdMessage

// The descriptors of messages that were received in this turn of the event loop.
let recent: Handle<Fds>[] = []

// Descriptors weigh so much that those of one message can start the collector. Most are taken within
// the turn, and need not.
function weighLater(fds: Handle<Fds>): void {
  recent.push(fds)
  if (recent.length > 1) return
  setImmediate(() => {
    const handles = recent
    recent = []
    for (const handle of handles) native.fdsWeigh(handle)
  }).unref()
}

/** Returns the message with these bytes and descriptors. */
export function message(data: Buffer, fds: Handle<Fds> | null | undefined): FdMessage {
  if (fds) weighLater(fds)
  return construct(data, fds)
}

/**
 * A message that an {@link FdSocket} received: bytes, and the descriptors that came with them.
 *
 * The message owns its descriptors until you read {@link FdMessage.fds}. Those that nobody has taken
 * are closed when the message is closed, disposed of or collected. So a program that ignores
 * descriptors leaks none, and `fdCount` tells how many there are before you take them.
 *
 * @example
 * ```ts
 * import { closeSync } from 'node:fs'
 * import { memfdCreate } from 'fdkit'
 * import { FdSocket } from 'fdkit/promises'
 *
 * const [one, other] = FdSocket.pair()
 * await one.send('a file', [memfdCreate('file')])
 * const message = await other.receive()
 * message.data.toString() // 'a file'
 * message.fdCount // 1
 * for (const fd of message.fds) closeSync(fd)
 * one.close()
 * other.close()
 * ```
 */
export class FdMessage {
  /** The bytes. */
  readonly data: Buffer
  readonly #handle: Handle<Fds> | null | undefined
  #taken: number[] | undefined
  #isClosed = false

  static {
    construct = (data, fds) => new this(OWN, data, fds)
  }

  private constructor(token?: symbol, data?: Buffer, fds?: Handle<Fds> | null) {
    if (token !== OWN) throw illegalConstructor()
    this.data = data!
    this.#handle = fds
  }

  /** The number of descriptors that came with the bytes. Reading it takes none of them. */
  get fdCount(): number {
    if (this.#taken !== undefined) return this.#taken.length
    return this.#handle ? native.fdsCount(this.#handle) : 0
  }

  /**
   * The descriptors. Reading this property takes all of them: you own them from then on, and close
   * each with `fs.closeSync`, or pass it to `Memfd.from` or {@link FdSocket.from}. Child processes do
   * not inherit them. Reading it again returns the same array.
   *
   * @throws `ERR_INVALID_STATE`: the message was closed before
   */
  get fds(): number[] {
    if (this.#taken === undefined) {
      if (this.#isClosed) throw invalidState('the message is closed')
      this.#taken = takeFds(this.#handle)
    }
    return this.#taken
  }

  /** Closes the descriptors that nobody has taken. Closing a message again has no effect. */
  close(): void {
    this.#isClosed = true
    if (this.#handle) native.fdsClose(this.#handle)
  }

  /** Closes the message at the end of a `using` block, like {@link FdMessage.close}. */
  [Symbol.dispose](): void {
    this.close()
  }
}
