// Tests the benchmark program, but not its measurements.
import { spawnSync } from 'node:child_process'

import test from 'ava'

import { printTargets } from '../../bench/harness/report.js'

test.serial('printTargets counts the targets that are missed', (t) => {
  const lines: string[] = []
  const { log } = console
  console.log = (line: string) => lines.push(line)
  t.teardown(() => {
    console.log = log
  })
  const atMost = (figure: number) => ({ what: `at most, ${figure}`, figure, unit: 'x', atMost: 2 })
  const atLeast = (figure: number) => ({ what: `at least, ${figure}`, figure, unit: 'x', atLeast: 2 })
  t.is(printTargets([atMost(2), atLeast(2), atMost(1), atLeast(3)]), 0)
  t.is(printTargets([atMost(2.01), atLeast(1.99), atMost(1), atLeast(Number.NaN)]), 3)
  t.is(lines.filter((line) => line.endsWith('MISSES')).length, 3)
})

test('a suite that does not exist is an error', (t) => {
  const args = ['--import', '@oxc-node/core/register', 'bench/main.ts', '--only', 'no-such-suite']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.is(status, 2)
  t.is(stdout, '')
  t.regex(stderr, /^bench: no such suite: no-such-suite\n\nusage: /)
})
