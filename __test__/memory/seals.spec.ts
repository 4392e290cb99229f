// Tests what each seal guarantees against another process, alone and combined with others.
// The guarantees are those of fcntl(2), F_ADD_SEALS(2const) and memfd_create(2).
import * as fs from 'node:fs'

import test from 'ava'
import { addSeals, F_SEAL_EXEC, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, getSeals } from 'fdkit'

import { attempts, startOther, type Attempt, type Other } from '../helpers/other.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { broughtBy, combinations, noExecSeals, sealed, WRITES } from '../helpers/seals.js'

const noPython = notLinux || missing('python3')
const SIZE = 8192

/** The seals that forbid each attempt. Without any of them the attempt must have its effect. */
const forbidding: Record<Attempt, number> = {
  cut: F_SEAL_SHRINK,
  'open with O_TRUNC': F_SEAL_SHRINK,
  lengthen: F_SEAL_GROW,
  reserve: F_SEAL_GROW,
  write: WRITES,
  'write beyond': WRITES | F_SEAL_GROW,
  punch: WRITES,
  'chmod x': F_SEAL_EXEC,
  'chmod w': 0,
  'map shared': WRITES,
  'map read-only, make writable': WRITES,
  'map privately': 0,
  seal: F_SEAL_SEAL,
}

interface State {
  size: number
  mode: number
  seals: number
  text: string
}

/** The state of a file after an attempt that was allowed. */
const effects: Record<Attempt, (before: State) => Partial<State>> = {
  cut: () => ({ size: 1, text: 'a' }),
  'open with O_TRUNC': () => ({ size: 0, text: '' }),
  lengthen: () => ({ size: SIZE * 2 }),
  reserve: () => ({ size: SIZE + 4096 }),
  write: () => ({ text: 'aXa' }),
  'write beyond': () => ({ size: SIZE + 1 }),
  punch: () => ({ text: '\0\0\0' }),
  'chmod x': ({ mode }) => ({ mode: mode ^ 0o111 }),
  'chmod w': ({ mode }) => ({ mode: mode ^ 0o022 }),
  'map shared': () => ({ text: 'aXa' }),
  'map read-only, make writable': () => ({ text: 'aXa' }),
  'map privately': () => ({}),
  seal: ({ seals }) => ({ seals: seals | F_SEAL_GROW }),
}

function state(fd: number): State {
  const { size, mode } = fs.fstatSync(fd)
  const text = Buffer.alloc(3)
  const count = fs.readSync(fd, text, 0, 3, 0)
  return { size, mode: mode & 0o777, seals: getSeals(fd), text: text.toString('latin1', 0, count) }
}

let other: Other
if (!noPython) {
  test.before(() => {
    other = startOther()
  })
  test.after.always(() => other.stop())
}

for (const { seals, words } of combinations) {
  const withOther = unless(noPython || (seals & F_SEAL_EXEC && noExecSeals()) || false, test.serial)
  for (const isExecutable of [false, true]) {
    const what = isExecutable ? 'an executable file' : 'a file that is not executable'
    withOther(`${words} on ${what} forbids another process exactly what it guarantees`, async (t) => {
      const fds = attempts.map(() => sealed(seals, isExecutable, SIZE))
      t.teardown(() => fds.forEach((fd) => fs.closeSync(fd)))
      const before = state(fds[0] as number)
      const all = broughtBy(seals, isExecutable)
      t.deepEqual(before, { size: SIZE, mode: isExecutable ? 0o777 : 0o666, seals: all, text: 'aaa' })
      const tasks = attempts.map((attempt, index): [string, Attempt] => {
        return [`/proc/${process.pid}/fd/${fds[index]}`, attempt]
      })
      const results = await other.attempt(...tasks)
      for (const [index, attempt] of attempts.entries()) {
        const isForbidden = (forbidding[attempt] & all) !== 0
        const after = isForbidden ? before : { ...before, ...effects[attempt](before) }
        t.is(results[index], isForbidden ? 'EPERM' : 'fine', attempt)
        t.deepEqual(state(fds[index] as number), after, attempt)
      }
    })
  }
}

unless(noExecSeals())('seals that are added one by one in either order equal those added at once', (t) => {
  for (const { seals } of combinations) {
    const bits = [1, 2, 4, 8, 16, 32].filter((bit) => bit & seals)
    for (const order of [bits, bits.toReversed()]) {
      const fd = sealed(0, false, SIZE)
      let has = 0
      for (const bit of order) {
        // No seal can be added after the last one.
        if (has & F_SEAL_SEAL) t.throws(() => addSeals(fd, bit), { code: 'EPERM' })
        else addSeals(fd, (has |= bit))
        t.is(getSeals(fd), has)
      }
      fs.closeSync(fd)
    }
  }
})
