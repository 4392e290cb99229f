// Measures the delay of the event loop during an operation, in a process of its own.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'

import { fwalk, rmtree } from 'fdkit/promises'

const RESOLUTION = 1
const LEAST = 1_000

const work: Record<string, (top: string) => Promise<unknown>> = {
  rest: () => setTimeout(LEAST),
  rmtree: (top) => rmtree(top),
  async fwalk(top) {
    let entries = 0
    for await (const [, dirnames, filenames] of fwalk(top)) {
      entries += dirnames.length + filenames.length
    }
    return entries
  },
}

const [what = '', top = ''] = process.argv.slice(2)
const run = work[what]
if (run === undefined) throw new Error(`unknown operation: ${what}`)

// Let the work of the start-up finish.
await setTimeout(200)
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
histogram.enable()
await run(top)
histogram.disable()
console.log(histogram.percentile(99) / 1e6)
