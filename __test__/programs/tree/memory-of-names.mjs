// Keeps one name of each directory, and measures the memory that this takes.
import { fwalk } from 'fdkit'

import { answer, args } from '../context.mjs'

const [top, bytes] = args
const given = bytes ? Buffer.from(top) : top
const collect = () => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage()
}
for (const _ of fwalk(given));
const before = collect()
const kept = []
for (const [, , filenames] of fwalk(given)) if (filenames.length) kept.push(filenames[500])
const after = collect()
answer({
  kept: kept.length,
  heap: after.heapUsed - before.heapUsed,
  external: after.external - before.external,
})
