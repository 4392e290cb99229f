// A socket that listens for connections.
import type { Handle, Socket } from '../runtime/binding.js'
import { illegalConstructor } from '../runtime/error.js'
import { Endpoint, readReceive, type FdReceiveOptions } from './endpoint.js'
import type { SocketFile } from './socket-file.js'
import type { FdSocket } from './socket.js'

const OWN = Symbol('own')
type Wrap = (handle: Handle<Socket>) => FdSocket
let construct: (handle: Handle<Socket>, wrap: Wrap, file?: SocketFile) => FdListener

/** Returns a listener. `wrap` makes the connections. */
export const listener = (handle: Handle<Socket>, wrap: Wrap, file?: SocketFile): FdListener =>
  construct(handle, wrap, file)

/**
 * A Unix socket that listens for connections, from `FdSocket.listen`. Iterating over it yields an
 * {@link FdSocket} for each connection, until the listener is closed.
 *
 * An error of a single connection, such as `EMFILE`, is thrown out of the loop. The listener stays
 * open: start another loop to go on. Leaving a loop does not close the listener either.
 *
 * Waiting for a connection keeps the process alive, unless {@link FdListener.unref} was called.
 *
 * @example
 * ```ts
 * import { FdSocket } from 'fdkit/promises'
 *
 * const server = await FdSocket.listen('server.sock')
 * const client = await FdSocket.connect('server.sock')
 * for await (const connection of server) {
 *   connection.peer.pid === process.pid // true
 *   connection.close()
 *   server.close()
 * }
 * client.close()
 * ```
 */
export class FdListener {
  readonly #endpoint: Endpoint
  readonly #wrap: Wrap
  readonly #file: SocketFile | undefined

  static {
    construct = (handle, wrap, file) => new this(OWN, handle, wrap, file)
  }

  private constructor(token?: symbol, handle?: Handle<Socket>, wrap?: Wrap, file?: SocketFile) {
    if (token !== OWN) throw illegalConstructor()
    this.#endpoint = new Endpoint(handle!, 'FdListener')
    this.#wrap = wrap!
    this.#file = file
  }

  /** The descriptor. The listener owns it: never close it yourself. */
  get fd(): number {
    return this.#endpoint.fd
  }

  /**
   * Waits for the next connection. If the listener is closed, the result is `undefined`.
   *
   * @throws `EMFILE`: no descriptor number is free for the connection, which stays in the queue;
   * `AbortError`: `signal` is aborted
   */
  async accept(options?: FdReceiveOptions): Promise<FdSocket | undefined> {
    const { signal } = readReceive(options)
    const handle = await this.#endpoint.nextUntilClosed(signal)
    return handle === undefined ? undefined : this.#wrap(handle as Handle<Socket>)
  }

  /** Keeps the process alive while {@link FdListener.accept} or a loop waits. This is the default. */
  ref(): this {
    this.#endpoint.keepsAlive = true
    return this
  }

  /** Lets the process end while {@link FdListener.accept} or a loop waits. */
  unref(): this {
    this.#endpoint.keepsAlive = false
    return this
  }

  /**
   * Stops listening and closes the descriptor. Removes the file that `FdSocket.listen` has created,
   * unless another file has its name by now. Loops end, and waiting calls of `accept` resolve with
   * `undefined`. Connections stay open. Closing a listener again has no effect.
   */
  close(): void {
    if (this.#endpoint.isClosed) return
    this.#endpoint.close()
    this.#file?.remove()
  }

  /** Yields each connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<FdSocket, undefined, undefined> {
    for (;;) {
      const connection = await this.accept()
      if (connection === undefined) return undefined
      yield connection
    }
  }

  /** Closes the listener at the end of a `using` block, like {@link FdListener.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Closes the listener at the end of an `await using` block, like {@link FdListener.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}
