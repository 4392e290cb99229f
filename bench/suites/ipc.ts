// Messages with descriptors: round trips to another process, many descriptors, and idle sockets.
import { program, python, resident } from '../harness/candidate.js'
import { interleave, pick, ratio } from '../harness/interleave.js'
import { printTable, type Target } from '../harness/report.js'

const ROUNDS = 9
const WARMUP = 2
// The number of round trips whose time a run prints.
const TIMES = 1_000

const BLOCKING = 'sendFds and recvFds'
const PYTHON = 'CPython, socket.send_fds and socket.recv_fds'

const inNode = (label: string, way: string) => resident(label, process.execPath, program('ipc'), way)
const inPython = (way: string) => resident(PYTHON, python, 'bench/programs/ipc.py', way)

async function measureRoundTrips(): Promise<Target> {
  const candidates = [
    inNode(BLOCKING, 'blocking'),
    inNode('FdSocket, send and receive', 'promised'),
    inPython('blocking'),
  ]
  const outcomes = await interleave(candidates, ROUNDS, WARMUP)
  const [ours] = outcomes
  const rows = outcomes.map((outcome) => [
    outcome.label,
    `${Math.round(TIMES / (outcome.nanoseconds / 1e9))} a second`,
    `${(outcome.nanoseconds / TIMES / 1e3).toFixed(2)} µs`,
    `${ratio(outcome, ours!).toFixed(2)} x`,
  ])
  printTable('Round trips of 64 bytes with a descriptor between two processes', rows)
  const figure = ratio(ours!, pick(outcomes, PYTHON))
  return { what: `round trips by ${BLOCKING}: time to that of CPython`, figure, unit: 'x', atMost: 1.25 }
}

async function measureThousand(): Promise<Target> {
  const candidates = [inNode('FdSocket, send and receive', 'thousand'), inPython('thousand')]
  const outcomes = await interleave(candidates, ROUNDS, WARMUP)
  const [ours, theirs] = outcomes
  const rows = outcomes.map((outcome) => [
    outcome.label,
    `${(outcome.nanoseconds / 1e6).toFixed(2)} ms`,
    `${ratio(outcome, ours!).toFixed(2)} x`,
  ])
  printTable('1,000 descriptors through one socket, received and closed', rows)
  const figure = ratio(ours!, theirs!)
  return { what: '1,000 descriptors by FdSocket: time to that of CPython', figure, unit: 'x', atMost: 2 }
}

async function measureIdle(): Promise<Target> {
  const [outcome] = await interleave([inNode('100 waiting sockets', 'idle')], 5, 1)
  const figure = outcome!.nanoseconds / 1e6
  printTable('Processor time of idle sockets', [[outcome!.label, `${figure.toFixed(2)} ms in a second`]])
  return { what: 'processor time of 100 waiting sockets in a second', figure, unit: 'ms', atMost: 5 }
}

export async function measureIpc(): Promise<Target[]> {
  return [await measureRoundTrips(), await measureThousand(), await measureIdle()]
}
