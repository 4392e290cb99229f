// What is left of memory files that are closed.
import { execFileSync } from 'node:child_process'

import { program } from './candidate.js'
import type { Left } from './memfds-once.js'
import { printTable, type Target } from './report.js'

const PER_TURN = 100

function left(...argv: string[]): Left[] {
  const output = execFileSync(process.execPath, [program('memfds-once'), ...argv], {
    encoding: 'utf8',
  })
  return JSON.parse(output) as Left[]
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

export function measureLeaks(): Target[] {
  const inTurns = left(String(PER_TURN))
  const inOne = left()
  const row = (label: string, several: Left[]) => [
    label,
    ...several.map(({ fds, mappings, bytes }) => `${fds} fds, ${mappings} mappings, ${megabytes(bytes)}`),
  ]
  printTable('More than before, after 100,000 memory files, after the next and the next', [
    row(`a turn of the event loop every ${PER_TURN}`, inTurns),
    row('none in between', inOne),
  ])
  const [first] = inTurns
  const what = '100,000 memory files made, mapped and closed'
  return [
    { what: `${what}: fds`, figure: first!.fds, unit: '', atMost: 0 },
    { what: `${what}: mappings`, figure: first!.mappings, unit: '', atMost: 0 },
    { what: `${what}: memory`, figure: first!.bytes / 1e6, unit: 'MB', atMost: 5 },
  ]
}
