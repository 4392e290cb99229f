// Every wrong value in every place: an error in Node's words, a failed system call or success, and
// never an abort, a hang, or words of the machinery in between.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test from 'ava'
import * as fdkit from 'fdkit'

import { table } from './helpers/every-argument.js'
import { makeTree } from './helpers/tree.js'

const register = import.meta.resolve('@oxc-node/core/register')
const program = fileURLToPath(new URL('helpers/every-argument.ts', import.meta.url))

test('the table has every function that is exported', (t) => {
  const functions = Object.entries(fdkit).filter(([, value]) => typeof value === 'function')
  t.deepEqual(functions.map(([name]) => name).sort(), Object.keys(table).sort())
})

for (const name of [...Object.keys(table), 'dirnames']) {
  test(`${name}: every wrong argument`, async (t) => {
    const top = makeTree(t, { cwd: {} })
    // A file, to which every line gets before the call that may be the last.
    const log = openSync(`${top}/log`, 'w')
    const child = spawn(process.execPath, ['--import', register, program, name], {
      cwd: `${top}/cwd`,
      stdio: ['ignore', log, 'pipe'],
      timeout: 60_000,
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
