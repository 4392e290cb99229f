// Measures fdkit beside what else there is, on one tree, in turns. See README.md.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { buildPrograms, inJavaScript, inPython, inRust, python, transient } from './candidate.js'
import { measureDelay } from './delay.js'
import { measureRmtree } from './deleting.js'
import { measureHanding } from './handing.js'
import { interleave, pick, ratio } from './interleave.js'
import { measureLeaks } from './leaks.js'
import { measureStat, measureStatPromises } from './looking.js'
import { measureMemory } from './memory.js'
import { measureMessages } from './messages.js'
import { printOutcomes, printTargets, type Target } from './report.js'
import { addonSize, measureImport } from './startup.js'
import { makeTree, removeTree } from './tree.js'

const ROUNDS = 15
const WARMUP = 3
const CALLS = 2_000
const CALL_ROUNDS = 40

const FLOOR = 'floor: a bare loop in Rust'
const TOP_DOWN = 'fdkit in JavaScript, top-down'
const BOTTOM_UP = 'fdkit in JavaScript, bottom-up'
const PYTHON = "CPython's os.fwalk"
const READDIR = 'fs.readdirSync, recursive, with types'
const FDIR = 'fdir'

const here = fileURLToPath(new URL('.', import.meta.url))
process.chdir(join(here, '..'))

function output(command: string, ...argv: string[]): string {
  return execFileSync(command, argv, { encoding: 'utf8' }).split('\n', 1)[0]!
}

function printVersions(): void {
  const { version: fdir } = JSON.parse(readFileSync('node_modules/fdir/package.json', 'utf8'))
  console.log(`Node.js ${process.version}, ${output(python, '--version')}, fdir ${fdir}`)
  console.log(`${output('find', '--version')}, ${output('rustc', '--version')}`)
  console.log(`Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}`)
}

async function measureWalks(top: string): Promise<Target[]> {
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

async function measureMemfd(): Promise<Target> {
  const calls = String(CALLS)
  const outcomes = await interleave(
    [
      inRust('bare loop in Rust', 'memfd', calls),
      inRust('the same, beside 8 idle threads', 'memfd-threads', calls),
      inJavaScript('memfdCreate, fs.closeSync', 'memfd', calls),
      inPython('os.memfd_create, os.close', 'memfd', calls),
    ],
    CALL_ROUNDS,
    WARMUP,
  )
  printOutcomes('A memory file made and closed', outcomes, 'ns', CALLS)
  const [floor, , fdkit] = outcomes
  const figure = ratio(fdkit!, floor!)
  return { what: 'memfdCreate and close, to the bare loop', figure, unit: 'x', atMost: 1.3 }
}

function measureMemoryTargets(): Target[] {
  const { growth, perKeptName } = measureMemory()
  const what = 'memory: 1,000,000 entries over 10,000'
  return [
    { what, figure: growth / 1e6, unit: 'MB', atMost: 30 },
    { what: 'memory: one name kept of each 100', figure: perKeptName, unit: 'bytes', atMost: 100 },
  ]
}

printVersions()
execFileSync('cargo', ['build', '--quiet', '--release', '--package', 'fdkit', '--example', 'bench'])
await buildPrograms()
const given = process.argv[2]
const top = given ?? makeTree()
try {
  const targets = [
    ...(await measureWalks(top)),
    await measureMemfd(),
    ...(await measureHanding()),
    ...(await measureMessages()),
    ...measureLeaks(),
    ...(await measureStat()),
    await measureStatPromises(),
    ...(await measureRmtree()),
    ...(await measureDelay(top)),
    ...measureMemoryTargets(),
    { what: "import 'fdkit'", figure: await measureImport(), unit: 'ms', atMost: 8 },
    { what: 'the addon', figure: addonSize() / 1e3, unit: 'kB', atMost: 660 },
  ]
  printTargets(targets)
} finally {
  if (given === undefined) removeTree(top)
}
