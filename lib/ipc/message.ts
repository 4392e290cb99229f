// Python's socket.send_fds and socket.recv_fds, and socket pairs.
import type { Buffer } from 'node:buffer'

import { handOut } from '../files/tracking.js'
import { validateContents, type Contents } from '../memory/contents.js'
import { auditEvent } from '../runtime/audit.js'
import type { Outcome, Received } from '../runtime/binding.js'
import { check, errorCode, invalidArgValue, isFailure, because } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { optionsOf } from '../runtime/options.js'
import {
  validateBits,
  validateFd,
  validateInteger,
  validateString,
  type FdLike,
} from '../runtime/validate.js'
import { deliverer, Waiting } from './events.js'
import { takeFds, validateFds } from './fds.js'

/** The type of a Unix socket. */
export type SocketType = 'stream' | 'seqpacket' | 'dgram'

// The order is that of the numbers in crates/binding/src/api/ipc/message.rs.
export const socketTypes: readonly SocketType[] = ['stream', 'seqpacket', 'dgram']

/** Returns the number of a type. */
export function validateSocketType(value: unknown, name: string): number {
  const index = socketTypes.indexOf(validateString(value, name) as SocketType)
  if (index === -1) throw invalidArgValue(name, `must be one of '${socketTypes.join("', '")}'`, value)
  return index
}

/** Options of {@link sendFds} and {@link recvFds}. */
export interface FdsOptions {
  /** `MSG_*`, or-ed; 0 by default. */
  flags?: number | undefined
}

/** The result of {@link recvFds}. */
export interface ReceivedFds {
  /** The bytes. It is empty at the end of a stream. */
  data: Buffer
  /** The descriptors, which the caller owns. */
  fds: number[]
  /** `MSG_CTRUNC`, `MSG_TRUNC` and `MSG_EOR`, or-ed. */
  flags: number
}

export const auditSendmsg = auditEvent('socket.sendmsg', 'self', 'address')

const readSendFds = optionsOf('sendFds', { flags: validateBits })
const readRecvFds = optionsOf('recvFds', { flags: validateBits })

const calls = new Waiting()

// The kernel's SCM_MAX_FD.
export const MAX_FDS = 253

/** Returns the result of a send. Its error says what is wrong with the number of descriptors. */
export function checkSent<T>(outcome: Outcome<T>, bytes: Uint8Array, fds: { length: number }): T {
  if (isFailure(outcome) && errorCode(outcome) === 'EINVAL') {
    if (fds.length > MAX_FDS) throw because(outcome, `a message has at most ${MAX_FDS} descriptors`)
    if (bytes.length === 0) throw because(outcome, 'descriptors need at least one byte of data')
  }
  return check(outcome)
}

interface Send {
  socket: number
  bytes: Uint8Array
  numbers: number[]
  flags: number
}

function sendNow({ socket, bytes, numbers, flags }: Send): number {
  return checkSent(native.sendFds(socket, bytes, numbers, flags), bytes, numbers)
}

async function sendLater({ socket, bytes, numbers, flags }: Send): Promise<number> {
  const begun = checkSent(native.sendFdsLater(deliverer(), socket, bytes, numbers, flags), bytes, numbers)
  return checkSent(await calls.outcome<Outcome<number>>(begun), bytes, numbers)
}

const MAX_SIZE = 2 ** 31 - 1

interface Receive {
  socket: number
  room: number
  most: number
  flags: number
}

function received(outcome: Outcome<Received>): ReceivedFds {
  const [data, fds, flags] = check(outcome)
  return { data, fds: takeFds(fds), flags }
}

function receiveNow({ socket, room, most, flags }: Receive): ReceivedFds {
  const [data, fds, returned] = check(native.recvFds(socket, room, most, flags))
  return { data, fds: fds.map(handOut), flags: returned }
}

async function receiveLater({ socket, room, most, flags }: Receive): Promise<ReceivedFds> {
  const begun = check(native.recvFdsLater(deliverer(), socket, room, most, flags))
  return received(await calls.outcome<Outcome<Received>>(begun))
}

/**
 * Sends bytes and descriptors over a Unix socket as one message, and returns the number of bytes that
 * were sent. It is Python's `socket.send_fds`, and works on every descriptor of a socket.
 *
 * The other side receives new descriptors for the same open files, with {@link recvFds} or an
 * `FdSocket` of `fdkit/promises`. Your own stay open.
 *
 * On a stream, fewer bytes than given may be sent if the socket does not block. The descriptors have
 * gone with the first of them: send the rest without descriptors.
 *
 * Differs from Python: descriptors without a byte of data are an error, because a stream would
 * silently drop them. A message to a socket whose other side is closed raises no signal.
 *
 * @param fd the socket. In `fdkit/promises`, a thread for all sockets of the process waits for it,
 * not one of libuv's pool, and sends all bytes.
 * @param data the bytes; a string is encoded as UTF-8
 * @param fds the descriptors, at most 253
 * @throws `EINVAL`: there are more than 253 descriptors, or descriptors and no byte; `EBADF`: a
 * descriptor is not open; `ENOTSOCK`: `fd` is not a socket; `EPIPE`, `ECONNRESET`: the other side is
 * closed; `EAGAIN`: the socket is full and does not block, or `flags` has `MSG_DONTWAIT`; `EMSGSIZE`:
 * the message is too long for the type of the socket; `ETOOMANYREFS`: this user has more descriptors
 * in flight than `RLIMIT_NOFILE` allows, or sockets are in flight in sockets too deep
 * @see https://docs.python.org/3/library/socket.html#socket.send_fds
 * @see https://man7.org/linux/man-pages/man7/unix.7.html
 * @example
 * ```ts
 * import { closeSync, openSync, readFileSync } from 'node:fs'
 * import { recvFds, sendFds, socketpair } from 'fdkit'
 *
 * const [one, other] = socketpair()
 * const file = openSync('config/app.json')
 * sendFds(one, 'config', [file]) // 6
 * const { data, fds } = recvFds(other, 100, 1)
 * data.toString() // 'config'
 * readFileSync(fds[0], 'utf8') // '{}'
 * for (const fd of [one, other, file, ...fds]) closeSync(fd)
 * ```
 */
export const sendFds = operation(
  'sendFds',
  (fd: FdLike, data: Contents, fds: readonly FdLike[], options?: FdsOptions): Send => {
    const socket = validateFd(fd)
    const bytes = validateContents(data, 'data')
    const numbers = validateFds(fds, 'fds')
    const { flags = 0 } = readSendFds(options)
    auditSendmsg(socket, undefined)
    return { socket, bytes, numbers, flags: flags | 0 }
  },
  sendNow,
  sendLater,
)

/**
 * Receives bytes and descriptors from a Unix socket. It is Python's `socket.recv_fds`, and works on
 * every descriptor of a socket.
 *
 * The caller owns the descriptors and closes each with `fs.closeSync`. Unlike in Python, child
 * processes do not inherit them.
 *
 * On a stream, bytes that were sent before a message with descriptors arrive together with it. If
 * `maxFds` is smaller than the number of descriptors, the kernel closes the others and the flags
 * contain `MSG_CTRUNC`. On a stream, no bytes at all mean its end.
 *
 * @param fd the socket. In `fdkit/promises`, a thread for all sockets of the process waits for it,
 * not one of libuv's pool.
 * @param size the maximum number of bytes
 * @param maxFds the maximum number of descriptors, at most 253
 * @throws `EINVAL`: `maxFds` is more than 253; `EAGAIN`: nothing has arrived and the socket does not
 * block, or `flags` has `MSG_DONTWAIT`; `ECONNRESET`: the other side was closed before it had
 * received everything; `EBADF`: `fd` is not open; `ENOTSOCK`: it is not a socket; `ENOMEM`: there is
 * no memory of `size`
 * @see https://docs.python.org/3/library/socket.html#socket.recv_fds
 * @see https://man7.org/linux/man-pages/man7/unix.7.html
 * @example
 * ```ts
 * import { MSG_CTRUNC, MSG_DONTWAIT, recvFds, sendFds, socketpair } from 'fdkit'
 *
 * const [one, other] = socketpair()
 * recvFds(other, 100, 1, { flags: MSG_DONTWAIT }) // throws: EAGAIN
 * sendFds(one, 'first', [])
 * sendFds(one, 'second', [one])
 * const { data, fds, flags } = recvFds(other, 100, 0)
 * data.toString() // 'firstsecond'
 * fds.length // 0
 * flags === MSG_CTRUNC // true
 * ```
 */
export const recvFds = operation(
  'recvFds',
  (fd: FdLike, size: number, maxFds: number, options?: FdsOptions): Receive => {
    const socket = validateFd(fd)
    const room = validateInteger(size, 'size', 0, MAX_SIZE)
    const most = validateInteger(maxFds, 'maxFds', 0, MAX_SIZE)
    const { flags = 0 } = readRecvFds(options)
    return { socket, room, most, flags: flags | 0 }
  },
  receiveNow,
  receiveLater,
)

/**
 * Creates two Unix sockets that are connected to each other, and returns their descriptors.
 *
 * The caller owns both and closes them with `fs.closeSync`. Like Python's `socket.socketpair`, it
 * creates descriptors that child processes do not inherit; pass one in `stdio` to give it to a child.
 *
 * @param type `'stream'` by default: bytes in order. `'seqpacket'`: messages in order, and an end
 * (not on macOS). `'dgram'`: messages, without an end.
 * @throws `EMFILE`: no descriptor number is free; `EPROTONOSUPPORT`: this system does not have the
 * type; `ERR_INVALID_ARG_VALUE`: it is not one of the three
 * @see https://docs.python.org/3/library/socket.html#socket.socketpair
 * @see https://man7.org/linux/man-pages/man2/socketpair.2.html
 * @example
 * ```ts
 * import { spawn } from 'node:child_process'
 * import { closeSync } from 'node:fs'
 * import { memfdCreate, sendFds, socketpair } from 'fdkit'
 *
 * const [ours, theirs] = socketpair()
 * spawn('cat', { stdio: [theirs, 'ignore', 'inherit'] }) // reads until the socket is closed
 * closeSync(theirs)
 * sendFds(ours, 'for the child', [memfdCreate('frame')])
 * closeSync(ours)
 * ```
 */
export function socketpair(type: SocketType = 'stream'): [number, number] {
  const [one, other] = check(native.socketpair(validateSocketType(type, 'type')))
  return [handOut(one), handOut(other)]
}
