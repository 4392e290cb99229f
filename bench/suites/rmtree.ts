// The time to delete a tree that is created anew for each run, in memory and on a disk.
import { existsSync, mkdtempSync, renameSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { bars, barsOf, type Bar } from '../harness/bars.js'
import { inJavaScript, inPython, inRust, transient, type Candidate } from '../harness/candidate.js'
import { interleave, pick, ratio } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'
import { savePlot } from '../harness/svg.js'
import { removeTree } from '../harness/tree.js'

const MEMORY = '/dev/shm'

// In memory, and on the disk.
const BASES = [MEMORY, tmpdir()].filter((base) => existsSync(base))

const ROUNDS = 5
const WARMUP = 1

const trees = [
  { what: '30,000 files in 1,000 directories', maker: 'make-1000x30', atMost: 0.75 },
  { what: '100,000 files in one directory', maker: 'make-1x100000', atMost: 1 },
]

const RM = 'rm -rf, with its start'

// statfs(2) has the numbers.
const FILE_SYSTEMS = new Map([
  [0xef53, 'ext4'],
  [0x0102_1994, 'tmpfs'],
  [0x794c_7630, 'overlayfs'],
])
const fileSystem = (base: string) => FILE_SYSTEMS.get(statfsSync(base).type) ?? base

/**
 * Creates the trees of all runs, and returns a function that puts the next one in its place. ext4
 * searches for inodes that were not freed a moment ago, so creating a tree after a deletion takes
 * minutes.
 */
async function supply(make: Candidate, top: string, candidates: number): Promise<() => Promise<void>> {
  const trees: string[] = []
  for (let number = 0; number < candidates * (ROUNDS + WARMUP); number++) {
    await make.run()
    renameSync(top, `${top}-${number}`)
    trees.push(`${top}-${number}`)
  }
  return async () => {
    const tree = trees.pop()
    if (tree !== undefined) renameSync(tree, top)
  }
}

interface Measured {
  title: string
  bars: Bar[]
  target: Target
}

async function measureOne({ what, maker, atMost }: (typeof trees)[number], base: string): Promise<Measured> {
  const place = mkdtempSync(join(base, 'fdkit-bench-'))
  const top = join(place, 'top')
  const make = inRust(maker, maker, top)
  try {
    const candidates = [
      inJavaScript('rmtree', 'rmtree', top),
      inJavaScript('promises.rmtree', 'rmtreeLater', top),
      transient(RM, 'rm', '-rf', top),
      inPython('shutil.rmtree', 'rmtree', top),
      inJavaScript('fs.rmSync', 'rmOfNode', top),
      inJavaScript('fs.promises.rm', 'rmOfNodeLater', top),
    ]
    const next = base === MEMORY ? () => make.run() : await supply(make, top, candidates.length)
    const onNewTree = (candidate: Candidate) => ({ ...candidate, prepare: next })
    const outcomes = await interleave(candidates.map(onNewTree), ROUNDS, WARMUP)
    const title = `${what}, on ${fileSystem(base)}`
    printOutcomes(`Deleting ${title}`, outcomes, 'ms', 1e6)
    const figure = ratio(outcomes[0]!, pick(outcomes, RM))
    const names = {
      rmtree: 'fdkit',
      'promises.rmtree': 'fdkit/promises',
      [RM]: 'rm -rf',
      'shutil.rmtree': 'shutil.rmtree of CPython',
      'fs.rmSync': 'fs.rmSync, recursive',
      'fs.promises.rm': 'fs.promises.rm, recursive',
    }
    return {
      title,
      bars: barsOf(outcomes, 1e6, names, ['rmtree', 'promises.rmtree']),
      target: { what: `rmtree of ${title}, to rm -rf`, figure, unit: 'x', atMost },
    }
  } finally {
    make.close()
    removeTree(place)
  }
}

export async function measureRmtree(isPlotted: boolean): Promise<Target[]> {
  const measured: Measured[] = []
  for (const base of BASES) {
    // On a disk, creating so many large directories takes far longer than deleting them.
    const chosen = base === MEMORY ? trees : trees.slice(0, 1)
    for (const tree of chosen) measured.push(await measureOne(tree, base))
  }
  if (isPlotted) {
    // The trees in one file system: what a disk adds is the same for all.
    const groups = measured.slice(0, trees.length)
    const plot = { title: 'Time of a deletion', suite: 'rmtree', unit: 'ms', groups }
    savePlot('rmtree', bars({ ...plot, isScaledByGroup: true }))
  }
  return measured.map(({ target }) => target)
}
