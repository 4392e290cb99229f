// A process that swaps paths tens of thousands of times a second and counts the swaps.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'

import { programPath } from './child.js'
import { makeTree } from './tree.js'

export interface Swapper {
  pid: number
  /** Returns the number of swaps so far. */
  swaps(): number
  stop(): Promise<void>
}

/** Swaps the two paths of each pair until the test ends or `stop` is called. */
export async function startSwapper(t: ExecutionContext, pairs: [string, string][]): Promise<Swapper> {
  const file = `${makeTree(t, { count: '\0'.repeat(8) })}/count`
  const program = [programPath('swapper.py'), file, ...pairs.flat()]
  const swapper = spawn('python3', program, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => swapper.kill('SIGKILL'))
  const exit = once(swapper, 'close')
  await once(swapper.stdout, 'data')
  return {
    pid: swapper.pid!,
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
