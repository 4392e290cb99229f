// Unix sockets that send and receive descriptors.
import { handOut, closeGiven } from '../files/tracking.js'
import { validateContents, type Contents } from '../memory/contents.js'
import type { Handle, Outcome, Received, Socket } from '../runtime/binding.js'
import { because, check, errorCode, illegalConstructor, invalidState, isFailure } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { isFdLike, validateFdNumber, type FdLike, type PathLike } from '../runtime/validate.js'
import {
  bind,
  checkListenOptions,
  connect,
  listen,
  type FdBindOptions,
  type FdConnectOptions,
  type FdListenOptions,
} from './connect.js'
import { duplexOver, type FdDuplex } from './duplex.js'
import { Endpoint, readReceive, type FdReceiveOptions } from './endpoint.js'
import { deliverer } from './events.js'
import { message, validateFds, type FdMessage } from './fds.js'
import { listener, type FdListener } from './listener.js'
import { checkSent, auditSendmsg, socketTypes, validateSocketType, type SocketType } from './message.js'
import type { SocketFile } from './socket-file.js'

/** The process on the other side of a connection, from {@link FdSocket.peer}. */
export interface FdPeer {
  /** The number of the process, or `undefined` if the system does not say. */
  pid: number | undefined
  /** The effective user. */
  uid: number
  /** The effective group. */
  gid: number
}

const OWN = Symbol('own')
let construct: (handle: Handle<Socket>, file?: SocketFile) => FdSocket

const wrap = (handle: Handle<Socket>) => construct(handle)

/** Returns a socket over a duplicate of a descriptor, and closes the number. */
function takeOver(fd: unknown, listens: boolean): Handle<Socket> {
  const number = validateFdNumber(fd)
  const handle = native.socketFrom(number)
  if (isFailure(handle)) {
    const isOther = errorCode(handle) === 'EPROTOTYPE'
    throw because(handle, isOther ? 'this is not a Unix socket' : undefined)
  }
  try {
    if (native.socketListens(handle) !== listens) {
      throw invalidState(
        listens ? 'the socket does not listen' : 'the socket listens; pass it to FdSocket.listen',
      )
    }
    closeGiven(number)
    return handle
  } catch (error) {
    native.socketClose(handle)
    throw error
  }
}

/**
 * A Unix socket that sends and receives bytes with descriptors (`SCM_RIGHTS`). The processes need not
 * be parent and child, and need no right to trace each other.
 *
 * It owns its descriptor and closes it when it is closed, disposed of or collected. One thread waits
 * for all sockets of the process; it sleeps while nothing happens. Neither libuv's thread pool nor
 * the event loop waits.
 *
 * Sends are made in the order of the calls, and so are receives. A waiting call keeps the process
 * alive, unless {@link FdSocket.unref} was called. Unlike a `net.Socket`, a socket on which no call
 * waits does not.
 *
 * It belongs to its thread. When a worker ends, its sockets are closed.
 *
 * @see https://man7.org/linux/man-pages/man7/unix.7.html
 * @example
 * ```ts
 * import { Memfd } from 'fdkit'
 * import { FdSocket } from 'fdkit/promises'
 *
 * const [one, other] = FdSocket.pair()
 * const frame = Memfd.create('frame', { contents: 'pixels' })
 * frame.seal('write', 'shrink', 'grow')
 * await one.send('frame 1', [frame])
 * one.close()
 * for await (const message of other) {
 *   message.data.toString() // 'frame 1'
 *   const received = Memfd.from(message.fds[0])
 *   received.read().toString() // 'pixels'
 *   received.close()
 * }
 * other.close()
 * frame.close()
 * ```
 */
export class FdSocket {
  readonly #endpoint: Endpoint
  readonly #file: SocketFile | undefined
  // The socket is used by a stream.
  #isStream = false

  static {
    construct = (handle, file) => new this(OWN, handle, file)
  }

  private constructor(token?: symbol, handle?: Handle<Socket>, file?: SocketFile) {
    if (token !== OWN) throw illegalConstructor()
    this.#endpoint = new Endpoint(handle!, 'FdSocket')
    this.#file = file
  }

  /**
   * Connects to a socket that listens, or is bound.
   *
   * If the queue of the other side is full, it tries again after 1 to 64 ms, until `signal` aborts.
   *
   * @param path a path, at any length; or an abstract name, which begins with `'\0'` (Linux)
   * @throws `ENOENT`: there is no such file; `ECONNREFUSED`: nobody listens; `EACCES`: no permission
   * to write to the file; `EPROTOTYPE`: the socket is of another type; `ENOTSUP`: `dirFd` on macOS;
   * `AbortError`: `signal` is aborted
   * @see https://man7.org/linux/man-pages/man2/connect.2.html
   */
  static async connect(path: PathLike, options?: FdConnectOptions): Promise<FdSocket> {
    return construct(await connect(path, options))
  }

  /**
   * Listens for connections.
   *
   * In place of a path, it takes the number of a descriptor that listens already, such as one from
   * systemd (`LISTEN_FDS`). The listener takes it over like {@link FdSocket.from}.
   *
   * @param path a path, at any length; an abstract name, which begins with `'\0'` (Linux); or a
   * descriptor. The file of a path is created, and removed when the listener is closed.
   * @throws `EADDRINUSE`: the file or the abstract name exists; `EACCES`, `ENOENT`, `EROFS`: the file
   * cannot be created; `EPROTONOSUPPORT`: this system does not have the type; `ENOTSUP`: `dirFd` on
   * macOS; `ERR_INVALID_STATE`: the given descriptor does not listen
   * @see https://man7.org/linux/man-pages/man2/listen.2.html
   */
  static async listen(path: PathLike | number, options?: FdListenOptions): Promise<FdListener> {
    if (isFdLike(path)) {
      checkListenOptions(options)
      return listener(takeOver(path, true), wrap)
    }
    const { handle, file } = await listen(path, options)
    return listener(handle, wrap, file)
  }

  /**
   * Creates a socket of type `'dgram'` that receives what others send to its path. Each of them is
   * connected to it: `FdSocket.connect(path, { type: 'dgram' })`. The file is removed when the socket
   * is closed.
   *
   * @param path as for {@link FdSocket.listen}
   * @throws the errors of {@link FdSocket.listen}
   * @see https://man7.org/linux/man-pages/man2/bind.2.html
   */
  static async bind(path: PathLike, options?: FdBindOptions): Promise<FdSocket> {
    const { handle, file } = await bind(path, options)
    return construct(handle, file)
  }

  /**
   * Creates two sockets that are connected to each other, like {@link socketpair} of `fdkit`. To give
   * one to a child process, pass its `fd` in `stdio` and then close it.
   *
   * @param type `'stream'` by default
   * @throws `EMFILE`: no descriptor number is free; `EPROTONOSUPPORT`: this system does not have the
   * type
   */
  static pair(type: SocketType = 'stream'): [FdSocket, FdSocket] {
    const [one, other] = check(native.socketNewPair(validateSocketType(type, 'type')))
    return [construct(one), construct(other)]
  }

  /**
   * Takes over the descriptor of a Unix socket, for example one that was inherited from the parent
   * process. The FdSocket gets a duplicate that child processes do not inherit. The number `fd` is
   * closed with `fs.closeSync`. If it throws, `fd` stays open.
   *
   * @throws `ENOTSOCK`, `EPROTOTYPE`: this is not a Unix socket; `EBADF`: `fd` is not open; `EMFILE`:
   * no descriptor number is free; `ERR_INVALID_STATE`: the socket listens
   */
  static from(fd: number): FdSocket {
    return construct(takeOver(fd, false))
  }

  /**
   * The descriptor. The FdSocket owns it: never close it yourself, and neither read nor write it
   * while calls wait.
   */
  get fd(): number {
    return this.#endpoint.fd
  }

  /** The type of the socket. */
  get type(): SocketType {
    return socketTypes[native.socketType(this.#endpoint.handle)]!
  }

  /**
   * The process, the user and the group on the other side, as they were when the connection was made
   * (`SO_PEERCRED`). Later changes do not count, and by now another process may have the number
   * ({@link FdSocket.pidfd}).
   *
   * On macOS, the user and the group are those of getpeereid(3).
   *
   * @throws `ENOTCONN`: the socket is not connected, or `'dgram'` and not from a pair
   */
  get peer(): FdPeer {
    const [pid, uid, gid] = check(native.socketPeer(this.#endpoint.handle))
    return { pid: pid < 0 ? undefined : pid, uid, gid }
  }

  /**
   * Opens the process on the other side and returns the descriptor, as `pidfdOpen` does (Linux 6.5).
   * It is that process, even if another one has its number by now. The caller owns the descriptor.
   *
   * @throws `ENOSYS`: the kernel cannot; `ESRCH`: the process has ended and is gone; `ENODATA`: the
   * kernel knows no process, as for a socket of type `'dgram'`
   */
  pidfd(): number {
    return handOut(check(native.socketPeerPidfd(this.#endpoint.handle)))
  }

  /**
   * Sends bytes and descriptors. Resolves when all bytes are sent, which is when the kernel has them,
   * not when the other side does. The descriptors go with the first byte, and never twice.
   *
   * The descriptors are duplicated before the call returns. You may close yours right after it.
   *
   * @param data the bytes; a string is encoded as UTF-8. They are copied before the call returns. Only
   * a socket of type `'dgram'` sends a message without bytes.
   * @param fds the descriptors, at most 253; none by default
   * @throws `EINVAL`: there is no byte, or there are more than 253 descriptors; `EBADF`: a descriptor
   * is not open; `EPIPE`, `ECONNRESET`: the other side is closed; `EMSGSIZE`: the message is too long
   * for the type of the socket; `ETOOMANYREFS`: this user has more descriptors in flight than
   * `RLIMIT_NOFILE` allows; `ECANCELED`: the socket was closed while the call waited; `ERR_INVALID_STATE`: it was
   * closed before
   */
  async send(data: Contents, fds: readonly FdLike[] = []): Promise<void> {
    const bytes = validateContents(data, 'data')
    const numbers = validateFds(fds, 'fds')
    const handle = this.#use()
    auditSendmsg(this, undefined)
    const begun = native.socketSend(deliverer(), handle, bytes, numbers) as Outcome<undefined> | number
    checkSent(await this.#endpoint.outcome(begun), bytes, numbers)
  }

  /**
   * Waits for the next message. At the end, when the other side is closed, the result is `undefined`.
   *
   * On a stream, a message is what one call of recvmsg(2) returns: at most 64 KiB, with or without
   * boundaries of what was sent. Bytes that were sent before a message with descriptors may come with
   * it. On the other types, a message is what was sent, however long it is.
   *
   * Several calls may wait at the same time. They get the messages in their order.
   *
   * @throws `EMFILE`: no number is free for a descriptor of the message, which is lost;
   * `EMSGSIZE`: a security module has refused a descriptor of the message, which is lost;
   * `ECONNRESET`: the other side was closed before it had received everything; `ECANCELED`: the socket
   * was closed while the call waited; `AbortError`: `signal` is aborted; `ERR_INVALID_STATE`: the socket was
   * closed before
   */
  async receive(options?: FdReceiveOptions): Promise<FdMessage | undefined> {
    const { signal } = readReceive(options)
    this.#use()
    return toMessage(await this.#endpoint.next(signal))
  }

  /**
   * Returns a stream over the socket, which must be of type `'stream'`. The stream is the one that
   * uses the socket from now on: it is closed with the stream, and `send` and `receive` throw.
   *
   * `writeWithFds(chunk, fds)` of the stream writes bytes with descriptors. The event `'fds'` has the
   * descriptors that have arrived with the bytes of the next `'data'`; its listener owns them. If
   * there is no listener, they are closed.
   *
   * @throws `ERR_INVALID_STATE`: the socket is of another type, or a stream uses it already
   * @example
   * ```ts
   * import { closeSync } from 'node:fs'
   * import { once } from 'node:events'
   * import { memfdCreate } from 'fdkit'
   * import { FdSocket } from 'fdkit/promises'
   *
   * const [one, other] = FdSocket.pair().map((socket) => socket.toDuplex())
   * one.writeWithFds('a file', [memfdCreate('file')])
   * other.resume()
   * const [fds] = await once(other, 'fds')
   * fds.length // 1
   * closeSync(fds[0])
   * one.destroy()
   * other.destroy()
   * ```
   */
  toDuplex(): FdDuplex {
    const handle = this.#use()
    if (this.type !== 'stream') throw invalidState("the FdSocket is not of type 'stream'")
    this.#isStream = true
    return duplexOver({
      send: (bytes, fds) => this.#sendHeld(bytes, fds),
      receive: async () => toMessage(await this.#endpoint.nextUntilClosed()),
      end: () => native.socketShutdown(handle),
      close: () => this.close(),
      keepAlive: (keepsAlive) => {
        this.#endpoint.keepsAlive = keepsAlive
      },
    })
  }

  /** Keeps the process alive while a call waits. This is the default. */
  ref(): this {
    this.#endpoint.keepsAlive = true
    return this
  }

  /** Lets the process end while a call waits. */
  unref(): this {
    this.#endpoint.keepsAlive = false
    return this
  }

  /**
   * Closes the descriptor. Waiting calls reject with `ECANCELED`, and loops end. The connection ends
   * with its last descriptor: if you gave a duplicate to another process, it lives on. Closing a
   * socket again has no effect.
   */
  close(): void {
    if (this.#endpoint.isClosed) return
    this.#endpoint.close()
    this.#file?.remove()
  }

  /**
   * Yields each message until the other side is closed, or this socket is. Leaving the loop does not
   * close the socket.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<FdMessage, undefined, undefined> {
    for (;;) {
      if (!this.#endpoint.isClosed) this.#use()
      const next = toMessage(await this.#endpoint.nextUntilClosed())
      if (next === undefined) return undefined
      yield next
    }
  }

  /** Closes the socket at the end of a `using` block, like {@link FdSocket.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Closes the socket at the end of an `await using` block, like {@link FdSocket.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #use(): Handle<Socket> {
    if (this.#isStream) throw invalidState('a stream uses the FdSocket')
    return this.#endpoint.handle
  }

  async #sendHeld(bytes: Uint8Array, fds: HeldFds | undefined): Promise<void> {
    const { handle } = this.#endpoint
    const begun =
      fds === undefined
        ? native.socketSend(deliverer(), handle, bytes, [])
        : native.socketSendHeld(deliverer(), handle, bytes, fds)
    check(await this.#endpoint.outcome(begun as Outcome<undefined> | number))
  }
}

type HeldFds = Parameters<typeof native.socketSendHeld>[3]

function toMessage(arrived: unknown): FdMessage | undefined {
  if (arrived === undefined) return undefined
  const [data, fds] = arrived as Received
  return message(data, fds)
}
