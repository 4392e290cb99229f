// Tests that descriptors between processes work on every supported runtime.
import { fileURLToPath } from 'node:url'

import { notLinux, unless } from '../helpers/platform.js'
import { runOn, runtimes } from '../helpers/runtimes.js'
import { makeTree } from '../helpers/tree.js'

const program = fileURLToPath(new URL('../helpers/socket-probe.mjs', import.meta.url))

const expected = {
  sent: 4,
  sync: ['sync', [true], 0],
  later: ['later', [true, true]],
  empty: 'EAGAIN',
  pidfd: [true],
  pidfdLater: [true],
  peer: [true, 'seqpacket'],
  message: ['message', 1, [true]],
  aborted: 'AbortError',
  end: 'undefined',
  closed: ['undefined', false],
  stream: ['fds', [true], 'stream'],
  taken: 'taken',
  text: 'contents',
}

for (const { name, runtime, missing } of runtimes) {
  unless(notLinux || missing)(`every function works: ${name}`, async (t) => {
    if (runtime) t.deepEqual(JSON.parse(await runOn(runtime, program, makeTree(t, {}))), expected)
  })
}
