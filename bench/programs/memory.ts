// Makes one walk in a process of its own, and prints the memory that it took and that remains
// afterwards, in bytes.
import { fwalk } from 'fdkit'

const [top = '.', keep] = process.argv.slice(2)

/** The result that the parent process reads. */
export interface Memory {
  entries: number
  kept: number
  peakBytes: number
  keptBytes: number
}

function heapUsed(): number {
  global.gc!()
  return process.memoryUsage().heapUsed
}

const kept: string[] = []
let entries = 0
const before = heapUsed()
for (const [, dirnames, filenames] of fwalk(top)) {
  entries += dirnames.length + filenames.length
  if (keep && filenames[0] !== undefined) kept.push(filenames[0])
}
const peakBytes = process.resourceUsage().maxRSS * 1024
const keptBytes = heapUsed() - before
console.log(JSON.stringify({ entries, kept: kept.length, peakBytes, keptBytes } satisfies Memory))
