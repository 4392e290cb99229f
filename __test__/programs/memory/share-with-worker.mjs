// Shares a buffer with a worker, which adds to a word of it.
import { Worker } from 'node:worker_threads'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const page = fdkit.getpagesize()
const memfd = fdkit.Memfd.create('shared', { size: 2 * page })
const shared = memfd.share({ offset: page })
const program = `
  import { parentPort, workerData } from 'node:worker_threads'
  const words = new Int32Array(workerData)
  for (let i = 0; i < 10_000; i++) Atomics.add(words, 0, 1)
  parentPort.postMessage('done')
  Atomics.wait(words, 1, 0)
  parentPort.postMessage(Atomics.load(words, 1))`
const worker = new Worker(program, { eval: true, workerData: shared })
const words = new Int32Array(shared)
for (let i = 0; i < 10_000; i++) Atomics.add(words, 0, 1)
await new Promise((resolve) => worker.once('message', resolve))
const woken = new Promise((resolve) => worker.once('message', resolve))
Atomics.store(words, 1, 7)
Atomics.notify(words, 1)
answer([words[0], await woken, memfd.read(Buffer.alloc(4), page).readInt32LE(), words.length === page / 4])
