// Tests SharedArrayBuffers over memory files, their sharing and their lifetime, on a Node.js that
// supports them.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

import test from 'ava'
import { Memfd, mmapShared, supportsSharedMapping } from 'fdkit'

import { child, childCommand } from '../helpers/child.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { noSharing, sharingNode } from '../helpers/runtimes.js'

const withSharing = unless(notLinux || noSharing)
const onSharing = { node: sharingNode, nodeArguments: ['--expose-gc'] }

unless(notLinux || (supportsSharedMapping && 'this Node.js shares mappings'))(
  'share is ENOTSUP and leaves nothing mapped on a Node.js without support',
  (t) => {
    const memfd = Memfd.create('shared', { contents: 'text' })
    t.teardown(() => memfd.close())
    for (const call of [() => memfd.share(), () => mmapShared(memfd.fd)]) {
      const error = t.throws<NodeJS.ErrnoException>(call, { code: 'ENOTSUP' })
      t.regex(error?.message ?? '', /SharedArrayBuffer: Node\.js 22\.23\.3, 24\.16, 26\.1 and later can\)$/)
    }
    memfd.seal('write')
  },
)

test('supportsSharedMapping is a boolean on every platform', (t) => {
  t.is(typeof supportsSharedMapping, 'boolean')
})

withSharing('a worker that receives the buffer has the same memory', (t) => {
  t.deepEqual(child('memory/share-with-worker.mjs', onSharing), [20_000, 7, 20_000, true])
})

withSharing('no addition is lost when two processes use Atomics on one word', async (t) => {
  const memfd = Memfd.create('counter', { size: 4 })
  t.teardown(() => memfd.close())
  const script = `
    const words = new Int32Array(fdkit.mmapShared(3))
    for (let i = 0; i < 50_000; i++) Atomics.add(words, 0, 1)
    answer(words.length)
  `
  const [command = '', ...rest] = childCommand(script, onSharing)
  const children = [1, 2].map(() =>
    spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', memfd.fd] }),
  )
  const ends = await Promise.all(children.map((each) => once(each, 'exit')))
  t.deepEqual(ends, [
    [0, null],
    [0, null],
  ])
  t.is(memfd.read().readInt32LE(), 100_000)
})

withSharing(
  'share seals the file like mmap, is limited to the file, and is refused if the file could shrink',
  (t) => {
    t.deepEqual(child('memory/limits-of-share.mjs', onSharing), [
      904,
      904,
      true,
      'ERR_OUT_OF_RANGE',
      'ERR_OUT_OF_RANGE',
      'EPERM',
      5000,
      'EINVAL the file is empty',
      'EBADF',
    ])
  },
)

withSharing('share of a write-sealed file is private to the process and shared by its threads', (t) => {
  t.deepEqual(child('memory/share-sealed-file.mjs', onSharing), ['Text', 'text'])
})

withSharing('F_SEAL_WRITE is EBUSY until the buffer is collected in every thread', (t) => {
  t.deepEqual(child('memory/seal-shared-file.mjs', onSharing), ['EBUSY', 'sealed'])
})

withSharing(
  'a buffer outlives the worker that created it, even if only that worker had loaded the addon',
  (t) => {
    // The prelude is left out because it would load the addon in the main thread too.
    const program = `
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(\`
      import { parentPort } from 'node:worker_threads'
      import { Memfd } from ${JSON.stringify(import.meta.resolve('fdkit'))}
      const memfd = Memfd.create('outlives', { contents: 'text' })
      parentPort.postMessage(memfd.share())\`, { eval: true, execArgv: ['--input-type=module'] })
    let shared
    worker.once('message', (message) => { shared = message })
    worker.once('exit', async () => {
      const text = Buffer.from(new Uint8Array(shared)).toString()
      shared = undefined
      const maps = () => require('node:fs').readFileSync('/proc/self/maps', 'latin1').includes('memfd:outlives')
      for (let round = 0; round < 30 && maps(); round++) {
        gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      console.log(text, maps())
    })
  `
    const output = execFileSync(String(sharingNode), ['--expose-gc', '-e', program], { encoding: 'utf8' })
    t.is(output, 'text false\n')
  },
)

unless(notLinux || noSharing || missing('python3'))('Python sees values that Atomics stored', (t) => {
  const memfd = Memfd.create('python', { size: 4, inheritable: true })
  t.teardown(() => memfd.close())
  child(`Atomics.store(new Int32Array(fdkit.mmapShared(${memfd.fd})), 0, 123456); answer(0)`, onSharing)
  const script = `import mmap; print(int.from_bytes(mmap.mmap(${memfd.fd}, 4)[:], 'little'))`
  t.is(execFileSync('python3', ['-c', script], { encoding: 'utf8' }), '123456\n')
})
