// The time to hand 256 MiB to another process, until that has summed them.
import { bars, barsOf } from '../harness/bars.js'
import { program, resident } from '../harness/candidate.js'
import { interleave, median, ratio, type Outcome } from '../harness/interleave.js'
import { printTable, type Target } from '../harness/report.js'
import { runtimes, type Runtime } from '../harness/runtimes.js'
import { savePlot } from '../harness/svg.js'

const ROUNDS = 5
const WARMUP = 1

type Candidate = readonly [label: string, way: string]

function print(title: string, outcomes: Outcome[]): void {
  const [alone, ours] = outcomes as [Outcome, Outcome]
  const rows = outcomes.map((outcome) => {
    const time = (nanoseconds: number) => `${(nanoseconds / 1e6).toFixed(1)} ms`
    const over = outcome.rounds.map((nanoseconds, round) => nanoseconds - alone.rounds[round]!)
    const row = [outcome.label, time(outcome.nanoseconds), `${ratio(outcome, alone).toFixed(2)} x`]
    if (outcome === alone) return row
    return [...row, `${time(median(over))} over it`, `${ratio(outcome, ours).toFixed(2)} x ours`]
  })
  printTable(title, rows)
}

/** Writes the plot. The first outcomes are the summing alone, and fdkit's. */
function writePlot(outcomes: Outcome[], version: string): void {
  const [alone = '', ours = '', , copied = '', ...others] = outcomes.map(({ label }) => label)
  const names = {
    [alone]: 'the summing alone',
    [ours]: 'a Memfd that the child maps',
    [copied]: 'copied into a Memfd first',
    ...Object.fromEntries(others.map((label) => [label, label.replace('serialization: ', '')])),
  }
  const groups = [{ title: '', bars: barsOf(outcomes, 1e6, names, [ours, copied]) }]
  const title = `256 MiB to a child that sums the bytes (Node.js ${version})`
  savePlot('handing', bars({ title, suite: 'handing', unit: 'ms', groups }))
}

/** Returns the ratio of fdkit's time to that of the summing alone. */
async function measure(
  { command, version }: Runtime,
  what: string,
  candidates: Candidate[],
  isPlotted = false,
): Promise<number> {
  const outcomes = await interleave(
    candidates.map(([label, way]) => resident(label, command, '--expose-gc', program('handing'), way, what)),
    ROUNDS,
    WARMUP,
  )
  print(`256 MiB to a child process that sums its ${what}, Node.js ${version}`, outcomes)
  if (isPlotted) writePlot(outcomes, version)
  const [alone, ours] = outcomes
  return ratio(ours!, alone!)
}

async function measureOn(runtime: Runtime, isPlotted: boolean): Promise<Target[]> {
  const { method, version } = runtime
  const ours: Candidate[] = [
    ['the summing alone', 'alone'],
    [`Memfd, ${method}`, method],
    ['the same, without populate', `${method}Lazily`],
  ]
  const all: Candidate[] = [
    ...ours,
    ['copied into a new one first', `${method}Copy`],
    ["process.send, serialization: 'advanced'", 'send'],
    ['a pipe, node:net', 'pipe'],
    ['a pipe, readSync', 'pipeSync'],
    ['a file in /dev/shm, readFileSync', 'file'],
  ]
  const bytes = await measure(runtime, 'bytes', all, isPlotted)
  // The faster the summing is, the more the hand-over weighs.
  const numbers = await measure(runtime, 'numbers', ours)
  const what = `256 MiB by ${method}, ${version}, to the summing alone of`
  return [
    { what: `${what} bytes`, figure: bytes, unit: 'x', atMost: 1.25 },
    { what: `${what} numbers`, figure: numbers, unit: 'x', atMost: 1.25 },
  ]
}

export async function measureHanding(isPlotted: boolean): Promise<Target[]> {
  const targets: Target[] = []
  for (const [index, runtime] of runtimes().entries()) {
    targets.push(...(await measureOn(runtime, isPlotted && index === 0)))
  }
  return targets
}
