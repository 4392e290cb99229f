// For each line that it reads, it exchanges messages with descriptors and prints the time: of a thousand
// round trips to a child process, of a thousand descriptors through one socket, or the processor time
// that idle sockets take in a second. The child is this program, too. ipc.py has the same in Python.
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { memfdCreate, recvFds, sendFds, socketpair } from 'fdkit'
import { FdSocket } from 'fdkit/promises'

const LENGTH = 64
const message = Buffer.alloc(LENGTH, 'message ')
const NANOSECONDS = 100_000_000n
// The number of round trips between two reads of the clock.
const TIMES = 100
// The descriptor of the child.
const CHILD_FD = 3

const [name = '', role] = process.argv.slice(2)

interface Way {
  /** Returns a function that makes several round trips. */
  parent(fd: number): () => unknown
  /** Answers messages until the other side is closed. */
  child(fd: number): unknown
}

const file = memfdCreate('bench')

function closeAll(fds: number[]): void {
  for (const fd of fds) closeSync(fd)
}

const blocking: Way = {
  parent: (fd) => () => {
    for (let time = 0; time < TIMES; time++) {
      sendFds(fd, message, [file])
      closeAll(recvFds(fd, LENGTH, 1).fds)
    }
  },
  child(fd) {
    for (;;) {
      const { data, fds } = recvFds(fd, LENGTH, 1)
      if (data.length === 0) return
      sendFds(fd, data, fds)
      closeAll(fds)
    }
  },
}

const promised: Way = {
  parent(fd) {
    const socket = FdSocket.from(fd)
    return async () => {
      for (let time = 0; time < TIMES; time++) {
        await socket.send(message, [file])
        closeAll((await socket.receive())!.fds)
      }
    }
  },
  async child(fd) {
    const socket = FdSocket.from(fd)
    for await (const { data, fds } of socket) {
      const sending = socket.send(data, fds)
      closeAll(fds)
      await sending
    }
  },
}

const ways: Record<string, Way> = { blocking, promised }

function roundTrips(way: Way): () => Promise<bigint> {
  const [ours, theirs] = socketpair()
  const command = [fileURLToPath(import.meta.url), name, 'child']
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit', theirs] })
  closeSync(theirs)
  child.unref()
  process.on('exit', () => child.kill('SIGKILL'))
  const run = way.parent(ours)
  return async () => {
    const start = process.hrtime.bigint()
    let [elapsed, times] = [0n, 0n]
    while (elapsed < NANOSECONDS) {
      await run()
      times += BigInt(TIMES)
      elapsed = process.hrtime.bigint() - start
    }
    return (elapsed * 1_000n) / times
  }
}

/** Sends a thousand descriptors through one socket, 250 in a message. */
async function thousand(): Promise<bigint> {
  const [one, other] = FdSocket.pair()
  const fds = Array<number>(250).fill(file)
  const start = process.hrtime.bigint()
  let count = 0
  for (let time = 0; time < 4; time++) {
    await one.send('x', fds)
    const received = (await other.receive())!.fds
    count += received.length
    closeAll(received)
  }
  const elapsed = process.hrtime.bigint() - start
  if (count !== 1_000) throw new Error(`${count} descriptors have arrived`)
  one.close()
  other.close()
  return elapsed
}

const pairs = name === 'idle' ? Array.from({ length: 100 }, () => FdSocket.pair()) : []
for (const [one] of pairs) one.receive().catch(() => {})

/** Measures the processor time of this process in a second, while a hundred sockets wait. */
async function idle(): Promise<bigint> {
  const before = process.cpuUsage()
  await sleep(1_000)
  const { user, system } = process.cpuUsage(before)
  return BigInt(user + system) * 1_000n
}

async function beParent(): Promise<void> {
  const way = ways[name]
  const run = way ? roundTrips(way) : name === 'idle' ? idle : thousand
  for await (const _ of createInterface(process.stdin)) console.log(String(await run()))
  process.exit()
}

if (role === 'child') await ways[name]!.child(CHILD_FD)
else await beParent()
