// For each line that it reads, it hands 256 MiB to a child process, and prints the time until the
// child has returned their sum. The child is this program, too. It requires --expose-gc.
import { fork, type ChildProcess } from 'node:child_process'
import { on } from 'node:events'
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { Memfd, mmap, mmapShared } from 'fdkit'

import { BYTES, fill, summings, type Summed } from './summing.js'

// The descriptor of the pipe in the child.
const PIPE = 4
const CHUNK = 2 ** 20
const FILE = `/dev/shm/fdkit-bench-${process.pid}`

const [name = '', what = '', role] = process.argv.slice(2)
const summing = summings[what]!

/** Clean-up after the sum is known. It is not part of the measured time. */
type After = () => void

/** Both ends of a way to hand over memory. */
interface Way {
  /** Prepares the parent once, and returns a function that hands over the memory. */
  parent(child: ChildProcess): () => After | undefined
  /** Prepares the child once, and returns a function that takes the memory. */
  child(): (message: never) => Summed | Promise<Summed>
}

/** Fills memory that the parent allocated itself. */
const own = () => fill(new ArrayBuffer(BYTES))

const viewOf = ({ buffer, byteOffset }: Uint8Array) => summing.of(buffer, byteOffset)

function written(child: ChildProcess): () => undefined {
  const memfd = Memfd.create('bench', { size: BYTES })
  fill(memfd.map())
  return () => void child.send(memfd.path)
}

function copied(child: ChildProcess): () => After {
  const contents = own()
  return () => {
    const memfd = Memfd.create('bench', { contents })
    child.send(memfd.path)
    return () => memfd.close()
  }
}

function piped(child: ChildProcess): () => undefined {
  const bytes = own()
  const pipe = child.stdio[PIPE] as NodeJS.WritableStream
  return () => {
    child.send('go')
    pipe.write(bytes)
    return undefined
  }
}

// The buffer is written once, so that no page faults occur in the measured time.
const target = () => Buffer.allocUnsafeSlow(BYTES).fill(1)

// The mapping is released by the garbage collector. munmap would detach the buffer, and once a
// process has detached any buffer, V8 checks every access to a typed array.
const mapped =
  (map: typeof mmap | typeof mmapShared, populate = true) =>
  () =>
  (path: string) => {
    const fd = openSync(path, 'r+')
    const buffer = map(fd, { populate })
    closeSync(fd)
    return summing.of(buffer)
  }

const ways: Record<string, Way> = {
  share: { parent: written, child: mapped(mmapShared) },
  map: { parent: written, child: mapped(mmap) },
  shareLazily: { parent: written, child: mapped(mmapShared, false) },
  mapLazily: { parent: written, child: mapped(mmap, false) },
  shareCopy: { parent: copied, child: mapped(mmapShared) },
  mapCopy: { parent: copied, child: mapped(mmap) },
  send: {
    parent(child) {
      const bytes = own()
      return () => void child.send(bytes)
    },
    child: () => viewOf,
  },
  pipeSync: {
    parent: piped,
    child() {
      const bytes = target()
      return () => {
        let length = 0
        while (length < BYTES) length += readSync(PIPE, bytes, length, BYTES - length, null)
        return viewOf(bytes)
      }
    },
  },
  pipe: {
    parent: piped,
    child() {
      const bytes = target()
      let length = 0
      let isWhole = () => {}
      const callback = (read: number, chunk: Uint8Array) => {
        bytes.set(chunk.subarray(0, read), length)
        length = (length + read) % BYTES
        if (length === 0) isWhole()
        return true
      }
      const onread = { buffer: Buffer.allocUnsafeSlow(CHUNK), callback }
      const options = { fd: PIPE, onread }
      new Socket(options).resume()
      return async () => {
        await new Promise<void>((resolve) => (isWhole = resolve))
        return viewOf(bytes)
      }
    },
  },
  file: {
    parent(child) {
      const bytes = own()
      return () => {
        writeFileSync(FILE, bytes)
        child.send(FILE)
        return () => rmSync(FILE)
      }
    },
    child: () => (path: string) => viewOf(readFileSync(path)),
  },
}

function check(total: unknown): void {
  const { expected } = summing
  if (total !== expected) throw new Error(`the sum is ${String(total)}, not ${expected}`)
}

function onLine(run: () => Promise<bigint> | bigint): void {
  createInterface(process.stdin).on('line', async () => console.log(String(await run())))
}

/** Measures the summing alone, of memory that the process already has. */
function alone(): void {
  const elements = summing.of(own().buffer)
  onLine(() => {
    const start = process.hrtime.bigint()
    const total = summing.sum(elements)
    const elapsed = process.hrtime.bigint() - start
    check(total)
    return elapsed
  })
}

function beParent(way: Way): void {
  const child = fork(fileURLToPath(import.meta.url), [name, what, 'child'], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
  })
  const messages = on(child, 'message')
  const next = async () => ((await messages.next()).value as [unknown])[0]
  const isReady = next()
  const hand = way.parent(child)
  onLine(async () => {
    await isReady
    const start = process.hrtime.bigint()
    const after = hand()
    const total = await next()
    const elapsed = process.hrtime.bigint() - start
    check(total)
    after?.()
    global.gc!()
    // Otherwise, it would clean up while other candidates are measured.
    await next()
    return elapsed
  })
  process.stdin.on('end', () => process.exit())
  process.on('exit', () => child.kill())
}

function beChild(way: Way): void {
  const take = way.child()
  // Garbage is collected between runs, so that the collection is not measured.
  const idle = () => {
    global.gc!()
    process.send!('idle')
  }
  const answer = async (message: unknown) => {
    process.send!(summing.sum(await take(message as never)))
  }
  process.on('message', async (message) => {
    await answer(message)
    setImmediate(idle)
  })
  process.send!('ready')
}

const way = ways[name]
if (name === 'alone') alone()
else if (way === undefined) throw new Error(`unknown way: ${name}`)
else if (role === 'child') beChild(way)
else beParent(way)
