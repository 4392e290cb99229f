// Handing 256 MiB to another process, until that has summed them.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { supportsSharedMapping } from 'fdkit'

import { program, resident } from './candidate.js'
import { interleave, median, ratio, type Outcome } from './interleave.js'
import { printTable, type Target } from './report.js'

const ROUNDS = 5
const WARMUP = 2

// It can share, where process.execPath cannot.
const OTHER = 'build/runtimes/node-24/node_modules/.bin/node'

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

/** The time of the second to that of the first, which is the summing alone. */
async function measure(node: string, what: string, candidates: Candidate[]): Promise<number> {
  const outcomes = await interleave(
    candidates.map(([label, way]) =>
      resident(label, node, '--expose-gc', program('hand-over'), way, what),
    ),
    ROUNDS,
    WARMUP,
  )
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  print(`256 MiB to a child process that sums its ${what}, Node.js ${version}`, outcomes)
  const [alone, ours] = outcomes
  return ratio(ours!, alone!)
}

async function measureOn(node: string, canShare: boolean): Promise<number> {
  const ours: Candidate[] = [
    ['the summing alone', 'alone'],
    canShare ? ['Memfd, share', 'share'] : ['Memfd, map', 'map'],
  ]
  const figure = await measure(node, 'bytes', [
    ...ours,
    ['the same, copied into a new one first', canShare ? 'copyShare' : 'copyMap'],
    ["process.send, serialization: 'advanced'", 'send'],
    ['a pipe', 'pipe'],
    ['a file in /dev/shm, readFileSync', 'file'],
  ])
  await measure(node, 'numbers', ours)
  return figure
}

export async function measureHanding(): Promise<Target[]> {
  const what = (method: string) => `256 MiB handed over by ${method}, to the summing alone`
  const target = { unit: 'x', atMost: 1.25 }
  const figure = await measureOn(process.execPath, supportsSharedMapping)
  const targets = [{ what: what(supportsSharedMapping ? 'share' : 'map'), figure, ...target }]
  if (!supportsSharedMapping && existsSync(OTHER)) {
    const figure = await measureOn(OTHER, true)
    targets.push({ what: what('share on Node.js 24'), figure, ...target })
  }
  return targets
}
