// Tests workers that are terminated while they create and take over memory files.
import { once } from 'node:events'
import * as fs from 'node:fs'
import { Worker } from 'node:worker_threads'

import test from 'ava'
import { Memfd } from 'fdkit'

import { notLinux, unless } from '../helpers/platform.js'

// FDKIT_TERMINATIONS=2000 is the long run.
const TERMINATIONS = Number(process.env['FDKIT_TERMINATIONS'] ?? 25)

/** Returns the descriptors of this process for memory files with the label. */
function descriptorsOf(label: string): number[] {
  const numbers = fs.readdirSync('/proc/self/fd').map(Number)
  return numbers.filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === `/memfd:${label} (deleted)`
    } catch {
      return false // the descriptor of readdir itself
    }
  })
}

unless(notLinux, test.serial)(
  'a worker that is terminated at a random moment leaves no descriptor of a Memfd open',
  async (t) => {
    const label = 'doomed'
    const base = Memfd.create(label)
    const program = new URL('../programs/memory/memfds-in-a-worker.mjs', import.meta.url)
    const workerData = { fdkit: import.meta.resolve('fdkit'), base: base.fd, label }
    let most = 0
    for (let i = 0; i < TERMINATIONS; i++) {
      const worker = new Worker(program, { workerData, execArgv: [] })
      await once(worker, 'message')
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      most = Math.max(most, descriptorsOf(label).length)
      await worker.terminate()
      t.deepEqual(descriptorsOf(label), [base.fd], `termination ${i}`)
    }
    t.true(most > 1, 'the workers had descriptors')
    base.close()
  },
)
