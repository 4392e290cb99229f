// Tests waits in memory that cannot write to its file: readers of sealed files, and private mappings.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'
import { futexWait, futexWake, Memfd, mmap, munmap } from 'fdkit'
import { futexWaitAsync } from 'fdkit/promises'

import { child, packageRoot } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { notLinux, notRoot, unless } from '../helpers/platform.js'
import { runtimes } from '../helpers/runtimes.js'

const onLinux = unless(notLinux)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Writes values to a file, and wakes a reader in another process for each of them. */
async function follow(
  t: ExecutionContext,
  command: string[],
  kind: string,
  wait: string,
  seals: 'futureWrite'[],
): Promise<void> {
  const memfd = Memfd.create('followed', { size: 4096 })
  t.teardown(() => memfd.close())
  const words = new Int32Array(memfd.map())
  memfd.seal(...seals)
  const [binary = '', ...args] = [...command, '__test__/helpers/reader-probe.mjs', memfd.path, kind, wait]
  const reader = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: packageRoot })
  t.teardown(() => reader.kill('SIGKILL'))
  let text = ''
  reader.stdout.setEncoding('utf8').on('data', (data: string) => (text += data))
  const lines = () => text.split('\n').slice(0, -1)
  let woken = 0
  for (let value = 1; value <= 8; value++) {
    // The reader may already sleep, or be about to.
    await sleep(patience((value % 3) * 5))
    Atomics.store(words, 1, value)
    woken += futexWake(words, 1)
    for (let time = 0; time < patience(2000) && lines().length < value; time++) await sleep(5)
    if (lines().length < value) break
  }
  t.deepEqual(
    lines().map(Number),
    Array.from({ length: 8 }, (_, index) => index + 1),
    `${kind}, ${wait}`,
  )
  t.true(woken > 2, `woken ${woken} times`)
}

for (const { name, runtime, missing } of runtimes) {
  for (const [kind, seals] of [
    ['reader', ['futureWrite']],
    ['sealed', ['futureWrite']],
    ['private', []],
  ] as const) {
    unless(notLinux || missing)(
      `${name}: a reader is woken and sees the values in the file (${kind})`,
      async (t) => {
        if (runtime)
          for (const wait of ['blocking', 'async']) await follow(t, runtime.command, kind, wait, [...seals])
      },
    )
  }
  const sharing = /^(node-2[246]|bun)$/.test(name)
  if (!sharing) continue
  unless(notLinux || missing)(
    `${name}: a reader of a SharedArrayBuffer over a sealed file is woken and sees the values`,
    async (t) => {
      if (runtime) await follow(t, runtime.command, 'shared', 'blocking', ['futureWrite'])
    },
  )
}

onLinux('a wait in a private mapping sleeps until its timeout and copies no page', (t) => {
  const memfd = Memfd.create('asleep', { size: 4096 })
  t.teardown(() => memfd.close())
  const own = new Int32Array(memfd.map({ writable: false }))
  t.is(futexWait(own, 0, 1), 'not-equal')
  const start = performance.now()
  t.is(futexWait(own, 0, 0, 50), 'timed-out')
  t.true(performance.now() - start >= 49)
  memfd.write(Buffer.from([7]))
  t.is(own[0], 7)
})

onLinux('a wake in a private mapping wakes waiters on the word of the file', async (t) => {
  const memfd = Memfd.create('waker', { size: 4096 })
  t.teardown(() => memfd.close())
  const [words, own] = [memfd.map(), memfd.map({ writable: false })].map((each) => new Int32Array(each)) as [
    Int32Array,
    Int32Array,
  ]
  for (const [waits, wakes] of [
    [words, own],
    [own, words],
    [own, own],
  ] as const) {
    const woken = futexWaitAsync(waits, 5, 0, { timeout: 20_000 })
    while (futexWake(wakes, 5, 1) === 0) await sleep(1)
    t.is(await woken, 'ok')
  }
})

onLinux('a wait on a page that was written in a private mapping still uses the word of the file', (t) => {
  const memfd = Memfd.create('copied', { size: 4096 })
  t.teardown(() => memfd.close())
  const own = new Int32Array(memfd.map({ writable: false }))
  own[0] = 1
  t.is(futexWait(own, 0, 1), 'not-equal')
  t.is(futexWait(own, 0, 0, 1), 'timed-out')
})

onLinux('a file in a private mapping can be sealed against writing', (t) => {
  const memfd = Memfd.create('sealed', { contents: 'text' })
  t.teardown(() => memfd.close())
  const own = memfd.map({ writable: false })
  memfd.seal('write')
  const words = new Int32Array(own)
  t.is(futexWait(words, 0, 0), 'not-equal')
  t.is(futexWake(words, 0), 0)
})

unless(notLinux || notRoot)(
  'a wait in a private mapping is refused if the file cannot be reopened for reading',
  (t) => {
    const memfd = Memfd.create('closed', { size: 8 })
    t.teardown(() => memfd.close())
    fs.chmodSync(memfd.path, 0o200)
    const script = `
    const memfd = fdkit.Memfd.from(3)
    nobody()
    const words = new Int32Array(memfd.map({ writable: false }))
    const attempt = (call) => { try { return call() } catch ({ code, message }) { return [code, message] } }
    answer([attempt(() => fdkit.futexWait(words, 0, 0, 1)), attempt(() => fdkit.futexWake(words, 0)), words[0]])
  `
    const results = child<[[string, string], [string, string], number]>(script, {
      shell: `exec 3<>${memfd.path}`,
    })
    for (const [code, message] of results.slice(0, 2) as [string, string][]) {
      t.is(code, 'ERR_INVALID_ARG_VALUE')
      t.regex(
        message,
        /^The argument 'typedArray' must be over memory that is shared: .*file that can be opened for reading/,
      )
    }
    t.is(results[2], 0)
  },
)

onLinux('a private mapping consists of two mappings and no descriptor, and munmap removes both', (t) => {
  const memfd = Memfd.create('many', { size: 4096 })
  t.teardown(() => memfd.close())
  const count = () => fs.readFileSync('/proc/self/maps', 'latin1').split('memfd:many').length - 1
  const before = countFds()
  const buffers = Array.from({ length: 50 }, () => mmap(memfd.fd, { writable: false }))
  t.true(count() > 1)
  t.is(countFds(), before)
  for (const buffer of buffers) munmap(buffer)
  t.is(count(), 0)
})
