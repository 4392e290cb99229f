// A program that tests what happens to a buffer that a worker has transferred to another thread when the
// worker ends. Writes its findings as JSON.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import { Memfd, mmap } from '../../dist/index.js'

/** Returns a byte stream into which a chunk is enqueued. */
const streamOf = (chunk) =>
  new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(chunk)
      controller.close()
    },
  })

const moves = {
  // A stream transfers the memory of an enqueued chunk to its reader.
  enqueued: async (buffer) => (await streamOf(new Uint8Array(buffer)).getReader().read()).value.buffer,
  // A stream transfers the memory of the buffer to fill, and returns it.
  filled: async (buffer) => {
    const reader = streamOf(new Uint8Array([97])).getReader({ mode: 'byob' })
    return (await reader.read(new Uint8Array(buffer))).value.buffer
  },
  transfer: (buffer) => ArrayBuffer.prototype.transfer.call(buffer),
  // Deno transfers the buffer.
  structuredClone: (buffer) => structuredClone(buffer, { transfer: [buffer] }),
}

const attempt = async (call) => {
  try {
    return await call()
  } catch (error) {
    return error.name
  }
}

if (isMainThread) {
  const findings = {}
  for (const move of Object.keys(moves)) {
    const memfd = Memfd.create('moving', { contents: 'a'.repeat(65_536) })
    const worker = new Worker(new URL(import.meta.url), { workerData: { fd: memfd.fd, move } })
    const [buffer] = await once(worker, 'message')
    if (typeof buffer === 'string') {
      findings[move] = buffer
      await worker.terminate()
      continue
    }
    const bytes = new Uint8Array(buffer)
    const before = bytes[0]
    await worker.terminate()
    // Leaves time for finalizers.
    await new Promise((resolve) => setTimeout(resolve, 50))
    let sum = 0
    for (const byte of bytes) sum += byte
    bytes.fill(98)
    findings[move] = [before, sum / 65_536, bytes[65_535], memfd.read().toString()[0]]
  }
  console.log(JSON.stringify(findings))
  process.exit()
} else {
  const buffer = mmap(workerData.fd)
  const moved = await attempt(() => moves[workerData.move](buffer))
  try {
    parentPort.postMessage(moved, typeof moved === 'string' ? [] : [moved])
  } catch (error) {
    parentPort.postMessage(error.name)
  }
  setInterval(() => {}, 1000)
}
