// The memory that a walk takes, and the memory that a kept name keeps alive.
import { execFileSync } from 'node:child_process'

import { program } from '../harness/candidate.js'
import type { Target } from '../harness/report.js'
import { makeWideTree, removeTree } from '../harness/tree.js'
import type { Memory } from '../programs/memory.js'

function walkOnce(top: string, keep = ''): Memory {
  const argv = ['--expose-gc', program('memory'), top, keep]
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as Memory
}

function measure(): { growth: number; perKeptName: number } {
  // The difference in bytes between a walk over a million entries and one over ten thousand.
  const small = makeWideTree(100)
  const large = makeWideTree(10_000)
  try {
    const growth = walkOnce(large).peakBytes - walkOnce(small).peakBytes
    const { kept, keptBytes } = walkOnce(large, 'keep')
    return { growth, perKeptName: keptBytes / kept }
  } finally {
    removeTree(small)
    removeTree(large)
  }
}

export function measureMemory(): Target[] {
  const { growth, perKeptName } = measure()
  const what = 'memory: 1,000,000 entries over 10,000'
  return [
    { what, figure: growth / 1e6, unit: 'MB', atMost: 30 },
    { what: 'memory: one name kept of each 100', figure: perKeptName, unit: 'bytes', atMost: 100 },
  ]
}
