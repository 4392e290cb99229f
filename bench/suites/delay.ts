// The delay of other work in the process during a deletion and a walk.
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { inRust, program } from '../harness/candidate.js'
import { median } from '../harness/interleave.js'
import { printTable, type Target } from '../harness/report.js'
import { removeTree } from '../harness/tree.js'

const ROUNDS = 3

/** Returns the 99th percentile of the event loop's delay, in milliseconds. */
function delay(what: string, top: string): number {
  const argv = [program('delay'), what, top]
  const { stdout, status } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${what} ended with ${status}`)
  return Number(stdout)
}

export async function measureDelay(top: string): Promise<Target[]> {
  const place = mkdtempSync(join(tmpdir(), 'fdkit-bench-'))
  const doomed = join(place, 'top')
  const make = inRust('make', 'make-1x100000', doomed)
  const delays = { rest: [] as number[], rmtree: [] as number[], fwalk: [] as number[] }
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await make.run()
      delays.rest.push(delay('rest', top))
      delays.rmtree.push(delay('rmtree', doomed))
      delays.fwalk.push(delay('fwalk', top))
    }
  } finally {
    make.close()
    removeTree(place)
  }
  const over = (busy: number[]) => median(busy.map((value, round) => value - delays.rest[round]!))
  printTable('Delay of the event loop, 99th percentile', [
    ['at rest', `${median(delays.rest).toFixed(2)} ms`],
    ['during promises.rmtree of 100,000 files', `${median(delays.rmtree).toFixed(2)} ms`],
    ['during a for await walk', `${median(delays.fwalk).toFixed(2)} ms`],
  ])
  const target = { unit: 'ms', atMost: 2 }
  return [
    { what: 'delay during promises.rmtree, over rest', figure: over(delays.rmtree), ...target },
    { what: 'delay during a for await walk, over rest', figure: over(delays.fwalk), ...target },
  ]
}
