// How much memory a walk takes, and what a kept name keeps alive.
import { execFileSync } from 'node:child_process'

import { program } from './candidate.js'
import { makeWideTree, removeTree } from './tree.js'
import type { Memory } from './walk-once.js'

function walkOnce(top: string, keep = ''): Memory {
  const argv = ['--expose-gc', program('walk-once'), top, keep]
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as Memory
}

/** By how many bytes a walk over a million entries is larger than one over ten thousand. */
export function measureMemory(): { growth: number; perKeptName: number } {
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
