// For each line that it reads, it repeatedly sends a message of 64 bytes to a child process and
// receives it back, and prints the time of a thousand round trips. The child is this program, too.
import { execFileSync, fork, type ChildProcess, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { futexWait, futexWake, Memfd, mmap, mmapShared, supportsSharedMapping } from 'fdkit'

const LENGTH = 64
// The first descriptor of the child after the channel of process.send.
const EXTRA = 4

// The time is long enough for the scheduler to settle both processes.
const NANOSECONDS = 100_000_000n
// The number of round trips between two reads of the clock.
const TIMES = 100

const [name = '', role] = process.argv.slice(2)

const message = Buffer.alloc(LENGTH, 'message ')

/** Both ends of a way to send messages. Each way has its own method of waiting. */
interface Way {
  serialization?: 'json' | 'advanced'
  /** Returns the additional `stdio` entries of the child. */
  extra?(): (number | 'pipe')[]
  /** Returns a function that makes several round trips. */
  parent(child: ChildProcess): Promise<() => unknown>
  /** Answers messages for as long as the process lives. */
  child(): void
}

/** Memory with two mailboxes. Each has a word that counts the messages, and the last message. */
class Mailboxes {
  readonly #counts: Int32Array
  readonly #bytes: Uint8Array

  constructor(fd: number) {
    const buffer = supportsSharedMapping ? mmapShared(fd) : mmap(fd)
    this.#counts = new Int32Array(buffer, 0, 2)
    this.#bytes = new Uint8Array(buffer, LENGTH, 2 * LENGTH)
  }

  put(box: 0 | 1, count: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, box * LENGTH)
    Atomics.store(this.#counts, box, count)
    futexWake(this.#counts, box, 1)
  }

  take(box: 0 | 1, count: number, bytes: Uint8Array): void {
    while (Atomics.load(this.#counts, box) !== count) futexWait(this.#counts, box, count - 1)
    bytes.set(this.#bytes.subarray(box * LENGTH, (box + 1) * LENGTH))
  }
}

const futex: Way = {
  async parent(child) {
    const memfd = Memfd.create('bench', { size: 3 * LENGTH })
    const mailboxes = new Mailboxes(memfd.fd)
    child.send(memfd.path)
    await once(child, 'message')
    const answer = Buffer.alloc(LENGTH)
    let count = 0
    return () => {
      for (let time = 0; time < TIMES; time++) {
        count++
        mailboxes.put(0, count, message)
        mailboxes.take(1, count, answer)
      }
      if (!answer.equals(message)) throw new Error('another message came back')
    }
  },
  child() {
    process.once('message', (path: string) => {
      const mailboxes = new Mailboxes(openSync(path, 'r+'))
      process.send!('ready')
      const bytes = Buffer.alloc(LENGTH)
      setImmediate(() => {
        for (let count = 1; ; count++) {
          mailboxes.take(0, count, bytes)
          mailboxes.put(1, count, bytes)
        }
      })
    })
  },
}

const send = (serialization: 'json' | 'advanced', message: Serializable): Way => ({
  serialization,
  async parent(child) {
    return () =>
      new Promise<void>((resolve) => {
        let left = TIMES
        const again = () => {
          if (left-- > 0) return void child.send(message)
          child.off('message', again)
          resolve()
        }
        child.on('message', again)
        again()
      })
  },
  child() {
    process.on('message', (message) => process.send!(message))
  },
})

const socket: Way = {
  extra: () => ['pipe'],
  async parent(child) {
    const socket = child.stdio[EXTRA] as Socket
    return () =>
      new Promise<void>((resolve) => {
        let left = TIMES
        let length = 0
        const again = () => {
          if (left-- > 0) return void socket.write(message)
          socket.off('data', got)
          resolve()
        }
        const got = (bytes: Buffer) => {
          length += bytes.length
          if (length % LENGTH === 0) again()
        }
        socket.on('data', got)
        again()
      })
  },
  child() {
    const answer = Buffer.alloc(LENGTH)
    let filled = 0
    const callback = (length: number, bytes: Uint8Array) => {
      answer.set(bytes.subarray(0, length), filled)
      filled = (filled + length) % LENGTH
      if (filled === 0) socket.write(answer)
      return true
    }
    const options = { fd: EXTRA, onread: { buffer: new Uint8Array(LENGTH), callback } }
    const socket = new Socket(options)
    socket.resume()
  },
}

function readMessage(fd: number, bytes: Uint8Array): void {
  let length = 0
  while (length < LENGTH) length += readSync(fd, bytes, length, LENGTH - length, null)
}

let fifos: number[] = []
const fifo: Way = {
  extra() {
    const place = mkdtempSync(join(tmpdir(), 'fdkit-bench-'))
    const paths = ['there', 'back'].map((name) => join(place, name))
    execFileSync('mkfifo', paths)
    fifos = paths.map((path) => openSync(path, 'r+'))
    rmSync(place, { recursive: true })
    return fifos
  },
  async parent() {
    const [there, back] = fifos as [number, number]
    const answer = Buffer.alloc(LENGTH)
    return () => {
      for (let time = 0; time < TIMES; time++) {
        writeSync(there, message)
        readMessage(back, answer)
      }
    }
  },
  child() {
    const bytes = Buffer.alloc(LENGTH)
    setImmediate(() => {
      for (;;) {
        readMessage(EXTRA, bytes)
        writeSync(EXTRA + 1, bytes)
      }
    })
  },
}

const ways: Record<string, Way> = {
  futex,
  json: send('json', message.toString()),
  advanced: send('advanced', message),
  socket,
  fifo,
}

async function beParent(way: Way): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [name, 'child'], {
    serialization: way.serialization ?? 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(way.extra?.() ?? [])],
  })
  await once(child, 'message')
  const run = await way.parent(child)
  createInterface(process.stdin).on('line', async () => {
    const start = process.hrtime.bigint()
    let elapsed = 0n
    let times = 0n
    while (elapsed < NANOSECONDS) {
      await run()
      times += BigInt(TIMES)
      elapsed = process.hrtime.bigint() - start
    }
    console.log(String((elapsed * 1_000n) / times))
  })
  process.stdin.on('end', () => process.exit())
  // The child may be asleep in a system call, and nothing tells it to end.
  process.on('exit', () => child.kill('SIGKILL'))
}

const way = ways[name]
if (way === undefined) throw new Error(`unknown way: ${name}`)
if (role === 'child') {
  way.child()
  process.send!('ready')
} else {
  await beParent(way)
}
