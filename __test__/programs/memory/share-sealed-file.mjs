// Shares a write-sealed file with a worker, which writes to it.
import { Worker } from 'node:worker_threads'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const memfd = fdkit.Memfd.create('sealed', { contents: 'text' })
memfd.seal('write')
const shared = memfd.share()
const program = `
  import { parentPort, workerData } from 'node:worker_threads'
  new Uint8Array(workerData)[0] = 84
  parentPort.postMessage('done')`
const worker = new Worker(program, { eval: true, workerData: shared })
await new Promise((resolve) => worker.once('message', resolve))
answer([Buffer.from(new Uint8Array(shared)).toString(), memfd.read().toString()])
