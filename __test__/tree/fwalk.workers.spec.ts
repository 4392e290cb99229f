// Tests walks in worker threads, and the memory that walks hold.
import { once } from 'node:events'
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import test from 'ava'
import { fwalk } from 'fdkit'

import { child } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { isLinux, unless } from '../helpers/platform.js'
import { fill, makeTree, makeTreeInMemory, type Tree } from '../helpers/tree.js'

const serially = unless(isLinux ? false : 'needs /proc/self', test.serial)

const bushy = (depth: number): Tree =>
  depth === 0 ? { end: '' } : { a: bushy(depth - 1), b: bushy(depth - 1), c: {} }

/** Starts a worker with a module that has `fwalk`. Returns its messages in order. */
function start(script: string, top: string): Worker {
  const source = `
    import { parentPort, workerData as top } from 'node:worker_threads'
    import { fwalk } from ${JSON.stringify(import.meta.resolve('fdkit'))}
    ${script}`
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`)
  return new Worker(url, { workerData: top, execArgv: [] })
}

serially('four workers walk concurrently', async (t) => {
  const top = makeTree(t, bushy(8))
  const expected = [...fwalk(top)].map((entry) => entry.slice(0, 3))
  const before = countFds()
  const script = `
    for (let i = 0; i < 5; i++) {
      parentPort.postMessage([...fwalk(top, { maxOpen: 4 })].map((entry) => entry.slice(0, 3)))
    }`
  const workers = Array.from({ length: 4 }, () => start(script, top))
  const answers: unknown[] = []
  for (const worker of workers) worker.on('message', (answer) => answers.push(answer))
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]))
  t.deepEqual(codes, [0, 0, 0, 0])
  t.is(answers.length, 20)
  for (const answer of answers) t.deepEqual(answer, expected)
  t.is(countFds(), before)
})

serially('a worker that is terminated during a walk leaks no descriptor', async (t) => {
  const top = makeTree(t, bushy(8))
  // The first worker is a warm-up: Node opens internal descriptors for it.
  let before = 0
  for (let i = 0; i < 8; i++) {
    const worker = start(
      `
      const walks = Array.from({ length: 10 }, () => fwalk(top))
      for (const walk of walks) for (let i = 0; i < 6; i++) walk.next()
      parentPort.postMessage('in the middle')
      for (;;) for (const _ of fwalk(top));`,
      top,
    )
    await once(worker, 'message')
    if (i > 0) t.true(countFds() >= before + 10 * 5)
    await worker.terminate()
    if (i === 0) before = countFds()
  }
  t.is(countFds(), before)
})

// More for a long run.
const TERMINATIONS = Number(process.env['FDKIT_TEST_TERMINATIONS'] ?? 24)

serially('four workers walk, count and delete, and one after another is terminated', async (t) => {
  t.timeout(patience(60_000 + 3000 * TERMINATIONS))
  const top = makeTreeInMemory(t, { tree: bushy(7), deleted: {} })
  let number = 0
  const begin = async (): Promise<Worker> => {
    number += 1
    const kind = ['sync', 'later', 'stats', 'usage', 'rmtree'][number % 5]
    if (kind === 'rmtree') fs.cpSync(`${top}/tree`, `${top}/deleted/${number}`, { recursive: true })
    const worker = start(
      `
      import * as promises from ${JSON.stringify(import.meta.resolve('fdkit/promises'))}
      const options = { threads: 2 }
      parentPort.postMessage('begins')
      const kinds = {
        sync: () => { for (const _ of fwalk(top + '/tree', options)); },
        later: async () => { for await (const _ of promises.fwalk(top + '/tree', options)); },
        stats: async () => { for await (const _ of promises.fwalk(top + '/tree', { ...options, stats: true, exact: true })); },
        usage: () => promises.diskUsage(top + '/tree', options),
        rmtree: () => promises.rmtree(top + '/deleted/${number}', options).then(() => new Promise(() => {})),
      }
      const keepAlive = setInterval(() => {}, 1000)
      for (;;) await kinds.${kind}()`,
      top,
    )
    await once(worker, 'message')
    return worker
  }
  // The first worker is a warm-up: Node opens internal descriptors for it.
  await (await begin()).terminate()
  const before = countFds()
  const workers = await Promise.all([begin(), begin(), begin(), begin()])
  for (let times = 0; times < TERMINATIONS; times++) {
    await sleep(Math.random() * 5)
    const index = Math.floor(Math.random() * workers.length)
    await workers[index]!.terminate()
    workers[index] = await begin()
  }
  await Promise.all(workers.map((worker) => worker.terminate()))
  t.is(countFds(), before)
  // The kernel lists a thread for a moment after it was joined.
  for (let times = 0; times < 1000 && walkThreads() > 0; times++) await sleep(1)
  t.is(walkThreads(), 0)
})

serially('an exception in the loop ends a walk in a worker', async (t) => {
  const top = makeTree(t, bushy(2))
  const before = countFds()
  const worker = start(`for (const _ of fwalk(top)) throw new Error('oops')`, top)
  const exit = new Promise((resolve) => worker.once('exit', resolve))
  const [error] = (await once(worker, 'error')) as [Error]
  t.is(error.message, 'oops')
  await exit
  t.is(countFds(), before)
})

/** Counts the threads that walks and deletions have started in this process. */
function walkThreads(): number {
  const names = fs.readdirSync('/proc/self/task').map((id) => {
    try {
      return fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8')
    } catch {
      return ''
    }
  })
  return names.filter((name) => name.startsWith('fdkit')).length
}

serially('memory does not grow with the number of entries', (t) => {
  const small = makeTreeInMemory(t)
  const large = makeTreeInMemory(t)
  fill(small, 100, 100)
  fill(large, 400, 500)
  const grown = child<{ bytes: number; entries: number }>('tree/memory-of-walk.mjs', { args: [small, large] })
  t.is(grown.entries, 400 * 501)
  t.log(`${(grown.bytes / 1e6).toFixed(1)} MB`)
  t.true(grown.bytes < 30e6)
})

serially('keeping one name of a directory keeps only that name in memory', (t) => {
  const top = makeTreeInMemory(t)
  fill(top, 100, 1000)
  for (const bytes of [false, true]) {
    const grown = child<{ kept: number; heap: number; external: number }>('tree/memory-of-names.mjs', {
      args: [top, bytes],
      nodeArguments: ['--expose-gc'],
    })
    t.log(grown)
    t.is(grown.kept, 100)
    // The names of a directory take at least 40 kB, and those of 100 directories 4 MB.
    t.true(grown.heap + grown.external < 500_000)
  }
})

serially('walks that are over hold little memory before they are collected', (t) => {
  const top = makeTree(t, bushy(2))
  const bytes = child<number>(
    `
    const walkMany = (count) => { for (let i = 0; i < count; i++) for (const _ of fwalk(args[0])); }
    walkMany(200)
    const before = process.memoryUsage.rss()
    walkMany(5000)
    answer(process.memoryUsage.rss() - before)`,
    { args: [top] },
  )
  t.log(`${(bytes / 1e6).toFixed(1)} MB`)
  t.true(bytes < 60e6)
})
