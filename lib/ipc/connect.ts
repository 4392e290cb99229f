// Connecting and binding sockets.
import { parseMode } from '../files/open.js'
import { auditEvent } from '../runtime/audit.js'
import type { Handle, Outcome, Socket } from '../runtime/binding.js'
import { finish, NO_DIR_FD } from '../runtime/call.js'
import { abortError, errorCode, invalidArgValue, isFailure } from '../runtime/error.js'
import { onAbort } from '../runtime/abort.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { validateFd, validateInteger, validateSignal, type DirFdOptions } from '../runtime/validate.js'
import { validateAddress, type Address } from './address.js'
import { validateSocketType, type SocketType } from './message.js'
import { HeldDirectory, SocketFile } from './socket-file.js'

/** Options of {@link FdSocket.connect}. */
export interface FdConnectOptions extends DirFdOptions {
  /** The type of the socket, which must be that of the other side; `'stream'` by default. */
  type?: SocketType | undefined
  /** Ends the wait for a place in the queue of the other side. */
  signal?: AbortSignal | undefined
}

/** Options of {@link FdSocket.bind}. */
export interface FdBindOptions extends DirFdOptions {
  /**
   * The permissions of the file, before the umask is applied; 0o777 by default. A process that
   * connects needs the permission to write.
   */
  mode?: number | string | undefined
}

/** Options of {@link FdSocket.listen}. */
export interface FdListenOptions extends FdBindOptions {
  /** The type of the connections; `'stream'` by default. A socket of type `'dgram'` cannot listen. */
  type?: Exclude<SocketType, 'dgram'> | undefined
  /**
   * The number of connections that may wait to be accepted; 511 by default, as in `node:net`. The
   * kernel's limit is `/proc/sys/net/core/somaxconn`.
   */
  backlog?: number | undefined
}

const auditConnect = auditEvent('socket.connect', 'self', 'address', 'dirFd')
const auditBind = auditEvent('socket.bind', 'self', 'address', 'dirFd')

const readConnect = optionsOf('FdSocket.connect', {
  dirFd: validateFd,
  type: validateSocketType,
  signal: validateSignal,
})
const readBind = optionsOf('FdSocket.bind', { dirFd: validateFd, mode: parseMode })
const readListen = optionsOf('FdSocket.listen', {
  dirFd: validateFd,
  mode: parseMode,
  type: validateSocketType,
  backlog: (value, name) => validateInteger(value, name, 0, 2 ** 31 - 1),
})

const STREAM = 0
const DGRAM = 2
const MODE = 0o777
const BACKLOG = 511

/** The directory that a relative path starts from. It is kept for calls that are made later. */
function hold(address: Address, dirFd: number | undefined): HeldDirectory | undefined {
  return dirFd !== undefined && address.isRelative ? new HeldDirectory(dirFd) : undefined
}

/** Waits, and returns early if the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let wake!: () => void
  const timer = setTimeout(() => wake(), milliseconds)
  const unsubscribe = onAbort(signal, () => wake())
  await new Promise<void>((resolve) => {
    wake = resolve
  })
  clearTimeout(timer)
  unsubscribe()
}

const MAX_PAUSE = 64

export async function connect(path: unknown, options: unknown): Promise<Handle<Socket>> {
  const address = validateAddress(path)
  const { dirFd, type = STREAM, signal } = readConnect(options)
  auditConnect(undefined, address.given, dirFd ?? NO_DIR_FD)
  if (signal?.aborted) throw abortError(signal)
  const directory = hold(address, dirFd)
  const subject = { caller: 'FdSocket.connect', path: address.path, dirFd: directory?.fd }
  try {
    for (let milliseconds = 1; ; milliseconds = Math.min(2 * milliseconds, MAX_PAUSE)) {
      const outcome: Outcome<Handle<Socket>> = await native.socketConnect(
        directory?.fd,
        address.path,
        address.isAbstract,
        type,
      )
      if (signal?.aborted) {
        if (!isFailure(outcome)) native.socketClose(outcome)
        throw abortError(signal)
      }
      // The queue of the other side is full. Nothing tells when it no longer is.
      if (!isFailure(outcome) || errorCode(outcome) !== 'EAGAIN') return finish(outcome, subject)
      await pause(milliseconds, signal)
    }
  } finally {
    directory?.close()
  }
}

/** A bound socket, and the file that it has created. */
export interface Bound {
  handle: Handle<Socket>
  file: SocketFile | undefined
}

async function bindTo(
  caller: string,
  path: unknown,
  { dirFd, mode = MODE, type, backlog }: { dirFd?: number; mode?: number; type: number; backlog: number },
): Promise<Bound> {
  const address = validateAddress(path)
  auditBind(undefined, address.given, dirFd ?? NO_DIR_FD)
  const directory = hold(address, dirFd)
  const subject = { caller, path: address.path, dirFd: directory?.fd }
  try {
    const handle = finish(
      await native.socketBind(directory?.fd, address.path, address.isAbstract, type, mode, backlog),
      subject,
    )
    return { handle, file: address.isAbstract ? undefined : new SocketFile(address, directory) }
  } catch (error) {
    directory?.close()
    throw error
  }
}

export function bind(path: unknown, options: unknown): Promise<Bound> {
  const { dirFd, mode } = readBind(options)
  return bindTo('FdSocket.bind', path, { dirFd: dirFd!, mode: mode!, type: DGRAM, backlog: 0 })
}

export function listen(path: unknown, options: unknown): Promise<Bound> {
  const { dirFd, mode, type = STREAM, backlog = BACKLOG } = readListen(options)
  if (type === DGRAM) {
    throw invalidArgValue(
      'options.type',
      "must be 'stream' or 'seqpacket'; FdSocket.bind is for 'dgram'",
      'dgram',
    )
  }
  return bindTo('FdSocket.listen', path, { dirFd: dirFd!, mode: mode!, type, backlog })
}

/** Checks the options of a listener that is not bound by us. */
export const checkListenOptions = (options: unknown): void => void readListen(options)
