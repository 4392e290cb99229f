// Tests buffers whose memory was transferred to another thread, after their own thread has ended.
import { child } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes } from '../helpers/runtimes.js'

// The first byte before the worker ends, the bytes after it, the bytes after a write, and the file.
const zeros = [97, 0, 98, 'a']
const stays = [97, 97, 98, 'b']
const isCopied = [97, 97, 98, 'a']

const expected: Record<string, Record<string, unknown>> = {
  'node-20': { enqueued: zeros, filled: zeros, transfer: 'TypeError', structuredClone: isCopied },
  'node-22': { enqueued: zeros, filled: zeros, transfer: zeros, structuredClone: 'DataCloneError' },
  'node-24': { enqueued: zeros, filled: zeros, transfer: zeros, structuredClone: 'DataCloneError' },
  'node-26': { enqueued: zeros, filled: zeros, transfer: zeros, structuredClone: 'DataCloneError' },
  bun: { enqueued: zeros, filled: zeros, transfer: zeros, structuredClone: 'DataCloneError' },
  // This runtime unmaps nothing when a worker ends.
  deno: { enqueued: stays, filled: stays, transfer: stays, structuredClone: stays },
}

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(
    `${name}: memory that was transferred to another thread stays usable after its own thread has ended`,
    async (t) => {
      if (runtime === undefined) throw new Error('skipped')
      t.deepEqual(JSON.parse(await runOn(runtime, '__test__/helpers/moving-probe.mjs')), expected[name])
    },
  )
}

unless(notLinux)('the end of a worker unmaps the buffers that were not transferred', (t) => {
  const script = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const lines = () => fs.readFileSync('/proc/self/maps', 'latin1').split('\\n').length
    const size = () => Number(/VmSize:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1])
    const program = \`
      import { parentPort } from 'node:worker_threads'
      import { Memfd } from \${JSON.stringify(import.meta.resolve('fdkit'))}
      const memfd = Memfd.create('left', { size: 2 ** 26 })
      globalThis.kept = [memfd]
      for (let index = 0; index < 100; index++) {
        const buffer = memfd.map({ writable: index % 2 ? undefined : false })
        // Some buffers are unmapped, some are garbage, and some are alive at the end.
        if (index % 3 === 0) memfd.unmap(buffer)
        if (index % 3 === 1) kept.push(buffer)
      }
      parentPort.postMessage('ready')
      setInterval(() => {}, 1000)\`
    const seen = []
    for (let round = 0; round < 6; round++) {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(program)))
      await once(worker, 'message')
      await worker.terminate()
      seen.push([lines(), size()])
    }
    const named = fs.readFileSync('/proc/self/maps', 'latin1').includes('memfd:left')
    const [first, last] = [seen[1], seen.at(-1)]
    answer([named, last[0] - first[0] < 30, last[1] - first[1] < 2 ** 16])
  `
  t.deepEqual(child(script), [false, true, true])
})

unless(notLinux)(
  'a transferred buffer is unmapped once in its new thread, by munmap or the garbage collector',
  (t) => {
    const script = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const count = () => fs.readFileSync('/proc/self/maps', 'latin1').split('memfd:moved').length - 1
    const program = \`
      import { parentPort, workerData } from 'node:worker_threads'
      import { mmap } from \${JSON.stringify(import.meta.resolve('fdkit'))}
      const { value } = await new ReadableStream({
        type: 'bytes',
        start: (controller) => controller.enqueue(new Uint8Array(mmap(workerData))),
      }).getReader().read()
      parentPort.postMessage(value.buffer, [value.buffer])
      setInterval(() => {}, 1000)\`
    const memfd = fdkit.Memfd.create('moved', { contents: 'text' })
    const seen = []
    for (const how of ['unmapped', 'collected', 'unmapped after its thread has ended']) {
      const url = new URL('data:text/javascript,' + encodeURIComponent(program))
      const worker = new Worker(url, { workerData: memfd.fd })
      let [buffer] = await once(worker, 'message')
      const before = count()
      if (how === 'unmapped') fdkit.munmap(buffer)
      if (how === 'collected') {
        buffer = undefined
        for (let round = 0; round < 50 && count() > 0; round++) {
          globalThis.gc()
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
      const after = count()
      await worker.terminate()
      let code = 'unmapped'
      try { if (buffer?.byteLength) fdkit.munmap(buffer) } catch (error) { code = error.code }
      seen.push([how, before, after, code])
    }
    answer(seen)
  `
    t.deepEqual(child(script, { nodeArguments: ['--expose-gc'] }), [
      ['unmapped', 1, 0, 'unmapped'],
      ['collected', 1, 0, 'unmapped'],
      ['unmapped after its thread has ended', 1, 1, 'ERR_INVALID_ARG_VALUE'],
    ])
  },
)
