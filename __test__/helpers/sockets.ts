// Sockets and files for tests of descriptors between processes.
import { closeSync, readFileSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

import type { ExecutionContext } from 'ava'
import { memfdCreate, type SocketType } from 'fdkit'
import { FdSocket, type FdMessage } from 'fdkit/promises'

import { isOpen } from './fds.js'

/** Creates two connected sockets, which are closed with the test. */
export function pairOf(t: ExecutionContext, type?: SocketType): [FdSocket, FdSocket] {
  const pair = FdSocket.pair(type)
  t.teardown(() => {
    for (const socket of pair) socket.close()
  })
  return pair
}

/** Creates a memory file, which is closed with the test. */
export function fileOf(t: ExecutionContext, contents = ''): number {
  const fd = memfdCreate('file')
  writeSync(fd, contents)
  t.teardown(() => {
    if (isOpen(fd)) closeSync(fd)
  })
  return fd
}

/** Returns the contents of a file and closes it. */
export function contentsOf(fd: number): string {
  const text = readFileSync(`/proc/self/fd/${fd}`, 'utf8')
  closeSync(fd)
  return text
}

/** Receives a message and takes its descriptors. */
export async function received(socket: FdSocket): Promise<[data: string, contents: string[]] | undefined> {
  const message: FdMessage | undefined = await socket.receive()
  return message && [message.data.toString(), message.fds.map(contentsOf)]
}

/** Waits until a condition holds, in many turns of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  for (const start = Date.now(); !condition();) {
    if (Date.now() - start > 20_000) throw new Error('the condition does not hold after 20 s')
    await setImmediate()
  }
}
