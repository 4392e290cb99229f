// The time to delete a tree that is created anew for each run.
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { inJavaScript, inPython, inRust, transient, type Candidate } from '../harness/candidate.js'
import { interleave, ratio } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'
import { removeTree } from '../harness/tree.js'

// In memory, if possible. ext4 does not reuse an inode for a minute after its deletion, and takes
// longer and longer to find others, so creating the trees would take an hour.
const BASE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const ROUNDS = 5
const WARMUP = 1

const trees = [
  { what: '30,000 files in 1,000 directories', maker: 'make-1000x30' },
  { what: '100,000 files in one directory', maker: 'make-1x100000' },
]

async function measureOne(what: string, maker: string): Promise<Target> {
  const place = mkdtempSync(join(BASE, 'fdkit-bench-'))
  const top = join(place, 'top')
  const make = inRust(maker, maker, top)
  const onNewTree = (candidate: Candidate) => ({ ...candidate, prepare: () => make.run() })
  try {
    const outcomes = await interleave(
      [
        inJavaScript('rmtree', 'rmtree', top),
        inJavaScript('promises.rmtree', 'rmtreeLater', top),
        transient('rm -rf, with its start', 'rm', '-rf', top),
        inPython('shutil.rmtree', 'rmtree', top),
        inJavaScript('fs.rmSync', 'rmOfNode', top),
        inJavaScript('fs.promises.rm', 'rmOfNodeLater', top),
      ].map(onNewTree),
      ROUNDS,
      WARMUP,
    )
    printOutcomes(`Deleting ${what}, below ${BASE}`, outcomes, 'ms', 1e6)
    const [fdkit, , ...peers] = outcomes
    const [fastest] = peers.toSorted((a, b) => a.nanoseconds - b.nanoseconds)
    const figure = ratio(fdkit!, fastest!)
    return { what: `rmtree of ${what}, to ${fastest!.label}`, figure, unit: 'x', atMost: 1.05 }
  } finally {
    make.close()
    removeTree(place)
  }
}

export async function measureRmtree(): Promise<Target[]> {
  const targets: Target[] = []
  for (const { what, maker } of trees) targets.push(await measureOne(what, maker))
  return targets
}
