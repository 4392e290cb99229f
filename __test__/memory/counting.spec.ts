// Tests Atomics on memory that several processes share.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import type { ExecutionContext } from 'ava'
import { Memfd } from 'fdkit'

import { packageRoot } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noSharing, runtimes, sharingNode } from '../helpers/runtimes.js'

const PROCESSES = 4
const TIMES = 2_500_000

async function count(t: ExecutionContext, commands: string[][], how: 'map' | 'share'): Promise<void> {
  const memfd = Memfd.create('counter', { size: 4096 })
  t.teardown(() => memfd.close())
  const program = [join(packageRoot, '__test__/helpers/counting.mjs'), `file://${packageRoot}/dist/index.js`]
  const processes = Array.from({ length: PROCESSES }, (_, index) => {
    const [command = '', ...args] = commands[index % commands.length]!
    const argv = [...args, ...program, String(TIMES), how]
    return spawn(command, argv, { stdio: ['ignore', 'inherit', 'inherit', memfd.fd] })
  })
  const ends = await Promise.all(processes.map((process) => once(process, 'close')))
  for (const end of ends) t.deepEqual(end, [0, null])
  t.is(memfd.read().readInt32LE(), PROCESSES * TIMES)
}

unless(notLinux)('no addition is lost among ten million of four processes that use map', (t) =>
  count(t, [[process.execPath]], 'map'),
)

unless(notLinux || noSharing)('no addition is lost among ten million of four processes that use share', (t) =>
  count(t, [[sharingNode!]], 'share'),
)

const some = runtimes.filter(({ name }) => /bun|deno|node-26/.test(name))

unless(notLinux || some.map(({ missing }) => missing).find(Boolean) || false)(
  'no addition is lost among ten million of four processes of three runtimes that use map',
  (t) =>
    count(
      t,
      some.map(({ runtime }) => runtime!.command),
      'map',
    ),
)
