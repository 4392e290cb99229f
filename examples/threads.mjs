// @ts-check
// Uses a memory file in worker threads. They get its number, since descriptors belong to the whole
// process.
//
//   node examples/threads.mjs
//
// If the runtime can share the memory of a file, `memfd.share()` returns a SharedArrayBuffer that
// can be posted like any other. The way shown here works everywhere, and suits threads that want
// views of their own.
import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'

import { Memfd, mmap } from 'fdkit'

const THREADS = 4
const TIMES = 100_000

async function main() {
  const memfd = Memfd.create('counter', { size: Int32Array.BYTES_PER_ELEMENT })
  const counter = new Int32Array(memfd.map())
  const start = () => new Worker(new URL(import.meta.url), { workerData: memfd.fd })
  const threads = Array.from({ length: THREADS }, start)
  await Promise.all(threads.map((thread) => once(thread, 'exit')))
  console.log(counter[0])
  // The file must not be closed before all threads have mapped it.
  memfd.close()
}

/** @param {number} fd */
function thread(fd) {
  // Memfd.from would take over the descriptor, which belongs to the main thread.
  const counter = new Int32Array(mmap(fd))
  for (let time = 0; time < TIMES; time++) Atomics.add(counter, 0, 1)
}

if (isMainThread) {
  try {
    await main()
  } catch (error) {
    console.error(`threads: ${/** @type {Error} */ (error).message}`)
    process.exitCode = 1
  }
} else {
  thread(workerData)
}
