// Tests user code that fdkit calls while it works: getters, proxies, hooks, channels, onerror and
// listeners. The code calls back into fdkit, or closes what is in use. Nothing may abort, hang, leak or
// fail with an internal message.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test from 'ava'
import * as fdkit from 'fdkit'

import { child } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { names } from '../helpers/reentrant.js'
import { makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const register = import.meta.resolve('@oxc-node/core/register')
const program = fileURLToPath(new URL('../helpers/reentrant.ts', import.meta.url))

test('the table lists every function that takes dirFd', (t) => {
  const all = Object.entries(fdkit).filter(([, value]) => fdkit.supportsDirFd.has(value as never))
  t.deepEqual(
    all.map(([name]) => name).filter((name) => !names.includes(name)),
    [],
  )
})

onLinux('every function survives user code at every callback', async (t) => {
  const top = makeTree(t, { cwd: {} })
  const log = openSync(`${top}/log`, 'w')
  const running = spawn(process.execPath, ['--import', register, program], {
    cwd: `${top}/cwd`,
    stdio: ['ignore', log, 'pipe'],
    timeout: patience(115_000),
  })
  closeSync(log)
  let errors = ''
  running.stderr?.on('data', (data) => (errors += data))
  const [code, signal] = await once(running, 'close')
  const lines = readFileSync(`${top}/log`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.deepEqual([code, signal], [0, null], `${JSON.stringify(lines.at(-1))}\n${errors}`)
  t.deepEqual(
    lines.filter((line) => line.complaint).map((line) => line.complaint),
    [],
  )
  // The code must have run about once for each call.
  t.true(lines.at(-1).done > 1000, JSON.stringify(lines.at(-1)))
})

onLinux(
  'a call and its audit event use the arguments as they were first read, even if a hook changes them',
  (t) => {
    const top = makeTree(t, { file: '', other: '' })
    t.deepEqual(child('runtime/changing-arguments.mjs', { args: [top] }), [
      '[1,2]',
      [1000, 2000],
      '["1970-01-01T00:00:03.000Z","1970-01-01T00:00:03.000Z"]',
      [3000, 3000],
      '[2,1]',
      [2000, 1000],
      2,
    ])
  },
)

onLinux('onerror is read once, and the function that was validated is called', (t) => {
  const top = makeTree(t, { file: '' })
  let reads = 0
  const errors: unknown[] = []
  const options = {
    get onerror() {
      reads++
      return reads === 1 ? (error: unknown) => errors.push(error) : ('no function' as never)
    },
  }
  t.deepEqual([...fdkit.fwalk(`${top}/file`, options)], [])
  t.is(reads, 1)
  t.is(errors.length, 1)
  reads = 0
  fdkit.rmtree(`${top}/none`, options)
  t.is(reads, 1)
  t.is(errors.length, 2)
})

onLinux(
  'map fails if a getter of its options closes the Memfd, and does not map a file that reuses its number',
  (t) => {
    const memfd = fdkit.Memfd.create('x', { size: 4096 })
    let taken: fdkit.Memfd | undefined
    const options = {
      get length() {
        memfd.close()
        taken = fdkit.Memfd.create('other', { size: 4096 })
        return 8
      },
    }
    t.throws(() => memfd.map(options), { code: 'ERR_INVALID_STATE' })
    taken?.close()
  },
)
