// Four processes exchange messages with descriptors, and one of them is killed at random moments.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { notLinux, unless } from '../helpers/platform.js'
import { patience } from '../helpers/patience.js'

const program = fileURLToPath(new URL('../helpers/socket-stress.mjs', import.meta.url))

// FDKIT_STRESS=1000000,100 makes the long run.
const [messages = 3000, kills = 4] = (process.env['FDKIT_STRESS'] ?? '')
  .split(',')
  .filter(Boolean)
  .map(Number)

unless(notLinux, test.serial)('nothing leaks, hangs or gets out of order when processes are killed', (t) => {
  t.timeout(patience(100_000 + messages * 2))
  const output = execFileSync(process.execPath, [program, String(messages), String(kills)], {
    encoding: 'utf8',
    timeout: patience(90_000 + messages * 2),
    killSignal: 'SIGKILL',
  })
  const { finished, lost, killed, left, descriptors } = JSON.parse(output)
  t.log(output.trim())
  t.is(finished + lost, messages)
  t.is(killed, kills)
  // At most a window of messages is lost with each process.
  t.true(lost <= kills * 24)
  t.true(descriptors > messages / 2)
  t.is(left, 0)
})
