// Every wrong value in every place: an error in Node's words, a failed system call or success, and
// never an abort, a hang, or words of the machinery in between.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { promisesTable, table } from '../helpers/every-argument.js'
import { functionsOf } from '../helpers/probe.mjs'
import { patience } from '../helpers/patience.js'
import { makeTree } from '../helpers/tree.js'

type AnyClass = { prototype: object }

const register = import.meta.resolve('@oxc-node/core/register')
const program = fileURLToPath(new URL('../helpers/every-argument.ts', import.meta.url))

// The methods of a class that take something, too.
function methods(name: string, value: AnyClass): string[] {
  const own = Object.entries(Object.getOwnPropertyDescriptors(value.prototype))
  const taking = own.filter(([each, { value }]) => typeof value === 'function' && !/^(constructor|close)$/.test(each))
  return taking.map(([each]) => `${name}#${each}`)
}

const functions = (exported: object) =>
  Object.keys(functionsOf(exported))
    .concat(Object.entries(exported).flatMap(([name, value]) => (name === 'Memfd' ? methods(name, value) : [])))
    .sort()

test('the tables have every function that is exported', (t) => {
  t.deepEqual(functions(fdkit), Object.keys(table).sort())
  t.deepEqual(functions(promises), Object.keys(promisesTable).sort())
})

const programs = [
  ...[...Object.keys(table), 'dirnames'].map((name) => [name]),
  ...Object.keys(promisesTable).map((name) => [name, 'promises']),
] as [name: string, ...which: string[]][]

for (const [name, ...which] of programs) {
  test(`${[...which, name].join('.')}: every wrong argument`, async (t) => {
    const top = makeTree(t, { cwd: {} })
    // A file, to which every line gets before the call that may be the last.
    const log = openSync(`${top}/log`, 'w')
    const child = spawn(process.execPath, ['--import', register, program, name, ...which], {
      cwd: `${top}/cwd`,
      stdio: ['ignore', log, 'pipe'],
      timeout: patience(60_000),
    })
    closeSync(log)
    let errors = ''
    child.stderr?.on('data', (data) => (errors += data))
    const [code, signal] = await once(child, 'close')
    const lines = readFileSync(`${top}/log`, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
    t.deepEqual([code, signal], [0, null], `${JSON.stringify(lines.at(-1))}\n${errors}`)
    t.deepEqual(lines.at(-1), { done: name })
    t.deepEqual(lines.filter((line) => line.complaint).map((line) => line.complaint), [])
    t.true(lines.length > 80)
  })
}

test('a dirFd that cannot be copied is a failed system call, at the first step of a walk', async (t) => {
  const expected = { code: 'EBADF', instanceOf: Error }
  await t.throwsAsync(promises.rmtree('none', { dirFd: 999_999 }), expected)
  const walk = promises.fwalk('none', { dirFd: 999_999 })
  await t.throwsAsync(walk.next(), { ...expected, message: /'none'/ })
  t.deepEqual(await walk.next(), { done: true, value: undefined })
})
