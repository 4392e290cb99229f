// Passes every invalid value in every position. Each call must end with an error in Node's words, a
// failed system call or success, and never with an abort, a hang or an internal message.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test, { type ExecutionContext } from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { promisesTable, table } from '../helpers/every-argument.js'
import { functionsOf } from '../helpers/probe.mjs'
import { patience } from '../helpers/patience.js'
import { makeTree } from '../helpers/tree.js'
import { inTurn } from '../helpers/turns.js'

type AnyClass = { prototype: object }

const register = import.meta.resolve('@oxc-node/core/register')
const program = fileURLToPath(new URL('../helpers/every-argument.ts', import.meta.url))

// Includes methods of classes that take arguments.
function methods(name: string, value: AnyClass): string[] {
  const own = Object.entries(Object.getOwnPropertyDescriptors(value.prototype))
  const taking = own.filter(
    ([each, { value }]) => typeof value === 'function' && !/^(constructor|close)$/.test(each),
  )
  return taking.map(([each]) => `${name}#${each}`)
}

const functions = (exported: object) =>
  Object.keys(functionsOf(exported))
    .concat(
      Object.entries(exported).flatMap(([name, value]) =>
        /^(Memfd|FdListener|FdSocket|Root)$/.test(name) ? methods(name, value as AnyClass) : [],
      ),
    )
    .sort()

test('the tables list every exported function', (t) => {
  t.deepEqual(functions(fdkit), Object.keys(table).sort())
  t.deepEqual(functions(promises), Object.keys(promisesTable).sort())
})

const programs = [
  ...[...Object.keys(table), 'dirnames'].map((name) => [name]),
  ...Object.keys(promisesTable).map((name) => [name, 'promises']),
] as [name: string, ...which: string[]][]

for (const [name, ...which] of programs) {
  const title = `${[...which, name].join('.')} handles every invalid argument`
  const run = async (t: ExecutionContext) => {
    const top = makeTree(t, { cwd: {} })
    // The output is a file, so that each line is written before the call that may crash.
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
    const lines = readFileSync(`${top}/log`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    t.deepEqual([code, signal], [0, null], `${JSON.stringify(lines.at(-1))}\n${errors}`)
    t.deepEqual(lines.at(-1), { done: name })
    t.deepEqual(
      lines.filter((line) => line.complaint).map((line) => line.complaint),
      [],
    )
    t.true(lines.length > 80)
  }
  test(title, (t) => inTurn(() => run(t)))
}

test('a dirFd that cannot be duplicated is a failed system call, which a walk reports at its first step', async (t) => {
  const expected = { code: 'EBADF', instanceOf: Error }
  await t.throwsAsync(promises.rmtree('none', { dirFd: 999_999 }), expected)
  const walk = promises.fwalk('none', { dirFd: 999_999 })
  await t.throwsAsync(walk.next(), { ...expected, message: /'none'/ })
  t.deepEqual(await walk.next(), { done: true, value: undefined })
})
