// Tests futexWait, futexWaitAsync and futexWake within a thread, between threads, and between processes.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

import test, { type ExecutionContext } from 'ava'
import { futexWait, futexWake, Memfd, munmap } from 'fdkit'
import { futexWaitAsync } from 'fdkit/promises'

import { child, childCommand, packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes } from '../helpers/runtimes.js'
import { noSeccomp, hiding } from '../helpers/seccomp.js'
import { noStrace } from '../helpers/strace.js'
import { makeTree } from '../helpers/tree.js'

// Some tests block the thread and would delay others.
const onLinux = unless(notLinux, test.serial)

/** Creates words that other processes can share, and returns them with their file. */
function shared(t: ExecutionContext): { memfd: Memfd; words: Int32Array } {
  const memfd = Memfd.create('words', { size: 4096 })
  t.teardown(() => memfd.close())
  return { memfd, words: new Int32Array(memfd.map()) }
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Wakes repeatedly until a waiter has been woken. */
async function wakeOne(words: Int32Array, index = 0): Promise<void> {
  while (futexWake(words, index, 1) === 0) await sleep(1)
}

// Starts a process that waits and prints the result. It gets the file as `words` and the arguments as `args`.
const waiting = `
  const { Memfd, futexWait } = fdkit
  const words = new Int32Array(Memfd.from(3).map())
  fs.writeSync(1, 'ready ')
  answer(futexWait(words, ...args))
`

function waitElsewhere(memfd: Memfd, ...args: number[]) {
  const [command = '', ...rest] = childCommand(waiting, { args })
  const process = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit', memfd.fd] })
  let text = ''
  process.stdout!.setEncoding('utf8').on('data', (data: string) => (text += data))
  const ready = once(process.stdout!, 'data')
  const ended = once(process, 'close').then(([code]) => [code, text])
  return { ready, ended, process }
}

onLinux('a wait for a word with another value returns not-equal immediately', (t) => {
  const { words } = shared(t)
  words[3] = -7
  t.is(futexWait(words, 3, 0), 'not-equal')
  t.is(futexWait(words, 3, -6, 60_000), 'not-equal')
  // The same 32 bits.
  t.is(futexWait(words, 3, 2 ** 32 - 7, 1), 'timed-out')
  t.is(futexWait(words, 3, -7, 1), 'timed-out')
})

onLinux('a wait times out no earlier than its timeout', (t) => {
  const { words } = shared(t)
  for (const time of [0, -1, -Infinity, 0.5, 20, 230]) {
    const start = performance.now()
    t.is(futexWait(words, 0, 0, time), 'timed-out')
    t.true(performance.now() - start >= time - 0.01)
  }
  t.is(futexWake(words, 0), 0)
})

onLinux('a wake after a change wakes a waiting process', async (t) => {
  const { memfd, words } = shared(t)
  const waiter = waitElsewhere(memfd, 5, 0)
  await waiter.ready
  // Longer than a slice of the wait.
  await sleep(250)
  Atomics.store(words, 5, 1)
  t.is(futexWake(words, 5), 1)
  t.deepEqual(await waiter.ended, [0, 'ready "ok"'])
})

onLinux('futexWake wakes at most the given number of waiters', async (t) => {
  const { memfd, words } = shared(t)
  const waiters = [1, 2, 3].map(() => waitElsewhere(memfd, 0, 0, 20_000))
  await Promise.all(waiters.map(({ ready }) => ready))
  await sleep(50)
  t.is(futexWake(words, 0, 0), 0)
  await wakeOne(words)
  const ended = waiters.map(({ ended }) => ended)
  await Promise.race(ended)
  t.is(await Promise.race([Promise.all(ended), sleep(200)]), undefined)
  await wakeOne(words)
  await wakeOne(words)
  for (const end of await Promise.all(ended)) t.deepEqual(end, [0, 'ready "ok"'])
})

onLinux('a wake does not affect neighbouring words', async (t) => {
  const { memfd, words } = shared(t)
  const waiter = waitElsewhere(memfd, 7, 0, 300)
  await waiter.ready
  await sleep(50)
  t.is(futexWake(words, 6) + futexWake(words, 8), 0)
  t.deepEqual(await waiter.ended, [0, 'ready "timed-out"'])
})

onLinux('a view with an offset refers to the same word', async (t) => {
  const { memfd, words } = shared(t)
  const woken = futexWaitAsync(words, 20, 0)
  await wakeOne(new Int32Array(memfd.map(), 64), 4)
  t.is(await woken, 'ok')
})

onLinux('threads of one process can wait on any SharedArrayBuffer', async (t) => {
  const words = new Int32Array(new SharedArrayBuffer(16))
  const program = `
    const { workerData, parentPort } = require('node:worker_threads')
    parentPort.postMessage(require('fdkit').futexWait(workerData, 2, 0))`
  const worker = new Worker(program, { eval: true, workerData: words })
  const answer = once(worker, 'message')
  Atomics.store(words, 2, 0)
  await wakeOne(words, 2)
  t.deepEqual(await answer, ['ok'])
})

for (const [what, words] of [
  ['an array of its own', new Int32Array(4)],
  ['a small array', Int32Array.of(1)],
  ['a pooled Buffer', new Int32Array(Buffer.alloc(16).buffer, 0, 1)],
] as const) {
  test(`waiting on ${what} is an error, since nothing could wake the waiter`, async (t) => {
    const expected = {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^The argument 'typedArray' must be over memory/,
    }
    t.throws(() => futexWait(words, 0, 0, 0), expected)
    t.throws(() => futexWake(words, 0), expected)
    await t.throwsAsync(futexWaitAsync(words, 0, 0, { timeout: 0 }), expected)
  })
}

onLinux('waiting on an unmapped buffer is an error', async (t) => {
  const { memfd, words } = shared(t)
  memfd.unmap(words.buffer as ArrayBuffer)
  const expected = { code: 'ERR_OUT_OF_RANGE' }
  t.throws(() => futexWait(words, 0, 0, 0), expected)
  t.throws(() => futexWake(words, 0), expected)
  await t.throwsAsync(futexWaitAsync(words, 0, 0), expected)
})

for (const value of [Number.NaN, '5', null, 5n]) {
  test(`${String(value)} (${typeof value}) is not a valid timeout`, async (t) => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    const code = typeof value === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE'
    t.throws(() => futexWait(words, 0, 0, value as number), { code, message: /"timeoutMs"/ })
    await t.throwsAsync(futexWaitAsync(words, 0, 0, { timeout: value as number }), {
      code,
      message: /"options\.timeout"/,
    })
  })
}

onLinux('async: a wait resolves to ok, timed-out or not-equal', async (t) => {
  const { words } = shared(t)
  const woken = futexWaitAsync(words, 0, 0)
  await wakeOne(words)
  t.is(await woken, 'ok')
  const start = performance.now()
  t.is(await futexWaitAsync(words, 0, 0, { timeout: 30 }), 'timed-out')
  t.true(performance.now() - start >= 29.9)
  t.is(await futexWaitAsync(words, 0, 1), 'not-equal')
})

onLinux('async: a change after the call gives ok, however it races with the waiting thread', async (t) => {
  const { words } = shared(t)
  for (let round = 0; round < 500; round++) {
    const woken = futexWaitAsync(words, 0, round)
    if (round % 3 === 0) await sleep(0)
    Atomics.store(words, 0, round + 1)
    futexWake(words, 0)
    t.is(await woken, 'ok')
  }
})

onLinux(
  'async: a word that differs at the call gives not-equal, even if it changes back immediately',
  async (t) => {
    const { words } = shared(t)
    for (let round = 0; round < 100; round++) {
      Atomics.store(words, 0, 1)
      const wait = futexWaitAsync(words, 0, 0, { timeout: 200 })
      Atomics.store(words, 0, 0)
      t.is(await wait, 'not-equal')
    }
  },
)

unless(noStrace, test.serial)(
  'the main thread sleeps in one system call, so that no wake is lost between two',
  (t) => {
    const log = `${makeTree(t)}/log`
    const program = `
    const memfd = fdkit.Memfd.create('words', { size: 4 })
    answer(fdkit.futexWait(new Int32Array(memfd.map()), 0, 0, 450))`
    const [, ...command] = childCommand(program)
    const strace = ['-f', '-qq', '-o', log, '-e', 'trace=futex', 'bash', ...command]
    t.is(execFileSync('strace', strace, { cwd: packageRoot, encoding: 'utf8' }), '"timed-out"')
    const waits = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => /FUTEX_WAIT_BITSET, 0, \{/.test(line))
    t.is(waits.length, 1)
  },
)

onLinux('async: another process can wake a wait', async (t) => {
  const { memfd, words } = shared(t)
  const woken = futexWaitAsync(words, 9, 0)
  const program = `
    const words = new Int32Array(fdkit.Memfd.from(3).map())
    Atomics.store(words, 9, 1)
    fdkit.futexWake(words, 9)`
  const [command = '', ...rest] = childCommand(program)
  const waker = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', memfd.fd] })
  t.is(await woken, 'ok')
  t.deepEqual(await once(waker, 'close'), [0, null])
})

onLinux('async: many waits block neither the event loop nor the thread pool', async (t) => {
  const { words } = shared(t)
  const waits = Array.from({ length: 40 }, (_, index) => futexWaitAsync(words, index, 0))
  const start = performance.now()
  await import('node:fs/promises').then(({ readFile }) =>
    Promise.all(
      Array(20)
        .fill(0)
        .map(() => readFile('package.json')),
    ),
  )
  await sleep(1)
  t.true(performance.now() - start < 2_000)
  for (const index of waits.keys()) await wakeOne(words, index)
  t.deepEqual(await Promise.all(waits), Array(40).fill('ok'))
})

const threads = () => readdirSync('/proc/self/task').length

onLinux('async: a signal aborts a wait even if another listener stops the event', async (t) => {
  const { words } = shared(t)
  const controller = new AbortController()
  controller.signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
  const wait = futexWaitAsync(words, 0, 0, { timeout: 10_000, signal: controller.signal })
  setTimeout(() => controller.abort(), 10)
  await t.throwsAsync(wait, { name: 'AbortError' })
})

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(
    `${name}: a signal aborts a wait even if another listener stops the event, and a finished wait leaves no listener`,
    async (t) => {
      if (runtime)
        t.deepEqual(JSON.parse(await runOn(runtime, '__test__/helpers/deaf-probe.mjs')), [
          'AbortError',
          'timed-out',
          'AbortError',
          [],
        ])
    },
  )
}

/** Returns the number of threads after those of earlier tests have ended. */
async function settledThreads(): Promise<number> {
  let [count, since] = [threads(), performance.now()]
  while (performance.now() - since < patience(100)) {
    await sleep(5)
    if (threads() !== count) [count, since] = [threads(), performance.now()]
  }
  return count
}

onLinux('async: a signal ends the wait and its thread without waking other waiters', async (t) => {
  const { words } = shared(t)
  const before = threads()
  const controller = new AbortController()
  const canceled = futexWaitAsync(words, 0, 0, { signal: controller.signal })
  const other = futexWaitAsync(words, 0, 0)
  await sleep(30)
  const reason = new Error('enough')
  controller.abort(reason)
  const error = await t.throwsAsync(canceled, { name: 'AbortError', code: 'ABORT_ERR' } as object)
  t.is(error?.cause, reason)
  await wakeOne(words)
  t.is(await other, 'ok')
  while (threads() > before) await sleep(1)
  await t.throwsAsync(futexWaitAsync(words, 0, 0, { timeout: 1, signal: controller.signal }), {
    name: 'AbortError',
  })
})

onLinux('async: no wake is lost when it coincides with an abort', async (t) => {
  const { words } = shared(t)
  for (let round = 0; round < 300; round++) {
    const controller = new AbortController()
    const wait = futexWaitAsync(words, 0, 0, { signal: controller.signal }).catch((error) => error.name)
    if (round % 2) await sleep(0)
    const count = futexWake(words, 0, 1)
    controller.abort()
    t.is(await wait, count === 1 ? 'ok' : 'AbortError')
  }
})

onLinux('async: the memory may be unmapped during a wait', async (t) => {
  const { memfd, words } = shared(t)
  const wait = futexWaitAsync(words, 0, 0, { timeout: 60_000 })
  const elsewhere = new Int32Array(memfd.map())
  await sleep(30)
  munmap(words.buffer as ArrayBuffer)
  await wakeOne(elsewhere)
  t.is(await wait, 'ok')
})

onLinux('async: a wait keeps the process alive, and the process may exit during it', (t) => {
  const start = performance.now()
  const waits = `
    const { futexWaitAsync } = await import('fdkit/promises')
    globalThis.memfd = fdkit.Memfd.create('words', { size: 4 })
    const words = new Int32Array(memfd.map())
    futexWaitAsync(words, 0, 0, { timeout: args[0] }).then(answer)`
  t.is(child(waits, { args: [300] }), 'timed-out')
  t.true(performance.now() - start > 300)
  t.is(child(`${waits}; answer('left'); process.exit()`, { args: [60_000] }), 'left')
})

unless(noSeccomp)('async: waits fall back to slices without futex_waitv', (t) => {
  const found = child('memory/waits-in-slices.mjs', hiding('futex_waitv', 38))
  t.deepEqual(found, ['AbortError', 'ok', 'timed-out', 'not-equal'])
})

const worker = (program: string) =>
  new Worker(
    `const fdkit = { ...require('fdkit'), ...require('fdkit/promises') }; const { workerData: words, parentPort } = require('node:worker_threads')
    ${program}`,
    { eval: true, workerData: new Int32Array(new SharedArrayBuffer(8)) },
  )

for (const how of ['futexWait(words, 0, 0)', 'futexWaitAsync(words, 0, 0)']) {
  onLinux(`a worker can be terminated during ${how}`, async (t) => {
    const waiting = worker(`parentPort.postMessage(0); fdkit.${how}`)
    await once(waiting, 'message')
    await sleep(20)
    const start = performance.now()
    t.is(await waiting.terminate(), 1)
    t.true(performance.now() - start < patience(5_000))
  })
}

onLinux('the waits of a worker end with it', async (t) => {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const before = await settledThreads()
  const program = `const { workerData } = require('node:worker_threads')
    for (let i = 0; i < 5; i++) require('fdkit/promises').futexWaitAsync(workerData, 0, 0)
    setTimeout(() => process.exit(), 30)`
  await once(new Worker(program, { eval: true, workerData: words }), 'exit')
  while (threads() > before) await sleep(1)
  t.is(futexWake(words, 0), 0)
})

onLinux('a process can exit while its workers wait', (t) => {
  const program = `
    import { Worker } from 'node:worker_threads'
    const workerData = new Int32Array(new SharedArrayBuffer(8))
    const program = \`import { workerData, parentPort } from 'node:worker_threads'
      import { futexWait } from '\${import.meta.resolve('fdkit')}'
      parentPort.postMessage(0)
      futexWait(workerData, 0, 0)\`
    const url = new URL('data:text/javascript,' + encodeURIComponent(program))
    const workers = [1, 2].map(() => new Worker(url, { workerData, execArgv: [] }))
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
    setTimeout(() => { answer('exits'); process.exit() }, 50)`
  t.is(child(program, { timeout: patience(10_000) }), 'exits')
})

onLinux('the results are those of Atomics', (t) => {
  const words = new Int32Array(new SharedArrayBuffer(8))
  for (const [index, value, time] of [
    [0, 1, Infinity],
    [1, 0, 1],
    [0, 0, 0],
    [0, 0, -5],
  ] as const) {
    t.is(futexWait(words, index, value, time), Atomics.wait(words, index, value, time))
  }
  t.is(futexWake(words, 0), Atomics.notify(words, 0))
})
