// Measures the delay of the event loop during walks and deletions.
import { monitorEventLoopDelay } from 'node:perf_hooks'

import * as promises from 'fdkit/promises'

import { answer, args } from '../context.mjs'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
// The shortest of several delays counts, since other programs can only lengthen them.
const measure = async (times, run) => {
  const measured = []
  for (let i = 0; i < times; i++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await run(args[i % 2])
    delay.disable()
    measured.push(delay.percentile(99) / 1e6)
  }
  return Math.min(...measured)
}
let entries = 0
const walk = async (top, options) => {
  for await (const [, dirs, files] of promises.fwalk(top, options)) {
    entries += dirs.length + files.length
  }
}
await sleep(200)
const rest = await measure(5, () => sleep(100))
const topdown = await measure(5, (top) => walk(top))
const bottomUp = await measure(5, (top) => walk(top, { topdown: false }))
const rmtree = await measure(2, (top) => promises.rmtree(top))
answer({ entries, rest, topdown, bottomUp, rmtree })
