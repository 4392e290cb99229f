// A process that swaps paths tens of thousands of times a second and counts the swaps.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'

import { makeTree } from './tree.js'

// Calls renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) for each pair until it is killed. A path may
// be missing at times.
const SWAPPER = `
import ctypes, errno, mmap, os, sys
renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
with open(sys.argv[1], 'r+b') as file: count = mmap.mmap(file.fileno(), 8)
pairs = [(os.fsencode(a), os.fsencode(b)) for a, b in zip(sys.argv[2::2], sys.argv[3::2])]
swaps = 0
print('ready', flush=True)
while True:
    for a, b in pairs:
        if renameat2(-100, a, -100, b, 2) == 0:
            swaps += 1
        elif ctypes.get_errno() != errno.ENOENT:
            sys.exit(os.strerror(ctypes.get_errno()))
    count[:] = swaps.to_bytes(8, sys.byteorder)
`

export interface Swapper {
  /** Returns the number of swaps so far. */
  swaps(): number
  stop(): Promise<void>
}

/** Swaps the two paths of each pair until the test ends or `stop` is called. */
export async function startSwapper(t: ExecutionContext, pairs: [string, string][]): Promise<Swapper> {
  const file = `${makeTree(t, { count: '\0'.repeat(8) })}/count`
  const program = ['-c', SWAPPER, file, ...pairs.flat()]
  const swapper = spawn('python3', program, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => swapper.kill('SIGKILL'))
  const exit = once(swapper, 'close')
  await once(swapper.stdout, 'data')
  return {
    swaps() {
      const { exitCode } = swapper
      if (exitCode !== null) throw new Error(`the swapper has ended with ${exitCode}`)
      return Number(new BigUint64Array(new Uint8Array(fs.readFileSync(file)).buffer)[0])
    },
    async stop() {
      swapper.kill('SIGKILL')
      await exit
    },
  }
}
