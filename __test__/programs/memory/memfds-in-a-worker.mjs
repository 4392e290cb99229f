// A worker that creates, takes over and closes Memfds until it is terminated. `workerData` has the
// address of fdkit, a descriptor of a memory file, and the label of the files.
import { openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

const { fdkit, base, label } = workerData
const { Memfd, promises } = await import(fdkit)

/** Several memory files that are being created at the same time. */
async function createMany() {
  for (;;) {
    const pieces = (async function* () {
      yield 'some '
      await new Promise((resolve) => setImmediate(resolve))
      yield 'text'
    })()
    const memfd = await promises.createMemfd(label, { contents: pieces })
    memfd.close()
  }
}

for (let i = 0; i < 4; i++) void createMany()
parentPort?.postMessage('under way')
for (;;) {
  for (let i = 0; i < 50; i++) {
    const created = Memfd.create(label, { contents: 'text' })
    const taken = Memfd.from(openSync(`/proc/self/fd/${base}`, 'r+'))
    created.close()
    // The collector closes the others.
    if (i % 10 > 0) taken.close()
  }
  await new Promise((resolve) => setImmediate(resolve))
}
