// The time of round trips of small messages between two processes.
import { bars, barsOf } from '../harness/bars.js'
import { program, resident } from '../harness/candidate.js'
import { interleave, pick, ratio, type Outcome } from '../harness/interleave.js'
import { printTable, type Target } from '../harness/report.js'
import { runtimes, type Runtime } from '../harness/runtimes.js'
import { savePlot } from '../harness/svg.js'

const ROUNDS = 7
const WARMUP = 2

// The number of round trips whose time a run prints.
const TIMES = 1_000

const JSON = "process.send, serialization: 'json'"
const ADVANCED = "process.send, serialization: 'advanced'"
const SOCKET = 'a Unix socket'
const PIPES = 'two named pipes, readSync and writeSync'

/** Writes the plot. The first outcome is fdkit's. */
function writePlot(outcomes: Outcome[], version: string): void {
  const [ours = ''] = outcomes.map(({ label }) => label)
  const names = {
    [ours]: 'shared memory, futexWait',
    [PIPES]: 'two named pipes, readSync',
    [SOCKET]: 'a Unix socket, node:net',
    [ADVANCED]: "process.send, 'advanced'",
    [JSON]: "process.send, 'json'",
  }
  const groups = [{ title: '', bars: barsOf(outcomes, TIMES * 1e3, names, [ours]) }]
  const title = `A round trip of 64 bytes between two processes (Node.js ${version})`
  savePlot('messages', bars({ title, suite: 'messages', unit: 'µs', groups }))
}

async function measureOn({ command, version, method }: Runtime, isPlotted: boolean): Promise<Target> {
  const candidate = (label: string, ...argv: string[]) =>
    resident(label, command, program('messages'), ...argv)
  const outcomes = await interleave(
    [
      candidate(`${method}, futexWait and futexWake`, 'futex'),
      candidate(JSON, 'json'),
      candidate(ADVANCED, 'advanced'),
      candidate(SOCKET, 'socket'),
      candidate(PIPES, 'fifo'),
    ],
    ROUNDS,
    WARMUP,
  )
  const [ours] = outcomes
  const rows = outcomes.map((outcome) => [
    outcome.label,
    `${Math.round(TIMES / (outcome.nanoseconds / 1e9))} a second`,
    `${(outcome.nanoseconds / TIMES / 1e3).toFixed(2)} µs`,
    `${ratio(outcome, ours!).toFixed(2)} x`,
  ])
  printTable(`Round trips of 64 bytes between two processes, Node.js ${version}`, rows)
  if (isPlotted) writePlot(outcomes, version)
  const peers = [JSON, ADVANCED, SOCKET].map((label) => pick(outcomes, label))
  const [best] = peers.toSorted((a, b) => a.nanoseconds - b.nanoseconds)
  const what = `round trips by ${method}, ${version}: times as many as by ${best!.label}`
  return { what, figure: ratio(best!, ours!), unit: 'x', atLeast: 4 }
}

export async function measureMessages(isPlotted: boolean): Promise<Target[]> {
  const targets: Target[] = []
  for (const [index, runtime] of runtimes().entries()) {
    targets.push(await measureOn(runtime, isPlotted && index === 0))
  }
  return targets
}
