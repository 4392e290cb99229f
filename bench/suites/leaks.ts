// The resources that remain after memory files are closed.
import { execFileSync } from 'node:child_process'

import { program } from '../harness/candidate.js'
import type { Left } from '../programs/leaks.js'
import { printTable, type Target } from '../harness/report.js'

const FILES = 100_000
const PER_TURN = 100

function left(times: number, perTurn: number): Left[] {
  const argv = [program('leaks'), String(times), String(perTurn)]
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as Left[]
}

const row = (label: string, { fds, mappings, bytes }: Left) => [
  label,
  `${fds} fds`,
  `${mappings} mappings`,
  `${(bytes / 1e6).toFixed(1)} MB`,
]

export function measureLeaks(): Target[] {
  const [inTurns] = left(1, PER_TURN) as [Left]
  const [first, second, third] = left(3, FILES) as [Left, Left, Left]
  printTable('What 100,000 memory files leave, made, mapped, unmapped and closed', [
    row(`a turn of the event loop after each ${PER_TURN}`, inTurns),
    row('none in between', first),
    row('the second 100,000 of the same process', second),
    row('the third', third),
  ])
  const what = (what: string) => `${what} of 100,000 memory files that stay`
  return [
    { what: what('fds'), figure: inTurns.fds, unit: '', atMost: 0 },
    { what: what('mappings'), figure: inTurns.mappings, unit: '', atMost: 0 },
    { what: what('memory'), figure: inTurns.bytes / 1e6, unit: 'MB', atMost: 5 },
  ]
}
