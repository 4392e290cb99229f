// Tests that processes and workers end without a crash, a hang or a message while asynchronous work is
// pending.
import { spawnSync } from 'node:child_process'

import { packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { makeTreeInMemory, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux)

const bushy = (depth: number): Tree =>
  depth === 0 ? { end: '' } : { a: bushy(depth - 1), b: bushy(depth - 1), c: {} }

// Starts every kind of asynchronous work: in the thread pool, in separate threads, in turns of the
// event loop, between two steps of a walk, and in a walk that was dropped.
const work = `
  import * as fs from 'node:fs'
  import * as fdkit from ${JSON.stringify(import.meta.resolve('fdkit'))}
  import * as promises from ${JSON.stringify(import.meta.resolve('fdkit/promises'))}
  const begin = async (root) => {
    const memfd = fdkit.Memfd.create('words', { size: 4096 })
    const words = new Int32Array(memfd.map())
    const { signal } = new AbortController()
    const quiet = (promise) => promise.catch(() => {})
    quiet(promises.futexWaitAsync(words, 0, 0, { timeout: 50, signal }))
    const idle = promises.fwalk(root, { signal })
    const [, , , dirFd] = (await idle.next()).value
    void idle.next()
    for (let i = 0; i < 20; i++) {
      quiet(promises.stat('tree', { dirFd }))
      quiet(promises.open('tree', 'r', { dirFd }))
      quiet(promises.memfdCreate('pending'))
      quiet(promises.listdir('many', { dirFd }))
      quiet(promises.scandir('many', { dirFd }))
    }
    const walk = async (options) => { for await (const _ of promises.fwalk(root, options)); }
    for (let i = 0; i < 4; i++) quiet(walk({ topdown: i % 2 === 0, signal }))
    quiet(promises.rmtree(root + '/tree', { signal }))
    fdkit.fwalk(root).next()
  }
`

const endings: [title: string, end: string, status: number | null, signal: string | null, stderr: RegExp][] =
  [
    ['at its normal end', '', 0, null, /^$/],
    ['by process.exit', 'process.exit(7)', 7, null, /^$/],
    ['by an uncaught exception', `throw new Error('uncaught')`, 1, null, /Error: uncaught/],
    [
      'by SIGTERM',
      `process.kill(process.pid, 'SIGTERM'); await new Promise((resolve) => setTimeout(resolve, 10_000))`,
      null,
      'SIGTERM',
      /^$/,
    ],
    ['by an unhandled rejection', `Promise.reject(new Error('unhandled'))`, 1, null, /Error: unhandled/],
  ]

// Ends immediately, in the middle, and while listings are being converted.
const DELAYS = [0, 1, 5, 20]

for (const [title, end, status, signal, stderr] of endings) {
  onLinux(`a process ends ${title} without a crash or a message`, (t) => {
    for (const delay of DELAYS) {
      const root = makeTreeInMemory(t, { tree: bushy(5), many: many(3000) })
      const script = `${work}
        await begin(${JSON.stringify(root)})
        await new Promise((resolve) => setTimeout(resolve, ${delay}))
        ${end}`
      const [command = '', ...rest] = bare(script)
      const options = { cwd: packageRoot, encoding: 'utf8', timeout: patience(60_000) } as const
      const ended = spawnSync(command, rest, options)
      t.like(ended, { status, signal }, `${delay} ms: ${ended.stderr}`)
      t.regex(ended.stderr, stderr)
    }
  })
}

const workers: [title: string, end: string, how: string][] = [
  ['is terminated', 'setInterval(() => {}, 1000)', 'await worker.terminate()'],
  ['ends by process.exit', 'process.exit(0)', 'await exit'],
  ['ends by an exception', `throw new Error('uncaught')`, 'await exit'],
  ['ends normally', '', 'await exit'],
]

for (const [title, end, how] of workers) {
  onLinux(`a worker that ${title} leaks no descriptor`, (t) => {
    const root = makeTreeInMemory(t, { tree: bushy(5), many: many(3000) })
    const source = `${work}
      import { parentPort } from 'node:worker_threads'
      await begin(${JSON.stringify(root)})
      parentPort.postMessage('begun')
      ${end}`
    const script = `
      import * as fs from 'node:fs'
      import { Worker } from 'node:worker_threads'
      const source = ${JSON.stringify(source)}
      const count = () => fs.readdirSync('/proc/self/fd').length
      let before = 0
      for (let i = 0; i < 6; i++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { execArgv: [] })
        worker.on('error', (error) => { if (error.message !== 'uncaught') throw error })
        const exit = new Promise((resolve) => worker.once('exit', resolve))
        // The error of a worker may arrive before its message.
        await Promise.race([new Promise((resolve) => worker.once('message', resolve)), exit])
        await new Promise((resolve) => setTimeout(resolve, i))
        ${how}
        // The first worker is a warm-up: Node opens internal descriptors for it.
        if (i === 0) before = count()
      }
      fs.writeSync(1, String(count() - before))`
    const [command = '', ...rest] = bare(script)
    const ended = spawnSync(command, rest, { cwd: packageRoot, encoding: 'utf8', timeout: patience(60_000) })
    t.like(ended, { status: 0, signal: null, stderr: '' })
    // In each of the five workers, JavaScript may have held one descriptor.
    t.true(Number(ended.stdout) <= 5, ended.stdout)
  })
}

function many(files: number): Tree {
  return Object.fromEntries(Array.from({ length: files }, (_, i) => [`file-${i}`, '']))
}

/** Runs a module as a child process without a prelude. */
function bare(script: string): string[] {
  return [process.execPath, '--input-type=module', '-e', script]
}
