// Round trips of small messages between two processes.
import { supportsSharedMapping } from 'fdkit'

import { program, resident } from './candidate.js'
import { interleave, pick, ratio } from './interleave.js'
import { printTable, type Target } from './report.js'

const ROUNDS = 25
const WARMUP = 10
const TIMES = 2_000

const method = supportsSharedMapping ? 'share' : 'map'
const LOOKS = `${method}, a look for some 50 µs, futexWait`
const SEND = "process.send, serialization: 'json'"
const ADVANCED = "process.send, serialization: 'advanced'"
const SOCKET = 'a Unix socket, node:net'

const ways = {
  looks: LOOKS,
  futex: `${method}, futexWait at once`,
  json: SEND,
  advanced: ADVANCED,
  socket: SOCKET,
  fifo: 'two named pipes, readSync and writeSync',
}

export async function measureMessages(): Promise<Target> {
  const outcomes = await interleave(
    Object.entries(ways).map(([way, label]) =>
      resident(label, process.execPath, program('ping'), way, String(TIMES)),
    ),
    ROUNDS,
    WARMUP,
  )
  const [ours] = outcomes
  printTable(
    'Round trips of a message of 64 bytes between two processes',
    outcomes.map((outcome) => [
      outcome.label,
      `${Math.round(TIMES / (outcome.nanoseconds / 1e9))} a second`,
      `${(outcome.nanoseconds / TIMES / 1e3).toFixed(2)} µs`,
      `${ratio(ours!, outcome).toFixed(3)} x`,
    ]),
  )
  const peers = [SEND, ADVANCED, SOCKET].map((label) => pick(outcomes, label))
  const [best] = peers.toSorted((a, b) => a.nanoseconds - b.nanoseconds)
  const what = `round trips by futex: times as many as by ${best!.label}`
  return { what, figure: ratio(best!, ours!), unit: 'x', atLeast: 4 }
}
