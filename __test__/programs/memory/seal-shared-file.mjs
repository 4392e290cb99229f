// Seals a file while a worker keeps its buffer, and after the worker has ended.
import { Worker } from 'node:worker_threads'

import * as fdkit from 'fdkit'

import { answer } from '../context.mjs'

const memfd = fdkit.Memfd.create('shared', { size: 10 })
const program = `
  import { parentPort } from 'node:worker_threads'
  parentPort.once('message', (shared) => {
    globalThis.kept = shared
    parentPort.postMessage(shared.byteLength)
    setInterval(() => {}, 1000)
  })`
const worker = new Worker(program, { eval: true })
const got = new Promise((resolve) => worker.once('message', resolve))
;(() => worker.postMessage(memfd.share()))()
await got
const attempt = () => {
  try {
    memfd.seal('write')
    return 'sealed'
  } catch ({ code }) {
    return code
  }
}
const collected = async () => {
  let result
  for (let round = 0; round < 30 && (result = attempt()) !== 'sealed'; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return result
}
const during = await collected()
await worker.terminate()
answer([during, await collected()])
