// A stream over a socket that sends and receives descriptors.
import type { Duplex } from 'node:stream'

import { validateContents, type Contents } from '../memory/contents.js'
import type { Fds, Handle, Outcome } from '../runtime/binding.js'
import { check, errorCode, invalidArgValue, isFailure } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateFunction, type FdLike } from '../runtime/validate.js'
import { validateFds, type FdMessage } from './fds.js'
import { MAX_FDS } from './message.js'

/** A stream over an {@link FdSocket}, from {@link FdSocket.toDuplex}. */
export interface FdDuplex extends Duplex {
  /**
   * Writes bytes with descriptors, in order with everything else that is written. The descriptors are
   * duplicated before the call returns.
   *
   * @param chunk at least one byte
   * @param fds at most 253 descriptors
   * @param callback called when the chunk is sent, as by `write`
   * @returns false if the caller should wait for the event `'drain'`, as `write` does
   * @throws `EBADF`: a descriptor is not open; `EMFILE`: no descriptor number is free
   */
  writeWithFds(
    chunk: Contents,
    fds: readonly FdLike[],
    callback?: (error: Error | null | undefined) => void,
  ): boolean
  /** Keeps the process alive while the stream waits. This is the default. */
  ref(): this
  /** Lets the process end while the stream waits. */
  unref(): this
}

/** The operations of a socket that a stream needs. */
export interface StreamSocket {
  send(bytes: Uint8Array, fds: Handle<Fds> | undefined): Promise<void>
  receive(): Promise<FdMessage | undefined>
  end(): Outcome<undefined>
  close(): void
  keepAlive(keepsAlive: boolean): void
}

type Callback = (error?: Error | null) => void

// The class is created at the first use, so that an import does not load node:stream.
let FdStream: ((socket: StreamSocket) => FdDuplex) | undefined

function defineClass() {
  const { Duplex } = process.getBuiltinModule('node:stream')

  class FdStream extends Duplex {
    readonly #socket: StreamSocket
    // The descriptors of chunks that are not sent yet. If the stream is destroyed before, they are
    // closed when the chunk is collected.
    readonly #fds = new WeakMap<Uint8Array, Handle<Fds>>()

    constructor(socket: StreamSocket) {
      // As in node:net, the stream ends when the other side has ended it.
      super({ allowHalfOpen: false })
      this.#socket = socket
    }

    writeWithFds(chunk: unknown, fds: unknown, callback?: unknown): boolean {
      const bytes = validateContents(chunk, 'chunk')
      const numbers = validateFds(fds, 'fds')
      const done = callback === undefined ? undefined : validateFunction<Callback>(callback, 'callback')
      if (bytes.length === 0) throw invalidArgValue('chunk', 'must have at least one byte', chunk)
      if (numbers.length > MAX_FDS) {
        throw invalidArgValue('fds', `must have at most ${MAX_FDS} descriptors`, numbers.length)
      }
      // An object of its own, by which `_write` finds the descriptors.
      const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (numbers.length > 0) this.#fds.set(own, check(native.fdsDuplicate(numbers)))
      return this.write(own, done)
    }

    override _write(chunk: Buffer, _encoding: string, callback: Callback): void {
      const fds = this.#fds.get(chunk)
      this.#fds.delete(chunk)
      // The callback runs listeners; see `#receive`.
      this.#socket.send(chunk, fds).then(
        () => process.nextTick(callback),
        (error: Error) => process.nextTick(callback, error),
      )
    }

    override _read(): void {
      void this.#receive()
    }

    async #receive(): Promise<void> {
      let message: FdMessage | undefined
      try {
        message = await this.#socket.receive()
      } catch (error) {
        this.destroy(error as Error)
        return
      }
      // The listeners run outside of the promise, each kind in a tick of its own, so that what they
      // throw is an uncaught exception.
      if (message !== undefined) process.nextTick(() => this.#emitFds(message))
      process.nextTick(() => this.#pushBytes(message?.data ?? null))
    }

    #emitFds(message: FdMessage): void {
      if (message.fdCount > 0 && !this.destroyed && this.listenerCount('fds') > 0) {
        this.emit('fds', message.fds)
      } else {
        message.close()
      }
    }

    #pushBytes(bytes: Buffer | null): void {
      if (this.destroyed) return
      try {
        this.push(bytes)
      } catch (error) {
        // A listener has thrown, and Node.js would not read on.
        process.nextTick(() => this.read(0))
        throw error
      }
    }

    override _final(callback: Callback): void {
      const outcome = this.#socket.end()
      // The other side is gone already and needs no end, or the socket was closed.
      const isGone = isFailure(outcome) && /^(ENOTCONN|ECANCELED)$/.test(errorCode(outcome))
      try {
        if (!isGone) check(outcome)
        callback()
      } catch (error) {
        callback(error as Error)
      }
    }

    override _destroy(error: Error | null, callback: Callback): void {
      this.#socket.close()
      callback(error)
    }

    ref(): this {
      this.#socket.keepAlive(true)
      return this
    }

    unref(): this {
      this.#socket.keepAlive(false)
      return this
    }
  }

  return (socket: StreamSocket) => new FdStream(socket) as FdDuplex
}

/** Returns a stream over a socket. */
export function duplexOver(socket: StreamSocket): FdDuplex {
  FdStream ??= defineClass()
  return FdStream(socket)
}
