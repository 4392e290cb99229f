// The time to walk a tree, with fdkit and its alternatives.
import { inJavaScript, inPython, inRust, transient } from '../harness/candidate.js'
import { interleave, pick, ratio } from '../harness/interleave.js'
import { printOutcomes, type Target } from '../harness/report.js'

const ROUNDS = 15
const WARMUP = 3

const FLOOR = 'floor: a bare loop in Rust'
const TOP_DOWN = 'fdkit in JavaScript, top-down'
const BOTTOM_UP = 'fdkit in JavaScript, bottom-up'
const PYTHON = "CPython's os.fwalk"
const READDIR = 'fs.readdirSync, recursive, with types'
const FDIR = 'fdir'

/** Measures walks of the tree below `top`. */
export async function measureWalks(top: string): Promise<Target[]> {
  const outcomes = await interleave(
    [
      inRust(FLOOR, 'floor', top),
      inRust('fdkit in Rust', 'fdkit', top),
      inJavaScript(TOP_DOWN, 'topdown', top),
      inJavaScript(BOTTOM_UP, 'bottomup', top),
      inPython(PYTHON, 'fwalk', top),
      inJavaScript(READDIR, 'readdir', top),
      inJavaScript(FDIR, 'fdir', top),
      transient('find, with its start', 'find', top, '-printf', ''),
    ],
    ROUNDS,
    WARMUP,
  )
  const [floor] = outcomes
  printOutcomes(`A walk: ${floor!.seen}`, outcomes, 'ms', 1e6)
  for (const { label, seen } of outcomes) {
    if (seen !== undefined && seen !== floor!.seen) console.log(`  ${label} saw ${seen}!`)
  }
  const [topdown, bottomup] = [pick(outcomes, TOP_DOWN), pick(outcomes, BOTTOM_UP)]
  const timesAsFast = (label: string) => ratio(pick(outcomes, label), topdown)
  return [
    { what: 'fwalk top-down, to the floor', figure: ratio(topdown, floor!), unit: 'x', atMost: 1.3 },
    { what: 'fwalk bottom-up, to the floor', figure: ratio(bottomup, floor!), unit: 'x', atMost: 1.3 },
    { what: `times as fast as ${PYTHON}`, figure: timesAsFast(PYTHON), unit: 'x', atLeast: 2.5 },
    { what: `times as fast as ${FDIR}`, figure: timesAsFast(FDIR), unit: 'x', atLeast: 1 },
    { what: `times as fast as ${READDIR}`, figure: timesAsFast(READDIR), unit: 'x', atLeast: 1 },
  ]
}
