// The time to walk a tree, with fdkit and its alternatives.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { bars, barsOf } from '../harness/bars.js'
import { inJavaScript, inPython, inRust, transient } from '../harness/candidate.js'
import { interleave, pick, ratio, type Outcome } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'
import { savePlot } from '../harness/svg.js'
import { removeTree } from '../harness/tree.js'

const ROUNDS = 15
const WARMUP = 3

const FLOOR = 'floor: a bare loop in Rust'
const TOP_DOWN = 'fwalk, top-down'
const BOTTOM_UP = 'fwalk, bottom-up'
const NO_THREADS = 'fwalk, threads: 0'
const LATER = 'fwalk of fdkit/promises'
const PYTHON = "CPython's os.fwalk"
const READDIR = 'fs.readdirSync, recursive, with types'
const READDIR_LATER = 'fs.promises.readdir, recursive, with types'
const FDIR = 'fdir'
const FDIR_LATER = 'fdir, asynchronous'
const FD = 'fd -u, with its start'

// Debian calls it fdfind.
const fd = ['fd', 'fdfind'].find((name) => spawnSync(name, ['--version']).status === 0)

const FIND = 'find, with its start'

/** Writes the plot of the walks of one tree. */
function writePlot(outcomes: Outcome[]): void {
  const own = [TOP_DOWN, NO_THREADS, LATER]
  const part = (names: Record<string, string>) => barsOf(outcomes, 1e6, names, own)
  const groups = [
    {
      title: 'synchronous',
      bars: part({
        [TOP_DOWN]: 'fdkit',
        [NO_THREADS]: 'fdkit, threads: 0',
        [FLOOR]: 'a bare loop in Rust, one thread',
        [FDIR]: 'fdir',
        [PYTHON]: 'os.fwalk of CPython',
        [READDIR]: 'fs.readdirSync, recursive',
        [FIND]: 'find',
        [FD]: 'fd',
      }),
    },
    {
      title: 'asynchronous',
      bars: part({
        [LATER]: 'fdkit/promises',
        [FDIR_LATER]: 'fdir',
        [READDIR_LATER]: 'fs.promises.readdir, recursive',
      }),
    },
  ]
  const title = `Time of a walk: ${outcomes[0]!.seen}`
  savePlot('walk', bars({ title, suite: 'walk', unit: 'ms', groups }))
}

async function measureTree(top: string, name: string, isPlotted: boolean): Promise<Target[]> {
  const outcomes = await interleave(
    [
      inRust(FLOOR, 'floor', top),
      inRust('fdkit in Rust', 'fdkit', top),
      inJavaScript(TOP_DOWN, 'topdown', top),
      inJavaScript(BOTTOM_UP, 'bottomup', top),
      inJavaScript(NO_THREADS, 'topdown-threads-0', top),
      inJavaScript(LATER, 'walkLater', top),
      inJavaScript(`${LATER}, exact: true`, 'walkLaterExactly', top),
      inPython(PYTHON, 'fwalk', top),
      inJavaScript(READDIR, 'readdir', top),
      inJavaScript(READDIR_LATER, 'readdirLater', top),
      inJavaScript(FDIR, 'fdir', top),
      inJavaScript(FDIR_LATER, 'fdirLater', top),
      transient(FIND, 'find', top, '-printf', ''),
      ...(fd === undefined ? [] : [transient(FD, fd, '-u', '.', top)]),
    ],
    ROUNDS,
    WARMUP,
  )
  const [floor] = outcomes
  printOutcomes(`A walk of ${name}: ${floor!.seen}`, outcomes, 'ms', 1e6)
  for (const { label, seen } of outcomes) {
    if (seen !== undefined && seen !== floor!.seen) console.log(`  ${label} saw ${seen}!`)
  }
  if (isPlotted) writePlot(outcomes)
  const toFloor = (label: string) => ratio(pick(outcomes, label), floor!)
  const timesAsFast = (label: string, as: string) => ratio(pick(outcomes, as), pick(outcomes, label))
  const at = `on ${name}`
  return [
    { what: `${TOP_DOWN}, to the floor, ${at}`, figure: toFloor(TOP_DOWN), unit: 'x', atMost: 0.85 },
    { what: `${BOTTOM_UP}, to the floor, ${at}`, figure: toFloor(BOTTOM_UP), unit: 'x', atMost: 0.85 },
    { what: `${NO_THREADS}, to the floor, ${at}`, figure: toFloor(NO_THREADS), unit: 'x', atMost: 1.3 },
    { what: `${LATER}, to the floor, ${at}`, figure: toFloor(LATER), unit: 'x', atMost: 1 },
    {
      what: `${LATER}: times as fast as ${FDIR_LATER}, ${at}`,
      figure: timesAsFast(LATER, FDIR_LATER),
      unit: 'x',
      atLeast: 1,
    },
    {
      what: `times as fast as ${PYTHON}, ${at}`,
      figure: timesAsFast(TOP_DOWN, PYTHON),
      unit: 'x',
      atLeast: 3,
    },
    { what: `times as fast as ${FDIR}, ${at}`, figure: timesAsFast(TOP_DOWN, FDIR), unit: 'x', atLeast: 1 },
    {
      what: `times as fast as ${READDIR}, ${at}`,
      figure: timesAsFast(TOP_DOWN, READDIR),
      unit: 'x',
      atLeast: 1,
    },
    ...(fd === undefined
      ? []
      : [
          { what: `times as fast as ${FD}, ${at}`, figure: timesAsFast(TOP_DOWN, FD), unit: 'x', atLeast: 1 },
        ]),
  ]
}

/** Measures walks of a tree that is too small for threads. */
async function measureSmall(): Promise<Target> {
  const top = mkdtempSync(join(tmpdir(), 'fdkit-bench-'))
  try {
    for (let directory = 0; directory < 9; directory++) {
      mkdirSync(join(top, `directory-${directory}`))
      for (let file = 0; file < 10; file++)
        writeFileSync(join(top, `directory-${directory}`, `file-${file}`), '')
    }
    const outcomes = await interleave(
      [inJavaScript(NO_THREADS, 'topdown-threads-0', top), inJavaScript(TOP_DOWN, 'topdown', top)],
      20 * ROUNDS,
      20 * WARMUP,
    )
    printOutcomes(`A walk of a small tree: ${outcomes[0]!.seen}`, outcomes, 'µs', 1e3)
    const figure = ratio(outcomes[1]!, outcomes[0]!)
    return { what: `${TOP_DOWN}, to ${NO_THREADS}, in 10 directories`, figure, unit: 'x', atMost: 1.05 }
  } finally {
    removeTree(top)
  }
}

/** Measures walks of the tree below `top`, of /usr, and of a small tree. */
export async function measureWalks(top: string, isPlotted: boolean): Promise<Target[]> {
  return [
    ...(await measureTree(top, 'the tree', isPlotted)),
    ...(await measureTree('/usr', '/usr', false)),
    await measureSmall(),
  ]
}
