// Tests workers that are terminated while fdkit/promises opens files for them.
import { once } from 'node:events'
import * as fs from 'node:fs'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const MOST = 100_000

unless(notLinux, test.serial)(
  'a terminated worker leaks none of the descriptors that were being opened for it',
  async (t) => {
    const marker = `${makeTree(t, { marker: '' })}/marker`
    const open = () => {
      const numbers = fs.readdirSync('/proc/self/fd').map(Number)
      return numbers.filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`) === marker
        } catch {
          return false // the descriptor of readdir itself
        }
      })
    }
    let taken = 0
    for (let i = 0; i < 15; i++) {
      const seen = new Int32Array(new SharedArrayBuffer(4 * (MOST + 1)))
      const source = `
      import { parentPort, workerData as seen } from 'node:worker_threads'
      import { open } from ${JSON.stringify(import.meta.resolve('fdkit/promises'))}
      const run = async () => {
        for (;;) {
          const fd = await open(${JSON.stringify(marker)})
          const at = Atomics.add(seen, 0, 1) + 1
          Atomics.store(seen, at, fd)
          // Keeps the process below its limit of descriptors.
          if (at > 1000) return
        }
      }
      for (let i = 0; i < 16; i++) run()
      parentPort.postMessage('in the middle')`
      const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`)
      const worker = new Worker(url, { workerData: seen, execArgv: [] })
      await once(worker, 'message')
      await new Promise((resolve) => setTimeout(resolve, i))
      await worker.terminate()
      const known = new Set(seen.subarray(1, Math.min(seen[0] ?? 0, MOST) + 1))
      taken += known.size
      const left = open()
      // The thread can stop anywhere, even when JavaScript has just received a descriptor and not yet stored it.
      t.true(left.filter((fd) => !known.has(fd)).length <= 1)
      for (const fd of left) fs.closeSync(fd)
    }
    t.true(taken > 0)
  },
)
