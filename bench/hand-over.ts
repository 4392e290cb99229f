// Hands 256 MiB to a child process for each line that it gets, and says how long it took until the
// child had told their sum. The child is this program, too. It wants --expose-gc.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { Memfd, mmap, mmapShared } from 'fdkit'

import { BYTES, fill, summings, type Summed } from './summing.js'

// Of the pipe, in the child.
const PIPE = 4
const FILE = `/dev/shm/fdkit-bench-${process.pid}`

const [name = '', what = '', role] = process.argv.slice(2)
const summing = summings[what]!

/** What the sum must be. */
let expected: number

/** What is left to do when the sum is known; it is not measured. */
type After = () => void

/** Both ends of a way to hand it over. */
interface Way {
  /** Makes ready, once, and returns what hands it over. */
  parent(child: ChildProcess): () => After | undefined
  /** Likewise, and returns what takes it. */
  child(): (message: never) => Summed
}

function filled<T extends ArrayBuffer>(buffer: T): T {
  fill(buffer)
  expected = summing.sum(summing.of(buffer))
  return buffer
}

/** In memory of the parent's own. */
const own = () => new Uint8Array(filled(new ArrayBuffer(BYTES)))

const viewOf = ({ buffer, byteOffset }: Uint8Array) => summing.of(buffer, byteOffset)

function written(child: ChildProcess): () => undefined {
  const memfd = Memfd.create('bench', { size: BYTES })
  filled(memfd.map())
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

// Given back by the collector. munmap detaches, and in a process that has ever detached a buffer
// V8's code for typed arrays looks at each access whether theirs is.
const mapped = (map: typeof mmap | typeof mmapShared) => () => (path: string) => {
  const fd = openSync(path, 'r+')
  const buffer = map(fd)
  closeSync(fd)
  return summing.of(buffer)
}

const ways: Record<string, Way> = {
  share: { parent: written, child: mapped(mmapShared) },
  map: { parent: written, child: mapped(mmap) },
  copyShare: { parent: copied, child: mapped(mmapShared) },
  copyMap: { parent: copied, child: mapped(mmap) },
  send: {
    parent(child) {
      const bytes = own()
      return () => void child.send(bytes)
    },
    child: () => viewOf,
  },
  pipe: {
    parent(child) {
      const bytes = own()
      const pipe = child.stdio[PIPE] as NodeJS.WritableStream
      return () => {
        child.send('go')
        pipe.write(bytes)
        return undefined
      }
    },
    child() {
      const bytes = Buffer.allocUnsafeSlow(BYTES).fill(1)
      return () => {
        let length = 0
        while (length < BYTES) length += readSync(PIPE, bytes, length, BYTES - length, null)
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
  if (total !== expected) throw new Error(`the sum is ${String(total)}, not ${expected}`)
}

function onLine(run: () => Promise<bigint> | bigint): void {
  createInterface(process.stdin).on('line', async () => console.log(String(await run())))
}

/** The summing alone, of what the process has already. */
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
  const isReady = once(child, 'message')
  const hand = way.parent(child)
  onLine(async () => {
    await isReady
    const answer = once(child, 'message')
    const start = process.hrtime.bigint()
    const after = hand()
    const [total] = await answer
    const elapsed = process.hrtime.bigint() - start
    check(total)
    const isIdle = once(child, 'message')
    after?.()
    global.gc!()
    await isIdle
    return elapsed
  })
  process.stdin.on('end', () => child.disconnect())
}

function beChild(way: Way): void {
  const take = way.child()
  // Each round's garbage is its own, and of those that make some, too, it is not measured.
  const idle = () => {
    global.gc!()
    process.send!('idle')
  }
  process.on('message', (message) => {
    process.send!(summing.sum(take(message as never)))
    setImmediate(idle)
  })
  process.send!('ready')
}

const way = ways[name]
if (name === 'alone') alone()
else if (way === undefined) throw new Error(`there is no way ${name}`)
else if (role === 'child') beChild(way)
else beParent(way)
