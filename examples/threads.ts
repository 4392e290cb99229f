// A memory file in worker threads, which get its number: descriptors belong to the whole process.
//
//   node --import @oxc-node/core/register examples/threads.ts
//
// Where the runtime can share, `memfd.share()` makes a SharedArrayBuffer that is posted like any
// other. This way works everywhere, and in threads that want views of their own.
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
  // Not before all of them have mapped it.
  memfd.close()
}

function thread(fd: number) {
  // Not Memfd.from, which would close the descriptor at the end: it is the main thread's.
  const counter = new Int32Array(mmap(fd))
  for (let time = 0; time < TIMES; time++) Atomics.add(counter, 0, 1)
}

if (isMainThread) await main()
else thread(workerData as number)
