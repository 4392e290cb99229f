// Measures fdkit and its alternatives in turns, on the same tree. See README.md.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { buildPrograms, python } from './harness/candidate.js'
import { printTargets, type Target } from './harness/report.js'
import { makeTree, removeTree } from './harness/tree.js'
import { measureDelay } from './suites/delay.js'
import { measureHanding } from './suites/handing.js'
import { measureIpc } from './suites/ipc.js'
import { measureLeaks } from './suites/leaks.js'
import { measureMemfd } from './suites/memfd.js'
import { measureMemory } from './suites/memory.js'
import { measureMessages } from './suites/messages.js'
import { measureRmtree } from './suites/rmtree.js'
import { measureRoot } from './suites/root.js'
import { measureScaling } from './suites/scaling.js'
import { measureSlow } from './suites/slow.js'
import { measureStartup } from './suites/startup.js'
import { measureStat, measureStatPromises } from './suites/stat.js'
import { measureUsage } from './suites/usage.js'
import { measureWalks } from './suites/walk.js'

/** The suites. Each measures, prints its table, and returns its targets. */
const suites: Record<string, (top: () => string, isPlotted: boolean) => Target[] | Promise<Target[]>> = {
  walk: (top, isPlotted) => measureWalks(top(), isPlotted),
  memfd: measureMemfd,
  handing: (_, isPlotted) => measureHanding(isPlotted),
  messages: (_, isPlotted) => measureMessages(isPlotted),
  ipc: measureIpc,
  leaks: measureLeaks,
  stat: async () => [...(await measureStat()), await measureStatPromises()],
  usage: measureUsage,
  rmtree: (_, isPlotted) => measureRmtree(isPlotted),
  root: measureRoot,
  delay: (top) => measureDelay(top()),
  slow: measureSlow,
  scaling: (_, isPlotted) => measureScaling(isPlotted),
  memory: measureMemory,
  startup: measureStartup,
}

const USAGE = `usage: npm run bench -- [--check] [--plots] [--only SUITE[,SUITE...]] [DIR]

Measures the walks below DIR, by default a tree that is made and removed again, and all the rest.
With --check the exit code is 1 if a target does not hold. With --plots, the suites that have
plots in the documentation (walk, scaling, rmtree, handing, messages) write them anew. Suites: ${Object.keys(suites).join(', ')}
`

process.chdir(join(fileURLToPath(new URL('.', import.meta.url)), '..'))

function output(command: string, ...argv: string[]): string {
  return execFileSync(command, argv, { encoding: 'utf8' }).split('\n', 1)[0]!
}

function printVersions(): void {
  const { version: fdir } = JSON.parse(readFileSync('node_modules/fdir/package.json', 'utf8'))
  console.log(`Node.js ${process.version}, ${output(python, '--version')}, fdir ${fdir}`)
  console.log(`${output('find', '--version')}, ${output('rustc', '--version')}`)
  console.log(`Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}`)
}

function readArguments() {
  const options = {
    check: { type: 'boolean' },
    plots: { type: 'boolean' },
    only: { type: 'string' },
    help: { type: 'boolean' },
  } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const names = values.only?.split(',') ?? Object.keys(suites)
  const unknown = names.find((name) => !Object.hasOwn(suites, name))
  if (unknown !== undefined) throw new Error(`no such suite: ${unknown}`)
  if (positionals.length > 1) throw new Error(`one directory only, not ${positionals.length}`)
  return { ...values, names, directory: positionals[0] }
}

async function measure({
  names,
  directory,
  plots = false,
}: {
  names: string[]
  plots?: boolean | undefined
  directory: string | undefined
}): Promise<Target[]> {
  printVersions()
  execFileSync('cargo', ['build', '--quiet', '--release', '--package', 'fdkit-bench'])
  await buildPrograms()
  let made: string | undefined
  const top = () => directory ?? (made ??= makeTree())
  const targets: Target[] = []
  try {
    for (const name of names) targets.push(...(await suites[name]!(top, plots)))
    return targets
  } finally {
    if (made !== undefined) removeTree(made)
  }
}

let given: ReturnType<typeof readArguments> | undefined
try {
  given = readArguments()
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n\n${USAGE}`)
  process.exitCode = 2
}
if (given?.help) process.stdout.write(USAGE)
else if (given) {
  const missed = printTargets(await measure(given))
  if (given.check && missed > 0) process.exitCode = 1
}
